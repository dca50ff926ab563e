//! Threads that come and go leave nothing behind in Python.

mod harness;

use harness::{Script, settings, start_with};
use wsgi_core_abi::RuntimeSettings;

/// Counts the thread states of every interpreter, from Python.
const COUNT: &str = "import ctypes\n\
    python = ctypes.pythonapi\n\
    names = 'PyInterpreterState_Head PyInterpreterState_Next PyInterpreterState_ThreadHead PyThreadState_Next'\n\
    for name in names.split():\n\
    \x20   function = getattr(python, name)\n\
    \x20   function.restype = ctypes.c_void_p\n\
    \x20   function.argtypes = [] if name.endswith('State_Head') else [ctypes.c_void_p]\n\
    result, interpreter = 0, python.PyInterpreterState_Head()\n\
    while interpreter:\n\
    \x20   state = python.PyInterpreterState_ThreadHead(interpreter)\n\
    \x20   while state:\n\
    \x20       result += 1\n\
    \x20       state = python.PyThreadState_Next(state)\n\
    \x20   interpreter = python.PyInterpreterState_Next(interpreter)\n";

const GROUPS: [&str; 3] = ["", "one", "two"];

fn states(evaluator: &Script) -> usize {
    evaluator.request().code(COUNT).expect_ok().parse().unwrap()
}

#[test]
fn a_thread_that_ends_gives_its_states_back() {
    // Nothing but a GIL keeps the states in place while they are counted.
    start_with(|| RuntimeSettings {
        free_threading: false,
        ..settings()
    });
    let evaluator = Script::evaluator();
    for group in GROUPS {
        evaluator.request().group(group).code("").expect_ok();
    }
    let before = states(&evaluator);
    for _ in 0..125 {
        std::thread::scope(|scope| {
            for number in 0..8 {
                let evaluator = &evaluator;
                scope.spawn(move || {
                    let local = "import threading; threading.local().x = environ";
                    for group in &GROUPS[number % 3..] {
                        evaluator.request().group(group).code(local).expect_ok();
                    }
                });
            }
        });
    }
    // A scope ends before the thread-local destructors of its threads have run.
    let mut now = states(&evaluator);
    for _ in 0..1000 {
        if now == before {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        now = states(&evaluator);
    }
    assert_eq!(now, before);
}
