//! The main thread of a worker: signals, timers, the supervisor, and the end.

use super::super::link::{Message, Reason};
use super::super::sys::poll::{Poll, When};
use super::super::sys::process::exit_now;
use super::super::sys::signal::{Signals, block_all, ignore, raise, reset};
use super::dispatcher::Dispatcher;
use super::monitor::Monitor;
use super::shared::Shared;
use super::timers::{Due, Timers};
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
    timers: Timers,
    monitor: Monitor,
    dispatcher: Dispatcher,
}

const SIGNALS: u64 = 0;
const LINK: u64 = 1;

/// How long stacks are waited for while a thread does not let go of the GIL. Less than what the supervisor gives
/// beyond shutdown-timeout.
const PATIENCE: Duration = Duration::from_millis(500);
/// What an orderly end may take when nothing else is set and nobody is left to see it.
const ORPHAN: Duration = Duration::from_secs(5);

/// Takes note of signals from the very beginning. Where scripts are all that the process runs, signals are theirs.
///
/// # Errors
/// When there is no descriptor left.
pub fn install(threads: u32) -> io::Result<Signals> {
    for signal in [libc::SIGPIPE, libc::SIGWINCH] {
        ignore(signal);
    }
    reset(libc::SIGCHLD);
    if threads == 0 {
        for signal in [libc::SIGHUP, libc::SIGUSR2] {
            ignore(signal);
        }
        block_all();
        return Signals::install(&[]);
    }
    Signals::install(&[
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGUSR1,
        libc::SIGXCPU,
        libc::SIGHUP,
        libc::SIGUSR2,
    ])
}

impl Control {
    pub fn new(shared: Arc<Shared>, signals: Signals) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.add(signals.as_fd(), SIGNALS, When::Readable)?;
        poll.add(shared.link.as_fd(), LINK, When::Readable)?;
        Ok(Self {
            timers: Timers::new(&shared.settings),
            monitor: Monitor::start(&shared)?,
            dispatcher: Dispatcher::default(),
            shared,
            signals,
            poll,
        })
    }

    /// Runs until the end of the process.
    pub fn run(mut self) -> ! {
        self.shared.link.send(Message::Ready);
        if self.shared.settings.threads == 0 {
            run_scripts(&self.shared);
        }
        loop {
            let next = self.check_timers();
            match self.poll.wait(next) {
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

    fn read_signals(&mut self) {
        while let Some(signal) = self.signals.next() {
            let settings = &self.shared.settings;
            match signal {
                libc::SIGUSR1 if settings.eviction_timeout.is_zero() => {
                    self.shared.retire(Reason::GracefulSignal)
                }
                libc::SIGUSR1 => self.shared.retire(Reason::EvictionSignal),
                // What uses up the processor is not waited for without end.
                libc::SIGXCPU if settings.graceful_timeout.is_zero() => {
                    self.stop(Reason::CpuTimeLimit, self.shutdown_timeout())
                }
                libc::SIGXCPU => self.shared.retire(Reason::CpuTimeLimit),
                libc::SIGHUP | libc::SIGUSR2 => self.dispatcher.dispatch(&self.shared, signal),
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
    fn check_timers(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let (activity, retired) = (&self.shared.activity, self.shared.is_retired());
        let probed = self.monitor.probed();
        let agenda = self.timers.check(activity, retired, probed, now);
        for due in agenda.due {
            match due {
                Due::Interrupt(request) => self.monitor.interrupt(request),
                Due::Probe(number) => self.monitor.probe(number),
                Due::Retire(reason) => {
                    self.shared.retire(reason);
                    self.tell_stacks(reason);
                }
                Due::Stop(reason) => {
                    if !retired {
                        self.tell_stacks(reason);
                    }
                    self.stop(reason, self.shutdown_timeout());
                }
            }
        }
        agenda.next.map(|next| {
            next.saturating_duration_since(now)
                .max(Duration::from_millis(1))
        })
    }

    /// Where something did not come to its end in time, the stacks say what.
    fn tell_stacks(&self, reason: Reason) {
        if matches!(
            reason,
            Reason::RequestTimeout | Reason::StartupTimeout | Reason::DeadlockTimeout
        ) {
            self.monitor.dump_stacks(&self.shared, PATIENCE);
        }
    }

    /// The orderly end: no more requests, those that there are finish, then Python. After the time is over the
    /// process ends in any case.
    fn stop(&self, reason: Reason, timeout: Option<Duration>) -> ! {
        let shared = Arc::clone(&self.shared);
        let reason = shared.end(reason);
        shared.stopping.store(true, Ordering::Release);
        shared.link.send(Message::Stopping(reason));
        let text = format!(
            "Process group '{}': the process ends because {} (shutdown_reason {}); {} of its requests are unfinished",
            shared.name,
            reason.words(),
            reason.name(),
            shared.activity.running().len()
        );
        shared.log.line(Level::Info, MessageId::NONE, &text);
        if let Some(timeout) = timeout {
            limit_end(&shared, &self.monitor, timeout);
        }
        if shared.settings.threads == 0 {
            raise(libc::SIGTERM);
            // The thread that runs the scripts ends the process.
            loop {
                std::thread::park();
            }
        }
        shared.application.announce_end(reason.name());
        // Who watches the time says what is to be said when it is over.
        if !shared.activity.wait_idle(timeout) {
            loop {
                std::thread::park();
            }
        }
        let orderly = shared.application.stop(Duration::MAX);
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
fn limit_end(shared: &Arc<Shared>, monitor: &Monitor, timeout: Duration) {
    let (shared, monitor) = (Arc::clone(shared), monitor.clone());
    let end = move || {
        std::thread::sleep(timeout);
        overdue(&shared, &monitor);
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
fn overdue(shared: &Shared, monitor: &Monitor) -> ! {
    let text = format!(
        "Process group '{}': the process did not end within shutdown-timeout, and is ended",
        shared.name
    );
    shared
        .log
        .line(Level::Warning, MessageId::STOP_TIMEOUT, &text);
    monitor.dump_stacks(shared, PATIENCE);
    exit_now(1);
}
