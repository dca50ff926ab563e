//! Who gets which slot, and when.

use super::super::{ClaimError, Claimer, Error, Held, Layout, State, Supervisor, Table};
use super::{LAYOUT, LONG, group, in_flight, until_waiting};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn no_request_goes_to_a_busy_worker_while_another_is_free() {
    let (_supervisor, claimer) = group(&[2, 2, 2]);
    let leases: Vec<_> = (0..6)
        .map(|_| claimer.claim(Some(Duration::ZERO)).unwrap())
        .collect();
    let rows: Vec<_> = leases.iter().map(super::super::Lease::row).collect();
    assert_eq!(rows, [0, 1, 2, 0, 1, 2]);
    assert_eq!(in_flight(claimer.table()), [2, 2, 2, 0]);
    assert_eq!(
        claimer.claim(Some(Duration::ZERO)).unwrap_err(),
        ClaimError::Timeout
    );
    drop(leases);
    assert_eq!(in_flight(claimer.table()), [0, 0, 0, 0]);
}

#[test]
fn a_claim_ends_with_its_time() {
    let (_supervisor, claimer) = group(&[1]);
    let lease = claimer.claim(LONG).unwrap();
    let (start, timeout) = (Instant::now(), Duration::from_millis(30));
    assert_eq!(
        claimer.claim(Some(timeout)).unwrap_err(),
        ClaimError::Timeout
    );
    assert!(start.elapsed() >= timeout);
    assert_eq!(claimer.table().waiting(), 0);
    drop(lease);
    assert!(claimer.claim(Some(Duration::ZERO)).is_ok());
}

#[test]
fn a_slot_that_was_left_comes_back_when_its_thread_is_free() {
    let (supervisor, claimer) = group(&[1]);
    let lease = claimer.claim(LONG).unwrap();
    let left = Held {
        row: lease.row(),
        slot: lease.slot(),
        serial: lease.serial(),
    };
    lease.leave();
    let at_once = || claimer.claim(Some(Duration::ZERO)).map(drop);
    assert_eq!(at_once(), Err(ClaimError::Timeout));
    supervisor.collect(|held| held == left).unwrap();
    assert_eq!(at_once(), Err(ClaimError::Timeout));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| claimer.claim(LONG).map(drop));
        until_waiting(claimer.table(), 1);
        supervisor.collect(|held| held != left).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
    assert_eq!(at_once(), Ok(()));
    // With the worker it is void.
    claimer.claim(LONG).unwrap().leave();
    supervisor.starting(0, 2, 1).unwrap();
    supervisor.ready(0).unwrap();
    assert_eq!(at_once(), Ok(()));
}

#[test]
fn who_comes_first_is_served_first() {
    let (_supervisor, claimer) = group(&[1]);
    let order = Mutex::new(Vec::new());
    let lease = claimer.claim(LONG).unwrap();
    std::thread::scope(|scope| {
        for number in 0..20 {
            let (claimer, order) = (&claimer, &order);
            scope.spawn(move || {
                let lease = claimer.claim(LONG).unwrap();
                order.lock().unwrap().push(number);
                drop(lease);
            });
            until_waiting(claimer.table(), number + 1);
        }
        drop(lease);
    });
    assert_eq!(order.into_inner().unwrap(), (0..20).collect::<Vec<_>>());
}

#[test]
fn who_gives_up_does_not_hold_up_those_behind() {
    let (_supervisor, claimer) = group(&[1]);
    let lease = claimer.claim(LONG).unwrap();
    std::thread::scope(|scope| {
        let hasty = scope.spawn(|| claimer.claim(Some(Duration::from_millis(20))).map(drop));
        until_waiting(claimer.table(), 1);
        let patient = scope.spawn(|| claimer.claim(LONG).map(drop));
        assert_eq!(hasty.join().unwrap(), Err(ClaimError::Timeout));
        drop(lease);
        assert_eq!(patient.join().unwrap(), Ok(()));
    });
}

#[test]
fn requests_wait_for_a_worker_that_starts() {
    let (supervisor, claimer) = group(&[]);
    std::thread::scope(|scope| {
        let claims: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| claimer.claim(LONG).map(std::mem::forget)))
            .collect();
        until_waiting(claimer.table(), 3);
        supervisor.starting(1, 5, 3).unwrap();
        assert_eq!(claimer.table().waiting(), 3);
        supervisor.ready(1).unwrap();
        claims
            .into_iter()
            .for_each(|claim| claim.join().unwrap().unwrap());
    });
    assert_eq!(in_flight(claimer.table()), [0, 3, 0, 0]);
}

#[test]
fn a_draining_worker_gets_nothing_new_and_finishes_what_it_has() {
    let (supervisor, claimer) = group(&[2, 2]);
    let lease = claimer.claim(LONG).unwrap();
    supervisor.draining(0).unwrap();
    assert!(lease.is_current());
    let others: Vec<_> = (0..2).map(|_| claimer.claim(LONG).unwrap()).collect();
    assert!(others.iter().all(|other| other.row() == 1));
    drop(lease);
    assert_eq!(
        claimer.claim(Some(Duration::ZERO)).unwrap_err(),
        ClaimError::Timeout
    );
}

#[test]
fn a_worker_that_refuses_is_left_alone() {
    let (_supervisor, claimer) = group(&[1, 1]);
    let lease = claimer.claim(LONG).unwrap();
    assert_eq!(lease.row(), 0);
    lease.refused();
    assert_eq!(claimer.table().row(0).unwrap().state, State::Draining);
    assert_eq!(in_flight(claimer.table()), [0, 0, 0, 0]);
    assert_eq!(claimer.claim(LONG).unwrap().row(), 1);
}

#[test]
fn leases_of_a_dead_worker_are_void() {
    let (supervisor, claimer) = group(&[1]);
    let old = claimer.claim(LONG).unwrap();
    supervisor.gone(0).unwrap();
    assert!(!old.is_current());
    supervisor.starting(0, 2, 1).unwrap();
    supervisor.ready(0).unwrap();
    let new = claimer.claim(Some(Duration::ZERO)).unwrap();
    assert_eq!((new.generation(), new.is_current()), (2, true));
    drop(old);
    assert_eq!(
        in_flight(claimer.table()),
        [1, 0, 0, 0],
        "the old lease must not free the new one's slot"
    );
}

#[test]
fn the_end_of_a_group_sends_everyone_away() {
    let (supervisor, claimer) = group(&[]);
    std::thread::scope(|scope| {
        let claims: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| claimer.claim(None).map(drop)))
            .collect();
        until_waiting(claimer.table(), 3);
        supervisor.close().unwrap();
        for claim in claims {
            assert_eq!(claim.join().unwrap(), Err(ClaimError::Closed));
        }
    });
    assert_eq!(claimer.claim(LONG).unwrap_err(), ClaimError::Closed);
}

#[test]
fn the_queue_has_an_end() {
    let table = Arc::new(
        Table::create(Layout {
            waiters: 2,
            ..LAYOUT
        })
        .unwrap(),
    );
    let supervisor = Supervisor::attach(table.clone()).unwrap();
    let claimer = Claimer::attach(table).unwrap();
    std::thread::scope(|scope| {
        for count in 1..=2 {
            scope.spawn(|| claimer.claim(LONG).map(drop));
            until_waiting(claimer.table(), count);
        }
        assert_eq!(claimer.claim(LONG).unwrap_err(), ClaimError::Full);
        supervisor.close().unwrap();
    });
}

#[test]
fn places_are_found_again_after_they_were_left() {
    let table = Arc::new(
        Table::create(Layout {
            members: 3,
            ..LAYOUT
        })
        .unwrap(),
    );
    let attach = || Claimer::attach(table.clone());
    let (first, second) = (attach().unwrap(), attach().unwrap());
    assert!(matches!(attach(), Err(Error::Crowded)));
    drop(first);
    assert!(attach().is_ok());
    drop(second);
}

#[test]
fn a_table_is_opened_as_it_was_made_and_nothing_else_is() {
    let table = Table::create(LAYOUT).unwrap();
    let open = |fd: std::os::fd::BorrowedFd<'_>| Table::open(fd.try_clone_to_owned().unwrap());
    assert_eq!(open(table.fd()).unwrap().layout(), LAYOUT);
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 20).unwrap();
    assert!(
        matches!(open(file.as_fd()), Err(Error::Foreign)),
        "it could be cut off"
    );
    let board = super::super::Board::create(LAYOUT).unwrap();
    assert!(matches!(open(board.fd()), Err(Error::Foreign)));
    assert!(matches!(
        Table::create(Layout { rows: 0, ..LAYOUT }),
        Err(Error::Layout {
            what: "rows",
            count: 0
        })
    ));
}

#[test]
fn under_contention_no_slot_is_given_twice_and_none_is_lost() {
    let (supervisor, claimer) = group(&[2, 1]);
    let held: [AtomicU32; 16] = Default::default();
    let end = Instant::now() + Duration::from_millis(700);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (claimer, held) = (&claimer, &held);
            scope.spawn(move || {
                while Instant::now() < end {
                    let timeout = Some(Duration::from_micros(if thread == 0 {
                        50
                    } else {
                        10_000_000
                    }));
                    let Ok(lease) = claimer.claim(timeout) else {
                        continue;
                    };
                    let slot = &held[(lease.row() * 8 + lease.slot()) as usize];
                    assert_eq!(slot.fetch_add(1, Relaxed), 0, "given twice");
                    slot.fetch_sub(1, Relaxed);
                }
            });
        }
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
            supervisor.draining(1).unwrap();
            supervisor.ready(1).unwrap();
            supervisor.sweep(|_| false).unwrap();
        }
    });
    assert_eq!(
        (in_flight(claimer.table()), claimer.table().waiting()),
        (vec![0; 4], 0)
    );
    let all: Vec<_> = (0..3)
        .map(|_| claimer.claim(Some(Duration::ZERO)).unwrap())
        .collect();
    assert_eq!(all.len(), 3);
}

/// A worker may die between giving a slot to a request and the request noticing.
#[test]
fn who_loses_a_slot_before_using_it_keeps_its_place() {
    let (supervisor, claimer) = group(&[]);
    let table = claimer.table();
    let enqueue = || table.lock(1).unwrap().enqueue().unwrap();
    let first = || table.lock(1).unwrap().first().map(|(index, _)| index);
    let waiters = [enqueue(), enqueue()];
    supervisor.starting(0, 1, 1).unwrap();
    supervisor.ready(0).unwrap();
    assert_eq!(first(), Some(waiters[1]));
    supervisor.gone(0).unwrap();
    assert_eq!((first(), table.waiting()), (Some(waiters[0]), 2));
}
