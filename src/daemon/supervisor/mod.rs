//! The process that starts workers, watches and replaces them, and ends them when the host ends. One thread, no
//! Python, and nothing to do between events but a look around once a second.
#![forbid(unsafe_code)]

mod group;
mod obituary;
mod row;

pub use group::GroupPart;

use super::launch::RETIRE;
use super::log::ProcessLog;
use super::slots;
use super::sys::poll::{Poll, When};
use super::sys::signal::{Signals, ignore, reset};
use super::sys::{process, socket};
use group::Group;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use wsgi_core_abi::{Level, MessageId};

/// What a supervisor is made of.
#[derive(Debug)]
pub struct Parts {
    /// The process whose end ends everything.
    pub host: u32,
    /// The plan, for the workers.
    pub plan: OwnedFd,
    /// Orders of the host's parent.
    pub control: OwnedFd,
    /// Open at the other end as long as there may be requests.
    pub presence: OwnedFd,
    /// Beginning of the names of sockets.
    pub base: Vec<u8>,
    /// The groups.
    pub groups: Vec<GroupPart>,
    /// The log.
    pub log: ProcessLog,
}

/// What all groups share.
struct Common {
    poll: Poll,
    log: ProcessLog,
    plan: OwnedFd,
    base: Vec<u8>,
}

/// What a number in the set of descriptors stands for. Rows have numbers from 0 on, twice.
mod event {
    pub const SIGNAL: u64 = 1 << 40;
    pub const CONTROL: u64 = SIGNAL + 1;
    pub const PRESENCE: u64 = SIGNAL + 2;
    pub const HOST: u64 = SIGNAL + 3;
    /// The link of a row; the process itself has the number without it.
    pub const LINK: u64 = 1 << 32;
}

/// How far the supervisor is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// The host has a newer generation; requests of the older one may still come until then.
    Retiring(Option<Instant>),
    Stopping,
}

/// How long nothing is looked at.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// Runs until there is nothing left to supervise.
///
/// # Errors
/// When the system lacks what is needed to begin with.
pub fn run(parts: Parts) -> io::Result<()> {
    let signals = Signals::install(&[libc::SIGTERM, libc::SIGINT, libc::SIGUSR1])?;
    for signal in [
        libc::SIGHUP,
        libc::SIGUSR2,
        libc::SIGPIPE,
        libc::SIGWINCH,
        libc::SIGXFSZ,
    ] {
        ignore(signal);
    }
    // Its children are waited for, also where the host does not do that.
    reset(libc::SIGCHLD);
    process::leave_session();
    let poll = Poll::new()?;
    poll.add(signals.as_fd(), event::SIGNAL, When::Readable)?;
    poll.add(parts.control.as_fd(), event::CONTROL, When::Readable)?;
    poll.add(parts.presence.as_fd(), event::PRESENCE, When::Readable)?;
    // If the host has ended already, another process may have its number by now: the parent tells.
    let host = process::watch(parts.host)
        .ok()
        .filter(|_| process::parent() == parts.host);
    let Some(host) = host else { return Ok(()) };
    poll.add(host.as_fd(), event::HOST, When::Readable)?;
    let common = Common {
        poll,
        log: parts.log,
        plan: parts.plan,
        base: parts.base,
    };
    let mut first = 0;
    let mut groups = Vec::new();
    for (number, part) in parts.groups.into_iter().enumerate() {
        let log = part.log.clone();
        match Group::new(number as u32, first, part) {
            Ok(group) => {
                first += group.rows() as u64;
                groups.push(group);
            }
            // The host has said why.
            Err(slots::Error::Foreign) => {}
            Err(error) => {
                let text = format!("Process group number {}: {error}", number + 1);
                log.line(Level::Critical, MessageId::GROUP_START, &text);
            }
        }
    }
    let mut supervisor = Supervisor {
        common,
        groups,
        phase: Phase::Serving,
        control: parts.control,
        presence: parts.presence,
        signals,
        host,
    };
    supervisor.run()
}

struct Supervisor {
    common: Common,
    groups: Vec<Group>,
    phase: Phase,
    control: OwnedFd,
    presence: OwnedFd,
    signals: Signals,
    host: OwnedFd,
}

impl Supervisor {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let mut next = now + LOOK_AROUND;
            for group in &mut self.groups {
                next = next.min(group.tick(&self.common, now));
            }
            if let Phase::Retiring(Some(deadline)) = self.phase {
                if deadline <= now {
                    self.stop(
                        "the server has replaced this generation, and graceful-timeout is over",
                        true,
                    );
                    continue;
                }
                next = next.min(deadline);
            }
            if self.phase == Phase::Stopping && self.groups.iter().all(Group::is_empty) {
                return Ok(());
            }
            if let Some(number) = self
                .common
                .poll
                .wait(Some(next.saturating_duration_since(now)))?
            {
                self.handle(number);
            }
        }
    }

    fn handle(&mut self, number: u64) {
        match number {
            event::SIGNAL => {
                while let Some(signal) = self.signals.next() {
                    match signal {
                        libc::SIGUSR1 => self.retire(),
                        signal => {
                            self.stop(&format!("received {}", process::signal_name(signal)), false)
                        }
                    }
                }
            }
            event::CONTROL => self.order(),
            event::PRESENCE => {
                self.common.poll.remove(self.presence.as_fd());
                self.stop(
                    "no process of the server is left that could have requests",
                    true,
                );
            }
            event::HOST => {
                self.common.poll.remove(self.host.as_fd());
                self.stop("the server has ended", true);
            }
            number => {
                let (row, link) = (number % event::LINK, number >= event::LINK);
                if let Some(group) = self.groups.iter_mut().find(|group| group.has(row)) {
                    // What ends at once may be known to have ended before it was heard.
                    group.read_link(&self.common, row);
                    if !link {
                        group.died(row);
                    }
                }
            }
        }
    }

    fn order(&mut self) {
        let mut byte = [0];
        match socket::receive_bytes(self.control.as_fd(), &mut byte, socket::Wait::Never) {
            Ok(1) if byte[0] == RETIRE => self.retire(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => {
                self.common.poll.remove(self.control.as_fd());
                self.retire();
            }
        }
    }

    /// A new generation takes over. Children of the server that belong to this one still have requests.
    fn retire(&mut self) {
        if self.phase == Phase::Serving {
            let timeouts: Option<Vec<Duration>> =
                self.groups.iter().map(Group::drain_timeout).collect();
            let longest = timeouts.and_then(|timeouts| timeouts.into_iter().max());
            self.phase = Phase::Retiring(longest.map(|timeout| Instant::now() + timeout));
        }
    }

    /// Ends all workers. Unless it is for good, requests wait for the supervisor that comes next.
    fn stop(&mut self, why: &str, for_good: bool) {
        if self.phase == Phase::Stopping {
            return;
        }
        self.phase = Phase::Stopping;
        self.common.log.line(
            Level::Info,
            MessageId::NONE,
            &format!("Stopping all process groups: {why}"),
        );
        for group in &mut self.groups {
            group.close(for_good);
        }
    }
}
