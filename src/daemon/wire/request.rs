//! The request frame.

use super::error::Error;
use super::fields::Fields;
use super::frame::{Flags, Frame, Kind};
use super::limit;
use super::pairs;
use super::writer::Writer;
use wsgi_core_abi::{Bytes, Level, NativeRequest, Pair, Pairs, Question, Request};

/// The lease that a request was admitted with; see `slots`. The default is "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The slot in the worker's row.
    pub slot: u32,
    /// Serial number of the lease, not 0: the worker marks the request as accepted under it on the shared
    /// board. 0 without a board: the worker sends an accepted frame.
    pub serial: u32,
}

/// A request frame that was received.
#[derive(Clone, Debug)]
pub struct RequestHead<'a> {
    fixed: Request<'a>,
    /// The environ's pairs.
    pub environ: Vec<Pair<'a>>,
    /// The most verbose level that the request's log writes.
    pub log_level: Level,
    /// The lease it was admitted with.
    pub ticket: Ticket,
    /// The first bytes of the body.
    pub first_body: &'a [u8],
    /// They are the whole body.
    pub last: bool,
}

impl RequestHead<'_> {
    /// The request as it crosses the seam.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request {
            environ: Pairs::new(&self.environ),
            ..self.fixed
        }
    }
}

const HTTPS: u8 = 1;
const RELOADING: u8 = 2;
const SENDFILE: u8 = 4;
const ERROR_OVERRIDE: u8 = 8;
const IGNORE_ACTIVITY: u8 = 16;

/// What a request frame says beside the request itself.
pub(super) struct Beside<'a> {
    pub log_level: Level,
    pub ticket: Ticket,
    pub first_body: &'a [u8],
    pub last: bool,
}

pub(super) fn encode(
    out: &mut Vec<u8>,
    request: &Request<'_>,
    beside: &Beside<'_>,
) -> Result<(), Error> {
    let environ = request.environ.as_slice();
    let pairs_length = pairs::check(Kind::Request, environ)?;
    if beside.first_body.len() > limit::FIRST_BODY {
        return Err(Error::TooLong {
            kind: Kind::Request,
            length: beside.first_body.len(),
        });
    }
    let flags = if beside.last {
        Flags::LAST
    } else {
        Flags::NONE
    };
    let mut writer = Writer::new(out, Kind::Request, flags);
    writer.reserve(1024 + pairs_length + beside.first_body.len());
    writer.u64(request.script_mtime_us as u64);
    writer.f64(request.request_start);
    writer.f64(request.queue_start);
    writer.f64(request.daemon_start);
    writer.u32(beside.ticket.slot);
    writer.u32(beside.ticket.serial);
    writer.u8(options(request));
    writer.u8(beside.log_level as u8);
    writer.u8(request.question.0);
    writer.u8(0);
    let [first, second] = request.arguments;
    for string in [
        request.script,
        request.application_group,
        request.callable,
        request.filename,
        first,
        second,
    ] {
        writer.string(string);
    }
    pairs::write(&mut writer, environ);
    writer.raw(beside.first_body);
    writer.finish()
}

fn options(request: &Request<'_>) -> u8 {
    let options = [
        (request.https, HTTPS),
        (request.reloading, RELOADING),
        (request.sendfile, SENDFILE),
        (request.error_override, ERROR_OVERRIDE),
        (request.ignore_activity, IGNORE_ACTIVITY),
    ];
    options
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, bit)| bit)
        .sum()
}

pub(super) fn decode(frame: Frame<'_>) -> Result<RequestHead<'_>, Error> {
    let mut fields = Fields::new(frame);
    let script_mtime_us = fields.i64()?;
    let [request_start, queue_start, daemon_start] = [fields.f64()?, fields.f64()?, fields.f64()?];
    let ticket = Ticket {
        slot: fields.u32()?,
        serial: fields.u32()?,
    };
    let options = fields.flags(HTTPS | RELOADING | SENDFILE | ERROR_OVERRIDE | IGNORE_ACTIVITY)?;
    let log_level = level(&mut fields)?;
    let question = Question(fields.u8()?);
    if !question.is_known() {
        return Err(fields.wrong("question"));
    }
    fields.zeros::<1>()?;
    let fixed = Request {
        script: fields.string()?,
        script_mtime_us,
        application_group: fields.string()?,
        callable: fields.string()?,
        filename: fields.string()?,
        arguments: [fields.string()?, fields.string()?],
        question,
        environ: Pairs::new(&[]),
        https: options & HTTPS != 0,
        reloading: options & RELOADING != 0,
        sendfile: options & SENDFILE != 0,
        error_override: options & ERROR_OVERRIDE != 0,
        ignore_activity: options & IGNORE_ACTIVITY != 0,
        number: 0,
        request_start,
        queue_start,
        daemon_start,
        native: NativeRequest::NONE,
    };
    let environ = pairs::read(&mut fields)?;
    check_script(&fields, fixed.script)?;
    let first_body = fields.remainder();
    if first_body.len() > limit::FIRST_BODY {
        return Err(fields.wrong("body"));
    }
    let last = frame.header.flags.has(Flags::LAST);
    Ok(RequestHead {
        fixed,
        environ,
        log_level,
        ticket,
        first_body,
        last,
    })
}

/// There is no request without an application.
fn check_script(fields: &Fields<'_>, script: Bytes<'_>) -> Result<(), Error> {
    if script.as_slice().is_empty() {
        Err(fields.wrong("script"))
    } else {
        Ok(())
    }
}

/// A level by its number.
pub(super) fn level(fields: &mut Fields<'_>) -> Result<Level, Error> {
    let number = fields.u8()?;
    if number > Level::Trace1 as u8 {
        return Err(fields.wrong("level"));
    }
    Ok(Level::from_number(number))
}
