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

/// A structure of words, each at its place among them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident of $size:ident { $($(#[$about:meta])* $word:ident at $place:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $name<'m> {
            $($(#[$about])* pub $word: &'m AtomicU32,)*
        }

        impl<'m> From<&'m [AtomicU32; $size]> for $name<'m> {
            fn from(words: &'m [AtomicU32; $size]) -> Self {
                Self { $($word: &words[$place],)* }
            }
        }
    };
}

words! {
    /// The fixed part.
    Header of HEADER {
        magic at 0,
        version at 1,
        rows at 2,
        slots at 3,
        members at 4,
        waiters at 5,
        /// Who holds the lock; see `lock`.
        lock at 16,
        /// How often it was taken: who waits for it sees that others go on.
        turns at 17,
        /// First and last in the queue, and how many are in it.
        head at 32,
        tail at 33,
        waiting at 34,
        /// Number of the last waiter and of the last lease.
        order at 35,
        serial at 36,
        /// Not 0: nobody is admitted any more.
        closed at 37,
        /// Where to look for a free waiter first.
        hint at 38,
    }
}

words! {
    /// A worker.
    Row of ROW {
        state at 0,
        generation at 1,
        capacity at 2,
        /// How many of its slots are taken. Derived from them.
        in_flight at 3,
    }
}

words! {
    /// Room for one request. `owner` decides: 0, or 1 more than the member that has it.
    Slot of SLOT {
        owner at 0,
        serial at 1,
    }
}

words! {
    /// A process. `pid` decides: 0 if there is none.
    Member of MEMBER {
        pid at 0,
    }
}

words! {
    /// A request that waits, or has been given a slot and not noticed yet. `state` decides, and is the futex.
    Waiter of WAITER {
        state at 0,
        owner at 1,
        order at 2,
        /// Slot and serial number of the lease it was given.
        slot at 3,
        serial at 4,
        /// Neighbours in the queue. Derived from `order`.
        next at 5,
        previous at 6,
    }
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
        self.words.first_chunk().map(Header::from)
    }

    pub fn row(self, index: u32) -> Option<Row<'m>> {
        self.at(HEADER, index, self.layout.rows).map(Row::from)
    }

    /// A slot by its number over all rows.
    pub fn slot(self, index: u32) -> Option<Slot<'m>> {
        let slots = self.layout.rows * self.layout.slots;
        self.at(self.layout.slots_at(), index, slots)
            .map(Slot::from)
    }

    /// Numbers of the slots of a row.
    pub const fn slots_of(self, row: u32) -> std::ops::Range<u32> {
        row * self.layout.slots..(row + 1) * self.layout.slots
    }

    pub fn member(self, index: u32) -> Option<Member<'m>> {
        let members = self.layout.members;
        self.at(self.layout.members_at(), index, members)
            .map(Member::from)
    }

    pub fn waiter(self, index: u32) -> Option<Waiter<'m>> {
        let waiters = self.layout.waiters;
        self.at(self.layout.waiters_at(), index, waiters)
            .map(Waiter::from)
    }

    /// The words of one of `count` things that begin at a place.
    fn at<const SIZE: usize>(
        self,
        place: usize,
        index: u32,
        count: u32,
    ) -> Option<&'m [AtomicU32; SIZE]> {
        if index >= count {
            return None;
        }
        self.words
            .get(place + index as usize * SIZE..)?
            .first_chunk()
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
