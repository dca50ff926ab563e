//! The applications of this process: Python started, served with, and ended.

use super::group::{Group, Groups};
use super::script::{Failed, can_ask_for_reload};
use super::settings::{Settings, init_settings};
use crate::python::{Ended, Gil, Interpreter, Life, Object, Pass, Result, with_signals};
use crate::wsgi::{self, log};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wsgi_core_abi::{
    Level, MessageId, Outcome, Problem, RawExchange, Request, RuntimeSettings, Status,
};

/// Python is one per process, and so is this.
static PROCESS: OnceLock<Process> = OnceLock::new();

struct Process {
    settings: Settings,
    life: Life,
    groups: Groups,
    finished: AtomicBool,
    /// The end was orderly: there is nothing left to do.
    ended: AtomicBool,
}

/// Why a call could not be carried out.
pub struct Refusal {
    /// Whose fault it is.
    pub status: Status,
    /// What happened.
    pub problem: Problem,
}

impl Refusal {
    fn new(status: Status, id: MessageId, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            status,
            problem: Problem { id, text },
        }
    }
}

/// Starts Python and sets the main interpreter up. Once per process.
pub fn start(raw: &RuntimeSettings<'_>) -> std::result::Result<(), Refusal> {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if STARTED.swap(true, Ordering::Relaxed) {
        let text = "Python can be started once in a process";
        return Err(Refusal::new(Status::PYTHON, MessageId::STATE, text));
    }
    log::set_server(raw.log);
    let life = Life::start(init_settings(raw)).map_err(|reason| {
        let text = format!("Python could not be initialised: {reason}");
        Refusal::new(Status::PYTHON, MessageId::PYTHON_START, text)
    })?;
    let process = PROCESS.get_or_init(|| Process {
        settings: Settings::new(raw),
        life,
        groups: Groups::default(),
        finished: AtomicBool::new(false),
        ended: AtomicBool::new(false),
    });
    let pass = pass()?;
    announce(&pass);
    process.group(&pass, b"").map(drop)
}

/// Loads a script into an application group ahead of requests.
pub fn load(script: &[u8], application_group: &[u8]) -> std::result::Result<(), Refusal> {
    let process = process()?;
    let pass = pass()?;
    let group = process.group(&pass, application_group)?;
    let loaded = group.preload(&pass, script);
    loaded.map_err(|failed| failure(script, failed))
}

/// Runs a script on Python's main thread, with signals. `CLOSED` when one of them ended it.
pub fn run(script: &[u8], application_group: &[u8]) -> std::result::Result<Status, Refusal> {
    let process = process()?;
    let pass = pass()?;
    let main = process.group(&pass, b"")?;
    let group = process.group(&pass, application_group)?;
    let path = script.to_vec();
    let work = move |pass: &Pass| {
        main.end_on_signals(pass);
        let result = with_signals(|| group.run(pass, &path));
        (result, main.is_told_to_end(pass))
    };
    match process.life.run(&pass, work) {
        Some((_, true)) => Ok(Status::CLOSED),
        Some((Err(failed), false)) => Err(failure(script, failed)),
        Some((Ok(()), false)) => Ok(Status::OK),
        None => Ok(Status::PANIC),
    }
}

fn failure(script: &[u8], Failed(id): Failed) -> Refusal {
    let script = String::from_utf8_lossy(script);
    let text = format!("WSGI script '{script}' could not be loaded");
    Refusal::new(Status::APPLICATION, id, text)
}

/// Whether the module of a request's script asks to be loaded again.
pub fn wants_reload(request: &Request<'_>) -> bool {
    if !request.reloading || !can_ask_for_reload() {
        return false;
    }
    let (Some(process), Some(pass)) = (PROCESS.get(), Pass::enter()) else {
        return false;
    };
    let group = process.groups.find(request.application_group.as_slice());
    group.is_some_and(|group| group.wants_reload(&pass, request))
}

/// Serves one request.
pub fn serve(
    request: &Request<'_>,
    exchange: RawExchange<'_>,
    outcome: &mut Outcome,
) -> std::result::Result<Status, Refusal> {
    let process = process()?;
    let pass = pass()?;
    let group = process.group(&pass, request.application_group.as_slice())?;
    let find = |gil: Gil<'_>| group.application(gil, request);
    Ok(wsgi::serve(
        &pass,
        &group.interpreter,
        &group.types,
        request,
        exchange,
        outcome,
        find,
    ))
}

/// Ends what can be ended within the time given. Does nothing the second time, and nothing on a thread
/// that is inside a request: then this is a signal handler, and the process has its reasons.
pub fn stop(deadline: Duration) -> Status {
    let Some(process) = PROCESS.get() else {
        return Status::OK;
    };
    if process.ended.load(Ordering::Acquire) {
        return Status::OK;
    }
    match process.life.end(deadline, |pass| process.finish(pass)) {
        Ended::Orderly => {
            process.ended.store(true, Ordering::Release);
            Status::OK
        }
        Ended::Inside => Status::OK,
        Ended::TimedOut => {
            let text = format!(
                "requests or threads did not end within {} seconds; what they left is not cleaned up",
                deadline.as_secs_f64()
            );
            log::server(Level::Warning, MessageId::STOP_TIMEOUT, &text);
            Status::TIMEOUT
        }
    }
}

impl Process {
    /// The application group of that name, made on first use.
    fn group(
        &'static self,
        pass: &Pass,
        name: &[u8],
    ) -> std::result::Result<&'static Group, Refusal> {
        let group = self.groups.find(name).or_else(|| {
            let name = name.to_vec();
            let make = move |pass: &Pass| self.groups.make(pass, &self.settings, &name);
            self.life.run(pass, make).flatten()
        });
        group.ok_or_else(|| {
            let text = format!("the {} is not available", self.settings.context(name));
            Refusal::new(Status::PYTHON, MessageId::INTERPRETER, text)
        })
    }

    fn finish(&self, pass: &Pass) {
        if self.finished.swap(true, Ordering::Relaxed) {
            return;
        }
        for group in self.groups.all() {
            group.finish(pass);
        }
    }
}

fn process() -> std::result::Result<&'static Process, Refusal> {
    PROCESS.get().ok_or_else(|| {
        let text = "Python was not started in this process";
        Refusal::new(Status::PYTHON, MessageId::STATE, text)
    })
}

fn pass() -> std::result::Result<Pass, Refusal> {
    Pass::enter().ok_or_else(|| {
        let text = "the process is ending and takes no more requests";
        Refusal::new(Status::CLOSED, MessageId::CLOSED, text)
    })
}

/// Logs which Python this is.
fn announce(pass: &Pass) {
    let describe = |gil: Gil<'_>| -> Result<String> {
        let sys = Object::import(gil, c"sys")?;
        let version = sys.getattr(c"version")?.to_text_lossy()?;
        let version = version.split(' ').next().unwrap_or_default();
        let prefix = sys.getattr(c"prefix")?.to_text_lossy()?;
        Ok(format!("Python {version} initialised, prefix '{prefix}'"))
    };
    Interpreter::main(pass).attach(pass, |gil, _| match describe(gil) {
        Ok(text) => log::write(gil, Level::Info, MessageId::NONE, &text),
        Err(_) => crate::python::clear(gil),
    });
}
