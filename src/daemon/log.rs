//! Lines on the standard error stream: the log of a host that has none, and of the processes of groups, which inherit
//! the host's stream.
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
        if record.level > self.level {
            return;
        }
        // One call, so that lines of several processes stay apart. There is nowhere to report a failure to.
        let _ = std::io::stderr().write_all(&line(record, &clock::local()));
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

/// A record as a line in the manner of httpd's error log.
fn line(record: &LogRecord<'_>, time: &str) -> Vec<u8> {
    let (level, process) = (name(record.level), std::process::id());
    let mut line = format!("[{time}] [wsgi:{level}] [pid {process}] ").into_bytes();
    line.extend(record.text.as_slice().iter().map(|byte| match byte {
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
        let record = LogRecord::plain(Level::Warning, b"WC0023: \xff\nx");
        let process = std::process::id();
        let expected = format!("[now] [wsgi:warn] [pid {process}] WC0023: ");
        let expected = [expected.as_bytes(), b"\xff x\n"].concat();
        assert_eq!(line(&record, "now"), expected);
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
