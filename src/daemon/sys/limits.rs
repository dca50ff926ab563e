//! Limits of a process.

use super::check;
use std::io;
use std::time::Duration;

fn set(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: a live structure.
    check(unsafe { libc::setrlimit(resource, &raw const limit) }).map(drop)
}

/// Processor time: a signal after `soft`, the end after `hard`.
///
/// # Errors
/// When the system refuses.
pub fn set_processor_time(soft: Duration, hard: Duration) -> io::Result<()> {
    set(libc::RLIMIT_CPU, soft.as_secs(), hard.as_secs())
}

/// How many bytes of data there may be.
///
/// # Errors
/// When the system refuses.
pub fn set_data(bytes: u64) -> io::Result<()> {
    set(libc::RLIMIT_DATA, bytes, bytes)
}

/// How large the process may be.
///
/// # Errors
/// When the system refuses.
pub fn set_size(bytes: u64) -> io::Result<()> {
    set(libc::RLIMIT_AS, bytes, bytes)
}

/// Whether a file, also one in memory, may have so many bytes. Trying it would end the process by a signal.
///
/// # Errors
/// When it may not.
pub fn check_file_size(bytes: usize) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a live structure.
    check(unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) })?;
    if limit.rlim_cur < bytes as u64 {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(())
}

/// Scheduling priority.
///
/// # Errors
/// When the system refuses.
pub fn set_priority(priority: i32) -> io::Result<()> {
    // SAFETY: a system call with numbers.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS as _, 0, priority) }).map(drop)
}
