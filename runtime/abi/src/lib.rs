//! The seam between the engine and a Python runtime.
//!
//! The engine (`wsgi_core`) knows no Python; a runtime (`wsgi_python`, one build per CPython `X.Y`)
//! knows no host. They meet in two tables of functions with C layout, because the two sides are
//! separately linked libraries and Rust promises no ABI between them:
//!
//! * [`Runtime`], exported by a runtime as `wsgi_core_runtime`: start, load, serve, stop.
//! * [`RawExchange`], handed to a runtime with every request: one HTTP exchange, seen from the
//!   application's side. The safe face of it is the [`Exchange`] trait, on both sides.
//!
//! Both sides are always built from the same tree; [`ABI_VERSION`] catches a mixed installation.
//! Everything unsafe about crossing the seam is in this crate, so that neither side needs to repeat it.

mod bytes;
mod exchange;
mod layer;
mod log;
mod message;
mod request;
mod runtime;

pub use bytes::{Bytes, Pair, Pairs, Slice};
pub use exchange::{Exchange, Failure, Head, RawExchange, ReadFailure, SendFlags};
pub use layer::{Flag, InterpreterLayer};
pub use log::{Level, LogRecord, RawLog};
pub use message::{MESSAGES, Message, MessageId};
pub use request::{NativeRequest, Outcome, Question, Request, Verdict};
pub use runtime::{Problem, RUNTIME_SYMBOL, RawProblem, Runtime, RuntimeSettings, Status};

/// Version of everything in this crate; the engine refuses a runtime that reports another one.
pub const ABI_VERSION: u32 = 1;
