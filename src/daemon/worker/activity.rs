//! What the request threads are doing, for timers and for the end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many threads have a request, and whether someone waits for that to be none.
#[derive(Debug, Default)]
struct Active {
    count: usize,
    awaited: bool,
}

/// Counters and times. Times are milliseconds since the process began, and 0 for "never".
#[derive(Debug)]
pub struct Activity {
    origin: Instant,
    /// Of each thread, when its request began.
    threads: Vec<AtomicU64>,
    active: Mutex<Active>,
    idle: Condvar,
    last: AtomicU64,
    first: AtomicU64,
    finished: AtomicU64,
    /// An application was loaded and called.
    loaded: AtomicBool,
}

impl Activity {
    pub fn new(threads: usize) -> Self {
        Self {
            origin: Instant::now(),
            threads: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            active: Mutex::default(),
            idle: Condvar::new(),
            last: AtomicU64::new(0),
            first: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            loaded: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// A thread has a request.
    pub fn begin(&self, thread: usize) {
        let now = self.now();
        self.active().count += 1;
        if let Some(start) = self.threads.get(thread) {
            start.store(now, Relaxed);
        }
        if self.first.load(Relaxed) == 0 {
            self.first.store(now, Relaxed);
        }
        self.last.store(now, Relaxed);
    }

    /// It has none any more. Gives how many were served.
    pub fn end(&self, thread: usize, called: bool) -> u64 {
        if let Some(start) = self.threads.get(thread) {
            start.store(0, Relaxed);
        }
        if called {
            self.loaded.store(true, Relaxed);
        }
        let finished = self.finished.fetch_add(1, Relaxed) + 1;
        let mut active = self.active();
        active.count -= 1;
        // Waking someone up is a system call, also where nobody sleeps.
        if active.count == 0 && active.awaited {
            self.idle.notify_all();
        }
        finished
    }

    /// Something was read or written.
    pub fn touch(&self) {
        self.last.store(self.now(), Relaxed);
    }

    /// Waits until no thread has a request. False when the time is over before.
    pub fn wait_idle(&self, timeout: Option<Duration>) -> bool {
        let mut active = self.active();
        active.awaited = true;
        let busy = |active: &mut Active| active.count > 0;
        match timeout {
            None => {
                drop(self.idle.wait_while(active, busy));
                true
            }
            Some(timeout) => {
                let waited = self.idle.wait_timeout_while(active, timeout, busy);
                !waited.map_or(true, |(_, result)| result.timed_out())
            }
        }
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many threads have a request that is not older than `age`.
    pub fn busy(&self, age: Option<Duration>) -> usize {
        let now = self.now();
        let fresh = |start: u64| {
            age.is_none_or(|age| Duration::from_millis(now.saturating_sub(start)) <= age)
        };
        self.threads
            .iter()
            .map(|start| start.load(Relaxed))
            .filter(|start| *start != 0 && fresh(*start))
            .count()
    }

    /// When the oldest request began.
    pub fn oldest(&self) -> Option<Instant> {
        let starts = self.threads.iter().map(|start| start.load(Relaxed));
        starts
            .filter(|start| *start != 0)
            .min()
            .map(|start| self.origin + Duration::from_millis(start))
    }

    /// When something happened last; `None` before the first request.
    pub fn last(&self) -> Option<Instant> {
        Some(self.last.load(Relaxed))
            .filter(|last| *last != 0)
            .map(|last| self.origin + Duration::from_millis(last))
    }

    /// When the first request came, if no application was called since.
    pub fn starting(&self) -> Option<Instant> {
        let first = Some(self.first.load(Relaxed))
            .filter(|first| *first != 0 && !self.loaded.load(Relaxed));
        first.map(|first| self.origin + Duration::from_millis(first))
    }

    /// When the process began.
    pub fn origin(&self) -> Instant {
        self.origin
    }
}
