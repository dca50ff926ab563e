//! Process groups: applications in supervised processes of their own.
//!
//! ```text
//! host's parent ── executes ──► supervisor ── executes ──► worker
//!      └ forks ► host's child ── kept-open connections ──────┘
//! ```
//! - [`Launch`]: what the parent prepares: shared memory, and the supervisor, executed and told what to do.
//! - [`client`]: in the host's children, the way of a request to a worker and of the response back.
//! - [`supervisor`]: starts workers, watches and replaces them, and ends them when the host ends.
//! - [`worker`]: serves requests with an [`worker::Application`].
//! - [`wire`] and [`slots`]: the protocol between the two, and the admission of requests; see `docs/wire.md`.
//!
//! Nothing here knows Python or the options of an engine; system calls are in `sys`.

mod back_off;
pub mod client;
mod exit;
mod launch;
mod ledger;
mod link;
mod log;
mod plan;
mod ring;
mod settings;
pub mod slots;
pub mod supervisor;
mod sys;
pub mod wire;
pub mod worker;

pub use exit::ExitCode;
pub use launch::{GroupLaunch, Launch, LaunchError, Launched};
pub use log::{GroupLog, ProcessLog};
pub use plan::{Plan, Role};
pub use settings::GroupSettings;
pub use sys::account;
pub use sys::fd::{Inherited, duplicate};
pub use sys::process::{Exit, end_with, exit_now, set_name};
