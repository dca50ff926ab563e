//! The Python of this process: loaded and started once, with the first request that needs it.
#![forbid(unsafe_code)]

use super::config::{Choice, Config, RuntimeSource};
use super::error::Error;
use super::loader;
use super::log::LogGate;
use super::process_group::GroupStart;
use super::runtime::{RuntimeHandle, keep_log};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wsgi_core_abi::{Bytes, InterpreterLayer, Level, MessageId, RuntimeSettings, Slice};

/// The embedded runtime, once there is one, or the reason why there is none.
#[derive(Default)]
pub(super) struct Embedded(OnceLock<Result<RuntimeHandle, Error>>);

impl Embedded {
    /// The runtime, with Python started. Other threads wait while one starts it; a failure is final, because
    /// Python can't be started twice.
    pub(super) fn get(
        &self,
        config: &Config,
        choice: Option<&Choice>,
        log: &Arc<LogGate>,
    ) -> Result<RuntimeHandle, &Error> {
        let started = self.0.get_or_init(|| {
            let started = start(config, choice, log);
            if let Err(error) = &started {
                log.error(Level::Critical, error);
            }
            started
        });
        started.as_ref().copied()
    }

    /// Ends Python, if it was started, and keeps it from being started otherwise.
    pub(super) fn stop(&self, timeout: Duration) -> Result<(), Error> {
        match self.0.get_or_init(|| Err(Error::Closed)) {
            Ok(runtime) => runtime.stop(timeout),
            Err(_) => Ok(()),
        }
    }
}

fn start(
    config: &Config,
    choice: Option<&Choice>,
    log: &Arc<LogGate>,
) -> Result<RuntimeHandle, Error> {
    let choice = choice.ok_or(Error::State("there is no runtime"))?;
    let runtime = match &choice.source {
        RuntimeSource::Linked(runtime) => *runtime,
        RuntimeSource::File(path) => loader::load(path)?,
    };
    let version = choice.version.to_string_lossy();
    log.line(
        Level::Debug,
        MessageId::NONE,
        &format!("Starting Python {version}"),
    );
    start_python(runtime, config, None, log)?;
    Ok(runtime)
}

/// Starts Python in this process, which may be one of a group.
pub(super) fn start_python(
    runtime: RuntimeHandle,
    config: &Config,
    group: Option<GroupStart<'_>>,
    log: &Arc<LogGate>,
) -> Result<(), Error> {
    let process = &config.process;
    let settings = group.as_ref().map(|group| group.settings);
    let warnings: Vec<_> = process
        .warnings
        .iter()
        .map(|entry| Bytes::new(entry))
        .collect();
    let own = (process.threads.unwrap_or(1), process.processes.unwrap_or(1));
    let (threads, processes) =
        settings.map_or(own, |settings| (settings.threads, settings.workers()));
    // Setting the number of processes at all means that there may be several.
    let multiprocess = settings.map_or(processes != 1, |settings| settings.processes.is_some());
    let python_home = settings.and_then(|settings| settings.python_home.as_deref());
    let eggs = settings.map_or(&process.python_eggs, |settings| &settings.python_eggs);
    let interval = settings.and_then(|settings| settings.switch_interval);
    let layers = config.layers(group.as_ref());
    for name in layers.misplaced_free_threading() {
        let name = String::from_utf8_lossy(name);
        let text = format!(
            "free-threading is a matter of the whole process, and what is set for interpreter '{name}' is ignored"
        );
        log.line(Level::Warning, MessageId::FREE_THREADING_IGNORED, &text);
    }
    let start = |layers: &[InterpreterLayer<'_>], free_threading| {
        runtime.start(&RuntimeSettings {
            python_home: optional(python_home.or(process.python_home.as_deref())),
            warnings: Slice::new(&warnings),
            python_eggs: optional(eggs.as_deref()),
            optimize: process.optimize.unwrap_or(0) as u8,
            dont_write_bytecode: process.dont_write_bytecode.unwrap_or(false),
            hash_seed: process.hash_seed.map_or(-1, i64::from),
            layers: Slice::new(layers),
            group_switch_interval: interval.unwrap_or(0.0),
            free_threading,
            destroy_interpreters: process.destroy_interpreter.unwrap_or(true),
            keep_stdio: process.keep_stdio.unwrap_or(false) && group.is_none(),
            case_sensitive: process.case_sensitive(),
            process_group: Bytes::new(group.as_ref().map_or(b"", |group| group.name)),
            multiprocess,
            multithread: threads != 1,
            run_once: false,
            maximum_processes: processes,
            threads_per_process: threads,
            host_maximum_processes: own.1,
            host_threads_per_process: own.0,
            host_name: Bytes::new(process.host_name.as_deref().unwrap_or(b"wsgi_core")),
            host_version: process.host_version.unwrap_or(OWN_VERSION),
            host_description: optional(process.host_description.as_deref()),
            host_build_date: optional(process.host_build_date.as_deref()),
            host_mpm_name: optional(process.host_mpm_name.as_deref()),
            log: keep_log(log),
        })
    };
    layers.with(|all| start(all, layers.free_threading()))
}

fn optional(value: Option<&[u8]>) -> Bytes<'_> {
    value.map_or(Bytes::ABSENT, Bytes::new)
}

const OWN_VERSION: [u32; 3] = [
    decimal(env!("CARGO_PKG_VERSION_MAJOR")),
    decimal(env!("CARGO_PKG_VERSION_MINOR")),
    decimal(env!("CARGO_PKG_VERSION_PATCH")),
];

const fn decimal(text: &str) -> u32 {
    let (digits, mut index, mut number) = (text.as_bytes(), 0, 0);
    while index < digits.len() {
        number = number * 10 + (digits[index] - b'0') as u32;
        index += 1;
    }
    number
}
