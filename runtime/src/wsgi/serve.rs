//! One request from the exchange to the application and back. Unsafe because it asks the system for the size of a file.

use super::environ::Call;
use super::errors::ErrorsStream;
use super::log;
use super::response::{self, Gathered, Ready, SendError};
use super::traceback;
use super::transaction::Transaction;
use super::types::Types;
use crate::python::{
    Exc, Exception, Gil, GilCell, Interpreter, Locals, Object, Pass, Raised,
    interrupt::Interruptible, raise,
};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};
use wsgi_core_abi::{Exchange, Level, MessageId, Outcome, RawExchange, Request, SendFlags, Status};

/// The application could not be found; that was logged, and the answer is 500.
pub struct NoApplication;

/// How a request came out of Python.
enum Finish {
    /// The response is still to be sent.
    Ready(Ready),
    /// The response was sent, completely or not.
    Sent { complete: bool },
    /// An exception was logged.
    Raised,
    /// The request was interrupted, which was logged.
    TimedOut,
    /// The client went away.
    Disconnected,
}

impl From<Gathered> for Finish {
    fn from(gathered: Gathered) -> Self {
        match gathered {
            Gathered::Ready(ready) => Self::Ready(ready),
            Gathered::Sent { complete } => Self::Sent { complete },
        }
    }
}

/// Serves one request on this thread. `find` runs attached, inside the request's scope, and gives the
/// application's callable.
pub fn serve(
    pass: &Pass,
    interpreter: &Interpreter,
    types: &GilCell<Types>,
    request: &Request<'_>,
    exchange: RawExchange<'_>,
    outcome: &mut Outcome,
    find: impl FnOnce(Gil<'_>) -> Result<Object, NoApplication>,
) -> Status {
    let transaction = Transaction::open(request, exchange);
    let finish = interpreter.attach(pass, |gil, locals| {
        let _scope = transaction.enter();
        let interruptible = Interruptible::enter(gil, request.number);
        let gateway = Gateway {
            gil,
            locals,
            types: types.get(gil),
            request,
            transaction: &transaction,
            interruptible: &interruptible,
        };
        gateway.run(outcome, find)
    });
    report(&transaction, finish, outcome)
}

/// Sends what is left to send and tells the engine what became of the request.
fn report(transaction: &Transaction, finish: Finish, outcome: &mut Outcome) -> Status {
    let unanswered = match finish {
        Finish::TimedOut => 504,
        _ => 500,
    };
    let status = match finish {
        Finish::Ready(ready) => match ready.send(transaction) {
            Ok(()) => {
                outcome.complete = true;
                Status::OK
            }
            Err(_) => Status::HOST,
        },
        Finish::Sent { complete } => {
            outcome.complete = complete;
            if complete {
                Status::OK
            } else {
                Status::APPLICATION
            }
        }
        Finish::Raised | Finish::TimedOut => Status::APPLICATION,
        Finish::Disconnected => Status::HOST,
    };
    let response = transaction.response();
    outcome.head_sent = response.head_sent;
    outcome.code = match response.overridden {
        Some(code) => code,
        None if response.head_sent => response.code,
        None => unanswered,
    };
    drop(response);
    outcome.bytes_in = transaction.bytes_in.load(Ordering::Relaxed);
    outcome.bytes_out = transaction.bytes_out.load(Ordering::Relaxed);
    outcome.status = status;
    status
}

/// Everything that one request needs while attached.
struct Gateway<'a> {
    gil: Gil<'a>,
    locals: &'a Locals,
    types: &'a Types,
    request: &'a Request<'a>,
    transaction: &'a Arc<Transaction>,
    interruptible: &'a Interruptible<'a>,
}

impl Gateway<'_> {
    fn run(
        &self,
        outcome: &mut Outcome,
        find: impl FnOnce(Gil<'_>) -> Result<Object, NoApplication>,
    ) -> Finish {
        let Ok(application) = find(self.gil) else {
            // What it was interrupted in was the loading of its script.
            return if self.interruptible.is_sent() {
                self.timed_out()
            } else {
                Finish::Raised
            };
        };
        // Nothing but this thread knows the exchange yet.
        let _ = self
            .transaction
            .with_exchange_detached(|exchange| exchange.begin_application());
        outcome.application_start = now();
        let finish = self.call(&application, outcome.application_start);
        outcome.application_finish = now();
        self.locals.get(ErrorsStream::default).end(self.types);
        // The log cannot refuse a line while the request lasts.
        let _ = self.transaction.flush_line(self.gil);
        finish
    }

    fn call(&self, application: &Object, start: f64) -> Finish {
        let call = Call::new(
            self.gil,
            self.locals,
            self.types,
            self.request,
            self.transaction,
            start,
        );
        let called = call.and_then(|call| {
            let result = application.call([&call.environ, &call.start_response]);
            // It is lent until the response is complete, whatever becomes of the environ.
            result.map(|result| (result, call.native))
        });
        match called {
            Ok((result, _native)) => self.respond(&result),
            Err(Raised) => self.raised(),
        }
    }

    /// Sends what the application returned, and calls its `close()` in every case.
    fn respond(&self, result: &Object) -> Finish {
        if let Some(items) = result.as_exact_sequence() {
            // Lists and tuples have no close().
            let sent = response::send_sequence(self.gil, self.transaction, &items);
            return sent.map_or_else(|error| self.failed(error), Finish::from);
        }
        let sent = match self.send_file(result) {
            Ok(Some(complete)) => Ok(complete),
            Ok(None) => response::send_iterable(self.gil, self.transaction, result),
            Err(error) => Err(error),
        };
        let finish = match sent {
            Ok(complete) => Finish::Sent { complete },
            Err(error) => self.failed(error),
        };
        self.close(result);
        finish
    }

    fn close(&self, result: &Object) {
        match result.getattr_opt(&self.types.names.close) {
            Ok(None) => (),
            Ok(Some(close)) => {
                if close.call0().is_err() {
                    self.raised();
                }
            }
            Err(Raised) => self.log_exception(MessageId::CLOSE_LOOKUP),
        }
    }

    /// Hands the file of a `wsgi.file_wrapper` response to the host. `None` if it is not such a
    /// response, or its file is not one that the host can read by itself.
    fn send_file(&self, result: &Object) -> Result<Option<bool>, SendError> {
        if !result.is_instance(&self.types.file_wrapper)? || self.transaction.response().head_sent {
            return Ok(None);
        }
        let Some(file) = OpenFile::of(self.gil, result) else {
            return Ok(None);
        };
        let Some(length) = self.file_length(&file)? else {
            return Ok(None);
        };
        let flags = if self.request.sendfile {
            SendFlags::END.with(SendFlags::SENDFILE)
        } else {
            SendFlags::END
        };
        let range = (file.offset, length);
        response::send_file(self.gil, self.transaction, file.fd, range, flags)?;
        Ok(Some(true))
    }

    /// How much of the file is the body: its Content-Length, which is added when it is missing.
    /// `None` leaves it to ordinary iteration to complain about a response that was not started.
    fn file_length(&self, file: &OpenFile) -> Result<Option<u64>, SendError> {
        let available = file.size.saturating_sub(file.offset);
        let given = {
            let mut response = self.transaction.response();
            let Some(head) = response.head.as_mut() else {
                return Ok(None);
            };
            match head.content_length() {
                None => {
                    head.set_content_length(available);
                    return Ok(Some(available));
                }
                Some(given) => given,
            }
        };
        match given {
            Ok(length) if length <= available => Ok(Some(length)),
            Ok(length) => {
                let message =
                    format!("Content-Length is {length} but the file has {available} bytes left");
                Err(raise(self.gil, Exc::Value, &message).into())
            }
            Err(_) => Ok(None),
        }
    }

    fn failed(&self, error: SendError) -> Finish {
        match error {
            SendError::Raised => self.raised(),
            SendError::Host => Finish::Disconnected,
        }
    }

    fn raised(&self) -> Finish {
        let exception = Exception::take(self.gil);
        if response::is_disconnect(self.gil, self.transaction, &exception) {
            return Finish::Disconnected;
        }
        if exception.is_of(self.gil, &self.types.request_timeout) && self.interruptible.is_sent() {
            return self.timed_out();
        }
        self.log(exception, MessageId::APPLICATION_RAISED);
        Finish::Raised
    }

    fn timed_out(&self) -> Finish {
        let text = "Request interrupted by RequestTimeout; thread recovered";
        log::write(self.gil, Level::Info, MessageId::NONE, text);
        Finish::TimedOut
    }

    fn log_exception(&self, id: MessageId) {
        self.log(Exception::take(self.gil), id);
    }

    fn log(&self, exception: Exception, id: MessageId) {
        let script = self.request.script.as_slice();
        traceback::report(self.gil, exception, id, script, &self.types.context);
    }
}

/// A regular file under a file wrapper.
struct OpenFile {
    fd: RawFd,
    offset: u64,
    size: u64,
}

impl OpenFile {
    fn of(gil: Gil<'_>, wrapper: &Object) -> Option<Self> {
        let found = Self::examine(wrapper);
        if found.is_none() {
            crate::python::clear(gil);
        }
        found
    }

    fn examine(wrapper: &Object) -> Option<Self> {
        let file = wrapper.getattr(c"filelike").ok()?;
        let fd = file.call_method(c"fileno", []).ok()?.as_index().ok()?;
        let offset = file.call_method(c"tell", []).ok()?.as_index().ok()?;
        let fd = RawFd::try_from(fd).ok()?;
        Some(Self {
            fd,
            offset: u64::try_from(offset).ok()?,
            size: regular_file_size(fd)?,
        })
    }
}

/// The size of an open regular file; `None` for anything else.
fn regular_file_size(fd: RawFd) -> Option<u64> {
    // SAFETY: fstat fills in a plain struct and checks the descriptor.
    let status = unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &raw mut status) == 0).then_some(status)?
    };
    let regular = status.st_mode & libc::S_IFMT == libc::S_IFREG;
    regular.then(|| u64::try_from(status.st_size).unwrap_or(0))
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |elapsed| elapsed.as_secs_f64())
}
