//! The table itself.
#![forbid(unsafe_code)]

use super::error::Error;
use super::layout::{Header, Layout, NOBODY, State, View, get, set};
use super::memory::{Access, Memory};
use std::os::fd::{BorrowedFd, OwnedFd};

/// The table of one process group. The process that prepares the group creates it; the host's processes inherit
/// it by fork, and the supervisor its descriptor.
///
/// A process must not duplicate the descriptor and close the copy: with it the kernel would drop the proof that
/// the process lives.
pub struct Table {
    memory: Memory,
    layout: Layout,
}

/// What a row says, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowStatus {
    /// The worker's state.
    pub state: State,
    /// Which process in this place it is.
    pub generation: u32,
    /// Requests it can serve at once.
    pub capacity: u32,
    /// Requests it has.
    pub in_flight: u32,
}

const MAGIC: u32 = 0x5753_4c54;
const VERSION: u32 = 1;

impl Table {
    /// A new table without workers.
    ///
    /// # Errors
    /// When the layout is not possible, or the system has no memory for it.
    pub fn create(layout: Layout) -> Result<Self, Error> {
        layout.check()?;
        let memory = Memory::create(layout.words())?;
        let table = Self { memory, layout };
        let header = table.header();
        set(header.rows, layout.rows);
        set(header.slots, layout.slots);
        set(header.members, layout.members);
        set(header.waiters, layout.waiters);
        set(header.head, NOBODY);
        set(header.tail, NOBODY);
        set(header.version, VERSION);
        set(header.magic, MAGIC);
        Ok(table)
    }

    /// A table that another process created.
    ///
    /// # Errors
    /// When the descriptor is something else, or can't be mapped.
    pub fn open(fd: OwnedFd) -> Result<Self, Error> {
        let memory = Memory::open(fd, Access::Write)?;
        // Looked at once: from here on the layout is this process's own.
        let layout = read_layout(&memory)?;
        Ok(Self { memory, layout })
    }

    /// The descriptor, to be inherited by the supervisor. It is close-on-exec.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.memory.fd()
    }

    /// How much of everything it has.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How many requests wait for a worker at this moment.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        get(self.header().waiting)
    }

    /// Every row at this moment.
    pub fn rows(&self) -> impl Iterator<Item = RowStatus> + '_ {
        (0..self.layout.rows).filter_map(|index| self.row(index))
    }

    /// One row at this moment.
    #[must_use]
    pub fn row(&self, index: u32) -> Option<RowStatus> {
        let row = self.view().row(index)?;
        Some(RowStatus {
            state: State::from_number(get(row.state)),
            generation: get(row.generation),
            capacity: get(row.capacity),
            in_flight: get(row.in_flight),
        })
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            words: self.memory.words(),
            layout: self.layout,
        }
    }

    pub(super) fn header(&self) -> Header<'_> {
        self.view()
            .header()
            .expect("a table is at least as long as its header: checked when it was made")
    }
}

fn read_layout(memory: &Memory) -> Result<Layout, Error> {
    let nothing = Layout {
        rows: 0,
        slots: 0,
        members: 0,
        waiters: 0,
    };
    let view = View {
        words: memory.words(),
        layout: nothing,
    };
    let header = view.header().ok_or(Error::Foreign)?;
    let layout = Layout {
        rows: get(header.rows),
        slots: get(header.slots),
        members: get(header.members),
        waiters: get(header.waiters),
    };
    let ours = get(header.magic) == MAGIC && get(header.version) == VERSION;
    if !ours || layout.check().is_err() || layout.words() != memory.words().len() {
        return Err(Error::Foreign);
    }
    Ok(layout)
}

impl std::fmt::Debug for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Table")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}
