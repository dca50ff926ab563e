//! The line about a worker that has ended: how, why, and what it was doing.

use super::super::exit::ExitCode;
use super::super::ledger::Running;
use super::super::link::Reason;
use super::super::sys::process::Exit;
use super::row::Worker;
use std::time::Instant;

/// What there is to say about a worker that has ended.
pub struct Obituary<'w> {
    pub worker: &'w Worker,
    pub exit: Exit,
    pub reason: Option<Reason>,
    pub running: &'w [Running],
    pub now: Instant,
}

impl Obituary<'_> {
    /// One line.
    pub fn text(&self, group: &str) -> String {
        let age = (self.now - self.worker.started).as_secs_f64();
        let mut text = format!(
            "Process {} of group '{group}' {} after {age:.1} seconds",
            self.worker.pid, self.exit
        );
        match (self.reason, self.worker.ready) {
            (Some(reason), _) => text.push_str(&format!(", because {}", reason.words())),
            (None, None) => {
                text.push_str(" before it was ready");
                if let Exit::Code(code) = self.exit
                    && let Some(words) = ExitCode::words(code)
                {
                    text.push_str(&format!(": {words}, see above"));
                }
            }
            (None, Some(_)) => {}
        }
        let shown = self.running.iter().take(SHOWN).map(|running| {
            format!(
                "'{}' for {:.3} seconds",
                running.request,
                running.since.as_secs_f64()
            )
        });
        let shown: Vec<String> = shown.collect();
        if !shown.is_empty() {
            text.push_str(&format!(", while it served {}", shown.join(", ")));
        }
        if self.running.len() > SHOWN {
            text.push_str(&format!(
                " and {} more requests",
                self.running.len() - SHOWN
            ));
        }
        text
    }
}

/// How many requests of a dead worker are named.
const SHOWN: usize = 5;
