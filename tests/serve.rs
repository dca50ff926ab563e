//! Requests through the Rust interface, with a host in memory and a runtime without Python.

mod support;

use support::{Memory, config, started};
use wsgi_core::engine::{Error, FileType, Refusal, RequestInfo, Resolved, Scope, Settings};
use wsgi_core_abi::{Bytes, MessageId, Pair};
use wsgi_core_http::BodyError;

/// A request for a script that is said to exist.
fn info<'a>(method: &'a str, script: &'a str) -> RequestInfo<'a> {
    let mut info = RequestInfo::new(method, script);
    info.script_type = FileType::Regular;
    info.server_hostname = Bytes::from("example.org");
    info
}

fn layer(scope: Scope, options: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::new(scope);
    for (name, value) in options {
        settings.set(name, value.as_bytes()).unwrap();
    }
    settings
}

#[test]
fn an_environ_is_built_from_variables_headers_and_facts() {
    let (engine, _) = started(&config());
    let mut host = Memory {
        body: b"0123456789".to_vec(),
        ..Memory::default()
    };
    let headers = [
        Pair::new(b"Host", b"www.example.org"),
        Pair::new(b"X-A", b"1"),
        Pair::new(b"x-a", b"2"),
        Pair::new(b"Authorization", b"secret"),
        Pair::new(b"Content-Length", b"10"),
    ];
    let variables = [
        Pair::new(b"HTTPS", b"on"),
        Pair::new(b"HTTP_X_A", b"variable"),
        Pair::new(b"REQUEST_METHOD", b"variable"),
        Pair::new(b"DOCUMENT_ROOT", b"/var/www"),
    ];
    let mut info = info("POST", "/srv/app.wsgi");
    info.headers = &headers;
    info.variables = &variables;
    info.script_name = Bytes::from("/a//b");
    info.path_info = Bytes::from("//c");
    info.query_string = Bytes::from("q=1");
    info.remote_port = 4711;
    info.server_port = 8443;
    let served = host.serve(&engine, &info);
    served.result.unwrap();
    for (name, value) in [
        ("REQUEST_METHOD", Some("POST")),
        ("SCRIPT_NAME", Some("/a/b")),
        ("PATH_INFO", Some("/c")),
        ("QUERY_STRING", Some("q=1")),
        ("SERVER_NAME", Some("example.org")),
        ("SERVER_PORT", Some("8443")),
        ("REMOTE_PORT", Some("4711")),
        ("SERVER_PROTOCOL", Some("HTTP/1.0")),
        ("SCRIPT_FILENAME", Some("/srv/app.wsgi")),
        ("DOCUMENT_ROOT", Some("/var/www")),
        ("CONTENT_LENGTH", Some("10")),
        ("HTTP_HOST", Some("www.example.org")),
        ("HTTP_X_A", Some("1, 2")),
        ("HTTP_AUTHORIZATION", None),
        ("HTTPS", None),
        ("REMOTE_ADDR", None),
        ("mod_wsgi.request_handler", Some("wsgi-script")),
        ("mod_wsgi.application_group", Some("example.org:8443|/a/b")),
        ("mod_wsgi.process_group", Some("")),
        ("mod_wsgi.listener_port", Some("8443")),
        ("mod_wsgi.request_id", None),
        ("callable", Some("application")),
        ("https", Some("true")),
        ("reloading", Some("true")),
        ("sendfile", Some("false")),
    ] {
        assert_eq!(host.value(name).as_deref(), value, "{name}");
    }
    assert_eq!(
        host.value("mod_wsgi.server_pid"),
        Some(std::process::id().to_string())
    );
    assert!(host.text().ends_with("0123456789"));
    assert_eq!((served.outcome.code, served.outcome.bytes_in), (200, 10));
    assert_eq!(host.log.lines(), ["Error from the application"]);
}

#[test]
fn settings_reach_the_runtime() {
    let (engine, _) = started(&config());
    let outer = layer(
        Scope::Directory,
        &[
            ("script-reloading", "Off"),
            ("enable-sendfile", "On"),
            ("error-override", "On"),
            ("map-head-to-get", "On"),
        ],
    );
    let script = layer(
        Scope::Script,
        &[
            ("application-group", "%{ENV:group}"),
            ("callable-object", "app"),
            ("pass-authorization", "On"),
        ],
    );
    let headers = [
        Pair::new(b"Authorization", b"a"),
        Pair::new(b"Proxy-Authorization", b"b"),
    ];
    let mut info = info("HEAD", "/app");
    info.headers = &headers;
    info.settings = Resolved::of([&outer, &script]);
    let mut host = Memory::default();
    host.variables.insert("group", "%{SERVER}");
    host.serve(&engine, &info).result.unwrap();
    for (name, value) in [
        ("REQUEST_METHOD", Some("GET")),
        ("HTTP_AUTHORIZATION", Some("a")),
        ("HTTP_PROXY_AUTHORIZATION", None),
        ("group", Some("example.org")),
        ("callable", Some("app")),
        ("reloading", Some("false")),
        ("sendfile", Some("true")),
        ("override", Some("true")),
    ] {
        assert_eq!(host.value(name).as_deref(), value, "{name}");
    }
}

#[test]
fn variables_are_looked_up_at_the_host_then_the_request_then_the_process() {
    let (engine, _) = started(&config());
    let settings = layer(
        Scope::Directory,
        &[("application-group", "%{ENV:CARGO_PKG_NAME}")],
    );
    let variables = [Pair::new(b"CARGO_PKG_NAME", b"request")];
    let mut info = info("GET", "/app");
    info.settings = Resolved::of([&settings]);
    let group = |host: &mut Memory, info: &RequestInfo<'_>| {
        host.serve(&engine, info).result.unwrap();
        host.value("group").unwrap()
    };
    assert_eq!(group(&mut Memory::default(), &info), "wsgi_core");
    info.variables = &variables;
    assert_eq!(group(&mut Memory::default(), &info), "request");
    let mut host = Memory::default();
    host.variables.insert("CARGO_PKG_NAME", "host");
    assert_eq!(group(&mut host, &info), "host");
}

#[test]
fn the_only_application_runs_in_the_main_interpreter() {
    let mut config = config();
    let mapping = wsgi_core::engine::Mapping {
        script: b"/app",
        ..Default::default()
    };
    config.add_application(&mapping, []).unwrap();
    let (engine, log) = started(&config);
    let group = |script| {
        let mut host = Memory::default();
        host.serve(&engine, &info("GET", script)).result.unwrap();
        host.value("group").unwrap()
    };
    assert_eq!(group("/app"), "");
    assert_eq!(group("/other"), "example.org|");
    let line = "Info The default application group is the main interpreter, because /app is the only application";
    assert_eq!(log.lines()[0], line);
}

#[test]
fn requests_are_refused_in_the_order_of_the_rules() {
    let (engine, _) = started(&config());
    let chunked = [Pair::new(b"Transfer-Encoding", b"chunked")];
    let gzip = [Pair::new(b"Transfer-Encoding", b"gzip")];
    let malformed = [Pair::new(b"Content-Length", b"1x")];
    let long = [Pair::new(b"Content-Length", b"11")];
    let group = layer(Scope::Directory, &[("process-group", "nobody")]);
    let base = info("GET", "/app");
    let check = |info: RequestInfo<'_>, refusal: Refusal, code| {
        let mut host = Memory::default();
        let served = host.serve(&engine, &info);
        let Err(Error::Refused(found)) = served.result else {
            panic!("{refusal:?} expected");
        };
        assert_eq!(
            (&found, found.http_status(), served.outcome.code),
            (&refusal, code, code)
        );
        assert!(host.head.is_none() && !served.outcome.head_sent);
        assert_eq!(
            host.log.lines(),
            [format!("Error {}: [script /app] {refusal}", refusal.id())]
        );
    };
    let limit = BodyError::Limit {
        length: 11,
        limit: 10,
    };
    let settings = Resolved::of([&group]);
    let script_type = FileType::Missing;
    check(
        RequestInfo {
            script_type,
            ..base
        },
        Refusal::ScriptMissing,
        404,
    );
    let script_type = FileType::Directory;
    check(
        RequestInfo {
            script_type,
            ..base
        },
        Refusal::ScriptDirectory,
        403,
    );
    let beyond = RequestInfo {
        path_info: Bytes::from("/x"),
        path_info_refused: true,
        headers: &gzip,
        ..base
    };
    check(beyond, Refusal::PathInfo, 404);
    check(
        RequestInfo {
            headers: &gzip,
            settings,
            ..base
        },
        BodyError::TransferEncoding.into(),
        501,
    );
    check(
        RequestInfo {
            headers: &chunked,
            ..base
        },
        BodyError::Chunked.into(),
        411,
    );
    check(
        RequestInfo {
            headers: &malformed,
            settings,
            ..base
        },
        BodyError::ContentLength.into(),
        400,
    );
    let body_limit = 10;
    check(
        RequestInfo {
            headers: &long,
            body_limit,
            ..base
        },
        limit.into(),
        413,
    );
    check(
        RequestInfo { settings, ..base },
        Refusal::GroupUnknown("nobody".to_owned()),
        500,
    );
}

#[test]
fn a_script_is_looked_for_where_the_host_did_not() {
    let (engine, _) = started(&config());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let script = format!("{path}/app.wsgi");
    let code = |script: &str| {
        let mut host = Memory::default();
        let served = host.serve(&engine, &RequestInfo::new("GET", script));
        (served.outcome.code, host.value("mtime"))
    };
    assert_eq!(code(&script), (404, None));
    assert_eq!(code(&format!("{script}/below")), (404, None));
    assert_eq!(code(path), (403, None));
    std::fs::write(&script, "").unwrap();
    assert_eq!(code(&script), (200, Some("true".to_owned())));
}

#[test]
fn failures_of_the_runtime_become_errors() {
    let (engine, _) = started(&config());
    let serve = |script| {
        let mut host = Memory::default();
        let served = host.serve(&engine, &info("GET", script));
        (served.outcome, served.result)
    };
    let (outcome, result) = serve("/raise");
    let error = result.unwrap_err();
    assert_eq!(
        (error.http_status(), error.head_sent(), error.id()),
        (500, false, MessageId::APPLICATION_RAISED)
    );
    assert_eq!(
        (error.to_string().as_str(), outcome.code),
        ("ValueError", 500)
    );
    let (outcome, result) = serve("/late");
    assert!(result.unwrap_err().head_sent() && outcome.head_sent && !outcome.complete);
    assert_eq!(serve("/closed").1.unwrap_err().http_status(), 503);
    let (outcome, result) = serve("/override");
    assert!(result.is_ok() && !outcome.head_sent && outcome.code == 404);
    let mut host = Memory {
        fail_send: true,
        ..Memory::default()
    };
    assert!(
        host.serve(&engine, &info("GET", "/app"))
            .result
            .unwrap_err()
            .head_sent()
    );
}

#[test]
fn after_a_bug_in_the_runtime_nothing_is_served() {
    let (engine, log) = started(&config());
    let mut host = Memory::default();
    assert!(host.serve(&engine, &info("GET", "/panic")).result.is_err());
    assert!(matches!(
        host.serve(&engine, &info("GET", "/app")).result,
        Err(Error::Panic)
    ));
    assert!(
        log.lines().last().unwrap().starts_with("Critical WC0090: "),
        "{:?}",
        log.lines()
    );
}
