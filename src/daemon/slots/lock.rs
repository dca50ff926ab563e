//! The lock of a table. It survives the death of its holder at any instruction.
//!
//! Its word is 0, or 1 more than the member that holds it, with a bit for "someone sleeps on it". A sleeper wakes
//! up from time to time and asks the kernel whether the holder lives; if not, it takes the lock over and the
//! table is put in order. That is no polling in normal life: the lock is held for a fraction of a microsecond.
//!
//! A robust pthread mutex would do the same, but follows pointers that it keeps in the shared memory: a process of
//! the host could make the supervisor, which may be root, write anywhere.
#![forbid(unsafe_code)]

use super::error::Error;
use super::layout::{get, set};
use super::memory::{self, now};
use super::table::Table;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// Someone sleeps on the lock.
const CONTENDED: u32 = 1 << 31;

/// How often a sleeper asks whether the holder lives.
const SUSPICION: Duration = Duration::from_millis(5);

/// How long one holder may have the lock: a million times longer than it needs, so that losing its processor in
/// the middle is no reason. It has been stopped, or wants harm.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often to look before going to sleep.
const SPINS: u32 = 100;

/// A table that no one else changes.
pub(super) struct Locked<'t> {
    pub table: &'t Table,
    /// The member that holds it.
    pub member: u32,
    /// Waiters to be woken when it is let go.
    pub wakes: Vec<u32>,
}

impl Table {
    /// Locks the table for a member that is alive.
    pub(super) fn lock(&self, member: u32) -> Result<Locked<'_>, Error> {
        let word = self.header().lock;
        for _ in 0..SPINS {
            let free = word.load(Relaxed) == 0;
            if free
                && word
                    .compare_exchange(0, member + 1, Acquire, Relaxed)
                    .is_ok()
            {
                return Ok(self.locked(member));
            }
            std::hint::spin_loop();
        }
        self.lock_slowly(member)
    }

    fn locked(&self, member: u32) -> Locked<'_> {
        let turns = self.header().turns;
        set(turns, get(turns).wrapping_add(1));
        Locked {
            table: self,
            member,
            wakes: Vec::new(),
        }
    }

    #[cold]
    fn lock_slowly(&self, member: u32) -> Result<Locked<'_>, Error> {
        let word = self.header().lock;
        let mine = (member + 1) | CONTENDED;
        let mut end = now() + PATIENCE;
        let mut asked = now();
        let mut turn = get(self.header().turns);
        loop {
            let seen = word.load(Relaxed);
            let marked = seen | CONTENDED;
            if seen == 0 {
                if word.compare_exchange(0, mine, Acquire, Relaxed).is_ok() {
                    return Ok(self.locked(member));
                }
                continue;
            }
            if seen != marked
                && word
                    .compare_exchange(seen, marked, Relaxed, Relaxed)
                    .is_err()
            {
                continue;
            }
            memory::wait(word, marked, Some(now() + SUSPICION));
            if now() < asked + SUSPICION {
                continue;
            }
            asked = now();
            if self.is_dead(get(word) & !CONTENDED) && word.load(Relaxed) == marked {
                if word
                    .compare_exchange(marked, mine, Acquire, Relaxed)
                    .is_ok()
                {
                    return Ok(self.inherited(member, marked));
                }
            } else if get(self.header().turns) != turn {
                turn = get(self.header().turns);
                end = now() + PATIENCE;
            } else if now() > end {
                return Err(Error::Stuck);
            }
        }
    }

    /// The lock of a dead member.
    fn inherited(&self, member: u32, word: u32) -> Locked<'_> {
        let mut locked = self.locked(member);
        locked.recover((word & !CONTENDED).wrapping_sub(1));
        locked
    }

    /// Whether the holder of the lock is no more; so is one that never was, in a damaged table.
    fn is_dead(&self, holder: u32) -> bool {
        holder != 0 && !self.is_member_alive(holder - 1)
    }

    /// Whether the process of a member lives. The kernel does not tell a process about its own record locks.
    pub(super) fn is_member_alive(&self, index: u32) -> bool {
        let Some(member) = self.view().member(index) else {
            return false;
        };
        get(member.pid) == std::process::id() || self.memory().is_alive(index)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let word = self.table.header().lock;
        if word.swap(0, Release) & CONTENDED != 0 {
            memory::wake(word);
        }
        for waiter in self
            .wakes
            .iter()
            .filter_map(|index| self.table.view().waiter(*index))
        {
            memory::wake(waiter.state);
        }
    }
}
