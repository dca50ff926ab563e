//! A connection to a worker, kept open from request to request.

use super::super::ring::Consumer;
use super::super::sys::poll;
use super::super::sys::socket::{self, Address, Buffers, Wait};
use super::super::wire::{Client, Decoder, Identity};
use super::broken::Broken;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Where to, and how.
pub struct Target {
    pub address: Address,
    pub row: u32,
    pub generation: u32,
    /// The only user whose socket it may be.
    pub owner: u32,
    pub connect_timeout: Duration,
    pub socket_timeout: Duration,
    pub buffers: Buffers,
}

/// The connection.
#[derive(Debug)]
pub struct Connection {
    fd: OwnedFd,
    generation: u32,
    pub client: Client,
    pub decoder: Decoder,
    /// What is to be sent; kept from request to request.
    pub out: Vec<u8>,
    /// Descriptors that arrived before their frames.
    pub files: VecDeque<OwnedFd>,
    /// Blocks of the response, if memory could be had for them.
    pub ring: Option<Consumer>,
    /// It has served a request before.
    pub used: bool,
}

/// Usual size of the buffer for what is received: several blocks of a stream at once.
const RECEIVE: usize = 64 << 10;
/// How large a buffer is kept for the next request: that of an environ with the first bytes of a body.
const MOST_KEPT: usize = 128 << 10;
/// How many descriptors may be on their way: no more than a worker sends before their frames are handled.
const MOST_FILES: usize = 16;

impl Connection {
    pub fn open(target: &Target) -> Result<Self, Broken> {
        let timeout = target.connect_timeout.max(Duration::from_secs(1));
        let fd =
            socket::connect(&target.address, timeout, target.buffers).map_err(
                |error| match error.kind() {
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                        Broken::Unreachable
                    }
                    _ => Broken::Unable(error),
                },
            )?;
        let peer = socket::peer(fd.as_fd()).map_err(Broken::Unable)?;
        if peer.uid != target.owner {
            return Err(Broken::Foreign(peer.uid));
        }
        socket::set_timeouts(fd.as_fd(), target.socket_timeout).map_err(Broken::Unable)?;
        let mut out = Vec::new();
        let identity = Identity {
            row: target.row,
            generation: target.generation,
        };
        let client = Client::connect(identity, &mut out).map_err(Broken::Wire)?;
        let mut connection = Self {
            fd,
            generation: target.generation,
            client,
            decoder: Decoder::new(RECEIVE),
            out,
            files: VecDeque::new(),
            ring: None,
            used: false,
        };
        // Without it blocks come over the socket.
        if let Ok((ring, fd)) = Consumer::create() {
            connection.offer(fd.as_fd())?;
            connection.ring = Some(ring);
        }
        Ok(connection)
    }

    /// Sends the greeting, and memory for blocks of responses with it.
    fn offer(&mut self, memory: BorrowedFd<'_>) -> Result<(), Broken> {
        self.client.ring(&mut self.out).map_err(Broken::Wire)?;
        // A new socket has room for so little.
        let parts = [IoSlice::new(&self.out)];
        let sent = socket::send(self.fd.as_fd(), &parts, Some(memory), Wait::Block);
        match sent {
            Ok(count) if count == self.out.len() => {
                self.out.clear();
                Ok(())
            }
            _ => Err(Broken::Unreachable),
        }
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether another request can be sent.
    pub fn is_idle(&self) -> bool {
        self.client.is_idle()
            && self.decoder.is_empty()
            && self.out.is_empty()
            && self.files.is_empty()
    }

    /// Sends what waits, and then `header` and `data`.
    pub fn send(&mut self, header: &[u8], data: &[u8]) -> io::Result<()> {
        let mut parts = [
            IoSlice::new(&self.out),
            IoSlice::new(header),
            IoSlice::new(data),
        ];
        let mut slices = &mut parts[..];
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let count = socket::send(self.fd.as_fd(), slices, None, Wait::Block)?;
            IoSlice::advance_slices(&mut slices, count);
        }
        self.out.clear();
        self.out.shrink_to(MOST_KEPT);
        Ok(())
    }

    /// A new request: nothing is in the memory.
    pub fn begin(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.begin();
        }
    }

    /// How many bytes of the response are in the memory.
    pub fn filled(&self) -> Result<usize, Broken> {
        match &self.ring {
            Some(ring) if self.client.is_ring_used() => ring
                .available()
                .map_err(|_| Broken::Aborted("there is more in memory than fits".to_owned())),
            _ => Ok(0),
        }
    }

    /// Asks to be told of so many. False when they are there.
    pub fn wants(&mut self, count: usize) -> Result<bool, Broken> {
        if let Some(ring) = &mut self.ring
            && self.client.is_ring_used()
        {
            ring.want(count);
        }
        Ok(self.filled()? < count)
    }

    /// Was told.
    pub fn told(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.told();
        }
    }

    /// Whether something arrives in time.
    pub fn arrives_within(&self, time: Duration) -> bool {
        // What is wrong with it shows when it is received.
        poll::readable(self.fd.as_fd(), Some(time)).unwrap_or(true)
    }

    /// Waits for something, and receives it.
    pub fn receive(&mut self) -> io::Result<()> {
        let (count, file) = socket::receive(self.fd.as_fd(), self.decoder.space(), Wait::Block)?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        self.decoder.filled(count);
        self.files.extend(file);
        if self.files.len() > MOST_FILES {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok(())
    }
}
