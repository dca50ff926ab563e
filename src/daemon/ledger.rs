//! What a worker is doing, written down where its death does not reach.
#![forbid(unsafe_code)]

use super::sys::page::Page;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// An entry per request thread: when its request began, and its request line. The worker writes it, and the
/// supervisor reads it once the worker has died.
#[derive(Debug)]
pub struct Ledger(Page);

/// Start in microseconds, length of the text, text.
const ENTRY: usize = 256;
const TEXT: usize = 10;

/// A request that a worker had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its request line, as far as it fits.
    pub request: String,
    /// For how long.
    pub since: Duration,
}

impl Ledger {
    /// A new one, for a worker with so many threads, and the descriptor that this worker is given.
    ///
    /// # Errors
    /// When the system has no memory left.
    pub fn create(threads: u32) -> io::Result<(Self, OwnedFd)> {
        let (page, fd) = Page::create(c"wsgi-core-ledger", length(threads))?;
        Ok((Self(page), fd))
    }

    /// The one that this worker was given.
    ///
    /// # Errors
    /// When it is for fewer threads.
    pub fn open(fd: OwnedFd, threads: u32) -> io::Result<Self> {
        Page::open(fd, length(threads)).map(Self)
    }

    /// A thread has a request.
    pub fn begin(&self, thread: usize, method: &[u8], target: &[u8], now: f64) {
        let mut entry = [0; ENTRY];
        let mut length = TEXT;
        for byte in method.iter().chain(b" ").chain(target).take(ENTRY - TEXT) {
            entry[length] = *byte;
            length += 1;
        }
        entry[..8].copy_from_slice(&((now * 1e6) as u64).to_le_bytes());
        entry[8..TEXT].copy_from_slice(&((length - TEXT) as u16).to_le_bytes());
        self.0.write(thread * ENTRY, &entry[..length]);
    }

    /// It has none any more.
    pub fn end(&self, thread: usize) {
        self.0.write(thread * ENTRY, &[0; 8]);
    }

    /// The requests that there are.
    pub fn running(&self, threads: u32, now: f64) -> Vec<Running> {
        (0..threads as usize)
            .filter_map(|thread| self.entry(thread, now))
            .collect()
    }

    fn entry(&self, thread: usize, now: f64) -> Option<Running> {
        let entry = self.0.read(thread * ENTRY, ENTRY);
        let start = u64::from_le_bytes(*entry.first_chunk()?);
        let length = usize::from(u16::from_le_bytes(*entry[8..].first_chunk()?));
        let text = entry.get(TEXT..TEXT + length)?;
        (start != 0).then(|| Running {
            request: String::from_utf8_lossy(text).escape_debug().to_string(),
            since: Duration::from_micros(((now * 1e6) as u64).saturating_sub(start)),
        })
    }
}

const fn length(threads: u32) -> usize {
    // A worker without request threads needs some memory as well, for there is none of length zero.
    ENTRY * if threads == 0 { 1 } else { threads as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_and_not_ended_is_found() {
        let (ledger, _) = Ledger::create(3).unwrap();
        assert!(ledger.running(3, 10.0).is_empty());
        ledger.begin(0, b"GET", b"/a", 1.0);
        ledger.begin(2, b"POST", &[b'x'; 1000], 2.5);
        ledger.end(0);
        let running = ledger.running(3, 3.0);
        assert_eq!(running.len(), 1);
        assert!(running[0].request.starts_with("POST xxx") && running[0].request.len() < 256);
        assert_eq!(running[0].since, Duration::from_millis(500));
    }
}
