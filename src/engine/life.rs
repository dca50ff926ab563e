//! Life of an engine: prepared, started, stopped.
#![forbid(unsafe_code)]

use super::config::{Choice, Config, DefaultGroup};
use super::embedded::Embedded;
use super::error::Error;
use super::groups::Groups;
use super::log::{LogGate, ServerLog};
use super::request::{Request, RequestInfo};
use super::runtime::RuntimeHandle;
use crate::daemon::end_with;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use wsgi_core_abi::{Level, MessageId};

/// Serves the requests of one configuration. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Config,
    choice: Option<Choice>,
    default_group: DefaultGroup,
    log: Arc<LogGate>,
    phase: AtomicU8,
    poisoned: AtomicBool,
    process_id: AtomicU32,
    /// The process that prepared it.
    parent: u32,
    embedded: Embedded,
    groups: Option<Groups>,
}

const PREPARED: u8 = 0;
const STARTED: u8 = 1;
const STOPPED: u8 = 2;

impl Drop for Inner {
    fn drop(&mut self) {
        self.log.close();
    }
}

impl Engine {
    /// Makes an engine in the process that will fork the serving ones, or in the only one.
    ///
    /// # Errors
    /// As for [`Config::check`], and when there is no memory or descriptor for process groups.
    pub fn prepare(config: &Config, log: Box<dyn ServerLog>) -> Result<Self, Error> {
        config.check_selection()?;
        let choice = config.choose()?;
        let log = LogGate::new(log);
        for problem in config.home_problems() {
            log.line(Level::Warning, MessageId::PYTHON_HOME, &problem.to_string());
        }
        if config.process.verbose_debugging.is_some() {
            let text =
                "WSGIVerboseDebugging has no effect: LogLevel wsgi:debug and wsgi:trace1 show more";
            log.line(Level::Info, MessageId::NONE, text);
        }
        let groups = Groups::launch(config, &log)?;
        Ok(Self(Arc::new(Inner {
            default_group: config.default_group(),
            config: config.clone(),
            choice,
            log,
            phase: AtomicU8::new(PREPARED),
            poisoned: AtomicBool::new(false),
            process_id: AtomicU32::new(0),
            parent: std::process::id(),
            embedded: Embedded::default(),
            groups,
        })))
    }

    /// Starts the engine in a process that serves requests, and loads the scripts that can be.
    ///
    /// # Errors
    /// When it was started before. A Python that can't be started is logged instead.
    pub fn start(&self) -> Result<(), Error> {
        self.check_poison()?;
        let inner = &*self.0;
        inner
            .process_id
            .store(std::process::id(), Ordering::Relaxed);
        let started =
            inner
                .phase
                .compare_exchange(PREPARED, STARTED, Ordering::AcqRel, Ordering::Acquire);
        started.map_err(|phase| match phase {
            STOPPED => Error::State("the engine was stopped"),
            _ => Error::State("the engine was started before"),
        })?;
        if inner.config.process.end_with_parent == Some(true) {
            end_with(inner.parent);
        }
        inner.log.line(
            Level::Info,
            MessageId::NONE,
            &inner.default_group.to_string(),
        );
        if let Some(groups) = &inner.groups {
            groups.start(&inner.config, &inner.log);
        }
        self.preload();
        Ok(())
    }

    fn preload(&self) {
        let inner = &*self.0;
        for preload in inner.config.preloads(b"") {
            // What fails is in the log, and is tried again with the first request.
            let Ok(runtime) = self.runtime() else { return };
            let _ = runtime.load(&preload.script, &preload.application_group);
        }
    }

    /// Refuses new requests, waits for those in flight and ends Python's work.
    ///
    /// # Errors
    /// When not everything ended within `timeout`.
    pub fn stop(&self, timeout: Duration) -> Result<(), Error> {
        self.0.phase.store(STOPPED, Ordering::Release);
        let begun = Instant::now();
        let groups = self.0.groups.as_ref();
        let waited = groups.is_none_or(|groups| groups.wait(timeout, &self.0.log));
        let left = timeout.saturating_sub(begun.elapsed());
        let stopped = self.0.embedded.stop(left);
        // That time ran out, the runtime has logged.
        if let Err(Error::Panic) = stopped {
            self.poison();
        }
        stopped.and(if waited {
            Ok(())
        } else {
            Err(Error::StopTimeout)
        })
    }

    /// After a bug: nothing is served any more.
    pub fn poison(&self) {
        if !self.0.poisoned.swap(true, Ordering::AcqRel) {
            self.0.log.error(Level::Critical, &Error::Panic);
        }
    }

    /// Which Python applications run with.
    #[must_use]
    pub fn python_version(&self) -> Option<&CStr> {
        self.0.choice.as_ref().map(|choice| &*choice.version)
    }

    /// Starts another supervisor of process groups if the one before has ended. Of effect in the process that
    /// prepared the engine.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn tend(&self) -> Result<(), Error> {
        self.0
            .groups
            .as_ref()
            .map_or(Ok(()), |groups| groups.tend(&self.0.log))
    }

    /// A child process of the host has ended, for which the host has waited: `status` is its exit code, the number of
    /// the signal that ended it, or negative. Starts another supervisor if it was that.
    ///
    /// # Errors
    /// As for [`Engine::tend`].
    pub fn child_ended(&self, pid: u32, status: i32) -> Result<(), Error> {
        if let Some(groups) = &self.0.groups {
            groups.child_ended(pid, status);
        }
        self.tend()
    }

    /// The process that supervises process groups.
    #[must_use]
    pub fn supervisor(&self) -> Option<u32> {
        self.0.groups.as_ref()?.supervisor()
    }

    pub(super) fn groups(&self) -> Option<&Groups> {
        self.0.groups.as_ref()
    }

    /// Makes a request of `info`.
    ///
    /// # Errors
    /// When something required is absent.
    pub fn request<'a>(&self, info: &RequestInfo<'a>) -> Result<Request<'a>, Error> {
        Request::new(self.clone(), info).inspect_err(|error| self.log().error(Level::Error, error))
    }

    /// Whether requests may be served now.
    pub(super) fn admit(&self) -> Result<(), Error> {
        self.check_poison()?;
        match self.0.phase.load(Ordering::Acquire) {
            STARTED => Ok(()),
            STOPPED => Err(Error::Closed),
            _ => Err(Error::State("the engine was not started")),
        }
    }

    fn check_poison(&self) -> Result<(), Error> {
        if self.0.poisoned.load(Ordering::Acquire) {
            Err(Error::Panic)
        } else {
            Ok(())
        }
    }

    /// The runtime with Python started.
    pub(super) fn runtime(&self) -> Result<RuntimeHandle, Error> {
        let inner = &*self.0;
        inner
            .embedded
            .get(&inner.config, inner.choice.as_ref(), &inner.log)
            .map_err(Error::clone)
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(super) fn default_group(&self) -> &DefaultGroup {
        &self.0.default_group
    }

    /// The server's log.
    pub(crate) fn log(&self) -> &LogGate {
        &self.0.log
    }

    pub(super) fn process_id(&self) -> u32 {
        self.0.process_id.load(Ordering::Relaxed)
    }
}

impl std::fmt::Display for DefaultGroup {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Main(script) => {
                let script = String::from_utf8_lossy(script);
                write!(out, "The default application group is the main interpreter, because {script} is the only application")
            }
            Self::Resource(0) => {
                out.write_str("The default application group is %{RESOURCE}, because no application is declared")
            }
            Self::Resource(count) => {
                write!(out, "The default application group is %{{RESOURCE}}, because there are {count} applications")
            }
            Self::Several => {
                out.write_str("The default application group is %{RESOURCE}, because the mapping covers more than one application")
            }
        }
    }
}
