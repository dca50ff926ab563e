//! What an application finds in its interpreter: modules, streams, paths, and nothing of the others.

mod harness;

use harness::{Call, Line, Response, Script, server_log, server_logged, settings, start_with};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use wsgi_core_abi::{Bytes, InterpreterLayer, Level, RuntimeSettings, Slice, Status};

static EVALUATOR: LazyLock<Script> = LazyLock::new(Script::evaluator);

/// Directories for the Python path: the second holds an installed package `mod_wsgi`, a module `apache`
/// and a `.pth` file that adds the third.
static DIRECTORIES: LazyLock<[PathBuf; 3]> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interpreters");
    let directories = ["first", "second", "third"].map(|name| root.join(name));
    for directory in &directories {
        std::fs::create_dir_all(directory.join("mod_wsgi")).unwrap();
    }
    let write = |name: &str, text: &str| std::fs::write(directories[1].join(name), text).unwrap();
    write("mod_wsgi/__init__.py", "hidden = 1\n");
    write("mod_wsgi/express.py", "value = 'express'\n");
    write("apache.py", "installed = 1\n");
    write("more.pth", &format!("{}\n", directories[2].display()));
    std::fs::remove_dir(directories[0].join("mod_wsgi")).ok();
    std::fs::remove_dir(directories[2].join("mod_wsgi")).ok();
    directories
});

fn prepared() -> RuntimeSettings<'static> {
    let bytes = |path: &'static PathBuf| Bytes::new(path.as_os_str().as_encoded_bytes());
    let python_path = vec![bytes(&DIRECTORIES[0]), bytes(&DIRECTORIES[1])];
    let layers = vec![InterpreterLayer {
        python_path: Slice::new(python_path.leak()),
        switch_interval: 0.25,
        ..InterpreterLayer::EMPTY
    }];
    RuntimeSettings {
        layers: Slice::new(layers.leak()),
        python_eggs: Bytes::new(b"/eggs"),
        warnings: Slice::new(&[const { Bytes::new(b"ignore::UserWarning") }]),
        optimize: 1,
        hash_seed: 42,
        ..settings()
    }
}

fn send(code: &str, change: impl for<'a> FnOnce(Call<'a>) -> Call<'a>) -> Response {
    start_with(prepared);
    change(EVALUATOR.request().code(code)).send()
}

/// The `str` of what `code` assigns to `result`, in an application group.
fn evaluate(group: &str, code: &str) -> String {
    start_with(prepared);
    EVALUATOR.request().code(code).group(group).expect_ok()
}

/// The repr of an expression after some imports.
fn expression(group: &str, text: &str) -> String {
    evaluate(
        group,
        &format!("import sys, os, mod_wsgi, apache\nresult = repr({text})"),
    )
}

#[test]
fn the_module_mod_wsgi_describes_the_process() {
    assert_eq!(expression("", "mod_wsgi.version"), "(6, 1, 1)");
    assert_eq!(expression("", "mod_wsgi.process_group"), "''");
    assert_eq!(expression("", "mod_wsgi.application_group"), "''");
    assert_eq!(expression("other", "mod_wsgi.application_group"), "'other'");
    assert_eq!(expression("", "mod_wsgi.maximum_processes"), "3");
    assert_eq!(expression("", "mod_wsgi.threads_per_process"), "25");
    let code = "mod_wsgi.FileWrapper is environ['wsgi.file_wrapper']";
    assert_eq!(
        evaluate("", &format!("import mod_wsgi\nresult = {code}")),
        "True"
    );
    let code = "import mod_wsgi\nresult = type(environ['wsgi.input']) is mod_wsgi.Input";
    assert_eq!(evaluate("other", code), "True");
    assert_eq!(expression("", "mod_wsgi.RequestTimeout.__mro__[1:]"), {
        "(<class 'BaseException'>, <class 'object'>)"
    });
    let missing = "import mod_wsgi\ntry: mod_wsgi.missing\nexcept AttributeError as e: result = e";
    assert_eq!(
        evaluate("", missing),
        "module 'mod_wsgi' has no attribute 'missing'"
    );
    let missing = "try: from mod_wsgi import missing\nexcept ImportError as e: result = 'no'";
    assert_eq!(evaluate("", missing), "no");
}

#[test]
fn an_installed_package_lends_its_path_only() {
    let code =
        "import mod_wsgi.express\nresult = mod_wsgi.express.value, hasattr(mod_wsgi, 'hidden')";
    assert_eq!(evaluate("", code), "('express', False)");
    assert_eq!(evaluate("other", code), "('express', False)");
}

#[test]
fn the_module_apache_extends_an_installed_one() {
    assert_eq!(expression("", "apache.version"), "(2, 4, 62)");
    assert_eq!(
        expression("", "apache.description"),
        "'Apache/2.4.62 (Debian)'"
    );
    assert_eq!(expression("other", "apache.installed"), "1");
    assert_eq!(expression("", "apache.maximum_processes"), "4");
    assert_eq!(expression("", "apache.mpm_name"), "'event'");
    assert_eq!(expression("", "apache.build_date"), "'2026-01-02T03:04:05'");
}

#[test]
fn interpreters_do_not_share_anything_of_python() {
    evaluate("", "import sys; sys.mark = 'main'");
    evaluate("other", "import sys; sys.mark = 'other'");
    let code = "import sys, threading; result = getattr(sys, 'mark', None)";
    assert_eq!(evaluate("", code), "main");
    assert_eq!(evaluate("other", code), "other");
    assert_eq!(evaluate("third", code), "None");
    let classes = "result = id(environ['wsgi.file_wrapper']), id(type(start_response.__self__))";
    assert_ne!(evaluate("", classes), evaluate("other", classes));
    assert!(server_logged("creating interpreter 'third'"));
    let creations = server_log()
        .iter()
        .filter(|line| line.text.contains("'third'"))
        .count();
    assert_eq!(creations, 1);
}

#[test]
fn python_runs_with_the_settings_of_the_process() {
    for group in ["", "other"] {
        assert_eq!(expression(group, "sys.argv"), "['mod_wsgi']");
        assert_eq!(expression(group, "sys.flags.optimize"), "1");
        assert_eq!(expression(group, "sys.flags.dont_write_bytecode"), "1");
        assert_eq!(
            expression(group, "sys.warnoptions"),
            "['ignore::UserWarning']"
        );
        assert_eq!(
            expression(group, "os.environ['PYTHON_EGG_CACHE']"),
            "'/eggs'"
        );
        if cfg!(not(Py_GIL_DISABLED)) {
            assert_eq!(expression(group, "sys.getswitchinterval()"), "0.25");
        }
    }
    assert_eq!(
        server_logged("switch interval set to 0.25 seconds"),
        cfg!(not(Py_GIL_DISABLED))
    );
    assert!(
        server_log()[0].text.starts_with("Python 3."),
        "{:?}",
        server_log()[0]
    );
}

#[test]
fn the_python_path_comes_first_in_its_order() {
    let [first, second, third] = &*DIRECTORIES;
    let expected = format!("{:?}", [first, second, third]).replace('"', "'");
    assert_eq!(expression("", "sys.path[:3]"), expected);
    assert_eq!(expression("other", "sys.path[:3]"), expected);
    assert!(server_logged(&format!(
        "added '{}' to the Python path",
        first.display()
    )));
}

#[test]
fn output_becomes_lines_of_the_request_log() {
    let code = "import sys\n\
        print('to stdout')\n\
        sys.stderr.write('one\\ntwo\\n')\n\
        sys.stderr.write('unfinished')\n\
        result = sys.stderr.name, sys.stdout.name, sys.stderr.encoding, sys.stdout.line_buffering";
    for group in ["", "other"] {
        let response = send(code, |call| call.group(group));
        assert_eq!(response.body, "('<stderr>', '<stdout>', 'utf-8', True)");
        let decoration = format!("[script {}] ", EVALUATOR.path());
        let texts: Vec<_> = response
            .log
            .iter()
            .filter(|line| line.level == Level::Error)
            .map(|line| line.text.strip_prefix(&decoration).unwrap())
            .collect();
        assert_eq!(texts, ["to stdout", "one", "two", "unfinished"]);
    }
}

#[test]
fn output_of_other_threads_goes_to_the_server() {
    let code = "import threading\n\
        thread = threading.Thread(target=print, args=('from a thread',))\n\
        thread.start(); thread.join()";
    let response = send(code, |call| call);
    assert!(!response.logged("from a thread"));
    assert!(server_logged("from a thread"));
}

#[test]
fn standard_input_is_left_alone() {
    assert_eq!(expression("", "sys.stdin is sys.__stdin__"), "True");
}

/// Code that logs something through a `LogHandler`.
fn logging(statement: &str) -> String {
    format!(
        "import logging, mod_wsgi\n\
         logger = logging.getLogger('test'); logger.propagate = False; logger.setLevel(1)\n\
         logger.handlers = [mod_wsgi.LogHandler()]\n\
         {statement}\n"
    )
}

fn application_lines(response: &Response) -> Vec<(Level, &str)> {
    let decoration = format!("[script {}] ", EVALUATOR.path());
    let lines = response.log.iter().filter(|line| !line.file.is_empty());
    lines
        .map(|line| (line.level, line.text.strip_prefix(&decoration).unwrap()))
        .collect()
}

#[test]
fn log_handler_keeps_level_and_place() {
    let code = logging(
        "for level in (50, 45, 40, 30, 25, 20): logger.log(level, 'level %d', level)\n\
         logger.info('two\\nlines\\n')",
    );
    let response = send(&code, |call| call);
    let expected = [
        (Level::Critical, "level 50"),
        (Level::Error, "level 45"),
        (Level::Error, "level 40"),
        (Level::Warning, "level 30"),
        (Level::Info, "level 25"),
        (Level::Info, "level 20"),
        (Level::Info, "two"),
        (Level::Info, "lines"),
    ];
    assert_eq!(application_lines(&response), expected);
    let last: &Line = response.log.last().unwrap();
    assert_eq!((last.file.as_str(), last.line), ("<string>", 5));
}

#[test]
fn log_handler_does_not_format_what_nobody_reads() {
    let code = logging(
        "class Loud:\n    def __str__(self): raise SystemError('formatted')\n\
         logger.info('%s', Loud()); result = 'quiet'",
    );
    let response = send(&code, |call| Call {
        level: Level::Warning,
        ..call
    });
    assert_eq!(response.body, "quiet");
    assert!(!response.logged("formatted"));
}

#[test]
fn log_handler_survives_a_formatting_error() {
    let code = logging("logger.error('%d', 'text'); result = 'survived'");
    let response = send(&code, |call| call);
    assert_eq!(response.body, "survived");
    assert!(response.logged("--- Logging error ---"));
    assert!(response.logged("TypeError: "));
}

#[test]
fn log_handler_can_be_subclassed() {
    let code = logging(
        "class Mine(mod_wsgi.LogHandler):\n    def format(self, record): return 'mine'\n\
         logger.handlers = [Mine(level=logging.ERROR)]\n\
         logger.warning('x'); logger.error('y')\n\
         result = mod_wsgi.LogHandler.__module__, mod_wsgi.LogHandler.__qualname__",
    );
    let response = send(&code, |call| call.group("other"));
    assert_eq!(response.body, "('mod_wsgi', 'LogHandler')");
    assert_eq!(application_lines(&response), [(Level::Error, "mine")]);
}

#[test]
fn logging_is_not_imported_for_applications_that_do_without() {
    let code = "import sys; result = 'logging' in sys.modules, 'traceback' in sys.modules";
    assert_eq!(evaluate("plain", code), "(False, False)");
}

#[test]
fn signals_stay_with_the_server() {
    let code = "import signal\n\
        def handler(*args): pass\n\
        before = signal.getsignal(signal.SIGTERM)\n\
        result = signal.signal(signal.SIGTERM, handler) is handler\n\
        result = result, signal.getsignal(signal.SIGTERM) == before";
    for group in ["", "other"] {
        let response = send(code, |call| call.group(group));
        assert_eq!(response.body, "(True, True)");
        let notice = response
            .log
            .iter()
            .position(|line| line.text.contains("was ignored"))
            .unwrap();
        assert_eq!(response.log[notice].level, Level::Info);
        let caller = format!("File \"{}\", line 3, in application", EVALUATOR.path());
        assert!(
            response.log[notice..]
                .iter()
                .any(|line| line.text.contains(&caller))
        );
    }
}

/// The class of what the code raises.
fn raised(code: &str) -> String {
    let code = format!(
        "import io, mod_wsgi\nfrom mod_wsgi import FileWrapper\n\
         try: {code}; result = None\n\
         except Exception as error: result = type(error).__name__"
    );
    evaluate("", &code)
}

#[test]
fn file_wrapper_checks_its_arguments() {
    assert_eq!(raised("FileWrapper()"), "TypeError");
    assert_eq!(
        raised("FileWrapper(filelike=io.BytesIO(), blksize=1)"),
        "None"
    );
    assert_eq!(raised("FileWrapper(io.BytesIO(), -1)"), "ValueError");
    assert_eq!(raised("FileWrapper(io.BytesIO(), 'x')"), "TypeError");
    assert_eq!(raised("list(FileWrapper(io.StringIO('x')))"), "TypeError");
    assert_eq!(
        raised("FileWrapper(io.BytesIO()).blksize = 1"),
        "AttributeError"
    );
    assert_eq!(
        raised("FileWrapper(io.BytesIO()).filelike = 1"),
        "AttributeError"
    );
    assert_eq!(
        raised("w = FileWrapper(io.BytesIO()); w.close(); w.filelike"),
        "ValueError"
    );
    assert_eq!(
        raised("w = FileWrapper(io.BytesIO()); w.close(); next(w)"),
        "ValueError"
    );
    assert_eq!(
        raised("w = FileWrapper(io.BytesIO()); w.close(); iter(w)"),
        "ValueError"
    );
    assert_eq!(
        raised("w = FileWrapper(object()); w.close(); w.close()"),
        "None"
    );
}

#[test]
fn file_wrapper_gives_blocks_and_closes_its_file() {
    let code = "import io\nfrom mod_wsgi import FileWrapper\n\
        class Mine(FileWrapper): pass\n\
        class File:\n\
        \x20   def __init__(self, data): self.read = io.BytesIO(data).read\n\
        \x20   def close(self): closed.append(1); raise OSError\n\
        closed = []\n\
        wrapper = Mine(File(b'abcde'), 2)\n\
        result = wrapper.blksize, FileWrapper(None).blksize, list(wrapper), wrapper.close(), closed";
    assert_eq!(
        evaluate("", code),
        "(2, 8192, [b'ab', b'cd', b'e'], None, [1])"
    );
}

#[test]
fn file_wrapper_as_response_is_sent_or_iterated() {
    start_with(prepared);
    let source = "import io\n\
        def application(environ, start_response):\n\
        \x20   start_response('200 OK', [])\n\
        \x20   file = open(__file__, 'rb') if environ['test.code'] else io.BytesIO(b'in memory')\n\
        \x20   if environ['test.code']: file.seek(3)\n\
        \x20   return environ['wsgi.file_wrapper'](file, 4)\n";
    let script = Script::new(source);
    assert_eq!(script.request().code("").expect_ok(), "in memory");
    let expected = format!("file 3 {}", source.len() - 3);
    assert_eq!(script.request().code("file").expect_ok(), expected);
}

#[test]
fn thread_local_data_persists_per_interpreter() {
    start_with(prepared);
    let code = "import sys, threading\n\
        sys.local = getattr(sys, 'local', None) or threading.local()\n\
        sys.local.count = result = getattr(sys.local, 'count', 0) + 1";
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for count in ["1", "2", "3"] {
                    assert_eq!(evaluate("", code), count);
                    assert_eq!(evaluate("local", code), count);
                }
            });
        }
    });
}

#[test]
fn extensions_may_ensure_a_thread_state() {
    // ctypes callbacks use PyGILState_Ensure; in the main interpreter that must find our state.
    let code = "import ctypes\n\
        callback = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)\n\
        plain = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)\n\
        result = callback(1), plain(2)";
    let status = send(code, |call| call);
    assert_eq!(
        (status.status, status.body.as_str()),
        (Status::OK, "(2, 3)")
    );
    evaluate("other", "");
    assert_eq!(evaluate("", code), "(2, 3)");
}
