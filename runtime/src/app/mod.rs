//! Applications: scripts, and the interpreters that they are loaded into.

mod event;
mod group;
mod interpreter;
mod native;
mod process;
mod question;
mod script;
mod settings;
mod setup;
mod turn;

pub use process::{
    Refusal, dump_stacks, interrupt, load, probe, publish_signal, publish_stopping, run, serve,
    start, stop, wants_reload,
};
