//! The process groups of an engine: launched in the process that prepares it, used in those that serve.
#![forbid(unsafe_code)]

use super::config::Config;
use super::error::{Error, RuntimeFailure};
use super::host::Host;
use super::loader;
use super::log::LogGate;
use crate::daemon::client::{Body, ClientFailure, Downstream, Facts, Finished, GroupClient};
use crate::daemon::{GroupLaunch, Launch, Launched, Plan};
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
}

/// Names in a plan; those of options stand between a group and the next.
pub(super) mod entry {
    pub const HOST: &str = "@host";
    pub const LEVEL: &str = "@level";
    pub const BASE: &str = "@base";
    pub const PEER: &str = "@peer";
    pub const GROUP: &str = "@group";
    pub const RUNTIME: &str = "@runtime";
    pub const PRELOAD: &str = "@preload";
}

impl Groups {
    /// Launches the groups of a configuration; `None` when it has none.
    pub fn launch(config: &Config, log: &LogGate) -> Result<Option<Self>, Error> {
        if config.groups().is_empty() {
            return Ok(None);
        }
        let launch = Launch {
            executable: executable(config),
            prefix: config.process.socket_prefix.clone(),
            groups: config
                .groups()
                .iter()
                .map(|group| GroupLaunch {
                    name: group.name.clone(),
                    settings: group.settings.clone(),
                })
                .collect(),
        };
        let base = launch.base();
        let plan = plan(config, &base, log.level())?;
        let program = launch.executable.display().to_string();
        let started = launch.start(base, &plan);
        let (launched, started) = started.map_err(|error| Error::Launch(error.to_string()))?;
        if let Err(error) = started {
            let text =
                format!("The supervisor of process groups can't be started: {program}: {error}");
            log.line(Level::Critical, MessageId::GROUP_START, &text);
        }
        Ok(Some(Self {
            launched: Arc::new(launched),
            clients: OnceLock::new(),
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

    /// Starts another supervisor if the one before has ended.
    pub fn tend(&self, log: &LogGate) -> Result<(), Error> {
        match self.launched.tend() {
            Ok(None) => Ok(()),
            Ok(Some(ended)) => {
                let how = ended
                    .exit
                    .map_or("ended".to_owned(), |exit| exit.to_string());
                let text = format!(
                    "The supervisor of process groups, process {}, {how}; another one was started",
                    ended.pid
                );
                log.line(Level::Error, MessageId::SUPERVISOR_EXIT, &text);
                Ok(())
            }
            Err(error) => Err(Error::Launch(format!(
                "the supervisor of process groups can't be started: {error}"
            ))),
        }
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
    for group in config.groups() {
        plan.add(entry::GROUP, &group.name);
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
