//! What the host's parent prepares: shared memory for each group, and the supervisor.
#![forbid(unsafe_code)]

use super::plan::{Plan, Role};
use super::settings::GroupSettings;
use super::slots::{self, Board, Layout, Table};
use super::sys::process::{self, Exit};
use super::sys::socket::Address;
use super::sys::{account, fd, socket, spawn};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A group that is to be launched.
#[derive(Clone, Debug)]
pub struct GroupLaunch {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its settings.
    pub settings: GroupSettings,
}

/// What is to be launched.
#[derive(Debug)]
pub struct Launch {
    /// The program.
    pub executable: PathBuf,
    /// Beginning of the names of sockets that have one in the file system.
    pub prefix: Option<Box<[u8]>>,
    /// The groups, in the order of the plan.
    pub groups: Vec<GroupLaunch>,
}

/// Processes of the host that may attach to a group at a time, with those of the generation before.
const MEMBERS: u32 = 4096;
/// Requests that may wait for a group at a time.
const WAITERS: u32 = 16384;

/// Prepared groups. The host's children inherit it by fork.
#[derive(Debug)]
pub struct Launched {
    owner: u32,
    pub(super) owner_uid: u32,
    executable: PathBuf,
    base: Vec<u8>,
    plan: OwnedFd,
    presence_read: OwnedFd,
    /// Open in every process of the host that may have requests for the groups.
    _presence: OwnedFd,
    groups: Vec<Memory>,
    running: Mutex<Option<Running>>,
    pace: Mutex<Pace>,
}

/// Shared memory of a group.
#[derive(Debug)]
pub(super) struct Memory {
    pub table: Arc<Table>,
    pub board: Board,
}

#[derive(Debug)]
struct Running {
    pid: u32,
    since: Instant,
    watched: OwnedFd,
    control: OwnedFd,
}

/// The order to end once no process of the host has requests any more.
pub(super) const RETIRE: u8 = b'R';

/// Why groups can't be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The shared memory of a group.
    #[error("process group '{name}': {source}")]
    Memory {
        /// The group.
        name: String,
        /// What is wrong.
        source: slots::Error,
    },
    /// The system.
    #[error("{0}")]
    System(#[from] io::Error),
}

impl Launch {
    /// Where the sockets of the workers will be; each worker adds its place to it.
    #[must_use]
    pub fn base(&self) -> Vec<u8> {
        let random = std::hash::RandomState::new().build_hasher().finish();
        let own = format!(".{}.{random:016x}", std::process::id());
        let mut base = match &self.prefix {
            Some(prefix) => prefix.to_vec(),
            None => b"\0wsgi-core".to_vec(),
        };
        base.extend_from_slice(own.as_bytes());
        base
    }

    /// Makes the shared memory and executes the supervisor. One that can't be executed is the second result: the
    /// groups are there, and [`Launched::tend`] tries again.
    ///
    /// # Errors
    /// When the system has no memory or descriptors left.
    pub fn start(
        self,
        base: Vec<u8>,
        plan: &Plan,
    ) -> Result<(Launched, io::Result<()>), LaunchError> {
        let groups = self
            .groups
            .iter()
            .map(Memory::new)
            .collect::<Result<_, _>>()?;
        let (presence_read, presence) = fd::pipe()?;
        let launched = Launched {
            owner: std::process::id(),
            owner_uid: account::own_uid(),
            executable: self.executable,
            base,
            plan: fd::out_of_the_way(fd::memory_file(c"wsgi-core-plan", &plan.encode())?)?,
            presence_read: fd::out_of_the_way(presence_read)?,
            _presence: presence,
            groups,
            running: Mutex::new(None),
            pace: Mutex::default(),
        };
        let started = launched.execute();
        Ok((launched, started))
    }
}

impl Memory {
    fn new(group: &GroupLaunch) -> Result<Self, LaunchError> {
        let failed = |source| LaunchError::Memory {
            name: String::from_utf8_lossy(&group.name).into_owned(),
            source,
        };
        let layout = Layout {
            rows: group.settings.workers(),
            slots: group.settings.threads.max(1),
            members: MEMBERS,
            waiters: WAITERS,
        };
        let table = Arc::new(Table::create(layout).map_err(failed)?);
        let board = Board::create(layout).map_err(failed)?;
        Ok(Self { table, board })
    }
}

/// The name of a worker's socket.
pub(super) fn address(base: &[u8], group: u32, row: u32, generation: u32) -> Address {
    let mut name = base.to_vec();
    name.extend_from_slice(format!(".{group}.{row}.{generation}").as_bytes());
    Address::new(name)
}

impl Launched {
    fn execute(&self) -> io::Result<()> {
        let (control, other) = socket::pair()?;
        let other = fd::out_of_the_way(other)?;
        let mut descriptors: Vec<BorrowedFd<'_>> =
            vec![self.plan.as_fd(), other.as_fd(), self.presence_read.as_fd()];
        for group in &self.groups {
            descriptors.push(group.table.fd());
            descriptors.push(group.board.fd());
        }
        let child = spawn::spawn(&self.executable, Role::Supervisor, None, &descriptors)?;
        let watched = process::watch(child.id())?;
        *self.running() = Some(Running {
            pid: child.id(),
            since: Instant::now(),
            watched,
            control,
        });
        Ok(())
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The supervisor's process; `None` when there is none.
    #[must_use]
    pub fn supervisor(&self) -> Option<u32> {
        self.running().as_ref().map(|running| running.pid)
    }

    /// Executes another supervisor if there is none any more, but not over and over again. Gives how the one before ended,
    /// if it was replaced.
    ///
    /// # Errors
    /// When it can't be executed.
    pub fn tend(&self) -> io::Result<Option<Ended>> {
        if self.owner != std::process::id() {
            return Ok(None);
        }
        let now = Instant::now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = self.running();
        if let Some(before) = &*running {
            if !process::has_ended(before.watched.as_fd())? {
                return Ok(None);
            }
            // The host may have taken note of its end before.
            let exit = process::reap(before.pid).ok().flatten();
            pace.ended(
                Ended {
                    pid: before.pid,
                    exit,
                },
                before.since,
                now,
            );
        }
        *running = None;
        drop(running);
        if pace.next.is_some_and(|next| next > now) {
            return Ok(None);
        }
        self.execute()?;
        Ok(pace.last.take())
    }

    pub(super) fn base(&self) -> &[u8] {
        &self.base
    }

    pub(super) fn memory(&self, group: u32) -> Option<&Memory> {
        self.groups.get(group as usize)
    }
}

/// When the next supervisor may be executed.
#[derive(Debug, Default)]
struct Pace {
    /// Supervisors in a row that ended soon after their start.
    early: u32,
    next: Option<Instant>,
    /// The last one that ended and was not replaced yet.
    last: Option<Ended>,
}

/// A supervisor that ends sooner has something wrong with it.
const LIFE: Duration = Duration::from_secs(2);
/// How long it takes until the next one, when two in a row had.
const PAUSE: Duration = Duration::from_secs(5);

impl Pace {
    fn ended(&mut self, ended: Ended, since: Instant, now: Instant) {
        self.last = Some(ended);
        self.early = if now - since < LIFE {
            self.early + 1
        } else {
            0
        };
        self.next = (self.early > 1).then(|| now + PAUSE);
    }
}

/// A supervisor that is no more.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Its process.
    pub pid: u32,
    /// How it ended, where that is known.
    pub exit: Option<Exit>,
}

impl Drop for Launched {
    /// In the process that launched the groups: lets them end once their requests are done.
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        if let Some(running) = self.running().take() {
            let _ = socket::send(
                running.control.as_fd(),
                &[io::IoSlice::new(&[RETIRE])],
                None,
                socket::Wait::Never,
            );
            // If it has ended already, it need not stay in the list of processes.
            let _ = process::reap(running.pid);
        }
    }
}
