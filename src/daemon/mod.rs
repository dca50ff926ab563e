//! Process groups: applications in supervised processes of their own.
//!
//! The protocol between a host and a worker, and the admission of requests, are described in `docs/wire.md`.

pub mod slots;
pub mod wire;
