//! Pointers that Python hands on. Unsafe because they are CPython's objects.

use super::error::Result;
use super::gil::Gil;
use super::object::Object;
use pyo3_ffi as ffi;
use std::ffi::c_void;
use std::ptr::NonNull;

/// A pointer that extensions of Python may use as long as this lives: a capsule without a name. Afterwards the capsule
/// has one, so that `PyCapsule_GetPointer(capsule, NULL)` raises in place of giving what is no longer there.
pub struct Lent(Object);

impl Lent {
    /// Makes a capsule.
    pub fn new(_: Gil<'_>, pointer: NonNull<c_void>) -> Result<Self> {
        // SAFETY: attached; a capsule needs neither a name nor a destructor.
        let capsule = unsafe { ffi::PyCapsule_New(pointer.as_ptr(), std::ptr::null(), None) };
        // SAFETY: a new reference, or null with an exception.
        unsafe { Object::from_owned(capsule) }.map(Self)
    }

    /// The capsule.
    pub fn object(&self) -> &Object {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: a capsule, which makes the call succeed; the name is static. Objects are dropped only while attached.
        unsafe { ffi::PyCapsule_SetName(self.0.as_ptr(), c"of a request that is over".as_ptr()) };
    }
}
