//! Exceptions: raising them from Rust and taking them out of the thread's error indicator.
//!
//! Unsafe: the exception classes are C globals, and the indicator is per thread state.

use super::gil::Gil;
use super::object::Object;
use pyo3_ffi as ffi;

/// An exception is set in this thread's error indicator, as when a C API function returns NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised;

/// What Python calls give.
pub type Result<T> = std::result::Result<T, Raised>;

/// The built-in exceptions that the gateway raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exc {
    Import,
    Os,
    Runtime,
    System,
    SystemExit,
    Type,
    Value,
}

impl Exc {
    fn class(self) -> *mut ffi::PyObject {
        // SAFETY: statics that CPython fills in before any of our code runs.
        unsafe {
            match self {
                Self::Import => ffi::PyExc_ImportError,
                Self::Os => ffi::PyExc_OSError,
                Self::Runtime => ffi::PyExc_RuntimeError,
                Self::System => ffi::PyExc_SystemError,
                Self::SystemExit => ffi::PyExc_SystemExit,
                Self::Type => ffi::PyExc_TypeError,
                Self::Value => ffi::PyExc_ValueError,
            }
        }
    }
}

/// Sets an exception, to be returned as `Err(raise(…))`.
pub fn raise(_: Gil<'_>, class: Exc, message: &str) -> Raised {
    // A message never fails to decode: it is Rust text. NUL would cut it, which is harmless.
    let message = std::ffi::CString::new(message.replace('\0', "\\0")).unwrap_or_default();
    // SAFETY: attached; the string lives for the call.
    unsafe { ffi::PyErr_SetString(class.class(), message.as_ptr()) };
    Raised
}

/// An exception out of the indicator.
pub struct Exception {
    value: Object,
}

impl Exception {
    /// Takes the exception that is set, normalised and with its traceback attached.
    pub fn take(gil: Gil<'_>) -> Self {
        // SAFETY: attached.
        let value = unsafe { Object::from_owned(take_raised()) };
        let value = value.unwrap_or_else(|Raised| Object::none(gil));
        Self { value }
    }

    /// The exception object.
    pub fn value(&self) -> &Object {
        &self.value
    }

    /// Whether it is an instance of `class`.
    pub fn is(&self, _: Gil<'_>, class: Exc) -> bool {
        // SAFETY: alive; attached.
        unsafe { ffi::PyErr_GivenExceptionMatches(self.value.as_ptr(), class.class()) != 0 }
    }

    /// Whether it is an instance of `class`, which has no `__instancecheck__` that could raise.
    pub fn is_of(&self, _: Gil<'_>, class: &Object) -> bool {
        // SAFETY: both alive; attached.
        unsafe { ffi::PyErr_GivenExceptionMatches(self.value.as_ptr(), class.as_ptr()) != 0 }
    }

    /// The exception it was raised from, or that was being handled when it was raised.
    pub fn earlier(&self) -> Option<Self> {
        // SAFETY: alive; attached; both give a new reference or null without an exception.
        let value = unsafe {
            Object::from_owned(ffi::PyException_GetCause(self.value.as_ptr())).or_else(|Raised| {
                Object::from_owned(ffi::PyException_GetContext(self.value.as_ptr()))
            })
        };
        value.ok().map(|value| Self { value })
    }

    /// Its traceback, if any.
    pub fn traceback(&self) -> Option<Object> {
        // SAFETY: alive; attached; a new reference or null without an exception.
        unsafe { Object::from_owned(ffi::PyException_GetTraceback(self.value.as_ptr())).ok() }
    }
}

/// Raises an exception again from the triple of `sys.exc_info()`.
#[cfg_attr(Py_3_12, expect(deprecated, reason = "its successor takes no triple"))]
pub fn reraise(_: Gil<'_>, class: &Object, value: &Object, traceback: &Object) -> Raised {
    let owned = |object: &Object| {
        if object.is_none() {
            std::ptr::null_mut()
        } else {
            object.clone().into_ptr()
        }
    };
    // SAFETY: attached; PyErr_Restore takes over the references.
    unsafe { ffi::PyErr_Restore(owned(class), owned(value), owned(traceback)) };
    Raised
}

/// Issues a DeprecationWarning, which the warning filters may turn into an exception.
pub fn warn_deprecated(_: Gil<'_>, message: &str) -> Result<()> {
    let message = std::ffi::CString::new(message).unwrap_or_default();
    // SAFETY: attached; the string lives for the call.
    match unsafe { ffi::PyErr_WarnEx(ffi::PyExc_DeprecationWarning, message.as_ptr(), 1) } {
        0 => Ok(()),
        _ => Err(Raised),
    }
}

/// Clears the indicator, for a failure that has no consequence.
pub fn clear(_: Gil<'_>) {
    // SAFETY: attached.
    unsafe { ffi::PyErr_Clear() }
}

#[cfg(Py_3_12)]
unsafe fn take_raised() -> *mut ffi::PyObject {
    // SAFETY: the caller is attached.
    unsafe { ffi::PyErr_GetRaisedException() }
}

#[cfg(not(Py_3_12))]
unsafe fn take_raised() -> *mut ffi::PyObject {
    let (mut class, mut value, mut traceback) = (
        std::ptr::null_mut(),
        std::ptr::null_mut(),
        std::ptr::null_mut(),
    );
    // SAFETY: the caller is attached; the three references become ours and are released again
    // except the value, which is returned with its traceback attached (before 3.12 CPython keeps
    // them apart).
    unsafe {
        ffi::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback);
        ffi::PyErr_NormalizeException(&raw mut class, &raw mut value, &raw mut traceback);
        if !value.is_null() && !traceback.is_null() {
            ffi::PyException_SetTraceback(value, traceback);
        }
        ffi::Py_XDECREF(class);
        ffi::Py_XDECREF(traceback);
    }
    value
}
