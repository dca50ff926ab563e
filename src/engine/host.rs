//! What the engine asks of a host for one request.
#![forbid(unsafe_code)]

use std::time::Duration;
use wsgi_core_abi::{Exchange, ReadFailure};

/// An exchange whose other end is a server. An application may use it from a thread of its own, so a runtime
/// may call it from there; never two at once.
pub trait Host: Exchange + Send {
    /// Looks up a variable for `%{ENV:name}`, before those of the request and of the process.
    fn get_variable(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let _ = name;
        None
    }

    /// Reads what there is of the request body without waiting; `None` when there is nothing at the moment, and 0
    /// at the end.
    ///
    /// # Errors
    /// As for [`Exchange::read`].
    fn read_now(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, ReadFailure> {
        let _ = buffer;
        Ok(None)
    }

    /// The client may take nothing of a block for so long; the host's own limit holds otherwise.
    fn set_send_timeout(&mut self, timeout: Duration) {
        let _ = timeout;
    }
}
