//! Lines on the standard error stream: the log of a host that has none, and of the processes of groups, which inherit
//! the host's stream.
//!
//! Lines look as httpd writes them, so that all of a server's log can be read in one way. A group may have a log of its
//! own instead, whose lines look the same.
#![forbid(unsafe_code)]

use super::sys::{clock, poll};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use wsgi_core_abi::{Level, LogRecord, MessageId};

/// Writes lines to the standard error stream.
#[derive(Clone, Copy, Debug)]
pub struct ProcessLog {
    /// The most verbose level that is written.
    pub level: Level,
}

impl ProcessLog {
    /// Writes everything: who logs has chosen what.
    pub const ALL: Self = Self {
        level: Level::Trace1,
    };

    /// From now on, everything that goes to the standard error stream of this process goes to a file.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn redirect(path: &std::path::Path) -> std::io::Result<()> {
        super::sys::fd::redirect_errors(path)
    }

    /// Writes a record.
    pub fn write(&self, record: &LogRecord<'_>) {
        if record.level <= self.level {
            write(&line(record.level, record.text.as_slice(), &clock::local()));
        }
    }

    /// Writes a line of the process's own; warnings and above have an identifier.
    pub fn line(&self, level: Level, id: MessageId, text: &str) {
        if level <= self.level {
            write(&own_line(level, id, text));
        }
    }
}

/// The log of a process group. Its processes have it as their standard output and error streams.
#[derive(Clone, Debug)]
pub struct GroupLog {
    /// The most verbose level that is written.
    pub level: Level,
    /// What lines are appended to; of a group without a log of its own, absent.
    pub file: Option<Arc<File>>,
}

impl GroupLog {
    /// One at this level, with a file or pipe of its own where there is one.
    #[must_use]
    pub fn new(level: Level, file: Option<OwnedFd>) -> Self {
        Self {
            level,
            file: file.map(|file| Arc::new(file.into())),
        }
    }

    /// Writes a line about the group, from a process that is none of it.
    pub fn line(&self, level: Level, id: MessageId, text: &str) {
        if level > self.level {
            return;
        }
        let line = own_line(level, id, text);
        if !self.file.as_deref().is_some_and(|file| takes(file, &line)) {
            write(&line);
        }
    }
}

/// Writes a line, unless the reader of a pipe has ended or does not read: other groups must not wait for it.
fn takes(mut file: &File, line: &[u8]) -> bool {
    let ready = poll::either(file.as_fd(), Some(Duration::ZERO));
    ready.is_ok_and(|ready| ready.write) && file.write_all(line).is_ok()
}

/// Writes a line to the standard error stream in one call, so that lines of several processes stay apart. There is
/// nowhere to report a failure to.
fn write(line: &[u8]) {
    let _ = std::io::stderr().write_all(line);
}

fn own_line(level: Level, id: MessageId, text: &str) -> Vec<u8> {
    let time = clock::local();
    if id == MessageId::NONE {
        line(level, text.as_bytes(), &time)
    } else {
        line(level, format!("{id}: {text}").as_bytes(), &time)
    }
}

/// A line in the manner of httpd's error log.
fn line(level: Level, text: &[u8], time: &str) -> Vec<u8> {
    let (level, process) = (name(level), std::process::id());
    let mut line = format!("[{time}] [wsgi:{level}] [pid {process}] ").into_bytes();
    line.extend(text.iter().map(|byte| match byte {
        b'\n' | b'\r' | 0 => b' ',
        byte => *byte,
    }));
    line.push(b'\n');
    line
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::Emergency => "emerg",
        Level::Alert => "alert",
        Level::Critical => "crit",
        Level::Error => "error",
        Level::Warning => "warn",
        Level::Notice => "notice",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace1 => "trace1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_time_level_process_and_text() {
        let text = b"WC0023: \xff\nx";
        let process = std::process::id();
        let expected = format!("[now] [wsgi:warn] [pid {process}] WC0023: ");
        let expected = [expected.as_bytes(), b"\xff x\n"].concat();
        assert_eq!(line(Level::Warning, text, "now"), expected);
    }

    #[test]
    fn levels_have_the_names_of_httpd() {
        let names: Vec<_> = (0..=8)
            .map(|number| name(Level::from_number(number)))
            .collect();
        let expected = "emerg alert crit error warn notice info debug trace1";
        assert_eq!(names.join(" "), expected);
    }
}
