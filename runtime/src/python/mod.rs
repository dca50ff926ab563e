//! The only code that touches CPython's C API.
//!
//! Only `pyo3::ffi` is used: PyO3's high-level layer assumes one interpreter per process, and objects
//! would leak across sub-interpreters. Above this module everything is safe Rust: an [`Object`] is an
//! owned reference, a [`Gil`] proves that the thread is attached, `Err(Raised)` means that an exception
//! is set, and a [`Class`](class::Class) puts a Rust value into Python objects.

mod capsule;
pub mod class;
pub mod dump;
mod error;
mod gil;
mod init;
mod interpreter;
pub mod interrupt;
mod life;
mod object;
mod thread;

pub use capsule::Lent;
pub use error::{Exc, Exception, Raised, Result, clear, raise, reraise, warn_deprecated};
pub use gil::{Gil, GilCell};
pub use init::{Home, InitSettings};
pub use interpreter::{CAN_BE_FREE_THREADED, CAN_HAVE_OWN_GIL, Interpreter, Lock};
pub use life::{Ended, Life, Pass, with_signals};
pub use object::{ExactSequence, Object};
pub use thread::{Locals, number as thread_number};
