//! The host's callbacks as an exchange.

use super::bytes::{wsgi_core_bytes, wsgi_core_pair};
use super::log::{self, Log, wsgi_core_level, wsgi_core_log_record};
use super::status::{WSGI_CORE_OK, wsgi_core_status};
use super::structs::{self, Struct};
use crate::engine::{self, Engine, Error};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::time::Duration;
use wsgi_core_abi::{Exchange, Failure, Head, Level, LogRecord, ReadFailure, SendFlags};

/// More of the response follows at once: the host may gather.
pub const WSGI_CORE_SEND_MORE: u32 = 0;
/// The block must leave for the client now, for application code runs before the next one.
pub const WSGI_CORE_SEND_FLUSH: u32 = 1;
/// Nothing follows: this block ends the response. It may be empty.
pub const WSGI_CORE_SEND_END: u32 = 2;
/// The host may use sendfile() for this file; otherwise it reads the file.
pub const WSGI_CORE_SEND_SENDFILE: u32 = 4;
/// The block is in memory that a process of a process group may change during the call, or the file is one that such a
/// process may cut off at any time. Handing either to the system is safe; a host that looks at the bytes copies them
/// first, and one that maps files reads this one instead (or uses sendfile(), which fails where a mapping is fatal).
pub const WSGI_CORE_SEND_FOREIGN: u32 = 8;

/// Status line and header fields of a response. Everything in it is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_head {
    /// Size of this structure.
    pub struct_size: usize,
    /// Status code, 0 to 999: as the application gave it, whatever it means.
    pub code: u16,
    /// The status as the application gave it, such as "404 Not Found"; "404" when it gave no reason.
    pub status: wsgi_core_bytes,
    /// Header fields in the order given. Repeated ones are one field, joined with ", " or the last that was
    /// given where there can be only one; but Set-Cookie and WWW-Authenticate stay apart. Names are tokens,
    /// and values hold neither line ends nor other control characters than tabs.
    pub headers: *const wsgi_core_pair,
    /// How many.
    pub headers_len: usize,
    /// The value of Content-Length when the application gave one, else -1: the host frames the body.
    pub content_length: i64,
    /// error-override applies: the host answers `code` with a page of its own. The fields are those that belong
    /// to any such answer, WWW-Authenticate for one; no data follows, the call succeeds, and the head does not
    /// count as sent.
    pub error_page: bool,
    /// The value of Location where it is a path and the status is 200, else absent. A host may do what CGI promises for
    /// that (RFC 3875, section 6.2.2): answer what GET gives for this path, and send of this head only Set-Cookie and of
    /// the body nothing. It then takes that without sending it.
    pub local_redirect: wsgi_core_bytes,
}

// SAFETY: struct_size is first; integers and pointers may be zero.
unsafe impl Struct for wsgi_core_head {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_head";
}

/// How one request reads its body and sends its response. The callbacks run without the GIL, one at a time, and
/// may block. They run on the thread that called wsgi_core_request_serve() and before it returns; but where an
/// application reads its input, or writes, from a thread that it made, they run on that one meanwhile. Those
/// that return a status return WSGI_CORE_OK or, for any failure, WSGI_CORE_E_HOST.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_host {
    /// Size of this structure.
    pub struct_size: usize,
    /// Reads what there is of the request body, at least one byte unless it ended: 1 to buffer_len bytes into
    /// `buffer`, and their number into `read_len`; 0 means the end of the body. The body is what the
    /// application should see: without chunk framing, and limited to what the request announced. Not called
    /// for a request whose body the application does not read. On failure may set `reason` to the system's
    /// words, which live until the next callback, and the application sees OSError. Required.
    pub read: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            buffer: *mut c_char,
            buffer_len: usize,
            read_len: *mut usize,
            reason: *mut *const c_char,
        ) -> wsgi_core_status,
    >,
    /// Takes the head of the response; once, before any data. The host may hold it back until the first block
    /// arrives, which follows at once. Required.
    pub send_head: Option<
        unsafe extern "C" fn(ctx: *mut c_void, head: *const wsgi_core_head) -> wsgi_core_status,
    >,
    /// Takes a block of the body, with WSGI_CORE_SEND_... flags. `data` may be NULL when data_len is 0. It is not
    /// called with WSGI_CORE_SEND_END when the response broke off. Required.
    pub send: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            data: *const c_char,
            data_len: usize,
            flags: u32,
        ) -> wsgi_core_status,
    >,
    /// Takes `length` bytes of an open regular file, from `offset`. The descriptor is borrowed for the call, and
    /// its own position is neither used nor changed. May be NULL: the engine reads the file and calls send.
    pub send_file: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            fd: c_int,
            offset: u64,
            length: u64,
            flags: u32,
        ) -> wsgi_core_status,
    >,
    /// Tells whether the client is known to be gone. May be NULL: a failing send is how it is noticed.
    pub is_aborted: Option<unsafe extern "C" fn(ctx: *mut c_void) -> bool>,
    /// Writes a record to the log of the request. May be NULL: records go to the log of the server.
    pub log: Option<unsafe extern "C" fn(ctx: *mut c_void, record: *const wsgi_core_log_record)>,
    /// Tells the most verbose level that the request's log writes. May be NULL: as for the server.
    pub log_level: Option<unsafe extern "C" fn(ctx: *mut c_void) -> wsgi_core_level>,
    /// Looks up a variable for %{ENV:name}, before those of the request and the environment of the process. The name
    /// ends with a NUL. Sets `value`, which lives until the next callback, or leaves its data NULL when there is no
    /// such variable. May be NULL: there are none. A failure counts as that, too.
    pub get_variable: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            name: *const c_char,
            name_len: usize,
            value: *mut wsgi_core_bytes,
        ) -> wsgi_core_status,
    >,
    /// Reads as `read` does, but without waiting: sets `available` to false when there is nothing at the moment, and to
    /// true otherwise; then a read_len of 0 is the end of the body. It must not ask the client to send, with
    /// 100 Continue for instance. Saves round trips of bodies to process groups. May be NULL.
    pub read_now: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            buffer: *mut c_char,
            buffer_len: usize,
            read_len: *mut usize,
            available: *mut bool,
        ) -> wsgi_core_status,
    >,
    /// Tells for how many seconds the client may take nothing of a block of this response, after which the send
    /// fails. Called before send_head, and only where the configuration says so. May be NULL: the host's own
    /// limit holds.
    pub set_send_timeout: Option<unsafe extern "C" fn(ctx: *mut c_void, seconds: u32)>,
    /// Looks up what the host knows of the connection's TLS, by the names of Apache's mod_ssl such as SSL_PROTOCOL, for
    /// scripts in this process. Otherwise as get_variable.
    pub get_ssl_variable: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            name: *const c_char,
            name_len: usize,
            value: *mut wsgi_core_bytes,
        ) -> wsgi_core_status,
    >,
}

// SAFETY: struct_size is first; optional functions may be zero.
unsafe impl Struct for wsgi_core_host {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_host";
}

/// The callbacks of one request.
pub(super) struct Host<'e> {
    read: Read,
    send_head: SendHead,
    send: Send,
    table: wsgi_core_host,
    ctx: *mut c_void,
    engine: &'e Engine,
}

// SAFETY: the header says that the callbacks may run on any thread, one at a time, with this ctx.
unsafe impl std::marker::Send for Host<'_> {}

type Read = unsafe extern "C" fn(
    *mut c_void,
    *mut c_char,
    usize,
    *mut usize,
    *mut *const c_char,
) -> wsgi_core_status;
type SendHead = unsafe extern "C" fn(*mut c_void, *const wsgi_core_head) -> wsgi_core_status;
type Lookup = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    usize,
    *mut wsgi_core_bytes,
) -> wsgi_core_status;
type Send = unsafe extern "C" fn(*mut c_void, *const c_char, usize, u32) -> wsgi_core_status;

impl<'e> Host<'e> {
    /// Checks the table.
    ///
    /// # Safety
    /// `table` is NULL or a structure with functions that keep to the header; `ctx` fits them.
    pub(super) unsafe fn new(
        table: *const wsgi_core_host,
        ctx: *mut c_void,
        engine: &'e Engine,
    ) -> Result<Self, Error> {
        // SAFETY: the caller's promise.
        let table = unsafe { structs::read(table, "host") }?;
        Ok(Self {
            read: table.read.ok_or(Error::null("host.read"))?,
            send_head: table.send_head.ok_or(Error::null("host.send_head"))?,
            send: table.send.ok_or(Error::null("host.send"))?,
            table,
            ctx,
            engine,
        })
    }

    /// The value of a variable, which is borrowed until the next callback.
    fn look_up(&mut self, function: Lookup, name: &[u8]) -> Option<&[u8]> {
        let name = CString::new(name).ok()?;
        let (text, len) = (name.as_ptr(), name.count_bytes());
        let mut value = wsgi_core_bytes::ABSENT;
        // SAFETY: a function of the host with its ctx, a string that lives for the call and a place for the answer.
        done(unsafe { function(self.ctx, text, len, &raw mut value) }).ok()?;
        // SAFETY: a string of the host, live until the next callback.
        let value = unsafe { value.borrow("value") }.ok()?;
        (!value.is_absent()).then(|| value.as_slice())
    }

    /// Sends a file through `send`, for a host that takes no files.
    fn send_contents(
        &mut self,
        fd: c_int,
        mut offset: u64,
        mut length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure> {
        let mut buffer = vec![0; BLOCK.min(usize::try_from(length).unwrap_or(BLOCK))];
        while length > 0 {
            let wanted = buffer.len().min(usize::try_from(length).unwrap_or(BLOCK));
            let count = read_at(fd, &mut buffer[..wanted], offset)?;
            offset += count as u64;
            length -= count as u64;
            let block_flags = if length > 0 { SendFlags::MORE } else { flags };
            self.send(&buffer[..count], block_flags)?;
        }
        Ok(())
    }
}

/// How much of a file is read at once.
const BLOCK: usize = 64 * 1024;

/// Reads at least one byte of a file.
fn read_at(fd: c_int, buffer: &mut [u8], offset: u64) -> Result<usize, Failure> {
    let offset = libc::off_t::try_from(offset).map_err(|_| Failure)?;
    loop {
        // SAFETY: a live buffer, and a descriptor that the caller lends.
        let count = unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len(), offset) };
        match usize::try_from(count) {
            // The file is shorter than its length was.
            Ok(0) => return Err(Failure),
            Ok(count) => return Ok(count),
            Err(_) if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {
            }
            Err(_) => return Err(Failure),
        }
    }
}

const fn done(status: wsgi_core_status) -> Result<(), Failure> {
    if status == WSGI_CORE_OK {
        Ok(())
    } else {
        Err(Failure)
    }
}

impl Exchange for Host<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let (mut count, mut reason) = (0, std::ptr::null());
        // SAFETY: a function of the host with its ctx, a live buffer and places for the answers.
        let status = unsafe {
            (self.read)(
                self.ctx,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut count,
                &raw mut reason,
            )
        };
        if status == WSGI_CORE_OK && count <= buffer.len() {
            return Ok(count);
        }
        let reason = if reason.is_null() {
            Vec::new()
        } else {
            // SAFETY: a string of the host, live until the next callback.
            unsafe { CStr::from_ptr(reason) }.to_bytes().to_vec()
        };
        Err(ReadFailure { reason })
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        let headers = head.headers.as_slice();
        let redirect = wsgi_core_http::local_redirect(head.code, headers);
        let head = wsgi_core_head {
            struct_size: size_of::<wsgi_core_head>(),
            code: head.code,
            status: wsgi_core_bytes::lend(head.status),
            // The two types of pairs have the same layout (see `bytes`).
            headers: headers.as_ptr().cast(),
            headers_len: headers.len(),
            content_length: head.content_length,
            error_page: head.error_page,
            local_redirect: wsgi_core_bytes::lend(redirect),
        };
        // SAFETY: a function of the host with its ctx, and a structure that lives for the call.
        done(unsafe { (self.send_head)(self.ctx, &raw const head) })
    }

    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        // SAFETY: a function of the host with its ctx, and a slice that lives for the call.
        done(unsafe { (self.send)(self.ctx, data.as_ptr().cast(), data.len(), flags.0) })
    }

    fn send_file(
        &mut self,
        fd: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure> {
        match self.table.send_file {
            // SAFETY: a function of the host with its ctx, and plain values.
            Some(function) => done(unsafe { function(self.ctx, fd, offset, length, flags.0) }),
            None => self.send_contents(fd, offset, length, flags),
        }
    }

    fn is_aborted(&mut self) -> bool {
        // SAFETY: a function of the host with its ctx.
        self.table
            .is_aborted
            .is_some_and(|function| unsafe { function(self.ctx) })
    }

    fn ssl_variable(&mut self, name: &[u8]) -> Option<&[u8]> {
        self.look_up(self.table.get_ssl_variable?, name)
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let function: Option<Log> = self.table.log;
        match function {
            Some(function) => log::write(function, self.ctx, record),
            None => self.engine.log().write(record),
        }
    }

    fn log_level(&mut self) -> Level {
        match self.table.log_level {
            // SAFETY: a function of the host with its ctx.
            Some(function) => log::level(unsafe { function(self.ctx) }),
            None => self.engine.log().level(),
        }
    }
}

impl engine::Host for Host<'_> {
    fn read_now(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReadFailure> {
        let Some(function) = self.table.read_now else {
            return Ok(None);
        };
        let (mut count, mut available) = (0, false);
        // SAFETY: a function of the host with its ctx, a live buffer and places for the answers.
        let status = unsafe {
            function(
                self.ctx,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut count,
                &raw mut available,
            )
        };
        if status != WSGI_CORE_OK || count > buffer.len() {
            return Err(ReadFailure { reason: Vec::new() });
        }
        Ok(available.then_some(count))
    }

    fn set_send_timeout(&mut self, timeout: Duration) {
        if let Some(function) = self.table.set_send_timeout {
            let seconds = u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX);
            // SAFETY: a function of the host with its ctx, and a plain value.
            unsafe { function(self.ctx, seconds) };
        }
    }

    fn get_variable(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let value = self.look_up(self.table.get_variable?, name);
        value.map(<[u8]>::to_vec)
    }
}
