//! The end of Python, under load.

use super::{Line, Script, load, server_log, server_logged, start_with, stop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wsgi_core_abi::{Level, MessageId, RuntimeSettings, Status};

const GROUPS: [&str; 4] = ["", "one", "two", "three"];

/// Registers what an orderly end runs, in a file that it names.
fn witness(file: &Script) -> String {
    format!(
        "import atexit, sys, threading, time\n\
         def note(text):\n\
         \x20   with open({:?}, 'a') as file: print(text, file=file)\n\
         def wait():\n\
         \x20   time.sleep(0.2)\n\
         \x20   note('thread')\n\
         threading.Thread(target=wait, daemon=False).start()\n\
         @atexit.register\n\
         def end():\n\
         \x20   note('atexit')\n\
         \x20   sys.stderr.write('last words of ' + __name__)\n\
         def application(environ, start_response):\n\
         \x20   sum(range(1000))\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [b'x' * 100]\n",
        file.path()
    )
}

/// Requests come while Python ends, in four interpreters: each is served or refused, and each interpreter
/// is ended once, in order.
pub fn python_ends_under_load_once(settings: impl FnOnce() -> RuntimeSettings<'static>) {
    start_with(settings);
    let notes = Script::new("");
    let script = Script::new(&witness(&notes));
    let evaluator = Script::evaluator();
    for group in GROUPS {
        script.request().group(group).expect_ok();
    }
    let (served, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (script, served, refused) = (&script, &served, &refused);
            scope.spawn(move || {
                for round in 0.. {
                    let response = script.request().group(GROUPS[(number + round) % 4]).send();
                    match response.status {
                        Status::OK => served.fetch_add(1, Ordering::Relaxed),
                        Status::CLOSED => {
                            assert_eq!(response.outcome.code, 503);
                            assert_eq!(response.problem.id, MessageId::CLOSED);
                            refused.fetch_add(1, Ordering::Relaxed);
                            return;
                        }
                        other => panic!("{other:?}"),
                    };
                }
            });
        }
        while served.load(Ordering::Relaxed) < 2000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(stop(Duration::from_secs(20)), Status::OK);
    });
    assert_eq!(refused.load(Ordering::Relaxed), 8);

    let text = std::fs::read_to_string(notes.path()).unwrap();
    // In each interpreter: threads first, then atexit callbacks.
    assert_eq!(
        text.lines().filter(|line| *line == "atexit").count(),
        4,
        "{text}"
    );
    assert_eq!(
        text.lines().filter(|line| *line == "thread").count(),
        4,
        "{text}"
    );
    assert_eq!(text.lines().last(), Some("atexit"));
    let words = |line: &Line| line.text.starts_with("last words of _mod_wsgi_");
    assert_eq!(server_log().iter().filter(|line| words(line)).count(), 4);
    assert!(server_log().iter().all(|line| line.level >= Level::Error));

    // Again: nothing is left to do, and nothing is served.
    let begin = Instant::now();
    assert_eq!(stop(Duration::from_secs(20)), Status::OK);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(stop(Duration::ZERO), Status::OK);
    assert_eq!(std::fs::read_to_string(notes.path()).unwrap(), text);
    assert_eq!(evaluator.request().code("").send().status, Status::CLOSED);
    assert_eq!(load(&evaluator, "").0, Status::CLOSED);
    assert_eq!(load(&evaluator, "new").0, Status::CLOSED);
    assert!(!server_logged("WC0035"));
}
