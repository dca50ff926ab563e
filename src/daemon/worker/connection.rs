//! A connection, and the requests that come over it.

use super::super::link::{Message, Reason};
use super::super::sys::clock;
use super::super::sys::poll::{Poll, When};
use super::super::wire::{
    self, Abort, AbortReason, Detached, End, Kind, Order, RequestHead, Ticket,
};
use super::exchange::WorkerExchange;
use super::shared::Shared;
use super::stream::Stream;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wsgi_core_abi::{Bytes, MessageId, Outcome, Pair, Problem, Request};

/// A connection of a host. Threads are told once of everything that arrives; who finds it busy leaves a note.
#[derive(Debug)]
pub struct Connection {
    state: AtomicU8,
    stream: Mutex<Stream>,
}

/// Nobody looks at it.
const IDLE: u8 = 0;
/// A thread does.
const BUSY: u8 = 1;
/// A thread does, and something arrived since.
const AGAIN: u8 = 2;

/// What is wrong with a connection that is given up.
enum Fault {
    /// The host has gone, or was told why.
    Gone,
    /// The host broke the protocol.
    Wire(wire::Error),
}

impl From<wire::Error> for Fault {
    fn from(error: wire::Error) -> Self {
        Self::Wire(error)
    }
}

impl Connection {
    pub fn new(
        fd: OwnedFd,
        identity: wire::Identity,
        timeout: Duration,
    ) -> Result<Self, wire::Error> {
        let stream = Mutex::new(Stream::new(fd, identity, timeout)?);
        Ok(Self {
            state: AtomicU8::new(IDLE),
            stream,
        })
    }

    pub fn watch(&self, poll: &Poll, number: u64) -> std::io::Result<()> {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        poll.add(stream.fd(), number, When::Arrival)
    }

    /// Something arrived. False when the connection is of no more use.
    pub fn handle(&self, shared: &Shared, thread: usize) -> bool {
        let noted =
            self.state
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| match state {
                    IDLE => Some(BUSY),
                    _ => Some(AGAIN),
                });
        if noted != Ok(IDLE) {
            return true;
        }
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.state.store(BUSY, Ordering::Release);
            if let Err(fault) = run(&mut stream, shared, thread) {
                if let Fault::Wire(error) = fault {
                    stream.abort(&Abort::new(reason(&error), &error.to_string()));
                }
                return false;
            }
            // Who comes from here on must be able to take the stream.
            drop(stream);
            if self
                .state
                .compare_exchange(BUSY, IDLE, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
            {
                return true;
            }
            stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

const fn reason(error: &wire::Error) -> AbortReason {
    match error {
        wire::Error::Identity => AbortReason::WrongWorker,
        _ => AbortReason::Protocol,
    }
}

/// Serves what has arrived.
fn run(stream: &mut Stream, shared: &Shared, thread: usize) -> Result<(), Fault> {
    loop {
        if !stream.receive().map_err(|_| Fault::Gone)? {
            return Ok(());
        }
        while let Some(header) = stream.decoder.upcoming()? {
            if header.kind == Kind::Request {
                let spare = std::mem::take(&mut stream.spare);
                let Some(detached) = stream.decoder.detach(spare)? else {
                    break;
                };
                request(stream, shared, thread, &detached)?;
                stream.spare = detached.into_spare(&stream.decoder);
            } else if let Some(frame) = stream.decoder.frame()? {
                // The greeting, or what was sent before the end of the last request was seen.
                stream.server.receive(frame)?;
            }
        }
        if !stream.more {
            return Ok(());
        }
    }
}

fn request(
    stream: &mut Stream,
    shared: &Shared,
    thread: usize,
    detached: &Detached,
) -> Result<(), Fault> {
    let Order::Request(head) = stream.server.receive(detached.frame())? else {
        return Ok(());
    };
    stream.reset();
    let request = Request {
        daemon_start: clock::seconds(),
        ..head.request()
    };
    let version = shared.script_version(&request);
    if version.is_none() || shared.application.wants_reload(&request) {
        shared.retire(Reason::ScriptReload);
    }
    let request = Request {
        script_mtime_us: version.unwrap_or_default(),
        ..request
    };
    let refused = shared.is_draining() || shared.stopping.load(Ordering::Acquire);
    let begun = (!refused).then(|| shared.activity.begin(thread)).flatten();
    let Some(number) = begun else {
        // It waits for the process after this one.
        stream.abort(&Abort::new(AbortReason::Refused, ""));
        return Err(Fault::Gone);
    };
    let most = u64::from(shared.settings.maximum_requests);
    if most > 0 && number >= most - most / 10 {
        // The next one can be ready when this one may not serve any more.
        shared.retire(Reason::MaximumRequests);
    }
    let interruptible = !shared.settings.interrupt_timeout.is_zero();
    let request = Request {
        number: if interruptible { number } else { 0 },
        ..request
    };
    serve(stream, shared, thread, &head, &request)
}

fn serve(
    stream: &mut Stream,
    shared: &Shared,
    thread: usize,
    head: &RequestHead<'_>,
    request: &Request<'_>,
) -> Result<(), Fault> {
    let environ = request.environ.as_slice();
    let [method, target] =
        [&b"REQUEST_METHOD"[..], b"REQUEST_URI"].map(|name| value(environ, name));
    shared
        .ledger
        .begin(thread, method, target, request.daemon_start);
    let marked = shared
        .board
        .mark(shared.identity.row, head.ticket.slot, head.ticket.serial);
    let accepted = stream.server.accepted(&mut stream.out, marked);
    let (outcome, problem) = if accepted.is_ok() && (marked || stream.flush().is_ok()) {
        stream.put_body(head.first_body);
        let mut exchange = WorkerExchange {
            stream,
            activity: &shared.activity,
            ignored: request.ignore_activity,
            log_level: head.log_level,
        };
        shared.application.serve(request, &mut exchange)
    } else {
        (Outcome::default(), None)
    };
    let Ticket { slot, serial } = head.ticket;
    // Before the host hears of it, and gives the slot to someone else.
    shared.board.finish(shared.identity.row, slot, serial);
    let sent = end(stream, &outcome, problem);
    shared.ledger.end(thread);
    let finished = shared.activity.end(thread);
    if sent.is_err() {
        shared.link.send(Message::Freed);
    }
    if finished == u64::from(shared.settings.maximum_requests) {
        shared.drain(Reason::MaximumRequests);
    }
    sent
}

fn end(stream: &mut Stream, outcome: &Outcome, problem: Option<Problem>) -> Result<(), Fault> {
    if stream.is_gone() {
        return Err(Fault::Gone);
    }
    let problem = problem.unwrap_or_default();
    let text = if problem.text.is_empty() {
        Bytes::ABSENT
    } else {
        Bytes::from(problem.text.as_str())
    };
    let id = if text.is_absent() {
        MessageId::NONE
    } else {
        problem.id
    };
    stream.server.end(
        &mut stream.out,
        &End {
            outcome: *outcome,
            id,
            text,
        },
    )?;
    stream.flush().map_err(|_| Fault::Gone)
}

fn value<'a>(environ: &[Pair<'a>], name: &[u8]) -> &'a [u8] {
    let found = environ
        .iter()
        .rev()
        .find(|pair| pair.name.as_slice() == name);
    found.map_or(b"", |pair| pair.value.as_slice())
}
