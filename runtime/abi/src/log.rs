//! Log records and the way they travel to the host.

use crate::{Bytes, MessageId};
use std::ffi::c_void;

/// Severity, numbered as in syslog and httpd; [`Level::Trace1`] is httpd's `trace1`.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are syslog's")]
pub enum Level {
    Emergency = 0,
    Alert = 1,
    Critical = 2,
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
    Debug = 7,
    Trace1 = 8,
}

impl Level {
    /// The level with this number; numbers past `trace1` (httpd has up to `trace8`) count as it.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Emergency,
            1 => Self::Alert,
            2 => Self::Critical,
            3 => Self::Error,
            4 => Self::Warning,
            5 => Self::Notice,
            6 => Self::Info,
            7 => Self::Debug,
            _ => Self::Trace1,
        }
    }
}

/// One line for the host's log. The text holds no newline.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// Severity.
    pub level: Level,
    /// Which documented condition this is, or [`MessageId::NONE`] for application output.
    pub id: MessageId,
    /// The text, complete: the identifier stands in it where there is one.
    pub text: Bytes<'a>,
    /// Source file of an application's own record (`LogHandler`), else absent.
    pub file: Bytes<'a>,
    /// Line in `file`, or 0.
    pub line: u32,
}

impl<'a> LogRecord<'a> {
    /// A record without identifier or source position.
    #[must_use]
    pub const fn plain(level: Level, text: &'a [u8]) -> Self {
        Self {
            level,
            id: MessageId::NONE,
            text: Bytes::new(text),
            file: Bytes::ABSENT,
            line: 0,
        }
    }
}

/// Where records go that belong to no request. Usable from any thread.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawLog {
    /// Handed to the functions unchanged.
    pub ctx: *mut c_void,
    /// Writes one record.
    pub write: unsafe extern "C" fn(ctx: *mut c_void, record: *const LogRecord<'_>),
    /// The most verbose level that is written at present.
    pub level: unsafe extern "C" fn(ctx: *mut c_void) -> u8,
}

// SAFETY: whoever makes a `RawLog` promises functions that may run on any thread.
unsafe impl Send for RawLog {}
// SAFETY: as above.
unsafe impl Sync for RawLog {}

impl RawLog {
    /// Writes one record.
    pub fn write(&self, record: &LogRecord<'_>) {
        // SAFETY: the maker of this log promised that ctx fits its functions for its whole life.
        unsafe { (self.write)(self.ctx, record) }
    }

    /// Whether a record of this level would be written.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        // SAFETY: as in `write`.
        level as u8 <= unsafe { (self.level)(self.ctx) }
    }
}
