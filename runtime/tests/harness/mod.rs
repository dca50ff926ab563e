//! A host for the runtime: it starts Python in this process, serves requests from memory and keeps
//! what is logged. Python starts once per process, so a test binary has one configuration.

#![allow(dead_code, reason = "no test binary uses all of it")]

pub mod end;

use std::ffi::c_void;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, SystemTime};
use wsgi_core_abi::{
    Bytes, Exchange, Failure, Head, Level, LogRecord, Outcome, Pair, Pairs, Problem, RawExchange,
    RawLog, RawProblem, ReadFailure, Request, RuntimeSettings, SendFlags, Slice, Status,
};
use wsgi_python::wsgi_core_runtime as runtime;

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
    pub file: String,
    pub line: u32,
}

impl Line {
    fn new(record: &LogRecord<'_>) -> Self {
        let text = |bytes: Bytes<'_>| String::from_utf8_lossy(bytes.as_slice()).into_owned();
        Self {
            level: record.level,
            text: text(record.text),
            file: text(record.file),
            line: record.line,
        }
    }
}

static SERVER_LOG: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// What the server's log holds so far.
pub fn server_log() -> Vec<Line> {
    SERVER_LOG.lock().unwrap().clone()
}

/// Whether some line of the server's log contains `text`.
pub fn server_logged(text: &str) -> bool {
    server_log().iter().any(|line| line.text.contains(text))
}

fn log() -> RawLog {
    unsafe extern "C" fn write(_: *mut c_void, record: *const LogRecord<'_>) {
        // SAFETY: the runtime passes a live record.
        let line = Line::new(unsafe { &*record });
        SERVER_LOG.lock().unwrap().push(line);
    }
    unsafe extern "C" fn level(_: *mut c_void) -> u8 {
        Level::Info as u8
    }
    RawLog {
        ctx: std::ptr::null_mut(),
        write,
        level,
    }
}

/// Settings of an embedded process of httpd, without a GIL where Python can do without.
pub fn settings() -> RuntimeSettings<'static> {
    RuntimeSettings {
        python_home: Bytes::ABSENT,
        warnings: Slice::new(&[]),
        python_eggs: Bytes::ABSENT,
        optimize: 0,
        dont_write_bytecode: true,
        hash_seed: -1,
        layers: Slice::EMPTY,
        group_switch_interval: 0.0,
        free_threading: cfg!(Py_GIL_DISABLED),
        destroy_interpreters: true,
        keep_stdio: false,
        case_sensitive: true,
        process_group: Bytes::new(b""),
        multiprocess: true,
        multithread: true,
        run_once: false,
        maximum_processes: 3,
        threads_per_process: 25,
        host_maximum_processes: 4,
        host_threads_per_process: 30,
        host_name: Bytes::new(b"apache"),
        host_version: [2, 4, 62],
        host_description: Bytes::new(b"Apache/2.4.62 (Debian)"),
        host_build_date: Bytes::new(b"2026-01-02T03:04:05"),
        host_mpm_name: Bytes::new(b"event"),
        log: log(),
    }
}

/// Starts Python with these settings, unless a test of this binary has done so.
pub fn start_with(settings: impl FnOnce() -> RuntimeSettings<'static>) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let (status, problem) = try_start(&settings());
        assert_eq!(status, Status::OK, "{problem:?}");
    });
}

/// Starts Python as an embedded process of httpd has it.
pub fn start() {
    start_with(settings);
}

/// Calls `start` of the table.
pub fn try_start(settings: &RuntimeSettings<'_>) -> (Status, Problem) {
    let mut problem = Problem::default();
    // SAFETY: the settings and the problem live for the call.
    let status = unsafe { (runtime.start)(settings, RawProblem::new(&mut problem)) };
    (status, problem)
}

/// Calls `load` of the table.
pub fn load(script: &Script, group: &str) -> (Status, Problem) {
    let mut problem = Problem::default();
    // SAFETY: the strings and the problem live for the call.
    let status = unsafe {
        let path = Bytes::from(script.path());
        (runtime.load)(path, Bytes::from(group), RawProblem::new(&mut problem))
    };
    (status, problem)
}

/// Calls `stop` of the table.
pub fn stop(deadline: Duration) -> Status {
    // SAFETY: no conditions.
    unsafe { (runtime.stop)(deadline.as_millis() as u64) }
}

/// Calls `interrupt` of the table.
pub fn interrupt(request: u64) -> Status {
    // SAFETY: no conditions.
    unsafe { (runtime.interrupt)(request) }
}

/// Calls `probe` of the table.
pub fn probe() -> Status {
    // SAFETY: no conditions.
    unsafe { (runtime.probe)() }
}

/// Calls `dump_stacks` of the table.
pub fn dump_stacks(attach: bool) -> Status {
    // SAFETY: no conditions.
    unsafe { (runtime.dump_stacks)(attach) }
}

/// A script in a file of its own.
pub struct Script(PathBuf);

impl Script {
    /// Writes a script, with a modification time in the past.
    pub fn new(source: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = format!("script-{process}-{number}.wsgi");
        let script = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        script.write(source);
        script
    }

    /// A script whose application runs the code in the environ's `test.code` and answers with what
    /// that assigns to `result`.
    pub fn evaluator() -> Self {
        Self::new(
            "def application(environ, start_response):\n\
             \x20   scope = {'environ': environ, 'start_response': start_response}\n\
             \x20   exec(environ['test.code'], scope)\n\
             \x20   start_response('200 OK', [])\n\
             \x20   return [str(scope.get('result')).encode()]\n",
        )
    }

    /// Replaces the content; the modification time becomes another one.
    pub fn write(&self, source: &str) {
        static AGE: AtomicU32 = AtomicU32::new(1);
        std::fs::write(&self.0, source).unwrap();
        let age = Duration::from_secs(60 * u64::from(AGE.fetch_add(1, Ordering::Relaxed)));
        File::options()
            .write(true)
            .open(&self.0)
            .unwrap()
            .set_modified(SystemTime::now() - age)
            .unwrap();
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// A request to this script.
    pub fn request(&self) -> Call<'_> {
        Call {
            script: self.path(),
            group: "",
            callable: "application",
            code: None,
            reloading: true,
            mtime_us: 0,
            level: Level::Info,
            number: 0,
            on_head: || (),
        }
    }

    /// The body that the main interpreter answers with.
    pub fn get(&self) -> String {
        self.request().expect_ok()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A request to be made.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub script: &'a str,
    pub group: &'a str,
    pub callable: &'a str,
    pub code: Option<&'a str>,
    pub reloading: bool,
    pub mtime_us: i64,
    pub level: Level,
    /// For interrupting it.
    pub number: u64,
    /// Called on the request's thread when the response head is sent.
    pub on_head: fn(),
}

impl<'a> Call<'a> {
    pub fn group(self, group: &'a str) -> Self {
        Self { group, ..self }
    }

    pub fn code(self, code: &'a str) -> Self {
        let code = Some(code);
        Self { code, ..self }
    }

    pub fn number(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// Makes the request.
    pub fn send(self) -> Response {
        let mut pairs = vec![
            Pair::new(b"REQUEST_METHOD", b"GET"),
            Pair::new(b"SCRIPT_NAME", b""),
            Pair::new(b"PATH_INFO", b"/"),
            Pair::new(b"QUERY_STRING", b""),
            Pair::new(b"SERVER_NAME", b"localhost"),
            Pair::new(b"SERVER_PORT", b"80"),
            Pair::new(b"SERVER_PROTOCOL", b"HTTP/1.1"),
        ];
        if let Some(code) = self.code {
            pairs.push(Pair::new(b"test.code", code.as_bytes()));
        }
        let request = Request {
            script: Bytes::from(self.script),
            script_mtime_us: self.mtime_us,
            application_group: Bytes::from(self.group),
            callable: Bytes::from(self.callable),
            environ: Pairs::new(&pairs),
            filename: Bytes::from(self.script),
            https: false,
            reloading: self.reloading,
            sendfile: false,
            error_override: false,
            ignore_activity: false,
            number: self.number,
            request_start: 1.5,
            queue_start: 0.0,
            daemon_start: 0.0,
            native: wsgi_core_abi::NativeRequest::NONE,
            question: wsgi_core_abi::Question::NONE,
            arguments: [wsgi_core_abi::Bytes::ABSENT; 2],
        };
        let mut exchange = Recorder {
            level: self.level,
            on_head: self.on_head,
            code: None,
            body: Vec::new(),
            log: Vec::new(),
        };
        let (mut outcome, mut problem) = (Outcome::default(), Problem::default());
        // SAFETY: everything lives for the call.
        let status = unsafe {
            let raw = RawExchange::new(&mut exchange);
            (runtime.serve)(
                &raw const request,
                raw,
                &raw mut outcome,
                RawProblem::new(&mut problem),
            )
        };
        Response {
            status,
            problem,
            outcome,
            code: exchange.code,
            body: String::from_utf8_lossy(&exchange.body).into_owned(),
            log: exchange.log,
        }
    }

    /// Makes the request and gives the body of its response, which must be a good one.
    pub fn expect_ok(self) -> String {
        let response = self.send();
        assert_eq!(response.status, Status::OK, "{response:#?}");
        assert!(response.outcome.complete, "{response:#?}");
        response.body
    }
}

/// What came of a request.
#[derive(Debug)]
pub struct Response {
    pub status: Status,
    pub problem: Problem,
    pub outcome: Outcome,
    pub code: Option<u16>,
    pub body: String,
    pub log: Vec<Line>,
}

impl Response {
    /// Whether some line of the request's log contains `text`.
    pub fn logged(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.text.contains(text))
    }

    /// The request's log as one text.
    pub fn log_text(&self) -> String {
        let lines: Vec<_> = self.log.iter().map(|line| line.text.as_str()).collect();
        lines.join("\n")
    }
}

struct Recorder {
    level: Level,
    on_head: fn(),
    code: Option<u16>,
    body: Vec<u8>,
    log: Vec<Line>,
}

impl Exchange for Recorder {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, ReadFailure> {
        Ok(0)
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        self.code = Some(head.code);
        (self.on_head)();
        Ok(())
    }

    fn send(&mut self, data: &[u8], _: SendFlags) -> Result<(), Failure> {
        self.body.extend_from_slice(data);
        Ok(())
    }

    fn send_file(&mut self, _: i32, offset: u64, length: u64, _: SendFlags) -> Result<(), Failure> {
        self.body
            .extend_from_slice(format!("file {offset} {length}").as_bytes());
        Ok(())
    }

    fn is_aborted(&mut self) -> bool {
        false
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.log.push(Line::new(record));
    }

    fn log_level(&mut self) -> Level {
        self.level
    }
}
