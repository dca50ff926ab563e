//! Requests that are interrupted, and what can be told of threads from outside.

mod harness;

use harness::{Call, Response, Script, dump_stacks, interrupt, probe, server_logged, start_with};
use std::thread;
use std::time::Duration;
use wsgi_core_abi::{Bytes, RuntimeSettings, Status};

/// As a process of a group has it: stacks can be had without the GIL.
fn start() {
    start_with(|| RuntimeSettings {
        process_group: Bytes::from("group"),
        ..harness::settings()
    });
}

/// Serves a request, and interrupts it once it can be.
fn interrupted(call: Call<'_>) -> Response {
    thread::scope(|scope| {
        scope.spawn(|| {
            while interrupt(call.number) != Status::OK {
                thread::sleep(Duration::from_millis(1));
            }
        });
        call.send()
    })
}

const SPIN: &str = "import time\n\
    def spin():\n\
    \x20   for _ in range(3000):\n\
    \x20       time.sleep(0.01)\n";

#[test]
fn an_interrupted_request_is_answered_with_504() {
    start();
    let script = Script::new(&format!(
        "{SPIN}\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   spin()\n\
         \x20   return []\n"
    ));
    for (number, group) in [(1, ""), (2, "other")] {
        let call = script.request().group(group).number(number);
        let response = interrupted(call);
        assert_eq!(response.status, Status::APPLICATION);
        assert_eq!(response.outcome.code, 504);
        assert!(!response.outcome.head_sent);
        assert!(response.logged("Request interrupted by RequestTimeout; thread recovered"));
        assert!(!response.logged("WC0050"), "{}", response.log_text());
    }
    assert!(server_logged("Injected RequestTimeout into thread "));
    assert!(server_logged("in spin"));
}

#[test]
fn a_response_that_has_begun_is_broken_off() {
    start();
    let script = Script::new(&format!(
        "{SPIN}\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   yield b'begun'\n\
         \x20   spin()\n"
    ));
    let response = interrupted(script.request().number(11));
    assert_eq!(response.status, Status::APPLICATION);
    assert!(response.outcome.head_sent && !response.outcome.complete);
    assert_eq!(
        (response.code, response.body.as_str()),
        (Some(200), "begun")
    );
}

#[test]
fn an_application_may_catch_it() {
    start();
    let script = Script::new(&format!(
        "{SPIN}\
         import mod_wsgi\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   try:\n\
         \x20       spin()\n\
         \x20   except mod_wsgi.RequestTimeout:\n\
         \x20       return [b'caught']\n"
    ));
    let response = interrupted(script.request().number(21));
    assert_eq!(
        (response.status, response.body.as_str()),
        (Status::OK, "caught")
    );
}

#[test]
fn an_interruption_of_close_comes_too_late() {
    start();
    let script = Script::new(&format!(
        "{SPIN}\
         class Blocks:\n\
         \x20   def __iter__(self):\n\
         \x20       return iter([b'all'])\n\
         \x20   def close(self):\n\
         \x20       spin()\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return Blocks()\n"
    ));
    let response = thread::scope(|scope| {
        scope.spawn(|| {
            // It may arrive before close() is called, and then it is the response that is broken off.
            thread::sleep(Duration::from_millis(300));
            assert_eq!(interrupt(31), Status::OK);
        });
        script.request().number(31).send()
    });
    assert_eq!(
        (response.status, response.body.as_str()),
        (Status::OK, "all")
    );
    assert!(response.logged("Request interrupted by RequestTimeout"));
}

#[test]
fn what_has_not_arrived_is_taken_back() {
    start();
    // An iterator in C: between the interruption and the end there is no bytecode for it to arrive with.
    let script = Script::new(
        "def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return iter([b'one'])\n",
    );
    let interrupted = Call {
        number: 41,
        on_head: || {
            let sent = thread::spawn(|| interrupt(41)).join().unwrap();
            assert_eq!(sent, Status::OK);
        },
        ..script.request()
    };
    for _ in 0..20 {
        assert_eq!(interrupted.expect_ok(), "one");
        let next = Script::evaluator();
        let code = "result = sum(range(1000))";
        assert_eq!(next.request().code(code).expect_ok(), "499500");
    }
}

#[test]
fn only_a_request_that_is_served_can_be_interrupted() {
    start();
    assert_eq!(interrupt(0), Status::CLOSED);
    assert_eq!(interrupt(51), Status::CLOSED);
    let script = Script::evaluator();
    script.request().number(51).code("").expect_ok();
    assert_eq!(interrupt(51), Status::CLOSED);
    assert_eq!(probe(), Status::OK);
}

#[test]
fn stacks_show_what_threads_do() {
    start();
    let script = Script::new(&format!(
        "{SPIN}\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   wait_for_the_dump()\n\
         \x20   return []\n\
         def wait_for_the_dump():\n\
         \x20   spin()\n"
    ));
    thread::scope(|scope| {
        let request = scope.spawn(|| script.request().number(61).send());
        let find = |attach: bool, line: &str| {
            for _ in 0..1000 {
                assert_eq!(dump_stacks(attach), Status::OK);
                if server_logged(line) {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
            panic!("no stack shows {line}");
        };
        find(true, ", in wait_for_the_dump");
        // The way faulthandler writes it.
        find(false, " in wait_for_the_dump");
        assert_eq!(interrupt(61), Status::OK);
        assert_eq!(request.join().unwrap().outcome.code, 504);
    });
}
