//! What a host makes of whatever a worker sends. It must not panic, and nothing may look complete that has no
//! end.

use super::frames::{WORKER, frames};
use crate::wire::{Abort, AbortReason, Client, Error, Reply, Ticket};
use wsgi_core_abi::{Bytes, Level, Pairs, Request, SendFlags};

/// One input.
pub fn run(input: &[u8]) {
    let mut out = Vec::new();
    let Ok(mut client) = Client::connect(WORKER, &mut out) else {
        return;
    };
    client.ring(&mut out).unwrap();
    let mut ended = false;
    let _ = request(&mut client, &mut out);
    let error = frames(input, |frame| {
        out.clear();
        match client.receive(frame)? {
            Reply::Credit => send_body(&mut client)?,
            Reply::Data(_, flags) | Reply::File { flags, .. } => {
                assert!(!ended, "something follows the end");
                ended = flags.has(SendFlags::END);
            }
            Reply::Log(record) if record.line == 7 => {
                let _ = client.abort(&mut out, &Abort::new(AbortReason::ClientGone, ""));
            }
            Reply::End(end) => {
                assert!(!(end.outcome.head_sent && end.outcome.complete) || ended);
                ended = false;
                request(&mut client, &mut out)?;
            }
            Reply::Abort(abort) => assert!(!(abort.may_retry() && client.is_accepted())),
            Reply::Filled => {
                assert!(client.is_ring_used());
                client.drained(&mut out)?;
            }
            Reply::Hello | Reply::Accepted | Reply::Head(_) | Reply::Log(_) => {}
        }
        Ok(())
    });
    // Whatever it was, it has words.
    let _ = error.map(|error| error.to_string());
}

fn send_body(client: &mut Client) -> Result<(), Error> {
    let credit = client.credit() as usize;
    if credit == 0 {
        return Ok(());
    }
    assert!(client.body(credit + 1, false).is_err());
    client.body(credit / 2, credit.is_multiple_of(7)).map(drop)
}

fn request(client: &mut Client, out: &mut Vec<u8>) -> Result<(), Error> {
    let request = Request {
        script: Bytes::new(b"/srv/app.wsgi"),
        script_mtime_us: 0,
        application_group: Bytes::new(b""),
        callable: Bytes::new(b"application"),
        environ: Pairs::new(&[]),
        filename: Bytes::ABSENT,
        https: false,
        reloading: true,
        sendfile: true,
        error_override: false,
        ignore_activity: false,
        number: 0,
        request_start: 0.0,
        queue_start: 0.0,
        daemon_start: 0.0,
        native: wsgi_core_abi::NativeRequest::NONE,
        question: wsgi_core_abi::Question::NONE,
        arguments: [Bytes::ABSENT; 2],
    };
    client.request(out, &request, Level::Info, Ticket::default(), b"", false)
}
