//! What a process still has to do to the table.
#![forbid(unsafe_code)]

use super::transfer::Grant;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something to be done as soon as the lock is to be had again.
#[derive(Debug)]
pub(super) enum Debt {
    /// Give a slot back.
    Grant(Grant),
    /// Take a waiter out of the queue, that nobody looks after any more.
    Waiter(u32),
}

/// All of them. There are none, unless a holder of the lock was stopped for longer than anyone waits.
#[derive(Debug, Default)]
pub(super) struct Debts {
    any: AtomicBool,
    list: Mutex<Vec<Debt>>,
}

impl Debts {
    pub fn add(&self, debt: Debt) {
        self.list().push(debt);
        self.any.store(true, Relaxed);
    }

    /// Takes them all. Without any, which is nearly always, that is one load.
    pub fn take(&self) -> Vec<Debt> {
        if !self.any.load(Relaxed) {
            return Vec::new();
        }
        let mut list = self.list();
        self.any.store(false, Relaxed);
        std::mem::take(&mut *list)
    }

    fn list(&self) -> MutexGuard<'_, Vec<Debt>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
