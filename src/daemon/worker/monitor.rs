//! The thread that does what may have to wait for the GIL, so that the main thread never has to.

use super::shared::Shared;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Gives orders to the thread. If nobody lets go of the GIL, they pile up, and the process is ended before long.
#[derive(Clone)]
pub struct Monitor {
    orders: Sender<Order>,
    probed: Arc<AtomicU64>,
}

enum Order {
    Probe(u64),
    Interrupt(u64),
    /// Unless the flag says that someone else has seen to it.
    DumpStacks(Arc<AtomicBool>, SyncSender<()>),
}

impl Monitor {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can't be another.
    pub fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let probed = Arc::new(AtomicU64::new(0));
        let (shared, done) = (Arc::clone(shared), Arc::clone(&probed));
        std::thread::Builder::new()
            .name("wsgi-monitor".to_owned())
            .spawn(move || obey(&shared, &inbox, &done))?;
        Ok(Self { orders, probed })
    }

    /// Takes the GIL and gives it back; [`Monitor::probed`] tells when that was done.
    pub fn probe(&self, number: u64) {
        self.order(Order::Probe(number));
    }

    /// The last probe that came to an end.
    pub fn probed(&self) -> u64 {
        self.probed.load(Ordering::Acquire)
    }

    /// Interrupts a request.
    pub fn interrupt(&self, request: u64) {
        self.order(Order::Interrupt(request));
    }

    /// Logs what all threads are doing. If nobody lets go of the GIL for so long, what can be had without it.
    pub fn dump_stacks(&self, shared: &Shared, patience: Duration) {
        let seen_to = Arc::new(AtomicBool::new(false));
        let (done, finished) = sync_channel(1);
        self.order(Order::DumpStacks(Arc::clone(&seen_to), done));
        if finished.recv_timeout(patience).is_err() && !seen_to.swap(true, Ordering::AcqRel) {
            shared.dump_stacks_detached();
        }
    }

    fn order(&self, order: Order) {
        // The thread ends with the process.
        let _ = self.orders.send(order);
    }
}

fn obey(shared: &Shared, inbox: &Receiver<Order>, probed: &AtomicU64) {
    for order in inbox {
        match order {
            Order::Probe(number) => {
                shared.application.probe();
                probed.store(number, Ordering::Release);
            }
            Order::Interrupt(request) => {
                shared.application.interrupt(request);
            }
            Order::DumpStacks(seen_to, done) => {
                // Whoever gave the order must be able to tell waiting for the GIL from writing.
                shared.application.probe();
                if !seen_to.swap(true, Ordering::AcqRel) {
                    shared.application.dump_stacks(true);
                }
                let _ = done.send(());
            }
        }
    }
}
