//! The numbers that functions return, and the only mapping from errors to them.

use crate::daemon::client::ClientFailure;
use crate::engine::{Error, RuntimeFailure};

/// Result of a call: WSGI_CORE_OK, or one of the WSGI_CORE_E_... numbers, grouped by who has to act: 1 to
/// 15 the caller, 16 to 31 whoever writes the configuration, 32 to 47 the application or the client, 48 to
/// 63 the host's side, 64 and above the library. New numbers may be added within a group. Callbacks return
/// WSGI_CORE_OK or, for any failure of theirs, WSGI_CORE_E_HOST.
pub type wsgi_core_status = i32;

/// Success.
pub const WSGI_CORE_OK: wsgi_core_status = 0;

/// A required pointer is NULL, or a value is out of its range.
pub const WSGI_CORE_E_ARGUMENT: wsgi_core_status = 1;
/// The struct_size of a structure is not one this library can work with.
pub const WSGI_CORE_E_STRUCT_SIZE: wsgi_core_status = 2;
/// The call came at the wrong time in the life of its object.
pub const WSGI_CORE_E_STATE: wsgi_core_status = 3;

/// An option is unknown or its value is not accepted.
pub const WSGI_CORE_E_OPTION: wsgi_core_status = 16;
/// There is no Python to run applications with, or it could not be started.
pub const WSGI_CORE_E_PYTHON: wsgi_core_status = 17;

/// The rules refuse the request; wsgi_core_error_get_http_status() tells the answer.
pub const WSGI_CORE_E_REFUSED: wsgi_core_status = 32;
/// The application raised, or its script could not be loaded.
pub const WSGI_CORE_E_APPLICATION: wsgi_core_status = 33;

/// A callback failed, for example because the client went away.
pub const WSGI_CORE_E_HOST: wsgi_core_status = 48;
/// Something was not done within the time allowed.
pub const WSGI_CORE_E_TIMEOUT: wsgi_core_status = 49;

/// A process group can't be set up, or its processes can't be reached, were lost or said nothing in time.
pub const WSGI_CORE_E_GROUP: wsgi_core_status = 50;

/// The engine is ending, and takes no more requests.
pub const WSGI_CORE_E_CLOSED: wsgi_core_status = 64;
/// A bug in the library; the engine refuses requests from now on.
pub const WSGI_CORE_E_PANIC: wsgi_core_status = 65;

/// The number of an error.
pub(super) const fn number(error: &Error) -> wsgi_core_status {
    match error {
        Error::Argument(_) => WSGI_CORE_E_ARGUMENT,
        Error::StructSize { .. } => WSGI_CORE_E_STRUCT_SIZE,
        Error::State(_) | Error::Unended(_) => WSGI_CORE_E_STATE,
        Error::OptionUnknown { .. } | Error::OptionValue(_) => WSGI_CORE_E_OPTION,
        Error::RuntimeMissing(_)
        | Error::RuntimeLoad { .. }
        | Error::RuntimeVersion { .. }
        | Error::PythonStart { .. } => WSGI_CORE_E_PYTHON,
        Error::Refused(_) => WSGI_CORE_E_REFUSED,
        Error::Runtime { failure, .. } => match failure {
            RuntimeFailure::Application => WSGI_CORE_E_APPLICATION,
            RuntimeFailure::Host => WSGI_CORE_E_HOST,
            RuntimeFailure::Python => WSGI_CORE_E_PYTHON,
            RuntimeFailure::Closed => WSGI_CORE_E_CLOSED,
            RuntimeFailure::Timeout => WSGI_CORE_E_TIMEOUT,
            RuntimeFailure::Panic => WSGI_CORE_E_PANIC,
        },
        Error::Group { failure, .. } => match failure {
            ClientFailure::Host => WSGI_CORE_E_HOST,
            ClientFailure::Closed => WSGI_CORE_E_CLOSED,
            _ => WSGI_CORE_E_GROUP,
        },
        Error::Launch(_) => WSGI_CORE_E_GROUP,
        Error::StopTimeout => WSGI_CORE_E_TIMEOUT,
        Error::Closed => WSGI_CORE_E_CLOSED,
        Error::Panic => WSGI_CORE_E_PANIC,
    }
}
