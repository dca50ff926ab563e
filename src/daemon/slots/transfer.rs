//! How slots change hands. Each step is one store, and what it depends on was stored before, so that a death
//! between two steps leaves something that `recovery` understands.
#![forbid(unsafe_code)]

use super::layout::{FREE, GRANTED, Slot, State, View, WAITING, Waiter, get, set};
use super::lock::Locked;

/// A slot that someone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub row: u32,
    pub generation: u32,
    /// Number of the slot in its row.
    pub slot: u32,
    pub serial: u32,
}

/// What became of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Granted(Grant),
    Waiting,
    Dismissed,
}

impl<'t> Locked<'t> {
    /// A slot at once: if there is one, and nobody waits for it already.
    pub fn claim(&mut self) -> Option<Grant> {
        if get(self.table.header().waiting) > 0 {
            return None;
        }
        let (row, index, slot) = self.free_slot()?;
        let serial = self.next_serial();
        self.occupy(row, slot, self.member + 1, serial);
        self.grant(index, serial)
    }

    /// Gives a slot back, if it is still held, and hands it on.
    pub fn release(&mut self, grant: Grant) {
        let index = self.table.view().slots_of(grant.row).start + grant.slot;
        let Some(slot) = self.table.view().slot(index) else {
            return;
        };
        if get(slot.owner) == self.member + 1 && get(slot.serial) == grant.serial {
            self.vacate(grant.row, slot);
            self.dispatch();
        }
    }

    /// Leaves a slot, if it is still held, to another member.
    pub fn leave_to(&mut self, member: u32, grant: Grant) {
        let index = self.table.view().slots_of(grant.row).start + grant.slot;
        if let Some(slot) = self.table.view().slot(index)
            && get(slot.owner) == self.member + 1
            && get(slot.serial) == grant.serial
        {
            set(slot.owner, member + 1);
        }
    }

    /// Hands free slots to waiters, the longest waiting first, and has them woken.
    pub fn dispatch(&mut self) {
        while let Some((index, owner)) = self.first() {
            let Some((row, number, slot)) = self.free_slot() else {
                return;
            };
            let Some(waiter) = self.table.view().waiter(index) else {
                return;
            };
            let serial = self.next_serial();
            self.unlink(waiter);
            set(waiter.slot, number);
            set(waiter.serial, serial);
            set(waiter.state, GRANTED);
            self.occupy(row, slot, owner, serial);
            self.wakes.push(index);
        }
    }

    /// What became of a waiter. Unless it goes on waiting it is free from then on.
    pub fn settle(&mut self, waiter: Waiter<'_>) -> Settled {
        match get(waiter.state) {
            WAITING => Settled::Waiting,
            GRANTED => {
                set(waiter.state, FREE);
                self.granted(waiter)
                    .map_or(Settled::Dismissed, Settled::Granted)
            }
            _ => {
                set(waiter.state, FREE);
                Settled::Dismissed
            }
        }
    }

    /// Ends the wait of a waiter in the queue.
    pub fn leave(&mut self, waiter: Waiter<'_>) {
        self.unlink(waiter);
        set(waiter.state, FREE);
    }

    /// Ends the wait of a waiter that nobody looks after, and gives back what it may have been given.
    pub fn abandon(&mut self, index: u32) {
        let Some(waiter) = self.table.view().waiter(index) else {
            return;
        };
        match self.settle(waiter) {
            Settled::Granted(grant) => self.release(grant),
            Settled::Waiting => self.leave(waiter),
            Settled::Dismissed => {}
        }
    }

    fn granted(&self, waiter: Waiter<'_>) -> Option<Grant> {
        let (number, serial) = (get(waiter.slot), get(waiter.serial));
        let slot = self.table.view().slot(number)?;
        let ours = get(slot.owner) == self.member + 1 && get(slot.serial) == serial;
        if ours {
            self.grant(number, serial)
        } else {
            None
        }
    }

    fn grant(&self, number: u32, serial: u32) -> Option<Grant> {
        let per_row = self.table.layout().slots;
        let row = number / per_row;
        let generation = get(self.table.view().row(row)?.generation);
        Some(Grant {
            row,
            generation,
            slot: number % per_row,
            serial,
        })
    }

    /// A free slot of the ready worker that has the least to do.
    fn free_slot(&self) -> Option<(u32, u32, Slot<'t>)> {
        let view: View<'t> = self.table.view();
        let free = |index: u32| {
            let row = view.row(index)?;
            let in_flight = get(row.in_flight);
            let ready = get(row.state) == State::Ready as u32 && in_flight < get(row.capacity);
            ready.then_some((in_flight, index))
        };
        let (_, row) = (0..view.layout.rows).filter_map(free).min()?;
        let capacity = get(view.row(row)?.capacity).min(view.layout.slots) as usize;
        let numbered = view
            .slots_of(row)
            .take(capacity)
            .filter_map(|number| Some((number, view.slot(number)?)));
        let (number, slot) = numbered
            .into_iter()
            .find(|(_, slot)| get(slot.owner) == 0)?;
        Some((row, number, slot))
    }

    fn next_serial(&self) -> u32 {
        let word = self.table.header().serial;
        let serial = get(word).wrapping_add(1).max(1);
        set(word, serial);
        serial
    }

    fn occupy(&self, row: u32, slot: Slot<'_>, owner: u32, serial: u32) {
        set(slot.serial, serial);
        set(slot.owner, owner);
        if let Some(row) = self.table.view().row(row) {
            set(row.in_flight, get(row.in_flight).saturating_add(1));
        }
    }

    fn vacate(&self, row: u32, slot: Slot<'_>) {
        set(slot.owner, 0);
        if let Some(row) = self.table.view().row(row) {
            set(row.in_flight, get(row.in_flight).saturating_sub(1));
        }
    }
}
