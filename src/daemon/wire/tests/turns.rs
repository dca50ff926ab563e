//! Which frames may come when.

use super::super::{
    Abort, AbortReason, Client, End, Error, Flags, HEADER_LEN, Header, Identity, Kind, Order,
    Reply, Server, Ticket, limit,
};
use super::{WORKER, connected, frames, head, request, send_request};
use wsgi_core_abi::{Bytes, Level, MessageId, Outcome, SendFlags};

const END: End<'static> = End {
    outcome: Outcome {
        status: wsgi_core_abi::Status::OK,
        code: 200,
        head_sent: true,
        complete: true,
        bytes_in: 0,
        bytes_out: 0,
        application_start: 0.0,
        application_finish: 0.0,
    },
    id: MessageId::NONE,
    text: Bytes::ABSENT,
};

fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        kind,
        flags: Flags::NONE,
        length: payload.len() as u32,
    };
    [&header.encode()[..], payload].concat()
}

fn to_client(client: &mut Client, bytes: &[u8]) -> Result<(), Error> {
    frames(bytes, 4096, |frame| client.receive(frame).map(drop))
}

fn to_server(server: &mut Server, bytes: &[u8]) -> Result<(), Error> {
    frames(bytes, 4096, |frame| server.receive(frame).map(drop))
}

/// Both sides of a connection with a request that application code has.
fn accepted(last: bool) -> (Client, Server) {
    let (mut client, mut server) = connected();
    let (mut to_worker, mut to_host) = (Vec::new(), Vec::new());
    send_request(&mut client, &mut to_worker, b"", last);
    to_server(&mut server, &to_worker).unwrap();
    server.accepted(&mut to_host, false).unwrap();
    to_client(&mut client, &to_host).unwrap();
    (client, server)
}

#[test]
fn the_greeting_names_version_and_worker() {
    let other = Identity {
        generation: 8,
        ..WORKER
    };
    let mut hello = Vec::new();
    let mut client = Client::connect(WORKER, &mut hello).unwrap();
    let mut server = Server::accept(other, &mut Vec::new()).unwrap();
    assert_eq!(to_server(&mut server, &hello), Err(Error::Identity));

    let mut newer = hello.clone();
    newer[HEADER_LEN + 8] = 2;
    assert_eq!(
        to_client(&mut client, &newer),
        Err(Error::Version { theirs: 2 })
    );

    let mut server = Server::accept(WORKER, &mut Vec::new()).unwrap();
    hello[HEADER_LEN] = b'W';
    assert_eq!(to_server(&mut server, &hello), Err(Error::Magic));
}

#[test]
fn nothing_precedes_the_greeting_and_nothing_repeats_it() {
    let mut hello = Vec::new();
    let mut client = Client::connect(WORKER, &mut hello).unwrap();
    assert_eq!(
        to_client(&mut client, &frame(Kind::Accepted, b"")),
        Err(Error::Unexpected(Kind::Accepted))
    );
    let (mut client, mut server) = connected();
    assert_eq!(
        to_client(&mut client, &hello),
        Err(Error::Unexpected(Kind::Hello))
    );
    assert_eq!(
        to_server(&mut server, &hello),
        Err(Error::Unexpected(Kind::Hello))
    );
}

#[test]
fn a_request_may_follow_the_greeting_at_once() {
    let mut out = Vec::new();
    let mut client = Client::connect(WORKER, &mut out).unwrap();
    send_request(&mut client, &mut out, b"", true);
    let mut server = Server::accept(WORKER, &mut Vec::new()).unwrap();
    assert_eq!(to_server(&mut server, &out), Ok(()));
    assert!(!server.is_idle());
}

#[test]
fn there_are_only_questions_that_are_known() {
    for number in 0..=255 {
        let mut out = Vec::new();
        let mut client = Client::connect(WORKER, &mut out).unwrap();
        let asked = wsgi_core_abi::Request {
            native: wsgi_core_abi::NativeRequest::NONE,
            question: wsgi_core_abi::Question(number),
            ..request(&[])
        };
        client
            .request(&mut out, &asked, Level::Info, Ticket::default(), b"", true)
            .unwrap();
        let mut server = Server::accept(WORKER, &mut Vec::new()).unwrap();
        assert_eq!(
            to_server(&mut server, &out).is_ok(),
            number <= 5,
            "{number}"
        );
    }
}

#[test]
fn requests_come_one_at_a_time() {
    let (mut client, mut server) = accepted(true);
    let mut out = Vec::new();
    let again = client.request(
        &mut out,
        &request(&[]),
        Level::Info,
        Ticket::default(),
        b"",
        true,
    );
    assert_eq!(again, Err(Error::OutOfTurn(Kind::Request)));
    let (mut other, _) = connected();
    send_request(&mut other, &mut out, b"", true);
    assert_eq!(
        to_server(&mut server, &out),
        Err(Error::Unexpected(Kind::Request))
    );
}

#[test]
fn a_body_nobody_reads_is_never_sent() {
    let (mut client, mut server) = accepted(false);
    assert_eq!(client.credit(), 0);
    assert_eq!(client.body(1, true), Err(Error::Credit(Kind::Body)));
    let mut out = Vec::new();
    server.grant(&mut out, 10).unwrap();
    to_client(&mut client, &out).unwrap();
    assert_eq!(client.credit(), 10);
    assert_eq!(client.body(11, false), Err(Error::Credit(Kind::Body)));
    assert!(client.body(10, false).is_ok());
    assert_eq!((client.credit(), server.credit_left()), (0, 10));
}

#[test]
fn a_host_that_sends_more_than_was_granted_is_stopped_at_the_header() {
    let (_, mut server) = accepted(false);
    server.grant(&mut Vec::new(), 4).unwrap();
    let bytes = frame(Kind::Body, &[0; 5]);
    assert_eq!(
        to_server(&mut server, &bytes[..=HEADER_LEN]),
        Err(Error::Credit(Kind::Body))
    );
}

#[test]
fn credit_has_a_ceiling() {
    let (mut client, mut server) = accepted(false);
    let mut out = Vec::new();
    assert_eq!(
        server.grant(&mut out, limit::CREDIT + 1),
        Err(Error::Credit(Kind::Credit))
    );
    assert_eq!(server.grant(&mut out, limit::CREDIT), Ok(()));
    assert_eq!(server.grant(&mut out, 1), Err(Error::Credit(Kind::Credit)));
    to_client(&mut client, &out).unwrap();
    assert_eq!(
        to_client(&mut client, &frame(Kind::Credit, &[1, 0, 0, 0])),
        Err(Error::Credit(Kind::Credit))
    );
}

#[test]
fn a_failed_read_reaches_the_application_with_its_words() {
    let (mut client, mut server) = accepted(false);
    let mut out = Vec::new();
    client
        .body_failed(&mut out, b"Connection reset by peer")
        .unwrap();
    frames(&out, 4096, |frame| {
        assert!(matches!(
            server.receive(frame)?,
            Order::BodyFailed(b"Connection reset by peer")
        ));
        Ok(())
    })
    .unwrap();
    assert!(!server.is_body_open());
    assert_eq!(client.body(0, true), Err(Error::OutOfTurn(Kind::Body)));
}

#[test]
fn what_was_on_its_way_when_the_request_ended_is_dropped() {
    let (mut client, mut server) = accepted(false);
    let (mut to_worker, mut to_host) = (Vec::new(), Vec::new());
    server.grant(&mut to_host, 10).unwrap();
    to_client(&mut client, &to_host).unwrap();
    server.end(&mut to_host, &END).unwrap();
    to_worker.extend(client.body(3, false).unwrap());
    to_worker.extend(b"abc");
    client
        .abort(&mut to_worker, &Abort::new(AbortReason::ClientGone, ""))
        .unwrap();
    frames(&to_worker, 4096, |frame| {
        assert!(matches!(server.receive(frame)?, Order::Late));
        Ok(())
    })
    .unwrap();
    assert!(server.is_idle());
}

#[test]
fn nothing_of_a_body_follows_its_last_byte_or_an_abort() {
    let (_, mut server) = accepted(true);
    assert_eq!(
        to_server(&mut server, &frame(Kind::Body, b"")),
        Err(Error::Unexpected(Kind::Body))
    );
    let (mut client, mut server) = accepted(false);
    let mut out = Vec::new();
    client
        .abort(&mut out, &Abort::new(AbortReason::ClientGone, ""))
        .unwrap();
    assert_eq!(
        client.abort(&mut out, &Abort::new(AbortReason::ClientGone, "")),
        Err(Error::OutOfTurn(Kind::Abort))
    );
    to_server(&mut server, &out).unwrap();
    assert!(server.is_aborted());
    assert_eq!(
        to_server(&mut server, &frame(Kind::Body, b"")),
        Err(Error::Unexpected(Kind::Body))
    );
}

#[test]
fn a_response_has_its_parts_in_order() {
    let mut out = Vec::new();
    let (mut client, mut server) = accepted(true);
    assert_eq!(
        server.block(1, SendFlags::MORE),
        Err(Error::OutOfTurn(Kind::Data))
    );
    assert_eq!(
        to_client(&mut client, &frame(Kind::Data, b"x")),
        Err(Error::Unexpected(Kind::Data))
    );
    server.head(&mut out, &head(&[])).unwrap();
    assert_eq!(
        server.head(&mut out, &head(&[])),
        Err(Error::OutOfTurn(Kind::Head))
    );
    out.extend(server.block(0, SendFlags::END).unwrap());
    assert_eq!(
        server.file(&mut out, 0, 1, SendFlags::MORE),
        Err(Error::OutOfTurn(Kind::File))
    );
    let (mut client, _) = accepted(true);
    to_client(&mut client, &out).unwrap();
    assert_eq!(
        to_client(&mut client, &frame(Kind::Data, b"x")),
        Err(Error::Unexpected(Kind::Data))
    );
}

#[test]
fn a_response_without_its_end_is_never_complete_whatever_the_worker_says() {
    let (mut client, mut server) = accepted(true);
    let mut out = Vec::new();
    server.head(&mut out, &head(&[])).unwrap();
    out.extend(server.block(0, SendFlags::FLUSH).unwrap());
    server.end(&mut out, &END).unwrap();
    let mut outcome = None;
    frames(&out, 4096, |frame| {
        if let Reply::End(end) = client.receive(frame)? {
            outcome = Some((end.outcome.head_sent, end.outcome.complete));
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(outcome, Some((true, false)));
}

#[test]
fn the_head_of_an_error_page_begins_no_response() {
    let (mut client, mut server) = accepted(true);
    let mut out = Vec::new();
    server
        .head(
            &mut out,
            &wsgi_core_abi::Head {
                error_page: true,
                ..head(&[])
            },
        )
        .unwrap();
    assert_eq!(
        server.block(0, SendFlags::END),
        Err(Error::OutOfTurn(Kind::Data))
    );
    to_client(&mut client, &out).unwrap();
    assert!(client.is_accepted() && !client.is_headed());
    assert_eq!(
        to_client(&mut client, &frame(Kind::Data, b"x")),
        Err(Error::Unexpected(Kind::Data))
    );
}

#[test]
fn a_request_is_refused_only_before_application_code_has_it() {
    let refusal = Abort::new(AbortReason::Refused, "stopping");
    let mut bytes = Vec::new();
    let (mut client, mut server) = connected();
    send_request(&mut client, &mut Vec::new(), b"", true);
    server.abort(&mut bytes, &refusal).unwrap();
    frames(&bytes, 4096, |frame| {
        let Reply::Abort(abort) = client.receive(frame)? else {
            panic!("not an abort")
        };
        assert!(abort.may_retry());
        Ok(())
    })
    .unwrap();
    let (mut client, mut server) = accepted(true);
    assert_eq!(
        server.abort(&mut Vec::new(), &refusal),
        Err(Error::OutOfTurn(Kind::Abort))
    );
    assert_eq!(
        to_client(&mut client, &bytes),
        Err(Error::Unexpected(Kind::Abort))
    );
}

#[test]
fn after_a_breach_the_connection_is_of_no_use() {
    let (mut client, mut server) = accepted(true);
    let mut end = Vec::new();
    server.end(&mut end, &END).unwrap();
    assert!(to_client(&mut client, &frame(Kind::Data, b"x")).is_err());
    assert_eq!(
        to_client(&mut client, &end),
        Err(Error::Unexpected(Kind::End))
    );
    assert!(!client.is_idle());
}

#[test]
fn a_file_ends_where_a_file_can() {
    let (mut client, _) = accepted(true);
    let (_, mut server) = accepted(true);
    let mut out = Vec::new();
    server.head(&mut out, &head(&[])).unwrap();
    server
        .file(&mut out, 1, i64::MAX as u64, SendFlags::MORE)
        .unwrap();
    assert_eq!(
        to_client(&mut client, &out),
        Err(Error::Value {
            kind: Kind::File,
            field: "range"
        })
    );
}

#[test]
fn a_ticket_takes_the_place_of_the_accepted_frame() {
    let (mut client, mut server) = connected();
    let mut out = Vec::new();
    client
        .request(
            &mut out,
            &request(&[]),
            Level::Info,
            Ticket { slot: 0, serial: 1 },
            b"",
            true,
        )
        .unwrap();
    to_server(&mut server, &out).unwrap();
    out.clear();
    server.accepted(&mut out, true).unwrap();
    assert!(out.is_empty());
    server.head(&mut out, &head(&[])).unwrap();
    to_client(&mut client, &out).unwrap();
    assert!(client.is_accepted());
}

/// Both sides of a connection with memory, and a response that has begun.
fn headed_with_memory() -> (Client, Server) {
    let (mut client, mut server) = connected();
    let (mut to_worker, mut to_host) = (Vec::new(), Vec::new());
    client.ring(&mut to_worker).unwrap();
    send_request(&mut client, &mut to_worker, b"", true);
    to_server(&mut server, &to_worker).unwrap();
    server.accepted(&mut to_host, false).unwrap();
    server.head(&mut to_host, &head(&[])).unwrap();
    to_client(&mut client, &to_host).unwrap();
    (client, server)
}

#[test]
fn memory_is_given_once_and_before_the_first_request() {
    let (mut client, mut server) = connected();
    let mut out = Vec::new();
    client.ring(&mut out).unwrap();
    assert_eq!(client.ring(&mut out), Err(Error::OutOfTurn(Kind::Ring)));
    assert_eq!(to_server(&mut server, &out), Ok(()));
    assert_eq!(
        to_server(&mut server, &out),
        Err(Error::Unexpected(Kind::Ring))
    );
    let (mut client, _) = accepted(true);
    assert_eq!(client.ring(&mut out), Err(Error::OutOfTurn(Kind::Ring)));
}

#[test]
fn without_memory_nobody_speaks_of_it() {
    let (mut client, mut server) = accepted(true);
    let mut out = Vec::new();
    server.head(&mut out, &head(&[])).unwrap();
    to_client(&mut client, &out).unwrap();
    assert!(!server.may_use_ring());
    assert_eq!(server.filled(&mut out), Err(Error::OutOfTurn(Kind::Filled)));
    assert_eq!(
        client.drained(&mut out),
        Err(Error::OutOfTurn(Kind::Drained))
    );
    assert_eq!(
        to_client(&mut client, &frame(Kind::Filled, b"")),
        Err(Error::Unexpected(Kind::Filled))
    );
    assert_eq!(
        to_server(&mut server, &frame(Kind::Drained, b"")),
        Err(Error::Unexpected(Kind::Drained))
    );
}

#[test]
fn after_the_first_block_in_memory_all_are() {
    let (mut client, mut server) = headed_with_memory();
    let mut out = server.block(3, SendFlags::MORE).unwrap().to_vec();
    out.extend(b"one");
    to_client(&mut client, &out).unwrap();
    assert!(!client.is_ring_used());
    out.clear();
    server.filled(&mut out).unwrap();
    assert_eq!(
        server.block(3, SendFlags::MORE),
        Err(Error::OutOfTurn(Kind::Data))
    );
    out.extend(server.block(0, SendFlags::END).unwrap());
    to_client(&mut client, &out[..HEADER_LEN]).unwrap();
    assert!(client.is_ring_used());
    to_client(&mut client, &out[HEADER_LEN..]).unwrap();
    assert!(!client.is_ring_used());
    assert_eq!(
        to_client(&mut client, &frame(Kind::Filled, b"")),
        Err(Error::Unexpected(Kind::Filled))
    );

    let (mut client, _) = headed_with_memory();
    to_client(&mut client, &frame(Kind::Filled, b"")).unwrap();
    assert_eq!(
        to_client(&mut client, &frame(Kind::Data, b"x")),
        Err(Error::Unexpected(Kind::Data))
    );
}

#[test]
fn a_file_ends_the_use_of_memory_for_this_response() {
    let (mut client, mut server) = headed_with_memory();
    let mut out = Vec::new();
    server.filled(&mut out).unwrap();
    server.file(&mut out, 0, 1, SendFlags::MORE).unwrap();
    assert!(!server.may_use_ring());
    out.extend(server.block(1, SendFlags::END).unwrap());
    out.extend(b"x");
    server.end(&mut out, &END).unwrap();
    to_client(&mut client, &out).unwrap();
    assert!(!client.is_ring_used());

    let mut out = Vec::new();
    send_request(&mut client, &mut out, b"", true);
    to_server(&mut server, &out).unwrap();
    server.accepted(&mut Vec::new(), true).unwrap();
    server.head(&mut Vec::new(), &head(&[])).unwrap();
    assert!(server.may_use_ring(), "the next one has it again");
}

#[test]
fn room_that_is_told_of_too_late_is_of_no_use() {
    let (_, mut server) = headed_with_memory();
    server.end(&mut Vec::new(), &END).unwrap();
    let bytes = frame(Kind::Drained, b"");
    let mut late = false;
    frames(&bytes, 4096, |frame| {
        server
            .receive(frame)
            .map(|order| late = matches!(order, Order::Late))
    })
    .unwrap();
    assert!(late);
}
