//! One request.

use super::bytes::{pairs, required, wsgi_core_bytes, wsgi_core_pair};
use super::engine::wsgi_core_engine;
use super::error::wsgi_core_error;
use super::guard::{call, call_with, neutral};
use super::host::{Host, wsgi_core_host};
use super::outcome::wsgi_core_outcome;
use super::settings::{layers, wsgi_core_settings};
use super::status::wsgi_core_status;
use super::structs::{self, Struct};
use crate::engine::{Error, FileType, Request, RequestInfo, Resolved};
use std::ffi::{c_char, c_void};
use wsgi_core_abi::{NativeRequest, Outcome};

/// What a path leads to.
pub type wsgi_core_file_type = i32;

/// The host did not look; the engine does.
pub const WSGI_CORE_FILE_UNKNOWN: wsgi_core_file_type = 0;
/// A file.
pub const WSGI_CORE_FILE_REGULAR: wsgi_core_file_type = 1;
/// A directory.
pub const WSGI_CORE_FILE_DIRECTORY: wsgi_core_file_type = 2;
/// Nothing.
pub const WSGI_CORE_FILE_MISSING: wsgi_core_file_type = 3;

/// Everything about one request but its body.
///
/// Only `method` and `script` are required. Strings are as they go into the environ: SCRIPT_NAME and
/// PATH_INFO decoded, the others raw. What is absent is left out of the environ, or empty where PEP 3333
/// wants the key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_request_info {
    /// Size of this structure.
    pub struct_size: usize,
    /// REQUEST_METHOD, such as "GET". Required.
    pub method: wsgi_core_bytes,
    /// REQUEST_URI: the target of the request line, as received.
    pub request_uri: wsgi_core_bytes,
    /// SCRIPT_NAME: decoded path up to where the application is mounted. Runs of "/" are collapsed.
    pub script_name: wsgi_core_bytes,
    /// PATH_INFO: the rest of the decoded path. Runs of "/" are collapsed.
    pub path_info: wsgi_core_bytes,
    /// QUERY_STRING, without the "?".
    pub query_string: wsgi_core_bytes,
    /// SERVER_PROTOCOL, such as "HTTP/1.1".
    pub protocol: wsgi_core_bytes,
    /// REQUEST_SCHEME: "http" or "https". Does not decide wsgi.url_scheme: the variable HTTPS does, with
    /// the values "On" (in any case) and "1".
    pub scheme: wsgi_core_bytes,
    /// SERVER_NAME. When absent: server_hostname, server_addr or "localhost".
    pub server_name: wsgi_core_bytes,
    /// SERVER_PORT, which also names application groups unless it is 80 or 443. 0: the port of the scheme.
    pub server_port: u16,
    /// SERVER_ADDR: the local address of the connection.
    pub server_addr: wsgi_core_bytes,
    /// REMOTE_ADDR: the address of the client.
    pub remote_addr: wsgi_core_bytes,
    /// REMOTE_PORT. 0: left out.
    pub remote_port: u16,
    /// The configured name of the (virtual) server, for %{SERVER} and %{RESOURCE}. When absent: SERVER_NAME.
    pub server_hostname: wsgi_core_bytes,
    /// The host name that the client asked for, without port, for %{HOST}. When absent: server_hostname.
    pub host: wsgi_core_bytes,
    /// The file that holds the application. Required.
    pub script: wsgi_core_bytes,
    /// When it was last modified, in microseconds since the epoch; 0 where the host does not know.
    pub script_mtime_us: i64,
    /// SCRIPT_FILENAME: the file the request maps to, also named in the log. When absent: the script.
    pub filename: wsgi_core_bytes,
    /// mod_wsgi.listener_host: name of the address the server listens at, may be absent.
    pub listener_host: wsgi_core_bytes,
    /// mod_wsgi.listener_port. 0: SERVER_PORT.
    pub listener_port: u16,
    /// Header fields as received: names in any case, repeats in order. The engine filters and merges them.
    /// More than some hundred are slow; that a request holds no more is the host's business.
    pub headers: *const wsgi_core_pair,
    /// How many.
    pub headers_len: usize,
    /// More entries for the environ, such as SERVER_SOFTWARE, DOCUMENT_ROOT, REMOTE_USER and what the
    /// configuration of the host defines. Of equal names the last one counts; header fields, and what the
    /// engine computes from the other members, win over them. Also looked up for %{ENV:name}.
    pub variables: *const wsgi_core_pair,
    /// How many.
    pub variables_len: usize,
    /// The layers of settings that apply, outermost first: a later layer wins over an earlier one.
    pub settings: *const *const wsgi_core_settings,
    /// How many.
    pub settings_len: usize,
    /// When the host received the request, in microseconds since the epoch; 0: now.
    pub request_start_us: i64,
    /// The longest request body that is accepted; 0: no limit. A longer Content-Length is answered 413. A
    /// body without one is for the read callback to limit.
    pub body_limit: u64,
    /// mod_wsgi.request_id.
    pub request_id: wsgi_core_bytes,
    /// mod_wsgi.connection_id.
    pub connection_id: wsgi_core_bytes,
    /// mod_wsgi.request_handler. When absent: "wsgi-script". Where the settings have a handler-script for it, that
    /// script serves the request, and the file that it maps to need not exist.
    pub handler: wsgi_core_bytes,
    /// The host changes response bodies depending on what they hold (compression, includes), so that an
    /// application must see GET for HEAD when map-head-to-get is Auto.
    pub response_filtered: bool,
    /// Authorization and Proxy-Authorization go into the environ whatever pass-authorization is.
    pub pass_auth: bool,
    /// The configuration of the host forbids path information: when there is some, the answer is 404.
    pub path_info_refused: bool,
    /// What `script` is, when the host knows already.
    pub script_type: wsgi_core_file_type,
    /// The configuration of the host allows no scripts here: the answer is 403, unless the script is that of a handler.
    pub script_refused: bool,
    /// The host's own structure for the request. With pass-apache-request On, scripts in this process find it in
    /// the environ: under NAME.request_rec, where NAME is the option host-name, as a PyCapsule without a name. Nothing
    /// is known of it here. Once the request is over the capsule has a name, so that what asks it for the pointer as
    /// before is refused. May be NULL.
    pub native_request: *mut c_void,
}

// SAFETY: struct_size is first; integers, pointers and bools may be zero.
unsafe impl Struct for wsgi_core_request_info {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_request_info";
}

/// Tell what follows a prefix in the path of a URL, for hosts that map URLs by prefixes. Runs of "/" count as one in
/// both, and a prefix ends where a component ends: "/app" is one of "/app" and "/app/x", but not of "/application".
/// What follows begins with "/" or is empty, unless the prefix has a "/" at its end; after "/" alone the whole path
/// follows.
///
/// @param path        the decoded path
/// @param path_len    length of the path
/// @param prefix      the prefix
/// @param prefix_len  length of the prefix
///
/// @return where in the path the rest begins; NULL when the prefix is none of it, and for arguments that can't be
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_path_rest(
    path: *const c_char,
    path_len: usize,
    prefix: *const c_char,
    prefix_len: usize,
) -> *const c_char {
    neutral(std::ptr::null(), || {
        // SAFETY: the caller passes valid pointers or NULL.
        let (path, prefix) = unsafe {
            (
                required(path, path_len, "path").ok()?,
                required(prefix, prefix_len, "prefix").ok()?,
            )
        };
        let matched = wsgi_core_http::match_prefix(path, prefix)?;
        let is_root = prefix.iter().all(|byte| *byte == b'/');
        let rest = if is_root { path } else { &path[matched..] };
        Some(rest.as_ptr().cast())
    })
}

/// A request on its way to an application.
pub struct wsgi_core_request(pub(super) Request<'static>);

/// Make a request. Nothing of it is copied: all that `info` refers to (strings, arrays, settings, but not
/// the structure itself), and the engine, must stay as they are until wsgi_core_request_serve() has returned
/// or the request is freed.
///
/// @param engine   the engine
/// @param info     the facts; the structure is copied
/// @param request  receives the request, to be handed to wsgi_core_request_serve() or released with
///                 wsgi_core_request_free()
/// @param err      receives details on failure
///
/// @return WSGI_CORE_OK
/// @return WSGI_CORE_E_ARGUMENT when a member is out of range or a required one is absent
/// @return WSGI_CORE_E_STRUCT_SIZE
///
/// Threads: any, concurrently on the same engine.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_request_new(
    engine: *const wsgi_core_engine,
    info: *const wsgi_core_request_info,
    request: *mut *mut wsgi_core_request,
    err: *mut *mut wsgi_core_error,
) -> wsgi_core_status {
    call(err, || {
        // SAFETY: the caller passes an engine or NULL.
        let engine = unsafe { engine.as_ref() }.ok_or(Error::null("engine"))?;
        // SAFETY: the caller passes a structure or NULL, and keeps what it refers to for the request's life.
        let info = unsafe { borrow_info(info) }?;
        if request.is_null() {
            return Err(Error::null("request"));
        }
        let made = Box::new(wsgi_core_request(engine.0.request(&info)?));
        // SAFETY: not NULL, so a place for a pointer.
        unsafe { request.write(Box::into_raw(made)) };
        Ok(())
    })
}

/// Checks the structure and borrows what it refers to.
///
/// # Safety
/// `info` is NULL or a structure whose pointers are valid and stay so for `'a`.
unsafe fn borrow_info<'a>(info: *const wsgi_core_request_info) -> Result<RequestInfo<'a>, Error> {
    // SAFETY: the caller's promise, here and for every string and array of the structure.
    unsafe {
        let info = structs::read(info, "info")?;
        let handler = info.handler.borrow("handler")?;
        let layers = layers(info.settings, info.settings_len)?;
        Ok(RequestInfo {
            method: info.method.borrow("method")?,
            request_uri: info.request_uri.borrow("request_uri")?,
            script_name: info.script_name.borrow("script_name")?,
            path_info: info.path_info.borrow("path_info")?,
            query_string: info.query_string.borrow("query_string")?,
            protocol: info.protocol.borrow("protocol")?,
            scheme: info.scheme.borrow("scheme")?,
            server_name: info.server_name.borrow("server_name")?,
            server_port: info.server_port,
            server_addr: info.server_addr.borrow("server_addr")?,
            remote_addr: info.remote_addr.borrow("remote_addr")?,
            remote_port: info.remote_port,
            server_hostname: info.server_hostname.borrow("server_hostname")?,
            host: info.host.borrow("host")?,
            script: info.script.borrow("script")?,
            script_mtime_us: info.script_mtime_us,
            script_type: file_type(info.script_type)?,
            script_refused: info.script_refused,
            filename: info.filename.borrow("filename")?,
            listener_host: info.listener_host.borrow("listener_host")?,
            listener_port: info.listener_port,
            headers: pairs(info.headers, info.headers_len, "headers")?,
            variables: pairs(info.variables, info.variables_len, "variables")?,
            settings: Resolved::for_handler(layers, handler.as_slice()),
            request_start_us: info.request_start_us,
            body_limit: info.body_limit,
            request_id: info.request_id.borrow("request_id")?,
            connection_id: info.connection_id.borrow("connection_id")?,
            handler,
            response_filtered: info.response_filtered,
            pass_auth: info.pass_auth,
            path_info_refused: info.path_info_refused,
            native: NativeRequest::new(info.native_request),
        })
    }
}

fn file_type(number: wsgi_core_file_type) -> Result<FileType, Error> {
    match number {
        WSGI_CORE_FILE_UNKNOWN => Ok(FileType::Unknown),
        WSGI_CORE_FILE_REGULAR => Ok(FileType::Regular),
        WSGI_CORE_FILE_DIRECTORY => Ok(FileType::Directory),
        WSGI_CORE_FILE_MISSING => Ok(FileType::Missing),
        other => Err(Error::Argument(format!("script_type is {other}"))),
    }
}

/// Serve a request with its application and return when the response is complete or has failed.
///
/// Applies the rules of the configuration, loads the script if it is not yet loaded or has changed, builds
/// the environ, calls the application, sends what it yields through `host`, and calls the iterable's close()
/// in every case. The head goes out with the first block that is not empty, or at the end when there is none.
///
/// When the engine refuses a request it writes one line to the request's log, and the traceback of an
/// application that raised is there as well: the host need not log the error again.
///
/// @param request  the request; consumed, also on failure
/// @param host     callback table with struct_size set; borrowed for the call
/// @param ctx      handed to each callback unchanged, may be NULL
/// @param outcome  receives what became of the request, on failure as well but for WSGI_CORE_E_ARGUMENT and
///                 WSGI_CORE_E_STRUCT_SIZE. May be NULL, else its struct_size must be set
/// @param err      receives details on failure
///
/// @return WSGI_CORE_OK when the host took the complete response. With error-override On the application may
///         have left the answer to the host: then the outcome's head_sent is false and its code is 400 or
///         above, and the host answers with its own page for that code. A host that never sets that option
///         need not look
/// @return WSGI_CORE_E_REFUSED when the rules refuse the request (404, 411, 413, 500, ...)
/// @return WSGI_CORE_E_APPLICATION when the application raised or can't be loaded
/// @return WSGI_CORE_E_PYTHON when Python can't be started
/// @return WSGI_CORE_E_HOST when a callback failed, for example because the client went away
/// @return WSGI_CORE_E_GROUP when no process of the group is free or can be reached (503, with the outcome's
///         retry_after), the process was lost (502) or sent nothing in time (504)
/// @return WSGI_CORE_E_STATE when the engine was not started
/// @return WSGI_CORE_E_CLOSED when the engine or the process group is ending
/// @return WSGI_CORE_E_PANIC after a bug in the engine
///
/// After any failure: if the head was not sent (wsgi_core_error_head_sent()), the host answers
/// wsgi_core_error_get_http_status() with a page of its own; if it was, the host breaks the connection off so
/// that the client sees an incomplete response.
///
/// Threads: any, concurrently on the same engine. Callbacks run without the GIL (see wsgi_core_host). The caller
/// must not hold the GIL.
/// Fork: only in the process that started the engine.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_request_serve(
    request: *mut wsgi_core_request,
    host: *const wsgi_core_host,
    ctx: *mut c_void,
    outcome: *mut wsgi_core_outcome,
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
            let mut host = unsafe { Host::new(host, ctx, &engine) }?;
            if !outcome.is_null() {
                // SAFETY: not NULL, so a structure.
                unsafe { structs::check_output(outcome, "outcome") }?;
            }
            let report = |facts: &Outcome, retry_after| {
                if !outcome.is_null() {
                    // SAFETY: just checked.
                    unsafe { structs::write(outcome, &wsgi_core_outcome::new(facts, retry_after)) };
                }
            };
            // What counts if a bug keeps the rest from being reached.
            report(&Outcome::default(), 0);
            let served = request.serve(&mut host);
            let retry_after = served
                .result
                .as_ref()
                .map_or_else(Error::retry_after, |()| 0);
            report(&served.outcome, retry_after);
            served.result
        },
    )
}

/// Release a request that was not served.
///
/// @param request  the request; consumed. NULL does nothing
///
/// Threads: any.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsgi_core_request_free(request: *mut wsgi_core_request) {
    neutral((), || {
        if !request.is_null() {
            // SAFETY: made by `wsgi_core_request_new`; the caller gives it up.
            drop(unsafe { Box::from_raw(request) });
        }
        None
    });
}
