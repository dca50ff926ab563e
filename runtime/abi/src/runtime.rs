//! The table of functions that a runtime exports.

use crate::{Bytes, InterpreterLayer, MessageId, Outcome, RawExchange, RawLog, Request, Slice};
use std::ffi::c_void;

/// Name of the exported [`Runtime`].
pub const RUNTIME_SYMBOL: &std::ffi::CStr = c"wsgi_core_runtime";

/// Result of a call across the seam.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub i32);

impl Status {
    /// Success.
    pub const OK: Self = Self(0);
    /// The application raised, or its script could not be loaded.
    pub const APPLICATION: Self = Self(1);
    /// The host did not take the response or could not give the request body.
    pub const HOST: Self = Self(2);
    /// Python could not be started or an interpreter could not be made.
    pub const PYTHON: Self = Self(3);
    /// The runtime is ending and takes no more work.
    pub const CLOSED: Self = Self(4);
    /// Not done within the time allowed.
    pub const TIMEOUT: Self = Self(5);
    /// A bug in the runtime.
    pub const PANIC: Self = Self(6);
}

/// Everything a runtime needs to know about the process it starts in. Borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RuntimeSettings<'a> {
    /// Python prefix or root of a virtual environment; absent for the Python it was built with.
    pub python_home: Bytes<'a>,
    /// `-W` options, in order.
    pub warnings: Slice<'a, Bytes<'a>>,
    /// `PYTHON_EGG_CACHE`, or absent.
    pub python_eggs: Bytes<'a>,
    /// `-O` level.
    pub optimize: u8,
    /// `-B`.
    pub dont_write_bytecode: bool,
    /// Seed of string hashing; negative for a random one.
    pub hash_seed: i64,
    /// What is set for the interpreters of this process, the least specific first.
    pub layers: Slice<'a, InterpreterLayer<'a>>,
    /// Seconds for `sys.setswitchinterval`, as the process group has it; 0.0 when not set. Only a layer that
    /// names an interpreter wins over it, where that interpreter has a GIL of its own.
    pub group_switch_interval: f64,
    /// Python runs without a GIL, where its build can.
    pub free_threading: bool,
    /// `threading._shutdown` and atexit callbacks run at the end.
    pub destroy_interpreters: bool,
    /// `sys.stdin` and `sys.stdout` stay as they are: a single-process server on a terminal.
    pub keep_stdio: bool,
    /// File names differ when only their case differs.
    pub case_sensitive: bool,
    /// Name of the process group; empty in embedded mode.
    pub process_group: Bytes<'a>,
    /// Most processes that serve the same applications, for `wsgi.multiprocess`.
    pub multiprocess: bool,
    /// More than one request thread, for `wsgi.multithread`.
    pub multithread: bool,
    /// `wsgi.run_once`.
    pub run_once: bool,
    /// `mod_wsgi.maximum_processes`.
    pub maximum_processes: u32,
    /// `mod_wsgi.threads_per_process`.
    pub threads_per_process: u32,
    /// `apache.maximum_processes`: of the host, also in the processes of a group.
    pub host_maximum_processes: u32,
    /// `apache.threads_per_process`.
    pub host_threads_per_process: u32,
    /// Name of the host, such as `apache`: key prefix of `<host>.version` in the environ.
    pub host_name: Bytes<'a>,
    /// Version of the host: three numbers.
    pub host_version: [u32; 3],
    /// Full description of the server, for the `apache` module.
    pub host_description: Bytes<'a>,
    /// When it was built, or absent.
    pub host_build_date: Bytes<'a>,
    /// How it runs processes and threads, such as `event`, or absent.
    pub host_mpm_name: Bytes<'a>,
    /// Where records go that belong to no request.
    pub log: RawLog,
}

/// A failure described by a runtime: a message with its identifier.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// Which documented condition it is.
    pub id: MessageId,
    /// The words, without the identifier.
    pub text: String,
}

/// Where a runtime puts a [`Problem`] for the engine to keep: nothing allocated crosses the seam.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawProblem {
    ctx: *mut c_void,
    set: unsafe extern "C" fn(*mut c_void, MessageId, *const Bytes<'_>),
}

impl RawProblem {
    /// Lets the other side fill `problem`. The result must not outlive it.
    pub fn new(problem: &mut Problem) -> Self {
        unsafe extern "C" fn set(ctx: *mut c_void, id: MessageId, text: *const Bytes<'_>) {
            // SAFETY: ctx is the `&mut Problem` of `new`; `text` is live for the call.
            let (problem, text) = unsafe { (&mut *ctx.cast::<Problem>(), &*text) };
            problem.id = id;
            problem.text = String::from_utf8_lossy(text.as_slice()).into_owned();
        }
        Self {
            ctx: std::ptr::from_mut(problem).cast(),
            set,
        }
    }

    /// Describes the failure.
    pub fn set(&self, id: MessageId, text: &str) {
        let text = Bytes::from(text);
        // SAFETY: made by `new`; the engine keeps the Problem alive for the call it passed this to.
        unsafe { (self.set)(self.ctx, id, &raw const text) }
    }
}

/// The functions of a runtime. None of them unwinds; each may be called from any thread, without the
/// GIL, in the process that called `start`.
#[repr(C)]
pub struct Runtime {
    /// [`crate::ABI_VERSION`] of the build.
    pub abi_version: u32,
    /// The CPython it was built for, as `X.Y` (`X.Yt` for a free-threaded build).
    pub python_version: Bytes<'static>,
    /// Starts Python. Called once per process.
    pub start: unsafe extern "C" fn(*const RuntimeSettings<'_>, RawProblem) -> Status,
    /// Loads a script into an application group ahead of requests.
    pub load: unsafe extern "C" fn(script: Bytes<'_>, group: Bytes<'_>, RawProblem) -> Status,
    /// Runs a script on Python's main thread, with signals that end the process raising `SystemExit` in it. Returns
    /// when the script does; [`Status::CLOSED`] when such a signal ended it.
    pub run: unsafe extern "C" fn(script: Bytes<'_>, group: Bytes<'_>, RawProblem) -> Status,
    /// Whether the module of a request's script asks to be loaded again. Waits for the GIL of its interpreter where
    /// modules can ask.
    pub wants_reload: unsafe extern "C" fn(*const Request<'_>) -> bool,
    /// Serves one request; returns when its response is complete or has failed.
    pub serve: unsafe extern "C" fn(
        *const Request<'_>,
        RawExchange<'_>,
        *mut Outcome,
        RawProblem,
    ) -> Status,
    /// Refuses new work, waits for what is in flight, runs `threading._shutdown` and atexit callbacks,
    /// all within `deadline_ms`. Python is left initialised; it can't be started again.
    pub stop: unsafe extern "C" fn(deadline_ms: u64) -> Status,
    /// Publishes the event `process_stopping` in every interpreter, with this `shutdown_reason`, and returns when its
    /// callbacks have. The first call counts; without any, `stop` does it, with an empty reason.
    pub publish_stopping: unsafe extern "C" fn(reason: Bytes<'_>) -> Status,
    /// Publishes the event `process_signal` in every interpreter, on the calling thread.
    pub publish_signal: unsafe extern "C" fn(name: Bytes<'_>, number: i32) -> Status,
    /// Raises `mod_wsgi.RequestTimeout` in the thread that serves the request of this number, once its stack is in
    /// the log. Waits for the GIL of its interpreter. `CLOSED` when there is no such request any more.
    pub interrupt: unsafe extern "C" fn(number: u64) -> Status,
    /// Takes the GIL of the main interpreter, and gives it back.
    pub probe: unsafe extern "C" fn() -> Status,
    /// Logs what all threads are doing in Python, at info level. Waits for the GIL of the main interpreter if it is
    /// to attach. For when nobody gets it: without, there are no source lines, and no threads of sub-interpreters;
    /// `PYTHON` when there is nothing at all.
    pub dump_stacks: unsafe extern "C" fn(attach: bool) -> Status,
}

// SAFETY: a table of functions and constants.
unsafe impl Sync for Runtime {}
