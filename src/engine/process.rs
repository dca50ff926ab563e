//! Settings of process scope.
#![forbid(unsafe_code)]

use super::telemetry::Flags;
use crate::daemon::account::{Group, User};
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is set for the processes of an engine; `None` where nothing is.
#[derive(Clone, Debug, Default)]
pub struct ProcessSettings {
    pub(super) python_home: Option<Box<[u8]>>,
    pub(super) python_path: Vec<Box<[u8]>>,
    pub(super) python_eggs: Option<Box<[u8]>>,
    pub(super) warnings: Vec<Box<[u8]>>,
    pub(super) optimize: Option<u32>,
    pub(super) hash_seed: Option<u32>,
    pub(super) dont_write_bytecode: Option<bool>,
    pub(super) switch_interval: Option<f64>,
    pub(super) per_interpreter_gil: Option<bool>,
    pub(super) free_threading: Option<bool>,
    pub(super) destroy_interpreter: Option<bool>,
    pub(super) case_sensitivity: Option<bool>,
    pub(super) restrict_embedded: Option<bool>,
    pub(super) restrict_stdin: Option<bool>,
    pub(super) restrict_stdout: Option<bool>,
    pub(super) restrict_signal: Option<bool>,
    pub(super) keep_stdio: Option<bool>,
    pub(super) end_with_parent: Option<bool>,
    pub(super) runtime_dir: Option<PathBuf>,
    pub(super) threads: Option<u32>,
    pub(super) processes: Option<u32>,
    pub(super) host_name: Option<Box<[u8]>>,
    pub(super) host_version: Option<[u32; 3]>,
    pub(super) host_description: Option<Box<[u8]>>,
    pub(super) daemon_executable: Option<PathBuf>,
    pub(super) daemon_log: Option<PathBuf>,
    pub(super) socket_prefix: Option<Box<[u8]>>,
    pub(super) host_user: Option<User>,
    pub(super) host_group: Option<Group>,
    pub(super) host_timeout: Option<Duration>,
    pub(super) host_build_date: Option<Box<[u8]>>,
    pub(super) host_mpm_name: Option<Box<[u8]>>,
    pub(super) telemetry_flags: Flags,
    pub(super) verbose_debugging: Option<bool>,
    pub(super) host_root: Option<Box<[u8]>>,
}

impl ProcessSettings {
    /// Names of files differ when only their case does.
    pub(super) fn case_sensitive(&self) -> bool {
        self.case_sensitivity.unwrap_or(!cfg!(target_os = "macos"))
    }

    /// Beginning of the names of sockets.
    pub(super) fn socket_prefix(&self) -> Option<Box<[u8]>> {
        let prefix = self.socket_prefix.as_deref()?;
        let root = self.host_root.as_deref().unwrap_or(b"/");
        let path = Path::new(OsStr::from_bytes(root)).join(OsStr::from_bytes(prefix));
        Some(path.into_os_string().into_vec().into())
    }

    /// No application runs in this process.
    pub(super) fn embedded_restricted(&self) -> bool {
        self.restrict_embedded.unwrap_or(false)
    }
}
