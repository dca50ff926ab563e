//! The host's side of admission.
#![forbid(unsafe_code)]

use super::debts::{Debt, Debts};
use super::error::{ClaimError, Error};
use super::layout::{State, WAITING, Waiter, get, set};
use super::lock::Locked;
use super::memory::{now, wait};
use super::supervisor::SUPERVISOR;
use super::table::Table;
use super::transfer::{Grant, Settled};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A process of the host, as the table knows it. Made once in each, after the fork; used from any thread.
#[derive(Debug)]
pub struct Claimer {
    table: Arc<Table>,
    member: u32,
    process: u32,
    debts: Debts,
}

/// A slot of a worker: the right to have it serve one request. Dropping it gives the slot back.
#[derive(Debug)]
#[must_use = "dropping a lease gives the slot back"]
pub struct Lease<'c> {
    claimer: &'c Claimer,
    grant: Grant,
}

/// The supervisor is the first member.
const FIRST_CLAIMER: u32 = 1;

impl Claimer {
    /// Enters this process in the table.
    ///
    /// # Errors
    /// [`Error::Crowded`] when no place is free, [`Error::Stuck`], or what the system refuses.
    pub fn attach(table: Arc<Table>) -> Result<Self, Error> {
        for member in FIRST_CLAIMER..table.layout().members {
            if enter(&table, member)? {
                return Ok(Self {
                    table,
                    member,
                    process: std::process::id(),
                    debts: Debts::default(),
                });
            }
        }
        Err(Error::Crowded)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Claims a slot: of the ready worker that has the least to do, or, when all are busy or none is ready, the
    /// next one that is free after all who came before have got theirs. Waits no longer than `timeout`.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub fn claim(&self, timeout: Option<Duration>) -> Result<Lease<'_>, ClaimError> {
        let index = {
            let mut locked = self.lock().map_err(|_| ClaimError::Stuck)?;
            if get(self.table.header().closed) != 0 {
                return Err(ClaimError::Closed);
            }
            if let Some(grant) = locked.claim() {
                return Ok(Lease {
                    claimer: self,
                    grant,
                });
            }
            if timeout == Some(Duration::ZERO) {
                return Err(ClaimError::Timeout);
            }
            locked.enqueue().ok_or(ClaimError::Full)?
        };
        let waiter = self.table.view().waiter(index).ok_or(ClaimError::Full)?;
        self.wait(
            index,
            waiter,
            timeout.map(|timeout| now().saturating_add(timeout)),
        )
    }

    fn wait(
        &self,
        index: u32,
        waiter: Waiter<'_>,
        deadline: Option<Duration>,
    ) -> Result<Lease<'_>, ClaimError> {
        loop {
            wait(waiter.state, WAITING, deadline);
            let late = deadline.is_some_and(|deadline| now() >= deadline);
            if waiter.state.load(Relaxed) == WAITING && !late {
                continue;
            }
            let Ok(mut locked) = self.lock() else {
                self.debts.add(Debt::Waiter(index));
                return Err(ClaimError::Stuck);
            };
            match locked.settle(waiter) {
                Settled::Granted(grant) => {
                    return Ok(Lease {
                        claimer: self,
                        grant,
                    });
                }
                Settled::Dismissed => return Err(ClaimError::Closed),
                Settled::Waiting if late => {
                    locked.leave(waiter);
                    return Err(ClaimError::Timeout);
                }
                Settled::Waiting => {}
            }
        }
    }

    /// Locks the table, and first does what could not be done while it was stuck.
    fn lock(&self) -> Result<Locked<'_>, Error> {
        let mut locked = self.table.lock(self.member)?;
        for debt in self.debts.take() {
            match debt {
                Debt::Grant(grant) => locked.release(grant),
                Debt::Waiter(index) => locked.abandon(index),
            }
        }
        Ok(locked)
    }
}

/// Takes a place in the table, if it is free.
fn enter(table: &Table, index: u32) -> Result<bool, Error> {
    let Some(member) = table.view().member(index) else {
        return Ok(false);
    };
    if get(member.pid) != 0 || !table.memory().prove_alive(index)? {
        return Ok(false);
    }
    let process = std::process::id();
    let taken = member.pid.compare_exchange(0, process, Relaxed, Relaxed);
    // Another thread of this process may have been faster: then the proof is that one's, and must stay. But if it
    // was a process that came and died meanwhile, it must not seem to live.
    if taken.is_err_and(|other| other != process) {
        table.memory().rest_in_peace(index);
    }
    Ok(taken.is_ok())
}

impl Drop for Claimer {
    /// Leaves the table; leases can't be left, for they borrow from this. A forked copy leaves nothing.
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        // Whoever takes this place next must not have this one's debts.
        let Ok(locked) = self.lock() else {
            return;
        };
        if let Some(member) = self.table.view().member(self.member) {
            set(member.pid, 0);
        }
        drop(locked);
        self.table.memory().rest_in_peace(self.member);
    }
}

impl Lease<'_> {
    /// Row of the worker.
    #[must_use]
    pub fn row(&self) -> u32 {
        self.grant.row
    }

    /// Which process in that row it is.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.grant.generation
    }

    /// The slot in the row.
    #[must_use]
    pub fn slot(&self) -> u32 {
        self.grant.slot
    }

    /// Number of this lease; not 0, and not that of another lease for the next four thousand million.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.grant.serial
    }

    /// Whether the worker is still there. It says nothing about the next moment.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let row = self.claimer.table.row(self.grant.row);
        row.is_some_and(|row| row.state != State::Gone && row.generation == self.grant.generation)
    }

    /// Leaves the slot to the supervisor, for the worker's thread still has the request although nobody waits for it
    /// any more. It is given back when the thread is free.
    pub fn leave(self) {
        if let Ok(mut locked) = self.claimer.lock() {
            locked.leave_to(SUPERVISOR, self.grant);
        }
        // Dropping `self` gives back what is still held, and that is nothing now.
    }

    /// Gives the slot back and keeps others from this worker, which has refused the request or is not there any
    /// more, until the supervisor has had a look at it: otherwise the next claim might lead there again.
    pub fn refused(self) {
        let Ok(_locked) = self.claimer.lock() else {
            return;
        };
        let Some(row) = self.claimer.table.view().row(self.grant.row) else {
            return;
        };
        let same = get(row.generation) == self.grant.generation;
        if same && get(row.state) == State::Ready as u32 {
            set(row.state, State::Draining as u32);
        }
        // Dropping `self` comes after unlocking: locals are dropped before parameters.
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        match self.claimer.lock() {
            Ok(mut locked) => locked.release(self.grant),
            Err(_) => self.claimer.debts.add(Debt::Grant(self.grant)),
        }
    }
}
