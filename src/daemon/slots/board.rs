//! Which requests application code has.
#![forbid(unsafe_code)]

use super::error::Error;
use super::layout::Layout;
use super::memory::{Access, Memory};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::{Acquire, Release};

/// A word per slot of a group, in which a worker notes the serial number of a lease just before application code
/// gets its request. When a worker dies, the host looks: an unmarked request may be given to another worker.
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
        let memory = Memory::create((layout.rows * layout.slots) as usize)?;
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
        if memory.words().len() != (layout.rows * layout.slots) as usize {
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
        let word = self
            .index(row, slot)
            .and_then(|index| self.memory.words().get(index));
        match word {
            Some(word) if self.access == Access::Write && serial != 0 => {
                word.store(serial, Release);
                true
            }
            _ => false,
        }
    }

    /// Whether a request was marked.
    #[must_use]
    pub fn is_marked(&self, row: u32, slot: u32, serial: u32) -> bool {
        let word = self
            .index(row, slot)
            .and_then(|index| self.memory.words().get(index));
        word.is_some_and(|word| word.load(Acquire) == serial)
    }

    fn index(&self, row: u32, slot: u32) -> Option<usize> {
        let exists = row < self.layout.rows && slot < self.layout.slots;
        exists.then(|| (row * self.layout.slots + slot) as usize)
    }
}

impl std::fmt::Debug for Board {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Board")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
