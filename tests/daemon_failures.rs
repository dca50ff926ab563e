//! What becomes of requests when processes die, with a runtime without Python.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::Memory;
use support::site::{Site, is_alive, signal, until};
use wsgi_core::engine::Error;

#[test]
fn a_death_before_the_head_is_a_502_with_one_line_that_says_why() {
    let site = Site::new(&[("threads", "2")]);
    let worker = site.worker();
    let mut host = Memory::default();
    let served = site.serve(&mut host, "/die", "");
    let error = served.result.unwrap_err();
    assert_eq!(
        (served.outcome.code, error.id().0, host.head),
        (502, 68, None)
    );
    assert_eq!(
        host.log.lines(),
        ["Error WC0068: [script /die] process group 'group': the process ended before it answered"]
    );
    assert_ne!(site.worker(), worker);
    let line = site.wait_for_line("WC0081");
    let words = format!("Process {worker} of group 'group' was ended by SIGABRT");
    assert!(
        line.contains(&words) && line.contains("while it served 'GET /die' for 0."),
        "{line}"
    );
}

#[test]
fn a_death_in_the_body_never_looks_complete() {
    let site = Site::new(&[]);
    let mut host = Memory::default();
    let served = site.serve(&mut host, "/die-headed", "");
    let error = served.result.unwrap_err();
    assert!(error.head_sent() && served.outcome.head_sent && !served.outcome.complete);
    assert_eq!(
        (
            host.text().as_str(),
            served.outcome.code,
            served.outcome.bytes_out
        ),
        ("begun", 200, 5)
    );
    site.worker();
}

#[test]
fn an_exit_of_the_application_is_a_death() {
    let site = Site::new(&[]);
    assert_eq!(
        site.serve(&mut Memory::default(), "/exit", "").outcome.code,
        502
    );
    let line = site.wait_for_line("WC0081");
    assert!(
        line.contains("exited with code 3") && line.contains("GET /exit"),
        "{line}"
    );
    site.worker();
}

#[test]
fn a_death_while_idle_is_not_noticed_by_the_next_request() {
    let site = Site::new(&[("processes", "2")]);
    for _ in 0..10 {
        signal(site.worker(), libc::SIGKILL);
        site.worker();
    }
}

#[test]
fn the_supervisor_is_replaced_and_its_workers_end_with_it() {
    let site = Site::new(&[]);
    let (supervisor, worker) = (site.engine.supervisor().unwrap() as i32, site.worker());
    signal(supervisor, libc::SIGKILL);
    let tended = until("another supervisor", || {
        site.engine.tend().unwrap();
        site.engine
            .supervisor()
            .filter(|pid| *pid as i32 != supervisor)
    });
    assert!(tended.is_some());
    assert!(
        until("the end of the old worker", || (!is_alive(worker))
            .then_some(()))
        .is_some()
    );
    assert_ne!(site.worker(), worker);
    let lines = site.log.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("WC0085") && line.contains("SIGKILL")),
        "{lines:?}"
    );
}

#[test]
fn a_supervisor_that_is_told_to_stop_is_replaced_as_well() {
    let site = Site::new(&[]);
    let (supervisor, worker) = (site.engine.supervisor().unwrap() as i32, site.worker());
    signal(supervisor, libc::SIGTERM);
    until("its end", || {
        site.engine.tend().unwrap();
        site.engine
            .supervisor()
            .filter(|pid| *pid as i32 != supervisor)
    })
    .unwrap();
    assert_ne!(site.worker(), worker);
}

#[test]
fn a_supervisor_that_ends_again_and_again_is_replaced_later_and_later() {
    let site = Site::new(&[]);
    for _ in 0..3 {
        let supervisor = until("a supervisor", || {
            site.engine.tend().unwrap();
            site.engine.supervisor()
        });
        signal(supervisor.unwrap() as i32, libc::SIGKILL);
        until("its end", || {
            site.engine.tend().unwrap();
            (site.engine.supervisor() != supervisor).then_some(())
        })
        .unwrap();
    }
    let ends = ["another one is started", "in 0.1 seconds", "in 0.2 seconds"];
    let lines = site.log.lines();
    let lines = lines.iter().filter(|line| line.contains("WC0085"));
    for (line, end) in lines.zip(ends) {
        assert!(
            line.contains("was ended by SIGKILL") && line.ends_with(end),
            "{line}"
        );
    }
}

#[test]
fn a_host_that_waits_for_its_children_says_how_they_ended() {
    let site = Site::new(&[]);
    let supervisor = site.engine.supervisor().unwrap();
    site.engine.child_ended(supervisor + 1, 9).unwrap();
    assert_eq!(site.engine.supervisor(), Some(supervisor));
    signal(supervisor as i32, libc::SIGABRT);
    // SAFETY: a system call with a place for the status; it is a child of this process.
    let waited = unsafe { libc::waitpid(supervisor as i32, &mut 0, 0) };
    assert_eq!(waited, supervisor as i32);
    site.engine.child_ended(supervisor, libc::SIGABRT).unwrap();
    assert_ne!(site.engine.supervisor(), Some(supervisor));
    let lines = site.log.lines();
    let line = lines.iter().find(|line| line.contains("WC0085")).unwrap();
    assert!(line.contains("was ended by SIGABRT after "), "{line}");
}

#[test]
fn everything_ends_with_the_engine() {
    let site = Site::new(&[("processes", "3")]);
    let (supervisor, worker) = (site.engine.supervisor().unwrap() as i32, site.worker());
    let start = Instant::now();
    let Site {
        engine,
        directory,
        log,
        layer,
    } = site;
    drop((engine, log, layer));
    let ended = until("the end", || {
        (!is_alive(worker) && !is_alive(supervisor)).then_some(())
    });
    assert!(
        ended.is_some(),
        "{}",
        std::fs::read_to_string(directory.path().join("log")).unwrap()
    );
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

/// The other side of the next test: a host that waits to be killed.
#[test]
#[ignore = "executed by another test"]
fn host() {
    let site = Site::new(&[("processes", "2"), ("shutdown-timeout", "2")]);
    println!(
        "pids {} {}",
        site.engine.supervisor().unwrap(),
        site.worker()
    );
    std::thread::sleep(Duration::from_secs(60));
}

/// A host that forks a serving process, as a server does: executed by the next test.
#[test]
#[ignore = "executed by another test"]
fn forking_host() {
    let site = Site::prepared(&[("graceful-timeout", "10"), ("shutdown-timeout", "2")]);
    let supervisor = site.engine.supervisor().unwrap();
    let (read, write) = std::io::pipe().unwrap();
    // SAFETY: the child uses the engine, which is made for it, and leaves with _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        use std::io::{Read, Write};
        drop(write);
        site.engine.start().unwrap();
        let first = site.worker();
        println!("pids {supervisor} {first}");
        // The parent has given the engine up now.
        let _ = (&read).read(&mut [0; 1]);
        let end = Instant::now() + Duration::from_secs(2);
        let mut same = true;
        while Instant::now() < end {
            same &= site.worker() == first;
        }
        println!("served {same}");
        let _ = std::io::stdout().flush();
        // SAFETY: nothing comes after it.
        unsafe { libc::_exit(0) };
    }
    drop(read);
    std::thread::sleep(Duration::from_millis(500));
    let Site {
        engine,
        directory: _directory,
        ..
    } = site;
    drop(engine);
    drop(write);
    // SAFETY: a place for the status.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    let gone = until("the end", || (!is_alive(supervisor as i32)).then_some(()));
    println!("gone {}", gone.is_some());
}

#[test]
fn an_old_generation_serves_its_processes_until_they_have_ended() {
    let host = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "forking_host", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&host.stdout).into_owned();
    assert!(
        text.contains("served true") && text.contains("gone true"),
        "{text} {}",
        String::from_utf8_lossy(&host.stderr)
    );
}

#[test]
fn nothing_survives_the_host() {
    use std::io::{BufRead, BufReader};
    let mut host = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "host", "--ignored", "--nocapture"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines();
    // The harness writes on the same line.
    let line = lines
        .map_while(Result::ok)
        .find(|line| line.contains("pids "))
        .unwrap();
    let pids: Vec<i32> = line
        .split("pids ")
        .nth(1)
        .unwrap()
        .split(' ')
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    host.kill().unwrap();
    host.wait().unwrap();
    let ended = until("the end", || {
        (!pids.iter().any(|pid| is_alive(*pid))).then_some(())
    });
    assert!(ended.is_some(), "{pids:?}");
}

#[test]
fn a_program_that_can_not_start_backs_off_and_its_requests_get_503() {
    let site = Site::with(&[("connect-timeout", "1")], |config| {
        config.set("host-name", b"broken").unwrap();
    });
    let served = site.serve(&mut Memory::default(), "/pid", "");
    let error = served.result.unwrap_err();
    assert_eq!(
        (served.outcome.code, error.retry_after(), error.id().0),
        (503, 1, 67)
    );
    let why = site.wait_for_line("no module named encodings");
    assert!(
        why.contains("WC0030") && why.contains("group 'group'"),
        "{why}"
    );
    for pause in ["0.1", "0.2", "0.4"] {
        site.wait_for_line(&format!(
            "before it was ready: Python could not be started in it, see above; the next one starts in {pause} seconds"
        ));
    }
}

#[test]
fn a_missing_program_is_reported_and_tried_again() {
    let site = Site::with(&[("connect-timeout", "1")], |config| {
        config
            .set("daemon-executable", b"/nonexistent/wsgi-daemon")
            .unwrap();
    });
    let lines = site.log.lines();
    assert!(
        lines[0].contains("WC0065") && lines[0].contains("/nonexistent/wsgi-daemon"),
        "{lines:?}"
    );
    assert_eq!(
        site.serve(&mut Memory::default(), "/pid", "").outcome.code,
        503
    );
    assert_eq!(site.engine.tend().unwrap_err().id().0, 65);
}

#[test]
fn a_group_that_is_busy_sheds_load() {
    let site = Site::new(&[("threads", "1"), ("queue-timeout", "1")]);
    site.worker();
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| site.get("/slow", "2500"));
        let start = Instant::now();
        let shed = until("a refusal", || {
            let served = site.serve(&mut Memory::default(), "/pid", "");
            served
                .result
                .err()
                .map(|error| (served.outcome.code, error.retry_after(), error.id().0))
        });
        assert_eq!(shed, Some((503, 1, 66)));
        assert!(start.elapsed() >= Duration::from_secs(1));
        busy.join().unwrap();
    });
    site.worker();
}

#[test]
fn a_process_that_says_nothing_is_a_504() {
    let site = Site::new(&[
        ("threads", "1"),
        ("processes", "2"),
        ("socket-timeout", "1"),
    ]);
    let served = site.serve(&mut Memory::default(), "/slow", "1500");
    let error = served.result.unwrap_err();
    assert_eq!((served.outcome.code, error.id().0), (504, 69));
}

#[test]
fn every_request_is_accounted_for_while_processes_are_killed() {
    let site = Site::new(&[("processes", "4"), ("threads", "8")]);
    let (done, lost, kills) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let (site, done, lost, over) = (&site, &done, &lost, &over);
            scope.spawn(move || {
                let mut number: u64 = thread;
                while !over.load(Ordering::Relaxed) {
                    number = number
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    let size = (number >> 40) as usize % 50_000;
                    let mut host = Memory::default();
                    let served = site.serve(&mut host, "/big", &size.to_string());
                    match served.result {
                        Ok(()) => {
                            assert!(served.outcome.complete && host.sent.len() == size);
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(Error::Group { head_sent, .. }) => {
                            let code = served.outcome.code;
                            assert!(head_sent || [502, 503, 504].contains(&code), "{code}");
                            assert!(!served.outcome.complete);
                            lost.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            let worker: Option<i32> = {
                let mut host = Memory::default();
                site.serve(&mut host, "/pid", "")
                    .result
                    .ok()
                    .and_then(|()| host.text().parse().ok())
            };
            if let Some(worker) = worker.filter(|worker| is_alive(*worker)) {
                signal(worker, libc::SIGKILL);
                kills.fetch_add(1, Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        over.store(true, Ordering::Relaxed);
    });
    let (done, lost, kills) = (done.into_inner(), lost.into_inner(), kills.into_inner());
    println!("{done} answered, {lost} lost, {kills} kills");
    assert!(
        done > 1000 && kills > 10,
        "{done} answered, {lost} lost, {kills} kills; {}",
        site.lines()
    );
    // A process that is killed takes what it had with it, and nothing else.
    assert!(lost <= kills * 8, "{lost} lost with {kills} kills");
    site.worker();
}
