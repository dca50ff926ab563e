//! A process that serves requests: on N threads over kept-open connections, while its main thread looks after
//! signals, timers and the supervisor.
#![forbid(unsafe_code)]

mod activity;
mod connection;
mod control;
mod dispatcher;
mod exchange;
mod monitor;
mod setup;
mod shared;
mod stream;
mod timers;

pub use exchange::WorkerExchange;
pub use setup::Identity;

use super::exit::ExitCode;
use super::ledger::Ledger;
use super::link::Link;
use super::log::ProcessLog;
use super::settings::GroupSettings;
use super::slots::{Board, Layout};
use super::wire;
use shared::{Resources, Shared};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use wsgi_core_abi::{Level, MessageId, Outcome, Problem, Request};

/// What requests are served with. Used by all request threads at once.
pub trait Application: Send + Sync {
    /// Whether the module of a request's script asks to be loaded again, which needs another process.
    fn wants_reload(&self, request: &Request<'_>) -> bool;

    /// Serves one request, and describes the problem if there was one.
    fn serve(
        &self,
        request: &Request<'_>,
        exchange: &mut WorkerExchange<'_>,
    ) -> (Outcome, Option<Problem>);

    /// Runs the scripts of a process that serves no requests, until they return or are told to by a signal.
    fn run_scripts(&self);

    /// Lets applications end. False when they did not within the time.
    fn stop(&self, timeout: Duration) -> bool;

    /// Tells applications that the process is about to end, and why. Returns when they know.
    fn announce_end(&self, reason: &str);

    /// Tells applications about a signal of theirs.
    fn announce_signal(&self, name: &str, number: i32);

    /// Raises an exception in the thread that serves the request of this number, if it still does. May wait for as
    /// long as application code does not let go.
    fn interrupt(&self, number: u64) -> bool;

    /// Returns once application code has let go for a moment.
    fn probe(&self);

    /// Logs what all threads are doing; false when that can't be had. With `attach`, waits for application code to
    /// let go; without, it tells less.
    fn dump_stacks(&self, attach: bool) -> bool;
}

/// What a worker is made of.
#[derive(Debug)]
pub struct Parts {
    /// Name of the group.
    pub name: Box<[u8]>,
    /// Its settings.
    pub settings: GroupSettings,
    /// Who the worker is to be.
    pub identity: Identity,
    /// Users that may connect.
    pub peers: Vec<u32>,
    /// How long a connection may block in the middle of a request; zero is for ever.
    pub socket_timeout: Duration,
    /// Row in the group's table.
    pub row: u32,
    /// Which process in that row it is.
    pub generation: u32,
    /// The log.
    pub log: ProcessLog,
    /// The descriptors: board, listener, link, ledger.
    pub descriptors: [OwnedFd; 4],
}

/// Takes on its identity, starts the application, serves until it is told to end, and ends the process. Returns the
/// exit code of a process that did not get as far.
pub fn run<A: Application + 'static>(parts: Parts, start: impl FnOnce() -> Option<A>) -> i32 {
    match prepare(parts, start) {
        Ok(control) => control.run(),
        Err(code) => code,
    }
}

fn prepare<A: Application + 'static>(
    parts: Parts,
    start: impl FnOnce() -> Option<A>,
) -> Result<control::Control, i32> {
    let log = parts.log;
    let name = String::from_utf8_lossy(&parts.name).into_owned();
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        let text = format!("Process group '{name}': {what}: {error}");
        log.line(Level::Alert, MessageId::WORKER_START, &text);
        ExitCode::Setup as i32
    };
    let signals =
        control::install(parts.settings.threads).map_err(|error| failed("no signals", &error))?;
    setup::apply(&parts).map_err(|error| failed("the process can't be set up", &error))?;
    let [board, listener, link, ledger] = parts.descriptors;
    let layout = Layout {
        rows: parts.settings.rows(),
        slots: parts.settings.threads.max(1),
        members: 1,
        waiters: 1,
    };
    let board =
        Board::open_for_worker(board, layout).map_err(|error| failed("no board", &error))?;
    let ledger = Ledger::open(ledger, parts.settings.threads)
        .map_err(|error| failed("no ledger", &error))?;
    // It says in the log why it can't.
    let application = start().ok_or(ExitCode::Application as i32)?;
    let resources = Resources {
        name: name.clone(),
        application: Box::new(application),
        identity: wire::Identity {
            row: parts.row,
            generation: parts.generation,
        },
        board,
        ledger,
        link: Link::new(link),
        log,
        listener,
        peers: parts.peers,
        socket_timeout: parts.socket_timeout,
        settings: parts.settings,
    };
    let shared = Shared::new(resources).map_err(|error| failed("no descriptors", &error))?;
    let shared = Arc::new(shared);
    spawn_threads(&shared).map_err(|error| failed("a thread can't be made", &error))?;
    control::Control::new(shared, signals).map_err(|error| failed("no descriptors", &error))
}

fn spawn_threads(shared: &Arc<Shared>) -> io::Result<()> {
    shared.watch_listener()?;
    for thread in 0..shared.settings.threads as usize {
        let mut builder = std::thread::Builder::new().name(format!("wsgi-{thread}"));
        if let Some(size) = shared.settings.stack_size {
            builder = builder.stack_size(usize::try_from(size).unwrap_or(usize::MAX));
        }
        let shared = Arc::clone(shared);
        builder.spawn(move || shared.work(thread))?;
    }
    Ok(())
}
