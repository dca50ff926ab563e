//! Configuration of an engine.

use super::bytes::required;
use super::error::wsgi_core_error;
use super::guard::{call, neutral};
use super::settings::{layers, string, wsgi_core_settings};
use super::status::wsgi_core_status;
use crate::engine::{Config, Error};
use std::ffi::c_char;

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

/// Set an option of process scope. Setting it again replaces its value, but values of python-warnings
/// add up.
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

/// Declare an application: a mapping of URLs to a script.
///
/// Two things follow from it. When exactly one application is declared, and `several` is false for it, its
/// requests run in the main interpreter unless an application group is set; otherwise the default is
/// %{RESOURCE}, an interpreter for each mount point. And when process-group and application-group are both
/// set and hold no "%{...}" but "%{GLOBAL}", each process loads the script when it starts instead of with
/// the first request. Mappings that differ in nothing but their listening address (the same server name, URL
/// and script) are one application, to be declared once. Requests may be served for scripts that were never
/// declared.
///
/// @param config        the configuration
/// @param script        file that holds the application; for several, what the mapping names
/// @param script_len    length of its name
/// @param several       the mapping covers more than one script, such as a directory or a pattern
/// @param settings      layers of settings that apply to every request of the mapping, outermost first;
///                      copied. May be NULL when there are none
/// @param settings_len  how many
/// @param err           receives details on failure
///
/// @return WSGI_CORE_OK or WSGI_CORE_E_ARGUMENT
///
/// Threads: one at a time for the same configuration.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_config_add_application(
    config: *mut wsgi_core_config,
    script: *const c_char,
    script_len: usize,
    several: bool,
    settings: *const *const wsgi_core_settings,
    settings_len: usize,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, script, layers) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                required(script, script_len, "script")?,
                layers(settings, settings_len)?,
            )
        };
        config.0.add_application(script, several, layers)
    })
}

/// Define a process group: applications in supervised processes of their own, which a process-group
/// option selects.
///
/// @param config    the configuration
/// @param name      name of the group
/// @param name_len  length of the name
/// @param settings  its options, made with WSGI_CORE_SCOPE_GROUP; copied
/// @param err       receives details on failure
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
    settings: *const wsgi_core_settings,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (config, name, settings) = unsafe {
            (
                config.as_mut().ok_or(Error::null("config"))?,
                required(name, name_len, "name")?,
                settings.as_ref().ok_or(Error::null("settings"))?,
            )
        };
        config.0.add_group(name, &settings.0)
    })
}

/// Find mistakes that concern more than one option, and the runtime for the Python that the configuration
/// asks for. Loads nothing and changes nothing. wsgi_core_engine_prepare() includes it.
///
/// @param config  the configuration
/// @param err     receives details on failure
///
/// @return WSGI_CORE_OK
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
