//! The environ of a request: a copy of the interpreter's constant part, then the request's strings,
//! then what has another type.
#![forbid(unsafe_code)]

use super::errors::ErrorsStream;
use super::input::Input;
use super::ssl::Ssl;
use super::start_response::StartResponse;
use super::transaction::Transaction;
use super::types::Types;
use crate::python::{Gil, Lent, Locals, Object, Result, thread_number};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::sync::Arc;
use wsgi_core_abi::{Pair, Question, Request};

/// What an application is called with, and what must end with the request.
pub struct Call {
    /// The environ.
    pub environ: Object,
    /// The `start_response` callable.
    pub start_response: Object,
    /// What the host lends for the time of the request.
    pub native: Option<Lent>,
}

impl Call {
    /// Builds both for a request whose application starts at `application_start`.
    pub fn new(
        gil: Gil<'_>,
        locals: &Locals,
        types: &Types,
        request: &Request<'_>,
        transaction: &Arc<Transaction>,
        application_start: f64,
    ) -> Result<Self> {
        let environ = types.template.copy_dict()?;
        locals.get(Strings::default).add(
            gil,
            &environ,
            request.environ.as_slice(),
            &types.template,
        )?;

        let names = &types.names;
        let scheme = if request.https {
            &names.https
        } else {
            &names.http
        };
        environ.set_item(&names.url_scheme, scheme)?;
        let input = types.input.instantiate(gil, Input::new(transaction))?;
        environ.set_item(&names.input, &input)?;
        let errors = locals.get(ErrorsStream::default);
        environ.set_item(&names.errors, &errors.open(gil, types, transaction)?)?;
        let thread = Object::int(gil, i64::from(thread_number()))?;
        environ.set_item(&names.thread_id, &thread)?;
        for (name, time) in [
            (&names.request_start, request.request_start),
            (&names.queue_start, request.queue_start),
            (&names.daemon_start, request.daemon_start),
            (&names.application_start, application_start),
        ] {
            environ.set_item(name, &Object::float(gil, time)?)?;
        }
        Ok(Self {
            native: lend_native(gil, types, request, &environ)?,
            environ,
            start_response: StartResponse::callable(gil, types, transaction)?,
        })
    }
}

/// Puts the host's own structure for the request into an environ, if it is to be there.
fn lend_native(
    gil: Gil<'_>,
    types: &Types,
    request: &Request<'_>,
    environ: &Object,
) -> Result<Option<Lent>> {
    let (Some(name), Some(pointer)) = (&types.names.native, request.native.get()) else {
        return Ok(None);
    };
    let native = Lent::new(gil, pointer)?;
    environ.set_item(name, native.object())?;
    Ok(Some(native))
}

/// The environ of a request that a script is asked about, without what only an application has use for; and what the
/// host lends meanwhile.
pub fn for_question(
    gil: Gil<'_>,
    locals: &Locals,
    types: &Types,
    request: &Request<'_>,
    transaction: &Arc<Transaction>,
) -> Result<(Object, Option<Lent>)> {
    let constants = if request.question == Question::DISPATCH {
        &types.template
    } else {
        &types.question_template
    };
    let environ = constants.copy_dict()?;
    let strings = locals.get(Strings::default);
    strings.add(gil, &environ, request.environ.as_slice(), &types.template)?;
    let names = &types.names;
    if request.question == Question::DISPATCH {
        let scheme = if request.https {
            &names.https
        } else {
            &names.http
        };
        environ.set_item(&names.url_scheme, scheme)?;
    } else {
        Ssl::add(gil, types, transaction, &environ)?;
    }
    let errors = locals.get(ErrorsStream::default);
    environ.set_item(&names.errors, &errors.open(gil, types, transaction)?)?;
    let native = lend_native(gil, types, request, &environ)?;
    Ok((environ, native))
}

/// The most names that are kept: enough for what servers and browsers send, bounded against clients
/// that make names up.
const KEPT_NAMES: usize = 256;

/// The longest value that is kept.
const KEPT_VALUE: usize = 256;

/// Python strings of this thread's earlier requests. Names repeat always and most values often, so
/// that a dict entry usually costs a comparison instead of two objects.
#[derive(Default)]
struct Strings(RefCell<FxHashMap<Box<[u8]>, Entry>>);

struct Entry {
    name: Object,
    bytes: Vec<u8>,
    value: Object,
    /// The environ's constant part has this key; a string of a request can't replace it.
    is_constant: bool,
}

impl Strings {
    fn add(
        &self,
        gil: Gil<'_>,
        environ: &Object,
        pairs: &[Pair<'_>],
        constants: &Object,
    ) -> Result<()> {
        // Setting str keys and values in a dict runs no Python code, so the borrow is not re-entered.
        let mut entries = self.0.borrow_mut();
        for pair in pairs {
            let (name, value) = (pair.name.as_slice(), pair.value.as_slice());
            if pair.value.is_absent() {
                environ.set_item(&Object::latin1(gil, name)?, &Object::none(gil))?;
                continue;
            }
            if let Some(entry) = entries.get_mut(name) {
                entry.update(gil, name, value)?;
                entry.put(environ)?;
                continue;
            }
            let entry = Entry::new(gil, name, value, constants)?;
            entry.put(environ)?;
            if entries.len() < KEPT_NAMES && value.len() <= KEPT_VALUE {
                entries.insert(name.into(), entry);
            }
        }
        Ok(())
    }
}

impl Entry {
    fn new(gil: Gil<'_>, name: &[u8], value: &[u8], constants: &Object) -> Result<Self> {
        let key = Object::latin1(gil, name)?.into_interned();
        Ok(Self {
            is_constant: constants.get_item(&key)?.is_some(),
            name: key,
            bytes: value.to_vec(),
            value: decode(gil, name, value)?,
        })
    }

    fn put(&self, environ: &Object) -> Result<()> {
        if self.is_constant {
            return Ok(());
        }
        environ.set_item(&self.name, &self.value)
    }

    fn update(&mut self, gil: Gil<'_>, name: &[u8], value: &[u8]) -> Result<()> {
        if self.bytes == value {
            return Ok(());
        }
        self.value = decode(gil, name, value)?;
        self.bytes.clear();
        self.bytes.extend_from_slice(value);
        Ok(())
    }
}

/// PEP 3333's native string, except for the two variables that are file names.
fn decode(gil: Gil<'_>, name: &[u8], value: &[u8]) -> Result<Object> {
    if matches!(name, b"DOCUMENT_ROOT" | b"SCRIPT_FILENAME") {
        return Object::path(gil, value);
    }
    Object::latin1(gil, value)
}
