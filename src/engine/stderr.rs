//! The log of a server that has none. Unsafe because it asks the C library for the local time.

use super::log::ServerLog;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};
use wsgi_core_abi::{Level, LogRecord};

/// The standard error stream, for a server without a log.
#[derive(Debug)]
pub struct StderrLog;

impl ServerLog for StderrLog {
    fn write(&self, record: &LogRecord<'_>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = local_time(now.map_or(0, |since| since.as_secs()));
        // One write, as the stream has no buffer, so that lines of several processes don't mix. There is
        // nowhere to report a failure to.
        let _ = std::io::stderr().write_all(&line(record, &time));
    }
}

/// A record as a line in the manner of httpd's error log.
fn line(record: &LogRecord<'_>, time: &str) -> Vec<u8> {
    let (level, process) = (name(record.level), std::process::id());
    let mut line = format!("[{time}] [wsgi:{level}] [pid {process}] ").into_bytes();
    line.extend_from_slice(record.text.as_slice());
    line.push(b'\n');
    line
}

/// The level as httpd writes it.
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

/// A time in seconds since the epoch, such as `2025-01-31 23:59:00`.
fn local_time(seconds: u64) -> String {
    let seconds = libc::time_t::try_from(seconds).unwrap_or_default();
    // SAFETY: integers, and a pointer that may be NULL.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // A time that it can't express leaves the zeros, which is as good as any.
    // SAFETY: two live places.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut tm) };
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        i64::from(tm.tm_year) + 1900,
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::record;
    use wsgi_core_abi::MessageId;

    #[test]
    fn a_line_has_time_level_process_and_text() {
        let record = record(Level::Warning, MessageId::PYTHON_HOME, b"WC0023: \xff");
        let process = std::process::id();
        let expected = format!("[2025-01-31 23:59:00] [wsgi:warn] [pid {process}] WC0023: ");
        let expected = [expected.as_bytes(), b"\xff\n"].concat();
        assert_eq!(line(&record, "2025-01-31 23:59:00"), expected);
    }

    #[test]
    fn levels_have_the_names_of_httpd() {
        let names: Vec<_> = (0..=8)
            .map(|number| name(Level::from_number(number)))
            .collect();
        assert_eq!(
            names,
            [
                "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "trace1"
            ]
        );
    }

    #[test]
    fn the_time_has_a_fixed_form() {
        // Noon in UTC, of which no time zone is further away than 14 hours.
        let time = local_time(1_738_324_800);
        let shape: String = time
            .chars()
            .map(|byte| if byte.is_ascii_digit() { '0' } else { byte })
            .collect();
        assert_eq!(shape, "0000-00-00 00:00:00");
        assert!(
            time.starts_with("2025-01-31 ") || time.starts_with("2025-02-01 "),
            "{time}"
        );
    }
}
