//! What the threads of a worker share.

use super::super::ledger::Ledger;
use super::super::link::{Link, Message, Reason};
use super::super::log::ProcessLog;
use super::super::settings::GroupSettings;
use super::super::slots::Board;
use super::super::sys::poll::{Poll, When};
use super::super::sys::{fd, socket};
use super::super::wire::Identity;
use super::Application;
use super::activity::Activity;
use super::connection::Connection;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use wsgi_core_abi::{Level, MessageId, Request};

/// What a worker has before its threads.
pub struct Resources {
    pub name: String,
    pub application: Box<dyn Application>,
    pub identity: Identity,
    pub board: Board,
    pub ledger: Ledger,
    pub link: Link,
    pub log: ProcessLog,
    pub listener: OwnedFd,
    pub peers: Vec<u32>,
    pub socket_timeout: Duration,
    pub settings: GroupSettings,
}

pub struct Shared {
    resources: Resources,
    pub activity: Activity,
    /// No more requests are taken.
    pub stopping: AtomicBool,
    /// Why this process is replaced or ends; what comes first counts.
    reason: OnceLock<Reason>,
    draining: AtomicBool,
    poll: Poll,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    /// The scripts that were loaded, with their times of modification.
    scripts: RwLock<HashMap<Vec<u8>, i64>>,
}

/// How long there is no new connection when the system has nothing left for it.
const BREATH: Duration = Duration::from_millis(200);

/// The number of the listener among the connections.
const LISTENER: u64 = 0;

impl std::ops::Deref for Shared {
    type Target = Resources;

    fn deref(&self) -> &Resources {
        &self.resources
    }
}

impl Shared {
    pub fn new(resources: Resources) -> io::Result<Self> {
        Ok(Self {
            activity: Activity::new(
                resources.settings.threads as usize,
                u64::from(resources.settings.maximum_requests),
            ),
            resources,
            stopping: AtomicBool::new(false),
            reason: OnceLock::new(),
            draining: AtomicBool::new(false),
            poll: Poll::new()?,
            connections: Mutex::default(),
            next: AtomicU64::new(LISTENER + 1),
            scripts: RwLock::default(),
        })
    }

    /// Waits for hosts to connect.
    pub fn watch_listener(&self) -> io::Result<()> {
        self.poll
            .add(self.listener.as_fd(), LISTENER, When::Arrival)
    }

    /// What a request thread does until the process ends.
    pub fn work(self: &Arc<Self>, thread: usize) {
        loop {
            match self.poll.wait(None) {
                Ok(Some(LISTENER)) => self.accept(),
                Ok(Some(number)) => {
                    if let Some(connection) = self.connection(number)
                        && !connection.handle(self, thread)
                    {
                        self.connections().remove(&number);
                    }
                }
                Ok(None) => {}
                // Nothing but a bug makes it fail; the process is of no use then.
                Err(_) => self.retire(Reason::ShutdownSignal),
            }
        }
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self, number: u64) -> Option<Arc<Connection>> {
        self.connections().get(&number).cloned()
    }

    fn accept(&self) {
        loop {
            match socket::accept(self.listener.as_fd()) {
                Ok(fd) => {
                    if let Err(error) = self.admit(fd) {
                        let text = format!(
                            "Process group '{}': a connection can't be used: {error}",
                            self.name
                        );
                        self.log
                            .line(Level::Warning, MessageId::WORKER_LIMIT, &text);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    let text = format!(
                        "Process group '{}': no connection can be taken: {error}",
                        self.name
                    );
                    self.log.line(Level::Error, MessageId::WORKER_LIMIT, &text);
                    // There will be no other sign of those that wait; other requests may free something.
                    std::thread::sleep(BREATH);
                }
            }
        }
    }

    /// Takes a connection on, if it is a host's.
    fn admit(&self, fd: OwnedFd) -> io::Result<()> {
        let peer = socket::peer(fd.as_fd())?;
        if !self.peers.contains(&peer.uid) {
            let text = format!(
                "Process group '{}': a connection of user {} (process {}) was refused",
                self.name, peer.uid, peer.pid
            );
            self.log.line(Level::Alert, MessageId::PEER_REFUSED, &text);
            return Ok(());
        }
        self.settings.buffers().apply(fd.as_fd())?;
        let fd = fd::out_of_the_way(fd)?;
        let connection =
            Connection::new(fd, self.identity, self.socket_timeout).map_err(io::Error::other)?;
        let number = self.next.fetch_add(1, Relaxed);
        let connection = Arc::new(connection);
        self.connections().insert(number, Arc::clone(&connection));
        let added = connection.watch(&self.poll, number);
        if added.is_err() {
            self.connections().remove(&number);
        }
        added
    }

    /// Wants this process to be replaced. Where the reason allows it serves until the next one is ready.
    pub fn retire(&self, reason: Reason) {
        let first = self.reason.set(reason).is_ok();
        if !reason.keeps_serving() {
            self.drain(reason);
        } else if first {
            self.link.send(Message::Retire(reason));
        }
    }

    /// Why this process ends: for this reason, unless there was one before.
    pub fn end(&self, reason: Reason) -> Reason {
        *self.reason.get_or_init(|| reason)
    }

    /// Logs what all threads are doing, as far as that can be told while one of them does not let go.
    pub fn dump_stacks_detached(&self) {
        if !self.application.dump_stacks(false) {
            let text = format!(
                "Process group '{}': a thread does not let go of the GIL, and stacks can't be had without it",
                self.name
            );
            self.log.line(Level::Info, MessageId::NONE, &text);
        }
    }

    /// Takes nothing new, and wants this process to be replaced.
    pub fn drain(&self, reason: Reason) {
        let reason = self.end(reason);
        if !self.draining.swap(true, Relaxed) {
            self.link.send(Message::Drain(reason));
        }
    }

    /// Whether this process is to be replaced.
    pub fn is_retired(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Whether this process takes nothing new.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// The time of modification of the script that a request is served with; `None` when it has changed since it was
    /// loaded.
    pub fn script_version(&self, request: &Request<'_>) -> Option<i64> {
        let modified = request.script_mtime_us;
        if !request.reloading || modified == 0 {
            return Some(modified);
        }
        let script = request.script.as_slice();
        let known = self
            .scripts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(script)
            .copied();
        match known {
            Some(known) if known == modified => Some(known),
            // Who waited for long may have looked before the script was changed: then this process is right.
            Some(known) => modified_at(script).filter(|modified| *modified == known),
            None => {
                let modified = modified_at(script).unwrap_or(modified);
                let mut scripts = self.scripts.write().unwrap_or_else(PoisonError::into_inner);
                scripts.insert(script.to_vec(), modified);
                Some(modified)
            }
        }
    }
}

/// When a script was modified, in microseconds since the epoch.
fn modified_at(script: &[u8]) -> Option<i64> {
    let data = std::fs::metadata(Path::new(OsStr::from_bytes(script))).ok()?;
    Some(data.mtime() * 1_000_000 + data.mtime_nsec() / 1000)
}
