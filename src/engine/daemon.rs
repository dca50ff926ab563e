//! What the program of process groups does: the engine's part of a supervisor and of a worker. Unsafe because it
//! takes over the descriptors that the process was started with.

use super::config::Config;
use super::embedded::start_python;
use super::error::{Error, RuntimeFailure};
use super::groups::{BUILD, entry, socket_timeout};
use super::loader;
use super::log::{LogGate, ServerLog};
use super::process_group::GroupStart;
use super::runtime::RuntimeHandle;
use super::scope::Scope;
use super::settings::Settings;
use crate::daemon::account::{Group, User, own_uid};
use crate::daemon::supervisor::{self, GroupPart};
use crate::daemon::worker::{self, Application, Identity, WorkerExchange};
use crate::daemon::{
    ExitCode, GroupLog, GroupSettings, Inherited, Plan, ProcessLog, Role, set_name,
};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;
use wsgi_core_abi::{Level, LogRecord, MessageId, Outcome, Problem, Request};

/// Runs this process as the supervisor or a worker of process groups, as it was told by the process that executed
/// it. Returns its exit code.
///
/// # Safety
/// To be called first thing in `main`, before the process opens any descriptor or makes any thread.
#[must_use]
pub unsafe fn run_daemon() -> i32 {
    let Some((role, numbers)) = Role::take() else {
        eprintln!(
            "wsgi-daemon is started by a server that uses wsgi-core, and can't be started by hand"
        );
        return ExitCode::Usage as i32;
    };
    // A worker is executed through a link in /proc, whose name it would have.
    set_name(c"wsgi-daemon");
    // SAFETY: the caller's promise.
    let begun = unsafe { Inherited::take(&numbers) };
    let begun = begun.map_err(|error| error.to_string()).and_then(Told::new);
    let result = begun.and_then(|(told, descriptors)| match role {
        Role::Supervisor => told.supervise(descriptors).map(|()| 0),
        Role::Worker {
            group,
            row,
            generation,
        } => told.work(descriptors, group, row, generation),
    });
    result.unwrap_or_else(|error| {
        ProcessLog { level: Level::Info }.line(Level::Critical, MessageId::GROUP_START, &error);
        ExitCode::Usage as i32
    })
}

/// A part of the plan that has options of its own, while it is read.
enum Part {
    /// A process group of this name.
    Group(Vec<u8>, Settings),
    /// Interpreters.
    Interpreter(Settings),
}

/// What the plan says.
struct Told {
    host: u32,
    log: ProcessLog,
    base: Vec<u8>,
    peer: u32,
    config: Config,
    runtimes: Vec<PathBuf>,
    /// Of each group, the scripts to be loaded ahead of requests, with their application groups.
    preloads: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Of each group, the level of its log, and whether that is its own.
    logs: Vec<(Level, bool)>,
    /// The plan itself, for others.
    plan: OwnedFd,
}

impl Told {
    /// Reads the plan, which comes first among the descriptors. Gives the others.
    fn new(inherited: Inherited) -> Result<(Self, Vec<OwnedFd>), String> {
        let (plan, rest) = inherited.split().ok_or("the configuration is missing")?;
        let content = Plan::read(plan.as_fd()).map_err(|error| error.to_string())?;
        let mut told = Self {
            host: 0,
            log: ProcessLog { level: Level::Info },
            base: Vec::new(),
            peer: own_uid(),
            config: Config::new(),
            runtimes: Vec::new(),
            preloads: Vec::new(),
            logs: Vec::new(),
            plan,
        };
        let mut part = None;
        let mut entries = content.iter();
        check_build(entries.next())?;
        for (name, value) in entries {
            told.take(name, value, &mut part)
                .map_err(|error| format!("{name}: {error}"))?;
        }
        told.finish(part).map_err(|error| error.to_string())?;
        Ok((told, rest))
    }

    /// Logs where a host without a log of its own says.
    fn redirect(&self) -> Result<(), String> {
        match &self.config.process.daemon_log {
            Some(path) => {
                ProcessLog::redirect(path).map_err(|error| format!("{}: {error}", path.display()))
            }
            None => Ok(()),
        }
    }

    fn take(&mut self, name: &str, value: &[u8], part: &mut Option<Part>) -> Result<(), Error> {
        let number = || {
            std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        match name {
            entry::HOST => self.host = number(),
            entry::PEER => self.peer = number(),
            entry::LEVEL => {
                self.log.level = Level::from_number(value.first().copied().unwrap_or(6))
            }
            entry::BASE => self.base = value.to_vec(),
            entry::LOG => {
                if let [level, own] = *value {
                    self.logs.push((Level::from_number(level), own == 1));
                }
            }
            entry::RUNTIME => self
                .runtimes
                .push(std::ffi::OsStr::from_bytes(value).into()),
            entry::PRELOAD => {
                let end = value.iter().position(|byte| *byte == 0);
                if let (Some(end), Some(preloads)) = (end, self.preloads.last_mut()) {
                    preloads.push((value[..end].to_vec(), value[end + 1..].to_vec()));
                }
            }
            entry::GROUP => {
                self.finish(part.take())?;
                self.preloads.push(Vec::new());
                let settings = Settings::new(Scope::Group);
                *part = Some(Part::Group(value.to_vec(), settings));
            }
            entry::INTERPRETER => {
                self.finish(part.take())?;
                *part = Some(Part::Interpreter(Settings::new(Scope::Interpreter)));
            }
            name => match part {
                Some(Part::Group(_, settings) | Part::Interpreter(settings)) => {
                    settings.set(name, value)?;
                }
                None => self.config.set(name, value)?,
            },
        }
        Ok(())
    }

    fn finish(&mut self, part: Option<Part>) -> Result<(), Error> {
        match part {
            Some(Part::Group(name, settings)) => self.config.add_group(&name, None, &settings),
            Some(Part::Interpreter(settings)) => self.config.add_interpreter_options(&settings),
            None => Ok(()),
        }
    }

    fn supervise(self, descriptors: Vec<OwnedFd>) -> Result<(), String> {
        self.redirect()?;
        let host_uid = host_uid(&self.config);
        let mut descriptors = descriptors.into_iter();
        let mut next = || {
            descriptors
                .next()
                .ok_or_else(|| "a descriptor is missing".to_owned())
        };
        let (control, presence) = (next()?, next()?);
        let mut groups = Vec::new();
        for (group, (level, own)) in self.config.groups().iter().zip(self.logs) {
            let owner = group.settings.socket_user.as_ref().map(|user| user.uid);
            groups.push(GroupPart {
                name: group.name.clone(),
                settings: group.settings.clone(),
                socket_uid: owner.or(host_uid),
                table: next()?,
                board: next()?,
                log: GroupLog::new(level, if own { Some(next()?) } else { None }),
            });
        }
        let parts = supervisor::Parts {
            host: self.host,
            plan: self.plan,
            control,
            presence,
            base: self.base,
            groups,
            log: self.log,
        };
        supervisor::run(parts).map_err(|error| format!("the supervisor of process groups: {error}"))
    }

    fn work(
        self,
        descriptors: Vec<OwnedFd>,
        group: u32,
        row: u32,
        generation: u32,
    ) -> Result<i32, String> {
        let index = group as usize;
        let (level, own) = *self.logs.get(index).ok_or("the log is missing")?;
        let log = ProcessLog { level };
        if !own {
            self.redirect()?;
        }
        // Everything that counts has been read, and applications need not see it.
        drop(self.plan);
        let group = self
            .config
            .groups()
            .get(index)
            .ok_or("the process group is missing")?;
        let runtime = self
            .runtimes
            .get(index)
            .ok_or("the runtime is missing")?
            .clone();
        let descriptors =
            <[OwnedFd; 4]>::try_from(descriptors).map_err(|_| "a descriptor is missing")?;
        let host_uid = host_uid(&self.config);
        let settings = group.settings.clone();
        let mut peers = vec![0, self.peer];
        peers.extend(host_uid);
        let parts = worker::Parts {
            name: group.name.clone(),
            identity: identity(&settings, &self.config),
            peers,
            socket_timeout: socket_timeout(&self.config, settings.socket_timeout),
            settings,
            row,
            generation,
            log,
            descriptors,
        };
        let (name, settings) = (group.name.clone(), group.settings.clone());
        let preloads = self.preloads.get(index).map_or(&[][..], Vec::as_slice);
        if settings.chroot.is_some() {
            // Its file need not be there afterwards. Why it can't be loaded is said when it is needed.
            let _ = loader::load(&runtime);
        }
        let start = || {
            let gate = LogGate::new(Box::new(log));
            let begun = begin(&self.config, &name, &settings, &runtime, &gate);
            if let Err(error) = &begun {
                let group = String::from_utf8_lossy(&name);
                let text = format!("Process group '{group}': {error}");
                log.line(Level::Critical, error.id(), &text);
            }
            let runtime = begun.ok()?;
            if settings.threads == 0 {
                let scripts = preloads.to_vec();
                return Some(Hosted { runtime, scripts });
            }
            for (script, application_group) in preloads {
                // What fails is in the log, and is tried again with the first request.
                let _ = runtime.load(script, application_group);
            }
            Some(Hosted {
                runtime,
                scripts: Vec::new(),
            })
        };
        Ok(worker::run(parts, start))
    }
}

/// A plan of another build may mean anything.
fn check_build(first: Option<(&str, &[u8])>) -> Result<(), String> {
    let theirs = match first {
        Some((entry::BUILD, build)) => String::from_utf8_lossy(build),
        _ => "of an unknown version".into(),
    };
    if theirs == BUILD {
        return Ok(());
    }
    let program = std::env::current_exe().unwrap_or_default();
    Err(format!(
        "{} is {BUILD}, but the libwsgi_core of the server is {theirs}: they must come from one build",
        program.display()
    ))
}

fn host_uid(config: &Config) -> Option<u32> {
    config.process.host_user.as_ref().map(|user| user.uid)
}

fn identity(settings: &GroupSettings, config: &Config) -> Identity {
    let process = &config.process;
    let user: Option<User> = settings.user.clone().or_else(|| process.host_user.clone());
    // A user of its own has a group of its own, unless the configuration says otherwise.
    let group: Option<Group> = settings
        .group
        .clone()
        .or_else(|| process.host_group.clone());
    Identity {
        gid: group.map(|group| group.gid),
        user,
        host_uid: process.host_user.as_ref().map(|user| user.uid),
    }
}

fn begin(
    config: &Config,
    name: &[u8],
    settings: &GroupSettings,
    runtime: &std::path::Path,
    log: &std::sync::Arc<LogGate>,
) -> Result<RuntimeHandle, Error> {
    let runtime = loader::load(runtime)?;
    start_python(runtime, config, Some(GroupStart { name, settings }), log)?;
    Ok(runtime)
}

/// The runtime, as a worker sees it.
struct Hosted {
    runtime: RuntimeHandle,
    /// Scripts that are all there is to run, with their application groups.
    scripts: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Application for Hosted {
    fn wants_reload(&self, request: &Request<'_>) -> bool {
        self.runtime.wants_reload(request)
    }

    fn serve(
        &self,
        request: &Request<'_>,
        exchange: &mut WorkerExchange<'_>,
    ) -> (Outcome, Option<Problem>) {
        let (outcome, result) = self.runtime.serve(request, exchange);
        let problem = result.err().map(|error| match error {
            Error::Runtime { problem, .. } => problem,
            error => Problem {
                id: error.id(),
                text: error.to_string(),
            },
        });
        (outcome, problem)
    }

    fn run_scripts(&self) {
        for (script, application_group) in &self.scripts {
            // What fails is in the log, and no reason to leave out the others. The end is.
            if let Err(Error::Runtime {
                failure: RuntimeFailure::Closed,
                ..
            }) = self.runtime.run(script, application_group)
            {
                return;
            }
        }
    }

    fn stop(&self, timeout: Duration) -> bool {
        self.runtime.stop(timeout).is_ok()
    }

    fn announce_end(&self, reason: &str) {
        self.runtime.publish_stopping(reason);
    }

    fn announce_signal(&self, name: &str, number: i32) {
        self.runtime.publish_signal(name, number);
    }

    fn interrupt(&self, number: u64) -> bool {
        self.runtime.interrupt(number)
    }

    fn probe(&self) {
        self.runtime.probe();
    }

    fn dump_stacks(&self, attach: bool) -> bool {
        self.runtime.dump_stacks(attach)
    }
}

impl ServerLog for ProcessLog {
    fn write(&self, record: &LogRecord<'_>) {
        Self::write(self, record);
    }

    fn level(&self) -> Level {
        self.level
    }
}
