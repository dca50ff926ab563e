//! The table of options.

use super::error::wsgi_core_error;
use super::guard::{call, neutral};
use super::status::wsgi_core_status;
use super::structs::{self, Struct};
use crate::engine::{Error, OPTIONS, Scope};
use std::ffi::c_char;

/// What an option applies to.
pub type wsgi_core_scope = i32;

/// The whole process, and all processes of one engine: wsgi_core_config_set().
pub const WSGI_CORE_SCOPE_PROCESS: wsgi_core_scope = 0;
/// What lies in one directory, location or virtual host: wsgi_core_settings_set().
pub const WSGI_CORE_SCOPE_DIRECTORY: wsgi_core_scope = 1;
/// One mapping of URLs to a script: wsgi_core_settings_set().
pub const WSGI_CORE_SCOPE_SCRIPT: wsgi_core_scope = 2;

/// One process group: wsgi_core_settings_set(), then wsgi_core_config_add_group().
pub const WSGI_CORE_SCOPE_GROUP: wsgi_core_scope = 3;

/// Interpreters: wsgi_core_config_set() after wsgi_core_config_begin_interpreters().
pub const WSGI_CORE_SCOPE_INTERPRETER: wsgi_core_scope = 4;

/// Description of one option. The strings live as long as the library.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_option {
    /// Size of this structure, set by the caller.
    pub struct_size: usize,
    /// Its name, such as "script-reloading".
    pub name: *const c_char,
    /// What it applies to. An option of two scopes has an entry for each.
    pub scope: wsgi_core_scope,
    /// The values it accepts, such as "On or Off", in words that fit after "expected".
    pub accepted: *const c_char,
    /// The value that counts when nothing is set, or NULL when there is none.
    pub default_value: *const c_char,
    /// What it does, in one sentence.
    pub meaning: *const c_char,
}

// SAFETY: struct_size is first; integers and pointers may be zero.
unsafe impl Struct for wsgi_core_option {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_option";
}

const fn number(scope: Scope) -> wsgi_core_scope {
    match scope {
        Scope::Process => WSGI_CORE_SCOPE_PROCESS,
        Scope::Directory => WSGI_CORE_SCOPE_DIRECTORY,
        Scope::Script => WSGI_CORE_SCOPE_SCRIPT,
        Scope::Group => WSGI_CORE_SCOPE_GROUP,
        Scope::Interpreter => WSGI_CORE_SCOPE_INTERPRETER,
    }
}

/// The scope with this number, which came from C.
pub(super) fn scope(number: wsgi_core_scope) -> Option<Scope> {
    match number {
        WSGI_CORE_SCOPE_PROCESS => Some(Scope::Process),
        WSGI_CORE_SCOPE_DIRECTORY => Some(Scope::Directory),
        WSGI_CORE_SCOPE_SCRIPT => Some(Scope::Script),
        WSGI_CORE_SCOPE_GROUP => Some(Scope::Group),
        WSGI_CORE_SCOPE_INTERPRETER => Some(Scope::Interpreter),
        _ => None,
    }
}

/// Tell how many options there are.
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn wsgi_core_option_count() -> usize {
    neutral(0, || Some(OPTIONS.len()))
}

/// Describe an option, for hosts that want to list them or to check their own table against them.
///
/// @param index   0 to wsgi_core_option_count() - 1
/// @param option  receives the description; its struct_size must be set
///
/// @return WSGI_CORE_OK, WSGI_CORE_E_ARGUMENT or WSGI_CORE_E_STRUCT_SIZE
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_option_get(
    index: usize,
    option: *mut wsgi_core_option,
) -> wsgi_core_status {
    call(std::ptr::null_mut::<*mut wsgi_core_error>(), || {
        // SAFETY: the caller passes a structure or NULL.
        unsafe { structs::check_output(option, "option") }?;
        let spec = OPTIONS
            .get(index)
            .ok_or_else(|| Error::Argument(format!("there is no option {index}")))?;
        let value = wsgi_core_option {
            struct_size: size_of::<wsgi_core_option>(),
            name: spec.name.as_ptr(),
            scope: number(spec.scope),
            accepted: spec.accepted.as_ptr(),
            default_value: spec
                .default
                .map_or(std::ptr::null(), |default| default.as_ptr()),
            meaning: spec.meaning.as_ptr(),
        };
        // SAFETY: just checked.
        unsafe { structs::write(option, &value) };
        Ok(())
    })
}
