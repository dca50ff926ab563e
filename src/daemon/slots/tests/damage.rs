//! A table that one of its processes has scribbled over.

use super::super::layout::set;
use super::{LONG, group, in_flight};
use proptest::prelude::*;
use std::time::Duration;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is in the memory, calls come back, with a value or an error, and within their time.
    #[test]
    fn damage_costs_requests_and_nothing_else(
        writes in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u32>(), 0_u32..5]), 1..40)
    ) {
        let (supervisor, claimer) = group(&[2, 2]);
        let kept = claimer.claim(LONG).unwrap();
        let words = claimer.table().view().words;
        let lock = 16;
        for (index, value) in writes {
            let index = index.index(words.len());
            // A damaged lock is another test: it is waited for.
            if index != lock {
                set(&words[index], value);
            }
        }
        for _ in 0..4 {
            let _ = claimer.claim(Some(Duration::from_micros(1))).map(drop);
        }
        drop(kept);
        let _ = supervisor.sweep(|_| false);
        for row in 0..4 {
            let _ = (supervisor.gone(row), supervisor.starting(row, 9, 1), supervisor.ready(row));
        }
        let _ = in_flight(claimer.table());
        let _ = supervisor.close();
    }
}

#[test]
fn a_lock_held_by_nobody_is_taken() {
    let (_supervisor, claimer) = group(&[1]);
    set(claimer.table().header().lock, 12345);
    assert!(claimer.claim(LONG).is_ok());
}
