//! An end that has to leave something behind.

mod harness;

use harness::{Script, server_logged, start, stop};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use wsgi_core_abi::Status;

#[test]
fn an_end_that_takes_too_long_is_given_up() {
    start();
    let script = Script::new(
        "import atexit, time\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   yield b'begun'\n\
         \x20   time.sleep(1)\n\
         \x20   yield b', done'\n",
    );
    let hanging = Script::new("import atexit, time\natexit.register(time.sleep, 600)\n");
    assert_eq!(harness::load(&hanging, "").0, Status::OK);
    let (begun, wait) = sync_channel(1);
    std::thread::scope(|scope| {
        let request = scope.spawn(|| {
            begun.send(()).unwrap();
            script.request().send()
        });
        wait.recv().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        // A request is running.
        assert_eq!(stop(Duration::from_millis(100)), Status::TIMEOUT);
        assert!(server_logged("WC0035: "));
        // It is not disturbed, and ends as it would.
        let response = request.join().unwrap();
        assert_eq!(
            (response.status, response.body.as_str()),
            (Status::OK, "begun, done")
        );
    });
    // Now a callback does not return.
    let begin = Instant::now();
    assert_eq!(stop(Duration::from_millis(300)), Status::TIMEOUT);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(stop(Duration::from_millis(100)), Status::TIMEOUT);
}
