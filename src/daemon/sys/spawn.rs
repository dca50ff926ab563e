//! Executing this package's own program.

use super::super::plan::{ROLE, Role};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Executes a program in a role, with these descriptors and no input. `name` is what a list of processes shows; `log`
/// is where its standard streams go, which otherwise are those of this process.
///
/// The caller may have threads: between fork and exec nothing happens but system calls.
///
/// # Errors
/// When it can't be executed.
pub fn spawn(
    program: &Path,
    role: Role,
    name: Option<&OsStr>,
    log: Option<BorrowedFd<'_>>,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<Child> {
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let mut command = Command::new(program);
    command
        .env(ROLE, role.compose(&numbers))
        .stdin(Stdio::null());
    if let Some(name) = name {
        command.arg0(name);
    }
    if let Some(log) = log {
        command.stdout(log.try_clone_to_owned()?);
        command.stderr(log.try_clone_to_owned()?);
    }
    let inherit = move || {
        for number in &numbers {
            // SAFETY: a system call with numbers.
            super::check(unsafe { libc::fcntl(*number, libc::F_SETFD, 0) })?;
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls and nothing else, also when they fail.
    unsafe { command.pre_exec(inherit) };
    command.spawn()
}
