//! What became of a request.

use super::structs::Struct;
use wsgi_core_abi::Outcome;

/// What became of a request, for the host's own log and for its decision what to send.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_outcome {
    /// Size of this structure, set by the caller.
    pub struct_size: usize,
    /// The status code that was sent, or the one to answer with when head_sent is false.
    pub code: u16,
    /// The response head was handed to the host.
    pub head_sent: bool,
    /// The response ended as the application meant it to. If not, although the head was sent, the host
    /// breaks the connection off.
    pub complete: bool,
    /// Bytes of the request body that were read.
    pub bytes_in: u64,
    /// Bytes of the response body that the host took.
    pub bytes_out: u64,
    /// When the application was called, in seconds since the epoch; 0.0 if it was not.
    pub application_start: f64,
    /// When it was done.
    pub application_finish: f64,
    /// After how many seconds the client may try again: when it is not 0, the host adds it to its answer as
    /// Retry-After. Only with a code of 503.
    pub retry_after: u32,
}

// SAFETY: struct_size is first; numbers and bools may be zero.
unsafe impl Struct for wsgi_core_outcome {
    const FIRST: usize = size_of::<Self>();
    const NAME: &'static str = "wsgi_core_outcome";
}

impl wsgi_core_outcome {
    pub(super) const fn new(outcome: &Outcome, retry_after: u32) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            code: outcome.code,
            head_sent: outcome.head_sent,
            complete: outcome.complete,
            bytes_in: outcome.bytes_in,
            bytes_out: outcome.bytes_out,
            application_start: outcome.application_start,
            application_finish: outcome.application_finish,
            retry_after,
        }
    }
}
