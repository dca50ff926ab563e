//! The main thread of a worker: signals, timers, the supervisor, and the end.

use super::super::link::{Message, Reason};
use super::super::sys::poll::{Poll, When};
use super::super::sys::process::exit_now;
use super::super::sys::signal::{Signals, block_all, ignore, raise, reset};
use super::shared::Shared;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use wsgi_core_abi::{Level, MessageId};

pub struct Control {
    shared: Arc<Shared>,
    signals: Signals,
    poll: Poll,
}

const SIGNALS: u64 = 0;
const LINK: u64 = 1;

/// How often requests are looked at when they have a time limit.
const LOOK: Duration = Duration::from_secs(1);
/// What an orderly end may take when nothing else is set and nobody is left to see it.
const ORPHAN: Duration = Duration::from_secs(5);

/// Takes note of signals from the very beginning. Where scripts are all that the process runs, signals are theirs.
///
/// # Errors
/// When there is no descriptor left.
pub fn install(threads: u32) -> io::Result<Signals> {
    for signal in [libc::SIGHUP, libc::SIGUSR2, libc::SIGPIPE, libc::SIGWINCH] {
        ignore(signal);
    }
    reset(libc::SIGCHLD);
    if threads == 0 {
        block_all();
        return Signals::install(&[]);
    }
    Signals::install(&[libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGXCPU])
}

impl Control {
    pub fn new(shared: Arc<Shared>, signals: Signals) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.add(signals.as_fd(), SIGNALS, When::Readable)?;
        poll.add(shared.link.as_fd(), LINK, When::Readable)?;
        Ok(Self {
            shared,
            signals,
            poll,
        })
    }

    /// Runs until the end of the process.
    pub fn run(self) -> ! {
        self.shared.link.send(Message::Ready);
        if self.shared.settings.threads == 0 {
            run_scripts(&self.shared);
        }
        loop {
            match self.poll.wait(self.check_timers()) {
                Ok(Some(SIGNALS)) => self.read_signals(),
                Ok(Some(_)) => self.read_link(),
                Ok(None) => {}
                Err(_) => self.stop(Reason::ShutdownSignal, Some(ORPHAN)),
            }
        }
    }

    fn shutdown_timeout(&self) -> Option<Duration> {
        Some(self.shared.settings.shutdown_timeout).filter(|timeout| !timeout.is_zero())
    }

    fn read_signals(&self) {
        while let Some(signal) = self.signals.next() {
            let settings = &self.shared.settings;
            match signal {
                libc::SIGUSR1 if settings.eviction_timeout.is_zero() => {
                    self.shared.retire(Reason::GracefulSignal)
                }
                libc::SIGUSR1 => self.shared.retire(Reason::EvictionSignal),
                libc::SIGXCPU => self.shared.retire(Reason::CpuTimeLimit),
                _ => self.stop(Reason::ShutdownSignal, self.shutdown_timeout()),
            }
        }
    }

    fn read_link(&self) {
        match self.shared.link.receive() {
            Ok(None) => {}
            Ok(Some(Message::Stop)) => self.stop(Reason::ShutdownSignal, self.shutdown_timeout()),
            Ok(Some(_)) => {}
            // Without its supervisor a worker has nothing to live for.
            Err(_) => self.stop(
                Reason::ShutdownSignal,
                Some(self.shutdown_timeout().unwrap_or(ORPHAN)),
            ),
        }
    }

    /// Does what is due. Gives how long nothing will be.
    fn check_timers(&self) -> Option<Duration> {
        let (settings, activity) = (&self.shared.settings, &self.shared.activity);
        let now = Instant::now();
        let limit = request_limit(settings.request_timeout, settings.threads);
        let stale = limit.map(|limit| limit + settings.interrupt_timeout);
        let mut next: Option<Instant> = None;
        let mut sooner = |time: Instant| next = Some(next.map_or(time, |next| next.min(time)));
        let timers = [
            (
                settings.restart_interval,
                Some(activity.origin()),
                Reason::RestartInterval,
            ),
            (
                settings.startup_timeout,
                activity.starting(),
                Reason::StartupTimeout,
            ),
            (
                settings.inactivity_timeout,
                activity.last(),
                Reason::InactivityTimeout,
            ),
        ];
        for (timeout, since, reason) in timers
            .into_iter()
            .filter(|(timeout, ..)| !timeout.is_zero())
        {
            // What has not begun is looked for from time to time.
            let Some(since) = since else {
                sooner(now + LOOK);
                continue;
            };
            if since + timeout > now {
                sooner(since + timeout);
            } else if reason == Reason::InactivityTimeout && activity.busy(stale) > 0 {
                sooner(now + LOOK);
            } else {
                self.shared.retire(reason);
            }
        }
        if let Some(stale) = stale {
            sooner(now + LOOK);
            if activity
                .oldest()
                .is_some_and(|oldest| oldest + stale <= now)
            {
                self.shared.retire(Reason::RequestTimeout);
                if activity.busy(Some(stale)) == 0 {
                    self.stop(Reason::RequestTimeout, self.shutdown_timeout());
                }
            }
        }
        next.map(|next| {
            next.saturating_duration_since(now)
                .max(Duration::from_millis(1))
        })
    }

    /// The orderly end: no more requests, those that there are finish, then Python. After the time is over the
    /// process ends in any case.
    fn stop(&self, reason: Reason, timeout: Option<Duration>) -> ! {
        let shared = Arc::clone(&self.shared);
        shared.stopping.store(true, Ordering::Release);
        shared.link.send(Message::Stopping(reason));
        let start = Instant::now();
        if let Some(timeout) = timeout {
            limit_end(&shared, timeout);
        }
        if shared.settings.threads == 0 {
            raise(libc::SIGTERM);
            // The thread that runs the scripts ends the process.
            loop {
                std::thread::park();
            }
        }
        if !shared.activity.wait_idle(timeout) {
            overdue(&shared);
        }
        let left = timeout.map_or(Duration::MAX, |timeout| {
            timeout.saturating_sub(start.elapsed())
        });
        let orderly = shared.application.stop(left);
        exit_now(i32::from(!orderly))
    }
}

/// Runs the scripts of a process that serves no requests. Their end is its end.
fn run_scripts(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let run = move || {
        shared.application.run_scripts();
        shared.link.send(Message::Stopping(Reason::ScriptsEnded));
        let timeout = shared.settings.shutdown_timeout;
        let limit = if timeout.is_zero() {
            Duration::MAX
        } else {
            timeout
        };
        exit_now(i32::from(!shared.application.stop(limit)))
    };
    if std::thread::Builder::new()
        .name("wsgi-scripts".to_owned())
        .spawn(run)
        .is_err()
    {
        exit_now(1);
    }
}

/// Ends the process after `timeout`, whatever its other threads are doing.
fn limit_end(shared: &Arc<Shared>, timeout: Duration) {
    let shared = Arc::clone(shared);
    let end = move || {
        std::thread::sleep(timeout);
        overdue(&shared);
    };
    if std::thread::Builder::new()
        .name("wsgi-end".to_owned())
        .spawn(end)
        .is_err()
    {
        exit_now(1);
    }
}

/// The time for an orderly end is over.
fn overdue(shared: &Shared) -> ! {
    let text = format!(
        "Process group '{}': the process did not end within shutdown-timeout, and is ended",
        shared.name
    );
    shared
        .log
        .line(Level::Warning, MessageId::STOP_TIMEOUT, &text);
    exit_now(1);
}

/// A request may take longer where several share the processor.
fn request_limit(timeout: Duration, threads: u32) -> Option<Duration> {
    let factor = 1.0 + f64::from(threads.max(1)).ln();
    (!timeout.is_zero()).then(|| timeout.mul_f64(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_mean_more_time() {
        let limit = |threads| {
            request_limit(Duration::from_secs(100), threads)
                .unwrap()
                .as_secs()
        };
        assert_eq!(
            [limit(0), limit(1), limit(10), limit(25)],
            [100, 100, 330, 421]
        );
        assert_eq!(request_limit(Duration::ZERO, 10), None);
    }
}
