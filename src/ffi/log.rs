//! Records on their way to the host's log.

use std::ffi::{CString, c_char, c_void};
use wsgi_core_abi::{Level, LogRecord};

use super::structs::Struct;

/// Severity of a log record, with the numbers of syslog and httpd. Larger is more verbose.
pub type wsgi_core_level = i32;

/// The system is unusable.
pub const WSGI_CORE_LEVEL_EMERGENCY: wsgi_core_level = 0;
/// Action must be taken at once.
pub const WSGI_CORE_LEVEL_ALERT: wsgi_core_level = 1;
/// A critical condition, such as Python that can't be started.
pub const WSGI_CORE_LEVEL_CRITICAL: wsgi_core_level = 2;
/// An error; also what applications write to wsgi.errors, sys.stderr and sys.stdout.
pub const WSGI_CORE_LEVEL_ERROR: wsgi_core_level = 3;
/// Something that is probably not as meant.
pub const WSGI_CORE_LEVEL_WARNING: wsgi_core_level = 4;
/// Normal but significant.
pub const WSGI_CORE_LEVEL_NOTICE: wsgi_core_level = 5;
/// For information.
pub const WSGI_CORE_LEVEL_INFO: wsgi_core_level = 6;
/// For finding out what goes wrong.
pub const WSGI_CORE_LEVEL_DEBUG: wsgi_core_level = 7;
/// The most verbose; records are never above it.
pub const WSGI_CORE_LEVEL_TRACE1: wsgi_core_level = 8;

/// One line for a log. Everything in it is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_log_record {
    /// Size of this structure.
    pub struct_size: usize,
    /// Severity.
    pub level: wsgi_core_level,
    /// The documented condition, or 0 for ordinary output: 40 stands for WC0040, with which the text
    /// begins.
    pub id: u16,
    /// The text, complete and without a newline at its end, followed by a NUL. May hold any byte,
    /// also what a client or an application put there: a host escapes it as it does with any such text.
    pub text: *const c_char,
    /// Length of the text without the NUL.
    pub text_len: usize,
    /// Source file of a record that an application wrote with its position, or NULL.
    pub file: *const c_char,
    /// The line in it, or 0.
    pub line: u32,
}

// SAFETY: struct_size is first; integers and pointers may be zero.
unsafe impl Struct for wsgi_core_log_record {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_log_record";
}

/// The function of a callback table that takes records.
pub(super) type Log = unsafe extern "C" fn(ctx: *mut c_void, record: *const wsgi_core_log_record);

/// Hands `record` to a callback, which expects strings that end with a NUL.
pub(super) fn write(log: Log, ctx: *mut c_void, record: &LogRecord<'_>) {
    let text = record.text.as_slice();
    let mut terminated = Vec::with_capacity(text.len() + 1);
    terminated.extend_from_slice(text);
    terminated.push(0);
    let file = CString::new(record.file.as_slice()).unwrap_or_default();
    let record = wsgi_core_log_record {
        struct_size: size_of::<wsgi_core_log_record>(),
        level: wsgi_core_level::from(record.level as u8),
        id: record.id.0,
        text: terminated.as_ptr().cast(),
        text_len: text.len(),
        file: if record.file.is_absent() {
            std::ptr::null()
        } else {
            file.as_ptr()
        },
        line: record.line,
    };
    // SAFETY: the function and its ctx came together from the host; the record lives for the call.
    unsafe { log(ctx, &raw const record) }
}

/// The level that a callback returned.
pub(super) fn level(number: wsgi_core_level) -> Level {
    u8::try_from(number.max(0)).map_or(Level::Trace1, Level::from_number)
}
