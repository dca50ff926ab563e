//! Events of the process. One test, because its end comes once.

mod harness;

use harness::{Script, server_log, server_logged, start_with, stop};
use std::time::Duration;
use wsgi_core_abi::{Bytes, RuntimeSettings, Status};
use wsgi_python::wsgi_core_runtime as runtime;

const SUBSCRIBE: &str = "import mod_wsgi\n\
    def tell(name, **payload):\n\
    \x20   print('told', mod_wsgi.application_group, name, sorted(payload.items()))\n\
    def fail(name, **payload):\n\
    \x20   raise ValueError('in a callback')\n\
    def leave(name, **payload):\n\
    \x20   raise SystemExit\n\
    def change(name, **payload):\n\
    \x20   return {'extra': 1}\n\
    for callback in fail, leave, tell, change:\n\
    \x20   assert mod_wsgi.subscribe_events(callback) is callback\n\
    mod_wsgi.subscribe_shutdown(tell)\n\
    mod_wsgi.subscribe_signals(tell)\n\
    result = len(mod_wsgi.event_callbacks)\n";

/// How many lines of the server's log are this one.
fn count(text: &str) -> usize {
    server_log().iter().filter(|line| line.text == text).count()
}

#[test]
fn events_reach_what_is_subscribed_in_each_interpreter() {
    start_with(|| RuntimeSettings {
        process_group: Bytes::from("group"),
        ..harness::settings()
    });
    let script = Script::evaluator();
    for group in ["", "other"] {
        let subscribed = script.request().group(group).code(SUBSCRIBE).expect_ok();
        assert_eq!(subscribed, "4");
    }
    // SAFETY: the string lives for the call.
    let status = unsafe { (runtime.publish_signal)(Bytes::from("SIGHUP"), 1) };
    assert_eq!(status, Status::OK);
    for group in ["", "other"] {
        let told = format!("told {group} process_signal");
        assert_eq!(
            count(&format!("{told} [('signame', 'SIGHUP'), ('signum', 1)]")),
            1
        );
        let changed = "[('extra', 1), ('signame', 'SIGHUP'), ('signum', 1)]";
        assert_eq!(count(&format!("{told} {changed}")), 1);
    }
    assert!(server_logged(
        "WC0036: ValueError exception raised by a callback of the event process_signal in main"
    ));
    assert!(server_logged("ValueError: in a callback"));
    assert!(server_logged(
        "SystemExit exception raised by a callback of the event process_signal ignored in"
    ));
    // SAFETY: as above.
    let published = |reason| unsafe { (runtime.publish_stopping)(Bytes::from(reason)) };
    assert_eq!(published("restart_interval"), Status::OK);
    assert_eq!(published("shutdown_signal"), Status::OK);
    let told = "told other process_stopping [('shutdown_reason', 'restart_interval')]";
    assert_eq!(count(told), 1);
    assert_eq!(stop(Duration::from_secs(10)), Status::OK);
    // Once is enough.
    assert!(!server_logged("'shutdown_signal'") && !server_logged("('shutdown_reason', '')"));
    // SAFETY: as above.
    let status = unsafe { (runtime.publish_signal)(Bytes::from("SIGHUP"), 1) };
    assert_eq!(status, Status::CLOSED);
}
