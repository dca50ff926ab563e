//! One HTTP exchange, as the application's side sees it.

use crate::{Bytes, Level, LogRecord, Pairs, Status};
use std::ffi::c_void;

/// How a block of the response is to be treated.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFlags(pub u32);

impl SendFlags {
    /// More follows at once; the host may gather.
    pub const MORE: Self = Self(0);
    /// The block must leave now: application code runs before the next one.
    pub const FLUSH: Self = Self(1);
    /// Nothing follows: the response is complete. The host flushes as it does for any response.
    pub const END: Self = Self(2);
    /// `sendfile()` may be used for this file.
    pub const SENDFILE: Self = Self(4);
    /// The bytes, or the file, are another process's, which may change or cut them off at any time: a host copies
    /// them before it looks at them, and does not map the file.
    pub const FOREIGN: Self = Self(8);

    /// Both sets of flags.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Status line and headers of a response.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Status code, 0 to 999.
    pub code: u16,
    /// The whole status as the application gave it, such as `404 Not Found`; the reason may be missing.
    pub status: Bytes<'a>,
    /// Header fields in order, repeats kept.
    pub headers: Pairs<'a>,
    /// The value of `Content-Length` when the application gave one, else -1.
    pub content_length: i64,
    /// The host answers with an error page of its own. The fields are those that belong to any answer
    /// of this status, such as `WWW-Authenticate`; no data follows, and the head does not count as sent.
    pub error_page: bool,
}

/// The host did not take what it was given: usually the client has gone away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure;

/// Reading the request body failed, with the system's words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFailure {
    /// Why, such as `Connection reset by peer`; may be empty.
    pub reason: Vec<u8>,
}

/// One HTTP exchange. Embedded mode implements it over the host's C callbacks, a daemon worker over
/// the wire, tests over a vector. Every method may block, so a runtime calls them without the GIL.
pub trait Exchange {
    /// The script is loaded, and its application is called next. Called at most once, and must not block: the
    /// runtime may have the GIL.
    fn begin_application(&mut self) {}

    /// Reads some of the request body into `buffer`; 0 at its end.
    ///
    /// # Errors
    /// When the client vanished or the host's input failed. Later calls fail as well.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure>;

    /// Sends the response head. Called once, before any data.
    ///
    /// # Errors
    /// When the host did not take it.
    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure>;

    /// Sends a block; an empty one with [`SendFlags::END`] ends the response.
    ///
    /// # Errors
    /// When the host did not take all of it.
    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure>;

    /// Sends `length` bytes of an open regular file from `offset`. The descriptor is borrowed.
    ///
    /// # Errors
    /// When the host did not take all of it.
    fn send_file(
        &mut self,
        fd: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure>;

    /// Whether the client is known to be gone.
    fn is_aborted(&mut self) -> bool;

    /// Looks up what is known of the connection's TLS, by the names of mod_ssl. `None` when there is no such variable,
    /// and where nothing is known.
    fn ssl_variable(&mut self, name: &[u8]) -> Option<&[u8]> {
        let _ = name;
        None
    }

    /// Writes a record to the request's log.
    fn log(&mut self, record: &LogRecord<'_>);

    /// The most verbose level that the request's log writes.
    fn log_level(&mut self) -> Level;
}

/// The functions of an exchange. `ctx` is the exchange itself.
#[repr(C)]
struct Table {
    begin_application: unsafe extern "C" fn(*mut c_void),
    read:
        unsafe extern "C" fn(*mut c_void, *mut u8, usize, *mut usize, *mut ReasonBuffer) -> Status,
    send_head: unsafe extern "C" fn(*mut c_void, *const Head<'_>) -> Status,
    send: unsafe extern "C" fn(*mut c_void, *const u8, usize, SendFlags) -> Status,
    send_file: unsafe extern "C" fn(*mut c_void, i32, u64, u64, SendFlags) -> Status,
    is_aborted: unsafe extern "C" fn(*mut c_void) -> bool,
    /// Gives the length as well; what it gives lives until the next call of any of these functions.
    ssl_variable: unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut usize) -> *const u8,
    log: unsafe extern "C" fn(*mut c_void, *const LogRecord<'_>),
    log_level: unsafe extern "C" fn(*mut c_void) -> u8,
}

/// Room for the words of a failed read. Fixed, so that nothing allocated crosses the seam.
#[repr(C)]
struct ReasonBuffer {
    len: usize,
    text: [u8; 256],
}

/// An exchange as it crosses the seam; [`Exchange`] is implemented for it.
#[repr(C)]
pub struct RawExchange<'a> {
    ctx: *mut c_void,
    table: *const Table,
    life: std::marker::PhantomData<&'a mut ()>,
}

// SAFETY: an exchange may be used from any thread, one call at a time, which `&mut self` ensures; the
// constructor asks for `Send`.
unsafe impl Send for RawExchange<'_> {}

impl<'a> RawExchange<'a> {
    /// Wraps an exchange for the other side. The functions must not unwind, so implementations of
    /// [`Exchange`] must not panic.
    pub fn new<E: Exchange + Send>(exchange: &'a mut E) -> Self {
        Self {
            ctx: std::ptr::from_mut(exchange).cast(),
            table: &Shims::<E>::TABLE,
            life: std::marker::PhantomData,
        }
    }

    fn table(&self) -> &Table {
        // SAFETY: set by `new`, to a static of the same layout (ABI_VERSION was compared).
        unsafe { &*self.table }
    }
}

/// The C functions over one implementation.
struct Shims<E>(std::marker::PhantomData<E>);

impl<E: Exchange> Shims<E> {
    const TABLE: Table = Table {
        begin_application: Self::begin_application,
        read: Self::read,
        send_head: Self::send_head,
        send: Self::send,
        send_file: Self::send_file,
        is_aborted: Self::is_aborted,
        ssl_variable: Self::ssl_variable,
        log: Self::log,
        log_level: Self::log_level,
    };

    unsafe fn exchange<'e>(ctx: *mut c_void) -> &'e mut E {
        // SAFETY: ctx was made from a `&mut E` in `RawExchange::new`, which is borrowed for as long
        // as the RawExchange lives; calls do not overlap because they need `&mut RawExchange`.
        unsafe { &mut *ctx.cast() }
    }

    unsafe extern "C" fn begin_application(ctx: *mut c_void) {
        // SAFETY: the caller is `RawExchange::begin_application`.
        unsafe { Self::exchange(ctx) }.begin_application();
    }

    unsafe extern "C" fn read(
        ctx: *mut c_void,
        buffer: *mut u8,
        len: usize,
        read: *mut usize,
        reason: *mut ReasonBuffer,
    ) -> Status {
        // SAFETY: the caller is `RawExchange::read`, which passes a live buffer and live outputs.
        let (this, buffer, read, reason) = unsafe {
            (
                Self::exchange(ctx),
                std::slice::from_raw_parts_mut(buffer, len),
                &mut *read,
                &mut *reason,
            )
        };
        match this.read(buffer) {
            Ok(count) => {
                *read = count;
                Status::OK
            }
            Err(failure) => {
                reason.len = failure.reason.len().min(reason.text.len());
                reason.text[..reason.len].copy_from_slice(&failure.reason[..reason.len]);
                Status::HOST
            }
        }
    }

    unsafe extern "C" fn send_head(ctx: *mut c_void, head: *const Head<'_>) -> Status {
        // SAFETY: the caller is `RawExchange::send_head`.
        let (this, head) = unsafe { (Self::exchange(ctx), &*head) };
        Status::from_result(this.send_head(head))
    }

    unsafe extern "C" fn send(
        ctx: *mut c_void,
        data: *const u8,
        len: usize,
        flags: SendFlags,
    ) -> Status {
        // SAFETY: the caller is `RawExchange::send`, which passes a live slice.
        let (this, data) = unsafe { (Self::exchange(ctx), std::slice::from_raw_parts(data, len)) };
        Status::from_result(this.send(data, flags))
    }

    unsafe extern "C" fn send_file(
        ctx: *mut c_void,
        fd: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Status {
        // SAFETY: the caller is `RawExchange::send_file`.
        let this = unsafe { Self::exchange(ctx) };
        Status::from_result(this.send_file(fd, offset, length, flags))
    }

    unsafe extern "C" fn is_aborted(ctx: *mut c_void) -> bool {
        // SAFETY: the caller is `RawExchange::is_aborted`.
        unsafe { Self::exchange(ctx) }.is_aborted()
    }

    unsafe extern "C" fn ssl_variable(
        ctx: *mut c_void,
        name: *const u8,
        len: usize,
        value_len: *mut usize,
    ) -> *const u8 {
        // SAFETY: the caller is `RawExchange::ssl_variable`, which passes a live slice and a live output.
        let (this, name, value_len) = unsafe {
            (
                Self::exchange(ctx),
                std::slice::from_raw_parts(name, len),
                &mut *value_len,
            )
        };
        let Some(value) = this.ssl_variable(name) else {
            return std::ptr::null();
        };
        *value_len = value.len();
        value.as_ptr()
    }

    unsafe extern "C" fn log(ctx: *mut c_void, record: *const LogRecord<'_>) {
        // SAFETY: the caller is `RawExchange::log`.
        let (this, record) = unsafe { (Self::exchange(ctx), &*record) };
        this.log(record);
    }

    unsafe extern "C" fn log_level(ctx: *mut c_void) -> u8 {
        // SAFETY: the caller is `RawExchange::log_level`.
        unsafe { Self::exchange(ctx) }.log_level() as u8
    }
}

impl Exchange for RawExchange<'_> {
    fn begin_application(&mut self) {
        // SAFETY: ctx belongs to the table.
        unsafe { (self.table().begin_application)(self.ctx) }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let mut read = 0;
        let mut reason = ReasonBuffer {
            len: 0,
            text: [0; 256],
        };
        // SAFETY: every pointer is to a live local or to the caller's buffer.
        let status = unsafe {
            (self.table().read)(
                self.ctx,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut read,
                &raw mut reason,
            )
        };
        if status == Status::OK {
            return Ok(read.min(buffer.len()));
        }
        let len = reason.len.min(reason.text.len());
        Err(ReadFailure {
            reason: reason.text[..len].to_vec(),
        })
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        // SAFETY: `head` lives for the call.
        unsafe { (self.table().send_head)(self.ctx, head) }.into_result()
    }

    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        // SAFETY: `data` lives for the call.
        unsafe { (self.table().send)(self.ctx, data.as_ptr(), data.len(), flags) }.into_result()
    }

    fn send_file(
        &mut self,
        fd: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure> {
        // SAFETY: only plain values are passed.
        unsafe { (self.table().send_file)(self.ctx, fd, offset, length, flags) }.into_result()
    }

    fn is_aborted(&mut self) -> bool {
        // SAFETY: ctx belongs to the table.
        unsafe { (self.table().is_aborted)(self.ctx) }
    }

    fn ssl_variable(&mut self, name: &[u8]) -> Option<&[u8]> {
        let mut len = 0;
        let (data, name_len) = (name.as_ptr(), name.len());
        // SAFETY: `name` lives for the call, and so does `len`.
        let value = unsafe { (self.table().ssl_variable)(self.ctx, data, name_len, &raw mut len) };
        // SAFETY: what is not null has this length, and lives until `self` is used again.
        (!value.is_null()).then(|| unsafe { std::slice::from_raw_parts(value, len) })
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        // SAFETY: `record` lives for the call.
        unsafe { (self.table().log)(self.ctx, record) }
    }

    fn log_level(&mut self) -> Level {
        // SAFETY: ctx belongs to the table.
        Level::from_number(unsafe { (self.table().log_level)(self.ctx) })
    }
}

impl Status {
    fn from_result(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::OK,
            Err(Failure) => Self::HOST,
        }
    }

    fn into_result(self) -> Result<(), Failure> {
        if self == Self::OK {
            Ok(())
        } else {
            Err(Failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pair;

    #[derive(Default)]
    struct Recorder {
        body: Vec<u8>,
        sent: Vec<u8>,
        codes: Vec<u16>,
        lines: Vec<Vec<u8>>,
        fail: bool,
    }

    impl Exchange for Recorder {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
            if self.fail {
                return Err(ReadFailure {
                    reason: vec![b'x'; 300],
                });
            }
            let count = buffer.len().min(self.body.len());
            buffer[..count].copy_from_slice(&self.body[..count]);
            self.body.drain(..count);
            Ok(count)
        }
        fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
            self.codes.push(head.code);
            Ok(())
        }
        fn send(&mut self, data: &[u8], _: SendFlags) -> Result<(), Failure> {
            if self.fail {
                return Err(Failure);
            }
            self.sent.extend_from_slice(data);
            Ok(())
        }
        fn send_file(&mut self, _: i32, _: u64, _: u64, _: SendFlags) -> Result<(), Failure> {
            Ok(())
        }
        fn is_aborted(&mut self) -> bool {
            self.fail
        }
        fn ssl_variable(&mut self, name: &[u8]) -> Option<&[u8]> {
            (name == b"SSL_BODY").then_some(&self.body)
        }
        fn log(&mut self, record: &LogRecord<'_>) {
            self.lines.push(record.text.as_slice().to_vec());
        }
        fn log_level(&mut self) -> Level {
            Level::Info
        }
    }

    #[test]
    fn calls_cross_the_seam_unchanged() {
        let mut recorder = Recorder {
            body: b"hello".to_vec(),
            ..Recorder::default()
        };
        let mut raw = RawExchange::new(&mut recorder);
        let mut buffer = [0; 3];
        assert_eq!(raw.read(&mut buffer), Ok(3));
        assert_eq!(&buffer, b"hel");
        let headers = [Pair::new(b"A", b"b")];
        let head = Head {
            code: 204,
            status: Bytes::from("204 No Content"),
            headers: Pairs::new(&headers),
            content_length: -1,
            error_page: false,
        };
        assert_eq!(raw.send_head(&head), Ok(()));
        assert_eq!(raw.send(b"", SendFlags::END), Ok(()));
        assert_eq!(raw.send(b"xyz", SendFlags::FLUSH), Ok(()));
        assert_eq!(raw.ssl_variable(b"SSL_BODY"), Some(&b"lo"[..]));
        assert_eq!(raw.ssl_variable(b""), None);
        raw.log(&LogRecord::plain(Level::Error, b"line"));
        assert_eq!(raw.log_level(), Level::Info);
        assert!(!raw.is_aborted());
        assert_eq!(recorder.codes, [204]);
        assert_eq!(recorder.sent, b"xyz");
        assert_eq!(recorder.lines, [b"line"]);
    }

    #[test]
    fn failures_keep_their_reason_up_to_the_limit() {
        let mut recorder = Recorder {
            fail: true,
            ..Recorder::default()
        };
        let mut raw = RawExchange::new(&mut recorder);
        let failure = raw.read(&mut [0; 1]).unwrap_err();
        assert_eq!(failure.reason, vec![b'x'; 256]);
        assert_eq!(raw.send(b"x", SendFlags::MORE), Err(Failure));
        assert!(raw.is_aborted());
    }
}
