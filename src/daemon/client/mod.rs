//! The host's side of a process group: the way of a request to a worker, and of the response back.
#![forbid(unsafe_code)]

mod broken;
mod connection;
mod failure;
#[cfg(test)]
mod fake;
mod output;
mod relay;
mod upload;

pub use failure::{ClientFailure, Facts, Finished};

use super::launch::{Launched, address};
use super::settings::GroupSettings;
use super::slots::{self, ClaimError, Claimer, Lease, State};
use super::sys::clock;
use broken::Broken;
use connection::{Connection, Target};
use relay::Relay;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wsgi_core_abi::{Exchange, ReadFailure, Request};

/// What the client of a group sends to and reads from: the host's exchange.
pub trait Downstream: Exchange {
    /// Reads what there is of the request body without waiting; `None` when there is nothing at the moment, and 0
    /// at the end.
    ///
    /// # Errors
    /// As for [`Exchange::read`].
    fn read_now(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReadFailure> {
        let _ = buffer;
        Ok(None)
    }

    /// The client may take nothing of a block for so long; the host's own limit holds otherwise.
    fn set_send_timeout(&mut self, timeout: Duration) {
        let _ = timeout;
    }
}

/// How long a request body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Up to its end.
    Open,
}

/// A process group, in one process of the host. Used by any number of threads.
#[derive(Debug)]
pub struct GroupClient {
    launched: Arc<Launched>,
    number: u32,
    settings: GroupSettings,
    socket_timeout: Duration,
    claimer: Claimer,
    /// Idle connections, by row.
    pools: Vec<Mutex<Vec<Connection>>>,
}

/// How often a request is refused before it gives up: each time its worker was about to be replaced.
const REFUSALS: u32 = 64;

impl GroupClient {
    /// Enters this process of the host.
    ///
    /// # Errors
    /// When there is no such group, or too many processes use it.
    pub fn attach(
        launched: &Arc<Launched>,
        number: u32,
        settings: GroupSettings,
        socket_timeout: Duration,
    ) -> Result<Self, slots::Error> {
        let memory = launched.memory(number).ok_or(slots::Error::Foreign)?;
        let claimer = Claimer::attach(Arc::clone(&memory.table))?;
        let pools = (0..memory.table.layout().rows)
            .map(|_| Mutex::default())
            .collect();
        Ok(Self {
            launched: Arc::clone(launched),
            number,
            settings,
            socket_timeout,
            claimer,
            pools,
        })
    }

    /// How many requests wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.claimer.table().waiting()
    }

    /// Has a worker serve a request. `down` gets the response, and gives the body.
    ///
    /// # Errors
    /// When no worker took it, or the one that did was lost.
    pub fn serve<D: Downstream>(
        &self,
        request: &Request<'_>,
        body: Body,
        down: &mut D,
    ) -> Result<Finished, (ClientFailure, Facts)> {
        let (start, request) = (
            Instant::now(),
            Request {
                queue_start: clock::seconds(),
                ..*request
            },
        );
        let (mut refusals, mut lost) = (0, 0);
        let mut relay = Relay::new(down, body, &self.settings);
        loop {
            let lease = self
                .admit(start)
                .map_err(|failure| (failure, Facts::default()))?;
            match self.attempt(&lease, &request, &mut relay) {
                Ok(finished) => {
                    if !relay.is_ended() {
                        self.leave(lease);
                    }
                    return Ok(finished);
                }
                Err(Broken::Unreachable) => {
                    lease.refused();
                    if start.elapsed() >= self.settings.connect_timeout {
                        return Err((self.down(), Facts::default()));
                    }
                }
                Err(Broken::Refused) => {
                    lease.refused();
                    refusals += 1;
                    if refusals > REFUSALS {
                        return Err((self.down(), Facts::default()));
                    }
                }
                Err(Broken::Lost)
                    if relay.is_untouched() && !self.is_accepted(&lease) && lost == 0 =>
                {
                    lease.refused();
                    lost += 1;
                }
                Err(broken) => {
                    self.leave(lease);
                    let facts = relay.facts();
                    return Err((broken.into_failure(&facts, relay.is_touched()), facts));
                }
            }
        }
    }

    /// Gives a slot back once the worker's thread is free, which it may not be although the request is given up.
    fn leave(&self, lease: Lease<'_>) {
        let memory = self.launched.memory(self.number);
        let running = memory.is_some_and(|memory| {
            memory
                .board
                .is_running(lease.row(), lease.slot(), lease.serial())
        });
        if running {
            lease.leave();
        }
    }

    fn is_accepted(&self, lease: &Lease<'_>) -> bool {
        let memory = self.launched.memory(self.number);
        memory.is_none_or(|memory| {
            memory
                .board
                .is_marked(lease.row(), lease.slot(), lease.serial())
        })
    }

    fn down(&self) -> ClientFailure {
        ClientFailure::Down {
            retry_after: seconds(self.settings.connect_timeout),
        }
    }

    fn busy(&self) -> ClientFailure {
        ClientFailure::Busy {
            retry_after: seconds(self.settings.queue_timeout),
        }
    }

    /// Waits for a slot.
    fn admit(&self, start: Instant) -> Result<Lease<'_>, ClientFailure> {
        if self.settings.threads == 0 {
            return Err(ClientFailure::Unable("it serves no requests".to_owned()));
        }
        let timeouts = [self.settings.queue_timeout, self.socket_timeout];
        // Nothing waits for ever in a queue that does not move.
        let queue = timeouts.into_iter().find(|timeout| !timeout.is_zero());
        let connect = self.settings.connect_timeout;
        loop {
            let left = queue.map(|queue| queue.saturating_sub(start.elapsed()));
            let step = left.map_or(connect, |left| left.min(connect));
            // Without a time for connecting it is the queue that counts, if there is any worker.
            let step = if connect.is_zero() && self.is_up() {
                left
            } else {
                Some(step)
            };
            match self.claimer.claim(step) {
                Ok(lease) => return Ok(lease),
                Err(ClaimError::Timeout) => {
                    if queue.is_some_and(|queue| start.elapsed() >= queue) {
                        return Err(self.busy());
                    }
                    if !self.is_up() {
                        return Err(self.down());
                    }
                }
                Err(ClaimError::Closed) => return Err(ClientFailure::Closed),
                Err(ClaimError::Full | ClaimError::Stuck) => {
                    return Err(self.busy());
                }
            }
        }
    }

    /// Whether there is a worker at all.
    fn is_up(&self) -> bool {
        self.claimer
            .table()
            .rows()
            .any(|row| matches!(row.state, State::Ready | State::Draining))
    }

    fn attempt<D: Downstream>(
        &self,
        lease: &Lease<'_>,
        request: &Request<'_>,
        relay: &mut Relay<'_, D>,
    ) -> Result<Finished, Broken> {
        // An idle connection may have been closed at the other end; then nothing of the request was taken.
        while let Some(mut connection) = self.take(lease) {
            match relay.run(&mut connection, lease, request) {
                Err(Broken::Stale) if !self.is_accepted(lease) => {}
                result => return self.done(lease, connection, result),
            }
        }
        let mut connection = self.connect(lease)?;
        let result = relay.run(&mut connection, lease, request);
        self.done(lease, connection, result)
    }

    fn done(
        &self,
        lease: &Lease<'_>,
        connection: Connection,
        result: Result<Finished, Broken>,
    ) -> Result<Finished, Broken> {
        if result.is_ok()
            && connection.is_idle()
            && let Some(pool) = self.pools.get(lease.row() as usize)
        {
            pool.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
        result
    }

    /// An idle connection to the worker. Those to a worker before are closed.
    fn take(&self, lease: &Lease<'_>) -> Option<Connection> {
        let pool = self.pools.get(lease.row() as usize)?;
        let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = pool.pop() {
            if connection.generation() == lease.generation() {
                return Some(connection);
            }
        }
        None
    }

    /// Closes what leads to workers that are no more.
    fn forget_the_gone(&self) {
        for (row, pool) in self.claimer.table().rows().zip(&self.pools) {
            let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
            pool.retain(|connection| {
                row.state != State::Gone && row.generation == connection.generation()
            });
        }
    }

    fn connect(&self, lease: &Lease<'_>) -> Result<Connection, Broken> {
        self.forget_the_gone();
        let (row, generation) = (lease.row(), lease.generation());
        let settings = &self.settings;
        Connection::open(&Target {
            address: address(self.launched.base(), self.number, row, generation),
            row,
            generation,
            owner: self.launched.owner_uid,
            connect_timeout: settings.connect_timeout,
            socket_timeout: self.socket_timeout,
            buffers: settings.buffers(),
        })
    }
}

fn seconds(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX).max(1)
}
