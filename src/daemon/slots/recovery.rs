//! Putting a table in order after a death.
#![forbid(unsafe_code)]

use super::layout::{DISMISSED, FREE, GRANTED, WAITING, Waiter, get, set};
use super::lock::Locked;
use super::supervisor::Held;

impl Locked<'_> {
    /// After the member died that held the lock: whatever it was doing is finished or undone.
    pub fn recover(&mut self, dead: u32) {
        self.reclaim(dead);
        self.restore();
    }

    /// Takes everything back that a dead member had. Its place stays taken until it has been swept.
    pub fn reclaim(&mut self, dead: u32) -> u32 {
        let view = self.table.view();
        let owner = dead.wrapping_add(1);
        let waiters = (0..view.layout.waiters).filter_map(|index| view.waiter(index));
        for waiter in
            waiters.filter(|waiter| get(waiter.state) != FREE && get(waiter.owner) == owner)
        {
            set(waiter.state, FREE);
        }
        let all = 0..view.layout.rows * view.layout.slots;
        let slots = all
            .filter_map(|index| view.slot(index))
            .filter(|slot| get(slot.owner) == owner);
        slots.map(|slot| set(slot.owner, 0)).count() as u32
    }

    /// Passes slots of a member on to another one, or, with [`NOBODY`], takes them from it.
    pub fn pass_on(&mut self, from: u32, to: u32, chosen: impl Fn(Held) -> bool) {
        let view = self.table.view();
        for row in 0..view.layout.rows {
            for (number, index) in (0..).zip(view.slots_of(row)) {
                let Some(slot) = view.slot(index) else {
                    continue;
                };
                let held = Held {
                    row,
                    slot: number,
                    serial: get(slot.serial),
                };
                if get(slot.owner) == from + 1 && chosen(held) {
                    // The number after the last is 0, which is what the owner of a free slot is.
                    set(slot.owner, to.wrapping_add(1));
                }
            }
        }
    }

    /// Derives what is derived, hands out what is free and wakes those whose waking may have been missed.
    pub fn restore(&mut self) {
        self.finish_grants();
        self.recount();
        self.relink();
        self.dispatch();
        let view = self.table.view();
        let settled = |index: &u32| {
            view.waiter(*index)
                .is_some_and(|waiter| matches!(get(waiter.state), GRANTED | DISMISSED))
        };
        self.wakes = (0..view.layout.waiters).filter(settled).collect();
    }

    /// A waiter that was given a slot has it, or waits on.
    fn finish_grants(&mut self) {
        let view = self.table.view();
        let waiters = (0..view.layout.waiters).filter_map(|index| view.waiter(index));
        for waiter in waiters.filter(|waiter| get(waiter.state) == GRANTED) {
            if !self.finish_grant(waiter) {
                set(waiter.state, WAITING);
            }
        }
    }

    fn finish_grant(&self, waiter: Waiter<'_>) -> bool {
        let Some(slot) = self.table.view().slot(get(waiter.slot)) else {
            return false;
        };
        if get(slot.owner) == 0 {
            set(slot.serial, get(waiter.serial));
            set(slot.owner, get(waiter.owner));
        }
        get(slot.owner) == get(waiter.owner) && get(slot.serial) == get(waiter.serial)
    }

    /// Counts the slots that are taken.
    fn recount(&mut self) {
        let view = self.table.view();
        for index in 0..view.layout.rows {
            let Some(row) = view.row(index) else { continue };
            let slots = view.slots_of(index).filter_map(|number| view.slot(number));
            set(
                row.in_flight,
                slots.filter(|slot| get(slot.owner) != 0).count() as u32,
            );
        }
    }

    /// Takes back all slots of a row whose worker is no more. Who was given one and has not noticed goes back to
    /// its place in the queue.
    pub fn clear_row(&mut self, row: u32) {
        let view = self.table.view();
        let numbers = view.slots_of(row);
        let waiters = (0..view.layout.waiters).filter_map(|index| view.waiter(index));
        for waiter in waiters.filter(|waiter| get(waiter.state) == GRANTED) {
            if numbers.contains(&get(waiter.slot)) {
                set(waiter.state, WAITING);
            }
        }
        for slot in numbers.filter_map(|number| view.slot(number)) {
            set(slot.owner, 0);
        }
    }
}
