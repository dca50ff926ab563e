//! The end of interpreters that are not destroyed.

mod harness;

use harness::{Script, server_logged, settings, start_with, stop};
use std::time::{Duration, Instant};
use wsgi_core_abi::{RuntimeSettings, Status};

#[test]
fn neither_threads_nor_exit_functions_count() {
    start_with(|| RuntimeSettings {
        destroy_interpreters: false,
        ..settings()
    });
    let notes = Script::new("");
    let code = format!(
        "import atexit, sys, threading, time\n\
         def note(): open({:?}, 'a').write('exit function')\n\
         atexit.register(note)\n\
         threading.Thread(target=time.sleep, args=(3600,), daemon=False).start()\n\
         sys.stderr.write('unfinished line')\n\
         result = 'ready'",
        notes.path()
    );
    let evaluator = Script::evaluator();
    for group in ["", "sub"] {
        let request = evaluator.request().group(group).code(&code);
        assert_eq!(request.expect_ok(), "ready");
    }
    let begin = Instant::now();
    assert_eq!(stop(Duration::from_secs(60)), Status::OK);
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!(std::fs::read_to_string(notes.path()).unwrap(), "");
    assert!(!server_logged("WC0035"));
    assert_eq!(evaluator.request().code("").send().status, Status::CLOSED);
}
