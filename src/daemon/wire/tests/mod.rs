//! What the protocol promises, shown with whole conversations.

mod corpus;
mod messages;
mod mutation;
mod splits;
mod turns;

use super::{Client, Decoder, Error, Frame, Identity, Server, Ticket};
use wsgi_core_abi::{Bytes, Head, Level, Pair, Pairs, Question, Request};

const WORKER: Identity = Identity {
    row: 3,
    generation: 7,
};

/// A request with little in it.
fn request<'a>(environ: &'a [Pair<'a>]) -> Request<'a> {
    Request {
        script: Bytes::new(b"/srv/app.wsgi"),
        script_mtime_us: 1_700_000_000_000_001,
        application_group: Bytes::new(b""),
        callable: Bytes::new(b"application"),
        environ: Pairs::new(environ),
        filename: Bytes::ABSENT,
        https: true,
        reloading: false,
        sendfile: true,
        error_override: false,
        ignore_activity: false,
        number: 0,
        request_start: 1.5,
        queue_start: 0.0,
        daemon_start: 0.0,
        native: wsgi_core_abi::NativeRequest::NONE,
        question: Question::NONE,
        arguments: [Bytes::ABSENT; 2],
    }
}

fn head<'a>(headers: &'a [Pair<'a>]) -> Head<'a> {
    Head {
        code: 200,
        status: Bytes::new(b"200 OK"),
        headers: Pairs::new(headers),
        content_length: -1,
        error_page: false,
    }
}

/// Both sides of a connection whose greetings have been exchanged.
fn connected() -> (Client, Server) {
    let (mut to_worker, mut to_host) = (Vec::new(), Vec::new());
    let mut client = Client::connect(WORKER, &mut to_worker).unwrap();
    let mut server = Server::accept(WORKER, &mut to_host).unwrap();
    frames(&to_worker, 4096, |frame| server.receive(frame).map(drop)).unwrap();
    frames(&to_host, 4096, |frame| client.receive(frame).map(drop)).unwrap();
    (client, server)
}

fn send_request(client: &mut Client, out: &mut Vec<u8>, body: &[u8], last: bool) {
    client
        .request(
            out,
            &request(&[]),
            Level::Info,
            Ticket::default(),
            body,
            last,
        )
        .unwrap();
}

/// Feeds `bytes` to a decoder in blocks of `block` bytes and hands on every frame.
fn frames(
    bytes: &[u8],
    block: usize,
    mut take: impl FnMut(Frame<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut decoder = Decoder::new(64);
    for block in bytes.chunks(block.max(1)) {
        feed(&mut decoder, block, &mut take)?;
    }
    Ok(())
}

fn feed(
    decoder: &mut Decoder,
    mut bytes: &[u8],
    take: &mut impl FnMut(Frame<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    while !bytes.is_empty() {
        let space = decoder.space();
        let count = space.len().min(bytes.len());
        assert!(count > 0, "no room although every frame was taken");
        space[..count].copy_from_slice(&bytes[..count]);
        decoder.filled(count);
        bytes = &bytes[count..];
        while let Some(frame) = decoder.frame()? {
            take(frame)?;
        }
    }
    Ok(())
}
