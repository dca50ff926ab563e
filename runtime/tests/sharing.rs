//! Threads that use the same objects at the same time, of Python's and of the gateway's. Without a GIL nothing
//! but locks and CPython's own care is between them.

mod harness;

use harness::{Script, server_log, start};
use std::sync::atomic::{AtomicU32, Ordering};
use wsgi_core_abi::Status;

const THREADS: usize = 8;

/// Runs this on all threads.
fn together(work: impl Fn(usize) + Sync) {
    start();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

#[test]
fn a_list_that_others_change_is_sent_while_it_lasts() {
    let script = Script::new(
        "blocks = []\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   if len(blocks) < 100: blocks.extend([b'x' * 10, b'yy'] * 50)\n\
         \x20   else: blocks.clear()\n\
         \x20   return blocks\n",
    );
    together(|_| {
        for _ in 0..300 {
            let response = script.request().send();
            assert_eq!(response.status, Status::OK, "{response:#?}");
            let rest = response.body.replace("xxxxxxxxxx", "").replace("yy", "");
            assert_eq!(rest, "");
        }
    });
}

#[test]
fn lines_of_shared_streams_stay_whole() {
    let script = Script::new(
        "import sys, threading\n\
         def application(environ, start_response):\n\
         \x20   kept = environ['wsgi.errors']\n\
         \x20   def write():\n\
         \x20       for n in range(20):\n\
         \x20           sys.stderr.write('of a thread\\n')\n\
         \x20           kept.write('of a request\\n')\n\
         \x20   others = [threading.Thread(target=write) for _ in range(2)]\n\
         \x20   for other in others: other.start()\n\
         \x20   for other in others: other.join()\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [b'done']\n",
    );
    together(|_| {
        for _ in 0..5 {
            let response = script.request().send();
            assert_eq!(response.body, "done", "{response:#?}");
            let lines = response
                .log
                .iter()
                .filter(|line| line.text.contains("of a request"));
            assert_eq!(lines.count(), 40);
        }
    });
    let log = server_log();
    let lines = log.iter().filter(|line| line.text.contains("of a thread"));
    assert_eq!(lines.count(), THREADS * 5 * 40);
    assert!(
        log.iter()
            .filter(|line| line.text.contains("of a "))
            .all(|line| line.text == "of a thread")
    );
}

#[test]
fn a_script_is_loaded_again_under_requests() {
    let source = |number: u32| {
        format!(
            "helper = b'{number}'\n\
             def application(environ, start_response):\n\
             \x20   start_response('200 OK', [])\n\
             \x20   return [helper, b' {number}']\n"
        )
    };
    let script = Script::new(&source(0));
    let newest = AtomicU32::new(0);
    together(|thread| {
        for round in 0..200 {
            if thread == 0 && round % 10 == 0 {
                let next = round / 10 + 1;
                script.write(&source(next));
                newest.store(next, Ordering::SeqCst);
                continue;
            }
            let least = newest.load(Ordering::SeqCst);
            let response = script.request().send();
            if response.status != Status::OK {
                // The file is replaced in two steps; what is read in between is empty.
                continue;
            }
            let (helper, number) = response.body.split_once(' ').unwrap();
            assert_eq!(helper, number);
            assert!(number.parse::<u32>().unwrap() >= least, "{response:#?}");
        }
    });
}

#[test]
fn threads_come_and_go() {
    let script = Script::new(
        "import threading\n\
         local = threading.local()\n\
         def application(environ, start_response):\n\
         \x20   local.kept = environ, getattr(local, 'kept', None)\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [b'served']\n",
    );
    for _ in 0..50 {
        together(|thread| {
            for group in ["", "short", "shorter"].iter().skip(thread % 3) {
                assert_eq!(script.request().group(group).expect_ok(), "served");
            }
        });
    }
}

#[test]
fn one_interpreter_is_made_however_many_ask_for_it() {
    let script = Script::new(
        "import sys\n\
         sys.loads = getattr(sys, 'loads', 0) + 1\n\
         def application(environ, start_response):\n\
         \x20   start_response('200 OK', [])\n\
         \x20   return [str(sys.loads).encode()]\n",
    );
    let barrier = std::sync::Barrier::new(THREADS);
    together(|_| {
        for group in ["first", "second", "third"] {
            barrier.wait();
            assert_eq!(script.request().group(group).expect_ok(), "1");
        }
    });
    for group in ["first", "second", "third"] {
        let text = format!("creating interpreter '{group}'");
        let created = |line: &&harness::Line| line.text == text;
        assert_eq!(server_log().iter().filter(created).count(), 1);
    }
}
