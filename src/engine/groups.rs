//! The process groups of an engine: launched in the process that prepares it, used in those that serve.
#![forbid(unsafe_code)]

use super::config::Config;
use super::error::{Error, RuntimeFailure};
use super::host::Host;
use super::in_flight::InFlight;
use super::loader;
use super::log::LogGate;
use crate::daemon::client::{Body, ClientFailure, Downstream, Facts, Finished, GroupClient};
use crate::daemon::{Exit, GroupLaunch, Launch, Launched, Plan};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wsgi_core_abi::{
    Exchange, Failure, Head, Level, LogRecord, MessageId, Outcome, Problem, ReadFailure, Request,
    SendFlags,
};

/// What is launched, and the clients of this process.
#[derive(Debug)]
pub(super) struct Groups {
    launched: Arc<Launched>,
    clients: OnceLock<Vec<Result<GroupClient, String>>>,
    in_flight: InFlight,
}

/// Names in a plan; options of a group, or of interpreters, stand between it and the next.
pub(super) mod entry {
    /// First of all: what the rest means depends on it.
    pub const BUILD: &str = "@build";
    pub const HOST: &str = "@host";
    pub const LEVEL: &str = "@level";
    pub const BASE: &str = "@base";
    pub const PEER: &str = "@peer";
    pub const GROUP: &str = "@group";
    /// Of each group: the level of its log, and 1 where a descriptor for it is among those of the supervisor.
    pub const LOG: &str = "@log";
    pub const RUNTIME: &str = "@runtime";
    pub const PRELOAD: &str = "@preload";
    pub const INTERPRETER: &str = "@interpreter";
}

impl Groups {
    /// Launches the groups of a configuration; `None` when it has none.
    pub fn launch(config: &Config, log: &LogGate) -> Result<Option<Self>, Error> {
        if config.groups().is_empty() {
            return Ok(None);
        }
        let launch = Launch {
            executable: executable(config),
            prefix: config.process.socket_prefix(),
            groups: config
                .groups()
                .iter()
                .map(|group| GroupLaunch {
                    name: group.name.clone(),
                    settings: group.settings.clone(),
                    log: group.log.clone(),
                })
                .collect(),
        };
        let base = launch.base();
        let plan = plan(config, &base, log.level())?;
        let started = launch.start(base, &plan);
        let (launched, failures) = started.map_err(|error| Error::Launch(error.to_string()))?;
        for failure in failures {
            let text = failure.to_string();
            log.line(Level::Critical, MessageId::GROUP_START, &text);
        }
        Ok(Some(Self {
            launched: Arc::new(launched),
            clients: OnceLock::new(),
            in_flight: InFlight::default(),
        }))
    }

    /// Enters this process, which is about to serve requests.
    pub fn start(&self, config: &Config, log: &LogGate) {
        self.clients.get_or_init(|| {
            let groups = config.groups().iter().enumerate();
            let attach = |(number, group): (usize, &super::process_group::ProcessGroup)| {
                let settings = group.settings.clone();
                let timeout = socket_timeout(config, settings.socket_timeout);
                let client = GroupClient::attach(&self.launched, number as u32, settings, timeout);
                client.map_err(|error| {
                    let text = format!("Process group '{}': {error}", group.display());
                    log.line(Level::Critical, MessageId::GROUP_START, &text);
                    error.to_string()
                })
            };
            groups.map(attach).collect()
        });
    }

    /// The process of the supervisor.
    pub fn supervisor(&self) -> Option<u32> {
        self.launched.supervisor()
    }

    /// A child of the host has ended, for which the host has waited. The program of supervisors has no exit code that
    /// is the number of a signal.
    pub fn child_ended(&self, pid: u32, status: i32) {
        let exit = match status {
            ..=-1 => return,
            1..32 => Exit::Signal {
                number: status,
                core: false,
            },
            code => Exit::Code(code),
        };
        self.launched.child_ended(pid, exit);
    }

    /// Starts another supervisor if the one before has ended, and it is time.
    pub fn tend(&self, log: &LogGate) -> Result<(), Error> {
        let (ended, begun) = self.launched.tend();
        if let Some(ended) = ended {
            let how = ended
                .exit
                .map_or("ended".to_owned(), |exit| exit.to_string());
            let next = if ended.pause.is_zero() {
                "another one is started".to_owned()
            } else {
                format!(
                    "the next one starts in {:.1} seconds",
                    ended.pause.as_secs_f64()
                )
            };
            let text = format!(
                "The supervisor of process groups, process {}, {how} after {:.1} seconds; {next}",
                ended.pid,
                ended.lived.as_secs_f64()
            );
            log.line(Level::Error, MessageId::SUPERVISOR_EXIT, &text);
        }
        begun.map_err(|error| {
            let text = format!("the supervisor of process groups can't be started: {error}");
            log.line(Level::Critical, MessageId::GROUP_START, &text);
            Error::Launch(text)
        })
    }

    /// Waits for the requests that processes of groups have; false when they take longer.
    pub fn wait(&self, timeout: Duration, log: &LogGate) -> bool {
        let left = self.in_flight.wait(timeout);
        if left > 0 {
            let text = format!(
                "{left} requests of process groups did not end within {} seconds",
                timeout.as_secs_f64()
            );
            log.line(Level::Warning, MessageId::STOP_TIMEOUT, &text);
        }
        left == 0
    }

    /// Has a process of a group serve a request.
    pub fn serve<H: Host>(
        &self,
        number: usize,
        name: &str,
        request: &Request<'_>,
        body: Body,
        host: &mut H,
    ) -> (Outcome, Result<(), Error>) {
        let group = || name.to_owned();
        let failed = |failure: ClientFailure, facts: Facts| {
            let error = Error::Group {
                group: group(),
                failure,
                head_sent: facts.head_sent,
            };
            let code = if facts.head_sent {
                facts.code
            } else {
                error.http_status()
            };
            let Facts {
                head_sent,
                bytes_in,
                bytes_out,
                ..
            } = facts;
            (
                Outcome {
                    code,
                    head_sent,
                    bytes_in,
                    bytes_out,
                    ..Outcome::default()
                },
                Err(error),
            )
        };
        let Some(_one) = self.in_flight.enter() else {
            return failed(ClientFailure::Closed, Facts::default());
        };
        let client = self.clients.get().and_then(|clients| clients.get(number));
        let Some(Ok(client)) = client else {
            return failed(ClientFailure::Down { retry_after: 1 }, Facts::default());
        };
        match client.serve(request, body, &mut Down(host)) {
            Ok(finished) => report(finished),
            Err((failure, facts)) => failed(failure, facts),
        }
    }
}

/// What a runtime in another process reports is what one in this process would.
fn report(finished: Finished) -> (Outcome, Result<(), Error>) {
    let Finished {
        mut outcome,
        id,
        text,
    } = finished;
    let result = match RuntimeFailure::of(outcome.status) {
        None => Ok(()),
        Some(failure) => Err(Error::from_runtime(failure, Problem { id, text }, &outcome)),
    };
    if let Err(error) = &result
        && !outcome.head_sent
    {
        outcome.code = error.http_status();
    }
    (outcome, result)
}

/// What library and program have in common if they come from the same build.
pub(super) const BUILD: &str = env!("WSGI_CORE_BUILD");

/// How long connections may be silent.
pub(super) fn socket_timeout(config: &Config, own: Duration) -> Duration {
    if own.is_zero() {
        config
            .process
            .host_timeout
            .unwrap_or(Duration::from_secs(60))
    } else {
        own
    }
}

fn executable(config: &Config) -> PathBuf {
    let configured = config.process.daemon_executable.clone();
    configured
        .or_else(loader::daemon_executable)
        .unwrap_or_else(|| PathBuf::from("wsgi-daemon"))
}

/// Everything that the supervisor and the workers need to know.
fn plan(config: &Config, base: &[u8], level: Level) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    plan.add(entry::BUILD, BUILD.as_bytes());
    plan.add(entry::HOST, std::process::id().to_string().as_bytes());
    plan.add(entry::LEVEL, &[level as u8]);
    plan.add(entry::BASE, base);
    plan.add(
        entry::PEER,
        crate::daemon::account::own_uid().to_string().as_bytes(),
    );
    for given in config.given() {
        plan.add(given.name, &given.value);
    }
    for options in config.interpreter_options() {
        plan.add(entry::INTERPRETER, b"");
        for given in &options.given {
            plan.add(given.name, &given.value);
        }
    }
    for group in config.groups() {
        plan.add(entry::GROUP, &group.name);
        let log = group.log.as_ref();
        let own = log.is_some_and(|log| log.file.is_some());
        let level = log.map_or(level, |log| log.level);
        plan.add(entry::LOG, &[level as u8, u8::from(own)]);
        let (_, runtime) = config.choose_for(group)?;
        plan.add(entry::RUNTIME, runtime.as_os_str().as_bytes());
        for given in &group.given {
            plan.add(given.name, &given.value);
        }
        for preload in config.preloads(&group.name) {
            // Neither has a NUL in it.
            let value = [&*preload.script, b"\0", &preload.application_group].concat();
            plan.add(entry::PRELOAD, &value);
        }
    }
    Ok(plan)
}

/// A host, as the client of a group sees it.
struct Down<'h, H>(&'h mut H);

impl<H: Host> Downstream for Down<'_, H> {
    fn read_now(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReadFailure> {
        self.0.read_now(buffer)
    }

    fn set_send_timeout(&mut self, timeout: Duration) {
        self.0.set_send_timeout(timeout);
    }
}

impl<H: Host> Exchange for Down<'_, H> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        self.0.read(buffer)
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        self.0.send_head(head)
    }

    fn send(&mut self, data: &[u8], flags: SendFlags) -> Result<(), Failure> {
        self.0.send(data, flags)
    }

    fn send_file(
        &mut self,
        fd: i32,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Failure> {
        self.0.send_file(fd, offset, length, flags)
    }

    fn is_aborted(&mut self) -> bool {
        self.0.is_aborted()
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.0.log(record);
    }

    fn log_level(&mut self) -> Level {
        self.0.log_level()
    }
}
