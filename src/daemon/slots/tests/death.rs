//! Processes that die with slots, in the queue, and with the lock.
//!
//! Unsafe: `fork`, because thousands of processes are to be started and killed within a second or two. The
//! children use the table and nothing else.

use super::super::layout::{FREE, GRANTED, get, set};
use super::super::{ClaimError, Claimer, Layout, Supervisor, Table};
use super::{LONG, in_flight, until_waiting};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Child(libc::pid_t);

impl Child {
    /// Runs `work` in a process of its own until it is killed.
    fn start(table: &Arc<Table>, work: impl Fn(&Claimer)) -> Self {
        // SAFETY: the child calls nothing that another thread of the test could have left locked: malloc's
        // locks are put right by fork, and a failure ends in `_exit` without unwinding into the test harness.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            // SAFETY: plain values. A test that fails must not leave processes behind.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            if let Ok(claimer) = Claimer::attach(table.clone()) {
                loop {
                    work(&claimer);
                }
            }
            // SAFETY: ends the child.
            unsafe { libc::_exit(1) };
        }
        Self(pid)
    }

    fn kill(self) {
        // SAFETY: a child of ours that has not been waited for.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

fn table(capacity: u32) -> (Arc<Table>, Supervisor) {
    let table = Arc::new(
        Table::create(Layout {
            rows: 3,
            slots: 4,
            members: 32,
            waiters: 64,
        })
        .unwrap(),
    );
    let supervisor = Supervisor::attach(table.clone()).unwrap();
    for row in 0..2 {
        supervisor.starting(row, 1, capacity).unwrap();
        supervisor.ready(row).unwrap();
    }
    (table, supervisor)
}

fn sleep_for_ever() {
    std::thread::sleep(Duration::from_secs(1000));
}

/// Gives up well before a claim does.
fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn slots_of_a_killed_process_come_back() {
    let (table, supervisor) = table(1);
    let holder = Child::start(&table, |claimer| {
        let _leases = (claimer.claim(LONG), claimer.claim(LONG));
        sleep_for_ever();
    });
    until("the child has both", || in_flight(&table) == [1, 1, 0]);
    let claimer = Claimer::attach(table.clone()).unwrap();
    assert_eq!(
        supervisor.sweep(|_| false).unwrap().processes,
        0,
        "it lives"
    );
    assert_eq!(
        claimer.claim(Some(Duration::ZERO)).unwrap_err(),
        ClaimError::Timeout
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| claimer.claim(LONG).map(|lease| lease.row()));
        until_waiting(&table, 1);
        holder.kill();
        let swept = supervisor.sweep(|_| false).unwrap();
        assert_eq!((swept.processes, swept.slots), (1, 2));
        assert_eq!(waiting.join().unwrap(), Ok(0));
    });
    assert_eq!(in_flight(&table), [0, 0, 0]);
}

#[test]
fn a_slot_of_a_killed_process_comes_back_when_its_thread_is_free() {
    let (table, supervisor) = table(1);
    let holder = Child::start(&table, |claimer| {
        let _leases = (claimer.claim(LONG), claimer.claim(LONG));
        sleep_for_ever();
    });
    until("the child has both", || in_flight(&table) == [1, 1, 0]);
    holder.kill();
    let swept = supervisor.sweep(|held| held.row == 0).unwrap();
    assert_eq!((swept.processes, swept.slots), (1, 1));
    assert_eq!(in_flight(&table), [1, 0, 0]);
    supervisor.collect(|_| false).unwrap();
    assert_eq!(in_flight(&table), [0, 0, 0]);
}

#[test]
fn a_slot_given_to_a_waiter_that_was_killed_goes_to_the_next() {
    let (table, supervisor) = table(1);
    let claimer = Claimer::attach(table.clone()).unwrap();
    let leases = (claimer.claim(LONG).unwrap(), claimer.claim(LONG).unwrap());
    let waiter = Child::start(&table, |claimer| {
        let _lease = claimer.claim(LONG);
        sleep_for_ever();
    });
    until_waiting(&table, 1);
    std::thread::scope(|scope| {
        let next = scope.spawn(|| claimer.claim(LONG).map(drop));
        until_waiting(&table, 2);
        waiter.kill();
        drop(leases.0);
        assert_eq!(table.waiting(), 1, "the dead is first");
        supervisor.sweep(|_| false).unwrap();
        assert_eq!(next.join().unwrap(), Ok(()));
    });
    drop(leases.1);
    assert_eq!(in_flight(&table), [0, 0, 0]);
}

#[test]
fn the_lock_of_a_killed_process_is_taken_over() {
    let (table, _supervisor) = table(1);
    let holder = Child::start(&table, |claimer| {
        let _locked = claimer.table().lock(1);
        sleep_for_ever();
    });
    until("the child has the lock", || {
        table
            .header()
            .lock
            .load(std::sync::atomic::Ordering::Relaxed)
            != 0
    });
    let claimer = Claimer::attach(table.clone()).unwrap();
    assert_eq!(
        claimer.claim(LONG).unwrap_err(),
        ClaimError::Stuck,
        "it lives"
    );
    holder.kill();
    assert!(claimer.claim(LONG).is_ok());
}

#[test]
fn a_slot_that_could_not_be_given_back_is_not_forgotten() {
    let (table, _supervisor) = table(1);
    let claimer = Claimer::attach(table.clone()).unwrap();
    let lease = claimer.claim(LONG).unwrap();
    let holder = Child::start(&table, |claimer| {
        let _locked = claimer.table().lock(2);
        sleep_for_ever();
    });
    until("the child has the lock", || {
        table
            .header()
            .lock
            .load(std::sync::atomic::Ordering::Relaxed)
            != 0
    });
    drop(lease);
    assert_eq!(in_flight(&table), [1, 0, 0], "nobody could change it");
    holder.kill();
    drop(claimer.claim(LONG).unwrap());
    assert_eq!(in_flight(&table), [0, 0, 0]);
}

/// The moment at which nothing but the waiter knows about its slot.
#[test]
fn a_slot_that_was_half_given_arrives() {
    let (table, supervisor) = table(1);
    let claimer = Claimer::attach(table.clone()).unwrap();
    let held = (claimer.claim(LONG).unwrap(), claimer.claim(LONG).unwrap());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            claimer
                .claim(LONG)
                .map(|lease| (lease.row(), lease.serial()))
        });
        until_waiting(&table, 1);
        let giver = Child::start(&table, |claimer| {
            let mut locked = claimer.table().lock(2).unwrap();
            let (view, (index, _)) = (claimer.table().view(), locked.first().unwrap());
            let (waiter, slot) = (view.waiter(index).unwrap(), view.slot(4).unwrap());
            set(slot.owner, 0);
            locked.unlink(waiter);
            set(waiter.slot, 4);
            set(waiter.serial, 77);
            set(waiter.state, GRANTED);
            sleep_for_ever();
        });
        until("the child is in the middle of it", || table.waiting() == 0);
        giver.kill();
        assert_eq!(
            claimer.claim(Some(Duration::ZERO)).unwrap_err(),
            ClaimError::Timeout
        );
        assert_eq!(waiting.join().unwrap(), Ok((1, 77)));
    });
    drop(held.0);
    // Row 1 was taken from its holder above, so dropping that lease frees nothing.
    drop(held.1);
    supervisor.sweep(|_| false).unwrap();
    assert_eq!((in_flight(&table), table.waiting()), (vec![0; 3], 0));
}

#[test]
fn there_is_one_supervisor() {
    let (table, supervisor) = table(1);
    let attempt = Child::start(&table, |claimer| {
        let table =
            Arc::new(Table::open(claimer.table().fd().try_clone_to_owned().unwrap()).unwrap());
        if Supervisor::attach(table).is_ok() {
            let _lease = claimer.claim(LONG).map(std::mem::forget);
        }
        sleep_for_ever();
    });
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(in_flight(&table), [0, 0, 0]);
    attempt.kill();
    drop(supervisor);
}

/// Whoever waits or has been given a slot goes on: no wake-up was lost.
fn until_all_go_on(table: &Table) {
    let view = table.view();
    for waiter in (0..view.layout.waiters).filter_map(|index| view.waiter(index)) {
        let now = || (get(waiter.state), get(waiter.order));
        let before = now();
        until("a waiter was forgotten", || {
            before.0 == FREE || now() != before
        });
    }
}

/// Six processes claim and release as fast as they can, on four slots; one after the other is killed wherever it
/// is, in and out of the lock. Afterwards nothing is lost, nothing is held twice and nobody sleeps for ever.
#[test]
fn processes_killed_at_any_point_lose_nothing() {
    let (table, supervisor) = table(2);
    let busy = |claimer: &Claimer| drop(claimer.claim(LONG));
    let mut children: Vec<_> = (0..6).map(|_| Child::start(&table, busy)).collect();
    let (start, mut seed, mut rounds) = (Instant::now(), 1_u32, 0);
    let mut swept = super::super::Swept::default();
    while rounds < 3000 && start.elapsed() < Duration::from_secs(6) {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        for _ in 0..(seed >> 8) % 20_000 {
            std::hint::spin_loop();
        }
        children
            .remove((seed >> 24) as usize % children.len())
            .kill();
        let found = supervisor.sweep(|_| false).unwrap();
        (swept.processes, swept.slots) =
            (swept.processes + found.processes, swept.slots + found.slots);
        children.push(Child::start(&table, busy));
        rounds += 1;
        if rounds % 20 == 0 {
            until_all_go_on(&table);
        }
    }
    println!("{rounds} killed; swept {swept:?}");
    // A loaded machine does not get far in that time.
    assert!(rounds > 10);
    let serial = || {
        table
            .header()
            .serial
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let before = serial();
    until("the others go on", || serial().wrapping_sub(before) > 1000);
    children.into_iter().for_each(Child::kill);
    supervisor.sweep(|_| false).unwrap();
    assert_eq!((in_flight(&table), table.waiting()), (vec![0; 3], 0));
    let claimer = Claimer::attach(table.clone()).unwrap();
    let all: Vec<_> = (0..4)
        .map(|_| claimer.claim(Some(Duration::ZERO)).unwrap())
        .collect();
    assert_eq!(all.len(), 4);
}
