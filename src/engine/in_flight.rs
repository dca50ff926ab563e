//! Requests that processes of groups have: counted, so that an end can wait for them.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many there are. The highest bit says that someone waits for that to be none: then there are no new ones.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    count: AtomicUsize,
    lock: Mutex<()>,
    none: Condvar,
}

const AWAITED: usize = 1 << (usize::BITS - 1);

thread_local! {
    /// Requests of this thread, over all engines.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct One<'f>(&'f InFlight);

impl InFlight {
    /// Another one, unless the end has begun.
    pub fn enter(&self) -> Option<One<'_>> {
        let before = self.count.fetch_add(1, Ordering::AcqRel);
        OWN.set(OWN.get() + 1);
        let one = One(self);
        (before & AWAITED == 0).then_some(one)
    }

    /// Waits until there is none; gives how many are left when the time is over. On a thread that is inside a
    /// request, as a signal handler may be, there is nothing to wait for.
    pub fn wait(&self, timeout: Duration) -> usize {
        if OWN.get() > 0 {
            return 0;
        }
        let deadline = Instant::now().checked_add(timeout);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.count.fetch_or(AWAITED, Ordering::AcqRel);
        loop {
            let count = self.count.load(Ordering::Acquire) & !AWAITED;
            let left = deadline.map_or(timeout, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if count == 0 || left.is_zero() {
                return count;
            }
            let waited = self.none.wait_timeout(guard, left);
            guard = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(guard, _)| guard);
        }
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        OWN.set(OWN.get() - 1);
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == AWAITED | 1 {
            // The lock orders this after the check of who waits.
            drop(self.0.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.0.none.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_last_one_ends_the_wait() {
        let flight = InFlight::default();
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let one = flight.enter().unwrap();
                    barrier.wait();
                    std::thread::sleep(Duration::from_millis(20));
                    drop(one);
                });
            }
            barrier.wait();
            assert_eq!(flight.wait(Duration::ZERO), 3);
            assert_eq!(flight.wait(LONG), 0);
            assert!(flight.enter().is_none());
        });
    }

    #[test]
    fn who_is_inside_does_not_wait_for_itself() {
        let flight = InFlight::default();
        let _one = flight.enter();
        assert_eq!(flight.wait(LONG), 0);
    }
}
