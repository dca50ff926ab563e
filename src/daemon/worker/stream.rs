//! A connection of a host, as bytes and frames.

use super::super::ring::Producer;
use super::super::sys::socket::{self, Wait};
use super::super::sys::{poll, retry};
use super::super::wire::{self, Abort, Decoder, Order, Server};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Usual size of the buffer for what is received: an environ fits in.
const RECEIVE: usize = 16 << 10;

/// The stream, what was received and not looked at, and what is to be sent.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    pub decoder: Decoder,
    pub server: Server,
    /// Frames that wait to be sent.
    pub out: Vec<u8>,
    /// There are blocks of the response among them.
    pub blocks_wait: bool,
    ring: Ring,
    /// For the request frame, to be used again.
    pub spare: Vec<u8>,
    /// Body that arrived and was not read.
    body: Vec<u8>,
    body_start: usize,
    /// Why the rest of the body will not come.
    pub failed: Option<Vec<u8>>,
    /// Nothing can be sent or received any more.
    pub broken: bool,
    /// The last time, more was received than there was room for.
    pub more: bool,
    timeout: Option<Duration>,
}

/// Memory for blocks of responses.
#[derive(Debug)]
enum Ring {
    /// Nothing was received yet.
    Awaited,
    /// The host has none.
    None,
    /// No block has been long enough for it.
    Offered(OwnedFd),
    Open(Producer),
}

impl Stream {
    pub fn new(
        fd: OwnedFd,
        identity: wire::Identity,
        timeout: Duration,
    ) -> Result<Self, wire::Error> {
        let mut out = Vec::new();
        Ok(Self {
            fd,
            server: Server::accept(identity, &mut out)?,
            decoder: Decoder::new(RECEIVE),
            out,
            blocks_wait: false,
            ring: Ring::Awaited,
            spare: Vec::new(),
            body: Vec::new(),
            body_start: 0,
            failed: None,
            broken: false,
            more: false,
            timeout: (!timeout.is_zero()).then_some(timeout),
        })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// A new request: nothing of the one before counts.
    pub fn reset(&mut self) {
        self.body.clear();
        self.body_start = 0;
        self.failed = None;
        if let Ring::Open(ring) = &mut self.ring {
            ring.begin();
        }
    }

    /// Receives what there is without waiting. False when there is nothing.
    ///
    /// # Errors
    /// When the host has gone.
    pub fn receive(&mut self) -> io::Result<bool> {
        let space = self.decoder.space();
        let room = space.len();
        // A descriptor ends what is received with it.
        let first = matches!(self.ring, Ring::Awaited);
        let received = match self.ring {
            Ring::Awaited => {
                let received = socket::receive(self.fd.as_fd(), space, Wait::Never);
                received.map(|(count, ring)| {
                    self.ring = ring.map_or(Ring::None, Ring::Offered);
                    count
                })
            }
            _ => socket::receive_bytes(self.fd.as_fd(), space, Wait::Never),
        };
        match received {
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(count) => {
                self.more = first || count == room;
                self.decoder.filled(count);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.more = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes in frames that belong to a request which is being served.
    fn take_frames(&mut self) -> Result<(), wire::Error> {
        while let Some(frame) = self.decoder.frame()? {
            match self.server.receive(frame)? {
                Order::Body { bytes, .. } => self.body.extend_from_slice(bytes),
                Order::BodyFailed(reason) => self.failed = Some(reason.to_vec()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Receives, without waiting, what belongs to a request that is being served.
    pub fn receive_frames(&mut self) {
        let received = self.receive();
        if received.is_err() || self.take_frames().is_err() {
            self.broken = true;
        }
    }

    /// Waits for the host, and receives.
    fn wait_and_receive(&mut self) {
        match poll::readable(self.fd.as_fd(), self.timeout) {
            Ok(true) => self.receive_frames(),
            _ => self.broken = true,
        }
    }

    /// Body that came with the request.
    pub fn put_body(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }

    /// Body that has arrived.
    pub fn take_body(&mut self, buffer: &mut [u8]) -> usize {
        let rest = &self.body[self.body_start..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.body_start += count;
        if self.body_start == self.body.len() {
            self.body.clear();
            self.body_start = 0;
        }
        count
    }

    /// Asks for more of the body and waits for it. Gives how many bytes were put into `buffer`; 0 when some came
    /// elsewhere, or nothing more will come.
    pub fn demand(&mut self, buffer: &mut [u8]) -> usize {
        let wanted = WINDOW.saturating_sub(self.server.credit_left()).max(1);
        if self.server.grant(&mut self.out, wanted).is_err() || self.flush().is_err() {
            self.broken = true;
            return 0;
        }
        while self.body.is_empty()
            && self.failed.is_none()
            && self.server.is_body_open()
            && !self.is_gone()
        {
            if let Some(most) = self.decoder.direct() {
                let count = self.receive_directly(buffer, most);
                if count > 0 {
                    return count;
                }
            } else {
                self.wait_and_receive();
            }
        }
        0
    }

    /// Receives a part of a block straight to where it is wanted.
    fn receive_directly(&mut self, buffer: &mut [u8], most: usize) -> usize {
        let most = most.min(buffer.len());
        let part = &mut buffer[..most];
        let received = match poll::readable(self.fd.as_fd(), self.timeout) {
            Ok(true) => socket::receive_bytes(self.fd.as_fd(), part, Wait::Never),
            _ => Ok(0),
        };
        let count = match received {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return 0,
            received => received.unwrap_or(0),
        };
        let taken = self
            .decoder
            .received(&part[..count])
            .map(|frame| self.server.receive(frame).is_ok());
        if count == 0 || taken != Some(true) {
            self.broken = true;
            return 0;
        }
        count
    }

    /// Whether there is no point in going on.
    pub fn is_gone(&self) -> bool {
        self.broken || self.server.is_aborted()
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// When the host has gone.
    pub fn flush(&mut self) -> io::Result<()> {
        self.send(&[], None)
    }

    /// Sends what waits and then `parts`, with a descriptor if there is one: then nothing may be waiting. While the
    /// host does not take it, what the host sends is taken in, so that the two never wait for each other.
    ///
    /// # Errors
    /// When the host has gone.
    pub fn send(&mut self, parts: &[&[u8]], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        let out = std::mem::take(&mut self.out);
        let mut slices = [IoSlice::new(&out), IoSlice::new(&[]), IoSlice::new(&[])];
        for (slice, part) in slices[1..].iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
        }
        let result = self.send_slices(&mut slices, descriptor);
        self.out = out;
        self.out.clear();
        self.out.shrink_to(MOST_KEPT);
        self.blocks_wait = false;
        if result.is_err() {
            self.broken = true;
        }
        result
    }

    fn send_slices(
        &mut self,
        slices: &mut [IoSlice<'_>],
        mut descriptor: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let mut slices = slices;
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match socket::send(self.fd.as_fd(), slices, descriptor, Wait::Never) {
                Ok(count) => {
                    descriptor = None;
                    IoSlice::advance_slices(&mut slices, count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_for_room()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait_for_room(&mut self) -> io::Result<()> {
        let ready = retry(|| poll::either(self.fd.as_fd(), self.timeout))?;
        if ready.read {
            self.receive_frames();
        }
        if self.broken || (!ready.read && !ready.write) {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        Ok(())
    }

    /// Whether a block of this length goes through the memory that is shared with the host.
    pub fn takes(&mut self, length: usize) -> bool {
        if self.server.is_ring_used() {
            return length > 0;
        }
        if length < LARGE || !self.server.may_use_ring() {
            return false;
        }
        self.ring = match std::mem::replace(&mut self.ring, Ring::None) {
            Ring::Offered(fd) => Producer::open(fd).map_or(Ring::None, Ring::Open),
            ring => ring,
        };
        matches!(self.ring, Ring::Open(_))
    }

    /// Puts a block into the memory, and tells the host if it waits for it.
    ///
    /// # Errors
    /// When the host has gone.
    pub fn put(&mut self, block: &[u8], flush: bool) -> io::Result<()> {
        if self.blocks_wait {
            self.flush()?;
        }
        let mut rest = block;
        loop {
            let Ring::Open(ring) = &mut self.ring else {
                return Err(io::Error::from(io::ErrorKind::Unsupported));
            };
            let count = ring.put(rest);
            rest = &rest[count..];
            if ring.publish(flush && rest.is_empty()) || !self.server.is_ring_used() {
                let told = self.server.filled(&mut self.out);
                told.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            }
            if !self.out.is_empty() {
                self.flush()?;
            }
            if rest.is_empty() {
                return Ok(());
            }
            self.wait_for_drain()?;
        }
    }

    fn wait_for_drain(&mut self) -> io::Result<()> {
        while let Ring::Open(ring) = &self.ring
            && ring.wait_for_room()
        {
            self.wait_and_receive();
            if self.is_gone() {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
        }
        Ok(())
    }

    /// Gives the connection up, with a reason.
    pub fn abort(&mut self, abort: &Abort<'_>) {
        if self.server.abort(&mut self.out, abort).is_ok() {
            // The host sees the end in any case.
            let _ = self.flush();
        }
        self.broken = true;
    }
}

/// The least length of a block that is put into shared memory.
const LARGE: usize = 4 << 10;
/// How much of a body may be on its way.
const WINDOW: u32 = 256 << 10;
/// How large a buffer is kept for the next request.
const MOST_KEPT: usize = 64 << 10;
