//! One request over one connection: frames in, the host's exchange out.

use super::super::ring;
use super::super::settings::GroupSettings;
use super::super::slots::Lease;
use super::super::wire::{Client, End, Kind, Reply, Ticket, limit};
use super::broken::Broken;
use super::connection::Connection;
use super::output::Output;
use super::upload::Upload;
use super::{Body, Downstream, Facts, Finished};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;
use wsgi_core_abi::{Head, Outcome, ReadFailure, Request, SendFlags};

/// A request on its way.
#[derive(Debug)]
pub struct Relay<'d, D> {
    down: &'d mut D,
    upload: Upload,
    facts: Facts,
    /// Something was read from the client, which can't be done twice.
    touched: bool,
    /// The host has the whole response.
    complete: bool,
    /// The worker has said that it is done.
    ended: bool,
    /// What had arrived of the body before the request was sent, to go along with it.
    first: Option<Vec<u8>>,
    buffer: Vec<u8>,
    output: Output,
    /// How long a header field may be.
    longest: usize,
    /// How long the client may take nothing.
    send_timeout: Duration,
}

/// How much of a body is sent at once.
const PIECE: usize = 64 << 10;
/// How much a host may have without having to send it on, where nothing else is set.
const UNFLUSHED: usize = 8 << 20;
/// What is in shared memory leaves when it is so much, and need not wait for more.
const ENOUGH: usize = 64 << 10;
/// What stands between name and value of a header field.
const SEPARATOR: usize = ": ".len();

impl<'d, D: Downstream> Relay<'d, D> {
    pub fn new(down: &'d mut D, body: Body, settings: &GroupSettings) -> Self {
        let or = |value: u32, default: usize| match value {
            0 => default,
            value => value as usize,
        };
        let most = or(settings.response_buffer_size, UNFLUSHED);
        let timeouts = [settings.response_socket_timeout, settings.socket_timeout];
        let send_timeout = timeouts.into_iter().find(|timeout| !timeout.is_zero());
        Self {
            down,
            upload: Upload::new(body),
            facts: Facts::default(),
            touched: false,
            complete: false,
            ended: false,
            first: None,
            buffer: Vec::new(),
            output: Output::new(settings.response_flush_delay, most as u64),
            longest: or(settings.header_buffer_size, usize::MAX),
            send_timeout: send_timeout.unwrap_or_default(),
        }
    }

    /// How far it came.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// Whether something was read from the client.
    pub fn is_touched(&self) -> bool {
        self.touched
    }

    /// Whether it may be tried again.
    pub fn is_untouched(&self) -> bool {
        !self.touched && !self.facts.head_sent
    }

    /// Whether the worker has said that it is done.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Sends the request, and relays until its end.
    pub fn run(
        &mut self,
        connection: &mut Connection,
        lease: &Lease<'_>,
        request: &Request<'_>,
    ) -> Result<Finished, Broken> {
        let ticket = Ticket {
            slot: lease.slot(),
            serial: lease.serial(),
        };
        let level = self.down.log_level();
        let first = self.first.take().unwrap_or_else(|| self.read_first());
        let last = self.upload.has_ended();
        let Connection { client, out, .. } = &mut *connection;
        let sent = client.request(out, request, level, ticket, &first, last);
        self.first = Some(first);
        sent?;
        connection.begin();
        let used = std::mem::replace(&mut connection.used, true);
        if let Err(error) = connection.send(&[], &[]) {
            return Err(if used {
                Broken::Stale
            } else {
                Broken::from_io(&error)
            });
        }
        let mut silent = true;
        loop {
            if let Some(finished) = self.take_frames(connection)? {
                return Ok(finished);
            }
            if let Err(error) = self.receive(connection)? {
                self.drain(connection)?;
                self.let_go(SendFlags::FLUSH)?;
                if self.complete {
                    return Ok(self.completed());
                }
                return Err(match Broken::from_io(&error) {
                    Broken::Lost if used && silent => Broken::Stale,
                    broken => broken,
                });
            }
            silent = false;
        }
    }

    /// Receives frames. What has to leave meanwhile waits only so long for more to leave with it.
    fn receive(&mut self, connection: &mut Connection) -> Result<io::Result<()>, Broken> {
        loop {
            let count = connection.filled()?;
            if count > 0 {
                self.output.note();
            }
            let Some(left) = self.output.patience() else {
                if connection.wants(1)? {
                    return Ok(connection.receive());
                }
                continue;
            };
            if count < ENOUGH
                && !left.is_zero()
                && connection.wants(ENOUGH)?
                && connection.arrives_within(left)
            {
                return Ok(connection.receive());
            }
            self.drain(connection)?;
            self.let_go(SendFlags::FLUSH)?;
        }
    }

    /// Sends on what is in the memory that is shared with the worker.
    fn drain(&mut self, connection: &mut Connection) -> Result<(), Broken> {
        loop {
            let available = connection.filled()?;
            let Some(memory) = connection.ring.as_mut().filter(|_| available > 0) else {
                return Ok(());
            };
            // The worker fills one half while the other leaves.
            let count = memory.next(available.min(ring::SIZE / 2)).len();
            let flags = if memory.must_flush(count) {
                SendFlags::FLUSH.with(SendFlags::FOREIGN)
            } else {
                SendFlags::FOREIGN
            };
            let sent = self.output.pass(self.down, memory.next(count), flags);
            self.facts.bytes_out += sent.map_err(|_| Broken::Host)?;
            if memory.take(count) {
                let Connection { client, out, .. } = &mut *connection;
                client.drained(out)?;
                connection
                    .send(&[], &[])
                    .map_err(|error| Broken::from_io(&error))?;
            }
        }
    }

    /// What has arrived of a body with a length, to go along with the request.
    fn read_first(&mut self) -> Vec<u8> {
        let length = self.upload.length().unwrap_or(0);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let mut first = vec![0; size.min(limit::FIRST_BODY)];
        // What goes wrong does so again when the application reads.
        let count = self.upload.fill(self.down, &mut first).unwrap_or(0);
        first.truncate(count);
        self.facts.bytes_in = self.upload.count();
        first
    }

    /// Handles what has arrived.
    fn take_frames(&mut self, connection: &mut Connection) -> Result<Option<Finished>, Broken> {
        loop {
            // What is in the memory came before every frame but the one that tells of it.
            match connection.decoder.upcoming()? {
                Some(header) if header.kind != Kind::Filled => self.drain(connection)?,
                _ => {}
            }
            let Some(frame) = connection.decoder.frame()? else {
                return Ok(None);
            };
            match connection.client.receive(frame)? {
                Reply::Hello | Reply::Accepted => {}
                Reply::Filled => connection.told(),
                Reply::Head(head) => {
                    self.send_head(&head.head())?;
                }
                Reply::Data(bytes, flags) => {
                    let sent = self.output.put(self.down, bytes, flags);
                    self.sent(sent.map_err(|_| Broken::Host)?, flags);
                }
                Reply::File {
                    offset,
                    length,
                    flags,
                } => {
                    self.let_go(SendFlags::MORE)?;
                    let file = connection.files.pop_front();
                    self.send_file(file, offset, length, flags)?;
                }
                Reply::Log(record) => self.down.log(&record),
                Reply::End(end) => {
                    self.ended = true;
                    self.let_go(SendFlags::FLUSH)?;
                    return Ok(Some(self.end(&end)));
                }
                Reply::Abort(abort) => {
                    self.let_go(SendFlags::FLUSH)?;
                    return Err(Broken::from_abort(&abort));
                }
                Reply::Credit => self.feed(connection)?,
            }
        }
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Broken> {
        let length = |field: &wsgi_core_abi::Pair<'_>| {
            field.name.as_slice().len() + SEPARATOR + field.value.as_slice().len()
        };
        let mut fields = head.headers.as_slice().iter();
        if let Some(field) = fields.find(|field| length(field) > self.longest) {
            let name = String::from_utf8_lossy(field.name.as_slice());
            return Err(Broken::HeaderTooLong(name.into_owned()));
        }
        if !self.send_timeout.is_zero() {
            self.down.set_send_timeout(self.send_timeout);
        }
        self.facts.code = head.code;
        // An error page is the host's own answer, and is still to be sent.
        self.facts.head_sent = !head.error_page;
        self.down.send_head(head).map_err(|_| Broken::Host)
    }

    /// Lets go of what waits for more.
    fn let_go(&mut self, flags: SendFlags) -> Result<(), Broken> {
        let sent = self.output.let_go(self.down, flags);
        self.facts.bytes_out += sent.map_err(|_| Broken::Host)?;
        Ok(())
    }

    fn sent(&mut self, bytes: u64, flags: SendFlags) {
        self.facts.bytes_out += bytes;
        self.complete |= flags.has(SendFlags::END);
    }

    fn send_file(
        &mut self,
        file: Option<OwnedFd>,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Broken> {
        let wrong = |what: &str| Broken::Aborted(what.to_owned());
        let file = file.ok_or_else(|| wrong("a file came without its descriptor"))?;
        let file = File::from(file);
        // Reading anything else could block, or have effects.
        if !file.metadata().is_ok_and(|data| data.is_file()) {
            return Err(wrong("the descriptor that came is not of a file"));
        }
        self.down
            .send_file(
                file.as_raw_fd(),
                offset,
                length,
                flags.with(SendFlags::FOREIGN),
            )
            .map_err(|_| Broken::Host)?;
        self.sent(length, flags);
        Ok(())
    }

    fn end(&self, end: &End<'_>) -> Finished {
        let outcome = Outcome {
            head_sent: self.facts.head_sent,
            bytes_in: end.outcome.bytes_in,
            bytes_out: self.facts.bytes_out,
            ..end.outcome
        };
        let text = String::from_utf8_lossy(end.text.as_slice()).into_owned();
        Finished {
            outcome,
            id: end.id,
            text,
        }
    }

    /// The worker has gone, but the client has everything.
    fn completed(&self) -> Finished {
        let outcome = Outcome {
            code: self.facts.code,
            head_sent: true,
            complete: true,
            bytes_in: self.facts.bytes_in,
            bytes_out: self.facts.bytes_out,
            ..Outcome::default()
        };
        Finished {
            outcome,
            id: wsgi_core_abi::MessageId::NONE,
            text: String::new(),
        }
    }

    /// The application reads the body: sends what there is of it, after waiting for at least something.
    fn feed(&mut self, connection: &mut Connection) -> Result<(), Broken> {
        let credit = connection.client.credit() as usize;
        if credit == 0 {
            return Ok(());
        }
        self.touched = true;
        self.buffer.resize(credit.min(PIECE), 0);
        let (count, last) = match self.read() {
            Ok(read) => read,
            Err(Unread::Broken(broken)) => return Err(broken),
            Err(Unread::Failed(failure)) => {
                let Connection { client, out, .. } = connection;
                Client::body_failed(client, out, &failure.reason)?;
                return connection
                    .send(&[], &[])
                    .map_err(|error| Broken::from_io(&error));
            }
        };
        let header = connection.client.body(count, last)?;
        match connection.send(&header, &self.buffer[..count]) {
            Ok(()) => Ok(()),
            // What it said before it closed the connection may still be read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Broken::from_io(&error)),
        }
    }

    /// Fills the buffer with what there is, and tells whether that was the last of it.
    fn read(&mut self) -> Result<(usize, bool), Unread> {
        let mut count = self.upload.fill(self.down, &mut self.buffer)?;
        if count == 0 && !self.upload.has_ended() {
            // The client may wait for it before it sends more.
            self.let_go(SendFlags::FLUSH).map_err(Unread::Broken)?;
            count = self.upload.wait(self.down, &mut self.buffer)?;
        }
        self.facts.bytes_in = self.upload.count();
        Ok((count, self.upload.has_ended()))
    }
}

/// Why there is nothing of the body.
enum Unread {
    /// The client did not send it.
    Failed(ReadFailure),
    /// It could not be told to.
    Broken(Broken),
}

impl From<ReadFailure> for Unread {
    fn from(failure: ReadFailure) -> Self {
        Self::Failed(failure)
    }
}
