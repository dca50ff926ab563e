//! The worker's side of a connection.

use super::abort::{self, Abort};
use super::credit;
use super::end::{self, End};
use super::error::Error;
use super::frame::{Flags, Frame, HEADER_LEN, Kind};
use super::head;
use super::hello::Identity;
use super::log;
use super::request::{self, RequestHead};
use super::send;
use super::turn::{Phase, Ring, Turn};
use super::writer::Writer;
use wsgi_core_abi::{Head, LogRecord, SendFlags};

/// What a host said.
#[derive(Clone, Debug)]
pub enum Order<'a> {
    /// It means this worker.
    Hello,
    /// A request.
    Request(RequestHead<'a>),
    /// Some of the body, or a piece of it.
    Body {
        /// The bytes.
        bytes: &'a [u8],
        /// Nothing follows.
        last: bool,
    },
    /// The rest of the body can't be read: the system's words.
    BodyFailed(&'a [u8]),
    /// There is memory for blocks of responses; its descriptor came beside the frame.
    Ring,
    /// There is room in it.
    Drained,
    /// Nobody wants the response any more.
    Abort(Abort<'a>),
    /// Sent for the request before, while its end was on the way; of no use.
    Late,
}

/// Protocol state of a connection, on the worker's side. The functions that send append to `out` and do nothing
/// at all when they fail.
#[derive(Debug)]
pub struct Server {
    turn: Turn,
}

impl Server {
    /// A new connection to this worker; `out` receives the greeting.
    ///
    /// # Errors
    /// None in practice.
    pub fn accept(worker: Identity, out: &mut Vec<u8>) -> Result<Self, Error> {
        Turn::new(worker, out).map(|turn| Self { turn })
    }

    /// Whether no request is being served.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.turn.phase == Phase::Idle
    }

    /// Whether more of the body will come, if credit is given.
    #[must_use]
    pub fn is_body_open(&self) -> bool {
        self.turn.body_open
    }

    /// Bytes of the body that were granted and have not arrived.
    #[must_use]
    pub fn credit_left(&self) -> u32 {
        self.turn.credit.left()
    }

    /// Whether the host wants no response any more.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.turn.aborted
    }

    /// Notes that application code gets the request now. The host is told by a frame, to be sent before that
    /// code runs, unless the request has a ticket: then the worker marks it on the board, and nothing is written.
    ///
    /// # Errors
    /// When there is no request, or it was accepted before.
    pub fn accepted(&mut self, out: &mut Vec<u8>, by_ticket: bool) -> Result<(), Error> {
        if self.turn.phase != Phase::Begun || self.turn.accepted {
            return Err(Error::OutOfTurn(Kind::Accepted));
        }
        if !by_ticket {
            Writer::new(out, Kind::Accepted, Flags::NONE).finish()?;
        }
        self.turn.accepted = true;
        Ok(())
    }

    /// Asks for `bytes` more of the body, because the application reads it.
    ///
    /// # Errors
    /// When nothing of the body is to come, or more than [`super::limit::CREDIT`] would be on the way.
    pub fn grant(&mut self, out: &mut Vec<u8>, bytes: u32) -> Result<(), Error> {
        if !self.has_request() || !self.turn.body_open || bytes == 0 {
            return Err(Error::OutOfTurn(Kind::Credit));
        }
        self.turn.credit.grant(bytes)?;
        credit::encode(out, bytes)
    }

    /// Sends the response head.
    ///
    /// # Errors
    /// When it was sent, application code does not have the request, or the head is longer than it may be.
    pub fn head(&mut self, out: &mut Vec<u8>, head: &Head<'_>) -> Result<(), Error> {
        if self.turn.phase != Phase::Begun || !self.turn.accepted {
            return Err(Error::OutOfTurn(Kind::Head));
        }
        head::encode(out, head)?;
        self.turn.phase = if head.error_page {
            Phase::ErrorPage
        } else {
            Phase::Headed
        };
        Ok(())
    }

    /// Header of a block of at most [`super::limit::BLOCK`] bytes. The bytes themselves are sent right after it, from
    /// where they are, or appended to the same buffer if they are few.
    ///
    /// # Errors
    /// When there is no head, the response is complete or the block is too long.
    pub fn block(&mut self, length: usize, flags: SendFlags) -> Result<[u8; HEADER_LEN], Error> {
        self.check_block(Kind::Data)?;
        if self.is_ring_used() && length > 0 {
            return Err(Error::OutOfTurn(Kind::Data));
        }
        let known = SendFlags::FLUSH.with(SendFlags::END);
        let header = send::block_header(Kind::Data, send::to_wire(flags, known), length)?;
        self.sent(flags);
        Ok(header)
    }

    /// Whether blocks of the response may be put into the memory that the two share.
    #[must_use]
    pub fn may_use_ring(&self) -> bool {
        self.turn.phase == Phase::Headed && matches!(self.turn.ring, Ring::Unused | Ring::Used)
    }

    /// Whether all of them have to be, for one was.
    #[must_use]
    pub fn is_ring_used(&self) -> bool {
        self.turn.phase == Phase::Headed && self.turn.ring == Ring::Used
    }

    /// Tells that they are there. The first time this comes behind all blocks before.
    ///
    /// # Errors
    /// When they may not be.
    pub fn filled(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if !self.may_use_ring() {
            return Err(Error::OutOfTurn(Kind::Filled));
        }
        self.turn.ring = Ring::Used;
        Writer::new(out, Kind::Filled, Flags::NONE).finish()
    }

    /// Sends a piece of a file. The descriptor goes with the first byte of this frame, and no other does.
    ///
    /// # Errors
    /// As for [`Server::block`].
    pub fn file(
        &mut self,
        out: &mut Vec<u8>,
        offset: u64,
        length: u64,
        flags: SendFlags,
    ) -> Result<(), Error> {
        self.check_block(Kind::File)?;
        send::encode_file(out, offset, length, flags)?;
        self.turn.file();
        self.sent(flags);
        Ok(())
    }

    fn check_block(&self, kind: Kind) -> Result<(), Error> {
        if self.turn.phase == Phase::Headed {
            Ok(())
        } else {
            Err(Error::OutOfTurn(kind))
        }
    }

    fn sent(&mut self, flags: SendFlags) {
        if flags.has(SendFlags::END) {
            self.turn.phase = Phase::Complete;
        }
    }

    /// Sends a record to the request's log.
    ///
    /// # Errors
    /// When there is no request.
    pub fn log(&mut self, out: &mut Vec<u8>, record: &LogRecord<'_>) -> Result<(), Error> {
        if !self.turn.in_request() {
            return Err(Error::OutOfTurn(Kind::Log));
        }
        log::encode(out, record)
    }

    /// Tells what became of the request. The connection is free for the next one.
    ///
    /// # Errors
    /// When there is no request.
    pub fn end(&mut self, out: &mut Vec<u8>, end: &End<'_>) -> Result<(), Error> {
        if !self.turn.in_request() {
            return Err(Error::OutOfTurn(Kind::End));
        }
        end::encode(out, end)?;
        self.turn.phase = Phase::Idle;
        Ok(())
    }

    /// Gives the connection up. It is to be closed once this has been sent.
    ///
    /// # Errors
    /// When it was given up before, or a request is refused that application code has.
    pub fn abort(&mut self, out: &mut Vec<u8>, abort: &Abort<'_>) -> Result<(), Error> {
        if self.turn.phase == Phase::Closed || (abort.may_retry() && self.has_request()) {
            return Err(Error::OutOfTurn(Kind::Abort));
        }
        abort::encode(out, abort)?;
        self.turn.phase = Phase::Closed;
        Ok(())
    }

    /// Takes a frame in.
    ///
    /// # Errors
    /// When the host broke the protocol. An abort may still be sent; nothing else is of use.
    pub fn receive<'a>(&mut self, frame: Frame<'a>) -> Result<Order<'a>, Error> {
        let kind = frame.header.kind;
        if self.turn.phase == Phase::Closed || self.turn.greeted == (kind == Kind::Hello) {
            return Err(Error::Unexpected(kind));
        }
        match kind {
            Kind::Hello => self.hello(frame),
            Kind::Request => self.request(frame),
            Kind::Body if frame.header.flags.has(Flags::FAILED) => self.body_failed(frame),
            Kind::Body => self.body(frame),
            Kind::Abort => self.aborted_by_host(frame),
            Kind::Ring if self.turn.ring == Ring::None && self.turn.phase == Phase::Idle => {
                self.turn.ring = Ring::Unused;
                Ok(Order::Ring)
            }
            Kind::Drained if self.turn.ring != Ring::None => Ok(self.timely(Order::Drained)),
            _ => Err(Error::Unexpected(kind)),
        }
    }

    fn hello<'a>(&mut self, frame: Frame<'a>) -> Result<Order<'a>, Error> {
        self.turn.greet(frame)?;
        Ok(Order::Hello)
    }

    fn request<'a>(&mut self, frame: Frame<'a>) -> Result<Order<'a>, Error> {
        if self.turn.phase != Phase::Idle {
            return Err(Error::Unexpected(Kind::Request));
        }
        let request = request::decode(frame)?;
        self.turn.begin(!request.last);
        Ok(Order::Request(request))
    }

    fn body<'a>(&mut self, frame: Frame<'a>) -> Result<Order<'a>, Error> {
        if frame.first {
            self.check_body()?;
            self.turn.credit.spend(frame.payload.len() + frame.rest)?;
        }
        let last = frame.rest == 0 && frame.header.flags.has(Flags::LAST);
        self.turn.body_open &= !last;
        Ok(self.timely(Order::Body {
            bytes: frame.payload,
            last,
        }))
    }

    fn body_failed<'a>(&mut self, frame: Frame<'a>) -> Result<Order<'a>, Error> {
        self.check_body()?;
        self.turn.body_open = false;
        Ok(self.timely(Order::BodyFailed(frame.payload)))
    }

    /// A host may send of the body, as far as the credit goes, until it has seen the end of the request.
    fn check_body(&self) -> Result<(), Error> {
        if self.turn.body_open && !self.turn.aborted {
            Ok(())
        } else {
            Err(Error::Unexpected(Kind::Body))
        }
    }

    fn aborted_by_host<'a>(&mut self, frame: Frame<'a>) -> Result<Order<'a>, Error> {
        let abort = abort::decode(frame)?;
        if std::mem::replace(&mut self.turn.aborted, true) {
            return Err(Error::Unexpected(Kind::Abort));
        }
        Ok(self.timely(Order::Abort(abort)))
    }

    fn timely<'a>(&self, order: Order<'a>) -> Order<'a> {
        if self.turn.in_request() {
            order
        } else {
            Order::Late
        }
    }

    /// Whether application code has a request.
    fn has_request(&self) -> bool {
        self.turn.in_request() && self.turn.accepted
    }
}
