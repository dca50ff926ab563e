//! The gateway: PEP 3333 between one exchange and one application.
//!
//! [`serve`] builds the environ, calls the application, sends what it yields and calls `close()`. The
//! GIL is taken once for a small response: its head and body leave after it was released.

mod environ;
mod errors;
mod head;
mod input;
pub mod log;
mod question;
mod response;
mod serve;
mod ssl;
mod start_response;
pub mod traceback;
mod transaction;
mod types;

pub use question::{Answer, answer};
pub use serve::{NoApplication, serve};
pub use types::{COMPATIBLE_VERSION, Constants, Types};
