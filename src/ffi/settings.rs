//! Settings of every scope but that of the process.

use super::bytes::required;
use super::error::wsgi_core_error;
use super::guard::{call, neutral};
use super::option::{scope, wsgi_core_scope};
use super::status::wsgi_core_status;
use crate::engine::{Error, HandlerKind, Scope, Settings};
use std::ffi::{CStr, c_char};

/// A sparse set of options of directory or script scope: one layer of the settings of a request. Layers
/// need no merging: a request names those that apply to it. Or the options of a process group.
pub struct wsgi_core_settings(pub(super) Settings);

/// Make an empty set of settings.
///
/// @param scope  WSGI_CORE_SCOPE_DIRECTORY, WSGI_CORE_SCOPE_SCRIPT or WSGI_CORE_SCOPE_GROUP
///
/// @return the settings, to be released with wsgi_core_settings_free(), or NULL for another scope
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn wsgi_core_settings_new(scope: wsgi_core_scope) -> *mut wsgi_core_settings {
    neutral(std::ptr::null_mut(), || {
        let scope = self::scope(scope)
            .filter(|scope| !matches!(scope, Scope::Process | Scope::Interpreter))?;
        Some(Box::into_raw(Box::new(wsgi_core_settings(Settings::new(
            scope,
        )))))
    })
}

/// Set an option. Setting it again replaces its value, or adds to it where the option says so.
///
/// @param settings   the settings; not while a request that names them exists
/// @param name       name of the option
/// @param value      its value as text
/// @param value_len  length of the value
/// @param err        receives details on failure: a message such as "'maybe' is not accepted; expected On
///                   or Off"
///
/// @return WSGI_CORE_OK, WSGI_CORE_E_OPTION or WSGI_CORE_E_ARGUMENT
///
/// Threads: one at a time for the same settings.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_settings_set(
    settings: *mut wsgi_core_settings,
    name: *const c_char,
    value: *const c_char,
    value_len: usize,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (settings, name, value) = unsafe {
            (
                settings.as_mut().ok_or(Error::null("settings"))?,
                string(name, "name")?,
                required(value, value_len, "value")?,
            )
        };
        settings.0.set(name, value)
    })
}

/// Set options from a line of configuration: name=value, separated by blanks. A value may be quoted with ' or ", and a
/// backslash within quotes makes a quote ordinary. Options before a mistake are set.
/// In interpreter scope the line selects interpreters: it may hold process-group and application-group, in any case, and
/// an empty value is %{GLOBAL}.
///
/// @param settings  the settings; not while a request that names them exists
/// @param line      the line
/// @param line_len  length of the line
/// @param err       receives details on failure: a message such as "pass-authorization: 'maybe' is not accepted;
///                  expected On or Off"
///
/// @return WSGI_CORE_OK, WSGI_CORE_E_OPTION or WSGI_CORE_E_ARGUMENT
///
/// Threads: one at a time for the same settings.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_settings_parse(
    settings: *mut wsgi_core_settings,
    line: *const c_char,
    line_len: usize,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (settings, line) = unsafe {
            (
                settings.as_mut().ok_or(Error::null("settings"))?,
                required(line, line_len, "line")?,
            )
        };
        settings.0.parse(line)
    })
}

/// Who serves the requests of a handler.
pub type wsgi_core_handler = i32;

/// It is none of ours.
pub const WSGI_CORE_HANDLER_NONE: wsgi_core_handler = 0;
/// The script that a request maps to: the handler wsgi-script, or application/x-httpd-wsgi.
pub const WSGI_CORE_HANDLER_APPLICATION: wsgi_core_handler = 1;
/// A script of its own, by the option handler-script.
pub const WSGI_CORE_HANDLER_SCRIPT: wsgi_core_handler = 2;

/// Tell whether requests of a handler are to be served here, before there is anything else to know of them.
///
/// @param name          name of the handler
/// @param name_len      length of the name
/// @param settings      the layers of settings that apply, outermost first. May be NULL when there are none
/// @param settings_len  how many
///
/// @return one of the WSGI_CORE_HANDLER_... numbers; WSGI_CORE_HANDLER_NONE also for arguments that can't be
///
/// Threads: any, concurrently with the same settings.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_settings_find_handler(
    name: *const c_char,
    name_len: usize,
    settings: *const *const wsgi_core_settings,
    settings_len: usize,
) -> wsgi_core_handler {
    neutral(WSGI_CORE_HANDLER_NONE, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (name, layers) = unsafe {
            (
                required(name, name_len, "name").ok()?,
                layers(settings, settings_len).ok()?,
            )
        };
        Some(match HandlerKind::of(name, layers)? {
            HandlerKind::Application => WSGI_CORE_HANDLER_APPLICATION,
            HandlerKind::Script => WSGI_CORE_HANDLER_SCRIPT,
        })
    })
}

/// Release settings.
///
/// @param settings  the settings; consumed. No request that names them may exist any more. NULL does
///                  nothing
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_settings_free(settings: *mut wsgi_core_settings) {
    neutral((), || {
        if !settings.is_null() {
            // SAFETY: made by `wsgi_core_settings_new`; the caller gives it up.
            drop(unsafe { Box::from_raw(settings) });
        }
        None
    });
}

/// Borrows a NUL-terminated string; what is not ASCII can't be the name of anything.
///
/// # Safety
/// `text` is NULL or ends with a NUL and lives for `'a`.
pub(super) unsafe fn string<'a>(text: *const c_char, what: &'static str) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(Error::null(what));
    }
    // SAFETY: not NULL, the rest is the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str()
        .map_err(|_| Error::Argument(format!("{what} is not text")))
}

/// Borrows an array of settings.
///
/// # Safety
/// `data` is NULL or points to `len` pointers, each NULL or to settings, unchanged for `'a`.
pub(super) unsafe fn layers<'a>(
    data: *const *const wsgi_core_settings,
    len: usize,
) -> Result<impl Iterator<Item = &'a Settings>, Error> {
    // SAFETY: the caller's promise.
    let layers: &'a [_] = unsafe { super::bytes::array(data, len, "settings") }?;
    if layers.iter().any(|layer| layer.is_null()) {
        return Err(Error::Argument("settings: one of them is NULL".to_owned()));
    }
    // SAFETY: no pointer is NULL, the rest is the caller's promise.
    Ok(layers.iter().map(|layer| unsafe { &(**layer).0 }))
}
