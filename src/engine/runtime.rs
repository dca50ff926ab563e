//! A runtime, safe to use. Unsafe because it calls the functions of a table that another library made.

use super::error::{Error, RuntimeFailure};
use super::log::LogGate;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wsgi_core_abi::{
    Bytes, Exchange, Level, LogRecord, Outcome, Problem, RawExchange, RawLog, RawProblem, Request,
    Runtime, RuntimeSettings, Status,
};

/// A function of the table that is given a script and its application group.
type TakeScript = unsafe extern "C" fn(Bytes<'_>, Bytes<'_>, RawProblem) -> Status;

/// A runtime that may be called: its table has the version this engine was built with.
#[derive(Clone, Copy)]
pub(super) struct RuntimeHandle(&'static Runtime);

impl RuntimeHandle {
    /// Vouches for a table.
    ///
    /// # Safety
    /// The functions of the table keep what [`Runtime`] says of them.
    pub(super) const unsafe fn new(table: &'static Runtime) -> Self {
        Self(table)
    }

    /// The Python it was built for.
    pub(super) fn python_version(self) -> &'static [u8] {
        self.0.python_version.as_slice()
    }

    /// Starts Python.
    pub(super) fn start(self, settings: &RuntimeSettings<'_>) -> Result<(), Error> {
        let mut problem = Problem::default();
        // SAFETY: vouched for; everything lives for the call.
        let status = unsafe { (self.0.start)(settings, RawProblem::new(&mut problem)) };
        match RuntimeFailure::of(status) {
            None => Ok(()),
            Some(failure) => {
                let error = Error::from_runtime(failure, problem, &Outcome::default());
                Err(Error::PythonStart {
                    id: error.id(),
                    text: error.to_string(),
                })
            }
        }
    }

    /// Loads a script ahead of requests. The runtime has logged why when it fails.
    pub(super) fn load(self, script: &[u8], group: &[u8]) -> Result<(), Error> {
        self.give(self.0.load, script, group)
    }

    /// Runs a script on Python's main thread, which signals interrupt meanwhile. Likewise; `Closed` when a signal told
    /// it to end.
    pub(super) fn run(self, script: &[u8], group: &[u8]) -> Result<(), Error> {
        self.give(self.0.run, script, group)
    }

    fn give(self, function: TakeScript, script: &[u8], group: &[u8]) -> Result<(), Error> {
        let mut problem = Problem::default();
        let raw = RawProblem::new(&mut problem);
        // SAFETY: vouched for; everything lives for the call.
        let status = unsafe { function(Bytes::new(script), Bytes::new(group), raw) };
        match RuntimeFailure::of(status) {
            None => Ok(()),
            Some(failure) => Err(Error::from_runtime(failure, problem, &Outcome::default())),
        }
    }

    /// Whether the module of a request's script asks to be loaded again.
    pub(super) fn wants_reload(self, request: &Request<'_>) -> bool {
        // SAFETY: vouched for; the request lives for the call.
        unsafe { (self.0.wants_reload)(request) }
    }

    /// Serves one request.
    pub(super) fn serve<E: Exchange + Send>(
        self,
        request: &Request<'_>,
        exchange: &mut E,
    ) -> (Outcome, Result<(), Error>) {
        let mut outcome = Outcome::default();
        let mut problem = Problem::default();
        let exchange = RawExchange::new(exchange);
        // SAFETY: vouched for; everything lives for the call.
        let status = unsafe {
            (self.0.serve)(
                request,
                exchange,
                &raw mut outcome,
                RawProblem::new(&mut problem),
            )
        };
        outcome.status = status;
        let result = match RuntimeFailure::of(status) {
            None => Ok(()),
            Some(failure) => Err(Error::from_runtime(failure, problem, &outcome)),
        };
        if let Err(error) = &result
            && !outcome.head_sent
        {
            outcome.code = error.http_status();
        }
        (outcome, result)
    }

    /// Tells applications that the process is about to end, and returns when they know.
    pub(super) fn publish_stopping(self, reason: &str) {
        // SAFETY: vouched for. A runtime that is ending itself has done it.
        unsafe {
            (self.0.publish_stopping)(Bytes::from(reason));
        }
    }

    /// Tells applications about a signal.
    pub(super) fn publish_signal(self, name: &str, number: i32) {
        // SAFETY: vouched for.
        unsafe {
            (self.0.publish_signal)(Bytes::from(name), number);
        }
    }

    /// Raises `RequestTimeout` in the thread that serves a request; false when it is served no more.
    pub(super) fn interrupt(self, number: u64) -> bool {
        // SAFETY: vouched for.
        unsafe { (self.0.interrupt)(number) == Status::OK }
    }

    /// Takes the GIL and gives it back.
    pub(super) fn probe(self) {
        // SAFETY: vouched for. That there is no GIL to take is as good as having had it.
        unsafe {
            (self.0.probe)();
        }
    }

    /// Logs the Python stacks of all threads; false when there is nothing to be had.
    pub(super) fn dump_stacks(self, attach: bool) -> bool {
        // SAFETY: vouched for.
        unsafe { (self.0.dump_stacks)(attach) == Status::OK }
    }

    /// Ends Python's work.
    pub(super) fn stop(self, timeout: Duration) -> Result<(), Error> {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        // SAFETY: vouched for.
        match unsafe { (self.0.stop)(timeout) } {
            Status::OK | Status::CLOSED => Ok(()),
            Status::TIMEOUT => Err(Error::StopTimeout),
            _ => Err(Error::Panic),
        }
    }
}

/// The logs that Python may still write to: it can't be unloaded, so they stay, closed.
static KEPT: Mutex<Vec<Arc<LogGate>>> = Mutex::new(Vec::new());

/// The server's log for a runtime, which may use it until the process ends.
pub(super) fn keep_log(gate: &Arc<LogGate>) -> RawLog {
    unsafe extern "C" fn write(ctx: *mut c_void, record: *const LogRecord<'_>) {
        // SAFETY: ctx is a gate that is never released; the record lives for the call.
        unsafe { (*ctx.cast::<LogGate>()).write(&*record) }
    }
    unsafe extern "C" fn level(ctx: *mut c_void) -> u8 {
        // SAFETY: as above.
        let level: Level = unsafe { (*ctx.cast::<LogGate>()).level() };
        level as u8
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(Arc::clone(gate));
    RawLog {
        ctx: Arc::as_ptr(gate).cast_mut().cast(),
        write,
        level,
    }
}
