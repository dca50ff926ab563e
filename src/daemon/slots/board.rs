//! Which requests application code has, and has done with.
#![forbid(unsafe_code)]

use super::error::Error;
use super::layout::Layout;
use super::memory::{Access, Memory};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Two words per slot of a group, in which a worker notes the serial number of a lease just before application code
/// gets its request, and again when its thread is free. When a worker dies, the host looks: an unmarked request may be
/// given to another worker. When the host gives a request up, its slot stays taken until the thread is free.
///
/// It takes the place of a frame, which would wake the host's thread once more for every request. Workers map it
/// for reading and writing, and share it with the workers of their own group only; the host maps it for reading.
/// All that a hostile worker can do with it is to have requests of its own application served once more, or not.
pub struct Board {
    memory: Memory,
    layout: Layout,
    access: Access,
}

impl Board {
    /// A new board for a table of this layout.
    ///
    /// # Errors
    /// As for [`super::Table::create`].
    pub fn create(layout: Layout) -> Result<Self, Error> {
        layout.check()?;
        let memory = Memory::create(words(layout))?;
        Ok(Self {
            memory,
            layout,
            access: Access::Write,
        })
    }

    /// The board of another process, for a worker.
    ///
    /// # Errors
    /// When the descriptor is not a board for this layout.
    pub fn open_for_worker(fd: OwnedFd, layout: Layout) -> Result<Self, Error> {
        Self::open(fd, layout, Access::Write)
    }

    /// The board of another process, for a host.
    ///
    /// # Errors
    /// When the descriptor is not a board for this layout.
    pub fn open_for_host(fd: OwnedFd, layout: Layout) -> Result<Self, Error> {
        Self::open(fd, layout, Access::Read)
    }

    fn open(fd: OwnedFd, layout: Layout, access: Access) -> Result<Self, Error> {
        layout.check()?;
        let memory = Memory::open(fd, access)?;
        if memory.words().len() != words(layout) {
            return Err(Error::Foreign);
        }
        Ok(Self {
            memory,
            layout,
            access,
        })
    }

    /// The descriptor, to be inherited by workers. It is close-on-exec.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.memory.fd()
    }

    /// Marks a request as application code's own, under the serial number that came with it. False when there is
    /// no such slot or number, or the board is a host's: then an accepted frame must be sent.
    #[must_use]
    pub fn mark(&self, row: u32, slot: u32, serial: u32) -> bool {
        match self.slot(row, slot) {
            Some([marked, _]) if self.access == Access::Write && serial != 0 => {
                marked.store(serial, Release);
                true
            }
            _ => false,
        }
    }

    /// Notes that the thread which had a request is free again.
    pub fn finish(&self, row: u32, slot: u32, serial: u32) {
        if let Some([_, finished]) = self.slot(row, slot)
            && self.access == Access::Write
        {
            finished.store(serial, Release);
        }
    }

    /// Whether a request was marked.
    #[must_use]
    pub fn is_marked(&self, row: u32, slot: u32, serial: u32) -> bool {
        self.slot(row, slot)
            .is_some_and(|[marked, _]| marked.load(Acquire) == serial)
    }

    /// Whether a request was marked, and its thread is not free yet.
    #[must_use]
    pub fn is_running(&self, row: u32, slot: u32, serial: u32) -> bool {
        self.slot(row, slot).is_some_and(|[marked, finished]| {
            marked.load(Acquire) == serial && finished.load(Acquire) != serial
        })
    }

    fn slot(&self, row: u32, slot: u32) -> Option<&[AtomicU32; SLOT]> {
        let exists = row < self.layout.rows && slot < self.layout.slots;
        let index = exists.then(|| (row * self.layout.slots + slot) as usize * SLOT)?;
        self.memory.words().get(index..)?.first_chunk()
    }
}

/// Words of a slot.
const SLOT: usize = 2;

const fn words(layout: Layout) -> usize {
    (layout.rows * layout.slots) as usize * SLOT
}

impl std::fmt::Debug for Board {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Board")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
