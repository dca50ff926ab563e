//! The gateway alone: environ built, application called, response taken, for a small GET.

use criterion::{Criterion, criterion_group, criterion_main};
use std::ffi::c_void;
use std::hint::black_box;
use wsgi_core_abi::{
    Bytes, Exchange, Failure, Head, Level, LogRecord, Outcome, Pair, Pairs, Problem, RawExchange,
    RawLog, RawProblem, ReadFailure, Request, RuntimeSettings, SendFlags, Slice, Status,
};
use wsgi_python::wsgi_core_runtime as runtime;

const APPLICATION: &str = r#"
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"Hello World!"]
"#;

/// What a browser-like client sends through httpd.
const ENVIRON: &[(&str, &str)] = &[
    ("CONTEXT_DOCUMENT_ROOT", "/var/www/html"),
    ("CONTEXT_PREFIX", ""),
    ("DOCUMENT_ROOT", "/var/www/html"),
    (
        "HTTP_ACCEPT",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    ("HTTP_ACCEPT_ENCODING", "gzip, deflate, br"),
    ("HTTP_ACCEPT_LANGUAGE", "en-GB,en;q=0.5"),
    ("HTTP_CONNECTION", "keep-alive"),
    ("HTTP_COOKIE", "sessionid=0123456789abcdef0123456789abcdef"),
    ("HTTP_HOST", "localhost:8000"),
    (
        "HTTP_USER_AGENT",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101",
    ),
    ("PATH_INFO", "/articles/2026"),
    ("QUERY_STRING", "page=2"),
    ("REMOTE_ADDR", "127.0.0.1"),
    ("REMOTE_PORT", "50014"),
    ("REQUEST_METHOD", "GET"),
    ("REQUEST_SCHEME", "http"),
    ("REQUEST_URI", "/articles/2026?page=2"),
    ("SCRIPT_FILENAME", "/srv/app/app.wsgi"),
    ("SCRIPT_NAME", ""),
    ("SERVER_ADDR", "127.0.0.1"),
    ("SERVER_ADMIN", "webmaster@localhost"),
    ("SERVER_NAME", "localhost"),
    ("SERVER_PORT", "8000"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("SERVER_SOFTWARE", "Apache/2.4"),
    ("mod_wsgi.application_group", ""),
    ("mod_wsgi.callable_object", "application"),
    ("mod_wsgi.handler_script", ""),
    ("mod_wsgi.listener_host", ""),
    ("mod_wsgi.listener_port", "8000"),
    ("mod_wsgi.path_info", "/articles/2026"),
    ("mod_wsgi.process_group", ""),
    ("mod_wsgi.request_handler", "wsgi-script"),
    ("mod_wsgi.request_id", "k5yTzDn0WqM"),
    ("mod_wsgi.script_name", ""),
    ("mod_wsgi.server_pid", "4711"),
];

/// A host that takes everything.
struct Sink;

impl Exchange for Sink {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, ReadFailure> {
        Ok(0)
    }
    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        black_box(head);
        Ok(())
    }
    fn send(&mut self, data: &[u8], _: SendFlags) -> Result<(), Failure> {
        black_box(data);
        Ok(())
    }
    fn send_file(&mut self, _: i32, _: u64, _: u64, _: SendFlags) -> Result<(), Failure> {
        Ok(())
    }
    fn is_aborted(&mut self) -> bool {
        false
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        eprintln!("{}", String::from_utf8_lossy(record.text.as_slice()));
    }
    fn log_level(&mut self) -> Level {
        Level::Warning
    }
}

unsafe extern "C" fn write_log(_: *mut c_void, record: *const LogRecord<'_>) {
    // SAFETY: the runtime passes a live record.
    let text = unsafe { (*record).text };
    eprintln!("{}", String::from_utf8_lossy(text.as_slice()));
}

unsafe extern "C" fn log_level(_: *mut c_void) -> u8 {
    Level::Warning as u8
}

fn start() {
    let settings = RuntimeSettings {
        python_home: Bytes::ABSENT,
        warnings: Slice::new(&[]),
        python_eggs: Bytes::ABSENT,
        optimize: 0,
        dont_write_bytecode: true,
        hash_seed: -1,
        layers: Slice::EMPTY,
        group_switch_interval: 0.0,
        free_threading: false,
        destroy_interpreters: true,
        keep_stdio: true,
        case_sensitive: true,
        process_group: Bytes::from(""),
        multiprocess: false,
        multithread: true,
        run_once: false,
        maximum_processes: 1,
        threads_per_process: 1,
        host_maximum_processes: 1,
        host_threads_per_process: 1,
        host_name: Bytes::from("bench"),
        host_version: [0, 1, 0],
        host_description: Bytes::from("bench"),
        host_build_date: Bytes::ABSENT,
        host_mpm_name: Bytes::ABSENT,
        log: RawLog {
            ctx: std::ptr::null_mut(),
            write: write_log,
            level: log_level,
        },
    };
    let mut problem = Problem::default();
    // SAFETY: settings and problem live for the call.
    let status = unsafe { (runtime.start)(&raw const settings, RawProblem::new(&mut problem)) };
    assert_eq!(status, Status::OK, "{}", problem.text);
}

fn serve(request: &Request<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut problem = Problem::default();
    let mut sink = Sink;
    // SAFETY: everything passed lives for the call.
    let status = unsafe {
        (runtime.serve)(
            request,
            RawExchange::new(&mut sink),
            &raw mut outcome,
            RawProblem::new(&mut problem),
        )
    };
    assert_eq!(status, Status::OK, "{}", problem.text);
    outcome
}

fn small_get(criterion: &mut Criterion) {
    let script = std::env::temp_dir().join(format!("wsgi-core-bench-{}.wsgi", std::process::id()));
    std::fs::write(&script, APPLICATION).expect("the temporary directory is writable");
    start();
    let pairs: Vec<_> = ENVIRON
        .iter()
        .map(|(name, value)| Pair::new(name.as_bytes(), value.as_bytes()))
        .collect();
    let path = script.to_string_lossy().into_owned();
    let request = Request {
        script: Bytes::from(path.as_str()),
        script_mtime_us: 1,
        application_group: Bytes::from(""),
        callable: Bytes::from("application"),
        environ: Pairs::new(&pairs),
        filename: Bytes::from(path.as_str()),
        https: false,
        reloading: false,
        sendfile: false,
        error_override: false,
        ignore_activity: false,
        number: 0,
        request_start: 1.0,
        queue_start: 0.0,
        daemon_start: 0.0,
        native: wsgi_core_abi::NativeRequest::NONE,
        question: wsgi_core_abi::Question::NONE,
        arguments: [wsgi_core_abi::Bytes::ABSENT; 2],
    };
    criterion.bench_function("small GET", |bencher| bencher.iter(|| serve(&request)));
    // The script stays loaded; nothing reads the file again.
    let _ = std::fs::remove_file(&script);
}

criterion_group!(benches, small_get);
criterion_main!(benches);
