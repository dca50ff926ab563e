//! Raising an exception in the thread that serves a request: CPython's asynchronous exceptions, which arrive with
//! the thread's next bytecode.
//!
//! A request can only be hit while it is entered here. Entering, leaving and sending happen attached to the
//! request's interpreter, and leaving takes back what has not arrived, so that a later request of the thread never
//! gets it. Unsafe: the C API names a thread by its number.

use super::gil::Gil;
use super::object::Object;
use super::thread;
use pyo3_ffi as ffi;
use std::ffi::c_long;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The requests that can be interrupted. Locked for moments, by threads that hold a GIL and do not give it away.
static ENTERED: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

struct Entry {
    request: u64,
    target: Target,
    sent: bool,
}

/// Where a request is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// [`super::Interpreter::id`].
    pub interpreter: usize,
    /// What Python calls the thread.
    pub ident: u64,
    /// Its number among those that serve requests.
    pub thread: u32,
}

/// A request that can be interrupted, until this is dropped.
pub struct Interruptible<'g> {
    request: u64,
    /// It is dropped attached.
    gil: Gil<'g>,
}

fn entered() -> MutexGuard<'static, Vec<Entry>> {
    ENTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_ident() -> u64 {
    // SAFETY: a query that never fails. It is what `threading.get_ident` gives where threads are POSIX threads.
    unsafe { libc::pthread_self() as u64 }
}

impl<'g> Interruptible<'g> {
    /// Enters a request of this thread; one with the number 0 can't be interrupted.
    pub fn enter(gil: Gil<'g>, request: u64) -> Self {
        if request != 0 {
            // SAFETY: attached.
            let interpreter = unsafe { ffi::PyInterpreterState_Get() } as usize;
            let target = Target {
                interpreter,
                ident: own_ident(),
                thread: thread::number(),
            };
            entered().push(Entry {
                request,
                target,
                sent: false,
            });
        }
        Self { request, gil }
    }

    /// Whether an exception was sent to it.
    pub fn is_sent(&self) -> bool {
        self.request != 0
            && entered()
                .iter()
                .any(|entry| entry.request == self.request && entry.sent)
    }
}

impl Drop for Interruptible<'_> {
    fn drop(&mut self) {
        if self.request == 0 {
            return;
        }
        let mut entered = entered();
        let index = entered
            .iter()
            .position(|entry| entry.request == self.request);
        let sent = index.is_some_and(|index| entered.swap_remove(index).sent);
        if sent {
            set(self.gil, own_ident(), std::ptr::null_mut());
        }
    }
}

/// Where a request is being served, if it is one that can be interrupted.
pub fn find(request: u64) -> Option<Target> {
    let entered = entered();
    let entry = entered.iter().find(|entry| entry.request == request)?;
    Some(entry.target)
}

/// Raises `class` in the thread that serves the request. False if it has left. The caller is attached to the
/// interpreter of its target.
pub fn send(gil: Gil<'_>, request: u64, class: &Object) -> bool {
    let mut entered = entered();
    let Some(entry) = entered.iter_mut().find(|entry| entry.request == request) else {
        return false;
    };
    entry.sent = true;
    set(gil, entry.target.ident, class.as_ptr())
}

/// Sets the exception that a thread gets next, or takes it back.
fn set(_: Gil<'_>, ident: u64, class: *mut ffi::PyObject) -> bool {
    // SAFETY: attached; a class that is alive, or null. A thread that has no state in this interpreter is not found.
    unsafe { ffi::PyThreadState_SetAsyncExc(ident as c_long, class) == 1 }
}
