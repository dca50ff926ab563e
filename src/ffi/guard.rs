//! The one place where panics stop and errors become numbers.

use super::error::wsgi_core_error;
use super::status::{WSGI_CORE_OK, number, wsgi_core_status};
use crate::engine::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of an exported function that can fail.
pub(super) fn call(
    err: *mut *mut wsgi_core_error,
    body: impl FnOnce() -> Result<(), Error>,
) -> wsgi_core_status {
    call_with(err, || {}, body)
}

/// As [`call`], and runs `poison` after a panic.
pub(super) fn call_with(
    err: *mut *mut wsgi_core_error,
    poison: impl FnOnce(),
    body: impl FnOnce() -> Result<(), Error>,
) -> wsgi_core_status {
    // After a panic nothing of what the body touched is used again: the engine refuses everything.
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping a payload may panic once more.
        std::mem::forget(payload);
        poison();
        Err(Error::Panic)
    });
    let detail = match &result {
        Err(error) if !err.is_null() => Box::into_raw(Box::new(wsgi_core_error::new(error))),
        _ => std::ptr::null_mut(),
    };
    if !err.is_null() {
        // SAFETY: the caller passes NULL or a place for a pointer.
        unsafe { err.write(detail) };
    }
    result.map_or_else(|error| number(&error), |()| WSGI_CORE_OK)
}

/// Runs the body of an exported function that can't fail; `otherwise` stands for a NULL object and for a
/// panic.
pub(super) fn neutral<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value.unwrap_or(otherwise),
        Err(payload) => {
            std::mem::forget(payload);
            otherwise
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{wsgi_core_error_free, wsgi_core_error_get_id};
    use super::super::status::{WSGI_CORE_E_ARGUMENT, WSGI_CORE_E_PANIC};
    use super::*;
    use std::cell::Cell;

    /// Runs a body, and gives its status, the identifier in its error and whether it poisoned.
    fn run(body: impl FnOnce() -> Result<(), Error>) -> (wsgi_core_status, u16, bool) {
        let poisoned = Cell::new(false);
        let mut err = std::ptr::dangling_mut();
        let status = call_with(&raw mut err, || poisoned.set(true), body);
        // SAFETY: an error or NULL.
        let id = unsafe {
            let id = wsgi_core_error_get_id(err);
            wsgi_core_error_free(err);
            id
        };
        (status, id, poisoned.get())
    }

    #[test]
    fn panics_stop_at_the_guard() {
        assert_eq!(run(|| panic!("bug")), (WSGI_CORE_E_PANIC, 90, true));
        assert_eq!(
            call(std::ptr::null_mut(), || panic!("bug")),
            WSGI_CORE_E_PANIC
        );
        assert_eq!(neutral(7, || panic!("bug")), 7);
    }

    #[test]
    fn errors_have_a_number_and_success_clears_the_error() {
        let argument = || Err(Error::null("x"));
        assert_eq!(run(argument), (WSGI_CORE_E_ARGUMENT, 1, false));
        assert_eq!(call(std::ptr::null_mut(), argument), WSGI_CORE_E_ARGUMENT);
        assert_eq!(run(|| Ok(())), (WSGI_CORE_OK, 0, false));
    }
}
