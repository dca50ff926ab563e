//! Loading scripts, loading them again, and scripts that fail.

mod harness;

use harness::{Call, Script, load, server_logged, start, try_start};
use wsgi_core_abi::{Level, MessageId, Status};

/// An application that answers with a number of its module and counts how often that was loaded.
fn numbered(number: u32) -> String {
    format!(
        "import sys\n\
         sys.loads = getattr(sys, 'loads', {{}})\n\
         sys.loads[__file__] = sys.loads.get(__file__, 0) + 1\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [b'{number} %d' % sys.loads[__file__]]\n"
    )
}

fn failing(source: &str) -> (Script, harness::Response) {
    let script = Script::new(source);
    let response = script.request().send();
    assert_eq!(response.status, Status::APPLICATION);
    assert_eq!(response.outcome.code, 500);
    assert_eq!(response.code, None);
    (script, response)
}

#[test]
fn an_unchanged_script_is_loaded_once() {
    start();
    let script = Script::new(&numbered(1));
    for _ in 0..3 {
        assert_eq!(script.get(), "1 1");
    }
}

#[test]
fn python_starts_once() {
    start();
    let (status, problem) = try_start(&harness::settings());
    assert_eq!((status, problem.id), (Status::PYTHON, MessageId::STATE));
}

#[test]
fn loading_is_logged_with_its_interpreter() {
    start();
    let script = Script::new(&numbered(1));
    let path = script.path();
    let response = script.request().send();
    let expected = format!("Loading WSGI script '{path}' in main interpreter in embedded mode");
    let line = response
        .log
        .iter()
        .find(|line| line.text == expected)
        .unwrap();
    assert_eq!(line.level, Level::Info);

    script.write(&numbered(2));
    let response = script.request().group("logged").send();
    assert!(response.logged(&format!(
        "Loading WSGI script '{path}' in sub-interpreter 'logged'"
    )));
    let response = script.request().send();
    assert!(response.logged(&format!(
        "Reloading WSGI script '{path}' in main interpreter"
    )));
}

#[test]
fn a_changed_script_is_loaded_again_unless_that_is_off() {
    start();
    let script = Script::new(&numbered(1));
    assert_eq!(script.get(), "1 1");
    script.write(&numbered(2));
    let fixed = Call {
        reloading: false,
        ..script.request()
    };
    assert_eq!(fixed.expect_ok(), "1 1");
    assert_eq!(script.get(), "2 2");
    assert_eq!(script.get(), "2 2");
}

#[test]
fn the_modification_time_may_come_with_the_request() {
    start();
    let script = Script::new(&numbered(1));
    let at = |mtime_us| Call {
        mtime_us,
        ..script.request()
    };
    assert_eq!(at(1_000).expect_ok(), "1 1");
    script.write(&numbered(2));
    assert_eq!(at(1_000).expect_ok(), "1 1");
    // Older counts as changed, too.
    assert_eq!(at(999).expect_ok(), "2 2");
}

#[test]
fn a_module_may_ask_to_be_loaded_again() {
    start();
    let source = numbered(1)
        + "def reload_required(path): return sys.again.pop()\nsys.again = [False, True]\n";
    let script = Script::new(&source);
    assert_eq!(script.get(), "1 1");
    assert_eq!(script.get(), "1 2");
    // The new module was asked once and said no.
    let source = numbered(1) + "def reload_required(path): raise ValueError(path)\n";
    script.write(&source);
    assert_eq!(script.get(), "1 3");
    let response = script.request().send();
    assert_eq!(response.body, "1 3");
    assert!(
        response.logged(&format!("ValueError: {}", script.path())),
        "{response:#?}"
    );
}

#[test]
fn a_module_knows_itself() {
    start();
    let source = "# -*- coding: latin-1 -*-\n\
        import sys, inspect\n\
        text = '\u{e9}'\n\
        def application(environ, start_response):\n\
        \x20   start_response('200 OK', [])\n\
        \x20   import builtins\n\
        \x20   facts = [__name__.startswith('_mod_wsgi_'), len(__name__), __file__ == environ['test.code'],\n\
        \x20            type(__mtime__) is int, __mtime__ % 1000000, sys.modules[__name__].__dict__ is globals(),\n\
        \x20            text == '\\xc3\\xa9', inspect.getsource(application).startswith('def application'),\n\
        \x20            __spec__.origin == __file__, not __package__]\n\
        \x20   return [repr(facts).encode()]\n";
    let script = Script::new(source);
    let call = Call {
        mtime_us: 1_234_567_000_123,
        ..script.request()
    };
    let body = call.code(script.path()).expect_ok();
    assert_eq!(
        body,
        "[True, 42, True, True, 123, True, True, True, True, True]"
    );
}

#[test]
fn any_global_may_be_the_callable() {
    start();
    let script = Script::new(&(numbered(7) + "handler = application\nnumber = 3\n"));
    let call = Call {
        callable: "handler",
        ..script.request()
    };
    assert_eq!(call.expect_ok(), "7 1");

    let missing = Call {
        callable: "other",
        ..script.request()
    };
    let response = missing.send();
    assert_eq!(
        (response.status, response.outcome.code),
        (Status::APPLICATION, 500)
    );
    assert!(response.logged("WC0043: ") && response.logged("has no callable 'other'"));

    let number = Call {
        callable: "number",
        ..script.request()
    };
    assert!(
        number
            .send()
            .logged("TypeError: 'int' object is not callable")
    );
}

#[test]
fn a_missing_script_is_an_error_each_time() {
    start();
    let script = Script::new("");
    let call = Call {
        script: "/nonexistent/app.wsgi",
        ..script.request()
    };
    for _ in 0..2 {
        let response = call.send();
        assert_eq!(
            (response.status, response.outcome.code),
            (Status::APPLICATION, 500)
        );
        assert!(response.logged("WC0040: "));
        assert!(response.logged("cannot read WSGI script '/nonexistent/app.wsgi': No such file"));
    }
}

#[test]
fn a_syntax_error_is_reported_with_its_line() {
    start();
    let (script, response) = failing("x = 1\ndef broken(:\n");
    assert!(response.logged("WC0040: "), "{response:#?}");
    assert!(response.logged("SyntaxError exception raised processing WSGI script"));
    assert!(response.logged(&format!("  File \"{}\", line 2", script.path())));
}

#[test]
fn a_script_that_raises_is_retried_and_leaves_no_module() {
    start();
    let source = "import sys\n\
        sys.failures = getattr(sys, 'failures', 0) + 1\n\
        sys.failed_name = __name__\n\
        def inner(): raise ValueError('attempt %d' % sys.failures)\n\
        inner()\n";
    let (script, response) = failing(source);
    let path = script.path();
    let expected = format!(
        "[script {path}] ValueError exception raised processing WSGI script '{path}' in main \
         interpreter in embedded mode\n\
         Traceback (most recent call last):\n\
         \x20 File \"{path}\", line 5, in <module>\n\
         \x20   inner()"
    );
    assert!(
        response.log_text().contains(&expected),
        "{}",
        response.log_text()
    );
    let heading = response
        .log
        .iter()
        .find(|line| line.text.contains("exception raised"))
        .unwrap();
    assert!(heading.text.starts_with("WC0042: [script "));
    assert_eq!(heading.level, Level::Error);
    assert!(response.logged("ValueError: attempt 1"));
    assert_eq!(response.log_text().matches("Traceback").count(), 1);

    assert!(script.request().send().logged("ValueError: attempt 2"));
    let evaluator = Script::evaluator();
    let code = "import sys; result = sys.failed_name in sys.modules";
    assert_eq!(evaluator.request().code(code).expect_ok(), "False");

    script.write(&numbered(4));
    assert_eq!(script.get(), "4 1");
}

#[test]
fn a_reload_that_fails_does_not_fall_back_to_the_old_module() {
    start();
    let script = Script::new(&numbered(1));
    assert_eq!(script.get(), "1 1");
    script.write("raise ValueError");
    let response = script.request().send();
    assert_eq!(response.outcome.code, 500);
    assert!(response.logged("Reloading WSGI script"));
    assert_eq!(script.request().send().outcome.code, 500);
    script.write(&numbered(2));
    assert_eq!(script.get(), "2 2");
}

#[test]
fn system_exit_does_not_end_the_process() {
    start();
    let (_script, response) = failing("import sys\nsys.exit(3)\n");
    assert!(response.logged("WC0041: "));
    assert!(response.logged("SystemExit exception raised by WSGI script"));
    assert!(response.logged("SystemExit: 3"));
}

#[test]
fn an_exception_without_text_is_reported_all_the_same() {
    start();
    let source = "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd\n";
    let (_script, response) = failing(source);
    assert!(response.logged("Odd exception raised processing WSGI script"));
    let source = "raise ValueError('\\ud800 surrogate\\n\\nsecond line')";
    let (_script, response) = failing(source);
    assert!(response.logged("\\ud800 surrogate"));
    assert!(response.log.iter().any(|line| line.text == "second line"));
    assert!(response.log.iter().all(|line| !line.text.is_empty()));
}

#[test]
fn long_lines_are_cut() {
    start();
    let (_script, response) = failing("raise ValueError('x' * 20000)");
    assert!(response.log.iter().any(|line| line.text.len() == 8191));
    assert!(response.log.iter().all(|line| line.text.len() <= 8191));
}

#[test]
fn preloading_loads_what_requests_use() {
    start();
    let script = Script::new(&numbered(5));
    assert_eq!(load(&script, "").0, Status::OK);
    assert!(server_logged(&format!(
        "Loading WSGI script '{}'",
        script.path()
    )));
    let response = script.request().send();
    assert_eq!(response.body, "5 1");
    assert!(!response.logged("Loading"));

    let script = Script::new("raise KeyError('early')");
    let (status, problem) = load(&script, "preloaded");
    assert_eq!(
        (status, problem.id),
        (Status::APPLICATION, MessageId::SCRIPT_RAISED)
    );
    assert!(server_logged("KeyError: 'early'"));
}

#[test]
fn an_extension_that_refuses_sub_interpreters_is_named() {
    start();
    let source = "def load():\n    raise ImportError('cannot load module more than once per process')\n\
        try:\n    load()\nexcept ImportError as error:\n    raise RuntimeError('outer') from error\n";
    let script = Script::new(source);
    let refused = |response: &harness::Response| response.log_text().matches("WC0034").count();
    let response = script.request().group("refused").send();
    assert_eq!(refused(&response), 1, "{}", response.log_text());
    assert!(response.logged("extension module '_mod_wsgi_"));
    assert!(response.logged("WSGIApplicationGroup %{GLOBAL}"));
    // In the main interpreter that advice would be none.
    assert_eq!(refused(&script.request().send()), 0);

    for (text, name) in [
        (
            "ImportError('module fast.core does not support loading in subinterpreters')",
            "fast.core",
        ),
        (
            "ImportError('PyO3 modules do not yet support subinterpreters', name='rusty')",
            "rusty",
        ),
        (
            "ImportError('Interpreter change detected - this module', path='/x/cy.cpython-311.so')",
            "cy",
        ),
    ] {
        script.write(&format!("raise {text}"));
        let response = script.request().group("refused").send();
        let expected = format!("extension module '{name}' does not support sub-interpreters");
        assert!(response.logged(&expected), "{}", response.log_text());
    }
    script.write("raise ImportError('no module named x')");
    assert_eq!(refused(&script.request().group("refused").send()), 0);
}

#[test]
fn scripts_are_loaded_one_at_a_time() {
    start();
    // The stamps of all loads, in whatever interpreter, go into one file.
    let stamps = Script::new("");
    let source = format!(
        "import time\n\
         with open({:?}, 'a') as stamps: print('begin', file=stamps)\n\
         time.sleep(0.02)\n\
         with open({0:?}, 'a') as stamps: print('end', file=stamps)\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [b'']\n",
        stamps.path()
    );
    let scripts: Vec<_> = (0..6).map(|_| Script::new(&source)).collect();
    std::thread::scope(|scope| {
        for (number, script) in scripts.iter().enumerate() {
            let group = ["", "one", "two"][number % 3];
            for _ in 0..2 {
                scope.spawn(move || script.request().group(group).expect_ok());
            }
        }
    });
    let stamps = std::fs::read_to_string(stamps.path()).unwrap();
    assert_eq!(stamps, "begin\nend\n".repeat(6));
}
