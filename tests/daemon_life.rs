//! Life of the processes of a group, with a runtime without Python: replacement, timers, signals, identity.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::Memory;
use support::site::{Site, is_alive, signal, until};
use wsgi_core::engine::{FileType, RequestInfo, Resolved};

/// A request for a script that was modified at this time.
fn modified(
    site: &Site,
    script: &str,
    time: i64,
) -> (Result<(), wsgi_core::engine::Error>, String) {
    let mut info = RequestInfo::new("GET", script);
    info.script_type = FileType::Regular;
    info.script_mtime_us = time;
    info.settings = Resolved::of([&site.layer]);
    let mut host = Memory::default();
    let served = host.serve(&site.engine, &info);
    (served.result, host.text())
}

#[test]
fn a_changed_script_is_served_by_a_new_process() {
    let site = Site::new(&[]);
    let ask = |time| modified(&site, "/pid", time).1;
    let first = ask(1);
    assert_eq!(ask(1), first);
    let second = ask(2);
    assert_ne!(second, first);
    assert_eq!(ask(2), second);
    let line = site.wait_for_line("a script has changed");
    assert!(line.contains(&first), "{line}");
    // It was meant to end.
    assert!(!site.lines().contains("WC0081"), "{}", site.lines());
}

#[test]
fn a_request_in_flight_outlives_the_change() {
    let site = Site::new(&[("threads", "3")]);
    let old = modified(&site, "/pid", 1).1;
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| site.get("/slow", "700"));
        // The slow one is in when the process has it.
        std::thread::sleep(Duration::from_millis(100));
        let new = modified(&site, "/pid", 2).1;
        assert_ne!(new, old);
        assert_eq!(slow.join().unwrap(), old);
    });
}

#[test]
fn replacements_lose_no_request() {
    let site = Site::new(&[("processes", "2"), ("threads", "4")]);
    let (over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    site.get("/big", "5000");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..20 {
            if round % 2 == 0 {
                let (result, _) = modified(&site, "/pid", round);
                result.unwrap();
            } else {
                signal(site.worker(), libc::SIGUSR1);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(served.into_inner() > 1000, "{}", site.lines());
    assert!(!site.lines().contains("WC0081"), "{}", site.lines());
}

#[test]
fn signals_end_a_process_in_an_orderly_way() {
    let site = Site::new(&[]);
    for (number, words) in [
        (libc::SIGTERM, "it was told to stop"),
        (libc::SIGINT, "it was told to stop"),
        (libc::SIGUSR1, "it was told to stop gracefully"),
        (libc::SIGXCPU, "cpu-time-limit is used up"),
    ] {
        let worker = site.worker();
        signal(worker, number);
        let line = site.wait_for_line(&format!(
            "Process {worker} of group 'group' exited with code 0"
        ));
        assert!(line.ends_with(words), "{line}");
    }
    let worker = site.worker();
    signal(worker, libc::SIGHUP);
    assert_eq!(site.worker(), worker);
}

#[test]
fn an_end_takes_no_longer_than_shutdown_timeout() {
    let site = Site::new(&[("shutdown-timeout", "1"), ("graceful-timeout", "1")]);
    let worker = site.worker();
    std::thread::scope(|scope| {
        let hung = scope.spawn(|| site.serve(&mut Memory::default(), "/slow", "20000"));
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        signal(worker, libc::SIGTERM);
        let served = hung.join().unwrap();
        assert_eq!(served.outcome.code, 502);
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
        site.worker();
        // Gracefully: graceful-timeout comes first.
        let worker = site.worker();
        let hung = scope.spawn(|| site.serve(&mut Memory::default(), "/slow", "20000"));
        std::thread::sleep(Duration::from_millis(100));
        signal(worker, libc::SIGUSR1);
        assert_eq!(hung.join().unwrap().outcome.code, 502);
    });
    site.wait_for_line("WC0035");
}

#[test]
fn processes_are_replaced_in_time() {
    for (option, words, wait) in [
        ("maximum-requests", "it has served maximum-requests", false),
        ("restart-interval", "restart-interval is over", true),
        ("inactivity-timeout", "inactivity-timeout is over", true),
    ] {
        let site = Site::new(&[(option, "1")]);
        let worker = site.worker();
        let line = site.wait_for_line(&format!("Process {worker} of group 'group' is replaced"));
        assert!(line.ends_with(words), "{line}");
        if wait {
            assert!(until("the end", || (!is_alive(worker)).then_some(())).is_some());
        }
        assert_ne!(site.worker(), worker, "{option}");
    }
}

#[test]
fn a_request_that_takes_too_long_ends_its_process() {
    let site = Site::new(&[
        ("request-timeout", "1"),
        ("threads", "1"),
        ("shutdown-timeout", "1"),
    ]);
    let start = Instant::now();
    let served = site.serve(&mut Memory::default(), "/slow", "20000");
    assert_eq!(served.outcome.code, 502);
    assert!(start.elapsed() < Duration::from_secs(8));
    site.wait_for_line("request-timeout is over");
    site.worker();
}

#[test]
fn sockets_may_have_names_in_the_file_system() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path().join("wsgi");
    let site = Site::with(&[("processes", "2")], |config| {
        config
            .set("socket-prefix", prefix.to_str().unwrap().as_bytes())
            .unwrap();
    });
    signal(site.worker(), libc::SIGKILL);
    site.worker();
    let names = || std::fs::read_dir(directory.path()).unwrap().count();
    assert!(
        until("two sockets", || (names() == 2).then_some(())).is_some(),
        "{}",
        names()
    );
    drop(site);
    assert!(
        until("no socket", || (names() == 0).then_some(())).is_some(),
        "{}",
        names()
    );
}

/// A line of /proc/PID/status.
fn status(pid: i32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_process_is_what_its_group_says() {
    // SAFETY: a query.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(home.path(), Some(65534), None).unwrap();
    let home = home.path().to_str().unwrap();
    let site = Site::with(
        &[
            ("user", "nobody"),
            ("group", "#54321"),
            ("supplementary-groups", "#54322,#54323"),
            ("umask", "027"),
            ("home", home),
            ("lang", "xx_XX"),
            ("locale", "C"),
            ("display-name", "%{GROUP}"),
            ("cpu-priority", "3"),
            ("memory-limit", "1000000000"),
            ("virtual-memory-limit", "8000000000"),
            ("cpu-time-limit", "100"),
            ("stack-size", "524288"),
        ],
        |config| config.set("host-user", b"root").unwrap(),
    );
    let worker = site.worker();
    assert_eq!(status(worker, "Uid"), "65534 65534 65534 65534");
    assert_eq!(status(worker, "Gid"), "54321 54321 54321 54321");
    assert_eq!(status(worker, "Groups"), "54321 54322 54323");
    assert_eq!(status(worker, "Umask"), "0027");
    let process = format!("/proc/{worker}");
    assert_eq!(
        std::fs::read_link(format!("{process}/cwd"))
            .unwrap()
            .to_str()
            .unwrap(),
        home
    );
    let command = std::fs::read(format!("{process}/cmdline")).unwrap();
    assert_eq!(command, b"(wsgi:group)\0");
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    for limit in ["1000000000", "8000000000", "106"] {
        assert!(limits.contains(limit), "{limits}");
    }
    let stat = std::fs::read_to_string(format!("{process}/stat")).unwrap();
    assert_eq!(
        stat.rsplit(')').next().unwrap().split_whitespace().nth(16),
        Some("3")
    );
    // Nothing of the host's is open in it but its log.
    let open: Vec<_> = std::fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(open.len() < 20, "{}", open.len());
    let plan = |entry: &std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        target.to_string_lossy().contains("wsgi-core-plan")
    };
    assert!(!open.iter().any(plan), "an application can read the plan");
    // Its socket is no one else's.
    let refused = std::process::Command::new("setpriv")
        .args([
            "--reuid=65533",
            "--clear-groups",
            "/usr/bin/python3",
            "-c",
            CONNECT,
        ])
        .output()
        .unwrap();
    assert!(
        refused.status.success(),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    site.wait_for_line("WC0084");
}

#[test]
fn a_group_may_have_a_root_of_its_own() {
    // SAFETY: a query.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_str().unwrap();
    let site = Site::new(&[("chroot", path), ("user", "nobody")]);
    let worker: i32 = site.get(&format!("{path}/pid"), "").parse().unwrap();
    let link = std::fs::read_link(format!("/proc/{worker}/root")).unwrap();
    assert_eq!(link, root.path());
    let mut host = Memory::default();
    let served = site.serve(&mut host, &format!("{path}/app"), "");
    served.result.unwrap();
    assert_eq!(host.value("SCRIPT_FILENAME").as_deref(), Some("/app"));
    let served = site.serve(&mut Memory::default(), "/elsewhere/app", "");
    assert_eq!(served.result.unwrap_err().id().0, 64);
}

#[test]
fn scripts_of_a_group_are_loaded_when_its_processes_start() {
    let mut layer = wsgi_core::engine::Settings::new(wsgi_core::engine::Scope::Directory);
    layer.set("process-group", b"group").unwrap();
    layer.set("application-group", b"%{GLOBAL}").unwrap();
    let site = Site::with(&[], |config| {
        let mapping = wsgi_core::engine::Mapping {
            script: b"/a.wsgi",
            ..Default::default()
        };
        config.add_application(&mapping, [&layer]).unwrap();
    });
    assert!(site.get("/calls", "").contains("load /a.wsgi in ''"));
}

#[test]
fn a_group_without_threads_serves_nothing() {
    let site = Site::new(&[("threads", "0")]);
    assert_eq!(
        site.serve(&mut Memory::default(), "/pid", "").outcome.code,
        503
    );
}

/// Connects to every socket of process groups that there is, and wants to be sent away.
const CONNECT: &str = r"
import socket
names = {line.split()[-1] for line in open('/proc/net/unix') if '@wsgi-core.' in line}
assert names
for name in names:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect('\0' + name[1:])
            connection.settimeout(5)
            assert connection.recv(1) == b''
        except ConnectionError:
            pass
";

#[test]
fn a_graceful_replacement_of_the_engine_serves_what_the_old_one_has() {
    let old = Site::new(&[]);
    let worker = old.worker();
    std::thread::scope(|scope| {
        // A process that was forked before still has the old engine.
        let engine = old.engine.clone();
        let slow = scope.spawn(|| old.get("/slow", "500"));
        std::thread::sleep(Duration::from_millis(100));
        let new = Site::new(&[]);
        assert_ne!(new.worker(), worker);
        assert_eq!(slow.join().unwrap(), worker.to_string());
        drop(engine);
    });
    drop(old);
    assert!(until("the end", || (!is_alive(worker)).then_some(())).is_some());
}
