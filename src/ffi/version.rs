//! Which library this is.

use super::error::wsgi_core_error;
use super::guard::call;
use super::status::wsgi_core_status;
use crate::engine::Error;
use std::ffi::{CStr, c_char};

/// Version of the binary interface that this header describes. A program hands it to wsgi_core_abi_check() at
/// start-up, for the library that it was loaded with may be another. Additions don't change it.
pub const WSGI_CORE_ABI_VERSION: u32 = 1;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a package version holds no NUL"),
    };

/// Tell the version of the binary interface of the library in use, to be compared with
/// WSGI_CORE_ABI_VERSION.
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn wsgi_core_abi_version() -> u32 {
    WSGI_CORE_ABI_VERSION
}

/// Find out whether a program can work with the library in use. To be called first, since nothing else is certain to
/// work where it fails.
///
/// @param abi_version  WSGI_CORE_ABI_VERSION, as the program was compiled with it
/// @param err          receives details on failure: a message that names both interfaces, and the library's version
///
/// @return WSGI_CORE_OK, or WSGI_CORE_E_ARGUMENT when the interface of the library is another
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_abi_check(
    abi_version: u32,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        if abi_version == WSGI_CORE_ABI_VERSION {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "built for version {abi_version} of the interface of libwsgi_core, but the library that was found, {}, has \
             version {WSGI_CORE_ABI_VERSION}",
            env!("CARGO_PKG_VERSION")
        )))
    })
}

/// Tell the version of the library in use, such as "0.1.0". The string lives as long as the library.
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn wsgi_core_version() -> *const c_char {
    VERSION.as_ptr()
}
