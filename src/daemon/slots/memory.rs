//! Shared memory, futexes and record locks.
//!
//! The only unsafe code of admission: four system calls that Rust's library does not have, and one slice over a
//! mapping. Everything in the mapping is an `AtomicU32`, because other processes write it at any time and any
//! 32 bits are a valid one.

use super::super::sys::limits::check_file_size;
use super::error::Error;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// How a process maps memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A mapped memfd of fixed size.
pub(super) struct Memory {
    fd: OwnedFd,
    base: NonNull<AtomicU32>,
    words: usize,
}

// SAFETY: the mapping is reached only as shared atomics and stays until the value is dropped.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// Without these a process could cut the file off under the others, who would die of SIGBUS.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

impl Memory {
    /// New memory, all zero.
    pub fn create(words: usize) -> Result<Self, Error> {
        let size = words * size_of::<AtomicU32>();
        check_file_size(size).map_err(|source| Error::System {
            call: "ftruncate",
            source,
        })?;
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: a constant string.
        let fd = unsafe { libc::memfd_create(c"wsgi-core".as_ptr(), flags) };
        let fd = check("memfd_create", fd)?;
        // SAFETY: a new descriptor that nobody else has.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: plain values.
        check("ftruncate", unsafe {
            libc::ftruncate(fd.as_raw_fd(), size as libc::off_t)
        })?;
        // SAFETY: plain values.
        check("fcntl(F_ADD_SEALS)", unsafe {
            libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, SEALS)
        })?;
        Self::map(fd, words, Access::Write)
    }

    /// Memory that another process created.
    pub fn open(fd: OwnedFd, access: Access) -> Result<Self, Error> {
        // SAFETY: plain values.
        let seals = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) };
        if seals < 0 || seals & SEALS != SEALS {
            return Err(Error::Foreign);
        }
        let file = std::fs::File::from(fd);
        let length = file
            .metadata()
            .map_err(|source| Error::System {
                call: "fstat",
                source,
            })?
            .len();
        let words = usize::try_from(length).map_err(|_| Error::Foreign)? / size_of::<AtomicU32>();
        Self::map(file.into(), words, access)
    }

    fn map(fd: OwnedFd, words: usize, access: Access) -> Result<Self, Error> {
        if words == 0 {
            return Err(Error::Foreign);
        }
        let protection = match access {
            Access::Read => libc::PROT_READ,
            Access::Write => libc::PROT_READ | libc::PROT_WRITE,
        };
        let length = words * size_of::<AtomicU32>();
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                protection,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(failed("mmap"));
        }
        let base = NonNull::new(base.cast()).ok_or(Error::Foreign)?;
        Ok(Self { fd, base, words })
    }

    /// All of it.
    pub fn words(&self) -> &[AtomicU32] {
        // SAFETY: mapped at this length until drop, aligned to a page, and sealed so that the file stays that
        // long. Memory mapped for reading only is never stored to: `Board` sees to it.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.words) }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Takes the record lock of `member` for this process, which keeps it until it dies, executes another image
    /// or closes any descriptor of this memfd. False when another process has it.
    pub fn prove_alive(&self, member: u32) -> Result<bool, Error> {
        match record_lock(self.fd.as_raw_fd(), libc::F_SETLK, libc::F_WRLCK, member) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAGAIN)) => {
                Ok(false)
            }
            Err(source) => Err(Error::System {
                call: "fcntl(F_SETLK)",
                source,
            }),
        }
    }

    /// Gives the record lock of `member` up.
    pub fn rest_in_peace(&self, member: u32) {
        // Failure means that the lock was not ours.
        let _ = record_lock(self.fd.as_raw_fd(), libc::F_SETLK, libc::F_UNLCK, member);
    }

    /// Whether another process has the record lock of `member`. If the system can't tell, it counts as alive.
    pub fn is_alive(&self, member: u32) -> bool {
        let found = record_lock(self.fd.as_raw_fd(), libc::F_GETLK, libc::F_WRLCK, member);
        found.map_or(true, |found| found != libc::F_UNLCK)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with this length; nothing borrows from it any more.
        unsafe {
            libc::munmap(
                self.base.as_ptr().cast(),
                self.words * size_of::<AtomicU32>(),
            )
        };
    }
}

/// Does `command` with one byte of the file; gives the type of lock that the kernel answers.
fn record_lock(
    fd: RawFd,
    command: libc::c_int,
    kind: libc::c_int,
    member: u32,
) -> io::Result<libc::c_int> {
    // SAFETY: a plain structure, of which every bit pattern is one.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = libc::off_t::from(member);
    lock.l_len = 1;
    // SAFETY: `lock` lives for the call.
    if unsafe { libc::fcntl(fd, command, &raw mut lock) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(lock.l_type.into())
}

/// Time since some fixed moment, the same in every process.
pub(super) fn now() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` lives for the call, which can't fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Sleeps while `word` is `expected`, until it is woken or `deadline` (of [`now`]) has come, and sometimes for
/// no reason. The word is shared by processes, so the futex is not private.
pub(super) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Duration>) {
    let deadline = deadline.map(|deadline| libc::timespec {
        tv_sec: libc::time_t::try_from(deadline.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: deadline.subsec_nanos().into(),
    });
    let until = deadline
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    let any = libc::FUTEX_BITSET_MATCH_ANY;
    // SAFETY: word and deadline live for the call; WAIT_BITSET takes an absolute time of the monotonic clock.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            expected,
            until,
            std::ptr::null::<u32>(),
            any,
        );
    }
}

/// Wakes one that sleeps on `word`.
pub(super) fn wake(word: &AtomicU32) {
    // SAFETY: word lives for the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

fn check(call: &'static str, result: libc::c_int) -> Result<libc::c_int, Error> {
    if result < 0 {
        Err(failed(call))
    } else {
        Ok(result)
    }
}

fn failed(call: &'static str) -> Error {
    Error::System {
        call,
        source: io::Error::last_os_error(),
    }
}
