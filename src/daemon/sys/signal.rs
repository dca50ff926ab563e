//! Signals as bytes in a pipe. They are not blocked, because what an application starts would inherit that.

use super::fd;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// Where the handler writes to. A handler can't have state of its own.
static PIPE: AtomicI32 = AtomicI32::new(-1);
/// The process that asked for it: one that was forked from it has no business with its signals.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// The signals that this process takes note of.
#[derive(Debug)]
pub struct Signals {
    read: OwnedFd,
    /// Never closed before the process ends, for the handler uses it.
    _write: OwnedFd,
}

extern "C" fn note(signal: libc::c_int) {
    // SAFETY: async-signal-safe calls; errno is put back for the code that was interrupted.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        if libc::getpid() != OWNER.load(Ordering::Relaxed) {
            libc::_exit(1);
        }
        let byte = signal as u8;
        libc::write(PIPE.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
        *errno = before;
    }
}

impl Signals {
    /// Takes note of these signals from now on. Once in a process.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn install(signals: &[i32]) -> io::Result<Self> {
        let (read, write) = fd::pipe()?;
        PIPE.store(write.as_raw_fd(), Ordering::Relaxed);
        OWNER.store(std::process::id() as i32, Ordering::Relaxed);
        for signal in signals {
            set(
                *signal,
                note as extern "C" fn(libc::c_int) as libc::sighandler_t,
            )?;
        }
        Ok(Self {
            read,
            _write: write,
        })
    }

    /// The next signal that came; `None` when there is none.
    #[must_use]
    pub fn next(&self) -> Option<i32> {
        let mut byte = [0];
        (fd::read(self.read.as_fd(), &mut byte).ok()? == 1).then(|| byte[0].into())
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

/// Gives a signal its usual effect, whatever the host had made of it.
pub fn reset(signal: i32) {
    // That there is no such signal is no reason to stop.
    let _ = set(signal, libc::SIG_DFL);
}

/// Leaves a signal without effect.
pub fn ignore(signal: i32) {
    // That it can't be ignored is no reason to stop.
    let _ = set(signal, libc::SIG_IGN);
}

/// Keeps signals from this thread, and from those that it makes from now on.
pub fn block_all() {
    // SAFETY: plain calls on a local signal set.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
    }
}

/// Sends this process a signal, for the thread that takes it.
pub fn raise(signal: i32) {
    // SAFETY: a system call with numbers.
    unsafe {
        libc::kill(libc::getpid(), signal);
    }
}

fn set(signal: i32, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: zero is a value of this plain structure; the handler is async-signal-safe or none.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        super::check(libc::sigaction(
            signal,
            &raw const action,
            std::ptr::null_mut(),
        ))
        .map(drop)
    }
}
