//! Who a process is, and where.

use super::account::User;
use super::check;
use std::ffi::CStr;
use std::io;

/// Makes a directory the root of the file system.
///
/// # Errors
/// When it does not exist or this process may not.
pub fn change_root(directory: &CStr) -> io::Result<()> {
    // SAFETY: strings that end with a NUL.
    unsafe {
        check(libc::chroot(directory.as_ptr()))?;
        check(libc::chdir(c"/".as_ptr())).map(drop)
    }
}

/// Takes on a group.
///
/// # Errors
/// When this process may not.
pub fn set_group(gid: u32) -> io::Result<()> {
    // SAFETY: a system call with a number.
    check(unsafe { libc::setgid(gid) }).map(drop)
}

/// Takes on further groups, and no others.
///
/// # Errors
/// When this process may not.
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: a live slice.
    check(unsafe { libc::setgroups(groups.len() as _, groups.as_ptr()) }).map(drop)
}

/// Takes on the groups that a user has.
///
/// # Errors
/// When this process may not.
pub fn initialise_groups(user: &User, gid: u32) -> io::Result<()> {
    // SAFETY: a string that ends with a NUL.
    check(unsafe { libc::initgroups(user.name.as_ptr(), gid as _) }).map(drop)
}

/// Takes on a user, for good.
///
/// # Errors
/// When this process may not.
pub fn set_user(uid: u32) -> io::Result<()> {
    // SAFETY: a system call with a number.
    check(unsafe { libc::setuid(uid) }).map(drop)
}

/// Changes the working directory.
///
/// # Errors
/// When it does not exist or this process may not.
pub fn change_directory(directory: &CStr) -> io::Result<()> {
    // SAFETY: a string that ends with a NUL.
    check(unsafe { libc::chdir(directory.as_ptr()) }).map(drop)
}

/// Sets the permissions that new files do not get.
pub fn set_umask(mask: u32) {
    // SAFETY: a system call with a number.
    unsafe {
        libc::umask(mask as libc::mode_t);
    }
}

/// Gives a file to a user.
///
/// # Errors
/// When this process may not.
pub fn change_owner(path: &CStr, uid: u32) -> io::Result<()> {
    // SAFETY: a string that ends with a NUL.
    check(unsafe { libc::chown(path.as_ptr(), uid, libc::gid_t::MAX) }).map(drop)
}

/// Sets a variable of the environment, before there is any other thread.
pub fn set_variable(name: &str, value: &[u8]) {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: its callers run on the only thread.
    unsafe { std::env::set_var(name, std::ffi::OsStr::from_bytes(value)) }
}

/// Removes a variable, likewise.
pub fn remove_variable(name: &str) {
    // SAFETY: its callers run on the only thread.
    unsafe { std::env::remove_var(name) }
}

/// Sets the locale of the process. False when the system does not have it.
#[must_use]
pub fn set_locale(locale: &CStr) -> bool {
    // SAFETY: a string that ends with a NUL, before there is any other thread.
    !unsafe { libc::setlocale(libc::LC_ALL, locale.as_ptr()) }.is_null()
}
