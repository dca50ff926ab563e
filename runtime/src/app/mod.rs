//! Applications: scripts, and the interpreters that they are loaded into.

mod group;
mod native;
mod process;
mod script;
mod settings;
mod setup;
mod turn;

pub use process::{Refusal, load, run, serve, start, stop, wants_reload};
