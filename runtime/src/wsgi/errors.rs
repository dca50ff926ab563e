//! Log streams: `wsgi.errors`, `sys.stderr` and `sys.stdout`.
//!
//! Each is an `io.TextIOWrapper` over a [`LogBuffer`], which cuts what is written into lines.

use super::log;
use super::transaction::{Ended, Transaction, lock, split_lines};
use super::types::Types;
use crate::python::class::{Args, Attribute, Class, Method, attribute, method};
use crate::python::{Exc, Gil, Object, Raised, Result, raise};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The raw stream under a text wrapper.
pub struct LogBuffer {
    name: &'static str,
    target: Mutex<Target>,
    /// The text wrapper flushes after every write that holds a line end; that flush is not a request of
    /// the application to log what follows the last one.
    flush_follows: AtomicBool,
}

/// Where the lines go.
enum Target {
    /// To this request's log, on whatever thread they are written.
    Request(Arc<Transaction>),
    /// To the log of the request that the writing thread serves, else the server's.
    Scope { unfinished: Vec<u8> },
    /// Nowhere: the request is over.
    Ended,
}

impl Class for LogBuffer {
    const NAME: &'static std::ffi::CStr = c"mod_wsgi.LogBuffer";

    fn methods() -> Vec<Method> {
        vec![
            method!(LogBuffer, c"write", LogBuffer::write),
            method!(LogBuffer, c"flush", LogBuffer::flush),
            method!(LogBuffer, c"close", LogBuffer::flush),
            method!(LogBuffer, c"isatty", LogBuffer::no),
            method!(LogBuffer, c"readable", LogBuffer::no),
            method!(LogBuffer, c"seekable", LogBuffer::no),
            method!(LogBuffer, c"writable", LogBuffer::yes),
            method!(LogBuffer, c"fileno", LogBuffer::fileno),
        ]
    }

    fn attributes() -> Vec<Attribute> {
        vec![
            attribute!(LogBuffer, c"name", LogBuffer::name),
            attribute!(LogBuffer, c"closed", LogBuffer::no),
        ]
    }
}

impl LogBuffer {
    /// A stream of the present scope, such as `<stderr>`.
    pub fn scoped(name: &'static str) -> Self {
        Self {
            name,
            target: Mutex::new(Target::Scope {
                unfinished: Vec::new(),
            }),
            flush_follows: AtomicBool::new(false),
        }
    }

    fn write(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        let data = args.required(gil, "write")?;
        let count;
        if let Some(bytes) = data.as_bytes() {
            count = bytes.len();
            self.append(gil, bytes)?;
        } else if data.is_str() {
            warn_str_once(gil)?;
            let text = data.as_text()?;
            count = text.len();
            self.append(gil, text.as_bytes())?;
        } else {
            let copy = data.to_bytes()?;
            let bytes = copy.as_bytes().unwrap_or_default();
            count = bytes.len();
            self.append(gil, bytes)?;
        }
        Object::int(gil, count as i64)
    }

    fn append(&self, gil: Gil<'_>, bytes: &[u8]) -> Result<()> {
        let ends_line = bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        self.flush_follows.store(ends_line, Ordering::Relaxed);
        let request = match &*lock(&self.target) {
            Target::Request(transaction) => Ok(Some(Arc::clone(transaction))),
            Target::Scope { .. } => Ok(Transaction::current()),
            Target::Ended => Err(Ended),
        };
        // Raised with the lock given back: making an exception may run code that writes to this stream.
        if let Some(transaction) = request.map_err(|Ended| over(gil))? {
            return match transaction.write_lines(gil, bytes) {
                Err(Ended) => Err(over(gil)),
                Ok(()) => Ok(()),
            };
        }
        let lines = match &mut *lock(&self.target) {
            Target::Scope { unfinished } => split_lines(unfinished, bytes),
            Target::Request(_) | Target::Ended => Vec::new(),
        };
        for line in lines {
            log::server_line(gil, &line);
        }
        Ok(())
    }

    fn flush(&self, gil: Gil<'_>, _: &Args<'_>) -> Result<Object> {
        if self.flush_follows.swap(false, Ordering::Relaxed) {
            return Ok(Object::none(gil));
        }
        let (request, line) = match &mut *lock(&self.target) {
            Target::Request(transaction) => (Some(Arc::clone(transaction)), Vec::new()),
            Target::Scope { unfinished } => (Transaction::current(), std::mem::take(unfinished)),
            // Nothing is pending: what was has been logged when the request ended.
            Target::Ended => return Ok(Object::none(gil)),
        };
        if !line.is_empty() {
            log::server_line(gil, &line);
        }
        if let Some(transaction) = request
            && transaction.flush_line(gil) == Err(Ended)
        {
            return Err(over(gil));
        }
        Ok(Object::none(gil))
    }

    fn no(&self, gil: Gil<'_>, _: &Args<'_>) -> Result<Object> {
        Ok(Object::bool(gil, false))
    }

    fn yes(&self, gil: Gil<'_>, _: &Args<'_>) -> Result<Object> {
        Ok(Object::bool(gil, true))
    }

    fn name(&self, gil: Gil<'_>, _: &Args<'_>) -> Result<Object> {
        Object::text(gil, self.name)
    }

    fn fileno(&self, gil: Gil<'_>, _: &Args<'_>) -> Result<Object> {
        Err(raise(gil, Exc::Os, "a log stream has no file descriptor"))
    }
}

fn over(gil: Gil<'_>) -> Raised {
    raise(gil, Exc::Runtime, "log stream used after its request ended")
}

fn warn_str_once(gil: Gil<'_>) -> Result<()> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if WARNED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let text = "writing str to the buffer of a log stream is deprecated; write bytes";
    crate::python::warn_deprecated(gil, text)
}

/// The `wsgi.errors` of one thread, used again for its next request when the application kept no
/// reference to it.
#[derive(Default)]
pub struct ErrorsStream(std::cell::RefCell<Option<(Object, Object)>>);

/// References to a text wrapper and to its buffer that nobody but us and the wrapper holds.
const UNSHARED: (isize, isize) = (1, 2);

impl ErrorsStream {
    /// A stream for this request.
    pub fn open(
        &self,
        gil: Gil<'_>,
        types: &Types,
        transaction: &Arc<Transaction>,
    ) -> Result<Object> {
        let kept = self.0.take();
        let reusable =
            kept.filter(|(text, buffer)| (text.references(), buffer.references()) == UNSHARED);
        let (text, buffer) = match reusable {
            Some(pair) => pair,
            None => types.text_stream(gil, LogBuffer::scoped("<wsgi.errors>"))?,
        };
        types.set_log_target(&buffer, Target::Request(Arc::clone(transaction)));
        let stream = text.clone();
        *self.0.borrow_mut() = Some((text, buffer));
        Ok(stream)
    }

    /// Ends the stream of the request that is over.
    pub fn end(&self, types: &Types) {
        if let Some((_, buffer)) = &*self.0.borrow() {
            types.set_log_target(buffer, Target::Ended);
        }
    }
}

impl Types {
    fn set_log_target(&self, buffer: &Object, target: Target) {
        if let Some(buffer) = self.log_buffer.value(buffer) {
            *lock(&buffer.target) = target;
        }
    }
}
