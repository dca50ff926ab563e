//! System calls, safe to use. All of the unsafe code of process groups is here: each file wraps calls that the
//! standard library lacks, and vouches for nothing but their arguments.

pub mod account;
pub mod clock;
pub mod fd;
pub mod identity;
pub mod limits;
pub mod page;
pub mod poll;
pub mod process;
pub mod signal;
pub mod socket;
pub mod spawn;

use std::io;

/// The result of a call that reports failure as -1.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// The same for calls that count bytes.
fn check_size(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Repeats a call that a signal interrupted.
pub fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
