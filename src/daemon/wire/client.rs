//! The host's side of a connection.

use super::abort::{self, Abort};
use super::credit;
use super::end::{self, End};
use super::error::Error;
use super::frame::{Flags, Frame, HEADER_LEN, Kind};
use super::head::{self, ResponseHead};
use super::hello::Identity;
use super::limit;
use super::log;
use super::request::{self, Beside, Ticket};
use super::send;
use super::turn::{Phase, Ring, Turn};
use super::writer::Writer;
use wsgi_core_abi::{Level, LogRecord, Request, SendFlags};

/// What a worker said.
#[derive(Clone, Debug)]
pub enum Reply<'a> {
    /// It is the worker that was meant.
    Hello,
    /// Application code has the request.
    Accepted,
    /// More of the body may be sent: see [`Client::credit`].
    Credit,
    /// The response head.
    Head(ResponseHead<'a>),
    /// A block of the response, or a piece of one: the flags are those to send it on with.
    Data(&'a [u8], SendFlags),
    /// A piece of a file. The descriptor came beside the frame.
    File {
        /// Where it begins.
        offset: u64,
        /// How long it is.
        length: u64,
        /// Flags to send it on with.
        flags: SendFlags,
    },
    /// Blocks of the response are in the memory that the two share.
    Filled,
    /// A record for the request's log.
    Log(LogRecord<'a>),
    /// The request is done and the connection free.
    End(End<'a>),
    /// The worker gave up, and the connection ends.
    Abort(Abort<'a>),
}

/// Protocol state of a connection, on the host's side. The functions that send append to `out` and do nothing
/// at all when they fail.
#[derive(Debug)]
pub struct Client {
    turn: Turn,
}

impl Client {
    /// A new connection to this worker; `out` receives the greeting. A request may follow at once.
    ///
    /// # Errors
    /// None in practice.
    pub fn connect(worker: Identity, out: &mut Vec<u8>) -> Result<Self, Error> {
        Turn::new(worker, out).map(|turn| Self { turn })
    }

    /// Gives the worker memory for blocks of responses. Its descriptor goes with the first byte of this frame.
    ///
    /// # Errors
    /// When it has some, or a request was sent before.
    pub fn ring(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.turn.ring != Ring::None || self.turn.phase != Phase::Idle {
            return Err(Error::OutOfTurn(Kind::Ring));
        }
        self.turn.ring = Ring::Unused;
        Writer::new(out, Kind::Ring, Flags::NONE).finish()
    }

    /// Tells that there is room in that memory.
    ///
    /// # Errors
    /// When there is no such memory.
    pub fn drained(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.turn.ring == Ring::None {
            return Err(Error::OutOfTurn(Kind::Drained));
        }
        Writer::new(out, Kind::Drained, Flags::NONE).finish()
    }

    /// Whether what is in that memory belongs to the response and comes before the next frame.
    #[must_use]
    pub fn is_ring_used(&self) -> bool {
        self.turn.phase == Phase::Headed && self.turn.ring == Ring::Used
    }

    /// Whether a request may be sent on this connection.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.turn.phase == Phase::Idle
    }

    /// Whether a frame told that application code has the last request. With a ticket, the board may know it
    /// earlier.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.turn.accepted
    }

    /// Whether the response has begun. The head of an error page does not begin it.
    #[must_use]
    pub fn is_headed(&self) -> bool {
        matches!(self.turn.phase, Phase::Headed | Phase::Complete)
    }

    /// How many bytes of the body may be sent now. Nothing is read from the client before this is more than 0.
    #[must_use]
    pub fn credit(&self) -> u32 {
        if self.turn.body_open {
            self.turn.credit.left()
        } else {
            0
        }
    }

    /// Sends a request with what there is of its body; `last` when that is all of it.
    ///
    /// # Errors
    /// When the connection is not idle, or the request is longer than it may be.
    pub fn request(
        &mut self,
        out: &mut Vec<u8>,
        request: &Request<'_>,
        log_level: Level,
        ticket: Ticket,
        first_body: &[u8],
        last: bool,
    ) -> Result<(), Error> {
        if self.turn.phase != Phase::Idle {
            return Err(Error::OutOfTurn(Kind::Request));
        }
        request::encode(
            out,
            request,
            &Beside {
                log_level,
                ticket,
                first_body,
                last,
            },
        )?;
        self.turn.begin(!last);
        Ok(())
    }

    /// Header of a frame with `length` bytes of the body, within the credit. The bytes themselves are sent right
    /// after it, from where they are.
    ///
    /// # Errors
    /// When no body is due, or `length` is beyond the credit or [`limit::BLOCK`].
    pub fn body(&mut self, length: usize, last: bool) -> Result<[u8; HEADER_LEN], Error> {
        self.check_body()?;
        let flags = if last { Flags::LAST } else { Flags::NONE };
        let header = send::block_header(Kind::Body, flags, length)?;
        self.turn.credit.spend(length)?;
        self.turn.body_open = !last;
        Ok(header)
    }

    /// Tells that the rest of the body can't be read, and why.
    ///
    /// # Errors
    /// When no body is due.
    pub fn body_failed(&mut self, out: &mut Vec<u8>, reason: &[u8]) -> Result<(), Error> {
        self.check_body()?;
        let mut writer = Writer::new(out, Kind::Body, Flags::FAILED);
        writer.raw(&reason[..reason.len().min(limit::REASON)]);
        writer.finish()?;
        self.turn.body_open = false;
        Ok(())
    }

    fn check_body(&self) -> Result<(), Error> {
        if self.turn.in_request() && self.turn.body_open {
            Ok(())
        } else {
            Err(Error::OutOfTurn(Kind::Body))
        }
    }

    /// Tells that nobody wants the response any more. What still arrives is of no use, up to the end frame.
    ///
    /// # Errors
    /// When there is no request, or it was aborted before.
    pub fn abort(&mut self, out: &mut Vec<u8>, abort: &Abort<'_>) -> Result<(), Error> {
        if !self.turn.in_request() || self.turn.aborted {
            return Err(Error::OutOfTurn(Kind::Abort));
        }
        abort::encode(out, abort)?;
        self.turn.aborted = true;
        self.turn.body_open = false;
        Ok(())
    }

    /// Takes a frame in.
    ///
    /// # Errors
    /// When the worker broke the protocol: the connection is closed from then on.
    pub fn receive<'a>(&mut self, frame: Frame<'a>) -> Result<Reply<'a>, Error> {
        let reply = self.take(frame);
        if reply.is_err() {
            self.turn.phase = Phase::Closed;
        }
        reply
    }

    fn take<'a>(&mut self, frame: Frame<'a>) -> Result<Reply<'a>, Error> {
        self.check_turn(frame)?;
        self.turn.accepted |= matches!(
            frame.header.kind,
            Kind::Accepted | Kind::Credit | Kind::Head
        );
        match frame.header.kind {
            Kind::Hello => self.hello(frame),
            Kind::Accepted => Ok(Reply::Accepted),
            Kind::Credit => {
                self.turn.credit.grant(credit::decode(frame)?)?;
                Ok(Reply::Credit)
            }
            Kind::Head => self.head(frame),
            Kind::Data if self.turn.ring == Ring::Used && !frame.payload.is_empty() => {
                Err(Error::Unexpected(Kind::Data))
            }
            Kind::Data => Ok(Reply::Data(frame.payload, self.sent(frame))),
            Kind::File => {
                let (offset, length) = send::decode_file(frame)?;
                self.turn.file();
                Ok(Reply::File {
                    offset,
                    length,
                    flags: self.sent(frame),
                })
            }
            Kind::Filled => {
                self.turn.ring = Ring::Used;
                Ok(Reply::Filled)
            }
            Kind::Log => log::decode(frame).map(Reply::Log),
            Kind::End => self.end(frame),
            Kind::Abort => self.aborted_by_worker(frame),
            Kind::Request | Kind::Body | Kind::Ring | Kind::Drained => {
                Err(Error::Unexpected(frame.header.kind))
            }
        }
    }

    fn check_turn(&self, frame: Frame<'_>) -> Result<(), Error> {
        let kind = frame.header.kind;
        let in_turn = match kind {
            Kind::Hello => !self.turn.greeted && self.turn.phase != Phase::Closed,
            Kind::Abort => self.turn.phase != Phase::Closed,
            _ if !self.turn.greeted => false,
            Kind::Accepted => self.turn.phase == Phase::Begun && !self.turn.accepted,
            Kind::Head => self.turn.phase == Phase::Begun,
            Kind::Data | Kind::File => self.turn.phase == Phase::Headed,
            Kind::Filled => {
                self.turn.phase == Phase::Headed
                    && matches!(self.turn.ring, Ring::Unused | Ring::Used)
            }
            Kind::Credit | Kind::Log | Kind::End => self.turn.in_request(),
            Kind::Request | Kind::Body | Kind::Ring | Kind::Drained => false,
        };
        if in_turn {
            Ok(())
        } else {
            Err(Error::Unexpected(kind))
        }
    }

    fn hello<'a>(&mut self, frame: Frame<'a>) -> Result<Reply<'a>, Error> {
        self.turn.greet(frame)?;
        Ok(Reply::Hello)
    }

    fn head<'a>(&mut self, frame: Frame<'a>) -> Result<Reply<'a>, Error> {
        let head = head::decode(frame)?;
        self.turn.phase = if head.is_error_page() {
            Phase::ErrorPage
        } else {
            Phase::Headed
        };
        Ok(Reply::Head(head))
    }

    /// Flags of a block that arrived, or of a piece of it.
    fn sent(&mut self, frame: Frame<'_>) -> SendFlags {
        let flags = send::from_wire(frame);
        if flags.has(SendFlags::END) {
            self.turn.phase = Phase::Complete;
        }
        flags
    }

    /// What arrived counts, not what the worker says about it: nothing is complete that has no end.
    fn end<'a>(&mut self, frame: Frame<'a>) -> Result<Reply<'a>, Error> {
        let mut end = end::decode(frame)?;
        end.outcome.head_sent = self.is_headed();
        end.outcome.complete &= self.turn.phase != Phase::Headed;
        self.turn.phase = Phase::Idle;
        self.turn.body_open = false;
        Ok(Reply::End(end))
    }

    /// A request that application code had can't be refused.
    fn aborted_by_worker<'a>(&mut self, frame: Frame<'a>) -> Result<Reply<'a>, Error> {
        let abort = abort::decode(frame)?;
        if abort.may_retry() && self.is_accepted() {
            return Err(Error::Unexpected(Kind::Abort));
        }
        self.turn.phase = Phase::Closed;
        Ok(Reply::Abort(abort))
    }
}
