//! The life of Python in this process: started once on a thread of its own, closed once, never
//! finalised.
//!
//! Attaching after finalisation began ends the process (through 3.13) or hangs the thread (from 3.14),
//! and a server always has threads that may still come back from a blocking call. So Python is not
//! finalised at all: a gate stops new work, a count tells when the rest is done, and then everything an
//! application can observe of an orderly end is run, with a bound.
//!
//! Python's "main thread" is a thread of ours. It initialises Python, makes every interpreter, waits, and
//! runs the end, so it never goes away early as a request thread may. It has all signals blocked: they
//! belong to the host.
//!
//! That it makes the interpreters is a matter of safety: an interpreter thus never lacks a thread state.
//! CPython keeps an interpreter's first state inside the interpreter and uses that place again when
//! there is no other, and through 3.11 a thread that comes while the last one goes finds it half freed.

use super::init::{self, InitSettings};
use super::thread;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Passes given out; the highest bit says that the gate is closed. Closed at first.
static GATE: AtomicUsize = AtomicUsize::new(CLOSED);
const CLOSED: usize = 1 << (usize::BITS - 1);

/// For waiting until the count is zero.
static DRAIN: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

thread_local! {
    static PASSES: Cell<usize> = const { Cell::new(0) };
}

/// Permission to attach: as long as it exists, the process does not begin to end.
pub struct Pass(());

impl Pass {
    /// A pass, or `None` when Python is not running or about to end.
    pub fn enter() -> Option<Self> {
        if GATE.fetch_add(1, Ordering::AcqRel) & CLOSED != 0 {
            leave();
            return None;
        }
        // Unreachable thread-locals: a thread at its very end counts no passes.
        let _ = PASSES.try_with(|passes| passes.set(passes.get() + 1));
        Some(Self(()))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let _ = PASSES.try_with(|passes| passes.set(passes.get() - 1));
        leave();
    }
}

fn leave() {
    if GATE.fetch_sub(1, Ordering::AcqRel) == CLOSED | 1 {
        // The last one out wakes whoever waits. The lock orders this after their check.
        drop(DRAIN.0.lock().unwrap_or_else(PoisonError::into_inner));
        DRAIN.1.notify_all();
    }
}

/// How an end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything was done.
    Orderly,
    /// Requests were still running, or a thread or callback did not return in time.
    TimedOut,
    /// Called on a thread that is inside a request, as from a signal handler: nothing was run.
    Inside,
}

/// Work for Python's main thread.
type Task = Box<dyn FnOnce() + Send>;

/// Python, running.
pub struct Life {
    tasks: SyncSender<Task>,
}

impl Life {
    /// Starts Python; the error is its own message. At most once per process.
    pub fn start(settings: InitSettings) -> Result<Self, String> {
        let (tasks, inbox) = sync_channel::<Task>(1);
        let (started, result) = sync_channel(1);
        let spawned = with_signals_blocked(|| {
            std::thread::Builder::new()
                .name("python-main".to_owned())
                .spawn(move || main_thread(settings, &started, &inbox))
        });
        spawned.map_err(|error| format!("cannot start a thread: {error}"))?;
        result
            .recv()
            .unwrap_or_else(|_| Err("the thread that starts Python ended".to_owned()))?;
        GATE.fetch_and(!CLOSED, Ordering::AcqRel);
        Ok(Self { tasks })
    }

    /// Runs `work` on Python's main thread, detached, and waits for it; `None` after a panic. The
    /// caller is detached, and its pass keeps the process from ending meanwhile.
    pub fn run<R: Send + 'static>(
        &self,
        _: &Pass,
        work: impl FnOnce(&Pass) -> R + Send + 'static,
    ) -> Option<R> {
        let (done, finished) = sync_channel(1);
        let task: Task = Box::new(move || {
            let _ = done.send(lend_pass(work));
        });
        self.tasks.send(task).ok()?;
        finished.recv().ok()
    }

    /// Closes the gate, waits for requests in flight, then runs `finish` on Python's main thread; all
    /// within `timeout`.
    pub fn end(&self, timeout: Duration, finish: impl FnOnce(&Pass) + Send + 'static) -> Ended {
        let deadline = Instant::now() + timeout;
        GATE.fetch_or(CLOSED, Ordering::AcqRel);
        if PASSES.with(Cell::get) != 0 {
            return Ended::Inside;
        }
        if !drained(deadline) {
            return Ended::TimedOut;
        }
        let (done, finished) = sync_channel(1);
        let task: Task = Box::new(move || {
            // The gate is closed, so this is the only pass.
            lend_pass(finish);
            let _ = done.send(());
        });
        let left = deadline.saturating_duration_since(Instant::now());
        if self.tasks.try_send(task).is_ok() && finished.recv_timeout(left).is_ok() {
            Ended::Orderly
        } else {
            Ended::TimedOut
        }
    }
}

/// Runs `work` with a pass that is not counted: somebody waits for it who sees to it that the process
/// does not end.
fn lend_pass<R>(work: impl FnOnce(&Pass) -> R) -> R {
    let pass = std::mem::ManuallyDrop::new(Pass(()));
    work(&pass)
}

fn drained(deadline: Instant) -> bool {
    let mut guard = DRAIN.0.lock().unwrap_or_else(PoisonError::into_inner);
    while GATE.load(Ordering::Acquire) != CLOSED {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        guard = match DRAIN.1.wait_timeout(guard, left) {
            Ok((guard, _)) => guard,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
    true
}

fn main_thread(
    settings: InitSettings,
    started: &SyncSender<Result<(), String>>,
    inbox: &Receiver<Task>,
) {
    let result = init::initialise(&settings);
    let failed = result.is_err();
    if !failed {
        // SAFETY: Python has just been initialised on this thread and left attached.
        unsafe { thread::adopt_current() };
    }
    let _ = started.send(result);
    if failed {
        return;
    }
    for task in inbox {
        // A panic is reported by its hook; whoever waits finds the channel closed.
        let _ = catch_unwind(AssertUnwindSafe(task));
    }
}

/// Runs `work` with every signal blocked, so that a thread made in it inherits that.
fn with_signals_blocked<R>(work: impl FnOnce() -> R) -> R {
    with_mask(libc::sigfillset, work)
}

/// Runs `work` with no signal blocked. On Python's main thread signals thus interrupt what blocks, and their Python
/// handlers run.
pub fn with_signals<R>(work: impl FnOnce() -> R) -> R {
    with_mask(libc::sigemptyset, work)
}

fn with_mask<R>(
    fill: unsafe extern "C" fn(*mut libc::sigset_t) -> libc::c_int,
    work: impl FnOnce() -> R,
) -> R {
    // SAFETY: plain calls on local signal sets; the mask of this thread is put back.
    unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        fill(&raw mut mask);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, &raw mut before);
        let result = work();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        result
    }
}
