//! The workers of a group.

use super::super::launch::address;
use super::super::ledger::Ledger;
use super::super::link::{Link, Message, Reason};
use super::super::plan::Role;
use super::super::settings::GroupSettings;
use super::super::slots::{self, State, Table};
use super::super::sys::poll::When;
use super::super::sys::process::{self, Exit};
use super::super::sys::socket::{self, Address, Buffers};
use super::super::sys::{account, clock, fd, identity, spawn};
use super::obituary::Obituary;
use super::row::{Phase, Row, Worker};
use super::{Common, event};
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wsgi_core_abi::{Level, MessageId};

/// What a group is made of.
#[derive(Debug)]
pub struct GroupPart {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its settings.
    pub settings: GroupSettings,
    /// The user that connects to sockets in the file system.
    pub socket_uid: Option<u32>,
    /// Its table of slots.
    pub table: OwnedFd,
    /// Its board.
    pub board: OwnedFd,
}

/// A group while it is supervised.
pub struct Group {
    number: u32,
    /// Number of its first row among those of all groups.
    first: u64,
    part: Names,
    admission: slots::Supervisor,
    rows: Vec<Row>,
    closed: bool,
    look_around: Instant,
    swept: Instant,
}

/// What is left of the part.
struct Names {
    name: String,
    display: Option<OsString>,
    settings: GroupSettings,
    socket_uid: Option<u32>,
    board: OwnedFd,
}

/// How often a worker that drains is asked whether it has nothing left.
const DRAINED: Duration = Duration::from_millis(20);
/// How long a worker that takes requests may be avoided after a refusal.
const AVOIDED: Duration = Duration::from_millis(500);
/// How long it takes at least from a process that only runs its scripts to the next one.
const SCRIPTS: Duration = Duration::from_secs(1);
/// How often the dead are looked for.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often where they hold nothing.
const IDLE: Duration = Duration::from_secs(10);

impl Group {
    pub fn new(number: u32, first: u64, part: GroupPart) -> Result<Self, slots::Error> {
        let table = Arc::new(Table::open(part.table)?);
        let layout = table.layout();
        let admission = slots::Supervisor::attach(table)?;
        let now = Instant::now();
        let rows = (0..layout.rows).map(|row| Row {
            worker: None,
            generation: admission.table().row(row).map_or(0, |row| row.generation),
            back_off: super::back_off::BackOff::default(),
            start_at: now,
        });
        let rows = rows.collect();
        let name = String::from_utf8_lossy(&part.name).into_owned();
        Ok(Self {
            number,
            first,
            part: Names {
                display: display_name(&part.settings, &part.name),
                name,
                settings: part.settings,
                socket_uid: part.socket_uid,
                board: part.board,
            },
            admission,
            rows,
            closed: false,
            look_around: now,
            swept: now,
        })
    }

    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    pub fn has(&self, row: u64) -> bool {
        row.checked_sub(self.first)
            .is_some_and(|index| index < self.rows.len() as u64)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.worker.is_none())
    }

    /// How long requests may take once they should come to an end; `None` for ever.
    pub fn drain_timeout(&self) -> Option<Duration> {
        self.part.settings.drain_timeout(false)
    }

    /// Does what is due. Gives the time of what comes next.
    pub fn tick(&mut self, common: &Common, now: Instant) -> Instant {
        let mut next = now + LOOK_AROUND;
        for index in 0..self.rows.len() {
            next = next.min(self.tick_row(common, index, now));
        }
        if self.look_around <= now {
            let busy = self.is_busy();
            self.look_around = now + LOOK_AROUND;
            // Slots of the dead are missed at once, and their places among the living later.
            if busy || self.swept + IDLE <= now {
                self.swept = now;
                self.note(common, |admission| admission.sweep().map(drop));
            }
        }
        next
    }

    fn tick_row(&mut self, common: &Common, index: usize, now: Instant) -> Instant {
        let later = now + LOOK_AROUND;
        let timeout = self.part.settings.shutdown_timeout;
        let status = self.admission.table().row(index as u32);
        let row = &mut self.rows[index];
        let Some(worker) = &mut row.worker else {
            if self.closed {
                return later;
            }
            if row.start_at > now {
                return row.start_at;
            }
            self.start(common, index);
            return later;
        };
        match worker.phase {
            Phase::Draining { deadline, reason } => {
                let idle = status.is_none_or(|status| status.in_flight == 0);
                if idle || deadline.is_some_and(|deadline| deadline <= now) {
                    worker.stop(reason, timeout);
                    return later;
                }
                deadline.map_or(now + DRAINED, |deadline| deadline.min(now + DRAINED))
            }
            Phase::Stopping {
                kill_at: Some(kill_at),
                ..
            } => {
                if kill_at <= now {
                    worker.kill();
                    return later;
                }
                kill_at
            }
            Phase::Ready if status.is_some_and(|status| status.state == State::Draining) => {
                let since = *worker.avoided.get_or_insert(now);
                if now < since + AVOIDED {
                    return since + AVOIDED;
                }
                worker.avoided = None;
                self.note(common, |admission| admission.ready(index as u32));
                later
            }
            _ => later,
        }
    }

    /// Whether there are requests.
    fn is_busy(&self) -> bool {
        let table = self.admission.table();
        table.waiting() > 0 || table.rows().any(|row| row.in_flight > 0)
    }

    /// Changes the table. That this fails means that a process of the host holds its lock and does not go on.
    fn note(
        &self,
        common: &Common,
        change: impl FnOnce(&slots::Supervisor) -> Result<(), slots::Error>,
    ) {
        if let Err(error) = change(&self.admission) {
            let text = format!("Process group '{}': {error}", self.part.name);
            common
                .log
                .line(Level::Critical, MessageId::GROUP_START, &text);
        }
    }

    fn start(&mut self, common: &Common, index: usize) {
        if let Err(error) = self.try_start(common, index) {
            let row = &mut self.rows[index];
            let pause = row.back_off.ended(None, false);
            row.start_at = Instant::now() + pause;
            let text = format!(
                "Process group '{}': a process can't be started: {error}; trying again in {:.1} seconds",
                self.part.name,
                pause.as_secs_f64()
            );
            common
                .log
                .line(Level::Critical, MessageId::GROUP_START, &text);
            return;
        }
        let (generation, threads) = (self.rows[index].generation, self.part.settings.threads);
        self.note(common, |admission| {
            admission.starting(index as u32, generation, threads)
        });
    }

    fn try_start(&mut self, common: &Common, index: usize) -> io::Result<()> {
        let (listener, address, generation) = self.listen(common, index)?;
        let listener = fd::out_of_the_way(listener)?;
        let (link, other) = Link::pair()?;
        let ledger = Ledger::create(self.part.settings.threads)?;
        let role = Role::Worker {
            group: self.number,
            row: index as u32,
            generation,
        };
        let descriptors = [
            common.plan.as_fd(),
            self.part.board.as_fd(),
            listener.as_fd(),
            other.as_fd(),
            ledger.fd(),
        ];
        // The link of this process, also where its file was replaced by an update.
        let program = Path::new("/proc/self/exe");
        let child = spawn::spawn(program, role, self.part.display.as_deref(), &descriptors)?;
        let pid = child.id();
        let watched = process::watch(pid)?;
        let number = self.first + index as u64;
        common.poll.add(watched.as_fd(), number, When::Readable)?;
        common
            .poll
            .add(link.as_fd(), number + event::LINK, When::Readable)?;
        let row = &mut self.rows[index];
        row.generation = generation;
        row.worker = Some(Worker {
            pid,
            watched,
            link,
            ledger,
            address,
            started: Instant::now(),
            ready: None,
            phase: Phase::Starting,
            avoided: None,
        });
        Ok(())
    }

    /// A socket with a name that nobody had before.
    fn listen(&self, common: &Common, index: usize) -> io::Result<(OwnedFd, Address, u32)> {
        let settings = &self.part.settings;
        let buffers = Buffers {
            send: settings.send_buffer_size,
            receive: settings.receive_buffer_size,
        };
        let mut generation = self.rows[index].generation;
        for _ in 0..16 {
            generation = generation.wrapping_add(1);
            let address = address(&common.base, self.number, index as u32, generation);
            match socket::listen(&address, settings.listen_backlog, buffers) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => {
                    return Err(io::Error::new(
                        error.kind(),
                        format!("socket {address}: {error}"),
                    ));
                }
                Ok(listener) => {
                    self.give_away(&address)?;
                    return Ok((listener, address, generation));
                }
            }
        }
        Err(io::Error::from(io::ErrorKind::AddrInUse))
    }

    /// Lets the host's serving processes connect to a socket in the file system.
    fn give_away(&self, address: &Address) -> io::Result<()> {
        match (address.path(), self.part.socket_uid) {
            (Some(path), Some(uid)) if account::is_root() => {
                identity::change_owner(&CString::new(path)?, uid)
            }
            _ => Ok(()),
        }
    }

    /// Reads what a worker has to say.
    pub fn read_link(&mut self, common: &Common, number: u64) {
        let index = (number - self.first) as usize;
        while let Some(worker) = &mut self.rows[index].worker {
            match worker.link.receive() {
                Ok(None) => return,
                Ok(Some(message)) => self.heard(common, index, message),
                Err(_) => {
                    // The process itself will be noticed.
                    common.poll.remove(worker.link.as_fd());
                    return;
                }
            }
        }
    }

    fn heard(&mut self, common: &Common, index: usize, message: Message) {
        let settings = &self.part.settings;
        let Some(worker) = &mut self.rows[index].worker else {
            return;
        };
        match (message, worker.phase) {
            (Message::Ready, Phase::Starting) => {
                worker.phase = Phase::Ready;
                worker.ready = Some(Instant::now());
                let text = format!(
                    "Process {} of group '{}' is ready",
                    worker.pid, self.part.name
                );
                common.log.line(Level::Info, MessageId::NONE, &text);
                self.note(common, |admission| admission.ready(index as u32));
            }
            (Message::Retire(reason), Phase::Starting | Phase::Ready) => {
                let timeout = settings.drain_timeout(reason == Reason::EvictionSignal);
                let deadline = if reason.is_graceful() {
                    timeout.map(|timeout| Instant::now() + timeout)
                } else {
                    Some(Instant::now())
                };
                worker.phase = Phase::Draining { deadline, reason };
                let text = format!(
                    "Process {} of group '{}' is replaced: {}",
                    worker.pid,
                    self.part.name,
                    reason.words()
                );
                common.log.line(Level::Info, MessageId::NONE, &text);
                self.note(common, |admission| admission.draining(index as u32));
            }
            (Message::Stopping(reason), _) => {
                worker.stopping(reason, settings.shutdown_timeout);
                self.note(common, |admission| admission.draining(index as u32));
            }
            _ => {}
        }
    }

    /// A worker has ended.
    pub fn died(&mut self, common: &Common, number: u64) {
        let index = (number - self.first) as usize;
        let threads = self.part.settings.threads;
        let row = &mut self.rows[index];
        let Some(worker) = row.worker.take() else {
            return;
        };
        let exit = process::reap(worker.pid)
            .ok()
            .flatten()
            .unwrap_or(Exit::Code(-1));
        let now = Instant::now();
        let served = worker.ready.map(|ready| now - ready);
        let reason = worker.reason();
        let mut pause = row
            .back_off
            .ended(served, reason.is_some() && exit == Exit::Code(0));
        if reason == Some(Reason::ScriptsEnded) {
            // What there was to do may take no time at all.
            pause = pause.max((worker.started + SCRIPTS).saturating_duration_since(now));
        }
        row.start_at = now + pause;
        if let Some(path) = worker.address.path() {
            let _ = std::fs::remove_file(Path::new(std::ffi::OsStr::from_bytes(path)));
        }
        self.note(common, |admission| admission.gone(index as u32));
        let running = worker.ledger.running(threads, clock::seconds());
        let obituary = Obituary {
            worker: &worker,
            exit,
            reason,
            running: &running,
            now,
        };
        let mut text = obituary.text(&self.part.name);
        if !self.closed && !pause.is_zero() {
            text.push_str(&format!(
                "; the next one starts in {:.1} seconds",
                pause.as_secs_f64()
            ));
        }
        if reason.is_some() && exit == Exit::Code(0) {
            common.log.line(Level::Info, MessageId::NONE, &text);
        } else {
            common.log.line(Level::Error, MessageId::WORKER_EXIT, &text);
        }
    }

    /// Ends the group; for good when no other supervisor will take it over.
    pub fn close(&mut self, common: &Common, for_good: bool) {
        self.closed = true;
        if for_good {
            self.note(common, slots::Supervisor::close);
        }
        for index in 0..self.rows.len() {
            if let Some(worker) = &mut self.rows[index].worker {
                worker.stop(Reason::ShutdownSignal, self.part.settings.shutdown_timeout);
                self.note(common, |admission| admission.draining(index as u32));
            }
        }
    }
}

fn display_name(settings: &GroupSettings, name: &[u8]) -> Option<OsString> {
    let Some(display) = settings.display_name.as_deref() else {
        return Some(OsString::from_vec([b"wsgi-daemon ", name].concat()));
    };
    let mut own = b"(wsgi:".to_vec();
    own.extend_from_slice(name);
    own.push(b')');
    Some(OsString::from_vec(if display == b"%{GROUP}" {
        own
    } else {
        display.to_vec()
    }))
}
