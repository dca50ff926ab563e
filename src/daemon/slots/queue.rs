//! The queue: waiters linked in order of arrival.
#![forbid(unsafe_code)]

use super::layout::{FREE, NOBODY, WAITING, Waiter, get, set};
use super::lock::Locked;

impl Locked<'_> {
    /// Puts a new waiter at the end; `None` when there is no room.
    pub fn enqueue(&mut self) -> Option<u32> {
        let index = self.free_waiter()?;
        let waiter = self.table.view().waiter(index)?;
        let header = self.table.header();
        let order = get(header.order).wrapping_add(1);
        set(header.order, order);
        set(waiter.owner, self.member + 1);
        set(waiter.order, order);
        set(waiter.state, WAITING);
        self.link(index, waiter);
        Some(index)
    }

    fn free_waiter(&self) -> Option<u32> {
        let (view, hint) = (self.table.view(), self.table.header().hint);
        let (count, first) = (view.layout.waiters, get(hint));
        let index = (0..count)
            .map(|step| first.wrapping_add(step) % count)
            .find(|index| {
                view.waiter(*index)
                    .is_some_and(|waiter| get(waiter.state) == FREE)
            })?;
        set(hint, index + 1);
        Some(index)
    }

    /// Links a waiter at the end.
    fn link(&mut self, index: u32, waiter: Waiter<'_>) {
        let header = self.table.header();
        let last = get(header.tail);
        set(waiter.next, NOBODY);
        set(waiter.previous, last);
        match self.table.view().waiter(last) {
            Some(last) => set(last.next, index),
            None => set(header.head, index),
        }
        set(header.tail, index);
        set(header.waiting, get(header.waiting).saturating_add(1));
    }

    /// Takes a waiter out, from wherever it is.
    pub fn unlink(&mut self, waiter: Waiter<'_>) {
        let (view, header) = (self.table.view(), self.table.header());
        let (next, previous) = (get(waiter.next), get(waiter.previous));
        match view.waiter(previous) {
            Some(previous) => set(previous.next, next),
            None => set(header.head, next),
        }
        match view.waiter(next) {
            Some(next) => set(next.previous, previous),
            None => set(header.tail, previous),
        }
        set(header.waiting, get(header.waiting).saturating_sub(1));
    }

    /// Who is first. A queue that does not lead to a waiter is made anew from the waiters.
    pub fn first(&mut self) -> Option<(u32, u32)> {
        if get(self.table.header().waiting) == 0 {
            return None;
        }
        self.head().or_else(|| {
            self.relink();
            self.head()
        })
    }

    /// The waiter at the head and who it belongs to.
    fn head(&self) -> Option<(u32, u32)> {
        let index = get(self.table.header().head);
        let waiter = self.table.view().waiter(index)?;
        (get(waiter.state) == WAITING).then(|| (index, get(waiter.owner)))
    }

    /// Makes the queue anew from the waiters, in the order in which they came.
    pub fn relink(&mut self) {
        let (view, header) = (self.table.view(), self.table.header());
        let newest = get(header.order);
        let waiting = |index: &u32| {
            view.waiter(*index)
                .is_some_and(|waiter| get(waiter.state) == WAITING)
        };
        let mut queue: Vec<u32> = (0..view.layout.waiters).filter(waiting).collect();
        // The numbers wrap around; the oldest is the one furthest behind the newest.
        let age = |index: &u32| {
            view.waiter(*index)
                .map(|waiter| newest.wrapping_sub(get(waiter.order)))
        };
        queue.sort_by_key(|index| std::cmp::Reverse(age(index)));
        set(header.head, NOBODY);
        set(header.tail, NOBODY);
        set(header.waiting, 0);
        for index in queue {
            if let Some(waiter) = view.waiter(index) {
                self.link(index, waiter);
            }
        }
    }
}
