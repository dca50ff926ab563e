//! What a runtime is asked to serve, and what it reports back.

use crate::{Bytes, Pairs, Status};

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
