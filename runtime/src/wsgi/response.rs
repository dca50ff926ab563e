//! The application's response on its way to the host: PEP 3333's rules for the head, for each block
//! and for `Content-Length`.
#![forbid(unsafe_code)]

use super::head::ResponseHead;
use super::log;
use super::transaction::{Ended, Response, Transaction};
use crate::python::{ExactSequence, Exc, Exception, Gil, Object, Raised, Result, raise};
use wsgi_core_abi::{Exchange, Failure, Head, Level, MessageId, RawExchange, SendFlags};

/// Why a block was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// An exception is set.
    Raised,
    /// The host did not take it: usually the client has gone away.
    Host,
}

impl From<Raised> for SendError {
    fn from(Raised: Raised) -> Self {
        Self::Raised
    }
}

/// A head on its way to the host.
struct Outgoing {
    head: ResponseHead,
    length: Option<u64>,
    /// The host answers with a page of its own.
    error_page: bool,
}

impl Outgoing {
    fn send(&self, exchange: &mut RawExchange<'static>) -> std::result::Result<(), Failure> {
        let send = |head: &Head<'_>| exchange.send_head(head);
        self.head.with_head(self.length, self.error_page, send)
    }
}

/// A response that is complete but not sent: small enough to leave after the GIL was released.
pub struct Ready {
    head: Outgoing,
    body: Vec<u8>,
}

/// The largest body that is copied so that it can be sent without the GIL.
const READY_BODY: usize = 64 * 1024;

/// Status codes whose responses have no body (RFC 9110, section 6.4.1).
fn is_bodyless(code: u16) -> bool {
    matches!(code, 204 | 304)
}

/// The `write` callable.
pub fn write(gil: Gil<'_>, transaction: &Transaction, data: &Object) -> Result<()> {
    let block = as_block(gil, data)?;
    // The first call sends the head, whatever it writes (PEP 3333).
    let sent = if transaction.response().head_sent {
        send(gil, transaction, block, SendFlags::FLUSH)
    } else {
        start(gil, transaction, block)
    };
    match sent {
        Ok(()) => Ok(()),
        Err(SendError::Raised) => Err(Raised),
        Err(SendError::Host) => {
            let message = "the client closed the connection before it got the response";
            Err(raise(gil, Exc::Os, message))
        }
    }
}

/// The content of a block; TypeError unless it is `bytes`.
fn as_block<'a>(gil: Gil<'_>, data: &'a Object) -> Result<&'a [u8]> {
    data.as_bytes().ok_or_else(|| {
        let found = data.type_name();
        let message = format!("response blocks must be bytes, not {found}");
        raise(gil, Exc::Type, &message)
    })
}

/// Sends a block, with the head before it if that has not been sent. Empty blocks send nothing.
pub fn send(
    gil: Gil<'_>,
    transaction: &Transaction,
    block: &[u8],
    flags: SendFlags,
) -> std::result::Result<(), SendError> {
    if block.is_empty() && !flags.has(SendFlags::END) {
        return Ok(());
    }
    let Some((head, block)) = prepare(gil, transaction, block)? else {
        return Ok(());
    };
    if block.is_empty() && head.is_none() && !flags.has(SendFlags::END) {
        return Ok(());
    }
    transmit(gil, transaction, head, |exchange| {
        exchange.send(block, flags)?;
        Ok(block.len() as u64)
    })
}

/// Sends the head with a first block, which may be empty.
fn start(
    gil: Gil<'_>,
    transaction: &Transaction,
    block: &[u8],
) -> std::result::Result<(), SendError> {
    let Some((head, block)) = prepare(gil, transaction, block)? else {
        return Ok(());
    };
    transmit(gil, transaction, head, |exchange| {
        exchange.send(block, SendFlags::FLUSH)?;
        Ok(block.len() as u64)
    })
}

/// Sends part of an open regular file as the whole body.
pub fn send_file(
    gil: Gil<'_>,
    transaction: &Transaction,
    fd: i32,
    range: (u64, u64),
    flags: SendFlags,
) -> std::result::Result<(), SendError> {
    let Some((head, _)) = prepare(gil, transaction, &[])? else {
        return Ok(());
    };
    let bodyless = {
        let mut response = transaction.response();
        response.remaining = response.remaining.map(|_| 0);
        response.bodyless
    };
    let (offset, length) = range;
    transmit(gil, transaction, head, |exchange| {
        if bodyless || length == 0 {
            exchange.send(b"", SendFlags::END)?;
            return Ok(0);
        }
        exchange.send_file(fd, offset, length, flags)?;
        Ok(length)
    })
}

/// Applies the rules to the next block: what is to be sent of head and block, or `None` if the host
/// answers in the application's place.
fn prepare<'a>(
    gil: Gil<'_>,
    transaction: &Transaction,
    block: &'a [u8],
) -> Result<Option<(Option<Outgoing>, &'a [u8])>> {
    let mut response = transaction.response();
    if response.overridden.is_some() {
        return Ok(None);
    }
    let head = if response.head_sent {
        None
    } else {
        match response.take_head() {
            Ok(head) => Some(head),
            Err(rule) => {
                drop(response);
                return Err(raise(gil, rule.class, &rule.message));
            }
        }
    };
    let (block, exceeded) = response.admit(block);
    drop(response);
    if exceeded {
        let text = "application produced more data than its Content-Length; the rest is discarded";
        log::write(gil, Level::Error, MessageId::LENGTH_EXCEEDED, text);
    }
    Ok(Some((head, block)))
}

/// Hands head and body to the host, detached.
fn transmit(
    gil: Gil<'_>,
    transaction: &Transaction,
    head: Option<Outgoing>,
    body: impl FnOnce(&mut RawExchange<'static>) -> std::result::Result<u64, Failure> + Send,
) -> std::result::Result<(), SendError> {
    let result = transaction.with_exchange(gil, |exchange| {
        if let Some(head) = &head {
            head.send(exchange)?;
            if head.error_page {
                return Ok(0);
            }
        }
        body(exchange)
    });
    match result {
        Ok(Ok(count)) => {
            transaction.count_out(count);
            Ok(())
        }
        Ok(Err(Failure)) => {
            transaction.response().failed = true;
            Err(SendError::Host)
        }
        Err(Ended) => Err(SendError::Host),
    }
}

/// A rule that the application broke.
pub struct Broken {
    class: Exc,
    message: String,
}

impl Broken {
    fn value(message: &str) -> Self {
        Self {
            class: Exc::Value,
            message: message.to_owned(),
        }
    }
}

impl Response {
    /// Takes the head for sending and sets up what the body must obey.
    fn take_head(&mut self) -> std::result::Result<Outgoing, Broken> {
        let head = self.head.take().ok_or_else(|| Broken {
            class: Exc::Runtime,
            message: "response has not been started: start_response was not called".to_owned(),
        })?;
        self.code = head.code();
        let length = match head.content_length().transpose() {
            Ok(length) if self.code >= 200 => length,
            Ok(_) => {
                return Err(Broken::value(
                    "a response cannot end with a status below 200",
                ));
            }
            Err(error) => return Err(Broken::value(&error.to_string())),
        };
        let error_page = self.error_override && self.code >= 400;
        if error_page {
            self.overridden = Some(self.code);
        } else {
            self.head_sent = true;
        }
        self.bodyless = is_bodyless(self.code) || error_page;
        self.remaining = length;
        Ok(Outgoing {
            head,
            length,
            error_page,
        })
    }

    /// What may be sent of a block, and whether this is the first time that something may not.
    fn admit<'a>(&mut self, block: &'a [u8]) -> (&'a [u8], bool) {
        if self.bodyless {
            return (&[], false);
        }
        let Some(remaining) = self.remaining else {
            return (block, false);
        };
        let admitted = usize::try_from(remaining).map_or(block.len(), |most| most.min(block.len()));
        self.remaining = Some(remaining - admitted as u64);
        let exceeded = admitted < block.len() && !self.exceeded;
        self.exceeded |= exceeded;
        (&block[..admitted], exceeded)
    }

    /// Bytes that the Content-Length promised and the application did not produce.
    fn missing(&self) -> u64 {
        if self.bodyless || self.is_head {
            return 0;
        }
        self.remaining.unwrap_or(0)
    }
}

/// Ends a response whose application is done. False if it must not look complete to the client.
pub fn finish(gil: Gil<'_>, transaction: &Transaction) -> std::result::Result<bool, SendError> {
    // A head without a body must be checked and sent before anything can be said about its length.
    if !transaction.response().head_sent {
        send_head_only(gil, transaction)?;
    }
    let (missing, overridden) = {
        let response = transaction.response();
        (response.missing(), response.overridden.is_some())
    };
    if overridden {
        return Ok(true);
    }
    if missing > 0 {
        report_missing(gil, missing);
        return Ok(false);
    }
    transmit(gil, transaction, None, |exchange| {
        exchange.send(b"", SendFlags::END)?;
        Ok(0)
    })?;
    Ok(true)
}

fn send_head_only(gil: Gil<'_>, transaction: &Transaction) -> std::result::Result<(), SendError> {
    let Some((head, _)) = prepare(gil, transaction, &[])? else {
        return Ok(());
    };
    transmit(gil, transaction, head, |_| Ok(0))
}

fn report_missing(gil: Gil<'_>, missing: u64) {
    let text = format!("application produced {missing} bytes less than its Content-Length");
    log::write(gil, Level::Error, MessageId::LENGTH_SHORT, &text);
}

/// What became of a sequence of blocks.
pub enum Gathered {
    /// The whole response, to be sent without the GIL.
    Ready(Ready),
    /// It has been sent.
    Sent { complete: bool },
}

/// Sends a list or tuple: no application code runs between its items, so they leave together.
pub fn send_sequence(
    gil: Gil<'_>,
    transaction: &Transaction,
    items: &ExactSequence<'_>,
) -> std::result::Result<Gathered, SendError> {
    let first_response = !transaction.response().head_sent;
    if first_response && let Some(body) = small_body(items) {
        return ready(gil, transaction, body);
    }
    let mut index = 0;
    while let Some(item) = items.get(index) {
        index += 1;
        // What was sent before an item of a wrong type must leave before the response breaks.
        let block = as_block(gil, &item)?;
        let next_is_block = items
            .get(index)
            .is_none_or(|next| next.as_bytes().is_some());
        let flags = if next_is_block {
            SendFlags::MORE
        } else {
            SendFlags::FLUSH
        };
        send(gil, transaction, block, flags)?;
    }
    let complete = finish(gil, transaction)?;
    Ok(Gathered::Sent { complete })
}

/// All items in one piece, if they are few bytes and each is `bytes`.
fn small_body(items: &ExactSequence<'_>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut index = 0;
    while let Some(item) = items.get(index) {
        let block = item.as_bytes()?;
        if body.len() + block.len() > READY_BODY {
            return None;
        }
        body.extend_from_slice(block);
        index += 1;
    }
    Some(body)
}

fn ready(
    gil: Gil<'_>,
    transaction: &Transaction,
    mut body: Vec<u8>,
) -> std::result::Result<Gathered, SendError> {
    let Some((head, admitted)) = prepare(gil, transaction, &body)? else {
        return Ok(Gathered::Sent { complete: true });
    };
    let admitted = admitted.len();
    body.truncate(admitted);
    let missing = transaction.response().missing();
    if missing > 0 {
        report_missing(gil, missing);
        transmit(gil, transaction, head, |exchange| {
            // As long as nothing has left, the host can still answer with an error page.
            if !body.is_empty() {
                exchange.send(&body, SendFlags::FLUSH)?;
            }
            Ok(body.len() as u64)
        })?;
        return Ok(Gathered::Sent { complete: false });
    }
    match head {
        Some(head) if !head.error_page => Ok(Gathered::Ready(Ready { head, body })),
        head => {
            transmit(gil, transaction, head, |_| Ok(0))?;
            Ok(Gathered::Sent { complete: true })
        }
    }
}

impl Ready {
    /// Sends the response; the thread is detached.
    pub fn send(&self, transaction: &Transaction) -> std::result::Result<(), SendError> {
        let result = transaction.with_exchange_detached(|exchange| {
            self.head.send(exchange)?;
            exchange.send(&self.body, SendFlags::END)
        });
        match result {
            Ok(Ok(())) => {
                transaction.count_out(self.body.len() as u64);
                Ok(())
            }
            Ok(Err(Failure)) | Err(Ended) => Err(SendError::Host),
        }
    }
}

/// Sends what an iterator yields: each block leaves before the application runs again.
pub fn send_iterable(
    gil: Gil<'_>,
    transaction: &Transaction,
    result: &Object,
) -> std::result::Result<bool, SendError> {
    let blocks = result.iter()?;
    while let Some(item) = blocks.next()? {
        let block = as_block(gil, &item)?;
        send(gil, transaction, block, SendFlags::FLUSH)?;
        if transaction.response().overridden.is_some() {
            break;
        }
    }
    finish(gil, transaction)
}

/// Whether an exception is only the consequence of the client having gone away.
pub fn is_disconnect(gil: Gil<'_>, transaction: &Transaction, exception: &Exception) -> bool {
    transaction.response().failed && exception.is(gil, Exc::Os)
}
