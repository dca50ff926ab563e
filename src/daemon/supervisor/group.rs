//! The workers of a group.

use super::super::back_off::BackOff;
use super::super::launch::address;
use super::super::ledger::Ledger;
use super::super::link::{Link, Message, Reason};
use super::super::log::GroupLog;
use super::super::plan::Role;
use super::super::settings::GroupSettings;
use super::super::slots::{self, Board, Held, State, Table};
use super::super::sys::poll::When;
use super::super::sys::process::{self, Exit};
use super::super::sys::socket::{self, Address};
use super::super::sys::{account, clock, fd, identity, spawn};
use super::obituary::Obituary;
use super::row::{Phase, Place, Row, Worker};
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
    /// Its log.
    pub log: GroupLog,
}

/// A group while it is supervised.
pub struct Group {
    number: u32,
    /// Number of its first row among those of all groups.
    first: u64,
    part: Names,
    admission: slots::Supervisor,
    rows: Vec<Row>,
    places: Vec<Place>,
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
    board: Board,
    log: GroupLog,
}

fn is_running(board: &Board, held: Held) -> bool {
    board.is_running(held.row, held.slot, held.serial)
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
        });
        let rows = rows.collect();
        let places = (0..part.settings.workers()).map(|_| Place {
            back_off: BackOff::default(),
            start_at: now,
        });
        let name = String::from_utf8_lossy(&part.name).into_owned();
        Ok(Self {
            number,
            first,
            part: Names {
                display: display_name(&part.settings, &part.name),
                name,
                settings: part.settings,
                socket_uid: part.socket_uid,
                board: Board::open_for_host(part.board, layout)?,
                log: part.log,
            },
            admission,
            rows,
            places: places.collect(),
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
            next = next.min(self.tick_row(index, now));
        }
        for place in 0..self.places.len() {
            next = next.min(self.tick_place(common, place, now));
        }
        if self.look_around <= now {
            let busy = self.is_busy();
            self.look_around = now + LOOK_AROUND;
            // Slots of the dead are missed at once, and their places among the living later.
            if busy || self.swept + IDLE <= now {
                self.swept = now;
                let board = &self.part.board;
                self.note(|admission| {
                    let is_running = |held: Held| is_running(board, held);
                    admission.sweep(is_running)?;
                    admission.collect(is_running)
                });
            }
        }
        next
    }

    fn tick_row(&mut self, index: usize, now: Instant) -> Instant {
        let later = now + LOOK_AROUND;
        let timeout = self.part.settings.shutdown_timeout;
        let status = self.admission.table().row(index as u32);
        let Some(worker) = &mut self.rows[index].worker else {
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
                self.note(|admission| admission.ready(index as u32));
                later
            }
            _ => later,
        }
    }

    /// Starts what is missing.
    fn tick_place(&mut self, common: &Common, place: usize, now: Instant) -> Instant {
        let later = now + LOOK_AROUND;
        let has_current = self.workers_of(place).any(Worker::is_current);
        if self.closed || has_current {
            return later;
        }
        let start_at = self.places[place].start_at;
        if start_at > now {
            return start_at;
        }
        if let Some(index) = self.room_for(place) {
            self.start(common, place, index);
        }
        later
    }

    fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.rows.iter().filter_map(|row| row.worker.as_ref())
    }

    /// The worker that has this place, and those before it that have not ended yet.
    fn workers_of(&self, place: usize) -> impl Iterator<Item = &Worker> {
        self.workers().filter(move |worker| worker.place == place)
    }

    /// Where a worker for this place may be started, if one may now.
    fn room_for(&self, place: usize) -> Option<usize> {
        let is_retiring = |worker: &Worker| matches!(worker.phase, Phase::Retiring { .. });
        let is_starting = |worker: &Worker| worker.phase == Phase::Starting;
        // Where the old one still serves there is time: one after the other takes less memory.
        if self.workers_of(place).any(is_retiring) && self.workers().any(is_starting) {
            return None;
        }
        self.rows.iter().position(|row| row.worker.is_none())
    }

    /// Whether there are requests.
    fn is_busy(&self) -> bool {
        let table = self.admission.table();
        table.waiting() > 0 || table.rows().any(|row| row.in_flight > 0)
    }

    /// Changes the table. That this fails means that a process of the host holds its lock and does not go on.
    fn note(&self, change: impl FnOnce(&slots::Supervisor) -> Result<(), slots::Error>) {
        if let Err(error) = change(&self.admission) {
            let text = format!("Process group '{}': {error}", self.part.name);
            self.part
                .log
                .line(Level::Critical, MessageId::GROUP_START, &text);
        }
    }

    fn start(&mut self, common: &Common, place: usize, index: usize) {
        if let Err(error) = self.try_start(common, place, index) {
            let place = &mut self.places[place];
            let pause = place.back_off.ended(None, false);
            place.start_at = Instant::now() + pause;
            let text = format!(
                "Process group '{}': a process can't be started: {error}; trying again in {:.1} seconds",
                self.part.name,
                pause.as_secs_f64()
            );
            self.part
                .log
                .line(Level::Critical, MessageId::GROUP_START, &text);
            return;
        }
        let (generation, threads) = (self.rows[index].generation, self.part.settings.threads);
        self.note(|admission| admission.starting(index as u32, generation, threads));
    }

    fn try_start(&mut self, common: &Common, place: usize, index: usize) -> io::Result<()> {
        let (listener, address, generation) = self.listen(common, index)?;
        let listener = fd::out_of_the_way(listener)?;
        let (link, other) = Link::pair()?;
        let (ledger, memory) = Ledger::create(self.part.settings.threads)?;
        let role = Role::Worker {
            group: self.number,
            row: index as u32,
            generation,
        };
        let descriptors = [
            common.plan.as_fd(),
            self.part.board.fd(),
            listener.as_fd(),
            other.as_fd(),
            memory.as_fd(),
        ];
        // The link of this process, also where its file was replaced by an update.
        let program = Path::new("/proc/self/exe");
        let name = self.part.display.as_deref();
        let log = self.part.log.file.as_deref().map(AsFd::as_fd);
        let child = spawn::spawn(program, role, name, log, &descriptors)?;
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
            place,
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
        let mut generation = self.rows[index].generation;
        for _ in 0..16 {
            generation = generation.wrapping_add(1);
            let address = address(&common.base, self.number, index as u32, generation);
            match socket::listen(&address, settings.listen_backlog) {
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
                Ok(Some(message)) => self.heard(index, message),
                Err(_) => {
                    // The process itself will be noticed.
                    common.poll.remove(worker.link.as_fd());
                    return;
                }
            }
        }
    }

    fn heard(&mut self, index: usize, message: Message) {
        let Some(worker) = &mut self.rows[index].worker else {
            return;
        };
        match (message, worker.phase) {
            (Message::Ready, Phase::Starting) => {
                worker.phase = Phase::Ready;
                worker.ready = Some(Instant::now());
                let (pid, place) = (worker.pid, worker.place);
                let text = format!("Process {pid} of group '{}' is ready", self.part.name);
                self.part.log.line(Level::Info, MessageId::NONE, &text);
                self.note(|admission| admission.ready(index as u32));
                self.replaced(place);
            }
            (Message::Retire(reason), Phase::Ready) => {
                worker.phase = Phase::Retiring { reason };
                self.tell(index, reason);
            }
            (Message::Retire(reason) | Message::Drain(reason), Phase::Starting)
            | (Message::Drain(reason), Phase::Ready) => {
                self.tell(index, reason);
                self.drain(index, reason);
            }
            (Message::Drain(reason), Phase::Retiring { .. }) => self.drain(index, reason),
            (Message::Stopping(reason), _) => {
                worker.stopping(reason, self.part.settings.shutdown_timeout);
                self.note(|admission| admission.draining(index as u32));
            }
            (Message::Freed, _) => {
                let board = &self.part.board;
                self.note(|admission| admission.collect(|held| is_running(board, held)));
            }
            _ => {}
        }
    }

    /// A place has a new worker: the one before it may go.
    fn replaced(&mut self, place: usize) {
        for index in 0..self.rows.len() {
            if let Some(worker) = &self.rows[index].worker
                && worker.place == place
                && let Phase::Retiring { reason } = worker.phase
            {
                self.drain(index, reason);
            }
        }
    }

    /// What a worker has may finish, and it gets nothing new.
    fn drain(&mut self, index: usize, reason: Reason) {
        let evicted = reason == Reason::EvictionSignal;
        let timeout = self.part.settings.drain_timeout(evicted);
        let timeout = if reason.is_graceful() {
            timeout
        } else {
            Some(Duration::ZERO)
        };
        if let Some(worker) = &mut self.rows[index].worker {
            let deadline = timeout.map(|timeout| Instant::now() + timeout);
            worker.phase = Phase::Draining { deadline, reason };
        }
        self.note(|admission| admission.draining(index as u32));
    }

    fn tell(&self, index: usize, reason: Reason) {
        if let Some(worker) = &self.rows[index].worker {
            let (pid, why) = (worker.pid, reason.words());
            let text = format!(
                "Process {pid} of group '{}' is replaced: {why}",
                self.part.name
            );
            self.part.log.line(Level::Info, MessageId::NONE, &text);
        }
    }

    /// A worker has ended.
    pub fn died(&mut self, number: u64) {
        let index = (number - self.first) as usize;
        let threads = self.part.settings.threads;
        let Some(worker) = self.rows[index].worker.take() else {
            return;
        };
        let exit = process::reap(worker.pid)
            .ok()
            .flatten()
            .unwrap_or(Exit::Code(-1));
        let now = Instant::now();
        let served = worker.ready.map(|ready| now - ready);
        let reason = worker.reason();
        let orderly = reason.is_some() && exit == Exit::Code(0);
        let pause = if self.workers_of(worker.place).any(Worker::is_current) {
            Duration::ZERO
        } else {
            let place = &mut self.places[worker.place];
            let mut pause = place.back_off.ended(served, orderly);
            if reason == Some(Reason::ScriptsEnded) {
                // What there was to do may take no time at all.
                pause = pause.max((worker.started + SCRIPTS).saturating_duration_since(now));
            }
            place.start_at = now + pause;
            pause
        };
        if let Some(path) = worker.address.path() {
            let _ = std::fs::remove_file(Path::new(std::ffi::OsStr::from_bytes(path)));
        }
        self.note(|admission| admission.gone(index as u32));
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
        if orderly {
            self.part.log.line(Level::Info, MessageId::NONE, &text);
        } else {
            self.part
                .log
                .line(Level::Error, MessageId::WORKER_EXIT, &text);
        }
    }

    /// Ends the group; for good when no other supervisor will take it over.
    pub fn close(&mut self, for_good: bool) {
        self.closed = true;
        if for_good {
            self.note(slots::Supervisor::close);
        }
        for index in 0..self.rows.len() {
            if let Some(worker) = &mut self.rows[index].worker {
                worker.stop(Reason::ShutdownSignal, self.part.settings.shutdown_timeout);
                self.note(|admission| admission.draining(index as u32));
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
