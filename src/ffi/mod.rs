//! The C surface. Thin: guard, check, convert, call the engine, convert back.
#![allow(non_camel_case_types, reason = "these are the names that C sees")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the header documents each function in C terms: pointers are NULL or valid"
)]

pub mod bytes;
pub mod check;
pub mod config;
pub mod engine;
pub mod error;
mod guard;
pub mod host;
pub mod log;
pub mod option;
pub mod outcome;
pub mod request;
pub mod server;
pub mod settings;
pub mod status;
mod structs;
pub mod version;
