//! Unix stream sockets: names without a place in the file system, peers, and descriptors on the way.

use super::{check, check_size};
use std::io::{self, IoSlice};
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Name of a socket: a path, or after a NUL a name that belongs to no file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Vec<u8>);

impl Address {
    /// A path, or a name that begins with a NUL.
    #[must_use]
    pub fn new(name: Vec<u8>) -> Self {
        Self(name)
    }

    /// Its path, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        (self.0.first() != Some(&0)).then_some(self.0.as_slice())
    }

    fn raw(&self) -> io::Result<(libc::sockaddr_un, libc::socklen_t)> {
        // SAFETY: zero is a value of this plain structure.
        let mut raw: libc::sockaddr_un = unsafe { zeroed() };
        raw.sun_family = libc::AF_UNIX as libc::sa_family_t;
        // A path needs its NUL.
        if self.0.len() >= raw.sun_path.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the name of the socket is too long",
            ));
        }
        for (to, from) in raw.sun_path.iter_mut().zip(&self.0) {
            *to = *from as libc::c_char;
        }
        let length =
            size_of::<libc::sa_family_t>() + self.0.len() + usize::from(self.path().is_some());
        Ok((raw, length as libc::socklen_t))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path() {
            Some(path) => write!(out, "{}", String::from_utf8_lossy(path)),
            None => write!(out, "@{}", String::from_utf8_lossy(&self.0[1..])),
        }
    }
}

/// Sizes of a socket's buffers; 0 leaves them as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Buffers {
    /// For sending.
    pub send: u32,
    /// For receiving.
    pub receive: u32,
}

fn new(flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: the result is a new descriptor.
    unsafe {
        let fd = check(libc::socket(
            libc::AF_UNIX,
            libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags,
            0,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

fn set<T>(fd: BorrowedFd<'_>, name: libc::c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: a live value of that length.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            std::ptr::from_ref(value).cast(),
            length,
        )
    })
    .map(drop)
}

impl Buffers {
    /// Gives a socket buffers of these sizes. What a listener has its connections do not inherit.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn apply(self, fd: BorrowedFd<'_>) -> io::Result<()> {
        for (name, size) in [
            (libc::SO_SNDBUF, self.send),
            (libc::SO_RCVBUF, self.receive),
        ] {
            if size > 0 {
                let size = libc::c_int::try_from(size).unwrap_or(libc::c_int::MAX);
                set(fd, name, &size)?;
            }
        }
        Ok(())
    }
}

/// A socket that waits for connections, without blocking.
///
/// # Errors
/// When the name is taken or too long, or the system refuses.
pub fn listen(address: &Address, backlog: u32) -> io::Result<OwnedFd> {
    let fd = new(libc::SOCK_NONBLOCK)?;
    let (raw, length) = address.raw()?;
    // SAFETY: a live address of that length. The mask is that of the process, which for a moment makes no other
    // files either that others may use: a file must not be there with any other mode, not even for a moment.
    unsafe {
        let mask = address.path().map(|_| libc::umask(0o077));
        let bound = check(libc::bind(fd.as_raw_fd(), (&raw const raw).cast(), length));
        if let Some(mask) = mask {
            libc::umask(mask);
        }
        bound?;
        check(libc::listen(fd.as_raw_fd(), backlog as libc::c_int))?;
    }
    Ok(fd)
}

/// A blocking connection. Where the queue of the listener is full, the call waits `timeout` at most.
///
/// # Errors
/// When nobody listens there, or the system refuses.
pub fn connect(address: &Address, timeout: Duration, buffers: Buffers) -> io::Result<OwnedFd> {
    let fd = new(0)?;
    set(fd.as_fd(), libc::SO_SNDTIMEO, &time(timeout))?;
    buffers.apply(fd.as_fd())?;
    let (raw, length) = address.raw()?;
    super::retry(|| {
        // SAFETY: a live address of that length.
        check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const raw).cast(), length) })
    })?;
    Ok(fd)
}

/// The next connection of a listener, blocking once it is there.
///
/// # Errors
/// When there is none, or the system refuses.
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: no address is asked for; the result is a new descriptor.
    unsafe {
        let none = std::ptr::null_mut();
        let fd = check(libc::accept4(
            listener.as_raw_fd(),
            none,
            std::ptr::null_mut(),
            libc::SOCK_CLOEXEC,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Two connected sockets that keep the bounds of messages, non-blocking.
///
/// # Errors
/// When the system has no descriptor left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: room for two descriptors, which are new.
    unsafe {
        check(libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// How long receiving and sending may block; zero is for ever.
///
/// # Errors
/// When the system refuses.
pub fn set_timeouts(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<()> {
    set(fd, libc::SO_RCVTIMEO, &time(timeout))?;
    set(fd, libc::SO_SNDTIMEO, &time(timeout))
}

fn time(duration: Duration) -> libc::timeval {
    libc::timeval {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: libc::suseconds_t::from(duration.subsec_micros()),
    }
}

/// Who is at the other end: for the side that connected, whoever made the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process.
    pub pid: u32,
    /// Its effective user, when it connected or listened.
    pub uid: u32,
}

/// Asks the system who is at the other end.
///
/// # Errors
/// When the socket is not connected.
pub fn peer(fd: BorrowedFd<'_>) -> io::Result<Peer> {
    // SAFETY: zero is a value of this plain structure.
    let mut raw: libc::ucred = unsafe { zeroed() };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: room for an answer of that length.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut raw).cast(),
            &raw mut length,
        )
    })?;
    Ok(Peer {
        pid: u32::try_from(raw.pid).unwrap_or(0),
        uid: raw.uid,
    })
}

/// Whether a call may block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as the timeouts of the socket say.
    Block,
    /// It may not.
    Never,
}

impl Wait {
    const fn flag(self) -> libc::c_int {
        match self {
            Self::Block => 0,
            Self::Never => libc::MSG_DONTWAIT,
        }
    }
}

/// Room for one descriptor beside the data.
#[repr(C)]
union Control {
    room: [u8; 32],
    align: libc::cmsghdr,
}

const DESCRIPTOR: libc::c_uint = size_of::<RawFd>() as libc::c_uint;

/// Sends from several places at once, and a descriptor with the first byte if there is one. Gives how many bytes
/// were taken.
///
/// # Errors
/// When the peer is gone, or the call would block longer than it may.
pub fn send(
    fd: BorrowedFd<'_>,
    parts: &[IoSlice<'_>],
    descriptor: Option<BorrowedFd<'_>>,
    wait: Wait,
) -> io::Result<usize> {
    let mut control = Control { room: [0; 32] };
    // SAFETY: zero is a value of this plain structure.
    let mut message: libc::msghdr = unsafe { zeroed() };
    // An `IoSlice` has the layout of an `iovec`, and sending changes neither.
    message.msg_iov = parts.as_ptr().cast_mut().cast();
    message.msg_iovlen = parts.len() as _;
    if let Some(descriptor) = descriptor {
        message.msg_control = (&raw mut control).cast();
        // SAFETY: the room is large enough for one descriptor, which is written where the macros say.
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(DESCRIPTOR) as _;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(DESCRIPTOR) as _;
            libc::CMSG_DATA(header)
                .cast::<RawFd>()
                .write_unaligned(descriptor.as_raw_fd());
        }
    }
    let flags = libc::MSG_NOSIGNAL | wait.flag();
    // SAFETY: a message whose parts live for the call.
    super::retry(|| check_size(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, flags) }))
}

/// Receives what there is, and the descriptor that came with it.
///
/// # Errors
/// When the connection broke, or the call would block longer than it may.
pub fn receive(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    wait: Wait,
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut control = Control { room: [0; 32] };
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: zero is a value of this plain structure.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    let flags = libc::MSG_CMSG_CLOEXEC | wait.flag();
    let count = super::retry(|| {
        // SAFETY: a message with a live buffer and room for what comes beside.
        check_size(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, flags) })
    })?;
    Ok((count, descriptor(&message)))
}

/// The first descriptor beside a message. There is room for two, and none is left open.
fn descriptor(message: &libc::msghdr) -> Option<OwnedFd> {
    let mut found = None;
    // SAFETY: the system filled the room in, and the descriptors in it are new.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        if header.is_null()
            || (*header).cmsg_level != libc::SOL_SOCKET
            || (*header).cmsg_type != libc::SCM_RIGHTS
        {
            return None;
        }
        let length = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
        let data = libc::CMSG_DATA(header).cast::<RawFd>();
        for index in (0..length / size_of::<RawFd>()).rev() {
            found = Some(OwnedFd::from_raw_fd(data.add(index).read_unaligned()));
        }
    }
    found
}

/// Receives without control data.
///
/// # Errors
/// As for [`receive`].
pub fn receive_bytes(fd: BorrowedFd<'_>, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
    super::retry(|| {
        // SAFETY: a live buffer.
        check_size(unsafe {
            libc::recv(
                fd.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                wait.flag(),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn address(name: &str) -> Address {
        let mut bytes = vec![0];
        bytes.extend_from_slice(format!("wsgi-core-test.{}.{name}", std::process::id()).as_bytes());
        Address::new(bytes)
    }

    #[test]
    fn both_ends_know_each_other() {
        let address = address("peers");
        let listener = listen(&address, 5).unwrap();
        let client = connect(&address, Duration::from_secs(5), Buffers::default()).unwrap();
        let server = accept(listener.as_fd()).unwrap();
        let own = Peer {
            pid: std::process::id(),
            uid: super::super::account::own_uid(),
        };
        assert_eq!(peer(client.as_fd()).unwrap(), own);
        assert_eq!(peer(server.as_fd()).unwrap(), own);
        assert_eq!(
            accept(listener.as_fd()).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        drop(listener);
        let refused = connect(&address, Duration::from_secs(5), Buffers::default());
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }

    #[test]
    fn descriptors_arrive_with_the_first_byte() {
        let address = address("descriptors");
        let listener = listen(&address, 5).unwrap();
        let client = connect(&address, Duration::from_secs(5), Buffers::default()).unwrap();
        let server = accept(listener.as_fd()).unwrap();
        send(
            server.as_fd(),
            &[IoSlice::new(b"before")],
            None,
            Wait::Block,
        )
        .unwrap();
        let file = super::super::fd::memory_file(c"test", b"content").unwrap();
        send(
            server.as_fd(),
            &[IoSlice::new(b"wi"), IoSlice::new(b"th")],
            Some(file.as_fd()),
            Wait::Block,
        )
        .unwrap();
        send(server.as_fd(), &[IoSlice::new(b"after")], None, Wait::Block).unwrap();
        let (mut text, mut found) = (Vec::new(), Vec::new());
        while text.len() < 15 {
            let mut buffer = [0; 64];
            let (count, descriptor) = receive(client.as_fd(), &mut buffer, Wait::Block).unwrap();
            text.extend_from_slice(&buffer[..count]);
            found.extend(descriptor);
        }
        assert_eq!(text, b"beforewithafter");
        assert_eq!(found.len(), 1);
        let mut content = String::new();
        let mut file = std::fs::File::from(found.remove(0));
        std::io::Seek::rewind(&mut file).unwrap();
        file.read_to_string(&mut content).unwrap();
        assert_eq!(content, "content");
    }

    #[test]
    fn silence_ends_with_a_timeout() {
        let (one, _other) = pair().unwrap();
        assert_eq!(
            receive_bytes(one.as_fd(), &mut [0; 1], Wait::Never)
                .unwrap_err()
                .kind(),
            io::ErrorKind::WouldBlock
        );
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let long = Address::new(vec![b'/'; 200]);
        assert_eq!(
            listen(&long, 5).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }
}
