//! Which library this is.

use std::ffi::{CStr, c_char};

/// Version of the binary interface that this header describes. A program compares it at start-up with
/// wsgi_core_abi_version() of the library it was loaded with. Additions don't change it.
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

/// Tell the version of the library in use, such as "0.1.0". The string lives as long as the library.
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn wsgi_core_version() -> *const c_char {
    VERSION.as_ptr()
}
