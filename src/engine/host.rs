//! What the engine asks of a host for one request.
#![forbid(unsafe_code)]

use wsgi_core_abi::Exchange;

/// An exchange whose other end is a server. An application may use it from a thread of its own, so a runtime
/// may call it from there; never two at once.
pub trait Host: Exchange + Send {
    /// Looks up a variable for `%{ENV:name}`, before those of the request and of the process.
    fn get_variable(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let _ = name;
        None
    }
}
