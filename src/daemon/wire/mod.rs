//! The protocol between a host and a worker: frames on a kept-open Unix stream connection, one request at a
//! time. `docs/wire.md` is its document.
//!
//! Nothing here does I/O. Bytes that were received go into a [`Decoder`], its frames into the protocol state of
//! this side, [`Client`] for the host and [`Server`] for the worker, and what is to be sent comes out of the same
//! two as bytes appended to a `Vec`. Whatever the peer sends, the answer is a value or an [`Error`], never a panic
//! and never more memory than [`limit`] says.
#![forbid(unsafe_code)]

mod abort;
mod client;
mod credit;
mod decoder;
mod end;
mod error;
mod fields;
mod frame;
mod head;
mod hello;
pub mod limit;
mod log;
mod pairs;
mod request;
mod send;
mod server;
#[cfg(test)]
mod tests;
mod turn;
mod writer;

pub use abort::{Abort, AbortReason};
pub use client::{Client, Reply};
pub use decoder::{Decoder, Detached};
pub use end::End;
pub use error::Error;
pub use frame::{Flags, Frame, HEADER_LEN, Header, Kind};
pub use head::ResponseHead;
pub use hello::{Identity, VERSION};
pub use request::{RequestHead, Ticket};
pub use server::{Order, Server};
