//! Stacks without the GIL: what `faulthandler` can tell when nobody gets it any more.
//!
//! `faulthandler.register` has a signal handler of its own that walks the threads of the main interpreter without
//! taking any lock, and writes to a descriptor. That is safe as long as the threads stand still, which they do while
//! one of them keeps the GIL; otherwise it may crash, so it is for processes that are about to be ended. Unsafe:
//! system calls, and a signal that this thread sends to itself.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::OnceLock;

static FILE: OnceLock<File> = OnceLock::new();

/// The signal that makes `faulthandler` write; nobody sends it to another process.
pub fn signal() -> i32 {
    libc::SIGRTMAX() - 1
}

/// The descriptor that `faulthandler` writes to, for [`signal`].
pub fn descriptor() -> Option<RawFd> {
    if FILE.get().is_none() {
        // SAFETY: a constant string; the result is a new descriptor that nobody else has.
        let file = unsafe {
            let fd = libc::memfd_create(c"wsgi-core-stacks".as_ptr(), libc::MFD_CLOEXEC);
            (fd >= 0).then(|| File::from_raw_fd(fd))?
        };
        let _ = FILE.set(file);
    }
    FILE.get().map(AsRawFd::as_raw_fd)
}

/// Has the stacks written, and gives them; `None` where that is not possible.
pub fn stacks() -> Option<String> {
    let file = FILE.get()?;
    // An application may have closed every descriptor, and this number may be another file's by now.
    let ours = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    if !ours.to_string_lossy().contains("wsgi-core-stacks") || !has_handler() {
        return None;
    }
    let before = file.metadata().ok()?.size();
    // SAFETY: the signal has a handler, which runs on this thread before the call returns.
    unsafe { libc::raise(signal()) };
    let after = file.metadata().ok()?.size();
    let mut text = vec![0; usize::try_from(after.saturating_sub(before)).ok()?];
    file.read_exact_at(&mut text, before).ok()?;
    (!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned())
}

/// Without a handler the signal would end the process.
fn has_handler() -> bool {
    // SAFETY: zero is a value of this plain structure, which the call fills in.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal(), std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction != libc::SIG_DFL
            && action.sa_sigaction != libc::SIG_IGN
    }
}
