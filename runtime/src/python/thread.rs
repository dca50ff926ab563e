//! One thread state per OS thread and interpreter: made on first use, kept, released when the thread
//! ends.
//!
//! Keeping them is what makes attaching cheap and lets thread-local data of applications persist. Rules
//! that CPython imposes and this file upholds:
//!
//! * A thread's state of the *main* interpreter is made first and through `PyGILState_Ensure`, so that
//!   it also is the thread's PyGILState state; otherwise extensions that call `PyGILState_Ensure` on
//!   this thread would make a second state and wait for the GIL that the thread itself holds.
//! * A state is deleted only by its own thread, attached. A thread that ends after the process began
//!   to end leaves its states behind.

use super::gil::Gil;
use super::life;
use pyo3_ffi as ffi;
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What a thread keeps for one interpreter.
struct Kept {
    interpreter: *mut ffi::PyInterpreterState,
    state: *mut ffi::PyThreadState,
    /// Values that belong to this thread and interpreter, dropped attached.
    locals: Rc<Locals>,
}

/// Typed per-thread, per-interpreter values.
#[derive(Default)]
pub struct Locals(RefCell<Vec<(TypeId, Rc<dyn Any>)>>);

impl Locals {
    /// The value of this type, made on first use. `make` must not attach to another interpreter.
    pub fn get<T: 'static>(&self, make: impl FnOnce() -> T) -> Rc<T> {
        let wanted = TypeId::of::<T>();
        let found = self
            .0
            .borrow()
            .iter()
            .find_map(|(id, value)| (*id == wanted).then(|| Rc::clone(value)));
        let value = found.unwrap_or_else(|| {
            let value: Rc<dyn Any> = Rc::new(make());
            self.0.borrow_mut().push((wanted, Rc::clone(&value)));
            value
        });
        match value.downcast::<T>() {
            Ok(value) => value,
            Err(_) => unreachable!("stored under its own type"),
        }
    }
}

thread_local! {
    static THREAD: Thread = const { Thread { kept: RefCell::new(Vec::new()), number: Cell::new(0) } };
}

struct Thread {
    kept: RefCell<Vec<Kept>>,
    /// 1-based number of the thread in order of first use; 0 before that.
    number: Cell<u32>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        let kept = self.kept.take();
        let Some(_pass) = life::Pass::enter() else {
            std::mem::forget(kept);
            return;
        };
        // The main interpreter's state was made first and goes last.
        for Kept { state, locals, .. } in kept.into_iter().rev() {
            // SAFETY: the state belongs to this thread and is not attached; the pass keeps the process
            // from ending meanwhile. Deleting the current state releases the GIL.
            unsafe {
                ffi::PyEval_RestoreThread(state);
                drop(locals);
                ffi::PyThreadState_Clear(state);
                ffi::PyThreadState_DeleteCurrent();
            }
        }
    }
}

/// Number of this thread among those that serve requests, counted from 1.
pub fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static LAST: AtomicU32 = AtomicU32::new(0);
    THREAD.with(|thread| {
        if thread.number.get() == 0 {
            thread.number.set(LAST.fetch_add(1, Ordering::Relaxed) + 1);
        }
        thread.number.get()
    })
}

/// Keeps the state that is attached at present, which CPython made for this thread, and detaches.
///
/// # Safety
/// The thread is attached, to a state that nobody else will delete.
pub unsafe fn adopt_current() {
    // SAFETY: attached.
    unsafe {
        let state = ffi::PyEval_SaveThread();
        keep(ffi::PyThreadState_GetInterpreter(state), state);
    }
}

fn keep(
    interpreter: *mut ffi::PyInterpreterState,
    state: *mut ffi::PyThreadState,
) -> (*mut ffi::PyThreadState, Rc<Locals>) {
    let locals = Rc::<Locals>::default();
    THREAD.with(|thread| {
        thread.kept.borrow_mut().push(Kept {
            interpreter,
            state,
            locals: Rc::clone(&locals),
        });
    });
    (state, locals)
}

fn kept(
    interpreter: *mut ffi::PyInterpreterState,
) -> Option<(*mut ffi::PyThreadState, Rc<Locals>)> {
    THREAD.with(|thread| {
        let kept = thread.kept.borrow();
        let entry = kept.iter().find(|kept| kept.interpreter == interpreter)?;
        Some((entry.state, Rc::clone(&entry.locals)))
    })
}

/// Runs `work` attached to `interpreter`, on this thread's kept state. Attaching to another interpreter
/// inside `work` is allowed: the outer one is detached meanwhile by the caller's `Gil::detach`.
///
/// # Safety
/// Both pointers are interpreters that stay alive; the thread is detached; a [`life::Pass`] is held.
pub unsafe fn attach<R>(
    main: *mut ffi::PyInterpreterState,
    interpreter: *mut ffi::PyInterpreterState,
    work: impl FnOnce(Gil<'_>, &Locals) -> R,
) -> R {
    struct Detach;
    impl Drop for Detach {
        fn drop(&mut self) {
            // SAFETY: attached by the function below.
            unsafe { ffi::PyEval_SaveThread() };
        }
    }
    let (state, locals) = kept(interpreter).unwrap_or_else(|| {
        if kept(main).is_none() {
            // SAFETY: Python is initialised and this thread has no state. The matching
            // PyGILState_Release never comes: the state is kept until the thread ends.
            unsafe {
                ffi::PyGILState_Ensure();
                adopt_current();
            }
        }
        kept(interpreter).unwrap_or_else(|| {
            // SAFETY: the interpreter is alive; PyThreadState_New needs no GIL.
            keep(interpreter, unsafe { ffi::PyThreadState_New(interpreter) })
        })
    });
    // SAFETY: the state belongs to this thread and interpreter.
    unsafe { ffi::PyEval_RestoreThread(state) };
    let _detach = Detach;
    // SAFETY: attached until `_detach` is dropped, after everything inside `work`.
    work(unsafe { Gil::assume() }, &locals)
}
