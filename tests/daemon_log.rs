//! Where process groups log, with a runtime without Python.

mod support;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use support::site::{Site, signal, until};
use wsgi_core::engine::{Config, Error};
use wsgi_core_abi::Level;

/// A site whose group has this log.
fn site(level: Level, log: Option<OwnedFd>) -> Site {
    Site::with(&[], |config| {
        config.set_group_log(b"group", level, log).unwrap();
    })
}

/// A file to log to.
fn file() -> tempfile::NamedTempFile {
    tempfile::NamedTempFile::new().unwrap()
}

fn append(file: &tempfile::NamedTempFile) -> Option<OwnedFd> {
    Some(
        File::options()
            .append(true)
            .open(file.path())
            .unwrap()
            .into(),
    )
}

fn wait_in(file: &tempfile::NamedTempFile, text: &str) -> String {
    let find = || {
        let all = std::fs::read_to_string(file.path()).unwrap();
        all.contains(text).then_some(all)
    };
    until(text, find).unwrap_or_else(|| panic!("no '{text}' in the file"))
}

/// Ends the worker. Gives what is said about that.
fn end(site: &Site) -> String {
    let worker = site.worker();
    signal(worker, libc::SIGKILL);
    assert_ne!(site.worker(), worker);
    format!("WC0081: Process {worker} of group 'group' was ended by SIGKILL")
}

#[test]
fn what_a_group_says_and_what_is_said_about_it_go_to_its_log() {
    let log = file();
    let site = site(Level::Info, append(&log));
    signal(site.worker(), libc::SIGHUP);
    wait_in(&log, "fake process_signal: SIGHUP");
    let end = end(&site);
    let all = wait_in(&log, &end);
    assert!(all.contains("[wsgi:info]") && all.contains("of group 'group' is ready"));
    // What concerns the group is there alone.
    assert!(!site.lines().contains("roup 'group'"), "{}", site.lines());
    assert!(!site.lines().contains("fake"), "{}", site.lines());
}

#[test]
fn a_log_has_the_level_of_its_group() {
    let log = file();
    let quiet = site(Level::Error, append(&log));
    let end_of_quiet = end(&quiet);
    assert!(!wait_in(&log, &end_of_quiet).contains("wsgi:info"));
    // A level alone leaves the lines with those of the others.
    let same = site(Level::Error, None);
    same.wait_for_line(&end(&same));
    assert!(!same.lines().contains("is ready"), "{}", same.lines());
}

#[test]
fn another_supervisor_has_the_log_too() {
    let log = file();
    let site = site(Level::Info, append(&log));
    let supervisor = site.engine.supervisor().unwrap();
    signal(supervisor as i32, libc::SIGKILL);
    until("another supervisor", || {
        site.engine.tend().unwrap();
        site.engine.supervisor().filter(|pid| *pid != supervisor)
    })
    .unwrap();
    let end = end(&site);
    wait_in(&log, &end);
}

#[test]
fn a_pipe_that_nobody_reads_from_holds_nothing_up() {
    let (reader, writer) = std::io::pipe().unwrap();
    // Its other users wait where this one does not.
    let mut filler = File::options()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/self/fd/{}", writer.as_raw_fd()))
        .unwrap();
    let site = site(Level::Error, Some(writer.into()));
    site.worker();
    while filler.write(b"x").is_ok() {}
    site.wait_for_line(&end(&site));
    drop(reader);
    site.wait_for_line(&end(&site));
}

#[test]
fn only_a_group_has_a_log() {
    let error = Config::new().set_group_log(b"none", Level::Info, None);
    let Err(Error::Argument(text)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(text, "there is no process group 'none'");
}
