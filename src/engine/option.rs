//! What an option is.
#![forbid(unsafe_code)]

use super::Error;
use super::process::ProcessSettings;
use super::settings::Settings;
use super::value::Value;
use std::ffi::CStr;

/// What an option applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The processes of one engine.
    Process,
    /// A directory, location or virtual host.
    Directory,
    /// One mapping of URLs to a script.
    Script,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Process => "process",
            Self::Directory => "directory",
            Self::Script => "script",
        })
    }
}

/// How a value is read and where it goes.
pub(super) enum Apply {
    /// Into the settings of the process.
    Process(fn(&mut ProcessSettings, &[u8]) -> Value<()>),
    /// Into a layer of settings.
    Layer(fn(&mut Settings, &[u8]) -> Value<()>),
}

/// One entry of the table.
pub struct OptionSpec {
    /// Its name.
    pub name: &'static CStr,
    /// What it applies to.
    pub scope: Scope,
    /// What it accepts, in words that fit after "expected".
    pub accepted: &'static CStr,
    /// What counts when it is not set.
    pub default: Option<&'static CStr>,
    /// What it does, in one sentence.
    pub meaning: &'static CStr,
    pub(super) apply: Apply,
}

impl OptionSpec {
    /// The entry with this name and scope.
    pub(super) fn find(name: &str, scope: Scope) -> Result<&'static Self, Error> {
        let named = |spec: &&Self| spec.scope == scope && spec.name.to_bytes() == name.as_bytes();
        super::OPTIONS
            .iter()
            .find(named)
            .ok_or_else(|| Error::OptionUnknown {
                name: name.to_owned(),
                scope,
            })
    }

    /// The error for a value that is not accepted.
    pub(super) fn refuse(&self, value: &[u8]) -> Error {
        let value = String::from_utf8_lossy(value);
        let shown = value.escape_debug().take(200).collect::<String>();
        let accepted = self.accepted.to_string_lossy();
        Error::OptionValue(format!("'{shown}' is not accepted; expected {accepted}"))
    }
}
