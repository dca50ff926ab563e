//! What both sides of a connection keep: how far it is, and what may come next.

use super::credit::Credit;
use super::error::Error;
use super::frame::Frame;
use super::hello::{self, Identity};

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is none.
    Idle,
    /// It was sent, or arrived.
    Begun,
    /// An error page of the host takes the place of the response.
    ErrorPage,
    /// The response has begun.
    Headed,
    /// The response is complete.
    Complete,
    /// The connection has ended.
    Closed,
}

/// Memory for blocks of responses, and what became of it in this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// There is none.
    None,
    /// There is some, and no block of this response was in it.
    Unused,
    /// From now on all blocks are in it.
    Used,
    /// A file followed: no more blocks are.
    Over,
}

/// Protocol state of a connection, on either side.
#[derive(Debug)]
pub struct Turn {
    worker: Identity,
    pub greeted: bool,
    pub ring: Ring,
    pub phase: Phase,
    /// Application code has, or has had, the request.
    pub accepted: bool,
    pub credit: Credit,
    /// Some of the request body is still to come.
    pub body_open: bool,
    /// The host sent an abort.
    pub aborted: bool,
}

impl Turn {
    /// A new connection to this worker; `out` receives the greeting.
    pub fn new(worker: Identity, out: &mut Vec<u8>) -> Result<Self, Error> {
        hello::encode(out, worker)?;
        Ok(Self {
            worker,
            greeted: false,
            ring: Ring::None,
            phase: Phase::Idle,
            accepted: false,
            credit: Credit::default(),
            body_open: false,
            aborted: false,
        })
    }

    /// The other side's greeting.
    pub fn greet(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        if hello::decode(frame)? != self.worker {
            return Err(Error::Identity);
        }
        self.greeted = true;
        Ok(())
    }

    /// A new request: nothing of the one before counts.
    pub fn begin(&mut self, body_open: bool) {
        self.phase = Phase::Begun;
        self.accepted = false;
        self.credit = Credit::default();
        self.body_open = body_open;
        self.aborted = false;
        if self.ring != Ring::None {
            self.ring = Ring::Unused;
        }
    }

    /// A file is sent, or arrives.
    pub fn file(&mut self) {
        if self.ring != Ring::None {
            self.ring = Ring::Over;
        }
    }

    pub fn in_request(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Closed)
    }
}
