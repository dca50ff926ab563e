//! Life of an engine through the Rust interface.

mod support;

use std::time::Duration;
use support::{Log, Memory, config, started};
use wsgi_core::engine::{Engine, Error, FileType, Mapping, RequestInfo, Scope, Settings};

fn serve(engine: &Engine, script: &str) -> (Result<(), Error>, Memory) {
    let mut host = Memory::default();
    let mut info = RequestInfo::new("GET", script);
    info.script_type = FileType::Regular;
    let served = host.serve(engine, &info);
    (served.result, host)
}

#[test]
fn requests_need_a_started_engine() {
    let log = Log::default();
    let engine = Engine::prepare(&config(), Box::new(log.clone())).unwrap();
    assert_eq!(engine.python_version(), Some(c"3.99"));
    assert!(matches!(serve(&engine, "/app").0, Err(Error::State(_))));
    assert!(log.lines().is_empty());
    engine.start().unwrap();
    assert!(matches!(engine.start(), Err(Error::State(_))));
    assert!(serve(&engine, "/app").0.is_ok());
    engine.stop(Duration::from_secs(1)).unwrap();
    let (result, host) = serve(&engine, "/app");
    assert!(matches!(result, Err(Error::Closed)));
    assert_eq!(
        host.log.lines(),
        ["Info WC0080: [script /app] the engine takes no more requests"]
    );
    assert!(matches!(engine.start(), Err(Error::State(_))));
    engine.stop(Duration::ZERO).unwrap();
}

#[test]
fn python_starts_with_the_first_request_and_a_failure_is_logged_once() {
    let mut config = config();
    config.set("host-name", b"broken").unwrap();
    let (engine, log) = started(&config);
    assert_eq!(log.lines().len(), 1);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let engine = engine.clone();
            std::thread::spawn(move || {
                let (result, host) = serve(&engine, "/app");
                (result.unwrap_err(), host.log.lines().len())
            })
        })
        .collect();
    for thread in threads {
        let (error, lines) = thread.join().unwrap();
        assert_eq!(
            (error.http_status(), error.to_string().as_str(), lines),
            (500, "no module named encodings", 0)
        );
    }
    assert_eq!(
        log.lines()[1..],
        ["Critical WC0030: no module named encodings"]
    );
}

#[test]
fn options_of_the_process_reach_python_and_fixed_scripts_are_loaded_ahead() {
    let mut config = config();
    for (name, value) in [
        ("threads", "25"),
        ("processes", "3"),
        ("python-optimize", "2"),
        ("python-hash-seed", "7"),
        ("python-path", "/a:/b"),
        ("host-name", "apache"),
        ("host-version", "2.4.62"),
    ] {
        config.set(name, value.as_bytes()).unwrap();
    }
    let mut layer = Settings::new(Scope::Script);
    layer.set("process-group", b"%{GLOBAL}").unwrap();
    layer.set("application-group", b"sub").unwrap();
    let ahead = Mapping {
        script: b"/ahead",
        ..Mapping::default()
    };
    config.add_application(&ahead, [&layer]).unwrap();
    let (engine, log) = started(&config);
    assert!(
        log.lines()
            .contains(&"Notice fake Python started".to_owned())
    );
    let calls = serve(&engine, "/calls").1.text();
    let start = "start threads=25 processes=3 optimize=2 seed=7 path=2 host=apache [2, 4, 62]";
    assert!(
        calls.contains(start) && calls.contains("load /ahead in 'sub'"),
        "{calls}"
    );
}

#[test]
fn a_home_that_can_not_be_examined_is_a_warning() {
    let mut config = config();
    config.set("python-home", b"/nonexistent").unwrap();
    let log = Log::default();
    Engine::prepare(&config, Box::new(log.clone())).unwrap();
    let lines = log.lines();
    assert!(
        lines[0].starts_with("Warning WC0023: python-home /nonexistent can't be examined: "),
        "{lines:?}"
    );
}

#[test]
fn a_home_of_another_python_is_an_error_that_names_both() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("pyvenv.cfg"), "version = 3.12.1\n").unwrap();
    let mut config = config();
    config
        .set("python-home", home.path().to_str().unwrap().as_bytes())
        .unwrap();
    let message = config.check().unwrap_err().to_string();
    assert!(
        message.contains("3.12") && message.contains("3.99"),
        "{message}"
    );
    assert!(Engine::prepare(&config, Box::new(Log::default())).is_err());
}

#[test]
fn restricted_processes_serve_nothing() {
    let mut config = config();
    config.set("restrict-embedded", b"On").unwrap();
    let (engine, _) = started(&config);
    let (result, host) = serve(&engine, "/app");
    assert_eq!(result.unwrap_err().http_status(), 500);
    assert!(host.log.lines()[0].starts_with("Error WC0061: [script /app] "));
}

#[test]
fn nothing_is_logged_once_the_engine_is_gone() {
    let log = Log::default();
    let engine = Engine::prepare(&config(), Box::new(log.clone())).unwrap();
    engine.start().unwrap();
    serve(&engine, "/app").0.unwrap();
    drop(engine);
    assert!(
        log.lines()
            .contains(&"Notice fake Python started".to_owned())
    );
}

#[cfg(not(feature = "python"))]
#[test]
fn without_a_runtime_there_is_no_engine() {
    let mut config = wsgi_core::engine::Config::new();
    config.set("runtime-dir", b"/nonexistent").unwrap();
    let error = Engine::prepare(&config, Box::new(Log::default()))
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "no runtime is installed in /nonexistent");
}
