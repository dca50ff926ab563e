//! What goes in comes out, whatever it holds and wherever the bytes are cut.

use super::super::{Abort, AbortReason, End, Error, Kind, Order, Reply, Ticket, limit};
use super::{connected, frames, head, request, send_request};
use proptest::prelude::*;
use wsgi_core_abi::{
    Bytes, Level, LogRecord, MessageId, Outcome, Pair, Pairs, Question, Request, SendFlags, Status,
};

type Text = Option<Vec<u8>>;

fn text() -> impl Strategy<Value = Text> {
    proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40))
}

fn pairs() -> impl Strategy<Value = Vec<(Vec<u8>, Text)>> {
    proptest::collection::vec(
        (proptest::collection::vec(any::<u8>(), 0..20), text()),
        0..30,
    )
}

fn lend(text: &Text) -> Bytes<'_> {
    text.as_deref().map_or(Bytes::ABSENT, Bytes::new)
}

fn lend_pairs(pairs: &[(Vec<u8>, Text)]) -> Vec<Pair<'_>> {
    pairs
        .iter()
        .map(|(name, value)| Pair {
            name: Bytes::new(name),
            value: lend(value),
        })
        .collect()
}

/// Absent and empty strings print differently, so equal text is an equal value.
fn same(left: &impl std::fmt::Debug, right: &impl std::fmt::Debug) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn requests_arrive_as_they_were_sent(
        environ in pairs(),
        texts in (text(), text(), text(), text(), text()),
        question in 0_u8..6,
        script in proptest::collection::vec(any::<u8>(), 1..40),
        (mtime, start, queued) in (any::<i64>(), any::<i32>(), any::<i32>()),
        bits in any::<u8>(),
        body in proptest::collection::vec(any::<u8>(), 0..100),
        (slot, serial, level) in (any::<u32>(), any::<u32>(), 0_u8..9),
        block in 1_usize..200,
    ) {
        let environ = lend_pairs(&environ);
        let sent = Request {
            script: Bytes::new(&script),
            script_mtime_us: mtime,
            application_group: lend(&texts.0),
            callable: lend(&texts.1),
            environ: Pairs::new(&environ),
            filename: lend(&texts.2),
            https: bits & 1 != 0,
            reloading: bits & 2 != 0,
            sendfile: bits & 4 != 0,
            error_override: bits & 8 != 0,
            ignore_activity: bits & 32 != 0,
            number: 0,
            request_start: f64::from(start),
            queue_start: f64::from(queued),
            daemon_start: 0.0,
            native: wsgi_core_abi::NativeRequest::NONE,
            question: Question(question),
            arguments: [lend(&texts.3), lend(&texts.4)],
        };
        let (last, ticket, level) = (bits & 16 != 0, Ticket { slot, serial }, Level::from_number(level));
        let (mut client, mut server) = connected();
        let mut out = Vec::new();
        client.request(&mut out, &sent, level, ticket, &body, last).unwrap();
        let mut arrived = 0;
        frames(&out, block, |frame| {
            let Order::Request(head) = server.receive(frame)? else { panic!("not a request") };
            assert!(same(&head.request(), &sent));
            assert_eq!((head.log_level, head.ticket, head.last), (level, ticket, last));
            assert_eq!(head.first_body, body);
            arrived += 1;
            Ok(())
        }).unwrap();
        prop_assert_eq!(arrived, 1);
    }

    #[test]
    fn responses_arrive_as_they_were_sent(
        headers in pairs(),
        (code, length, status) in (0_u16..1000, -1..i64::MAX, text()),
        blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
        (line, id, problem, file) in (any::<u32>(), any::<u16>(), text(), text()),
        (bytes_in, bytes_out, started) in (any::<u64>(), any::<u64>(), any::<i32>()),
        block in 1_usize..200,
    ) {
        let (mut client, mut server) = connected();
        let mut out = Vec::new();
        send_request(&mut client, &mut out, b"", true);
        frames(&out, 1000, |frame| server.receive(frame).map(drop)).unwrap();
        out.clear();

        let headers = lend_pairs(&headers);
        let mut sent_head = head(&headers);
        (sent_head.code, sent_head.content_length, sent_head.status) = (code, length, lend(&status));
        let record = LogRecord { level: Level::Notice, id: MessageId(id), text: lend(&problem), file: lend(&file), line };
        let sent_end = End {
            outcome: Outcome {
                status: Status::APPLICATION,
                code,
                head_sent: true,
                complete: true,
                bytes_in,
                bytes_out,
                application_start: f64::from(started),
                application_finish: 0.5,
            },
            id: MessageId(id),
            text: lend(&problem),
        };
        server.accepted(&mut out, false).unwrap();
        server.log(&mut out, &record).unwrap();
        server.head(&mut out, &sent_head).unwrap();
        for block in &blocks {
            out.extend(server.block(block.len(), SendFlags::FLUSH).unwrap());
            out.extend(block);
        }
        out.extend(server.block(0, SendFlags::END).unwrap());
        server.end(&mut out, &sent_end).unwrap();

        let (mut body, mut flushes, mut ends, mut others) = (Vec::<u8>::new(), 0, 0, 0);
        frames(&out, block, |frame| {
            match client.receive(frame)? {
                Reply::Accepted => others += 1,
                Reply::Log(got) => { assert!(same(&got, &record)); others += 1; }
                Reply::Head(got) => { assert!(same(&got.head(), &sent_head)); others += 1; }
                Reply::Data(piece, flags) => {
                    body.extend(piece);
                    flushes += usize::from(flags.has(SendFlags::FLUSH));
                    ends += usize::from(flags.has(SendFlags::END));
                }
                Reply::End(got) => { assert!(same(&got, &sent_end)); others += 1; }
                other => panic!("{other:?}"),
            }
            Ok(())
        }).unwrap();
        prop_assert_eq!(body, blocks.concat());
        prop_assert_eq!((flushes, ends, others), (blocks.len(), 1, 4));
        prop_assert!(client.is_idle() && server.is_idle());
    }
}

#[test]
fn a_request_at_its_limit_passes_and_one_byte_more_does_not() {
    let value = vec![b'v'; limit::REQUEST];
    let (mut client, mut server) = connected();
    let mut out = Vec::new();
    send_request(&mut client, &mut out, b"", true);
    let fixed = out.len() - super::super::HEADER_LEN + 8 + 1;
    let send = |length: usize| {
        let mut out = Vec::new();
        let environ = [Pair::new(b"n", &value[..length])];
        let (mut client, _) = connected();
        let sent = client.request(
            &mut out,
            &request(&environ),
            Level::Info,
            Ticket::default(),
            b"",
            true,
        );
        (sent, out)
    };
    let (sent, out) = send(limit::REQUEST - fixed);
    assert_eq!(sent, Ok(()));
    frames(&out, 65536, |frame| server.receive(frame).map(drop)).unwrap();
    let (sent, out) = send(limit::REQUEST - fixed + 1);
    assert_eq!(
        sent,
        Err(Error::TooLong {
            kind: Kind::Request,
            length: limit::REQUEST + 1
        })
    );
    assert!(out.is_empty());
}

#[test]
fn pairs_are_counted() {
    let pairs = vec![Pair::new(b"", b""); limit::PAIRS + 1];
    let (mut client, _) = connected();
    let mut out = Vec::new();
    let mut send = |environ| {
        client.request(
            &mut out,
            &request(environ),
            Level::Info,
            Ticket::default(),
            b"",
            true,
        )
    };
    assert_eq!(
        send(&pairs),
        Err(Error::TooMany {
            kind: Kind::Request,
            count: limit::PAIRS + 1
        })
    );
    assert_eq!(send(&pairs[1..]), Ok(()));
}

#[test]
fn a_thousand_headers_and_a_header_of_a_mebibyte_pass() {
    let long = vec![b'x'; 1 << 20];
    let mut headers = vec![Pair::new(b"X-Many", b"y"); 1000];
    headers.push(Pair::new(b"X-Long", &long));
    let (mut client, mut server) = connected();
    let mut out = Vec::new();
    send_request(&mut client, &mut out, b"", true);
    frames(&out, 1000, |frame| server.receive(frame).map(drop)).unwrap();
    out.clear();
    server.accepted(&mut out, true).unwrap();
    server.head(&mut out, &head(&headers)).unwrap();
    frames(&out, 65536, |frame| {
        let Reply::Head(got) = client.receive(frame)? else {
            panic!("not a head")
        };
        assert!(same(&got.head(), &head(&headers)));
        Ok(())
    })
    .unwrap();
}

#[test]
fn words_for_people_are_cut_and_never_refused() {
    let long = vec![b'x'; 2 * limit::TEXT];
    let (mut client, mut server) = connected();
    let mut out = Vec::new();
    send_request(&mut client, &mut out, b"", false);
    client.body_failed(&mut out, &long).unwrap();
    client
        .abort(
            &mut out,
            &Abort {
                reason: AbortReason::ClientGone,
                text: Bytes::new(&long),
            },
        )
        .unwrap();
    frames(&out, 1000, |frame| server.receive(frame).map(drop)).unwrap();
    out.clear();
    let record = LogRecord {
        file: Bytes::new(&long),
        ..LogRecord::plain(Level::Error, &long)
    };
    server.log(&mut out, &record).unwrap();
    server
        .end(
            &mut out,
            &End {
                outcome: Outcome::default(),
                id: MessageId::NONE,
                text: Bytes::new(&long),
            },
        )
        .unwrap();
    let mut lengths = Vec::new();
    frames(&out, 1000, |frame| {
        match client.receive(frame)? {
            Reply::Log(record) => {
                lengths.extend([record.text.as_slice().len(), record.file.as_slice().len()])
            }
            Reply::End(end) => lengths.push(end.text.as_slice().len()),
            other => panic!("{other:?}"),
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(lengths, [limit::TEXT, limit::FILE_NAME, limit::TEXT]);
}
