//! Where everything is in the memory of a table.
#![forbid(unsafe_code)]

use super::error::Error;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How much of everything a table has. It can't be changed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Workers that there may be at a time: twice the processes of a group, if old and new ones are to overlap.
    pub rows: u32,
    /// Slots of each: the request threads of a worker.
    pub slots: u32,
    /// Processes that may attach: the supervisor and the processes of the host, also of the generation before.
    pub members: u32,
    /// Requests that may wait at a time, over all processes.
    pub waiters: u32,
}

impl Layout {
    /// Refuses what can't be. The bounds keep a table below 20 MiB and every position within 32 bits.
    ///
    /// # Errors
    /// Which part is too large, or 0.
    pub fn check(&self) -> Result<(), Error> {
        let parts = [
            ("rows", self.rows, 1024),
            ("slots in a row", self.slots, 65536),
            ("members", self.members, 16384),
            ("waiters", self.waiters, 65536),
            ("slots", self.rows.saturating_mul(self.slots), 1 << 20),
        ];
        match parts
            .into_iter()
            .find(|(_, count, most)| *count == 0 || count > most)
        {
            Some((what, count, _)) => Err(Error::Layout { what, count }),
            None => Ok(()),
        }
    }

    pub(super) const fn words(&self) -> usize {
        self.waiters_at() + self.waiters as usize * WAITER
    }

    const fn slots_at(&self) -> usize {
        HEADER + self.rows as usize * ROW
    }

    const fn members_at(&self) -> usize {
        self.slots_at() + (self.rows * self.slots) as usize * SLOT
    }

    const fn waiters_at(&self) -> usize {
        self.members_at() + self.members as usize * MEMBER
    }
}

/// Words of each thing. Rows and the lock have cache lines of their own.
const HEADER: usize = 48;
const ROW: usize = 16;
const SLOT: usize = 2;
const MEMBER: usize = 2;
const WAITER: usize = 8;

/// State of a worker.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Gone = 0,
    /// It is not ready yet.
    Starting = 1,
    /// It takes requests.
    Ready = 2,
    /// It finishes what it has.
    Draining = 3,
}

impl State {
    /// A number that is no state, which only a damaged table has, means that the worker takes no requests.
    pub(super) const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Starting,
            2 => Self::Ready,
            3 => Self::Draining,
            _ => Self::Gone,
        }
    }
}

/// No waiter, at the ends of the queue.
pub(super) const NOBODY: u32 = u32::MAX;

/// The fixed part.
#[derive(Clone, Copy)]
pub(super) struct Header<'m> {
    pub magic: &'m AtomicU32,
    pub version: &'m AtomicU32,
    pub rows: &'m AtomicU32,
    pub slots: &'m AtomicU32,
    pub members: &'m AtomicU32,
    pub waiters: &'m AtomicU32,
    /// Who holds the lock; see `lock`.
    pub lock: &'m AtomicU32,
    /// How often it was taken: who waits for it sees that others go on.
    pub turns: &'m AtomicU32,
    /// First and last in the queue, and how many are in it.
    pub head: &'m AtomicU32,
    pub tail: &'m AtomicU32,
    pub waiting: &'m AtomicU32,
    /// Number of the last waiter and of the last lease.
    pub order: &'m AtomicU32,
    pub serial: &'m AtomicU32,
    /// Not 0: nobody is admitted any more.
    pub closed: &'m AtomicU32,
    /// Where to look for a free waiter first.
    pub hint: &'m AtomicU32,
}

/// A worker.
#[derive(Clone, Copy)]
pub(super) struct Row<'m> {
    pub state: &'m AtomicU32,
    pub generation: &'m AtomicU32,
    pub capacity: &'m AtomicU32,
    /// How many of its slots are taken. Derived from them.
    pub in_flight: &'m AtomicU32,
}

/// Room for one request. `owner` decides: 0, or 1 more than the member that has it.
#[derive(Clone, Copy)]
pub(super) struct Slot<'m> {
    pub owner: &'m AtomicU32,
    pub serial: &'m AtomicU32,
}

/// A process. `pid` decides: 0 if there is none.
#[derive(Clone, Copy)]
pub(super) struct Member<'m> {
    pub pid: &'m AtomicU32,
}

/// A request that waits, or has been given a slot and not noticed yet. `state` decides, and is the futex.
#[derive(Clone, Copy)]
pub(super) struct Waiter<'m> {
    pub state: &'m AtomicU32,
    pub owner: &'m AtomicU32,
    pub order: &'m AtomicU32,
    /// Slot and serial number of the lease it was given.
    pub slot: &'m AtomicU32,
    pub serial: &'m AtomicU32,
    /// Neighbours in the queue. Derived from `order`.
    pub next: &'m AtomicU32,
    pub previous: &'m AtomicU32,
}

/// States of a waiter: none, in the queue, given a slot, sent away.
pub(super) const FREE: u32 = 0;
pub(super) const WAITING: u32 = 1;
pub(super) const GRANTED: u32 = 2;
pub(super) const DISMISSED: u32 = 3;

/// The memory, seen through its layout.
#[derive(Clone, Copy)]
pub(super) struct View<'m> {
    pub words: &'m [AtomicU32],
    pub layout: Layout,
}

impl<'m> View<'m> {
    pub fn header(self) -> Option<Header<'m>> {
        let [magic, version, rows, slots, members, waiters, ..] = self.words.get(..16)? else {
            return None;
        };
        let [lock, turns, ..] = self.words.get(16..32)? else {
            return None;
        };
        let [head, tail, waiting, order, serial, closed, hint, ..] = self.words.get(32..HEADER)?
        else {
            return None;
        };
        Some(Header {
            magic,
            version,
            rows,
            slots,
            members,
            waiters,
            lock,
            turns,
            head,
            tail,
            waiting,
            order,
            serial,
            closed,
            hint,
        })
    }

    pub fn row(self, index: u32) -> Option<Row<'m>> {
        let words = self.group(HEADER, index, self.layout.rows, ROW)?;
        let [state, generation, capacity, in_flight, ..] = words else {
            return None;
        };
        Some(Row {
            state,
            generation,
            capacity,
            in_flight,
        })
    }

    /// A slot by its number over all rows.
    pub fn slot(self, index: u32) -> Option<Slot<'m>> {
        let slots = self.layout.rows * self.layout.slots;
        let [owner, serial] = self.group(self.layout.slots_at(), index, slots, SLOT)? else {
            return None;
        };
        Some(Slot { owner, serial })
    }

    /// Numbers of the slots of a row.
    pub const fn slots_of(self, row: u32) -> std::ops::Range<u32> {
        row * self.layout.slots..(row + 1) * self.layout.slots
    }

    pub fn member(self, index: u32) -> Option<Member<'m>> {
        let words = self.group(self.layout.members_at(), index, self.layout.members, MEMBER)?;
        let [pid, _] = words else { return None };
        Some(Member { pid })
    }

    pub fn waiter(self, index: u32) -> Option<Waiter<'m>> {
        let words = self.group(self.layout.waiters_at(), index, self.layout.waiters, WAITER)?;
        let [state, owner, order, slot, serial, next, previous, _] = words else {
            return None;
        };
        Some(Waiter {
            state,
            owner,
            order,
            slot,
            serial,
            next,
            previous,
        })
    }

    fn group(self, at: usize, index: u32, count: u32, words: usize) -> Option<&'m [AtomicU32]> {
        if index >= count {
            return None;
        }
        let from = at + index as usize * words;
        self.words.get(from..from + words)
    }
}

/// Reads a word that the lock protects.
pub(super) fn get(word: &AtomicU32) -> u32 {
    word.load(Relaxed)
}

/// Writes a word that the lock protects.
pub(super) fn set(word: &AtomicU32, value: u32) {
    word.store(value, Relaxed);
}
