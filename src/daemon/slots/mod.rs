//! Admission: which worker serves which request, through shared memory.
//!
//! A process group has one [`Table`], a sealed memfd that the supervisor and the host's processes map for reading
//! and writing. They trust each other no further than needed: every index that is read from it is checked, so
//! that a damaged table costs requests and never the supervisor. **Workers do not map it at all**: they run
//! application code under another user, and what they have to say about themselves they tell the supervisor.
//! All they get is the [`Board`], on which they mark requests that application code has.
//!
//! The table has a row per worker with a slot per request thread. A [`Claimer`], one per host process, claims a
//! slot of the ready worker with the fewest requests in flight, or waits in order of arrival and is woken alone
//! when it has been given one. The [`Supervisor`] says which workers are there, and takes back what processes held
//! that died.
//!
//! Changes are made under a lock that outlives its holder: it names the process that holds it, each process
//! proves that it lives with a record lock that the kernel drops at its death, and whoever finds the lock held by
//! the dead takes it and derives all that is derived (counts, the order of the queue) again from the slots and
//! waiters, each of which changes hands with one store.

mod board;
mod claimer;
mod debts;
mod error;
mod layout;
mod lock;
mod memory;
mod queue;
mod recovery;
mod supervisor;
mod table;
#[cfg(test)]
mod tests;
mod transfer;

pub use board::Board;
pub use claimer::{Claimer, Lease};
pub use error::{ClaimError, Error};
pub use layout::{Layout, State};
pub use supervisor::{Held, Supervisor, Swept};
pub use table::{RowStatus, Table};
