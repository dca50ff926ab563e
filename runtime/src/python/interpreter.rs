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
use std::sync::{Mutex, PoisonError};

/// An interpreter of this process.
pub struct Interpreter {
    main: *mut ffi::PyInterpreterState,
    state: *mut ffi::PyInterpreterState,
    has_own_gil: bool,
}

/// Whether CPython can give a sub-interpreter a GIL of its own (PEP 684).
pub const CAN_HAVE_OWN_GIL: bool = cfg!(Py_3_12);
/// Whether this build of CPython can do without a GIL (PEP 703).
pub const CAN_BE_FREE_THREADED: bool = cfg!(Py_GIL_DISABLED);

/// Whose GIL a sub-interpreter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// That of the main interpreter.
    Shared,
    /// One of its own; not before 3.12.
    Own,
}

/// Identifies interpreters that have a GIL of their own.
static OWN_GIL: Mutex<Vec<i64>> = Mutex::new(Vec::new());

impl Gil<'_> {
    /// Whether the interpreter that the thread is attached to has a GIL of its own, and is not the main one.
    pub fn is_own(self) -> bool {
        // SAFETY: attached, as `self` proves.
        let id = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
        let own = OWN_GIL.lock().unwrap_or_else(PoisonError::into_inner);
        own.contains(&id)
    }
}

// SAFETY: interpreter states live until the process ends and are used attached.
unsafe impl Send for Interpreter {}
// SAFETY: as above.
unsafe impl Sync for Interpreter {}

impl Interpreter {
    /// The main interpreter.
    pub fn main(_: &Pass) -> Self {
        // SAFETY: a pass exists only while Python is initialised.
        let state = unsafe { ffi::PyInterpreterState_Main() };
        Self {
            main: state,
            state,
            has_own_gil: false,
        }
    }

    /// Creates a sub-interpreter; the error is CPython's own message. Call this on Python's main thread: its
    /// state there is the interpreter's first and must stay (see `life`).
    pub fn sub(pass: &Pass, lock: Lock) -> std::result::Result<Self, String> {
        let main = Self::main(pass);
        main.attach(pass, |_, _| {
            // SAFETY: attached to the main interpreter. Creating one attaches this thread to a new state,
            // which is kept for it; afterwards, as after a failure, the main state is attached again, as
            // `attach` expects to find it.
            unsafe {
                let outer = ffi::PyThreadState_Get();
                let inner = create(lock).inspect_err(|_| {
                    ffi::PyThreadState_Swap(outer);
                })?;
                let state = ffi::PyThreadState_GetInterpreter(inner);
                if lock == Lock::Own {
                    let mut own = OWN_GIL.lock().unwrap_or_else(PoisonError::into_inner);
                    own.push(ffi::PyInterpreterState_GetID(state));
                }
                thread::adopt_current();
                ffi::PyEval_RestoreThread(outer);
                Ok(Self {
                    main: main.main,
                    state,
                    has_own_gil: lock == Lock::Own,
                })
            }
        })
    }

    /// Tells this interpreter from others.
    pub fn id(&self) -> usize {
        self.state as usize
    }

    /// Whether any interpreter of the process has a GIL of its own.
    pub fn some_have_own_gil() -> bool {
        let own = OWN_GIL.lock().unwrap_or_else(PoisonError::into_inner);
        !own.is_empty()
    }

    /// Whether it is a sub-interpreter with a GIL of its own.
    pub fn has_own_gil(&self) -> bool {
        self.has_own_gil
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

/// Creates an interpreter and attaches to it.
///
/// # Safety
/// The thread is attached to the main interpreter.
#[cfg(Py_3_12)]
unsafe fn create(lock: Lock) -> std::result::Result<*mut ffi::PyThreadState, String> {
    // What Py_NewInterpreter uses, which ends the process when it fails.
    let mut config = ffi::_PyInterpreterConfig_LEGACY_INIT;
    if lock == Lock::Own {
        // CPython insists on both of the first with a GIL of its own, and daemon threads could outlive it.
        config.use_main_obmalloc = 0;
        config.check_multi_interp_extensions = 1;
        config.allow_daemon_threads = 0;
        config.gil = ffi::PyInterpreterConfig_OWN_GIL;
    }
    let mut state = std::ptr::null_mut();
    // SAFETY: attached; both live for the call.
    let status = unsafe { ffi::Py_NewInterpreterFromConfig(&raw mut state, &raw const config) };
    super::init::succeed(status).map(|()| state)
}

/// The same before 3.12, where all interpreters share one GIL.
///
/// # Safety
/// The thread is attached to the main interpreter.
#[cfg(not(Py_3_12))]
unsafe fn create(_: Lock) -> std::result::Result<*mut ffi::PyThreadState, String> {
    // SAFETY: attached.
    let state = unsafe { ffi::Py_NewInterpreter() };
    if state.is_null() {
        return Err("no reason given".to_owned());
    }
    Ok(state)
}
