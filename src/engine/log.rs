//! Records of the engine's own, and the way to the server's log.
#![forbid(unsafe_code)]

use super::Error;
use std::sync::{Arc, PoisonError, RwLock};
use wsgi_core_abi::{Bytes, Level, LogRecord, MessageId};

/// The server's log. Used from any thread; must not call into the engine.
pub trait ServerLog: Send + Sync {
    /// Writes a record.
    fn write(&self, record: &LogRecord<'_>);

    /// The most verbose level that is written.
    fn level(&self) -> Level {
        Level::Info
    }
}

/// The server's log for as long as the engine lives. Python, which can't be unloaded, keeps a pointer to it.
pub(crate) struct LogGate(RwLock<Option<Box<dyn ServerLog>>>);

impl LogGate {
    pub(super) fn new(log: Box<dyn ServerLog>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Some(log))))
    }

    /// From now on records are dropped. Returns when none is being written.
    pub(super) fn close(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn write(&self, record: &LogRecord<'_>) {
        if let Some(log) = &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            log.write(record);
        }
    }

    pub(crate) fn level(&self) -> Level {
        let log = self.0.read().unwrap_or_else(PoisonError::into_inner);
        log.as_ref().map_or(Level::Emergency, |log| log.level())
    }

    /// Writes a line of the engine's own; warnings and above have an identifier.
    pub(super) fn line(&self, level: Level, id: MessageId, text: &str) {
        if level <= self.level() {
            let text = compose(id, &[], text);
            self.write(&record(level, id, &text));
        }
    }

    /// Writes an error.
    pub(super) fn error(&self, level: Level, error: &Error) {
        self.line(level, error.id(), &error.to_string());
    }
}

/// A record of the engine's own.
pub(super) fn record(level: Level, id: MessageId, text: &[u8]) -> LogRecord<'_> {
    LogRecord {
        level,
        id,
        text: Bytes::new(text),
        file: Bytes::ABSENT,
        line: 0,
    }
}

/// The text of a record: identifier, script, and the words on one line.
pub(super) fn compose(id: MessageId, filename: &[u8], text: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(32 + filename.len() + text.len());
    if id != MessageId::NONE {
        line.extend_from_slice(format!("{id}: ").as_bytes());
    }
    if !filename.is_empty() {
        line.extend_from_slice(b"[script ");
        line.extend_from_slice(filename);
        line.extend_from_slice(b"] ");
    }
    line.extend_from_slice(text.as_bytes());
    for byte in &mut line {
        if matches!(*byte, b'\n' | b'\r' | 0) {
            *byte = b' ';
        }
    }
    line
}
