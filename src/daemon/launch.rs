//! What the host's parent prepares: shared memory for each group, and the supervisor.
#![forbid(unsafe_code)]

use super::back_off::BackOff;
use super::log::GroupLog;
use super::plan::{Plan, Role};
use super::settings::GroupSettings;
use super::slots::{self, Board, Layout, Table};
use super::sys::process::{self, Exit};
use super::sys::socket::Address;
use super::sys::{account, fd, socket, spawn};
use std::fs::File;
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
    /// Its log; absent where that is the host's.
    pub log: Option<GroupLog>,
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
    /// Those that could not be set up are absent.
    groups: Vec<Option<Memory>>,
    /// The files and pipes that groups have as logs of their own, in the order of the groups.
    logs: Vec<Option<Arc<File>>>,
    watch: Mutex<Watch>,
}

/// Shared memory of a group.
#[derive(Debug)]
pub(super) struct Memory {
    pub table: Arc<Table>,
    pub board: Board,
}

/// The supervisor, or when there will be one.
#[derive(Debug)]
struct Watch {
    running: Option<Running>,
    back_off: BackOff,
    start_at: Instant,
}

#[derive(Debug)]
struct Running {
    pid: u32,
    watched: OwnedFd,
    control: OwnedFd,
    started: Instant,
    /// How it ended, where the host has waited for it.
    exit: Option<Exit>,
}

/// The order to end once no process of the host has requests any more.
pub(super) const RETIRE: u8 = b'R';

/// Why groups can't be launched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The shared memory of a group.
    #[error("Process group '{name}' can't be set up: {source}")]
    Memory {
        /// The group.
        name: String,
        /// What is wrong.
        source: slots::Error,
    },
    /// The program.
    #[error("The supervisor of process groups can't be started: {program}: {source}")]
    Supervisor {
        /// Its path.
        program: String,
        /// What is wrong.
        source: io::Error,
    },
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

    /// Makes the shared memory and executes the supervisor. What else went wrong is the second result: groups that
    /// can't be set up serve nothing, and a supervisor that can't be executed [`Launched::tend`] tries again.
    ///
    /// # Errors
    /// When the system has no memory or descriptors left.
    pub fn start(self, base: Vec<u8>, plan: &Plan) -> io::Result<(Launched, Vec<LaunchError>)> {
        let mut failures = Vec::new();
        let logs = self.groups.iter().map(|group| group.log.as_ref());
        let logs = logs.map(|log| log.and_then(|log| log.file.clone()));
        let logs = logs.collect();
        let groups = self.groups.iter().map(Memory::new);
        let groups = groups
            .map(|group| group.map_err(|failure| failures.push(failure)).ok())
            .collect();
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
            logs,
            watch: Mutex::new(Watch {
                running: None,
                back_off: BackOff::default(),
                start_at: Instant::now(),
            }),
        };
        if let Err(source) = launched.begin(&mut launched.watch()) {
            let program = launched.executable.display().to_string();
            failures.push(LaunchError::Supervisor { program, source });
        }
        Ok((launched, failures))
    }
}

impl Memory {
    fn new(group: &GroupLaunch) -> Result<Self, LaunchError> {
        let failed = |source| LaunchError::Memory {
            name: String::from_utf8_lossy(&group.name).into_owned(),
            source,
        };
        let layout = Layout {
            rows: group.settings.rows(),
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
    /// Executes the supervisor. One that can't be is tried again later.
    fn begin(&self, watch: &mut Watch) -> io::Result<()> {
        let running = self.execute().inspect_err(|_| {
            watch.start_at = Instant::now() + watch.back_off.lost(Duration::ZERO);
        })?;
        watch.running = Some(running);
        Ok(())
    }

    fn execute(&self) -> io::Result<Running> {
        let (control, other) = socket::pair()?;
        let other = fd::out_of_the_way(other)?;
        let mut descriptors: Vec<BorrowedFd<'_>> =
            vec![self.plan.as_fd(), other.as_fd(), self.presence_read.as_fd()];
        // What is no table is refused by the supervisor, and that group left out.
        let absent = || fd::memory_file(c"wsgi-core-absent", b"");
        let fillers: Vec<[OwnedFd; 2]> = (0..self.absent())
            .map(|_| Ok([absent()?, absent()?]))
            .collect::<io::Result<_>>()?;
        let mut filler = fillers.iter();
        for (group, log) in self.groups.iter().zip(&self.logs) {
            if let Some(memory) = group {
                descriptors.extend([memory.table.fd(), memory.board.fd()]);
            } else {
                descriptors.extend(filler.next().into_iter().flatten().map(AsFd::as_fd));
            }
            descriptors.extend(log.as_ref().map(AsFd::as_fd));
        }
        let child = spawn::spawn(&self.executable, Role::Supervisor, None, None, &descriptors)?;
        let watched = process::watch(child.id())?;
        Ok(Running {
            pid: child.id(),
            watched,
            control,
            started: Instant::now(),
            exit: None,
        })
    }

    /// How many groups could not be set up.
    fn absent(&self) -> usize {
        self.groups.iter().filter(|group| group.is_none()).count()
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The supervisor's process; `None` when there is none.
    #[must_use]
    pub fn supervisor(&self) -> Option<u32> {
        self.watch().running.as_ref().map(|running| running.pid)
    }

    /// Takes note of how a child of the host ended, for which the host has waited.
    pub fn child_ended(&self, pid: u32, exit: Exit) {
        if let Some(running) = &mut self.watch().running
            && running.pid == pid
        {
            running.exit = Some(exit);
        }
    }

    /// Executes another supervisor if there is none any more, and if it is time. Gives how the one before ended, the
    /// first time after its end.
    ///
    /// # Errors
    /// When it can't be executed.
    pub fn tend(&self) -> (Option<Ended>, io::Result<()>) {
        if self.owner != std::process::id() {
            return (None, Ok(()));
        }
        let (mut watch, now) = (self.watch(), Instant::now());
        let gone = |running: &mut Running| {
            running.exit.is_some() || process::has_ended(running.watched.as_fd()).unwrap_or(true)
        };
        let ended = watch.running.take_if(gone).map(|running| {
            let lived = now - running.started;
            let pause = watch.back_off.lost(lived);
            watch.start_at = now + pause;
            Ended {
                pid: running.pid,
                exit: running.exit.or_else(|| process::reap(running.pid).ok()?),
                lived,
                pause,
            }
        });
        let begun = if watch.running.is_none() && watch.start_at <= now {
            self.begin(&mut watch)
        } else {
            Ok(())
        };
        (ended, begun)
    }

    pub(super) fn base(&self) -> &[u8] {
        &self.base
    }

    pub(super) fn memory(&self, group: u32) -> Option<&Memory> {
        self.groups.get(group as usize)?.as_ref()
    }
}

/// A supervisor that is no more.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Its process.
    pub pid: u32,
    /// How it ended, where that is known.
    pub exit: Option<Exit>,
    /// For how long there was one.
    pub lived: Duration,
    /// When the next one is started.
    pub pause: Duration,
}

impl Drop for Launched {
    /// In the process that launched the groups: lets them end once their requests are done.
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        if let Some(running) = self.watch().running.take() {
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
