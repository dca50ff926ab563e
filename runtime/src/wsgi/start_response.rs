//! `start_response` and the `write` callable it returns.
//!
//! Both are built-in functions bound to a [`StartResponse`] object, so that
//! `start_response.__self__.write` is there for those who look for it.

use super::response;
use super::transaction::Transaction;
use super::types::Types;
use crate::python::class::{Args, BoundMethod, Class, Method, bind, method};
use crate::python::{Exc, Gil, Object, Raised, Result, raise, reraise};
use std::sync::{Arc, OnceLock};
use wsgi_core_abi::{Bytes, Head, Pair, Pairs};
use wsgi_core_http as rules;

/// The object that `start_response` is bound to.
pub struct StartResponse {
    transaction: Arc<Transaction>,
}

impl Class for StartResponse {
    const NAME: &'static std::ffi::CStr = c"mod_wsgi.StartResponse";

    fn methods() -> Vec<Method> {
        vec![method!(StartResponse, c"write", StartResponse::write)]
    }
}

impl StartResponse {
    /// The `start_response` of a request.
    pub fn callable(gil: Gil<'_>, types: &Types, transaction: &Arc<Transaction>) -> Result<Object> {
        static DEFINITION: OnceLock<BoundMethod> = OnceLock::new();
        let definition = DEFINITION.get_or_init(|| {
            BoundMethod::new(method!(StartResponse, c"start_response", StartResponse::start))
        });
        let transaction = Arc::clone(transaction);
        let this = types.start_response.instantiate(gil, Self { transaction })?;
        bind(gil, definition, &this)
    }

    fn start(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        static WRITE: OnceLock<BoundMethod> = OnceLock::new();
        args.between(gil, "start_response", 2, 3)?;
        let (Some(status), Some(headers)) = (args.get(0), args.get(1)) else {
            return Err(Raised);
        };
        let exc_info = args.get(2).filter(|exc_info| !exc_info.is_none());
        self.check_call(gil, exc_info.as_ref())?;
        let head = ResponseHead::new(gil, &status, &headers)?;
        self.transaction.response().head = Some(head);
        let write = WRITE
            .get_or_init(|| BoundMethod::new(method!(StartResponse, c"write", StartResponse::write)));
        bind(gil, write, &args.this()?)
    }

    /// Whether the response may (still) be started.
    fn check_call(&self, gil: Gil<'_>, exc_info: Option<&Object>) -> Result<()> {
        if self.transaction.is_over() {
            return Err(over(gil));
        }
        let head_sent = self.transaction.response().head_sent;
        match exc_info {
            Some(exc_info) if !exc_info.is_tuple() => {
                let message = "exception info must be a tuple or None";
                Err(raise(gil, Exc::Runtime, message))
            }
            Some(exc_info) if head_sent => Err(raise_again(gil, exc_info)),
            None if head_sent => {
                let message = "response headers have already been sent";
                Err(raise(gil, Exc::Runtime, message))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        let data = args.required(gil, "write")?;
        if self.transaction.is_over() {
            return Err(over(gil));
        }
        response::write(gil, &self.transaction, &data)?;
        Ok(Object::none(gil))
    }
}

fn over(gil: Gil<'_>) -> Raised {
    raise(gil, Exc::Runtime, "response used after its request ended")
}

/// Raises the exception of a `sys.exc_info()` triple.
fn raise_again(gil: Gil<'_>, exc_info: &Object) -> Raised {
    let items = exc_info.as_exact_sequence();
    let items = items.map(|items| (items.get(0), items.get(1), items.get(2)));
    match items {
        Some((Some(class), Some(value), Some(traceback))) => {
            reraise(gil, &class, &value, &traceback)
        }
        _ => raise(gil, Exc::Runtime, "exception info must have three items"),
    }
}

/// Status and headers as an application gave them, checked and in latin-1.
pub struct ResponseHead {
    code: u16,
    /// The status, then each name and value.
    text: Vec<u8>,
    status_len: usize,
    /// Where each header ends: end of its name, end of its value.
    fields: Vec<(usize, usize)>,
}

impl ResponseHead {
    fn new(gil: Gil<'_>, status: &Object, headers: &Object) -> Result<Self> {
        let mut text = Vec::with_capacity(512);
        append_str(gil, status, "status", &mut text)?;
        let code = match rules::status_code(&text) {
            Ok(code) => code,
            Err(error) => return Err(raise(gil, Exc::Value, &error.to_string())),
        };
        if !headers.is_list() {
            return Err(raise(gil, Exc::Type, "response headers must be a list"));
        }
        let mut head = Self {
            code,
            status_len: text.len(),
            text,
            fields: Vec::new(),
        };
        let mut index = 0;
        while let Some(header) = headers.list_item(index) {
            head.append(gil, &header)?;
            index += 1;
        }
        Ok(head)
    }

    fn append(&mut self, gil: Gil<'_>, header: &Object) -> Result<()> {
        if !header.is_tuple() {
            return Err(raise(gil, Exc::Type, "response header must be a tuple"));
        }
        let Some((name, value)) = header.as_pair() else {
            let message = "response header must be a tuple of name and value";
            return Err(raise(gil, Exc::Value, message));
        };
        let start = self.text.len();
        append_str(gil, &name, "response header name", &mut self.text)?;
        let middle = self.text.len();
        append_str(gil, &value, "response header value", &mut self.text)?;
        let checked = rules::check_name(&self.text[start..middle])
            .and_then(|()| rules::check_value(&self.text[middle..]));
        if let Err(error) = checked {
            return Err(raise(gil, Exc::Value, &error.to_string()));
        }
        self.fields.push((middle, self.text.len()));
        Ok(())
    }

    /// The status code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Names and values in order.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = self.status_len;
        self.fields.iter().map(move |&(middle, end)| {
            let header = (&self.text[start..middle], &self.text[middle..end]);
            start = end;
            header
        })
    }

    /// The value of the last Content-Length header.
    pub fn content_length(&self) -> Option<std::result::Result<u64, rules::LengthError>> {
        let last = self
            .headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length"))
            .last();
        last.map(|(_, value)| rules::content_length(value))
    }

    /// Adds a Content-Length.
    pub fn set_content_length(&mut self, length: u64) {
        self.text.extend_from_slice(b"Content-Length");
        let middle = self.text.len();
        self.text.extend_from_slice(length.to_string().as_bytes());
        self.fields.push((middle, self.text.len()));
    }

    /// Hands the head to `work` in the form of the seam.
    pub fn with_head<R>(&self, length: Option<u64>, work: impl FnOnce(&Head<'_>) -> R) -> R {
        let pairs: Vec<_> = self
            .headers()
            .map(|(name, value)| Pair::new(name, value))
            .collect();
        work(&Head {
            code: self.code,
            status: Bytes::new(&self.text[..self.status_len]),
            headers: Pairs::new(&pairs),
            content_length: length.map_or(-1, |length| i64::try_from(length).unwrap_or(i64::MAX)),
        })
    }
}

fn append_str(gil: Gil<'_>, value: &Object, what: &str, out: &mut Vec<u8>) -> Result<()> {
    if !value.is_str() {
        let found = value.type_name();
        return Err(raise(gil, Exc::Type, &format!("{what} must be a str, not {found}")));
    }
    value.append_latin1(out)
}
