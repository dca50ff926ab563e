//! One conversation with every frame in it. The first files of the fuzzers' corpus are written from it:
//! `WIRE_CORPUS=fuzz/corpus cargo test wire_corpus`.

use super::super::{Abort, AbortReason, Client, End, Server, Ticket};
use super::{WORKER, head, request};
use wsgi_core_abi::{Bytes, Level, LogRecord, MessageId, Outcome, Pair, SendFlags};

/// A client that has sent a request whose body is still to come.
pub fn waiting_client() -> Client {
    let (mut client, mut out) = (
        Client::connect(WORKER, &mut Vec::new()).unwrap(),
        Vec::new(),
    );
    client.ring(&mut out).unwrap();
    client
        .request(
            &mut out,
            &request(&[]),
            Level::Info,
            Ticket::default(),
            b"",
            false,
        )
        .unwrap();
    client
}

/// Greeting, and a question.
fn question() -> Vec<u8> {
    let mut out = Vec::new();
    let mut client = Client::connect(WORKER, &mut out).unwrap();
    let asked = wsgi_core_abi::Request {
        native: wsgi_core_abi::NativeRequest::NONE,
        question: wsgi_core_abi::Question::PASSWORD,
        arguments: [Bytes::new(b"user"), Bytes::new(b"password")],
        ..request(&[])
    };
    client
        .request(&mut out, &asked, Level::Info, Ticket::default(), b"", true)
        .unwrap();
    out
}

/// Greeting, memory, request, body, body, and a failed read, room, then an abort.
pub fn to_worker() -> Vec<u8> {
    let mut out = Vec::new();
    let mut client = Client::connect(WORKER, &mut out).unwrap();
    client.ring(&mut out).unwrap();
    let environ = [
        Pair::new(b"REQUEST_METHOD", b"POST"),
        Pair::new(b"HTTP_X", b""),
        Pair {
            name: Bytes::new(b"mod_wsgi.none"),
            value: Bytes::ABSENT,
        },
    ];
    client
        .request(
            &mut out,
            &request(&environ),
            Level::Debug,
            Ticket { slot: 1, serial: 9 },
            b"fi",
            false,
        )
        .unwrap();
    give_credit(&mut client);
    for part in [&b"rst"[..], b" body, with some more in it"] {
        out.extend(client.body(part.len(), false).unwrap());
        out.extend(part);
    }
    client
        .body_failed(&mut out, b"Connection reset by peer")
        .unwrap();
    client.drained(&mut out).unwrap();
    client
        .abort(&mut out, &Abort::new(AbortReason::ClientGone, ""))
        .unwrap();
    out
}

fn give_credit(client: &mut Client) {
    let mut credit = Vec::new();
    let mut server = waiting_server(&mut credit);
    server.accepted(&mut credit, true).unwrap();
    server.grant(&mut credit, 1000).unwrap();
    super::frames(&credit, 1000, |frame| client.receive(frame).map(drop)).unwrap();
}

/// A server with a request whose body is still to come.
fn waiting_server(out: &mut Vec<u8>) -> Server {
    let mut server = Server::accept(WORKER, out).unwrap();
    let mut incoming = Vec::new();
    let mut client = Client::connect(WORKER, &mut incoming).unwrap();
    client.ring(&mut incoming).unwrap();
    client
        .request(
            &mut incoming,
            &request(&[]),
            Level::Info,
            Ticket::default(),
            b"",
            false,
        )
        .unwrap();
    super::frames(&incoming, 1000, |frame| server.receive(frame).map(drop)).unwrap();
    server
}

/// Greeting, accepted, credit, log, head, data, data, blocks in memory, file, end.
pub fn to_host() -> Vec<u8> {
    let mut out = Vec::new();
    let mut server = waiting_server(&mut out);
    server.accepted(&mut out, false).unwrap();
    server.grant(&mut out, 1000).unwrap();
    let record = LogRecord {
        file: Bytes::new(b"app.py"),
        line: 3,
        ..LogRecord::plain(Level::Error, b"words")
    };
    server.log(&mut out, &record).unwrap();
    let headers = [
        Pair::new(b"Content-Type", b"text/plain"),
        Pair::new(b"X-Empty", b""),
    ];
    server.head(&mut out, &head(&headers)).unwrap();
    for block in [&b"hello "[..], b"world, and so on and so forth"] {
        out.extend(server.block(block.len(), SendFlags::FLUSH).unwrap());
        out.extend(block);
    }
    server.filled(&mut out).unwrap();
    server
        .file(
            &mut out,
            10,
            1 << 33,
            SendFlags::END.with(SendFlags::SENDFILE),
        )
        .unwrap();
    let outcome = Outcome {
        complete: true,
        head_sent: true,
        code: 200,
        ..Outcome::default()
    };
    server
        .end(
            &mut out,
            &End {
                outcome,
                id: MessageId::NONE,
                text: Bytes::ABSENT,
            },
        )
        .unwrap();
    out
}

/// A worker that takes nothing any more.
fn refused() -> Vec<u8> {
    let mut out = Vec::new();
    let mut server = waiting_server(&mut out);
    server
        .abort(
            &mut out,
            &Abort::new(AbortReason::Refused, "the worker is stopping"),
        )
        .unwrap();
    out
}

#[test]
fn wire_corpus() {
    let Some(directory) = std::env::var_os("WIRE_CORPUS") else {
        return;
    };
    let directory = std::path::Path::new(&directory);
    let to_worker = [("conversation", to_worker()), ("question", question())];
    let to_host = [("conversation", to_host()), ("refused", refused())];
    for (target, files) in [
        ("wire_to_worker", &to_worker[..]),
        ("wire_to_host", &to_host[..]),
    ] {
        let directory = directory.join(target);
        std::fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in files {
            // The last byte tells the fuzzers how to cut the rest.
            std::fs::write(directory.join(name), [&bytes[..], &[31]].concat()).unwrap();
        }
    }
}
