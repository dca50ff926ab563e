//! The targets.

mod fields;
mod frames;
pub mod headers;
pub mod paths;
pub mod proxies;
pub mod wire_to_host;
pub mod wire_to_worker;
