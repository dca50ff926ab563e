//! A host in memory, and engines with the fake runtime linked.
#![allow(dead_code, reason = "each test uses its part")]

#[path = "../fake_runtime/lib.rs"]
mod fake_runtime;

pub mod site;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use wsgi_core::engine::{Config, Engine, Host, RequestInfo, Served, ServerLog};
use wsgi_core_abi::{Exchange, Failure, Head, Level, LogRecord, ReadFailure, SendFlags};

/// A configuration that uses the fake runtime.
pub fn config() -> Config {
    let mut config = Config::new();
    // SAFETY: the functions of the fake keep to the seam.
    unsafe { config.link_runtime(&fake_runtime::wsgi_core_runtime) };
    config
}

/// A started engine.
pub fn started(config: &Config) -> (Engine, Log) {
    let log = Log::default();
    let engine = Engine::prepare(config, Box::new(log.clone())).unwrap();
    engine.start().unwrap();
    (engine, log)
}

/// The lines of a log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, record: &LogRecord<'_>) {
        let text = String::from_utf8_lossy(record.text.as_slice());
        self.0
            .lock()
            .unwrap()
            .push(format!("{:?} {text}", record.level));
    }
}

impl ServerLog for Log {
    fn write(&self, record: &LogRecord<'_>) {
        self.add(record);
    }
}

/// A host that keeps what it is given.
#[derive(Default)]
pub struct Memory {
    pub body: Vec<u8>,
    pub head: Option<u16>,
    pub sent: Vec<u8>,
    pub log: Log,
    pub variables: HashMap<&'static str, &'static str>,
    pub fail_send: bool,
}

impl Exchange for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let count = buffer.len().min(self.body.len());
        buffer[..count].copy_from_slice(&self.body[..count]);
        self.body.drain(..count);
        Ok(count)
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        self.head = Some(head.code);
        Ok(())
    }

    fn send(&mut self, data: &[u8], _: SendFlags) -> Result<(), Failure> {
        if self.fail_send {
            return Err(Failure);
        }
        self.sent.extend_from_slice(data);
        Ok(())
    }

    fn send_file(&mut self, _: i32, _: u64, _: u64, _: SendFlags) -> Result<(), Failure> {
        Ok(())
    }

    fn is_aborted(&mut self) -> bool {
        self.fail_send
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.log.add(record);
    }

    fn log_level(&mut self) -> Level {
        Level::Info
    }
}

impl Host for Memory {
    fn get_variable(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let name = std::str::from_utf8(name).ok()?;
        self.variables
            .get(name)
            .map(|value| value.as_bytes().to_vec())
    }
}

impl Memory {
    /// Serves a request.
    pub fn serve(&mut self, engine: &Engine, info: &RequestInfo<'_>) -> Served {
        engine.request(info).unwrap().serve(self)
    }

    /// Everything that was sent.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.sent).into_owned()
    }

    /// The last value of a line `name=value` in what was sent.
    pub fn value(&self, name: &str) -> Option<String> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let mut named = lines.filter(|(found, _)| *found == name);
        named.next_back().map(|(_, value)| value.to_owned())
    }
}
