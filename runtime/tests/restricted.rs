//! An interpreter of a daemon process with everything restricted, on a host whose file names do not
//! differ by case.

mod harness;

use harness::{Script, server_log, settings, start_with};
use wsgi_core_abi::{Bytes, Flag, InterpreterLayer, Level, RuntimeSettings, Slice};

/// A directory with an installed package `mod_wsgi` that cannot be imported.
fn broken_package() -> &'static str {
    let directory = concat!(env!("CARGO_TARGET_TMPDIR"), "/restricted");
    let package = std::path::Path::new(directory).join("mod_wsgi");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("__init__.py"), "raise ValueError('broken')\n").unwrap();
    directory
}

fn restricted() -> RuntimeSettings<'static> {
    let path = ["/one", broken_package(), "/t\0wo", "/three"].map(Bytes::from);
    let layers = vec![InterpreterLayer {
        // One of them is refused by Python.
        python_path: Slice::new(path.to_vec().leak()),
        restrict_stdin: Flag::ON,
        restrict_stdout: Flag::ON,
        restrict_signal: Flag::OFF,
        ..InterpreterLayer::EMPTY
    }];
    RuntimeSettings {
        layers: Slice::new(layers.leak()),
        case_sensitive: false,
        process_group: Bytes::new(b"back \"end\""),
        host_name: Bytes::new(b"other"),
        ..settings()
    }
}

fn evaluate(group: &str, code: &str) -> String {
    start_with(restricted);
    Script::evaluator()
        .request()
        .group(group)
        .code(code)
        .expect_ok()
}

fn raised(group: &str, statement: &str) -> String {
    let code = format!(
        "import sys\ntry: {statement}; result = None\nexcept OSError as error: result = error"
    );
    evaluate(group, &code)
}

#[test]
fn restricted_streams_cannot_be_used() {
    for group in ["", "sub"] {
        let stdin = "sys.stdin is restricted by the configuration of the server";
        assert_eq!(raised(group, "sys.stdin.read()"), stdin);
        assert_eq!(raised(group, "input()"), stdin);
        let stdout = "sys.stdout is restricted by the configuration of the server";
        assert_eq!(raised(group, "print('x')"), stdout);
        assert_eq!(raised(group, "sys.stdout.anything"), stdout);
        assert_eq!(raised(group, "print('x', file=sys.stderr)"), "None");
    }
}

#[test]
fn signals_may_be_left_to_the_application() {
    let code = "import signal\n\
        try: signal.signal(signal.SIGUSR1, signal.SIG_DFL); result = 'set'\n\
        except ValueError: result = 'real'";
    assert_eq!(evaluate("", code), "real");
}

#[test]
fn only_httpd_has_a_module_apache() {
    let code = "import sys, mod_wsgi; result = 'apache' in sys.modules, mod_wsgi.process_group, \
                environ['other.version']";
    assert_eq!(evaluate("", code), "(False, 'back \"end\"', (2, 4, 62))");
}

#[test]
fn names_that_differ_by_case_are_one_script() {
    start_with(restricted);
    let script = Script::new(
        "name = __name__\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [name.encode()]\n",
    );
    let name = script.get();
    // The directory of the test may be spelled in upper case: the module is found all the same.
    let upper = script.path().to_uppercase();
    let call = harness::Call {
        script: &upper,
        ..script.request()
    };
    assert_eq!(call.expect_ok(), name);
}

#[test]
fn a_path_entry_that_fails_ends_the_path() {
    let code = "import sys; result = sys.path[0], '/three' in sys.path";
    assert_eq!(evaluate("sub", code), "('/one', False)");
    let log = server_log();
    let failure = log
        .iter()
        .position(|line| line.text.starts_with("WC0032: "))
        .unwrap();
    assert_eq!(log[failure].level, Level::Error);
    assert!(
        log[failure]
            .text
            .contains("in main interpreter of daemon process 'back \"end\"'")
    );
    assert!(log[failure + 1].text.starts_with("Traceback"));
}

#[test]
fn exceptions_name_the_daemon_process() {
    start_with(restricted);
    let script = Script::new("raise ValueError");
    let response = script.request().group("sub").send();
    let context = "in sub-interpreter 'sub' of daemon process 'back \"end\"'";
    assert!(response.logged(context), "{}", response.log_text());
}

#[test]
fn a_set_up_step_that_fails_is_logged_and_the_rest_is_done() {
    let code = "import mod_wsgi; result = mod_wsgi.version, hasattr(mod_wsgi, '__path__')";
    assert_eq!(evaluate("", code), "((6, 1, 1), False)");
    let log = server_log();
    let failure = log
        .iter()
        .position(|line| line.text.starts_with("WC0033: "))
        .unwrap();
    let expected =
        "WC0033: the installed module mod_wsgi could not be imported in main interpreter";
    assert!(
        log[failure].text.starts_with(expected),
        "{}",
        log[failure].text
    );
    assert!(
        log[failure..]
            .iter()
            .any(|line| line.text == "ValueError: broken")
    );
}
