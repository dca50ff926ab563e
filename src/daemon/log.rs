//! The log of processes that are not the host: its standard error stream, which they inherit.
//!
//! Lines look as httpd writes them, so that all of a server's log can be read in one way.
#![forbid(unsafe_code)]

use super::sys::clock;
use std::io::Write;
use wsgi_core_abi::{Level, LogRecord, MessageId};

/// Writes lines to the standard error stream.
#[derive(Clone, Copy, Debug)]
pub struct ProcessLog {
    /// The most verbose level that is written.
    pub level: Level,
}

impl ProcessLog {
    /// From now on, everything that goes to the standard error stream of this process goes to a file.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn redirect(path: &std::path::Path) -> std::io::Result<()> {
        super::sys::fd::redirect_errors(path)
    }

    /// Writes a record.
    pub fn write(&self, record: &LogRecord<'_>) {
        if record.level > self.level {
            return;
        }
        let level = name(record.level);
        let pid = std::process::id();
        let mut line = format!("[{}] [wsgi:{level}] [pid {pid}] ", clock::local()).into_bytes();
        line.extend(record.text.as_slice().iter().map(|byte| {
            if matches!(byte, b'\n' | b'\r' | 0) {
                b' '
            } else {
                *byte
            }
        }));
        line.push(b'\n');
        // One call, so that lines of several processes stay apart. There is nowhere to report a failure to.
        let _ = std::io::stderr().write_all(&line);
    }

    /// Writes a line of the process's own; warnings and above have an identifier.
    pub fn line(&self, level: Level, id: MessageId, text: &str) {
        let text = if id == MessageId::NONE {
            text.to_owned()
        } else {
            format!("{id}: {text}")
        };
        let mut record = LogRecord::plain(level, text.as_bytes());
        record.id = id;
        self.write(&record);
    }
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
