//! The supervisor's side of admission.
#![forbid(unsafe_code)]

use super::error::Error;
use super::layout::{DISMISSED, NOBODY, State, WAITING, get, set};
use super::lock::Locked;
use super::table::Table;
use std::sync::Arc;

/// The process that says which workers there are. There is one.
#[derive(Debug)]
pub struct Supervisor {
    table: Arc<Table>,
}

/// What was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Processes that had died.
    pub processes: u32,
    /// Slots that they held.
    pub slots: u32,
}

pub(super) const SUPERVISOR: u32 = 0;

/// A slot that someone had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Row of the worker.
    pub row: u32,
    /// The slot in the row.
    pub slot: u32,
    /// Number of the lease.
    pub serial: u32,
}

impl Supervisor {
    /// Makes this process the supervisor.
    ///
    /// # Errors
    /// [`Error::Crowded`] when there is one that lives, or what the system refuses.
    pub fn attach(table: Arc<Table>) -> Result<Self, Error> {
        if !table.memory().prove_alive(SUPERVISOR)? {
            return Err(Error::Crowded);
        }
        if let Some(member) = table.view().member(SUPERVISOR) {
            set(member.pid, std::process::id());
        }
        Ok(Self { table })
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// A worker was started in this row. Whatever its predecessor had is taken back.
    ///
    /// # Errors
    /// [`Error::NoRow`], [`Error::Layout`] when it has more threads than a row has slots, [`Error::Stuck`].
    pub fn starting(&self, row: u32, generation: u32, capacity: u32) -> Result<(), Error> {
        if capacity > self.table.layout().slots {
            return Err(Error::Layout {
                what: "slots in a row",
                count: capacity,
            });
        }
        let mut locked = self.empty(row, State::Starting)?;
        let words = self.table.view().row(row).ok_or(Error::NoRow(row))?;
        set(words.generation, generation);
        set(words.capacity, capacity);
        locked.restore();
        Ok(())
    }

    /// The worker takes requests: those that wait are given to it.
    ///
    /// # Errors
    /// [`Error::NoRow`] or [`Error::Stuck`].
    pub fn ready(&self, row: u32) -> Result<(), Error> {
        let mut locked = self.lock()?;
        set(
            self.table.view().row(row).ok_or(Error::NoRow(row))?.state,
            State::Ready as u32,
        );
        locked.dispatch();
        Ok(())
    }

    /// The worker finishes what it has.
    ///
    /// # Errors
    /// [`Error::NoRow`] or [`Error::Stuck`].
    pub fn draining(&self, row: u32) -> Result<(), Error> {
        let _locked = self.lock()?;
        set(
            self.table.view().row(row).ok_or(Error::NoRow(row))?.state,
            State::Draining as u32,
        );
        Ok(())
    }

    /// The worker is no more, and its leases are void.
    ///
    /// # Errors
    /// [`Error::NoRow`] or [`Error::Stuck`].
    pub fn gone(&self, row: u32) -> Result<(), Error> {
        self.empty(row, State::Gone)?.restore();
        Ok(())
    }

    fn empty(&self, row: u32, state: State) -> Result<Locked<'_>, Error> {
        let words = self.table.view().row(row).ok_or(Error::NoRow(row))?;
        let mut locked = self.lock()?;
        set(words.state, state as u32);
        locked.clear_row(row);
        Ok(locked)
    }

    /// Takes back what processes of the host held that have died, but for slots whose thread still has the request.
    /// To be called when one has: nothing else notices, so nobody has to look from time to time.
    ///
    /// # Errors
    /// [`Error::Stuck`].
    pub fn sweep(&self, is_running: impl Fn(Held) -> bool) -> Result<Swept, Error> {
        let dead = self.dead();
        let mut locked = self.lock()?;
        let mut swept = Swept::default();
        for index in dead {
            let Some(member) = self.table.view().member(index) else {
                continue;
            };
            swept.processes += 1;
            locked.pass_on(index, SUPERVISOR, &is_running);
            swept.slots += locked.reclaim(index);
            set(member.pid, 0);
        }
        // Also when nobody was found: the dead may have been about to wake someone, or their slots have been
        // taken back by whoever found them with the lock.
        locked.restore();
        Ok(swept)
    }

    /// Gives back slots that were left to the supervisor, where the thread is free by now.
    ///
    /// # Errors
    /// [`Error::Stuck`].
    pub fn collect(&self, is_running: impl Fn(Held) -> bool) -> Result<(), Error> {
        let view = self.table.view();
        let mut all =
            (0..view.layout.rows * view.layout.slots).filter_map(|index| view.slot(index));
        if !all.any(|slot| get(slot.owner) == SUPERVISOR + 1) {
            return Ok(());
        }
        let mut locked = self.lock()?;
        locked.pass_on(SUPERVISOR, NOBODY, |held| !is_running(held));
        locked.restore();
        Ok(())
    }

    /// The dead stay dead: until it is swept nobody takes the place of one.
    fn dead(&self) -> Vec<u32> {
        let entered = |index: &u32| {
            self.table
                .view()
                .member(*index)
                .is_some_and(|member| get(member.pid) != 0)
        };
        let members = (SUPERVISOR + 1..self.table.layout().members).filter(entered);
        members
            .filter(|index| !self.table.is_member_alive(*index))
            .collect()
    }

    /// The group ends: who waits is sent away, and so is who comes.
    ///
    /// # Errors
    /// [`Error::Stuck`].
    pub fn close(&self) -> Result<(), Error> {
        let mut locked = self.lock()?;
        set(self.table.header().closed, 1);
        let view = self.table.view();
        let waiters = (0..view.layout.waiters).filter_map(|index| view.waiter(index));
        for waiter in waiters.filter(|waiter| get(waiter.state) == WAITING) {
            set(waiter.state, DISMISSED);
        }
        locked.restore();
        Ok(())
    }

    fn lock(&self) -> Result<Locked<'_>, Error> {
        self.table.lock(SUPERVISOR)
    }
}
