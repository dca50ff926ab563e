//! Interpreters: the main one and sub-interpreters, one per application group.
//!
//! They are never destroyed: what an interpreter owes its application at the end (`threading._shutdown`,
//! atexit callbacks) is run by `finish`, and the process ends with Python initialised. Unsafe: raw
//! interpreter states.

use super::error::{Raised, Result};
use super::gil::Gil;
use super::life::Pass;
use super::object::Object;
use super::thread::{self, Locals};
use pyo3_ffi as ffi;

/// An interpreter of this process.
pub struct Interpreter {
    main: *mut ffi::PyInterpreterState,
    state: *mut ffi::PyInterpreterState,
}

// SAFETY: interpreter states live until the process ends and are used attached, under the GIL.
unsafe impl Send for Interpreter {}
// SAFETY: as above.
unsafe impl Sync for Interpreter {}

impl Interpreter {
    /// The main interpreter.
    pub fn main(_: &Pass) -> Self {
        // SAFETY: a pass exists only while Python is initialised.
        let state = unsafe { ffi::PyInterpreterState_Main() };
        Self { main: state, state }
    }

    /// Creates a sub-interpreter, sharing the main interpreter's GIL. `None` if CPython refuses. Call this
    /// on Python's main thread: its state there is the interpreter's first and must stay (see `life`).
    pub fn sub(pass: &Pass) -> Option<Self> {
        let main = Self::main(pass);
        main.attach(pass, |_, _| {
            // SAFETY: attached to the main interpreter. Py_NewInterpreter attaches this thread to a
            // new state, which is kept for it; afterwards the main state is attached again, as
            // `attach` expects to find it.
            unsafe {
                let outer = ffi::PyThreadState_Get();
                let inner = ffi::Py_NewInterpreter();
                if inner.is_null() {
                    ffi::PyThreadState_Swap(outer);
                    return None;
                }
                let state = ffi::PyThreadState_GetInterpreter(inner);
                thread::adopt_current();
                ffi::PyEval_RestoreThread(outer);
                Some(Self {
                    main: main.main,
                    state,
                })
            }
        })
    }

    /// Tells this interpreter from others.
    pub fn id(&self) -> usize {
        self.state as usize
    }

    /// Runs `work` attached to this interpreter.
    pub fn attach<R>(&self, _: &Pass, work: impl FnOnce(Gil<'_>, &Locals) -> R) -> R {
        // SAFETY: interpreters are never destroyed, the pass keeps Python running, and callers are
        // detached: attached code has a `Gil`, and only `Gil::detach` leads back to a `Pass` user.
        unsafe { thread::attach(self.main, self.state, work) }
    }

    /// What Python does first when an interpreter ends: waits for its non-daemon threads and runs the
    /// callbacks registered with `atexit`. Exceptions are printed by Python itself.
    pub fn finish(&self, gil: Gil<'_>) {
        let run = |module, function| -> Result<()> {
            let modules = Object::modules(gil)?;
            // A module that was never imported has nothing to run.
            if let Some(module) = modules.get_item(&Object::text(gil, module)?)? {
                module.call_method(function, [])?;
            }
            Ok(())
        };
        for (module, function) in [("threading", c"_shutdown"), ("atexit", c"_run_exitfuncs")] {
            if run(module, function) == Err(Raised) {
                // SAFETY: attached, and an exception is set.
                unsafe { ffi::PyErr_WriteUnraisable(std::ptr::null_mut()) };
            }
        }
    }
}
