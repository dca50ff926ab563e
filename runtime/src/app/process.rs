//! The applications of this process: Python started, served with, and ended.

use super::event::Event;
use super::group::{Group, Groups};
use super::script::{Failed, can_ask_for_reload};
use super::settings::{Settings, init_settings};
use crate::python::{
    CAN_BE_FREE_THREADED, Ended, Gil, Interpreter, Life, Object, Pass, Result, dump, interrupt,
    with_signals,
};
use crate::wsgi::{self, log};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wsgi_core_abi::{
    Level, MessageId, Outcome, Problem, Question, RawExchange, Request, RuntimeSettings, Status,
};

/// Python is one per process, and so is this.
static PROCESS: OnceLock<Process> = OnceLock::new();

struct Process {
    settings: Settings,
    life: Life,
    groups: Groups,
    finished: AtomicBool,
    /// The end was announced to applications.
    announced: AtomicBool,
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
        announced: AtomicBool::new(false),
        ended: AtomicBool::new(false),
    });
    let pass = pass()?;
    announce(&pass);
    if raw.free_threading && !CAN_BE_FREE_THREADED {
        let text = "this build of Python can't do without a GIL; free-threading is ignored";
        log::server(Level::Warning, MessageId::FREE_THREADING_IGNORED, text);
    }
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
    if request.question != Question::NONE {
        let ask = |gil: Gil<'_>, environ: &Object| group.answer(gil, request, environ);
        let answered = wsgi::answer(
            &pass,
            &group.interpreter,
            &group.types,
            request,
            exchange,
            |gil, environ| ask(gil, environ).map_err(|Failed(id)| id),
        );
        return answered.map_err(|id| {
            let script = String::from_utf8_lossy(request.script.as_slice());
            let text = format!("WSGI script '{script}' gave no answer");
            Refusal::new(Status::APPLICATION, id, text)
        });
    }
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
    let begun = Instant::now();
    process.announce_end(String::new(), deadline);
    let left = deadline.saturating_sub(begun.elapsed());
    match process.life.end(left, |pass| process.finish(pass)) {
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

/// Publishes that the process is about to end.
pub fn publish_stopping(reason: &[u8]) -> Status {
    let Some(process) = PROCESS.get() else {
        return Status::CLOSED;
    };
    let reason = String::from_utf8_lossy(reason).into_owned();
    process.announce_end(reason, Duration::MAX);
    Status::OK
}

/// Publishes that the process has received a signal.
pub fn publish_signal(name: &[u8], number: i32) -> Status {
    let (Some(process), Some(pass)) = (PROCESS.get(), Pass::enter()) else {
        return Status::CLOSED;
    };
    let name = String::from_utf8_lossy(name).into_owned();
    process.publish(&pass, &Event::Signal(name, number));
    Status::OK
}

/// Interrupts a request.
pub fn interrupt(request: u64) -> Status {
    let (Some(process), Some(pass)) = (PROCESS.get(), Pass::enter()) else {
        return Status::CLOSED;
    };
    let sent = interrupt::find(request).is_some_and(|target| {
        let groups = process.groups.all();
        let group = groups
            .iter()
            .find(|group| group.interpreter.id() == target.interpreter);
        group.is_some_and(|group| group.interrupt(&pass, request, target))
    });
    if sent { Status::OK } else { Status::CLOSED }
}

/// Takes the GIL of the main interpreter and gives it back.
pub fn probe() -> Status {
    let probed = Pass::observe(|pass| Interpreter::main(pass).attach(pass, |_, _| ()));
    probed.map_or(Status::CLOSED, |()| Status::OK)
}

/// Logs what all threads are doing.
pub fn dump_stacks(attach: bool) -> Status {
    if attach {
        let main = PROCESS.get().and_then(|process| process.groups.find(b""));
        let dumped = Pass::observe(|pass| main.map(|group| group.dump_stacks(pass)));
        return dumped.flatten().map_or(Status::PYTHON, |()| Status::OK);
    }
    let Some(stacks) = dump::stacks() else {
        return Status::PYTHON;
    };
    for line in stacks.lines().filter(|line| !line.is_empty()) {
        log::server(Level::Info, MessageId::NONE, line);
    }
    Status::OK
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

    /// Publishes the end on Python's main thread, the first time that this is called, and not from inside a request.
    fn announce_end(&'static self, reason: String, timeout: Duration) {
        if Pass::is_held() || self.announced.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(pass) = Pass::enter() {
            let event = Event::Stopping(reason);
            self.life
                .run_within(&pass, timeout, move |pass| self.publish(pass, &event));
        }
    }

    fn publish(&self, pass: &Pass, event: &Event) {
        for group in self.groups.all() {
            group.publish(pass, event);
        }
    }

    fn finish(&self, pass: &Pass) {
        if self.finished.swap(true, Ordering::Relaxed) {
            return;
        }
        for group in self.groups.all() {
            group.finish(pass, &self.settings);
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
