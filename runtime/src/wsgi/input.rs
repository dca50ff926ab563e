//! `wsgi.input`: the request body, read to its end whatever CONTENT_LENGTH says.

use super::transaction::{Ended, Transaction, lock};
use crate::python::class::{Args, Class, Method, NextFunction, method, next};
use crate::python::{Exc, Gil, Object, Raised, Result, raise};
use std::sync::{Arc, Mutex};
use wsgi_core_abi::{Exchange, RawExchange, ReadFailure};

/// How much is asked of the host at a time when the application gives no size.
const BLOCK: usize = 64 * 1024;

/// The object behind `wsgi.input`.
pub struct Input {
    transaction: Arc<Transaction>,
    /// Locked only while detached, for as long as a read takes: reads of several threads queue up.
    body: Mutex<Body>,
}

/// What has been read from the host and not yet been given to the application.
#[derive(Default)]
struct Body {
    buffer: Vec<u8>,
    start: usize,
    at_end: bool,
    failure: Option<ReadFailure>,
}

/// Why a read gives no data.
enum Unreadable {
    Ended,
    Failed(Vec<u8>),
}

impl Class for Input {
    const NAME: &'static std::ffi::CStr = c"mod_wsgi.Input";
    const NEXT: Option<NextFunction> = Some(next!(Input, Input::next_line));

    fn methods() -> Vec<Method> {
        vec![
            method!(Input, c"read", Input::read),
            method!(Input, c"readline", Input::readline),
            method!(Input, c"readlines", Input::readlines),
            method!(Input, c"close", Input::close),
        ]
    }
}

impl Input {
    /// The body of this request.
    pub fn new(transaction: &Arc<Transaction>) -> Self {
        Self {
            transaction: Arc::clone(transaction),
            body: Mutex::default(),
        }
    }

    fn read(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        let data = match size(gil, args, "read")? {
            Some(size) => self.take(gil, |body, exchange| body.read(exchange, size))?,
            None => self.take(gil, |body, exchange| body.read(exchange, usize::MAX))?,
        };
        Object::bytes(gil, &data)
    }

    fn readline(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        let limit = size(gil, args, "readline")?.unwrap_or(usize::MAX);
        let line = self.take(gil, |body, exchange| body.read_line(exchange, limit))?;
        Object::bytes(gil, &line)
    }

    fn readlines(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        let hint = size(gil, args, "readlines")?.filter(|&hint| hint > 0);
        let lines = Object::list(gil)?;
        let mut total = 0;
        while let Some(line) = self.next_line(gil)? {
            total += line.as_bytes().map_or(0, <[u8]>::len);
            lines.append(&line)?;
            if hint.is_some_and(|hint| total >= hint) {
                break;
            }
        }
        Ok(lines)
    }

    fn close(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        args.between(gil, "close", 0, 0)?;
        Ok(Object::none(gil))
    }

    fn next_line(&self, gil: Gil<'_>) -> Result<Option<Object>> {
        let line = self.take(gil, |body, exchange| body.read_line(exchange, usize::MAX))?;
        if line.is_empty() {
            return Ok(None);
        }
        Object::bytes(gil, &line).map(Some)
    }

    /// Runs a read detached and raises what PEP 3333 callers expect when it fails.
    fn take(
        &self,
        gil: Gil<'_>,
        read: impl FnOnce(
            &mut Body,
            &mut RawExchange<'static>,
        ) -> std::result::Result<Vec<u8>, ReadFailure>
        + Send,
    ) -> Result<Vec<u8>> {
        let result = gil.detach(|| {
            let mut body = lock(&self.body);
            match self
                .transaction
                .with_exchange_detached(|exchange| read(&mut body, exchange))
            {
                Ok(Ok(data)) => Ok(data),
                Ok(Err(failure)) => Err(Unreadable::Failed(failure.reason)),
                Err(Ended) => Err(Unreadable::Ended),
            }
        });
        match result {
            Ok(data) => {
                self.transaction.count_in(data.len());
                Ok(data)
            }
            Err(unreadable) => Err(unreadable.raise(gil)),
        }
    }
}

impl Unreadable {
    /// Some frameworks match on the first words of the message.
    fn raise(self, gil: Gil<'_>) -> Raised {
        match self {
            Self::Ended => raise(gil, Exc::Runtime, "wsgi.input used after its request ended"),
            Self::Failed(reason) => {
                let reason = String::from_utf8_lossy(&reason);
                let message = format!("mod_wsgi request data read error: {reason}");
                raise(gil, Exc::Os, message.trim_end_matches(": "))
            }
        }
    }
}

/// The optional size argument; negative and absent mean "no limit".
fn size(gil: Gil<'_>, args: &Args<'_>, name: &str) -> Result<Option<usize>> {
    let Some(size) = args.optional(gil, name)? else {
        return Ok(None);
    };
    Ok(usize::try_from(size.as_index()?).ok())
}

type Read = std::result::Result<Vec<u8>, ReadFailure>;

impl Body {
    fn pending(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Up to `size` bytes, fewer only at the end of the body.
    fn read(&mut self, exchange: &mut RawExchange<'static>, size: usize) -> Read {
        while self.pending().len() < size && self.fill(exchange, size - self.pending().len())? {}
        Ok(self.consume(size.min(self.pending().len())))
    }

    /// Up to and including the next newline, at most `limit` bytes.
    fn read_line(&mut self, exchange: &mut RawExchange<'static>, limit: usize) -> Read {
        let mut searched = 0;
        loop {
            let pending = self.pending();
            let found = pending[searched..].iter().position(|&byte| byte == b'\n');
            if let Some(offset) = found {
                return Ok(self.consume((searched + offset + 1).min(limit)));
            }
            searched = pending.len();
            if searched >= limit || !self.fill(exchange, BLOCK)? {
                return Ok(self.consume(searched.min(limit)));
            }
        }
    }

    /// Reads some more; false at the end of the body. A failure is final.
    fn fill(
        &mut self,
        exchange: &mut RawExchange<'static>,
        wanted: usize,
    ) -> std::result::Result<bool, ReadFailure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let before = self.buffer.len();
        self.buffer.resize(before + wanted.min(BLOCK), 0);
        match exchange.read(&mut self.buffer[before..]) {
            Ok(count) => {
                self.buffer.truncate(before + count);
                self.at_end = count == 0;
                Ok(count > 0)
            }
            Err(failure) => {
                self.buffer.truncate(before);
                self.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    fn consume(&mut self, count: usize) -> Vec<u8> {
        if self.start == 0 && count == self.buffer.len() {
            return std::mem::take(&mut self.buffer);
        }
        let data = self.pending()[..count].to_vec();
        self.start += count;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        data
    }
}
