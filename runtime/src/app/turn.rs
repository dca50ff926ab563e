//! A lock that is taken detached and held attached.
#![forbid(unsafe_code)]

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One thread's turn at a time. Unlike a `Mutex`, its guard may be taken in a detached region and
/// carried out of it: `turn` is waited for detached, so that whoever has it can attach.
#[derive(Default)]
pub struct Turn {
    taken: Mutex<bool>,
    given_back: Condvar,
}

/// The turn of one thread, given back when dropped.
pub struct Taken<'a>(&'a Turn);

impl Turn {
    /// Waits for the turn. Call this detached.
    pub fn take(&self) -> Taken<'_> {
        let mut taken = self.lock();
        while *taken {
            let woken = self.given_back.wait(taken);
            taken = woken.unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
        Taken(self)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.given_back.notify_one();
    }
}
