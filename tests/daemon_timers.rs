//! Timers of requests and of processes, with a runtime without Python.

mod support;

use std::time::Duration;
use support::Memory;
use support::site::{Site, signal};

const ONE: (&str, &str) = ("threads", "1");
const SHORT: (&str, &str) = ("shutdown-timeout", "1");

/// The answer to a request that does not end by itself.
fn code(site: &Site, script: &str) -> u16 {
    let served = site.serve(&mut Memory::default(), script, "20000");
    assert!(!served.outcome.complete);
    served.outcome.code
}

#[test]
fn a_request_that_takes_too_long_ends_its_process() {
    let site = Site::new(&[("request-timeout", "1"), ONE, SHORT]);
    assert_eq!(code(&site, "/slow"), 502);
    let line = site.wait_for_line("WC0081: ");
    assert!(line.contains("because request-timeout is over"), "{line}");
    assert!(line.contains("while it served 'GET /slow' for "), "{line}");
    site.wait_for_line("shutdown_reason request_timeout");
    assert!(site.lines().contains("fake stacks, attach=true"));
    site.worker();
}

#[test]
fn an_interrupted_request_leaves_its_process_alone() {
    let site = Site::new(&[("request-timeout", "1"), ("interrupt-timeout", "5"), ONE]);
    let worker = site.worker();
    assert_eq!(code(&site, "/interruptible"), 504);
    assert_eq!(site.worker(), worker);
    assert_eq!(site.get("/interruptible", "10"), "left alone");
}

#[test]
fn a_request_that_can_not_be_interrupted_ends_its_process() {
    let site = Site::new(&[
        ("request-timeout", "1"),
        ("interrupt-timeout", "1"),
        ONE,
        SHORT,
    ]);
    assert_eq!(code(&site, "/slow"), 502);
    site.wait_for_line("because request-timeout is over");
}

#[test]
fn a_gil_that_is_kept_ends_the_process() {
    let site = Site::new(&[("deadlock-timeout", "1"), ONE, SHORT]);
    assert_eq!(code(&site, "/hold"), 502);
    let line = site.wait_for_line("WC0081: ");
    assert!(line.contains("because deadlock-timeout is over"), "{line}");
    site.wait_for_line("shutdown_reason deadlock_timeout");
    assert!(site.lines().contains("fake stacks, attach=false"));
    assert!(!site.lines().contains("fake stacks, attach=true"));
}

#[test]
fn the_first_application_must_be_loaded_in_time() {
    let site = Site::new(&[("startup-timeout", "1"), ONE, SHORT]);
    // It never says that it has loaded anything.
    assert_eq!(code(&site, "/slow"), 502);
    site.wait_for_line("because startup-timeout is over");
    let worker = site.worker();
    // One that was loaded may take its time.
    let site = Site::new(&[("startup-timeout", "1"), ONE, SHORT]);
    assert_eq!(site.get("/interruptible", "2000"), "left alone");
    assert_ne!(site.worker(), worker);
}

#[test]
fn processor_time_that_is_used_up_without_time_to_drain_ends_the_process() {
    let site = Site::new(&[("graceful-timeout", "0"), ONE, SHORT]);
    let worker = site.worker();
    std::thread::scope(|scope| {
        let hung = scope.spawn(|| code(&site, "/slow"));
        std::thread::sleep(Duration::from_millis(200));
        signal(worker, libc::SIGXCPU);
        assert_eq!(hung.join().unwrap(), 502);
    });
    let line = site.wait_for_line("WC0081: ");
    assert!(line.contains("because cpu-time-limit is used up"), "{line}");
}

#[test]
fn a_slot_belongs_to_the_thread_until_it_is_free() {
    let site = Site::new(&[("socket-timeout", "1"), ("queue-timeout", "1"), ONE]);
    let worker = site.worker();
    let answer = |script, query| {
        let served = site.serve(&mut Memory::default(), script, query);
        served.outcome.code
    };
    assert_eq!(answer("/slow", "3000"), 504);
    // Its thread is busy for another two seconds, and nobody waits behind it.
    assert_eq!(answer("/pid", ""), 503);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(site.worker(), worker);
}

#[test]
fn the_end_waits_for_requests_of_process_groups() {
    let site = Site::new(&[ONE]);
    site.worker();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| site.get("/slow", "700"));
        std::thread::sleep(Duration::from_millis(200));
        let stopped = site.engine.stop(Duration::from_millis(100));
        assert!(stopped.is_err());
        assert!(site.engine.stop(Duration::from_secs(10)).is_ok());
        slow.join().unwrap();
    });
    let served = site.serve(&mut Memory::default(), "/pid", "");
    assert_eq!(served.outcome.code, 503);
}
