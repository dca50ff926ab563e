//! `start_response` and the `write` callable it returns.
//!
//! Both are built-in functions bound to a [`StartResponse`] object, so that `start_response.__self__.write` is there for
//! those who look for it, and so are `ssl_is_https` and `ssl_var_lookup`.

use super::head::ResponseHead;
use super::log;
use super::response;
use super::ssl;
use super::transaction::Transaction;
use super::types::Types;
use crate::python::class::{Args, BoundMethod, Class, Method, bind, method};
use crate::python::{Exc, Gil, Object, Raised, Result, raise, reraise};
use std::sync::{Arc, OnceLock};
use wsgi_core_abi::{Level, MessageId};

/// The object that `start_response` is bound to.
pub struct StartResponse {
    transaction: Arc<Transaction>,
}

impl Class for StartResponse {
    const NAME: &'static std::ffi::CStr = c"mod_wsgi.StartResponse";

    fn methods() -> Vec<Method> {
        vec![
            method!(StartResponse, c"write", StartResponse::write),
            method!(StartResponse, c"ssl_is_https", StartResponse::is_https),
            method!(StartResponse, c"ssl_var_lookup", StartResponse::var_lookup),
        ]
    }
}

impl StartResponse {
    /// The `start_response` of a request.
    pub fn callable(gil: Gil<'_>, types: &Types, transaction: &Arc<Transaction>) -> Result<Object> {
        static DEFINITION: OnceLock<BoundMethod> = OnceLock::new();
        let definition = DEFINITION.get_or_init(|| {
            BoundMethod::new(method!(
                StartResponse,
                c"start_response",
                StartResponse::start
            ))
        });
        let transaction = Arc::clone(transaction);
        let this = types
            .start_response
            .instantiate(gil, Self { transaction })?;
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
        let note = |text: &str| log::write(gil, Level::Info, MessageId::NONE, text);
        let head = ResponseHead::new(gil, &status, &headers, note)?;
        self.transaction.response().head = Some(head);
        let write = WRITE.get_or_init(|| {
            BoundMethod::new(method!(StartResponse, c"write", StartResponse::write))
        });
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

    fn is_https(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        ssl::is_https(gil, &self.transaction, args)
    }

    fn var_lookup(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        ssl::var_lookup(gil, &self.transaction, args)
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
