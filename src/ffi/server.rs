//! The server's own log, for records that belong to no request.

use super::log::{self, Log, wsgi_core_level, wsgi_core_log_record};
use super::structs::Struct;
use crate::daemon::ProcessLog;
use crate::engine::ServerLog;
use std::ffi::c_void;
use wsgi_core_abi::{Level, LogRecord};

/// What an engine may ask of the server as a whole. The table is copied. Its callbacks run on any thread,
/// also on several at once, and on threads that Python made; until wsgi_core_engine_free() returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_server {
    /// Size of this structure.
    pub struct_size: usize,
    /// Writes a record to the log of the server. May be NULL: records go to the standard error stream, as lines
    /// such as "[Fri Jan 31 23:59:00.123456 2025] [wsgi:info] [pid 42] text", each in one write. Must not call into the
    /// library.
    pub log: Option<unsafe extern "C" fn(ctx: *mut c_void, record: *const wsgi_core_log_record)>,
    /// Tells the most verbose level that the log writes at present. May be NULL: WSGI_CORE_LEVEL_INFO.
    /// Must not call into the library.
    pub log_level: Option<unsafe extern "C" fn(ctx: *mut c_void) -> wsgi_core_level>,
}

// SAFETY: struct_size is first; optional functions may be zero.
unsafe impl Struct for wsgi_core_server {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_server";
}

/// The table with the context it is called with.
pub(super) struct Server {
    table: wsgi_core_server,
    ctx: *mut c_void,
}

// SAFETY: the header says that the callbacks run on any thread, with this ctx.
unsafe impl Send for Server {}
// SAFETY: and on several at once.
unsafe impl Sync for Server {}

impl Server {
    pub(super) fn new(table: wsgi_core_server, ctx: *mut c_void) -> Self {
        Self { table, ctx }
    }
}

impl ServerLog for Server {
    fn write(&self, record: &LogRecord<'_>) {
        let function: Option<Log> = self.table.log;
        match function {
            Some(function) => log::write(function, self.ctx, record),
            None => ProcessLog::ALL.write(record),
        }
    }

    fn level(&self) -> Level {
        match self.table.log_level {
            // SAFETY: the function and its ctx came together from the host.
            Some(function) => log::level(unsafe { function(self.ctx) }),
            None => Level::Info,
        }
    }
}
