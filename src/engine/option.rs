//! What an option is.
#![forbid(unsafe_code)]

use super::error::Error;
use super::interpreters::InterpreterSettings;
use super::process::ProcessSettings;
use super::scope::Scope;
use super::settings::{Given, Settings};
use super::value::{Unacceptable, Value};
use crate::daemon::GroupSettings;
use std::ffi::CStr;

/// How a value is read and where it goes.
pub(super) enum Apply {
    /// Into the settings of the process.
    Process(fn(&mut ProcessSettings, &[u8]) -> Value<()>),
    /// Into a layer of settings.
    Layer(fn(&mut Settings, &[u8]) -> Value<()>),
    /// Into the settings of a process group.
    Group(fn(&mut GroupSettings, &[u8]) -> Value<()>),
    /// Into the settings of interpreters.
    Interpreter(fn(&mut InterpreterSettings, &[u8]) -> Value<()>),
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
                others: Self::short_list(scope),
            })
    }

    /// The names of all options of a scope.
    pub(super) fn names(scope: Scope) -> impl Iterator<Item = &'static str> {
        let specs = super::OPTIONS
            .iter()
            .filter(move |spec| spec.scope == scope);
        specs.map(|spec| spec.name.to_str().unwrap_or_default())
    }

    /// The names of all options of a scope, if they are few.
    fn short_list(scope: Scope) -> String {
        let names: Vec<_> = Self::names(scope).collect();
        if names.len() > 9 {
            return String::new();
        }
        format!("; there are {}", names.join(", "))
    }

    /// The option with a value, to be set again in another process.
    pub(super) fn given(&'static self, value: &[u8]) -> Given {
        Given {
            name: self.name.to_str().unwrap_or_default(),
            value: value.into(),
        }
    }

    /// The error for a value that is not accepted.
    pub(super) fn refuse(&self, value: &[u8], why: Unacceptable) -> Error {
        if let Unacceptable::Because(text) = why {
            return Error::OptionValue(text);
        }
        let value = String::from_utf8_lossy(value);
        let shown = value.escape_debug().take(200).collect::<String>();
        let accepted = self.accepted.to_string_lossy();
        Error::OptionValue(format!("'{shown}' is not accepted; expected {accepted}"))
    }
}
