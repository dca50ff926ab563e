//! What is due, by the settings of the group and what the threads are doing.

use super::super::link::Reason;
use super::super::settings::GroupSettings;
use super::activity::{Activity, Running};
use std::time::{Duration, Instant};

/// Something that is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The process is to be replaced; what it has may finish.
    Retire(Reason),
    /// It is to end, with what it has.
    Stop(Reason),
    /// A request is to be interrupted.
    Interrupt(u64),
    /// The GIL is to be tried, under this number.
    Probe(u64),
}

/// The timers of a process.
#[derive(Debug)]
pub struct Timers {
    settings: GroupSettings,
    /// How old a request may be.
    limit: Option<Duration>,
    /// Requests that were interrupted.
    interrupted: Vec<u64>,
    /// Number of the last probe, and when it was begun.
    probe: Option<(u64, Instant)>,
    /// A request was too old for too long.
    overdue: bool,
}

/// How soon something is looked at again that waits for requests to end.
const SOON: Duration = Duration::from_millis(100);
/// How soon where nothing presses.
const LATER: Duration = Duration::from_secs(1);

/// What is due, and when there may be more.
#[derive(Debug, PartialEq, Eq)]
pub struct Agenda {
    pub due: Vec<Due>,
    pub next: Option<Instant>,
}

impl Agenda {
    /// Nothing before that time.
    fn wait(&mut self, time: Instant) {
        self.next = Some(self.next.map_or(time, |next| next.min(time)));
    }
}

impl Timers {
    pub fn new(settings: &GroupSettings) -> Self {
        Self {
            limit: request_limit(settings.request_timeout, settings.threads),
            settings: settings.clone(),
            interrupted: Vec::new(),
            probe: None,
            overdue: false,
        }
    }

    /// What is due. `retired` says that the process is being replaced, `probed` which probe was the last to end.
    pub fn check(
        &mut self,
        activity: &Activity,
        retired: bool,
        probed: u64,
        now: Instant,
    ) -> Agenda {
        let mut agenda = Agenda {
            due: Vec::new(),
            next: None,
        };
        let running = activity.running();
        self.check_requests(&mut agenda, &running, retired, now);
        self.check_probe(&mut agenda, probed, now);
        if !retired {
            self.check_process(&mut agenda, activity, &running, now);
        }
        agenda
    }

    /// Requests that have all the time they could have do not count.
    fn is_busy(&self, running: &[Running], now: Instant) -> bool {
        let stale = self
            .limit
            .map(|limit| limit + self.settings.interrupt_timeout);
        let fresh = |running: &Running| stale.is_none_or(|stale| running.since + stale > now);
        running.iter().any(fresh)
    }

    fn check_requests(
        &mut self,
        agenda: &mut Agenda,
        running: &[Running],
        retired: bool,
        now: Instant,
    ) {
        let Some(limit) = self.limit else { return };
        let grace = self.settings.interrupt_timeout;
        self.interrupted
            .retain(|number| running.iter().any(|running| running.number == *number));
        // A request that begins right now is not looked at before it may be too old.
        agenda.wait(now + limit);
        for Running { number, since } in running {
            if *since + limit > now {
                agenda.wait(*since + limit);
                continue;
            }
            if !grace.is_zero() && !self.interrupted.contains(number) {
                self.interrupted.push(*number);
                agenda.due.push(Due::Interrupt(*number));
            }
            if *since + limit + grace > now {
                agenda.wait(*since + limit + grace);
            } else {
                self.overdue = true;
            }
        }
        if !self.overdue {
            return;
        }
        if self.settings.graceful_timeout.is_zero() || !self.is_busy(running, now) {
            agenda.due.push(Due::Stop(Reason::RequestTimeout));
        } else {
            if !retired {
                agenda.due.push(Due::Retire(Reason::RequestTimeout));
            }
            agenda.wait(now + SOON);
        }
    }

    fn check_probe(&mut self, agenda: &mut Agenda, probed: u64, now: Instant) {
        let timeout = self.settings.deadlock_timeout;
        if timeout.is_zero() {
            return;
        }
        let pause = (timeout / 10).clamp(Duration::from_secs(1), Duration::from_secs(10));
        match self.probe {
            Some((number, since)) if number != probed => {
                if since + timeout <= now {
                    agenda.due.push(Due::Stop(Reason::DeadlockTimeout));
                }
                agenda.wait(since + timeout);
            }
            Some((_, since)) if since + pause > now => agenda.wait(since + pause),
            last => {
                let number = last.map_or(1, |(number, _)| number + 1);
                self.probe = Some((number, now));
                agenda.due.push(Due::Probe(number));
                agenda.wait(now + pause.min(timeout));
            }
        }
    }

    fn check_process(
        &self,
        agenda: &mut Agenda,
        activity: &Activity,
        running: &[Running],
        now: Instant,
    ) {
        let settings = &self.settings;
        let startup = if activity.is_loaded() {
            Duration::ZERO
        } else {
            settings.startup_timeout
        };
        let timers = [
            (Reason::StartupTimeout, startup, activity.first()),
            (
                Reason::InactivityTimeout,
                settings.inactivity_timeout,
                activity.last(),
            ),
            (
                Reason::RestartInterval,
                settings.restart_interval,
                Some(activity.origin()),
            ),
        ];
        for (reason, timeout, since) in timers {
            if timeout.is_zero() {
                continue;
            }
            // What has not begun by now will not be over before its time.
            let end = since.unwrap_or(now) + timeout;
            if end > now {
                agenda.wait(end);
            } else if reason == Reason::InactivityTimeout && self.is_busy(running, now) {
                agenda.wait(now + LATER);
            } else if reason == Reason::StartupTimeout {
                agenda.due.push(Due::Stop(reason));
            } else {
                agenda.due.push(Due::Retire(reason));
            }
        }
    }
}

/// A request may take longer where several share the processor.
fn request_limit(timeout: Duration, threads: u32) -> Option<Duration> {
    let factor = 1.0 + f64::from(threads.max(1)).ln();
    (!timeout.is_zero()).then(|| timeout.mul_f64(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Timers and threads, and the time that they began.
    struct Process {
        timers: Timers,
        activity: Activity,
        retired: bool,
        probed: u64,
    }

    impl Process {
        fn new(change: impl FnOnce(&mut GroupSettings)) -> Self {
            let mut settings = GroupSettings {
                threads: 1,
                deadlock_timeout: Duration::ZERO,
                ..GroupSettings::default()
            };
            change(&mut settings);
            Self {
                timers: Timers::new(&settings),
                activity: Activity::new(4, 0),
                retired: false,
                probed: 0,
            }
        }

        /// What is due so many seconds after the beginning, and in how many seconds there may be more.
        fn at(&mut self, time: u64) -> (Vec<Due>, Option<u64>) {
            // What begins now begins a moment after the process.
            let now = self.activity.origin() + seconds(time) + Duration::from_millis(500);
            let agenda = self
                .timers
                .check(&self.activity, self.retired, self.probed, now);
            let next = agenda.next.map(|next| next.saturating_duration_since(now));
            (
                agenda.due,
                next.map(|next| next.as_secs_f64().ceil() as u64),
            )
        }
    }

    #[test]
    fn more_threads_mean_more_time() {
        let limit = |threads| request_limit(seconds(100), threads).unwrap().as_secs();
        assert_eq!(
            [limit(0), limit(1), limit(10), limit(25)],
            [100, 100, 330, 421]
        );
        assert_eq!(request_limit(Duration::ZERO, 10), None);
    }

    #[test]
    fn nothing_set_is_nothing_to_wait_for() {
        let mut process = Process::new(|_| ());
        process.activity.begin(0);
        assert_eq!(process.at(1_000_000), (vec![], None));
    }

    #[test]
    fn a_request_is_interrupted_once_and_then_ends_the_process() {
        let mut process = Process::new(|settings| {
            settings.request_timeout = seconds(10);
            settings.interrupt_timeout = seconds(5);
        });
        assert_eq!(process.at(0), (vec![], Some(10)));
        let number = process.activity.begin(0).unwrap();
        assert_eq!(process.at(4), (vec![], Some(6)));
        assert_eq!(process.at(10).0, [Due::Interrupt(number)]);
        assert_eq!(process.at(12), (vec![], Some(3)));
        assert_eq!(process.at(15).0, [Due::Stop(Reason::RequestTimeout)]);
    }

    #[test]
    fn an_interrupted_request_that_ends_in_time_changes_nothing() {
        let mut process = Process::new(|settings| {
            settings.request_timeout = seconds(10);
            settings.interrupt_timeout = seconds(5);
        });
        let number = process.activity.begin(0).unwrap();
        assert_eq!(process.at(10).0, [Due::Interrupt(number)]);
        process.activity.end(0);
        assert_eq!(process.at(16), (vec![], Some(10)));
    }

    #[test]
    fn other_requests_may_finish_after_a_timeout() {
        let settings = |settings: &mut GroupSettings| settings.request_timeout = seconds(2);
        let mut process = Process::new(settings);
        process.activity.begin(0);
        std::thread::sleep(Duration::from_millis(1100));
        process.activity.begin(1);
        // The first one is too old, the other one is not.
        assert_eq!(process.at(2).0, [Due::Retire(Reason::RequestTimeout)]);
        process.retired = true;
        assert_eq!(process.at(2), (vec![], Some(1)));
        process.activity.end(1);
        assert_eq!(process.at(2).0, [Due::Stop(Reason::RequestTimeout)]);
        // Without graceful-timeout nothing is waited for.
        let mut process = Process::new(|given| {
            settings(given);
            given.graceful_timeout = Duration::ZERO;
        });
        process.activity.begin(0);
        std::thread::sleep(Duration::from_millis(1100));
        process.activity.begin(1);
        assert_eq!(process.at(2).0, [Due::Stop(Reason::RequestTimeout)]);
    }

    #[test]
    fn a_probe_that_does_not_end_is_a_deadlock() {
        let mut process = Process::new(|settings| settings.deadlock_timeout = seconds(30));
        assert_eq!(process.at(0), (vec![Due::Probe(1)], Some(3)));
        process.probed = 1;
        assert_eq!(process.at(1), (vec![], Some(2)));
        assert_eq!(process.at(3), (vec![Due::Probe(2)], Some(3)));
        assert_eq!(process.at(32), (vec![], Some(1)));
        assert_eq!(process.at(33).0, [Due::Stop(Reason::DeadlockTimeout)]);
        process.probed = 2;
        assert_eq!(process.at(34).0, [Due::Probe(3)]);
    }

    #[test]
    fn loading_ends_the_time_for_startup() {
        let mut process = Process::new(|settings| settings.startup_timeout = seconds(7));
        assert_eq!(process.at(100), (vec![], Some(7)));
        process.activity.begin(0);
        assert_eq!(process.at(3), (vec![], Some(4)));
        assert_eq!(process.at(7).0, [Due::Stop(Reason::StartupTimeout)]);
        process.activity.load();
        assert_eq!(process.at(8), (vec![], None));
    }

    #[test]
    fn inactivity_begins_with_the_first_request() {
        let mut process = Process::new(|settings| settings.inactivity_timeout = seconds(7));
        assert_eq!(process.at(100), (vec![], Some(7)));
        process.activity.begin(0);
        assert_eq!(process.at(8), (vec![], Some(1)));
        process.activity.end(0);
        assert_eq!(process.at(8).0, [Due::Retire(Reason::InactivityTimeout)]);
        process.retired = true;
        assert_eq!(process.at(9), (vec![], None));
    }

    #[test]
    fn age_counts_whatever_happens() {
        let mut process = Process::new(|settings| settings.restart_interval = seconds(7));
        process.activity.begin(0);
        assert_eq!(process.at(5), (vec![], Some(2)));
        assert_eq!(process.at(7).0, [Due::Retire(Reason::RestartInterval)]);
    }
}
