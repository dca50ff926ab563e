//! Sub-interpreters with a GIL of their own, where CPython can do that, and what is said where it can't.

mod harness;

use harness::{Response, Script, server_log, settings, start_with};
use std::sync::LazyLock;
use wsgi_core_abi::{Bytes, Flag, InterpreterLayer, Level, RuntimeSettings, Slice, Status};

/// What the directives of these names say; the last layer is the most specific one.
fn layered() -> RuntimeSettings<'static> {
    let named = |name: &'static str| InterpreterLayer {
        application_group: Bytes::from(name),
        ..InterpreterLayer::EMPTY
    };
    let layers = vec![
        InterpreterLayer {
            own_gil: Flag::ON,
            switch_interval: 0.25,
            ..InterpreterLayer::EMPTY
        },
        InterpreterLayer {
            own_gil: Flag::OFF,
            switch_interval: 0.5,
            ..named("shared")
        },
        InterpreterLayer {
            switch_interval: 0.125,
            ..named("timed")
        },
        // A turn of the GIL lasts longer than any test.
        InterpreterLayer {
            switch_interval: 600.0,
            ..named("long")
        },
    ];
    RuntimeSettings {
        layers: Slice::new(layers.leak()),
        free_threading: false,
        ..settings()
    }
}

static EVALUATOR: LazyLock<Script> = LazyLock::new(Script::evaluator);

fn send(group: &str, code: &str) -> Response {
    start_with(layered);
    EVALUATOR.request().code(code).group(group).send()
}

fn evaluate(group: &str, code: &str) -> String {
    let response = send(group, code);
    assert_eq!(response.status, Status::OK, "{response:#?}");
    response.body
}

fn warned(text: &str) -> bool {
    let log = server_log();
    let mut lines = log.iter().filter(|line| line.level == Level::Warning);
    lines.any(|line| line.text.contains(text))
}

const INTERVAL: &str = "import sys; result = sys.getswitchinterval()";

#[test]
#[cfg(Py_3_12)]
fn each_has_a_switch_interval_of_its_own() {
    assert_eq!(evaluate("", INTERVAL), "0.25");
    assert_eq!(evaluate("other", INTERVAL), "0.25");
    assert_eq!(evaluate("timed", INTERVAL), "0.125");
    // It shares the GIL of the main interpreter, and can't have one.
    assert_eq!(evaluate("shared", INTERVAL), "0.25");
    let refusal = "WC0038: the switch interval for the sub-interpreter 'shared' in embedded mode is ignored: it \
                   has no GIL of its own";
    evaluate("", "");
    let response = send("shared", "");
    assert!(
        warned(refusal) || response.logged(refusal),
        "{:#?}",
        server_log()
    );
    assert_eq!(
        evaluate(
            "other",
            "import sys; sys.setswitchinterval(0.75); result = 1"
        ),
        "1"
    );
    assert_eq!(evaluate("other", INTERVAL), "0.75");
    assert_eq!(evaluate("", INTERVAL), "0.25");
    let created =
        |line: &harness::Line| line.text == "creating interpreter 'other' with a GIL of its own";
    assert!(server_log().iter().any(created));
    assert!(!warned("WC0037"));
}

#[test]
#[cfg(not(Py_3_12))]
fn without_python_3_12_they_share_the_gil_and_a_warning_says_so() {
    for group in ["", "other", "timed", "shared"] {
        assert_eq!(evaluate(group, INTERVAL), "0.25");
    }
    assert!(warned(
        "WC0037: sub-interpreter 'other' in embedded mode gets no GIL of its own: this needs Python 3.12 or later"
    ));
    assert!(!warned("'shared' in embedded mode gets no GIL"));
    assert!(!warned("main interpreter in embedded mode gets no GIL"));
    let refusal =
        "WC0038: the switch interval for the sub-interpreter 'timed' in embedded mode is ignored";
    assert!(warned(refusal), "{:#?}", server_log());
}

/// Two threads of Python code that never gives the GIL away meet, if each has a GIL of its own: one waits for
/// the mark of the other without a call that would release it, for longer than its turn can end.
#[cfg(Py_3_12)]
fn meet(groups: [&str; 2]) {
    let file = Script::new("\0\0");
    let code = |own: usize| {
        let (other, path) = (1 - own, file.path());
        format!(
            "import mmap\n\
             with open({path:?}, 'r+b') as file: memory = mmap.mmap(file.fileno(), 2)\n\
             memory[{own}] = 1\n\
             result = 'alone'\n\
             for _ in range(2000000000):\n\
             \x20   if memory[{other}]: result = 'met'; break\n"
        )
    };
    start_with(layered);
    for group in groups {
        evaluate(group, "import mmap");
    }
    std::thread::scope(|scope| {
        for (number, group) in groups.into_iter().enumerate() {
            let code = code(number);
            scope.spawn(move || assert_eq!(evaluate(group, &code), "met"));
        }
    });
}

#[test]
#[cfg(Py_3_12)]
fn two_run_at_the_same_time() {
    meet(["long", "timed"]);
    meet(["", "long"]);
}

#[test]
fn requests_of_several_threads_are_served_in_all_of_them() {
    let script = Script::new(
        "import sys, threading, json, logging, mod_wsgi\n\
         local = threading.local()\n\
         def application(environ, start_response):\n\
         \x20   local.count = getattr(local, 'count', 0) + 1\n\
         \x20   environ['wsgi.errors'].write('line\\n')\n\
         \x20   print('out')\n\
         \x20   start_response('200 OK', [('X', json.dumps([1, 2]))])\n\
         \x20   group = mod_wsgi.application_group\n\
         \x20   return iter([group.encode(), b' %d' % local.count])\n",
    );
    start_with(layered);
    let groups = ["", "one", "two", "shared"];
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let script = &script;
            scope.spawn(move || {
                for round in 0..100 {
                    for step in 0..4 {
                        let group = groups[(thread + step) % 4];
                        let response = script.request().group(group).send();
                        assert_eq!(response.body, format!("{group} {}", round + 1));
                        assert!(response.logged("line") && response.logged("out"));
                    }
                }
            });
        }
    });
}

#[test]
fn processes_and_threads_can_be_started() {
    let code = "import subprocess, threading\n\
        result = subprocess.check_output(['echo', 'from a process']).decode().strip()\n\
        def run(): \n\
        \x20   global result\n\
        \x20   result += ', from a thread'\n\
        thread = threading.Thread(target=run); thread.start(); thread.join()";
    for group in ["one", "shared", ""] {
        assert_eq!(evaluate(group, code), "from a process, from a thread");
    }
}

#[test]
fn daemon_threads_are_refused_where_they_could_outlive_a_gil() {
    let code = "import threading\n\
        try:\n\
        \x20   thread = threading.Thread(target=len, args=('',), daemon=True)\n\
        \x20   thread.start(); thread.join(); result = 'run'\n\
        except RuntimeError as error: result = error";
    let refused = "daemon threads are disabled in this (sub)interpreter";
    let expected = if cfg!(Py_3_12) { refused } else { "run" };
    assert_eq!(evaluate("one", code), expected);
    assert_eq!(evaluate("shared", code), "run");
    assert_eq!(evaluate("", code), "run");
}

#[test]
#[cfg(Py_3_12)]
fn an_extension_module_that_refuses_is_named_with_the_directive() {
    // Which ones do differs from version to version. `_curses` is none of them: from 3.14 on, interpreters that
    // share a GIL can't have it twice either.
    let source = "import importlib\n\
        for name in 'faulthandler', '_decimal', '_ctypes', 'readline':\n\
        \x20   try: importlib.import_module(name)\n\
        \x20   except ModuleNotFoundError: pass\n\
        def application(environ, start_response):\n\
        \x20   start_response('200 OK', [])\n\
        \x20   return [b'all loaded']\n";
    let script = Script::new(source);
    start_with(layered);
    let response = script.request().group("one").send();
    assert_eq!(response.status, Status::APPLICATION);
    let advice = response
        .log
        .iter()
        .find(|line| line.text.starts_with("WC0034: "))
        .unwrap_or_else(|| panic!("{}", response.log_text()));
    let text = &advice.text;
    assert!(
        text.contains("extension module '")
            && text.contains("does not support interpreters with a GIL of their own")
            && text.contains("WSGIPerInterpreterGIL Off")
            && text.contains("WSGIApplicationGroup %{GLOBAL}"),
        "{text}"
    );
    assert!(!text.contains("'unknown'"), "{text}");
    // A free-threaded build is as strict in every sub-interpreter.
    let lenient: &[&str] = if cfg!(Py_GIL_DISABLED) {
        &[""]
    } else {
        &["", "shared"]
    };
    for group in lenient {
        assert_eq!(script.request().group(group).expect_ok(), "all loaded");
    }
}

#[test]
#[cfg(Py_3_12)]
fn stacks_are_left_alone_that_other_gils_protect() {
    evaluate("one", "");
    assert_eq!(harness::dump_stacks(true), Status::OK);
    let text = "Python stacks can't be told where an interpreter has a GIL of its own";
    assert!(server_log().iter().any(|line| line.text == text));
}
