//! One worker.

use super::super::ledger::Ledger;
use super::super::link::{Link, Message, Reason};
use super::super::sys::process;
use super::super::sys::socket::Address;
use super::back_off::BackOff;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    pub worker: Option<Worker>,
    /// Of the worker that is there, or was last.
    pub generation: u32,
}

/// One of the processes that a group should have. While it is replaced there are two of it.
#[derive(Debug)]
pub struct Place {
    pub back_off: BackOff,
    /// When the next worker is started.
    pub start_at: Instant,
}

/// A process.
#[derive(Debug)]
pub struct Worker {
    /// The place that it has, or had.
    pub place: usize,
    pub pid: u32,
    pub watched: OwnedFd,
    pub link: Link,
    pub ledger: Ledger,
    pub address: Address,
    pub started: Instant,
    pub ready: Option<Instant>,
    pub phase: Phase,
    /// Since when hosts keep away from it although it takes requests.
    pub avoided: Option<Instant>,
}

/// How far it is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Ready,
    /// It serves until the next one is ready.
    Retiring {
        reason: Reason,
    },
    /// What it has may finish.
    Draining {
        deadline: Option<Instant>,
        reason: Reason,
    },
    /// It was told to end.
    Stopping {
        kill_at: Option<Instant>,
        reason: Reason,
    },
}

impl Worker {
    /// Tells it to end, if that was not done before.
    pub fn stop(&mut self, reason: Reason, shutdown_timeout: Duration) {
        if !matches!(self.phase, Phase::Stopping { .. }) {
            self.link.send(Message::Stop);
            self.stopping(reason, shutdown_timeout);
        }
    }

    /// It ends. What does not end in time by itself is ended.
    pub fn stopping(&mut self, reason: Reason, shutdown_timeout: Duration) {
        if !matches!(self.phase, Phase::Stopping { .. }) {
            let limited = !shutdown_timeout.is_zero();
            let kill_at = limited.then(|| Instant::now() + shutdown_timeout + GRACE);
            self.phase = Phase::Stopping { kill_at, reason };
        }
    }

    /// Ends it.
    pub fn kill(&mut self) {
        process::signal(self.watched.as_fd(), libc::SIGKILL);
        if let Phase::Stopping { kill_at, .. } = &mut self.phase {
            *kill_at = None;
        }
    }

    /// Whether it is one of those that the group should have.
    pub fn is_current(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Ready)
    }

    /// Why it ends, if it should.
    pub fn reason(&self) -> Option<Reason> {
        match self.phase {
            Phase::Starting | Phase::Ready | Phase::Retiring { .. } => None,
            Phase::Draining { reason, .. } | Phase::Stopping { reason, .. } => Some(reason),
        }
    }
}

/// What a worker gets beyond `shutdown-timeout`, which it keeps by itself.
const GRACE: Duration = Duration::from_secs(1);
