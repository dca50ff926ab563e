//! What supervisor and worker tell each other.
#![forbid(unsafe_code)]

use super::sys::socket;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// One end of the link. Each message is a byte or two, and none is lost or cut.
#[derive(Debug)]
pub struct Link(OwnedFd);

/// Why a worker is replaced, by the names that applications see.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// SIGTERM or SIGINT, or the end of the supervisor.
    ShutdownSignal = 1,
    /// SIGUSR1.
    GracefulSignal = 2,
    /// SIGUSR1, with a timeout of its own.
    EvictionSignal = 3,
    /// It has served as many requests as it should.
    MaximumRequests = 4,
    /// It is old enough.
    RestartInterval = 5,
    /// Nothing happened for long enough.
    InactivityTimeout = 6,
    /// A request took too long.
    RequestTimeout = 7,
    /// The first request took too long to load its script.
    StartupTimeout = 8,
    /// It used too much processor time.
    CpuTimeLimit = 9,
    /// A script has changed.
    ScriptReload = 10,
    /// It serves no requests, and the scripts that it was for have returned.
    ScriptsEnded = 11,
}

impl Reason {
    const ALL: [Self; 11] = [
        Self::ShutdownSignal,
        Self::GracefulSignal,
        Self::EvictionSignal,
        Self::MaximumRequests,
        Self::RestartInterval,
        Self::InactivityTimeout,
        Self::RequestTimeout,
        Self::StartupTimeout,
        Self::CpuTimeLimit,
        Self::ScriptReload,
        Self::ScriptsEnded,
    ];

    /// What an operator reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ShutdownSignal => "it was told to stop",
            Self::GracefulSignal | Self::EvictionSignal => "it was told to stop gracefully",
            Self::MaximumRequests => "it has served maximum-requests",
            Self::RestartInterval => "restart-interval is over",
            Self::InactivityTimeout => "inactivity-timeout is over",
            Self::RequestTimeout => "request-timeout is over",
            Self::StartupTimeout => "startup-timeout is over",
            Self::CpuTimeLimit => "cpu-time-limit is used up",
            Self::ScriptReload => "a script has changed",
            Self::ScriptsEnded => "its scripts have ended",
        }
    }

    /// Whether requests may still finish, within `eviction-timeout` or `graceful-timeout`.
    pub const fn is_graceful(self) -> bool {
        !matches!(
            self,
            Self::ShutdownSignal | Self::InactivityTimeout | Self::StartupTimeout
        )
    }
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Worker: it takes requests.
    Ready,
    /// Worker: it wants to be replaced, once what it has is done.
    Retire(Reason),
    /// Worker: it takes no more requests and ends.
    Stopping(Reason),
    /// Supervisor: end.
    Stop,
}

impl Link {
    /// Both ends.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let (one, other) = socket::pair()?;
        Ok((Self(one), other))
    }

    /// The end that this process was given.
    pub fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Sends a message. The other end not being there is noticed elsewhere.
    pub fn send(&self, message: Message) {
        let bytes = match message {
            Message::Ready => [1, 0],
            Message::Retire(reason) => [2, reason as u8],
            Message::Stopping(reason) => [3, reason as u8],
            Message::Stop => [4, 0],
        };
        let _ = socket::send(
            self.0.as_fd(),
            &[IoSlice::new(&bytes)],
            None,
            socket::Wait::Never,
        );
    }

    /// The next message; `None` when there is none at present.
    ///
    /// # Errors
    /// When the other end is gone, or says what can't be understood.
    pub fn receive(&self) -> io::Result<Option<Message>> {
        let mut bytes = [0; 2];
        let count = match socket::receive_bytes(self.0.as_fd(), &mut bytes, socket::Wait::Never) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            result => result?,
        };
        let reason = || {
            Reason::ALL
                .into_iter()
                .find(|reason| *reason as u8 == bytes[1])
        };
        let message = match (count, bytes[0]) {
            (2, 1) => Some(Message::Ready),
            (2, 2) => reason().map(Message::Retire),
            (2, 3) => reason().map(Message::Stopping),
            (2, 4) => Some(Message::Stop),
            _ => None,
        };
        message
            .map(Some)
            .ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
