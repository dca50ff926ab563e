//! Waiting for several descriptors.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// A set of descriptors, each with a number of the caller's, that any number of threads may wait for.
#[derive(Debug)]
pub struct Poll(OwnedFd);

/// When a descriptor is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As long as there is something to read.
    Readable,
    /// Once each time that something new arrives, to one of the threads.
    Arrival,
}

impl Poll {
    /// An empty set.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the result is a new descriptor.
        unsafe {
            Ok(Self(OwnedFd::from_raw_fd(check(libc::epoll_create1(
                libc::EPOLL_CLOEXEC,
            ))?)))
        }
    }

    /// Adds a descriptor. It leaves the set when it is closed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn add(&self, fd: BorrowedFd<'_>, number: u64, when: When) -> io::Result<()> {
        let events = match when {
            When::Readable => libc::EPOLLIN,
            When::Arrival => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET,
        };
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: number,
        };
        // SAFETY: a live event.
        check(unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_raw_fd(),
                &raw mut event,
            )
        })
        .map(drop)
    }

    /// Takes a descriptor out.
    pub fn remove(&self, fd: BorrowedFd<'_>) {
        // SAFETY: no event is needed. That it was not in the set is of no interest.
        unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_DEL,
                fd.as_raw_fd(),
                std::ptr::null_mut(),
            );
        }
    }

    /// Waits until one of the descriptors has something. Gives its number, or `None` when the time is over or a
    /// signal came.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Option<u64>> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: room for one event.
        let result = check(unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, milliseconds(timeout))
        });
        match result {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(event.u64)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Rounded up, so that a deadline has passed when a wait for it ends.
fn milliseconds(timeout: Option<Duration>) -> libc::c_int {
    timeout.map_or(-1, |timeout| {
        libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
    })
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Something can be read, or the end was reached.
    pub read: bool,
    /// Something can be written, or writing fails at once.
    pub write: bool,
}

/// Waits until a socket can be read or written; neither when the time is over.
///
/// # Errors
/// When the system refuses.
pub fn either(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<Ready> {
    let mut one = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN | libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one live entry.
    super::retry(|| check(unsafe { libc::poll(&raw mut one, 1, milliseconds(timeout)) }))?;
    let broken = one.revents & (libc::POLLERR | libc::POLLNVAL) != 0;
    Ok(Ready {
        read: broken || one.revents & (libc::POLLIN | libc::POLLHUP) != 0,
        write: broken || one.revents & libc::POLLOUT != 0,
    })
}

/// Waits until a socket can be read; false when the time is over.
///
/// # Errors
/// When the system refuses.
pub fn readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    let mut one = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live entry.
    super::retry(|| check(unsafe { libc::poll(&raw mut one, 1, milliseconds(timeout)) }))
        .map(|count| count > 0)
}
