//! What a runtime is asked to serve, and what it reports back. Unsafe because it vouches for a pointer that nobody here
//! follows.

use crate::{Bytes, Pairs, Status};
use std::ffi::c_void;
use std::ptr::NonNull;

/// What is wanted of a script.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question(pub u8);

impl Question {
    /// Nothing is asked: the application serves the request.
    pub const NONE: Self = Self(0);
    /// `check_password(environ, user, password)`.
    pub const PASSWORD: Self = Self(1);
    /// `get_realm_hash(environ, user, realm)`.
    pub const REALM_HASH: Self = Self(2);
    /// `groups_for_user(environ, user)`: whether one of them is among those of the second argument, which has a NUL
    /// after each.
    pub const GROUPS: Self = Self(3);
    /// `allow_access(environ, host)`.
    pub const ACCESS: Self = Self(4);
    /// `process_group(environ)`, `application_group(environ)` and `callable_object(environ)`.
    pub const DISPATCH: Self = Self(5);

    /// Whether there is such a question.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 <= Self::DISPATCH.0
    }
}

/// What a script says to a question. It stands as the code in a [`Head`](crate::Head) with `error_page` set, which takes the place of a
/// response; what else it says is in the header fields.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict(pub u16);

impl Verdict {
    /// Yes. The first field may hold the name that the user has from now on, or the hash; for dispatch there is a field
    /// for each function, whose value is absent when it has none to give.
    pub const GRANTED: Self = Self(1);
    /// No.
    pub const DENIED: Self = Self(2);
    /// That is for others to say.
    pub const UNKNOWN: Self = Self(3);
}

/// The host's own structure for a request, for extensions of Python that know what it is.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NativeRequest(Option<NonNull<c_void>>);

// SAFETY: the pointer is handed on and never followed.
unsafe impl Send for NativeRequest {}
// SAFETY: as above.
unsafe impl Sync for NativeRequest {}

impl NativeRequest {
    /// There is none, or nobody may have it.
    pub const NONE: Self = Self(None);

    /// Takes a pointer, which may be null.
    #[must_use]
    pub fn new(pointer: *mut c_void) -> Self {
        Self(NonNull::new(pointer))
    }

    /// The pointer, if there is one.
    #[must_use]
    pub const fn get(self) -> Option<NonNull<c_void>> {
        self.0
    }
}

/// One request, complete but for its body. Everything is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Path of the script that holds the application.
    pub script: Bytes<'a>,
    /// Modification time of `script` in microseconds since the epoch, or 0 to have it looked up.
    pub script_mtime_us: i64,
    /// The resolved application group; empty for the main interpreter.
    pub application_group: Bytes<'a>,
    /// Name of the callable in the script.
    pub callable: Bytes<'a>,
    /// The environ's string values in their final form, in order: of equal names the last one counts.
    pub environ: Pairs<'a>,
    /// The file that the request maps to (`SCRIPT_FILENAME`), for `[script …]` in the log.
    pub filename: Bytes<'a>,
    /// `wsgi.url_scheme` is `https`.
    pub https: bool,
    /// The script may be loaded again when its modification time changes.
    pub reloading: bool,
    /// `sendfile()` may be used for file responses.
    pub sendfile: bool,
    /// Responses with a status of 400 and above are left to the host: nothing of them is sent, and
    /// the outcome carries the status.
    pub error_override: bool,
    /// What this request reads and writes does not keep its process from being inactive.
    pub ignore_activity: bool,
    /// What is asked of the script instead of being served.
    pub question: Question,
    /// Number of the request among those of its process, for [`crate::Runtime::interrupt`]; 0 where it can't be
    /// interrupted.
    pub number: u64,
    /// When the host received the request, when it was queued for a worker and when a worker took it:
    /// seconds since the epoch, 0.0 where that did not happen.
    pub request_start: f64,
    /// See `request_start`.
    pub queue_start: f64,
    /// See `request_start`.
    pub daemon_start: f64,
    /// What the script may see of the host in this process.
    pub native: NativeRequest,
    /// What goes with the question: the user or the host, and the password, realm or groups.
    pub arguments: [Bytes<'a>; 2],
}

/// What became of a request.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// `OK` when the application's response was handed to the host completely.
    pub status: Status,
    /// The status code that was sent, or that the host should answer with when `head_sent` is false.
    pub code: u16,
    /// The response head was handed to the host; nothing else may be sent in its place.
    pub head_sent: bool,
    /// The response ended as the application meant it to. When false although the head was sent, the
    /// host must make the break visible to the client (no final chunk, connection closed).
    pub complete: bool,
    /// Bytes of the request body that the application read.
    pub bytes_in: u64,
    /// Bytes of the response body that the host took.
    pub bytes_out: u64,
    /// When the application was called, in seconds since the epoch; 0.0 if it was not.
    pub application_start: f64,
    /// When it was done.
    pub application_finish: f64,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            status: Status::OK,
            code: 500,
            head_sent: false,
            complete: false,
            bytes_in: 0,
            bytes_out: 0,
            application_start: 0.0,
            application_finish: 0.0,
        }
    }
}
