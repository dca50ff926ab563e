//! Everything that can go wrong, in one type.
#![forbid(unsafe_code)]

use super::refusal::Refusal;
use super::scope::Scope;
use crate::daemon::client::ClientFailure;
use std::path::PathBuf;
use wsgi_core_abi::{MessageId, Outcome, Problem, Status};

/// A failure. Its text is one line without the identifier, and without the name of the option where the
/// caller named one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A parameter is missing or out of its range.
    #[error("{0}")]
    Argument(String),
    /// A structure comes from a header this library does not know.
    #[error("struct_size of {name} is {size}")]
    StructSize {
        /// Which structure.
        name: &'static str,
        /// What its caller set.
        size: usize,
    },
    /// The call came at the wrong time.
    #[error("{0}")]
    State(&'static str),
    /// These interpreters were selected, and options are still being set for them.
    #[error("options are still being set for the interpreters {0}")]
    Unended(String),
    /// There is no such option.
    #[error("there is no option '{name}' of {scope} scope{others}")]
    OptionUnknown {
        /// The name asked for.
        name: String,
        /// Where it was asked for.
        scope: Scope,
        /// What there is instead, where that is a short list.
        others: String,
    },
    /// The value of an option is not acceptable.
    #[error("{0}")]
    OptionValue(String),
    /// No runtime fits the configuration.
    #[error("{0}")]
    RuntimeMissing(String),
    /// A runtime can't be loaded.
    #[error("runtime {} can't be loaded: {reason}", path.display())]
    RuntimeLoad {
        /// Its file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A runtime is of another build.
    #[error("runtime {} has interface version {found}, expected {expected}", path.display())]
    RuntimeVersion {
        /// Its file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What this engine needs.
        expected: u32,
    },
    /// Python can't be started.
    #[error("{text}")]
    PythonStart {
        /// The condition.
        id: MessageId,
        /// The runtime's words.
        text: String,
    },
    /// The rules refuse the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The runtime reports a failure.
    #[error("{}", if problem.text.is_empty() { failure.text() } else { &problem.text })]
    Runtime {
        /// Which kind.
        failure: RuntimeFailure,
        /// Its words.
        problem: Problem,
        /// What to answer with.
        code: u16,
        /// Nothing can be answered any more.
        head_sent: bool,
    },
    /// A process group can't serve the request.
    #[error("process group '{group}': {failure}")]
    Group {
        /// Its name.
        group: String,
        /// Why.
        failure: ClientFailure,
        /// Nothing can be answered any more.
        head_sent: bool,
    },
    /// Process groups can't be set up.
    #[error("{0}")]
    Launch(String),
    /// Not everything ended in time.
    #[error("requests or threads of applications did not end in time")]
    StopTimeout,
    /// The engine is ending.
    #[error("the engine takes no more requests")]
    Closed,
    /// A bug.
    #[error("a bug in the engine made it stop serving; the process should be replaced")]
    Panic,
}

/// What a runtime may report, apart from success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeFailure {
    /// The application raised or its script could not be loaded.
    Application,
    /// The host failed to read or to send.
    Host,
    /// Python or an interpreter could not be made.
    Python,
    /// The runtime is ending.
    Closed,
    /// Not done in time.
    Timeout,
    /// A bug in the runtime.
    Panic,
}

impl RuntimeFailure {
    /// The failure that a status stands for; `None` for success. An unknown number is a bug.
    #[must_use]
    pub fn of(status: Status) -> Option<Self> {
        match status {
            Status::OK => None,
            Status::APPLICATION => Some(Self::Application),
            Status::HOST => Some(Self::Host),
            Status::PYTHON => Some(Self::Python),
            Status::CLOSED => Some(Self::Closed),
            Status::TIMEOUT => Some(Self::Timeout),
            _ => Some(Self::Panic),
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Application => "the application failed",
            Self::Host => "the client or the server broke the exchange off",
            Self::Python => "Python could not be started",
            Self::Closed => "the engine takes no more requests",
            Self::Timeout => "not done in time",
            Self::Panic => "a bug in the runtime",
        }
    }

    const fn id(self) -> MessageId {
        match self {
            Self::Application => MessageId::APPLICATION_RAISED,
            Self::Host => MessageId::RESPONSE_FAILED,
            Self::Python => MessageId::PYTHON_START,
            Self::Closed => MessageId::CLOSED,
            Self::Timeout => MessageId::STOP_TIMEOUT,
            Self::Panic => MessageId::PANIC,
        }
    }
}

impl Error {
    /// A required pointer is NULL.
    pub(crate) fn null(what: &'static str) -> Self {
        Self::Argument(format!("{what} is NULL"))
    }

    /// The error of an option that is one of several on a line.
    pub(super) fn of_option(self, name: &str) -> Self {
        match self {
            Self::OptionUnknown { .. } => self,
            error => Self::OptionValue(format!("{name}: {error}")),
        }
    }

    /// What a runtime reports about a request.
    pub(super) fn from_runtime(
        failure: RuntimeFailure,
        problem: Problem,
        outcome: &Outcome,
    ) -> Self {
        Self::Runtime {
            failure,
            problem,
            code: match (failure, outcome.code) {
                (RuntimeFailure::Closed, _) => 503,
                (_, code @ 400..) => code,
                _ => 500,
            },
            head_sent: outcome.head_sent,
        }
    }

    /// The documented condition.
    #[must_use]
    pub fn id(&self) -> MessageId {
        match self {
            Self::Argument(_) | Self::StructSize { .. } => MessageId::ARGUMENT,
            Self::State(_) | Self::Unended(_) => MessageId::STATE,
            Self::OptionUnknown { .. } => MessageId::OPTION_UNKNOWN,
            Self::OptionValue(_) => MessageId::OPTION_VALUE,
            Self::RuntimeMissing(_) => MessageId::RUNTIME_MISSING,
            Self::RuntimeLoad { .. } => MessageId::RUNTIME_LOAD,
            Self::RuntimeVersion { .. } => MessageId::RUNTIME_VERSION,
            Self::PythonStart { id, .. } => *id,
            Self::Refused(refusal) => refusal.id(),
            Self::Runtime {
                failure, problem, ..
            } => {
                if problem.id == MessageId::NONE {
                    failure.id()
                } else {
                    problem.id
                }
            }
            Self::Group { failure, .. } => match failure {
                ClientFailure::Busy { .. } => MessageId::GROUP_BUSY,
                ClientFailure::Down { .. } | ClientFailure::Unable(_) => MessageId::GROUP_DOWN,
                ClientFailure::Closed => MessageId::CLOSED,
                ClientFailure::Lost(_) | ClientFailure::Unsendable(_) => MessageId::WORKER_LOST,
                ClientFailure::Silent => MessageId::WORKER_SILENT,
                ClientFailure::HeaderTooLong(_) => MessageId::HEADER_TOO_LONG,
                ClientFailure::Host => MessageId::RESPONSE_FAILED,
            },
            Self::Launch(_) => MessageId::GROUP_START,
            Self::StopTimeout => MessageId::STOP_TIMEOUT,
            Self::Closed => MessageId::CLOSED,
            Self::Panic => MessageId::PANIC,
        }
    }

    /// Whether a script could not be loaded, which the runtime has logged.
    pub(super) fn is_unloadable_script(&self) -> bool {
        let unloadable = [
            MessageId::SCRIPT_READ,
            MessageId::SCRIPT_EXIT,
            MessageId::SCRIPT_RAISED,
        ];
        matches!(self, Self::Runtime { problem, .. } if unloadable.contains(&problem.id))
    }

    /// What the host answers when no head was sent.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.http_status(),
            Self::Runtime { code, .. } => *code,
            Self::Group { failure, .. } => match failure {
                ClientFailure::Busy { .. }
                | ClientFailure::Unable(_)
                | ClientFailure::Down { .. }
                | ClientFailure::Closed => 503,
                ClientFailure::Lost(_) => 502,
                ClientFailure::Silent => 504,
                ClientFailure::Host
                | ClientFailure::HeaderTooLong(_)
                | ClientFailure::Unsendable(_) => 500,
            },
            Self::Closed => 503,
            _ => 500,
        }
    }

    /// After how many seconds the client may try again, for `Retry-After`; 0 where it need not be told.
    #[must_use]
    pub fn retry_after(&self) -> u32 {
        match self {
            Self::Group {
                failure: ClientFailure::Busy { retry_after } | ClientFailure::Down { retry_after },
                ..
            } => *retry_after,
            _ => 0,
        }
    }

    /// Whether the head was handed to the host.
    #[must_use]
    pub fn head_sent(&self) -> bool {
        matches!(
            self,
            Self::Runtime {
                head_sent: true,
                ..
            } | Self::Group {
                head_sent: true,
                ..
            }
        )
    }
}
