//! What went wrong, in detail.

use super::guard::neutral;
use super::status::{self, WSGI_CORE_E_ARGUMENT, wsgi_core_status};
use crate::engine::Error;
use std::ffi::{CString, c_char};

/// Details of a failure. Belongs to the caller, who releases it with wsgi_core_error_free(). It refers to
/// nothing else and may outlive the objects of the call, and be read by any thread.
pub struct wsgi_core_error {
    status: wsgi_core_status,
    id: u16,
    message: CString,
    http_status: u16,
    head_sent: bool,
}

impl wsgi_core_error {
    /// Describes `error` for C.
    pub(super) fn new(error: &Error) -> Self {
        let mut text = error.to_string().into_bytes();
        text.retain(|byte| *byte != 0);
        Self {
            status: status::number(error),
            id: error.id().0,
            message: CString::new(text).unwrap_or_default(),
            http_status: error.http_status(),
            head_sent: error.head_sent(),
        }
    }
}

/// Tell the status that the failed call returned.
///
/// @param error  the error; WSGI_CORE_E_ARGUMENT is returned for NULL
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_error_get_status(
    error: *const wsgi_core_error,
) -> wsgi_core_status {
    neutral(WSGI_CORE_E_ARGUMENT, || {
        // SAFETY: the caller passes an error or NULL.
        unsafe { error.as_ref() }.map(|error| error.status)
    })
}

/// Tell which documented condition it is: 40 stands for WC0040. Numbers are never reused.
/// Whatever an application or its script did wrong is 50 here; the log has the exact condition.
///
/// @param error  the error; 0 is returned for NULL
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_error_get_id(error: *const wsgi_core_error) -> u16 {
    neutral(0, || {
        // SAFETY: the caller passes an error or NULL.
        unsafe { error.as_ref() }.map(|error| error.id)
    })
}

/// Get a message for people: one line without identifier and without the name of the option, so that the
/// host can put in front of it what its users call that option. In UTF-8, but parts of a value that is
/// not are replaced.
///
/// @param error  the error; "" is returned for NULL
///
/// @return the message, which lives as long as the error
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_error_get_message(
    error: *const wsgi_core_error,
) -> *const c_char {
    neutral(c"".as_ptr(), || {
        // SAFETY: the caller passes an error or NULL.
        unsafe { error.as_ref() }.map(|error| error.message.as_ptr())
    })
}

/// Tell the HTTP status to answer a failed request with, such as 404 or 500. Of use only when no head was
/// sent (wsgi_core_error_head_sent()).
///
/// @param error  the error; 500 is returned for NULL
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_error_get_http_status(error: *const wsgi_core_error) -> u16 {
    neutral(500, || {
        // SAFETY: the caller passes an error or NULL.
        unsafe { error.as_ref() }.map(|error| error.http_status)
    })
}

/// Tell whether the response head was handed to the host before the request failed. If it was, nothing
/// else may be sent in its place: the host breaks the connection off, visibly for the client (no final
/// chunk, nothing that looks complete).
///
/// @param error  the error; false is returned for NULL
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_error_head_sent(error: *const wsgi_core_error) -> bool {
    neutral(false, || {
        // SAFETY: the caller passes an error or NULL.
        unsafe { error.as_ref() }.map(|error| error.head_sent)
    })
}

/// Release an error.
///
/// @param error  the error; consumed. NULL does nothing
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_error_free(error: *mut wsgi_core_error) {
    neutral((), || {
        if !error.is_null() {
            // SAFETY: made by `guard::call` with Box::into_raw; the caller gives it up.
            drop(unsafe { Box::from_raw(error) });
        }
        None
    });
}
