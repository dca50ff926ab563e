//! How soon a process that ended is replaced.
#![forbid(unsafe_code)]

use std::time::Duration;

/// The pause before the next attempt, doubled with each failure in a row.
#[derive(Debug, Default)]
pub struct BackOff(u32);

const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(20);

/// A worker that lived so long was not a failure to start.
const LONG: Duration = Duration::from_secs(10);

impl BackOff {
    /// A worker has ended. `served` is how long it took requests, if it ever did; `orderly` when it ended because
    /// it should.
    pub fn ended(&mut self, served: Option<Duration>, orderly: bool) -> Duration {
        match served {
            Some(_) if orderly => *self = Self(0),
            // The first death is no pattern: it is replaced at once.
            Some(served) if served >= LONG => *self = Self(0),
            Some(served) if served >= Duration::from_millis(500) => self.0 = self.0.min(1),
            _ => self.0 = self.0.max(1),
        }
        let pause = self.pause();
        self.0 = self
            .0
            .saturating_add(u32::from(!(orderly && served.is_some())));
        pause
    }

    /// A supervisor has ended, or could not be started; `lived` is for how long there was one. The first is replaced
    /// at once.
    pub fn lost(&mut self, lived: Duration) -> Duration {
        if lived >= LONG {
            *self = Self(0);
        }
        let pause = self.pause();
        self.0 = self.0.saturating_add(1);
        pause
    }

    fn pause(&self) -> Duration {
        match self.0 {
            0 => Duration::ZERO,
            failures => FIRST.saturating_mul(1 << (failures - 1).min(8)).min(MOST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let mut back_off = BackOff::default();
        let pauses: Vec<u64> = (0..10)
            .map(|_| back_off.ended(None, false).as_millis() as u64)
            .collect();
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000]
        );
        assert_eq!(back_off.ended(Some(LONG), false), Duration::ZERO);
        assert_eq!(back_off.ended(None, true), FIRST);
    }

    #[test]
    fn a_supervisor_is_replaced_at_once_and_then_later_and_later() {
        let mut back_off = BackOff::default();
        let mut pauses = |lived| back_off.lost(lived).as_millis();
        assert_eq!([pauses(LONG), pauses(LONG)], [0, 0]);
        let short = Duration::from_secs(1);
        let next: Vec<u128> = (0..9).map(|_| pauses(short)).collect();
        assert_eq!(next, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000]);
        assert_eq!(pauses(LONG), 0);
    }

    #[test]
    fn what_was_asked_for_has_no_pause() {
        let mut back_off = BackOff::default();
        for _ in 0..5 {
            assert_eq!(back_off.ended(Some(Duration::ZERO), true), Duration::ZERO);
        }
    }

    #[test]
    fn one_death_now_and_then_costs_little() {
        let mut back_off = BackOff::default();
        for _ in 0..10 {
            assert!(back_off.ended(Some(Duration::from_secs(1)), false) <= FIRST);
        }
    }
}
