//! Interpreters that are configured one by one.

mod harness;

use harness::{Script, server_log, settings, start_with};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use wsgi_core_abi::{Bytes, Flag, InterpreterLayer, Level, RuntimeSettings, Slice};

static EVALUATOR: LazyLock<Script> = LazyLock::new(Script::evaluator);

static DIRECTORIES: LazyLock<[PathBuf; 4]> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layers");
    let directories = ["base", "all", "named", "pth"].map(|name| root.join(name));
    for directory in &directories {
        std::fs::create_dir_all(directory).unwrap();
    }
    let text = format!("{}\n", directories[3].display());
    std::fs::write(directories[2].join("more.pth"), text).unwrap();
    directories
});

/// Free threading is asked for, and this build of Python may not have it.
fn layered() -> RuntimeSettings<'static> {
    let path = |directories: Vec<usize>| {
        let bytes = |index: usize| Bytes::new(DIRECTORIES[index].as_os_str().as_encoded_bytes());
        let path: Vec<_> = directories.into_iter().map(bytes).collect();
        Slice::new(path.leak())
    };
    let layers = vec![
        InterpreterLayer {
            python_path: path(vec![0]),
            switch_interval: 0.25,
            restrict_stdin: Flag::ON,
            ..InterpreterLayer::EMPTY
        },
        InterpreterLayer {
            python_path: path(vec![1]),
            restrict_stdout: Flag::ON,
            ..InterpreterLayer::EMPTY
        },
        InterpreterLayer {
            application_group: Bytes::from("named"),
            python_path: path(vec![2, 0]),
            switch_interval: 0.5,
            restrict_stdin: Flag::OFF,
            restrict_signal: Flag::OFF,
            ..InterpreterLayer::EMPTY
        },
        InterpreterLayer {
            application_group: Bytes::from(""),
            restrict_stdout: Flag::OFF,
            ..InterpreterLayer::EMPTY
        },
    ];
    RuntimeSettings {
        layers: Slice::new(layers.leak()),
        group_switch_interval: 0.125,
        free_threading: true,
        ..settings()
    }
}

fn evaluate(group: &str, code: &str) -> String {
    start_with(layered);
    EVALUATOR.request().code(code).group(group).expect_ok()
}

fn warned(text: &str) -> bool {
    let log = server_log();
    let mut lines = log.iter().filter(|line| line.level == Level::Warning);
    lines.any(|line| line.text.contains(text))
}

#[test]
fn paths_add_up_the_most_specific_in_front() {
    let [base, all, named, pth] = &*DIRECTORIES;
    let shown = |path: &[&PathBuf]| format!("{path:?}").replace('"', "'");
    let code = "import sys; result = sys.path[:4]";
    assert!(evaluate("", code).starts_with(shown(&[all, base]).trim_end_matches(']')));
    // An entry that is there already keeps its place.
    assert_eq!(evaluate("named", code), shown(&[named, pth, all, base]));
}

#[test]
fn restrictions_differ() {
    let code = "import sys, signal\n\
        result = [type(stream).__name__ == 'RestrictedStream' for stream in (sys.stdin, sys.stdout)]\n\
        result.append(signal.signal.__module__ == 'signal')";
    assert_eq!(evaluate("", code), "[True, False, False]");
    assert_eq!(evaluate("other", code), "[True, True, False]");
    assert_eq!(evaluate("named", code), "[False, True, True]");
}

#[test]
#[cfg(not(Py_GIL_DISABLED))]
fn the_interval_of_the_process_group_is_that_of_the_process() {
    let code = "import sys; result = sys.getswitchinterval()";
    for group in ["", "other", "named"] {
        assert_eq!(evaluate(group, code), "0.125");
    }
    let refusal = "WC0038: the switch interval for the sub-interpreter 'named' in embedded mode is ignored: it \
                   has no GIL of its own";
    assert!(warned(refusal));
    assert!(!warned("'other'"));
}

#[test]
#[cfg(not(Py_GIL_DISABLED))]
fn free_threading_needs_a_build_that_can() {
    evaluate("", "");
    assert!(warned(
        "WC0039: this build of Python can't do without a GIL; free-threading is ignored"
    ));
}

#[test]
#[cfg(Py_GIL_DISABLED)]
fn python_runs_without_a_gil() {
    // Importing an extension module turns it on for a moment, and other tests do that.
    let code = "import sys, time\n\
        for _ in range(1000):\n\
        \x20   result = sys._is_gil_enabled()\n\
        \x20   if not result: break\n\
        \x20   time.sleep(0.01)";
    for group in ["", "other", "named"] {
        assert_eq!(evaluate(group, code), "False");
    }
    assert!(warned(
        "the main interpreter in embedded mode is ignored: the process runs without a GIL"
    ));
    assert!(!warned("WC0039"));
}
