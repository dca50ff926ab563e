//! The Python runtime of wsgi-core: one build per CPython version, loaded late into the process that
//! runs applications.
//!
//! Its whole interface is the table [`wsgi_core_runtime`]. Layers, imports going downwards: `app`
//! (scripts, application groups), `wsgi` (the gateway of PEP 3333), `python` (CPython's C API). Unsafe
//! here: the functions of the table get raw pointers from the engine.

mod app;
mod python;
mod wsgi;

use app::Refusal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use wsgi_core_abi::{
    ABI_VERSION, Bytes, MessageId, Outcome, RawExchange, RawProblem, Request, Runtime,
    RuntimeSettings, Status,
};

#[cfg(not(Py_GIL_DISABLED))]
const PYTHON_VERSION: &str = env!("WSGI_CORE_PYTHON_VERSION");
#[cfg(Py_GIL_DISABLED)]
const PYTHON_VERSION: &str = concat!(env!("WSGI_CORE_PYTHON_VERSION"), "t");

/// The runtime, as the engine finds it: by name in a shared library, or linked.
#[unsafe(no_mangle)]
pub static wsgi_core_runtime: Runtime = Runtime {
    abi_version: ABI_VERSION,
    python_version: Bytes::new(PYTHON_VERSION.as_bytes()),
    start,
    load,
    run,
    wants_reload,
    serve,
    stop,
    publish_stopping,
    publish_signal,
    interrupt,
    probe,
    dump_stacks,
};

unsafe extern "C" fn start(settings: *const RuntimeSettings<'_>, problem: RawProblem) -> Status {
    // SAFETY: the engine passes live settings.
    let settings = unsafe { &*settings };
    guard(&problem, || app::start(settings).map(|()| Status::OK))
}

unsafe extern "C" fn load(script: Bytes<'_>, group: Bytes<'_>, problem: RawProblem) -> Status {
    guard(&problem, || {
        app::load(script.as_slice(), group.as_slice()).map(|()| Status::OK)
    })
}

unsafe extern "C" fn run(script: Bytes<'_>, group: Bytes<'_>, problem: RawProblem) -> Status {
    guard(&problem, || app::run(script.as_slice(), group.as_slice()))
}

unsafe extern "C" fn wants_reload(request: *const Request<'_>) -> bool {
    // SAFETY: the engine passes a live request.
    let request = unsafe { &*request };
    catch_unwind(AssertUnwindSafe(|| app::wants_reload(request))).unwrap_or(false)
}

unsafe extern "C" fn serve(
    request: *const Request<'_>,
    exchange: RawExchange<'_>,
    outcome: *mut Outcome,
    problem: RawProblem,
) -> Status {
    // SAFETY: the engine passes a live request and a live outcome that nobody else uses.
    let (request, outcome) = unsafe { (&*request, &mut *outcome) };
    let status = guard(&problem, || app::serve(request, exchange, outcome));
    outcome.status = status;
    if status == Status::CLOSED {
        outcome.code = 503;
    }
    status
}

unsafe extern "C" fn stop(deadline_ms: u64) -> Status {
    let end = || app::stop(Duration::from_millis(deadline_ms));
    catch_unwind(end).unwrap_or(Status::PANIC)
}

unsafe extern "C" fn publish_stopping(reason: Bytes<'_>) -> Status {
    catch_unwind(|| app::publish_stopping(reason.as_slice())).unwrap_or(Status::PANIC)
}

unsafe extern "C" fn publish_signal(name: Bytes<'_>, number: i32) -> Status {
    catch_unwind(|| app::publish_signal(name.as_slice(), number)).unwrap_or(Status::PANIC)
}

unsafe extern "C" fn interrupt(number: u64) -> Status {
    catch_unwind(|| app::interrupt(number)).unwrap_or(Status::PANIC)
}

unsafe extern "C" fn probe() -> Status {
    catch_unwind(app::probe).unwrap_or(Status::PANIC)
}

unsafe extern "C" fn dump_stacks(attach: bool) -> Status {
    catch_unwind(|| app::dump_stacks(attach)).unwrap_or(Status::PANIC)
}

/// Runs the body of a function of the table: nothing unwinds out of it, and what went wrong is
/// described. A panic is a bug in the runtime.
fn guard(problem: &RawProblem, body: impl FnOnce() -> Result<Status, Refusal>) -> Status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => status,
        Ok(Err(Refusal {
            status,
            problem: refusal,
        })) => {
            problem.set(refusal.id, &refusal.text);
            status
        }
        Err(payload) => {
            let words = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            problem.set(
                MessageId::PANIC,
                &format!("bug in the WSGI runtime: {words}"),
            );
            Status::PANIC
        }
    }
}
