//! What a runtime was started with, copied out of the engine's borrowed form.
#![forbid(unsafe_code)]

use super::interpreter::{InterpreterSettings, Layer};
use crate::python::{Home, InitSettings};
use crate::wsgi::Constants;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use wsgi_core_abi::RuntimeSettings;

/// Settings that are needed each time an interpreter is made.
pub struct Settings {
    /// `PYTHON_EGG_CACHE`.
    pub python_eggs: Option<Vec<u8>>,
    layers: Vec<Layer>,
    group_switch_interval: Option<f64>,
    /// Python is to run without a GIL.
    pub free_threading: bool,
    /// Threads of applications are waited for and atexit callbacks run at the end.
    pub destroy_interpreters: bool,
    /// `sys.stdin` and `sys.stdout` stay as they are.
    pub keep_stdio: bool,
    /// File names differ when only their case differs.
    pub case_sensitive: bool,
    /// Name of the process group; empty in embedded mode.
    pub process_group: Vec<u8>,
    /// `mod_wsgi.maximum_processes`.
    pub maximum_processes: u32,
    /// `mod_wsgi.threads_per_process`.
    pub threads_per_process: u32,
    /// `apache.maximum_processes`.
    pub host_maximum_processes: u32,
    /// `apache.threads_per_process`.
    pub host_threads_per_process: u32,
    /// Full description of the server.
    pub host_description: Vec<u8>,
    /// When it was built.
    pub host_build_date: Vec<u8>,
    /// How it runs processes and threads.
    pub host_mpm_name: Vec<u8>,
    /// Name of the host.
    pub host_name: Vec<u8>,
    /// Its version.
    pub host_version: [u32; 3],
    multithread: bool,
    multiprocess: bool,
    run_once: bool,
}

impl Settings {
    /// Copies what outlives the start of Python.
    pub fn new(raw: &RuntimeSettings<'_>) -> Self {
        Self {
            python_eggs: raw.python_eggs.get().map(<[u8]>::to_vec),
            layers: raw.layers.as_slice().iter().map(Layer::new).collect(),
            group_switch_interval: (raw.group_switch_interval > 0.0)
                .then_some(raw.group_switch_interval),
            free_threading: raw.free_threading,
            destroy_interpreters: raw.destroy_interpreters,
            keep_stdio: raw.keep_stdio,
            case_sensitive: raw.case_sensitive,
            process_group: raw.process_group.as_slice().to_vec(),
            maximum_processes: raw.maximum_processes,
            threads_per_process: raw.threads_per_process,
            host_maximum_processes: raw.host_maximum_processes,
            host_threads_per_process: raw.host_threads_per_process,
            host_description: raw.host_description.as_slice().to_vec(),
            host_build_date: raw.host_build_date.as_slice().to_vec(),
            host_mpm_name: raw.host_mpm_name.as_slice().to_vec(),
            host_name: raw.host_name.as_slice().to_vec(),
            host_version: raw.host_version,
            multithread: raw.multithread,
            multiprocess: raw.multiprocess,
            run_once: raw.run_once,
        }
    }

    /// Settings of one interpreter.
    pub fn interpreter(&self, application_group: &[u8]) -> InterpreterSettings<'_> {
        InterpreterSettings::of(&self.layers, application_group, self.group_switch_interval)
    }

    /// What is the same in every request of an application group.
    pub fn constants(&self, application_group: &[u8]) -> Constants {
        Constants {
            host_name: self.host_name.clone(),
            host_version: self.host_version,
            multithread: self.multithread,
            multiprocess: self.multiprocess,
            run_once: self.run_once,
            context: self.context(application_group),
        }
    }

    /// Where an interpreter of this process runs, for the log.
    pub fn context(&self, application_group: &[u8]) -> String {
        let interpreter = if application_group.is_empty() {
            "main interpreter".to_owned()
        } else {
            format!(
                "sub-interpreter '{}'",
                String::from_utf8_lossy(application_group)
            )
        };
        if self.process_group.is_empty() {
            return format!("{interpreter} in embedded mode");
        }
        let group = String::from_utf8_lossy(&self.process_group);
        format!("{interpreter} of daemon process '{group}'")
    }
}

/// Settings that are fixed when Python starts.
pub fn init_settings(raw: &RuntimeSettings<'_>) -> InitSettings {
    InitSettings {
        home: raw.python_home.get().map_or(Home::Default, |home| {
            Home::new(Path::new(OsStr::from_bytes(home)))
        }),
        optimize: raw.optimize,
        dont_write_bytecode: raw.dont_write_bytecode,
        hash_seed: u32::try_from(raw.hash_seed).ok(),
        warnings: raw.warnings.to_vecs(),
        free_threading: raw.free_threading,
    }
}
