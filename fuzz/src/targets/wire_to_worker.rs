//! What a worker makes of whatever a host sends. It must not panic, and what it accepts must mean the same when
//! it is sent again.

use super::frames::{WORKER, frames};
use crate::wire::{Client, Decoder, End, Error, Order, RequestHead, Server};
use wsgi_core_abi::Outcome;
use wsgi_core_abi::{Bytes, MessageId};

/// One input.
pub fn run(input: &[u8]) {
    let Ok(mut server) = Server::accept(WORKER, &mut Vec::new()) else {
        return;
    };
    let mut out = Vec::new();
    let mut taken = 0_u32;
    let error = frames(input, |frame| {
        out.clear();
        match server.receive(frame)? {
            Order::Request(head) => {
                again(&head);
                start(&mut server, &mut out)?;
            }
            Order::Body { bytes, .. } => taken += bytes.len() as u32,
            Order::BodyFailed(_) | Order::Abort(_) => end(&mut server, &mut out)?,
            Order::Hello | Order::Ring | Order::Drained | Order::Late => {}
        }
        if taken > 100 {
            taken = 0;
            end(&mut server, &mut out)?;
        }
        Ok(())
    });
    // Whatever it was, it has words.
    let _ = error.map(|error| error.to_string());
}

fn start(server: &mut Server, out: &mut Vec<u8>) -> Result<(), Error> {
    server.accepted(out, true)?;
    if server.is_body_open() {
        server.grant(out, 1000)
    } else {
        end(server, out)
    }
}

fn end(server: &mut Server, out: &mut Vec<u8>) -> Result<(), Error> {
    if server.is_idle() {
        return Ok(());
    }
    server.end(
        out,
        &End {
            outcome: Outcome::default(),
            id: MessageId::NONE,
            text: Bytes::ABSENT,
        },
    )
}

/// Sends a request that was accepted once more, and compares.
fn again(head: &RequestHead<'_>) {
    let mut bytes = Vec::new();
    let mut client = Client::connect(WORKER, &mut bytes).unwrap();
    let mut server = Server::accept(WORKER, &mut Vec::new()).unwrap();
    client
        .request(
            &mut bytes,
            &head.request(),
            head.log_level,
            head.ticket,
            head.first_body,
            head.last,
        )
        .unwrap();
    let mut decoder = Decoder::new(bytes.len());
    decoder.space()[..bytes.len()].copy_from_slice(&bytes);
    decoder.filled(bytes.len());
    let hello = decoder.frame().unwrap().unwrap();
    server.receive(hello).unwrap();
    let request = decoder.detach(Vec::new()).unwrap().unwrap();
    let Order::Request(copy) = server.receive(request.frame()).unwrap() else {
        panic!("not a request")
    };
    assert_eq!(format!("{head:?}"), format!("{copy:?}"));
}
