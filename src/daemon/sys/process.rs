//! Processes: their ends, and what ends them.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A descriptor that can be read once the process has ended.
///
/// # Errors
/// When there is no such process.
pub fn watch(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: a system call with numbers; the result is a new descriptor, closed on exec.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0);
        Ok(OwnedFd::from_raw_fd(check(fd as libc::c_int)?))
    }
}

/// Gives this thread, and where it is the first the process, the name that the system's tools show.
pub fn set_name(name: &std::ffi::CStr) {
    // SAFETY: a system call with a string, of which it takes 15 bytes.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, name.as_ptr());
    }
}

/// Has this process, if it is not the only one, killed once its parent has ended, in whatever way: servers whose
/// threads leave signals to a parent may not end at a gentler one.
pub fn end_with(parent: u32) {
    if std::process::id() == parent {
        return;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: a system call with a number.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    if std::os::unix::process::parent_id() != parent {
        // It has ended before it was asked for.
        exit_now(1);
    }
}

/// Sends a signal to a process that is watched. One that has ended is of no interest.
pub fn signal(watched: BorrowedFd<'_>, signal: i32) {
    // SAFETY: a system call with numbers and no information.
    unsafe {
        let none = std::ptr::null::<libc::siginfo_t>();
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            watched.as_raw_fd(),
            signal,
            none,
            0,
        );
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal {
        /// Its number.
        number: i32,
        /// There is a core file.
        core: bool,
    },
}

/// Takes note of the end of a child; `None` while it lives.
///
/// # Errors
/// When it is no child of this process.
pub fn reap(pid: u32) -> io::Result<Option<Exit>> {
    let mut status = 0;
    let ended = super::retry(|| {
        // SAFETY: a place for the status.
        check(unsafe { libc::waitpid(pid as libc::pid_t, &raw mut status, libc::WNOHANG) })
    })?;
    Ok((ended != 0).then(|| {
        if libc::WIFSIGNALED(status) {
            Exit::Signal {
                number: libc::WTERMSIG(status),
                core: libc::WCOREDUMP(status),
            }
        } else {
            Exit::Code(libc::WEXITSTATUS(status))
        }
    }))
}

/// Name of a signal.
#[must_use]
pub fn signal_name(number: i32) -> String {
    let names = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    let known = names.iter().find(|(signal, _)| *signal == number);
    known.map_or_else(
        || format!("signal {number}"),
        |(_, name)| (*name).to_owned(),
    )
}

/// Lets the system send this process a signal when the thread that made it ends. Changing the user undoes it.
pub fn set_death_signal(signal: i32) {
    // SAFETY: a system call with numbers.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong, 0, 0, 0);
    }
}

/// Lets core files be written, which changing the user undoes.
pub fn set_dumpable() {
    // SAFETY: a system call with numbers.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
}

/// The process that made this one, or that takes care of it since.
#[must_use]
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Makes this process the leader of a session of its own, so that signals from a terminal leave it alone.
pub fn leave_session() {
    // SAFETY: a system call. It fails where the process leads a group already.
    unsafe {
        libc::setsid();
    }
}

/// Ends this process at once: no other thread, no destructor and no function of Python runs any more.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: nothing comes after it.
    unsafe { libc::_exit(code) }
}

/// Whether a process that is watched has ended.
///
/// # Errors
/// When the system refuses.
pub fn has_ended(watched: BorrowedFd<'_>) -> io::Result<bool> {
    let mut one = libc::pollfd {
        fd: watched.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live entry.
    super::retry(|| check(unsafe { libc::poll(&raw mut one, 1, 0) })).map(|count| count > 0)
}

impl std::fmt::Display for Exit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(out, "exited with code {code}"),
            Self::Signal { number, core } => {
                let core = if *core { ", core dumped" } else { "" };
                write!(out, "was ended by {}{core}", signal_name(*number))
            }
        }
    }
}
