//! Questions to scripts that decide about requests.

use super::bytes::wsgi_core_bytes;
use super::error::wsgi_core_error;
use super::guard::{call, call_with, neutral};
use super::host::{Host, wsgi_core_host};
use super::request::wsgi_core_request;
use super::settings::{layers, wsgi_core_settings};
use super::status::wsgi_core_status;
use super::structs::{self, Struct};
use crate::engine::{self, Check, Decision, Error};
use std::ffi::c_void;

/// What is asked, and of which script.
pub type wsgi_core_check_kind = i32;

/// Whether a user has a password: check_password() of auth-user-script.
pub const WSGI_CORE_CHECK_PASSWORD: wsgi_core_check_kind = 1;
/// The hash that a digest is checked with, the hexadecimal MD5 of "user:realm:password": get_realm_hash() of
/// auth-user-script.
pub const WSGI_CORE_CHECK_REALM_HASH: wsgi_core_check_kind = 2;
/// Whether a user belongs to one of some groups: groups_for_user() of auth-group-script.
pub const WSGI_CORE_CHECK_GROUPS: wsgi_core_check_kind = 3;
/// Whether a client has access: allow_access() of access-script.
pub const WSGI_CORE_CHECK_ACCESS: wsgi_core_check_kind = 4;

/// A question about a request.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_check {
    /// Size of this structure.
    pub struct_size: usize,
    /// One of the WSGI_CORE_CHECK_... numbers.
    pub kind: wsgi_core_check_kind,
    /// The name of the user; of no meaning for access.
    pub user: wsgi_core_bytes,
    /// What goes with it: the password, the realm, the names of the groups (separated by blanks; they may be quoted), or
    /// the name or address of the client.
    pub detail: wsgi_core_bytes,
    /// Others may still let the client in where access is denied, which is not worth a line in the log then (WC0059).
    pub others_decide: bool,
}

// SAFETY: struct_size is first; integers, pointers and bools may be zero.
unsafe impl Struct for wsgi_core_check {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_check";
}

/// What a script says.
pub type wsgi_core_verdict = i32;

/// Yes.
pub const WSGI_CORE_VERDICT_GRANTED: wsgi_core_verdict = 1;
/// No.
pub const WSGI_CORE_VERDICT_DENIED: wsgi_core_verdict = 2;
/// That is for others to say: the user is not known here, or the script has no opinion, or there is no access-script.
pub const WSGI_CORE_VERDICT_UNKNOWN: wsgi_core_verdict = 3;

/// An answer. Belongs to the caller, who releases it with wsgi_core_decision_free().
pub struct wsgi_core_decision(Decision);

/// Tell whether there is an access-script where these layers of settings are in force, so that a host need not
/// describe requests that nobody asks about.
///
/// @param settings      the layers, outermost first. May be NULL when there are none
/// @param settings_len  how many
///
/// Threads: any, concurrently with the same settings.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_settings_control_access(
    settings: *const *const wsgi_core_settings,
    settings_len: usize,
) -> bool {
    neutral(false, || {
        // SAFETY: the caller passes valid pointers or NULL.
        let layers = unsafe { layers(settings, settings_len) }.ok()?;
        Some(engine::controls_access(layers))
    })
}

/// Ask a script about a request, which is not served.
///
/// The script sees an environ of the request's members but for `script`, of its header fields without Authorization
/// and Proxy-Authorization, and of all its variables, which are those that the host means for it. It runs where its own
/// options say: in this process, or in one of a group. The functions of `host` that read or send are not called.
/// Whatever goes wrong is logged for the request, and must not let the client in.
///
/// @param request   the request; consumed, also on failure
/// @param check     the question; borrowed for the call
/// @param host      callback table with struct_size set; borrowed for the call
/// @param ctx       handed to each callback unchanged, may be NULL
/// @param decision  receives the answer, to be released with wsgi_core_decision_free()
/// @param err       receives details on failure
///
/// @return WSGI_CORE_OK when the script gave an answer, whatever it is
/// @return WSGI_CORE_E_APPLICATION when it could not be loaded, lacks the function, raised, or returned what it must not
/// @return WSGI_CORE_E_REFUSED when there is no such script (but see WSGI_CORE_VERDICT_UNKNOWN), or its process group
///         can't be used
/// @return WSGI_CORE_E_PYTHON, WSGI_CORE_E_GROUP, WSGI_CORE_E_STATE, WSGI_CORE_E_CLOSED, WSGI_CORE_E_PANIC as for
///         wsgi_core_request_serve()
/// @return WSGI_CORE_E_ARGUMENT, WSGI_CORE_E_STRUCT_SIZE
///
/// Threads: any, concurrently on the same engine. Callbacks run without the GIL. The caller must not hold the GIL.
/// Fork: only in the process that started the engine.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_request_check(
    request: *mut wsgi_core_request,
    check: *const wsgi_core_check,
    host: *const wsgi_core_host,
    ctx: *mut c_void,
    decision: *mut *mut wsgi_core_decision,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    if request.is_null() {
        return call(err, || Err(Error::null("request")));
    }
    // SAFETY: made by `wsgi_core_request_new`; the caller gives it up.
    let request = unsafe { Box::from_raw(request) }.0;
    let engine = request.engine().clone();
    call_with(
        err,
        || engine.poison(),
        || {
            // SAFETY: the caller passes valid pointers or NULL.
            let (check, mut host) = unsafe {
                let check = structs::read(check, "check")?;
                (borrow(&check)?, Host::new(host, ctx, &engine)?)
            };
            if decision.is_null() {
                return Err(Error::null("decision"));
            }
            let decided = wsgi_core_decision(request.check(&check, &mut host)?);
            // SAFETY: not NULL, so a place for a pointer.
            unsafe { decision.write(Box::into_raw(Box::new(decided))) };
            Ok(())
        },
    )
}

/// Borrows what a question refers to.
///
/// # Safety
/// Its pointers are valid for `'a`, or NULL.
unsafe fn borrow<'a>(check: &wsgi_core_check) -> Result<Check<'a>, Error> {
    // SAFETY: the caller's promise.
    let (user, detail) = unsafe {
        (
            check.user.borrow("user")?.as_slice(),
            check.detail.borrow("detail")?.as_slice(),
        )
    };
    let others_decide = check.others_decide;
    Ok(match check.kind {
        WSGI_CORE_CHECK_PASSWORD => Check::Password {
            user,
            password: detail,
        },
        WSGI_CORE_CHECK_REALM_HASH => Check::RealmHash {
            user,
            realm: detail,
        },
        WSGI_CORE_CHECK_GROUPS => Check::Groups {
            user,
            names: detail,
        },
        WSGI_CORE_CHECK_ACCESS => Check::Access {
            host: detail,
            others_decide,
        },
        kind => return Err(Error::Argument(format!("kind is {kind}"))),
    })
}

/// Tell what was decided.
///
/// @param decision  the answer; WSGI_CORE_VERDICT_DENIED is returned for NULL
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_decision_get_verdict(
    decision: *const wsgi_core_decision,
) -> wsgi_core_verdict {
    neutral(WSGI_CORE_VERDICT_DENIED, || {
        // SAFETY: the caller passes an answer or NULL.
        Some(match unsafe { decision.as_ref() }?.0 {
            Decision::Granted(_) => WSGI_CORE_VERDICT_GRANTED,
            Decision::Denied => WSGI_CORE_VERDICT_DENIED,
            Decision::Unknown => WSGI_CORE_VERDICT_UNKNOWN,
        })
    })
}

/// Get what goes with WSGI_CORE_VERDICT_GRANTED: for a password the name that the user has from now on, if the script
/// gives one, and for a realm the hash.
///
/// @param decision  the answer; absent for NULL
///
/// @return the text, which lives as long as the answer; absent when there is none
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_decision_get_text(
    decision: *const wsgi_core_decision,
) -> wsgi_core_bytes {
    neutral(wsgi_core_bytes::ABSENT, || {
        // SAFETY: the caller passes an answer or NULL.
        match &unsafe { decision.as_ref() }?.0 {
            Decision::Granted(Some(text)) => Some(wsgi_core_bytes::lend(text.as_slice().into())),
            _ => None,
        }
    })
}

/// Release an answer.
///
/// @param decision  the answer; consumed. NULL does nothing
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_decision_free(decision: *mut wsgi_core_decision) {
    neutral((), || {
        if !decision.is_null() {
            // SAFETY: made by `wsgi_core_request_check`; the caller gives it up.
            drop(unsafe { Box::from_raw(decision) });
        }
        None
    });
}
