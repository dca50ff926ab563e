//! Signals that are the application's business.

use super::super::sys::process::signal_name;
use super::shared::Shared;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Tells applications about signals, on a thread that is made for the first one.
#[derive(Default)]
pub struct Dispatcher(Option<SyncSender<i32>>);

/// How many signals wait while applications are busy with one; more are lost.
const WAITING: usize = 16;

impl Dispatcher {
    /// Passes a signal on.
    pub fn dispatch(&mut self, shared: &Arc<Shared>, signal: i32) {
        if self.0.is_none() {
            let (signals, inbox) = sync_channel(WAITING);
            let shared = Arc::clone(shared);
            let spawned = std::thread::Builder::new()
                .name("wsgi-signals".to_owned())
                .spawn(move || announce(&shared, &inbox));
            // Without a thread the signal is lost, and the next one may find more room.
            self.0 = spawned.is_ok().then_some(signals);
        }
        if let Some(signals) = &self.0 {
            let _ = signals.try_send(signal);
        }
    }
}

fn announce(shared: &Shared, inbox: &Receiver<i32>) {
    for signal in inbox {
        shared
            .application
            .announce_signal(&signal_name(signal), signal);
    }
}
