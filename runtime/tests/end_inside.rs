//! An end that begins inside a request, as when a signal handler of the host interrupts it.

mod harness;

use harness::{Call, Script, server_logged, start, stop};
use std::time::Duration;
use wsgi_core_abi::Status;

#[test]
fn an_end_inside_a_request_leaves_that_alone() {
    start();
    let script = Script::new(
        "import atexit, sys\n\
         atexit.register(sys.stderr.write, 'end')\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   yield b'one '\n\
         \x20   yield b'two'\n",
    );
    let call = Call {
        on_head: || assert_eq!(stop(Duration::from_secs(600)), Status::OK),
        ..script.request()
    };
    assert_eq!(call.expect_ok(), "one two");
    assert!(!server_logged("end"));
    // No more requests are taken, and the end can still be made properly.
    assert_eq!(script.request().send().status, Status::CLOSED);
    assert_eq!(stop(Duration::from_secs(20)), Status::OK);
    assert!(server_logged("end"));
    assert!(!server_logged("WC0035"));
}
