//! A process group, as it is configured.
#![forbid(unsafe_code)]

use super::error::Error;
use super::refusal::Refusal;
use super::scope::Scope;
use super::settings::{Given, Settings};
use crate::daemon::{GroupLog, GroupSettings};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use wsgi_core_abi::{Bytes, Pair};

/// A name, and what goes with it.
#[derive(Clone, Debug)]
pub(super) struct ProcessGroup {
    pub name: Box<[u8]>,
    /// Name of the only server whose requests may use it.
    virtual_host: Option<Box<[u8]>>,
    pub settings: GroupSettings,
    pub given: Vec<Given>,
    /// Where it logs; absent where that is the host's log.
    pub log: Option<GroupLog>,
}

/// A process group whose process this is.
pub(super) struct GroupStart<'g> {
    pub name: &'g [u8],
    pub settings: &'g GroupSettings,
}

impl ProcessGroup {
    pub fn new(
        name: &[u8],
        virtual_host: Option<&[u8]>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let argument = |text: &str| Err(Error::Argument(text.to_owned()));
        if name.is_empty() || name.contains(&0) || name.starts_with(b"%") {
            return argument("the name is not one of a process group");
        }
        let Some(group) = settings
            .group
            .as_deref()
            .filter(|_| settings.scope() == Scope::Group)
        else {
            return argument("the settings are not of group scope");
        };
        if group.script_user.is_some() && group.script_group.is_some() {
            return argument("script-user and script-group can't be set both");
        }
        Ok(Self {
            name: name.into(),
            virtual_host: virtual_host.map(Box::from),
            settings: group.clone(),
            given: settings.given.clone(),
            log: None,
        })
    }

    /// An error with the name of the group in front.
    pub fn blame(&self, error: Error) -> Error {
        match error {
            Error::RuntimeMissing(text) => {
                Error::RuntimeMissing(format!("process group '{}': {text}", self.display()))
            }
            error => error,
        }
    }

    pub fn display(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// Whether requests of this server may use it.
    pub fn is_visible(&self, server: &[u8]) -> bool {
        let host = self.virtual_host.as_deref();
        host.is_none_or(|host| host.eq_ignore_ascii_case(server))
    }

    /// A path as the processes of the group see it, or nothing when they do not.
    pub fn inside<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let Some(root) = self.settings.chroot.as_deref() else {
            return Some(path);
        };
        let root = root.strip_suffix(b"/").unwrap_or(root);
        path.strip_prefix(root)
            .filter(|inside| inside.starts_with(b"/"))
    }

    /// The environ as it is inside of `chroot`: files are where they are there, or are not.
    pub fn environ_inside<'p>(&self, environ: &[Pair<'p>]) -> Vec<Pair<'p>> {
        let pairs = environ
            .iter()
            .filter_map(|pair| match pair.name.as_slice() {
                b"SCRIPT_FILENAME" | b"DOCUMENT_ROOT" => {
                    let inside = self.inside(pair.value.as_slice())?;
                    Some(Pair {
                        name: pair.name,
                        value: Bytes::new(inside),
                    })
                }
                _ => Some(*pair),
            });
        pairs.collect()
    }

    /// Refuses a script that others than the right user may have written.
    pub fn check_owner(&self, script: &[u8]) -> Result<(), Refusal> {
        if self.settings.script_user.is_none() && self.settings.script_group.is_none() {
            return Ok(());
        }
        let script = Path::new(std::ffi::OsStr::from_bytes(script));
        let directory = script.parent().unwrap_or(Path::new("/"));
        self.check_file("the script", script)?;
        self.check_file("the directory of the script", directory)
    }

    fn check_file(&self, what: &str, path: &Path) -> Result<(), Refusal> {
        let refuse = |text: &str| Err(Refusal::ScriptOwner(format!("{what} {text}")));
        let Ok(data) = std::fs::symlink_metadata(path) else {
            return refuse("can't be examined");
        };
        if let Some(user) = &self.settings.script_user {
            if data.uid() != user.uid {
                return refuse("is not owned by script-user");
            }
            if data.mode() & 0o020 != 0 {
                return refuse("can be written by its group");
            }
        }
        if self
            .settings
            .script_group
            .as_ref()
            .is_some_and(|group| data.gid() != group.gid)
        {
            return refuse("does not belong to script-group");
        }
        if data.mode() & 0o002 != 0 {
            return refuse("can be written by everyone");
        }
        Ok(())
    }
}
