//! Requests that never reach an application.
#![forbid(unsafe_code)]

use wsgi_core_abi::MessageId;
use wsgi_core_http::BodyError;

/// Why a request is refused by the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The host's configuration allows no scripts there.
    #[error("scripts are not allowed in this directory (httpd: Options ExecCGI is off)")]
    ScriptRefused,
    /// The script does not exist.
    #[error("the script does not exist")]
    ScriptMissing,
    /// The script is a directory.
    #[error("the script is a directory")]
    ScriptDirectory,
    /// There is path information where the host allows none.
    #[error("path information is not accepted here")]
    PathInfo,
    /// The request body.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// No such process group.
    #[error("there is no process group '{0}'")]
    GroupUnknown(String),
    /// The process group is not in the list of those allowed.
    #[error("the process group {0} is not allowed here")]
    GroupRestricted(String),
    /// The process group belongs to another server.
    #[error("the process group '{0}' belongs to another virtual host")]
    GroupHidden(String),
    /// The script does not belong to whom it should.
    #[error("{0}")]
    ScriptOwner(String),
    /// The script is not where the processes of the group can see it.
    #[error("the script lies outside of the chroot of its process group")]
    ScriptOutside,
    /// There is nobody to ask.
    #[error("no script is configured that could decide")]
    DeciderMissing,
    /// A script keeps the client out.
    #[error("access is denied to this client")]
    AccessDenied,
    /// Applications are kept out of this process.
    #[error("no process group is set, and restrict-embedded is On")]
    EmbeddedRestricted,
}

impl Refusal {
    /// The documented condition.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        match self {
            Self::ScriptRefused => MessageId::SCRIPT_REFUSED,
            Self::ScriptMissing => MessageId::SCRIPT_MISSING,
            Self::ScriptDirectory => MessageId::SCRIPT_DIRECTORY,
            Self::PathInfo => MessageId::PATH_INFO_REFUSED,
            Self::Body(BodyError::TransferEncoding) => MessageId::TRANSFER_ENCODING,
            Self::Body(BodyError::Chunked) => MessageId::CHUNKED_REFUSED,
            Self::Body(BodyError::ContentLength) => MessageId::CONTENT_LENGTH,
            Self::Body(BodyError::Limit { .. }) => MessageId::BODY_LIMIT,
            Self::GroupUnknown(_) => MessageId::GROUP_UNKNOWN,
            Self::GroupRestricted(_) => MessageId::GROUP_RESTRICTED,
            Self::GroupHidden(_) => MessageId::GROUP_HIDDEN,
            Self::ScriptOwner(_) | Self::ScriptOutside => MessageId::SCRIPT_OWNER,
            Self::DeciderMissing => MessageId::DECIDER_MISSING,
            Self::AccessDenied => MessageId::ACCESS_DENIED,
            Self::EmbeddedRestricted => MessageId::EMBEDDED_RESTRICTED,
        }
    }

    /// What the host answers.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::ScriptMissing | Self::PathInfo => 404,
            Self::AccessDenied
            | Self::ScriptRefused
            | Self::ScriptDirectory
            | Self::ScriptOwner(_) => 403,
            Self::Body(error) => error.http_status(),
            Self::GroupUnknown(_)
            | Self::GroupRestricted(_)
            | Self::GroupHidden(_)
            | Self::DeciderMissing
            | Self::EmbeddedRestricted => 500,
            Self::ScriptOutside => 502,
        }
    }
}
