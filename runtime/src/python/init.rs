//! Python's start: a `PyConfig` from our settings.
//!
//! <https://docs.python.org/3/c-api/init_config.html>. Unsafe: the configuration is a C struct that
//! CPython fills in, and must be cleared in every case.

use pyo3_ffi as ffi;
use std::ffi::{CStr, CString, c_int, c_ulong};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The interpreter this runtime was built with; Python finds its library relative to it.
const BUILT_WITH: &str = env!("WSGI_CORE_PYTHON_EXECUTABLE");

/// Where Python's library is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// The Python that the runtime was built with.
    Default,
    /// A virtual environment: Python is told its `bin/python` and finds the rest itself.
    Environment(PathBuf),
    /// A prefix, as in `PYTHONHOME`.
    Prefix(PathBuf),
}

impl Home {
    /// What a configured home is: a virtual environment if it has a readable `pyvenv.cfg`.
    pub fn new(path: &Path) -> Self {
        if std::fs::File::open(path.join("pyvenv.cfg")).is_ok() {
            Self::Environment(path.to_owned())
        } else {
            Self::Prefix(path.to_owned())
        }
    }
}

/// Settings of the process's Python that are fixed at its start.
#[derive(Clone, Debug)]
pub struct InitSettings {
    /// Where Python's library is.
    pub home: Home,
    /// `-O` level.
    pub optimize: u8,
    /// `-B`.
    pub dont_write_bytecode: bool,
    /// Seed of string hashing, or random.
    pub hash_seed: Option<u32>,
    /// `-W` options.
    pub warnings: Vec<Vec<u8>>,
    /// No GIL, where the build can do without.
    pub free_threading: bool,
}

/// Initialises Python on this thread and leaves it attached. The error is CPython's own message.
pub fn initialise(settings: &InitSettings) -> Result<(), String> {
    let mut config = Config::new();
    config.apply(settings)?;
    // SAFETY: the configuration is complete; called once per process (see `Life::start`).
    succeed(unsafe { ffi::Py_InitializeFromConfig(&raw const *config.0) })
}

struct Config(Box<ffi::PyConfig>);

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`.
        unsafe { ffi::PyConfig_Clear(&raw mut *self.0) }
    }
}

impl Config {
    fn new() -> Self {
        // SAFETY: PyConfig is plain data, and PyConfig_InitPythonConfig gives every field its value.
        unsafe {
            let mut config: Box<ffi::PyConfig> = Box::new(std::mem::zeroed());
            ffi::PyConfig_InitPythonConfig(&raw mut *config);
            Self(config)
        }
    }

    fn apply(&mut self, settings: &InitSettings) -> Result<(), String> {
        self.0.install_signal_handlers = 0;
        self.0.parse_argv = 0;
        self.0.optimization_level = c_int::from(settings.optimize);
        self.0.write_bytecode = c_int::from(!settings.dont_write_bytecode);
        if let Some(seed) = settings.hash_seed {
            self.0.use_hash_seed = 1;
            self.0.hash_seed = c_ulong::from(seed);
        }
        self.set_gil(settings.free_threading);
        match &settings.home {
            Home::Default if BUILT_WITH.is_empty() => (),
            Home::Default => self.set_program(BUILT_WITH.as_bytes())?,
            Home::Environment(path) => {
                self.set_program(path.join("bin/python").as_os_str().as_bytes())?;
            }
            Home::Prefix(path) => {
                let field = &raw mut self.0.home;
                self.set(field, path.as_os_str().as_bytes())?;
            }
        }
        let arguments = &raw mut self.0.argv;
        self.append(arguments, b"mod_wsgi")?;
        for warning in &settings.warnings {
            let options = &raw mut self.0.warnoptions;
            self.append(options, warning)?;
        }
        Ok(())
    }

    /// Without a GIL, it comes back with the first extension module that does not know to do without.
    #[cfg(Py_GIL_DISABLED)]
    fn set_gil(&mut self, free_threading: bool) {
        self.0.enable_gil = if free_threading { -1 } else { 1 };
    }

    #[cfg(not(Py_GIL_DISABLED))]
    fn set_gil(&mut self, _: bool) {}

    fn set_program(&mut self, path: &[u8]) -> Result<(), String> {
        let field = &raw mut self.0.program_name;
        self.set(field, path)
    }

    fn set(&mut self, field: *mut *mut libc::wchar_t, value: &[u8]) -> Result<(), String> {
        let value = without_nul(value)?;
        // SAFETY: `field` is a string of this configuration; CPython copies the value.
        succeed(unsafe { ffi::PyConfig_SetBytesString(&raw mut *self.0, field, value.as_ptr()) })
    }

    fn append(&mut self, list: *mut ffi::PyWideStringList, value: &[u8]) -> Result<(), String> {
        // Decoded by CPython into a spare string field first: it owns the only locale-aware decoder
        // that is usable before initialisation.
        let spare = &raw mut self.0.check_hash_pycs_mode;
        let before = self.0.check_hash_pycs_mode;
        self.0.check_hash_pycs_mode = std::ptr::null_mut();
        self.set(spare, value)?;
        // SAFETY: `list` is a list of this configuration; the string is copied into it, and freed
        // again before the spare field gets its own value back.
        unsafe {
            let status = ffi::PyWideStringList_Append(list, self.0.check_hash_pycs_mode);
            ffi::PyMem_RawFree(self.0.check_hash_pycs_mode.cast());
            self.0.check_hash_pycs_mode = before;
            succeed(status)
        }
    }
}

fn without_nul(value: &[u8]) -> Result<CString, String> {
    CString::new(value).map_err(|_| "a setting contains a NUL character".to_owned())
}

/// What a status says.
pub(super) fn succeed(status: ffi::PyStatus) -> Result<(), String> {
    // SAFETY: plain queries of a status that CPython returned; its message is a static string.
    unsafe {
        if ffi::PyStatus_Exception(status) == 0 {
            return Ok(());
        }
        if ffi::PyStatus_IsExit(status) != 0 {
            return Err(format!(
                "Python asked to exit with code {}",
                status.exitcode
            ));
        }
        if status.err_msg.is_null() {
            return Err("no reason given".to_owned());
        }
        Err(CStr::from_ptr(status.err_msg)
            .to_string_lossy()
            .into_owned())
    }
}
