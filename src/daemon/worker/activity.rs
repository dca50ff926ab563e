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
    /// How many requests may begin.
    most: u64,
    origin: Instant,
    threads: Vec<Thread>,
    active: Mutex<Active>,
    idle: Condvar,
    last: AtomicU64,
    first: AtomicU64,
    begun: AtomicU64,
    finished: AtomicU64,
    /// An application was loaded.
    loaded: AtomicBool,
}

/// A request thread: when its request began, and its number. No request has number 0.
#[derive(Debug, Default)]
struct Thread {
    start: AtomicU64,
    number: AtomicU64,
}

/// A request that is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub number: u64,
    pub since: Instant,
}

impl Activity {
    /// For so many threads, and at most so many requests; 0 is no limit.
    pub fn new(threads: usize, most: u64) -> Self {
        Self {
            most,
            origin: Instant::now(),
            threads: (0..threads).map(|_| Thread::default()).collect(),
            active: Mutex::default(),
            idle: Condvar::new(),
            last: AtomicU64::new(0),
            first: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            loaded: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// A thread has a request. Gives its number, or nothing where the process has begun as many as it may.
    pub fn begin(&self, thread: usize) -> Option<u64> {
        let more = |begun| (self.most == 0 || begun < self.most).then_some(begun + 1);
        let number = self.begun.fetch_update(Relaxed, Relaxed, more).ok()? + 1;
        let now = self.now();
        self.active().count += 1;
        if let Some(thread) = self.threads.get(thread) {
            thread.number.store(number, Relaxed);
            thread.start.store(now, Relaxed);
        }
        // Whatever the first request is, it ends the time in which nothing was to be expected.
        if self.first.load(Relaxed) == 0 {
            self.first.store(now, Relaxed);
            self.last.store(now, Relaxed);
        }
        Some(number)
    }

    /// It has none any more. Gives how many were served.
    pub fn end(&self, thread: usize) -> u64 {
        if let Some(thread) = self.threads.get(thread) {
            thread.start.store(0, Relaxed);
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

    /// An application was loaded, and is called.
    pub fn load(&self) {
        self.loaded.store(true, Relaxed);
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

    /// The requests that are being served.
    pub fn running(&self) -> Vec<Running> {
        let running = self.threads.iter().filter_map(|thread| {
            let start = thread.start.load(Relaxed);
            (start != 0).then(|| Running {
                number: thread.number.load(Relaxed),
                since: self.at(start),
            })
        });
        running.collect()
    }

    fn at(&self, time: u64) -> Instant {
        self.origin + Duration::from_millis(time)
    }

    /// When something happened last; `None` before the first request.
    pub fn last(&self) -> Option<Instant> {
        let last = self.last.load(Relaxed);
        (last != 0).then(|| self.at(last))
    }

    /// When the first request came.
    pub fn first(&self) -> Option<Instant> {
        let first = self.first.load(Relaxed);
        (first != 0).then(|| self.at(first))
    }

    /// Whether an application was ever loaded.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Relaxed)
    }

    /// When the process began.
    pub fn origin(&self) -> Instant {
        self.origin
    }
}
