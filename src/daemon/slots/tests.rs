//! What admission promises, with threads and with processes that are killed at any moment.

mod board;
mod claims;
mod damage;
mod death;

use super::{Claimer, Layout, Supervisor, Table};
use std::sync::Arc;
use std::time::Duration;

const LAYOUT: Layout = Layout {
    rows: 4,
    slots: 8,
    members: 16,
    waiters: 64,
};

/// Long enough for anything that should happen.
const LONG: Option<Duration> = Some(Duration::from_secs(20));

/// A group whose workers have this many threads and are ready.
fn group(capacities: &[u32]) -> (Supervisor, Claimer) {
    let table = Arc::new(Table::create(LAYOUT).unwrap());
    let supervisor = Supervisor::attach(table.clone()).unwrap();
    for (row, capacity) in (0..).zip(capacities) {
        supervisor.starting(row, 1, *capacity).unwrap();
        supervisor.ready(row).unwrap();
    }
    (supervisor, Claimer::attach(table).unwrap())
}

fn in_flight(table: &Table) -> Vec<u32> {
    table.rows().map(|row| row.in_flight).collect()
}

/// Waits until this many requests wait.
fn until_waiting(table: &Table, count: u32) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while table.waiting() != count {
        assert!(
            std::time::Instant::now() < end,
            "{} wait, not {count}",
            table.waiting()
        );
        std::thread::yield_now();
    }
}
