//! Process groups with the fake runtime, or with a real one.

use super::{Log, Memory};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wsgi_core::engine::{Config, Engine, FileType, RequestInfo, Resolved, Scope, Served, Settings};
use wsgi_core_abi::Bytes;

/// A started engine with one group.
pub struct Site {
    pub engine: Engine,
    pub directory: tempfile::TempDir,
    pub log: Log,
    pub layer: Settings,
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().to_owned()
}

/// A directory of runtimes that has one.
pub fn runtimes(library: &Path, version: &str) -> tempfile::TempDir {
    assert!(
        library.is_file(),
        "{} is missing: run cargo build --examples",
        library.display()
    );
    let directory = tempfile::tempdir().unwrap();
    let name = format!("libwsgi_python-{version}.so");
    std::os::unix::fs::symlink(library, directory.path().join(name)).unwrap();
    directory
}

/// Settings of the group.
pub fn settings(options: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::new(Scope::Group);
    for (name, value) in options {
        settings.set(name, value.as_bytes()).unwrap();
    }
    settings
}

/// A configuration with one group, called `group`.
pub fn configured(directory: &Path, options: &[(&str, &str)]) -> Config {
    let mut config = super::config();
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    config
        .set("runtime-dir", directory.to_str().unwrap().as_bytes())
        .unwrap();
    config
        .set(
            "daemon-executable",
            env!("CARGO_BIN_EXE_wsgi-daemon").as_bytes(),
        )
        .unwrap();
    config
        .set("daemon-log", text(directory.join("log")).as_bytes())
        .unwrap();
    config
        .add_group(b"group", None, &settings(options))
        .unwrap();
    config
}

impl Site {
    pub fn new(options: &[(&str, &str)]) -> Self {
        Self::with(options, |_| {})
    }

    pub fn with(options: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        let site = Self::prepare(options, change);
        site.engine.start().unwrap();
        site
    }

    /// One that is not started yet.
    pub fn prepared(options: &[(&str, &str)]) -> Self {
        Self::prepare(options, |_| {})
    }

    fn prepare(options: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        let directory = runtimes(&target().join("examples/libfake_runtime.so"), "3.99");
        let mut config = configured(directory.path(), options);
        change(&mut config);
        let log = Log::default();
        let engine = Engine::prepare(&config, Box::new(log.clone())).unwrap();
        let mut layer = Settings::new(Scope::Directory);
        layer.set("process-group", b"group").unwrap();
        Self {
            engine,
            directory,
            log,
            layer,
        }
    }

    /// Serves a request.
    pub fn serve(&self, host: &mut Memory, script: &str, query: &str) -> Served {
        let headers = [];
        let mut info = RequestInfo::new("GET", script);
        info.script_type = FileType::Regular;
        info.query_string = Bytes::from(query);
        info.request_uri = Bytes::from(script);
        info.settings = Resolved::of([&self.layer]);
        info.headers = &headers;
        host.serve(&self.engine, &info)
    }

    /// The answer to a request that must succeed.
    pub fn get(&self, script: &str, query: &str) -> String {
        let mut host = Memory::default();
        let served = self.serve(&mut host, script, query);
        served
            .result
            .unwrap_or_else(|error| panic!("{script}: {error}; {}", self.lines()));
        assert!(served.outcome.complete && served.outcome.head_sent);
        host.text()
    }

    /// The process that serves requests.
    pub fn worker(&self) -> i32 {
        self.get("/pid", "").parse().unwrap()
    }

    /// What the supervisor and the workers wrote to their log.
    pub fn lines(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Waits for a line.
    pub fn wait_for_line(&self, text: &str) -> String {
        let found = || {
            self.lines()
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
        };
        until(&format!("a line with '{text}'"), found)
            .unwrap_or_else(|| panic!("no '{text}' in {}", self.lines()))
    }
}

/// Waits until something is there, for ten seconds at most.
pub fn until<T>(_: &str, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = found() {
            return Some(found);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to a process.
pub fn signal(pid: i32, signal: i32) {
    // SAFETY: a system call with numbers.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "process {pid}");
}

/// Whether a process is there and not a zombie.
pub fn is_alive(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
    state.is_some_and(|state| state != "Z" && state != "X")
}
