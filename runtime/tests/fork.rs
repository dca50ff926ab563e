//! Processes that an application forks. There is no sub-interpreter here, because CPython's own clearing
//! of sub-interpreters in a forked child may crash (python/cpython issue 101437).

mod harness;

use harness::{Script, start};

#[test]
fn a_forked_process_has_its_own_signals() {
    let code = "import os, signal\n\
        pid = os.fork()\n\
        if pid == 0:\n\
        \x20   try:\n\
        \x20       signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n\
        \x20       os._exit(7 if signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN else 8)\n\
        \x20   except ValueError:\n\
        \x20       os._exit(9)\n\
        result = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])";
    start();
    let evaluator = Script::evaluator();
    assert_eq!(evaluator.request().code(code).expect_ok(), "7");
}
