//! Records of the present scope: on a thread that serves a request they go to that request's log,
//! elsewhere to the server's.
#![forbid(unsafe_code)]

use super::transaction::{RECORD_LIMIT, Transaction};
use crate::python::Gil;
use std::sync::OnceLock;
use wsgi_core_abi::{Bytes, Level, LogRecord, MessageId, RawLog};

static SERVER: OnceLock<RawLog> = OnceLock::new();

/// Sets the server's log; the first call counts.
pub fn set_server(log: RawLog) {
    let _ = SERVER.set(log);
}

/// Whether a record of this level would be written in the present scope.
pub fn enabled(_: Gil<'_>, level: Level) -> bool {
    Transaction::current().map_or_else(
        || SERVER.get().is_some_and(|log| log.enabled(level)),
        |transaction| transaction.log_enabled(level),
    )
}

/// Writes a message of the engine: identifier, then `[script FILE]` inside a request, then the text.
pub fn write(gil: Gil<'_>, level: Level, id: MessageId, text: &str) {
    if !enabled(gil, level) {
        return;
    }
    let transaction = Transaction::current();
    let decoration = transaction.as_ref().map_or(&b""[..], |it| it.decoration());
    let text = message(id, decoration, text);
    record(
        gil,
        &LogRecord {
            id,
            ..LogRecord::plain(level, &text)
        },
    );
}

/// Writes a line that an application logs, with its source position; decorated as `write` does it.
pub fn application(gil: Gil<'_>, level: Level, text: &[u8], file: &[u8], line: u32) {
    let mut decorated = match Transaction::current() {
        Some(transaction) => transaction.decoration().to_vec(),
        None => Vec::new(),
    };
    decorated.extend_from_slice(text);
    decorated.truncate(RECORD_LIMIT);
    let file = if file.is_empty() {
        Bytes::ABSENT
    } else {
        Bytes::new(file)
    };
    record(
        gil,
        &LogRecord {
            file,
            line,
            ..LogRecord::plain(level, &decorated)
        },
    );
}

/// Writes a record as it is.
pub fn record(gil: Gil<'_>, record: &LogRecord<'_>) {
    match Transaction::current() {
        // A request that is over takes no records; they belong to the server then.
        Some(transaction) if transaction.log(gil, record).is_ok() => (),
        _ => gil.detach(|| write_server(record)),
    }
}

/// Writes a message of the engine to the server's log, without being attached.
pub fn server(level: Level, id: MessageId, text: &str) {
    let text = message(id, b"", text);
    write_server(&LogRecord {
        id,
        ..LogRecord::plain(level, &text)
    });
}

/// Writes a line of application output to the server's log.
pub fn server_line(gil: Gil<'_>, line: &[u8]) {
    let line = &line[..line.len().min(RECORD_LIMIT)];
    gil.detach(|| write_server(&LogRecord::plain(Level::Error, line)));
}

fn write_server(record: &LogRecord<'_>) {
    if let Some(log) = SERVER.get()
        && log.enabled(record.level)
    {
        log.write(record);
    }
}

fn message(id: MessageId, decoration: &[u8], text: &str) -> Vec<u8> {
    let mut message = if id == MessageId::NONE {
        Vec::new()
    } else {
        format!("{id}: ").into_bytes()
    };
    message.extend_from_slice(decoration);
    message.extend_from_slice(text.as_bytes());
    message.truncate(RECORD_LIMIT);
    message
}
