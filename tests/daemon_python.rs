//! Process groups with a real Python. Does nothing where no runtime is built: `cargo build -p wsgi_python`.

mod support;

use std::path::PathBuf;
use support::Memory;
use support::site::{Site, runtimes, settings, target};
use wsgi_core::engine::{Engine, RequestInfo, Resolved, Scope, Settings};
use wsgi_core_abi::Bytes;

/// The runtime, with the Python it is for.
fn runtime() -> Option<(PathBuf, String)> {
    let library = target().join("libwsgi_python.so");
    let python = std::env::var("PYO3_PYTHON").unwrap_or("python3".to_owned());
    let print = "import sys; print('%d.%d' % sys.version_info[:2])";
    let version = std::process::Command::new(python)
        .args(["-c", print])
        .output()
        .ok()?;
    let version = String::from_utf8(version.stdout).ok()?.trim().to_owned();
    if !library.is_file() {
        eprintln!(
            "{} is missing: run cargo build -p wsgi_python",
            library.display()
        );
        return None;
    }
    Some((library, version))
}

/// A site whose group runs a script with these contents.
fn site(options: &[(&str, &str)], script: &str) -> Option<(Site, PathBuf)> {
    let (library, version) = runtime()?;
    let directory = runtimes(&library, &version);
    let path = directory.path().join("app.wsgi");
    std::fs::write(&path, script).unwrap();
    let mut config = support::config();
    let log_path = directory.path().join("log");
    for (name, value) in [
        ("runtime-dir", directory.path().to_str().unwrap()),
        ("daemon-executable", env!("CARGO_BIN_EXE_wsgi-daemon")),
        ("daemon-log", log_path.to_str().unwrap()),
    ] {
        config.set(name, value.as_bytes()).unwrap();
    }
    config
        .add_group(b"group", None, &settings(options))
        .unwrap();
    let log = support::Log::default();
    let engine = Engine::prepare(&config, Box::new(log.clone())).unwrap();
    engine.start().unwrap();
    let mut layer = Settings::new(Scope::Directory);
    layer.set("process-group", b"group").unwrap();
    layer.set("application-group", b"%{GLOBAL}").unwrap();
    Some((
        Site {
            engine,
            directory,
            log,
            layer,
        },
        path,
    ))
}

fn get(site: &Site, path: &std::path::Path, query: &str) -> (Memory, u16) {
    let script = path.to_str().unwrap();
    let mut info = RequestInfo::new("GET", script);
    info.query_string = Bytes::from(query);
    info.protocol = Bytes::from("HTTP/1.1");
    info.settings = Resolved::of([&site.layer]);
    let mut host = Memory::default();
    let served = host.serve(&site.engine, &info);
    (host, served.outcome.code)
}

const FACTS: &str = r"
import os, sys
def application(environ, start_response):
    keys = ('wsgi.multiprocess', 'wsgi.multithread', 'mod_wsgi.process_group', 'mod_wsgi.daemon_start')
    facts = {key: environ[key] for key in keys if key in environ}
    facts.update(cwd=os.getcwd(), path=sys.path[0], lang=os.environ.get('LANG'), role='WSGI_DAEMON_ROLE' in os.environ)
    print('to the log', file=environ['wsgi.errors'])
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [''.join('%s=%s\n' % item for item in facts.items()).encode()]
";

#[test]
fn an_application_sees_its_group() {
    let home = tempfile::tempdir().unwrap();
    let text = home.path().to_str().unwrap();
    let options = [
        ("home", text),
        ("lang", "C.UTF-8"),
        ("processes", "1"),
        ("threads", "3"),
    ];
    let Some((site, path)) = site(&options, FACTS) else {
        return;
    };
    let (host, code) = get(&site, &path, "");
    assert_eq!(code, 200, "{:?} {}", host.log.lines(), site.lines());
    for (name, value) in [
        ("wsgi.multiprocess", "True"),
        ("wsgi.multithread", "True"),
        ("mod_wsgi.process_group", "group"),
        ("cwd", text),
        ("path", text),
        ("lang", "C.UTF-8"),
        ("role", "False"),
    ] {
        assert_eq!(
            host.value(name).as_deref(),
            Some(value),
            "{name}: {}",
            host.text()
        );
    }
    let lines = host.log.lines();
    assert!(
        lines.iter().any(|line| line.ends_with("to the log")),
        "{lines:?}"
    );
}

#[test]
fn a_touched_script_is_loaded_by_a_new_process() {
    let version = |number: u32| {
        format!(
            "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'{number}']\n"
        )
    };
    let Some((site, path)) = site(&[], &version(1)) else {
        return;
    };
    for number in 1..5 {
        assert_eq!(get(&site, &path, "").0.text(), number.to_string());
        std::fs::write(&path, version(number + 1)).unwrap();
    }
}

const FAILS: &str = r"
import os, ctypes, time
def application(environ, start_response):
    match environ['QUERY_STRING']:
        case 'raise': raise ValueError('on purpose')
        case 'exit': os._exit(5)
        case 'segfault': ctypes.string_at(0)
    start_response('200 OK', [])
    def body():
        yield b'one'
        if environ['QUERY_STRING'] == 'late': os.kill(os.getpid(), 9)
        yield b'two'
    return body()
";

#[test]
fn applications_fail_in_every_way() {
    let Some((site, path)) = site(&[("threads", "2")], FAILS) else {
        return;
    };
    assert_eq!(get(&site, &path, "").0.text(), "onetwo");
    let (host, code) = get(&site, &path, "raise");
    assert_eq!(code, 500);
    assert!(
        host.log
            .lines()
            .iter()
            .any(|line| line.contains("ValueError: on purpose")),
        "{:?}",
        host.log.lines()
    );
    assert_eq!(get(&site, &path, "exit").1, 502);
    assert_eq!(get(&site, &path, "segfault").1, 502);
    site.wait_for_line("SIGSEGV");
    assert_eq!(get(&site, &path, "late").0.text(), "one");
    assert_eq!(get(&site, &path, "").0.text(), "onetwo");
}

const LEAVES: &str = r"
import atexit, os, subprocess
def leave():
    with open(os.path.join(os.path.dirname(__file__), 'left'), 'w') as file:
        file.write(str(os.getpid()))
atexit.register(leave)
def application(environ, start_response):
    start_response('200 OK', [])
    blocked = subprocess.run(['grep', 'SigBlk', '/proc/self/status'], capture_output=True).stdout
    return [b'%d %d' % (os.getpid(), int(blocked.split()[1], 16))]
";

#[test]
fn an_orderly_end_runs_what_was_left_for_it() {
    let Some((site, path)) = site(&[], LEAVES) else {
        return;
    };
    for number in [libc::SIGTERM, libc::SIGUSR1] {
        let text = get(&site, &path, "").0.text();
        // What an application starts inherits no blocked signals.
        let worker = text.strip_suffix(" 0").unwrap().to_owned();
        support::site::signal(worker.parse().unwrap(), number);
        site.wait_for_line(&format!(
            "Process {worker} of group 'group' exited with code 0"
        ));
        let left = std::fs::read_to_string(path.with_file_name("left")).unwrap();
        assert_eq!(left, worker);
    }
}

const STREAMS: &str = r"
import hashlib
def application(environ, start_response):
    if environ['REQUEST_METHOD'] == 'PUT':
        digest = hashlib.sha256()
        for line in environ['wsgi.input']:
            digest.update(line)
        start_response('200 OK', [])
        return [digest.hexdigest().encode()]
    write = start_response('200 OK', [])
    while block := environ['wsgi.input'].read(10000):
        write(block)
    return []
";

#[test]
fn bodies_stream_in_both_directions() {
    let Some((site, path)) = site(&[], STREAMS) else {
        return;
    };
    let body: Vec<u8> = (0..3_000_000_u32)
        .map(|index| (index.wrapping_mul(index) / 7) as u8)
        .collect();
    let length = body.len().to_string();
    let headers = [wsgi_core_abi::Pair::new(
        b"Content-Length",
        length.as_bytes(),
    )];
    for method in ["POST", "PUT"] {
        let mut info = RequestInfo::new(method, path.to_str().unwrap());
        info.headers = &headers;
        info.settings = Resolved::of([&site.layer]);
        let mut host = Memory {
            body: body.clone(),
            ..Memory::default()
        };
        let served = host.serve(&site.engine, &info);
        served.result.unwrap();
        assert_eq!(served.outcome.bytes_in, 3_000_000);
        match method {
            "POST" => assert!(host.sent == body),
            _ => assert_eq!(host.text().len(), 64),
        }
    }
}
