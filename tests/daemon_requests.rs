//! Requests for process groups, with a runtime without Python.

mod support;

use support::Memory;
use support::site::{Site, settings};
use wsgi_core::engine::{Error, FileType, RequestInfo, Resolved, Scope, Settings};
use wsgi_core_abi::{
    Bytes, Exchange, Failure, Head, Level, LogRecord, Pair, ReadFailure, SendFlags,
};

fn site() -> Site {
    Site::new(&[("threads", "4")])
}

/// A request with a body of this length.
fn post(site: &Site, host: &mut Memory, script: &str) -> Result<(), Error> {
    let length = host.body.len().to_string();
    let headers = [Pair::new(b"Content-Length", length.as_bytes())];
    let mut info = RequestInfo::new("POST", script);
    info.script_type = FileType::Regular;
    info.settings = Resolved::of([&site.layer]);
    info.headers = &headers;
    host.serve(&site.engine, &info).result
}

#[test]
fn a_request_is_served_in_another_process() {
    let site = site();
    let text = site.get("/app", "x=1");
    for line in [
        "mod_wsgi.process_group=group\n",
        "QUERY_STRING=x=1\n",
        "callable=application\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let worker = site.worker();
    assert_ne!(worker as u32, std::process::id());
    for _ in 0..100 {
        assert_eq!(site.worker(), worker);
    }
}

#[test]
fn outcomes_are_those_of_the_runtime() {
    let site = site();
    let mut host = Memory::default();
    let served = site.serve(&mut host, "/raise", "");
    let error = served.result.unwrap_err();
    assert_eq!(
        (
            error.to_string().as_str(),
            error.id().0,
            served.outcome.code
        ),
        ("ValueError", 50, 500)
    );
    assert!(host.head.is_none());
    let served = site.serve(&mut host, "/late", "");
    assert!(served.result.unwrap_err().head_sent() && !served.outcome.complete);
    assert_eq!(host.text(), "begun");
    let served = site.serve(&mut Memory::default(), "/override", "");
    assert!(served.result.is_ok() && !served.outcome.head_sent && served.outcome.code == 404);
}

#[test]
fn records_travel_with_their_request() {
    let site = site();
    let mut host = Memory::default();
    site.serve(&mut host, "/log", "").result.unwrap();
    assert_eq!(host.log.lines(), ["Error one", "Error two"]);
}

#[test]
fn bodies_of_any_size_arrive() {
    let site = site();
    for size in [0, 1, 7, 65_535, 65_536, 1 << 20, 10 << 20] {
        let body: Vec<u8> = (0..size).map(|index| index as u8).collect();
        let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
        let mut host = Memory {
            body,
            ..Memory::default()
        };
        post(&site, &mut host, "/upload").unwrap();
        assert_eq!(host.text(), format!("{size} {sum}"));
    }
}

#[test]
fn responses_of_any_size_arrive() {
    let site = site();
    for size in [0, 1, 1000, 16_384, 65_536, 1 << 20, (3 << 20) + 1, 20 << 20] {
        let mut host = Memory::default();
        let served = site.serve(&mut host, "/big", &size.to_string());
        served.result.unwrap();
        assert_eq!(
            (host.sent.len(), served.outcome.bytes_out),
            (size, size as u64)
        );
        assert!(
            host.sent
                .iter()
                .enumerate()
                .all(|(index, byte)| *byte == index as u8)
        );
    }
}

#[test]
fn a_body_that_nobody_reads_is_never_sent() {
    let site = site();
    let mut host = Memory {
        body: vec![1; 5 << 20],
        ..Memory::default()
    };
    post(&site, &mut host, "/pid").unwrap();
    assert_eq!(host.body.len(), 5 << 20);
    // The connection is of use afterwards.
    site.worker();
}

#[test]
fn both_sides_stream_at_once() {
    let site = site();
    let body: Vec<u8> = (0..20 << 20).map(|index: u32| (index / 7) as u8).collect();
    let mut host = Memory {
        body: body.clone(),
        ..Memory::default()
    };
    post(&site, &mut host, "/duplex").unwrap();
    assert!(host.sent == body);
}

/// A host whose client wants to see the answer before it sends its body.
struct Patient {
    answered: bool,
    read_before: bool,
}

impl Exchange for Patient {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, ReadFailure> {
        self.read_before |= !self.answered;
        Err(ReadFailure {
            reason: b"the client has gone".to_vec(),
        })
    }
    fn send_head(&mut self, _: &Head<'_>) -> Result<(), Failure> {
        Ok(())
    }
    fn send(&mut self, _: &[u8], flags: SendFlags) -> Result<(), Failure> {
        self.answered |= flags.has(SendFlags::END);
        Ok(())
    }
    fn send_file(&mut self, _: i32, _: u64, _: u64, _: SendFlags) -> Result<(), Failure> {
        Ok(())
    }
    fn is_aborted(&mut self) -> bool {
        false
    }
    fn log(&mut self, _: &LogRecord<'_>) {}
    fn log_level(&mut self) -> Level {
        Level::Info
    }
}

impl wsgi_core::engine::Host for Patient {}

#[test]
fn an_answer_does_not_wait_for_the_body() {
    let site = site();
    let headers = [Pair::new(b"Content-Length", b"1000")];
    let mut info = RequestInfo::new("POST", "/answer-first");
    info.script_type = FileType::Regular;
    info.settings = Resolved::of([&site.layer]);
    info.headers = &headers;
    let mut host = Patient {
        answered: false,
        read_before: false,
    };
    let served = site.engine.request(&info).unwrap().serve(&mut host);
    served.result.unwrap();
    assert!(host.answered && !host.read_before);
}

/// A host that looks at the file it is given.
#[derive(Default)]
struct Files(Vec<u8>);

impl Exchange for Files {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, ReadFailure> {
        Ok(0)
    }
    fn send_head(&mut self, _: &Head<'_>) -> Result<(), Failure> {
        Ok(())
    }
    fn send(&mut self, _: &[u8], _: SendFlags) -> Result<(), Failure> {
        Ok(())
    }
    fn send_file(
        &mut self,
        fd: i32,
        offset: u64,
        length: u64,
        _: SendFlags,
    ) -> Result<(), Failure> {
        use std::os::unix::fs::FileExt;
        let file = std::fs::File::open(format!("/proc/self/fd/{fd}")).unwrap();
        self.0 = vec![0; length as usize];
        file.read_exact_at(&mut self.0, offset).unwrap();
        Ok(())
    }
    fn is_aborted(&mut self) -> bool {
        false
    }
    fn log(&mut self, _: &LogRecord<'_>) {}
    fn log_level(&mut self) -> Level {
        Level::Info
    }
}

impl wsgi_core::engine::Host for Files {}

#[test]
fn files_come_as_descriptors() {
    let site = site();
    let mut info = RequestInfo::new("GET", "/file");
    info.script_type = FileType::Regular;
    info.settings = Resolved::of([&site.layer]);
    for _ in 0..100 {
        let mut host = Files::default();
        let served = site.engine.request(&info).unwrap().serve(&mut host);
        served.result.unwrap();
        let program = std::fs::read(env!("CARGO_BIN_EXE_wsgi-daemon")).unwrap();
        assert!(host.0 == program[4..200_004]);
        assert_eq!(served.outcome.bytes_out, 200_000);
    }
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 200, "{open} descriptors are open");
}

#[test]
fn a_large_environ_arrives() {
    let site = site();
    let value = vec![b'x'; 1 << 20];
    let headers = [Pair::new(b"X-Large", &value)];
    let mut info = RequestInfo::new("GET", "/app");
    info.script_type = FileType::Regular;
    info.settings = Resolved::of([&site.layer]);
    info.headers = &headers;
    let mut host = Memory::default();
    host.serve(&site.engine, &info).result.unwrap();
    assert_eq!(host.value("HTTP_X_LARGE").unwrap().len(), 1 << 20);
}

#[test]
fn a_client_that_has_gone_costs_one_request() {
    let site = site();
    for _ in 0..20 {
        let mut host = Memory {
            fail_send: true,
            ..Memory::default()
        };
        let served = site.serve(&mut host, "/big", "10000000");
        assert_eq!(served.result.unwrap_err().http_status(), 500);
        site.worker();
    }
}

#[test]
fn groups_are_selected_restricted_and_hidden() {
    let site = Site::with(&[], |config| {
        config
            .add_group(
                b"other",
                Some(b"other.example"),
                &settings(&[("threads", "1")]),
            )
            .unwrap();
    });
    let refused = |options: &[(&str, &str)], host: &'static str| {
        let mut layer = Settings::new(Scope::Directory);
        for (name, value) in options {
            layer.set(name, value.as_bytes()).unwrap();
        }
        let mut info = RequestInfo::new("GET", "/pid");
        info.script_type = FileType::Regular;
        info.server_hostname = Bytes::from(host);
        info.settings = Resolved::of([&layer]);
        let served = Memory::default().serve(&site.engine, &info);
        served
            .result
            .err()
            .map(|error| (error.id().0, error.http_status()))
    };
    assert_eq!(refused(&[("process-group", "group")], "a.example"), None);
    assert_eq!(
        refused(&[("process-group", "nobody")], "a.example"),
        Some((60, 500))
    );
    assert_eq!(
        refused(&[("process-group", "other")], "a.example"),
        Some((63, 500))
    );
    assert_eq!(
        refused(&[("process-group", "other")], "OTHER.example"),
        None
    );
    let only = |allowed, group| [("restrict-process", allowed), ("process-group", group)];
    assert_eq!(refused(&only("other x", "group"), "a"), Some((62, 500)));
    assert_eq!(refused(&only("x group", "group"), "a"), None);
    assert_eq!(refused(&only("group", "%{GLOBAL}"), "a"), Some((62, 500)));
    assert_eq!(refused(&only("%{GLOBAL}", "%{GLOBAL}"), "a"), None);
}

#[test]
fn groups_are_checked_when_they_are_defined() {
    let mut config = support::config();
    assert!(config.add_group(b"", None, &settings(&[])).is_err());
    assert!(
        config
            .add_group(b"a", None, &Settings::new(Scope::Directory))
            .is_err()
    );
    assert!(
        config
            .add_group(
                b"a",
                None,
                &settings(&[("script-user", "root"), ("script-group", "root")])
            )
            .is_err()
    );
    config.add_group(b"a", None, &settings(&[])).unwrap();
    assert!(config.add_group(b"a", None, &settings(&[])).is_err());
    let mut settings = Settings::new(Scope::Group);
    for (name, value) in [
        ("user", "root"),
        ("user", "#0"),
        ("user", "no-such-user"),
        ("threads", "65534"),
        ("threads", "5x"),
        ("umask", "8"),
        ("home", "relative"),
        ("send-buffer-size", "511"),
        ("header-buffer-size", "8191"),
        ("response-buffer-size", "65535"),
        ("graceful-timeout", "-1"),
        ("memory-limit", "99999999999999999999"),
        ("cpu-priority", "21"),
        ("processes", "0"),
        ("no-such-option", "1"),
    ] {
        let error = settings.set(name, value.as_bytes()).unwrap_err();
        assert!(
            matches!(error, Error::OptionValue(_) | Error::OptionUnknown { .. }),
            "{name}"
        );
    }
}

#[test]
fn the_python_of_each_group_is_found_when_the_configuration_is_checked() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("pyvenv.cfg"), "version = 3.12.7\n").unwrap();
    let runtimes = support::site::runtimes(
        &support::site::target().join("examples/libfake_runtime.so"),
        "3.99",
    );
    let mut config = support::site::configured(runtimes.path(), &[]);
    config.check().unwrap();
    let home = home.path().to_str().unwrap();
    config
        .add_group(b"old", None, &settings(&[("python-home", home)]))
        .unwrap();
    let error = config.check().unwrap_err();
    assert_eq!(error.id().0, 20);
    let text = error.to_string();
    for part in ["process group 'old'", "Python 3.12", "3.99", home] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn scripts_of_others_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("app.wsgi");
    std::fs::write(&script, "").unwrap();
    let owner = format!(
        "#{}",
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&script).unwrap())
    );
    let site = Site::new(&[("script-user", &owner)]);
    let code = |mode| {
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(mode)).unwrap();
        let served = site.serve(&mut Memory::default(), script.to_str().unwrap(), "");
        served.outcome.code
    };
    assert_eq!([code(0o644), code(0o664), code(0o646)], [200, 403, 403]);
}
