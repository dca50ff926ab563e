//! Configuration of an engine.

use super::bytes::{required, wsgi_core_bytes};
use super::error::wsgi_core_error;
use super::guard::{call, neutral};
use super::log::{self, wsgi_core_level};
use super::settings::{layers, string, wsgi_core_settings};
use super::status::wsgi_core_status;
use super::structs::{self, Struct};
use crate::daemon::duplicate;
use crate::engine::{Config, Error, Mapping};
use std::ffi::{CStr, c_char, c_int};

/// The configuration of an engine: options of process scope, and what the host maps to which script.
pub struct wsgi_core_config(pub(super) Config);

/// Make a configuration in which nothing is set. It works as it is where one runtime is installed.
///
/// @return the configuration, to be released with wsgi_core_config_free(); never NULL
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn wsgi_core_config_new() -> *mut wsgi_core_config {
    neutral(std::ptr::null_mut(), || {
        Some(Box::into_raw(Box::new(wsgi_core_config(Config::new()))))
    })
}

/// Set an option of process scope; after wsgi_core_config_begin_interpreters(), of interpreter scope. Setting it again
/// replaces its value, but values of python-warnings add up.
///
/// @param config     the configuration
/// @param name       name of the option, such as "python-home"
/// @param value      its value as text
/// @param value_len  length of the value
/// @param err        receives details on failure: a message such as "'maybe' is not accepted; expected On
///                   or Off"
///
/// @return WSGI_CORE_OK, WSGI_CORE_E_OPTION or WSGI_CORE_E_ARGUMENT
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_set(
    config: *mut wsgi_core_config,
    name: *const c_char,
    value: *const c_char,
    value_len: usize,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, name, value) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                string(name, "name")?,
                required(value, value_len, "value")?,
            )
        };
        config.0.set(name, value)
    })
}

/// Set options of process scope from a line of configuration, as wsgi_core_settings_parse() does it.
///
/// @param config    the configuration
/// @param line      the line
/// @param line_len  length of the line
/// @param err       receives details on failure
///
/// @return WSGI_CORE_OK, WSGI_CORE_E_OPTION or WSGI_CORE_E_ARGUMENT
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_parse(
    config: *mut wsgi_core_config,
    line: *const c_char,
    line_len: usize,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, line) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                required(line, line_len, "line")?,
            )
        };
        config.0.parse(line)
    })
}

/// A mapping of URLs to a script, or a script that is only to be loaded.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_mapping {
    /// Size of this structure.
    pub struct_size: usize,
    /// The configured name of the (virtual) server that it belongs to; may be absent.
    pub server: wsgi_core_bytes,
    /// What is mapped, as configured: a path that begins with "/", or a pattern of the host's kind; may be absent.
    pub url: wsgi_core_bytes,
    /// File that holds the application, or a directory of such files: an absolute path. Where the URL is a
    /// pattern, a "$" in it stands for what matched. Required.
    pub script: wsgi_core_bytes,
    /// The URL is a pattern.
    pub is_pattern: bool,
    /// Layers of settings that apply to every request of the mapping, outermost first; copied. May be NULL when there
    /// are none.
    pub settings: *const *const wsgi_core_settings,
    /// How many.
    pub settings_len: usize,
}

// SAFETY: struct_size is first; integers, pointers and bools may be zero.
unsafe impl Struct for wsgi_core_mapping {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_mapping";
}

impl wsgi_core_mapping {
    /// Borrows what the structure refers to.
    ///
    /// # Safety
    /// Its pointers are valid for `'a`, or NULL.
    unsafe fn borrow<'a>(&self) -> Result<Mapping<'a>, Error> {
        // SAFETY: the caller's promise.
        unsafe {
            Ok(Mapping {
                server: self.server.borrow("server")?.as_slice(),
                url: self.url.borrow("url")?.as_slice(),
                script: self.script.borrow("script")?.as_slice(),
                is_pattern: self.is_pattern,
            })
        }
    }
}

/// Declare an application: a mapping of URLs to a script.
///
/// Two things follow from it. When exactly one application is declared, and it is a single script, its
/// requests run in the main interpreter unless an application group is set; otherwise the default is
/// %{RESOURCE}, an interpreter for each mount point. And when process-group and application-group are both
/// set and hold no "%{...}" but "%{GLOBAL}", each process loads the script when it starts instead of with
/// the first request; where both are options of the mapping itself, the last layer and of script scope, the process
/// group must have been defined before. Mappings that are declared again with the same server, URL and script
/// are one application. Requests may be served for scripts that were never declared.
///
/// @param config   the configuration
/// @param mapping  the mapping; borrowed for the call
/// @param err      receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_OPTION when the process group that loads the script is not defined, or belongs to another
///         virtual host
/// @return WSGI_CORE_E_ARGUMENT or WSGI_CORE_E_STRUCT_SIZE
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_add_application(
    config: *mut wsgi_core_config,
    mapping: *const wsgi_core_mapping,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, mapping, layers) = unsafe {
            let config = config.as_mut().ok_or(Error::null("config"))?;
            let mapping = structs::read(mapping, "mapping")?;
            let layers = layers(mapping.settings, mapping.settings_len)?;
            (config, mapping.borrow()?, layers)
        };
        config.0.add_application(&mapping, layers)
    })
}

/// Declare a script that is loaded when a process starts, in the order of these calls and of those of
/// wsgi_core_config_add_application() that have a script loaded ahead. Requests that map to it find it loaded. In a
/// process group without threads, such scripts are all that its processes run: one after the other, on Python's main
/// thread; when the last has returned the process ends, and another one is started. That a script fails is logged.
///
/// @param config   the configuration
/// @param mapping  the script; borrowed for the call. Its only layer of settings is of script scope and has
///                 process-group and application-group
/// @param err      receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_OPTION when an option is missing, or the process group is not defined, or belongs to another
///         virtual host
/// @return WSGI_CORE_E_ARGUMENT or WSGI_CORE_E_STRUCT_SIZE
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_add_import(
    config: *mut wsgi_core_config,
    mapping: *const wsgi_core_mapping,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, mapping, layers) = unsafe {
            let config = config.as_mut().ok_or(Error::null("config"))?;
            let mapping = structs::read(mapping, "mapping")?;
            let layers = layers(mapping.settings, mapping.settings_len)?;
            (config, mapping.borrow()?, layers)
        };
        config.0.add_import(&mapping, layers)
    })
}

/// Define a process group: applications in supervised processes of their own, which a process-group
/// option selects.
///
/// @param config        the configuration
/// @param name          name of the group
/// @param name_len      length of the name
/// @param virtual_host  the configured name of the only server whose requests may use the group; NULL for all servers
/// @param settings      its options, made with WSGI_CORE_SCOPE_GROUP; copied
/// @param err           receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_ARGUMENT when the name is empty or taken, or options contradict each other
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_add_group(
    config: *mut wsgi_core_config,
    name: *const c_char,
    name_len: usize,
    virtual_host: *const c_char,
    settings: *const wsgi_core_settings,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, name, host, settings) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                required(name, name_len, "name")?,
                (!virtual_host.is_null()).then(|| CStr::from_ptr(virtual_host).to_bytes()),
                settings.as_ref().ok_or(Error::null("settings"))?,
            )
        };
        config.0.add_group(name, host, &settings.0)
    })
}

/// Say where a process group logs: what its processes write outside of requests and on their standard output and
/// error streams, and what their supervisor has to say about them. Without this call it is the standard error stream
/// of the process that prepares the engine, or the file of the option daemon-log, at the level of the server's log.
/// Lines look as those of a server without a log of its own, see wsgi_core_server. A line of the supervisor that a pipe
/// does not take at once goes to the log of all groups instead.
///
/// @param config    the configuration
/// @param name      name of the group, which is defined already
/// @param name_len  length of the name
/// @param fd        descriptor of a file that is appended to, or of a pipe; duplicated, so that the caller may close
///                  it. -1 where only the level is the group's own
/// @param level     the most verbose level that is written
/// @param err       receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_ARGUMENT when there is no such group, or the descriptor is not open
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_set_group_log(
    config: *mut wsgi_core_config,
    name: *const c_char,
    name_len: usize,
    fd: c_int,
    level: wsgi_core_level,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, name) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                required(name, name_len, "name")?,
            )
        };
        let file = match fd {
            -1 => None,
            fd => {
                Some(duplicate(fd).map_err(|error| Error::Argument(format!("fd {fd}: {error}")))?)
            }
        };
        config.0.set_group_log(name, log::level(level), file)
    })
}

/// Select interpreters: until wsgi_core_config_end_interpreters(), wsgi_core_config_set() sets options for
/// them only, and refuses those that interpreters don't have. An option that is set several times for an
/// interpreter has the value from where the most is selected, and of equals the last; python-path adds up.
/// What is set outside is for every interpreter.
///
/// @param config         the configuration
/// @param selectors      process-group=NAME for the interpreters of the processes of one group,
///                       application-group=NAME for those of one application group in any process, both, or
///                       nothing for all. A name that is %{GLOBAL} or empty stands for the processes of the
///                       host, and for the main interpreter
/// @param selectors_len  length of the selectors
/// @param err            receives details on failure
///
/// @return WSGI_CORE_OK, WSGI_CORE_E_OPTION or WSGI_CORE_E_ARGUMENT
/// @return WSGI_CORE_E_STATE when interpreters are selected already
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_begin_interpreters(
    config: *mut wsgi_core_config,
    selectors: *const c_char,
    selectors_len: usize,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, selectors) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                required(selectors, selectors_len, "selectors")?,
            )
        };
        config.0.begin_interpreters(selectors)
    })
}

/// End what wsgi_core_config_begin_interpreters() began. What was set in between counts from here on.
///
/// @param config  the configuration
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_STATE when no interpreters are selected
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_end_interpreters(
    config: *mut wsgi_core_config,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes a configuration or NULL.
        let config = unsafe { config.as_mut() }.ok_or(Error::null("config"))?;
        config.0.end_interpreters()
    })
}

/// Find mistakes that concern more than one option, and the runtime for the Python that the configuration
/// asks for. Loads nothing and changes nothing. wsgi_core_engine_prepare() includes it.
///
/// @param config  the configuration
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_STATE when interpreters are selected and wsgi_core_config_end_interpreters() was not called
/// @return WSGI_CORE_E_PYTHON when no runtime is installed that fits; the message names what is wanted
///         and what is installed
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_check(
    config: *const wsgi_core_config,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes a configuration or NULL.
        let config = unsafe { config.as_ref() }.ok_or(Error::null("config"))?;
        config.0.check()
    })
}

/// Release a configuration. Engines made from it have their own copy.
///
/// @param config  the configuration; consumed. NULL does nothing
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_free(config: *mut wsgi_core_config) {
    neutral((), || {
        if !config.is_null() {
            // SAFETY: made by `wsgi_core_config_new`; the caller gives it up.
            drop(unsafe { Box::from_raw(config) });
        }
        None
    });
}
