//! The engine: options, routing of requests, life cycle. It knows neither C nor Python, and no server: a
//! server is a [`Host`] for each request and a [`ServerLog`].

mod config;
mod daemon;
mod embedded;
mod environ;
mod error;
mod group;
mod groups;
mod host;
mod in_flight;
mod installed;
mod interpreters;
mod life;
mod loader;
mod log;
mod option;
mod options;
mod process;
mod process_group;
mod python;
mod question;
mod refusal;
mod request;
mod route;
mod runtime;
mod scope;
mod script;
mod settings;
mod telemetry;
mod value;
mod words;

pub use config::{Config, Mapping};
pub use daemon::run_daemon;
pub use error::{Error, RuntimeFailure};
pub use host::Host;
pub use life::Engine;
pub use log::ServerLog;
pub use option::OptionSpec;
pub use options::OPTIONS;
pub use python::PythonVersion;
pub use question::{Check, Decision, controls_access};
pub use refusal::Refusal;
pub use request::{FileType, Request, RequestInfo, Served};
pub use scope::Scope;
pub use settings::{HandlerKind, Resolved, Settings};
