//! One request being served, shared by everything that acts on it: the gateway on its thread, and the
//! Python objects made for it, which an application may keep longer or use on other threads.
//!
//! Locks here are held for moments and never while Python code runs; the exchange is locked only while
//! detached, because its calls may block. Unsafe because the exchange is borrowed for less long than objects may live.

use super::head::ResponseHead;
use crate::python::Gil;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wsgi_core_abi::{Exchange, Level, LogRecord, RawExchange, Request};

/// The request is over; what was made for it must not be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

/// A log record longer than this is cut, its `[script …]` prefix included.
pub const RECORD_LIMIT: usize = 8191;

/// See the module's description.
pub struct Transaction {
    exchange: Mutex<Option<RawExchange<'static>>>,
    over: AtomicBool,
    /// The application's side of the response.
    pub response: Mutex<Response>,
    /// `[script FILE] `, which stands before what an application logs.
    decoration: Box<[u8]>,
    /// Text after the last newline of the request's log streams.
    line: Mutex<Vec<u8>>,
    /// Bytes of the request body that the application took.
    pub bytes_in: AtomicU64,
    /// Bytes of the response body that the host took.
    pub bytes_out: AtomicU64,
    /// Most verbose level that the request's log writes.
    level: Level,
    https: bool,
}

/// What `start_response` was given and how far it has been sent.
#[derive(Default)]
pub struct Response {
    /// Status and headers, to be sent with the first block.
    pub head: Option<ResponseHead>,
    /// The head was handed to the host.
    pub head_sent: bool,
    /// The status code of the head that was last sent or left to the host.
    pub code: u16,
    /// Statuses of 400 and above are left to the host.
    pub error_override: bool,
    /// The host answers with this status; nothing of the application's response is sent.
    pub overridden: Option<u16>,
    /// The request's method is HEAD: the body may be missing.
    pub is_head: bool,
    /// The status allows no body.
    pub bodyless: bool,
    /// What is left of the Content-Length, when there is one.
    pub remaining: Option<u64>,
    /// More than the Content-Length was produced.
    pub exceeded: bool,
    /// The host refused something: the client has gone away.
    pub failed: bool,
}

thread_local! {
    /// The request that this thread serves.
    static CURRENT: RefCell<Option<Arc<Transaction>>> = const { RefCell::new(None) };
}

/// Makes a transaction the current one of its thread for as long as it lives.
pub struct Scope(Option<Arc<Transaction>>);

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A transaction whose request is being served. When it is dropped, also because something panics, the exchange
/// is taken out again, and the transaction has ended.
pub struct Open<'a> {
    transaction: Arc<Transaction>,
    exchange: PhantomData<RawExchange<'a>>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.transaction.end();
    }
}

impl Deref for Open<'_> {
    type Target = Arc<Transaction>;

    fn deref(&self) -> &Arc<Transaction> {
        &self.transaction
    }
}

impl Transaction {
    /// Lends an exchange to a new transaction, which must be dropped and not forgotten.
    pub fn open<'a>(request: &Request<'_>, exchange: RawExchange<'a>) -> Open<'a> {
        Open {
            transaction: Self::new(request, exchange),
            exchange: PhantomData,
        }
    }

    fn new(request: &Request<'_>, mut exchange: RawExchange<'_>) -> Arc<Self> {
        let level = exchange.log_level();
        // SAFETY: only the lifetime changes. Both callers of `open` keep the result in a local variable, whose drop
        // takes the exchange out again before the borrow ends, whatever path is taken.
        let exchange =
            unsafe { std::mem::transmute::<RawExchange<'_>, RawExchange<'static>>(exchange) };
        let filename = request.filename.as_slice();
        let mut decoration = Vec::with_capacity(filename.len() + 10);
        if !filename.is_empty() {
            decoration.extend_from_slice(b"[script ");
            decoration.extend_from_slice(filename);
            decoration.extend_from_slice(b"] ");
        }
        Arc::new(Self {
            exchange: Mutex::new(Some(exchange)),
            over: AtomicBool::new(false),
            response: Mutex::new(Response {
                error_override: request.error_override,
                is_head: is_head(request),
                ..Response::default()
            }),
            decoration: decoration.into(),
            line: Mutex::default(),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            level,
            https: request.https,
        })
    }

    /// The transaction of this thread.
    pub fn current() -> Option<Arc<Self>> {
        // A destructor of a thread-local Python object may still log when the thread is at its end.
        CURRENT
            .try_with(|current| current.borrow().clone())
            .ok()
            .flatten()
    }

    /// Makes this the current one of the thread until the scope is dropped.
    pub fn enter(self: &Arc<Self>) -> Scope {
        Scope(CURRENT.replace(Some(Arc::clone(self))))
    }

    /// Takes the exchange back, waiting for a call that another thread has in progress. Detached.
    fn end(&self) -> Option<RawExchange<'static>> {
        self.over.store(true, Ordering::Relaxed);
        lock(&self.exchange).take()
    }

    /// Whether the request has ended.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether `wsgi.url_scheme` is `https`.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Runs a call on the exchange, detached.
    pub fn with_exchange<R: Send>(
        &self,
        gil: Gil<'_>,
        work: impl FnOnce(&mut RawExchange<'static>) -> R + Send,
    ) -> Result<R, Ended> {
        gil.detach(|| self.with_exchange_detached(work))
    }

    /// The same for a thread that is detached already.
    pub fn with_exchange_detached<R>(
        &self,
        work: impl FnOnce(&mut RawExchange<'static>) -> R,
    ) -> Result<R, Ended> {
        lock(&self.exchange).as_mut().map(work).ok_or(Ended)
    }

    /// The response, for a moment.
    pub fn response(&self) -> MutexGuard<'_, Response> {
        lock(&self.response)
    }

    /// `[script FILE] `, or nothing.
    pub fn decoration(&self) -> &[u8] {
        &self.decoration
    }

    /// Whether the request's log writes records of this level.
    pub fn log_enabled(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Writes a record as it is.
    pub fn log(&self, gil: Gil<'_>, record: &LogRecord<'_>) -> Result<(), Ended> {
        if !self.log_enabled(record.level) {
            return Ok(());
        }
        self.with_exchange(gil, |exchange| exchange.log(record))
    }

    /// Takes text of a log stream: complete lines become records at error level, the rest is kept.
    pub fn write_lines(&self, gil: Gil<'_>, text: &[u8]) -> Result<(), Ended> {
        let mut lines = {
            let mut line = lock(&self.line);
            split_lines(&mut line, text)
        };
        lines.retain(|_| self.log_enabled(Level::Error));
        for line in lines {
            self.log_line(gil, &line)?;
        }
        Ok(())
    }

    /// Writes what stands after the last newline.
    pub fn flush_line(&self, gil: Gil<'_>) -> Result<(), Ended> {
        let line = std::mem::take(&mut *lock(&self.line));
        if line.is_empty() {
            return Ok(());
        }
        self.log_line(gil, &line)
    }

    fn log_line(&self, gil: Gil<'_>, line: &[u8]) -> Result<(), Ended> {
        let mut text = Vec::with_capacity(self.decoration.len() + line.len());
        text.extend_from_slice(&self.decoration);
        text.extend_from_slice(line);
        text.truncate(RECORD_LIMIT);
        self.log(gil, &LogRecord::plain(Level::Error, &text))
    }

    /// Counts body bytes that the application took.
    pub fn count_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts body bytes that the host took.
    pub fn count_out(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Appends `text` to the unfinished line and takes the finished ones out.
pub fn split_lines(unfinished: &mut Vec<u8>, text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        unfinished.extend_from_slice(&rest[..end]);
        lines.push(std::mem::take(unfinished));
        rest = &rest[end + 1..];
    }
    let room = RECORD_LIMIT.saturating_sub(unfinished.len());
    unfinished.extend_from_slice(&rest[..rest.len().min(room)]);
    lines
}

/// Whether the application sees the method HEAD.
fn is_head(request: &Request<'_>) -> bool {
    let pairs = request.environ.as_slice().iter();
    pairs
        .rev()
        .find(|pair| pair.name.as_slice() == b"REQUEST_METHOD")
        .is_some_and(|pair| pair.value.as_slice() == b"HEAD")
}

/// Locks, also after a panic elsewhere: what these locks protect is valid at every moment.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_at_newlines_and_the_rest_is_kept() {
        let mut rest = Vec::new();
        assert!(split_lines(&mut rest, b"ab").is_empty());
        assert_eq!(
            split_lines(&mut rest, b"c\n\nd"),
            [b"abc".to_vec(), Vec::new()]
        );
        assert_eq!(rest, b"d");
    }

    #[test]
    fn an_unfinished_line_does_not_grow_without_bound() {
        let mut rest = Vec::new();
        for _ in 0..10 {
            split_lines(&mut rest, &[b'x'; 5000]);
        }
        assert_eq!(rest.len(), RECORD_LIMIT);
    }
}
