//! Proof of being attached, and data that needs it.

use pyo3_ffi as ffi;
use std::marker::PhantomData;

/// Proof that this thread is attached to an interpreter. Zero-sized, copied freely, never sent.
#[derive(Clone, Copy)]
pub struct Gil<'a>(PhantomData<(&'a (), *mut ())>);

impl Gil<'_> {
    /// # Safety
    /// The thread is attached for as long as the value is used.
    pub unsafe fn assume<'a>() -> Gil<'a> {
        Gil(PhantomData)
    }

    /// Whether the thread is attached to the main interpreter.
    pub fn is_main(self) -> bool {
        // SAFETY: attached, as `self` proves.
        unsafe { ffi::PyInterpreterState_Get() == ffi::PyInterpreterState_Main() }
    }

    /// Runs `work` detached, so that other threads can run Python meanwhile; for calls that may block.
    ///
    /// `work` is `Send`, which keeps Python objects out of it.
    pub fn detach<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        struct Reattach(*mut ffi::PyThreadState);
        impl Drop for Reattach {
            fn drop(&mut self) {
                // SAFETY: the state was saved on this thread just before. Python is never finalised
                // (see `life`), so attaching cannot end the thread.
                unsafe { ffi::PyEval_RestoreThread(self.0) }
            }
        }
        // SAFETY: attached, as `self` proves.
        let _reattach = Reattach(unsafe { ffi::PyEval_SaveThread() });
        work()
    }
}

/// A value that is only reached while attached to the interpreter it belongs to.
pub struct GilCell<T>(T);

// SAFETY: the value is only handed out against a `Gil`: it is made, used and dropped attached. Under a
// GIL one thread at a time uses it. Without one, what CPython itself makes safe for several threads is
// all that the values hold besides locks: references, which are counted atomically, to objects.
unsafe impl<T> Send for GilCell<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    /// Keeps `value`.
    pub fn new(_: Gil<'_>, value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn get(&self, _: Gil<'_>) -> &T {
        &self.0
    }
}
