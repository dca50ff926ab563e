//! Life of an engine.

use super::config::wsgi_core_config;
use super::error::wsgi_core_error;
use super::guard::{call, call_with, neutral};
use super::server::{Server, wsgi_core_server};
use super::status::wsgi_core_status;
use super::structs;
use crate::engine::{Engine, Error};
use std::ffi::{c_char, c_void};
use std::time::Duration;

/// An engine: everything that serves the requests of one configuration in one process.
pub struct wsgi_core_engine(pub(super) Engine);

/// Make an engine from a configuration, in the process that will fork the serving ones, or in the only one.
///
/// Checks the configuration as wsgi_core_config_check() does. Makes no thread and loads no Python, so that
/// the host may fork afterwards. Where there are process groups it executes their supervisor, which ends
/// when this process does, whatever the reason; that it can't be executed is logged (WC0065). A Python
/// home that can't be examined is logged as a warning (WC0023) and does not make the call fail.
///
/// @param config  the configuration; copied, so it may be changed or freed afterwards
/// @param server  callback table with struct_size set; copied. NULL for all defaults
/// @param ctx     handed to each callback of the table unchanged, may be NULL
/// @param engine  receives the engine, to be released with wsgi_core_engine_free()
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK, or what wsgi_core_config_check() returns
/// @return WSGI_CORE_E_ARGUMENT, WSGI_CORE_E_STRUCT_SIZE
///
/// Threads: any.
/// Fork: the engine may be started in children of this process.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_prepare(
    config: *const wsgi_core_config,
    server: *const wsgi_core_server,
    ctx: *mut c_void,
    engine: *mut *mut wsgi_core_engine,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, table) = unsafe {
            let table = if server.is_null() {
                NO_SERVER
            } else {
                structs::read(server, "server")?
            };
            (config.as_ref().ok_or(Error::null("config"))?, table)
        };
        if engine.is_null() {
            return Err(Error::null("engine"));
        }
        let made = Engine::prepare(&config.0, Box::new(Server::new(table, ctx)))?;
        // SAFETY: not NULL, so a place for a pointer.
        unsafe { engine.write(Box::into_raw(Box::new(wsgi_core_engine(made)))) };
        Ok(())
    })
}

const NO_SERVER: wsgi_core_server = wsgi_core_server {
    struct_size: size_of::<wsgi_core_server>(),
    log: None,
    log_level: None,
};

/// Start an engine in a process that serves requests: once, after it was forked and before its first
/// request.
///
/// Logs at info level which application group is the default and why. Python is started here only when
/// there are scripts to load ahead of requests (wsgi_core_config_add_application()), else with the first
/// request. If Python can't be started, that is logged once (WC0030), and requests fail with
/// WSGI_CORE_E_PYTHON; a script that can't be loaded is logged and tried again with its first request. The
/// call succeeds in both cases.
///
/// @param engine  the engine
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_STATE when the engine was started or stopped before
/// @return WSGI_CORE_E_PANIC after a bug in the engine
///
/// Threads: one, before others use the engine. Callbacks of the server table run on it.
/// Fork: the process must not fork children that use the engine from here on.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_start(
    engine: *mut wsgi_core_engine,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    // SAFETY: the caller passes an engine or NULL.
    let engine = unsafe { engine.as_ref() };
    call_with(
        err,
        || poison(engine),
        || engine.ok_or(Error::null("engine"))?.0.start(),
    )
}

/// End an engine in an orderly way: refuse new requests, wait for those in flight, also for those that processes
/// of groups have, let Python join its threads and run its atexit functions. Afterwards no application code runs
/// in this process but threads that don't end. Python stays in memory; it can't be started again in this process.
///
/// @param engine      the engine
/// @param timeout_ms  how long all of that may take; 0 does not wait
/// @param err         receives details on failure
///
/// @return WSGI_CORE_OK when all was done, also when the engine was not started or already stopped
/// @return WSGI_CORE_E_TIMEOUT when requests, threads or atexit functions still run (WC0035 in the log). The
///         host should end the process with _exit() then
/// @return WSGI_CORE_E_PANIC after a bug in the engine
///
/// Threads: any, also while others serve requests; those requests complete. Not from a callback.
/// Fork: only in the process that started the engine.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_stop(
    engine: *mut wsgi_core_engine,
    timeout_ms: u64,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    // SAFETY: the caller passes an engine or NULL.
    let engine = unsafe { engine.as_ref() };
    call_with(
        err,
        || poison(engine),
        || {
            engine
                .ok_or(Error::null("engine"))?
                .0
                .stop(Duration::from_millis(timeout_ms))
        },
    )
}

fn poison(engine: Option<&wsgi_core_engine>) {
    if let Some(engine) = engine {
        engine.0.poison();
    }
}

/// Release an engine. One that was started should be stopped first. No callback of its server table runs
/// any more when the call returns: what Python's own threads log afterwards is dropped. In the process
/// that prepared it, its process groups come to an end: as soon as no process is left that was forked
/// with the engine, and after graceful-timeout in any case.
///
/// @param engine  the engine; consumed. No request of it may be in use by another thread. NULL does nothing
///
/// Threads: any, but not from a callback.
/// Fork: also in a process that forked others, or was forked, where the engine was not started.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_free(engine: *mut wsgi_core_engine) {
    neutral((), || {
        if !engine.is_null() {
            // SAFETY: made by `wsgi_core_engine_prepare`; the caller gives it up.
            drop(unsafe { Box::from_raw(engine) });
        }
        None
    });
}

/// Look after the supervisor of process groups, in the process that prepared the engine: if it has ended,
/// another one is started, and that is logged (WC0085). One that ends soon after its start is started again
/// at once the first time, then after a pause of 0.1 to 20 seconds. To be called when a child process of the
/// host has ended, and from time to time. Does nothing where there are no process groups.
///
/// @param engine  the engine
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_GROUP when it can't be started; the next call tries again
///
/// Threads: one at a time.
/// Fork: only of effect in the process that prepared the engine.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_tend(
    engine: *mut wsgi_core_engine,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    // SAFETY: the caller passes an engine or NULL.
    let engine = unsafe { engine.as_ref() };
    call_with(
        err,
        || poison(engine),
        || engine.ok_or(Error::null("engine"))?.0.tend(),
    )
}

/// Tell the engine that a child process of the host has ended for which the host itself has waited, so that
/// WC0085 can say how. If it was the supervisor of process groups, it is looked after as by
/// wsgi_core_engine_tend(). A host that does not wait for children it does not know need not call this.
///
/// @param engine  the engine
/// @param pid     the process
/// @param status  its exit code or the number of the signal that ended it; negative when that is not known
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_GROUP when another supervisor can't be started; wsgi_core_engine_tend() tries again
///
/// Threads: one at a time.
/// Fork: only of effect in the process that prepared the engine.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_child_ended(
    engine: *mut wsgi_core_engine,
    pid: u32,
    status: i32,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    // SAFETY: the caller passes an engine or NULL.
    let engine = unsafe { engine.as_ref() };
    call_with(
        err,
        || poison(engine),
        || {
            engine
                .ok_or(Error::null("engine"))?
                .0
                .child_ended(pid, status)
        },
    )
}

/// Tell the process id of the supervisor of process groups: a child of the process that prepared the
/// engine, which ends by itself once that has released the engine or has ended. The host may want to know
/// whose end it sees.
///
/// @param engine  the engine; 0 is returned for NULL
///
/// @return the process id, or 0 when there is none
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_get_supervisor_pid(
    engine: *const wsgi_core_engine,
) -> u32 {
    neutral(0, || {
        // SAFETY: the caller passes an engine or NULL.
        unsafe { engine.as_ref() }?.0.supervisor()
    })
}

/// Tell which Python the engine runs applications with, such as "3.11" ("3.14t" for a free-threaded build).
/// It is known without loading Python.
///
/// @param engine  the engine; NULL is returned for NULL
///
/// @return the version, which lives as long as the engine, or NULL where restrict-embedded made it possible
///         to do without a runtime
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_engine_get_python_version(
    engine: *const wsgi_core_engine,
) -> *const c_char {
    neutral(std::ptr::null(), || {
        // SAFETY: the caller passes an engine or NULL.
        let engine = unsafe { engine.as_ref() }?;
        engine.0.python_version().map(|version| version.as_ptr())
    })
}
