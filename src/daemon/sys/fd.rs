//! Descriptors: memory files, pipes, and what a new process inherits.

use super::check;
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

/// A file in memory with this content, closed on exec. Nobody can change it any more: who reads it may be another
/// user than who could write it.
///
/// # Errors
/// When the system has no descriptor or memory left.
pub fn memory_file(name: &CStr, content: &[u8]) -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE | libc::F_SEAL_SEAL;
    // SAFETY: a string that ends with a NUL; the result is a new descriptor.
    let fd = unsafe { OwnedFd::from_raw_fd(check(libc::memfd_create(name.as_ptr(), flags))?) };
    let mut file = File::from(fd);
    file.write_all(content)?;
    // SAFETY: a system call with numbers.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    Ok(file.into())
}

/// The content of a file in memory. Processes that inherited it share one position in it, which is left alone.
///
/// # Errors
/// When it can't be read.
pub fn content(fd: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let file = File::from(fd.try_clone_to_owned()?);
    let length = file.metadata()?.len();
    let mut content = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

/// Another descriptor for the same, not one of the standard streams' numbers.
///
/// # Errors
/// When the system has no descriptor left.
pub fn out_of_the_way(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() >= FIRST {
        return Ok(fd);
    }
    // SAFETY: an open descriptor; the result is a new one.
    unsafe {
        Ok(OwnedFd::from_raw_fd(check(libc::fcntl(
            fd.as_raw_fd(),
            libc::F_DUPFD_CLOEXEC,
            FIRST,
        ))?))
    }
}

/// A pipe: reading end, writing end. Both are closed on exec, and neither blocks.
///
/// # Errors
/// When the system has no descriptor left.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which are new.
    unsafe {
        check(libc::pipe2(
            ends.as_mut_ptr(),
            libc::O_CLOEXEC | libc::O_NONBLOCK,
        ))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Reads what there is.
///
/// # Errors
/// When there is nothing at the moment.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: a live buffer.
    super::check_size(unsafe {
        libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len())
    })
}

/// Descriptors that this process was started with.
#[derive(Debug)]
pub struct Inherited(Vec<OwnedFd>);

impl Inherited {
    /// Takes them over, and closes all others but the standard streams: what the host had open is none of this
    /// process's business.
    ///
    /// # Errors
    /// When one of them is not open.
    ///
    /// # Safety
    /// Nobody in this process uses any descriptor yet but the standard streams.
    pub unsafe fn take(numbers: &[RawFd]) -> io::Result<Self> {
        // SAFETY: the caller's promise.
        unsafe { take_inherited(numbers) }.map(Self)
    }

    /// The first, and the others.
    #[must_use]
    pub fn split(self) -> Option<(OwnedFd, Vec<OwnedFd>)> {
        let mut all = self.0.into_iter();
        Some((all.next()?, all.collect()))
    }
}

unsafe fn take_inherited(numbers: &[RawFd]) -> io::Result<Vec<OwnedFd>> {
    let mut sorted: Vec<RawFd> = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != numbers.len() || sorted.first().is_some_and(|least| *least < FIRST) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let mut from = FIRST;
    for number in sorted {
        // SAFETY: the caller's promise.
        unsafe { close_range(from, number - 1) };
        from = number + 1;
    }
    // SAFETY: as above.
    unsafe { close_range(from, RawFd::MAX) };
    // SAFETY: as above, and each number is there once.
    numbers
        .iter()
        .map(|number| unsafe { inherited(*number) })
        .collect()
}

/// The first that is not a standard stream.
const FIRST: RawFd = 3;

unsafe fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call checks the number.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: open, and the caller says that it is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

unsafe fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65536) as RawFd;
            for number in first..=last.min(most) {
                libc::close(number);
            }
        }
    }
}

/// Makes a file, which is appended to, the standard error stream.
///
/// # Errors
/// When it can't be opened.
pub fn redirect_errors(path: &std::path::Path) -> io::Result<()> {
    let file = File::options().append(true).create(true).open(path)?;
    // SAFETY: system calls with numbers; the standard error stream stays open.
    check(unsafe { libc::dup2(file.as_raw_fd(), libc::STDERR_FILENO) }).map(drop)
}

/// A descriptor of this side's own for what a number stands for, if it stands for anything.
///
/// # Errors
/// When it is not open.
pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call checks the number; the result is a new descriptor.
    unsafe {
        Ok(OwnedFd::from_raw_fd(check(libc::fcntl(
            number,
            libc::F_DUPFD_CLOEXEC,
            FIRST,
        ))?))
    }
}
