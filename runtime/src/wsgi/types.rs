//! What the gateway keeps per interpreter: heap types and the part of the environ that never changes.
#![forbid(unsafe_code)]

use super::errors::LogBuffer;
use super::input::Input;
use super::ssl::Ssl;
use super::start_response::StartResponse;
use crate::python::class::Type;
use crate::python::{Gil, Object, Result};
use std::ffi::CString;

/// The version of mod_wsgi whose behaviour this is.
pub const COMPATIBLE_VERSION: [u32; 3] = [6, 1, 1];

/// Facts about the process that the environ shows.
pub struct Constants {
    /// Name of the host, as in the key `<host>.version`.
    pub host_name: Vec<u8>,
    /// Its version.
    pub host_version: [u32; 3],
    /// `wsgi.multithread`.
    pub multithread: bool,
    /// `wsgi.multiprocess`.
    pub multiprocess: bool,
    /// `wsgi.run_once`.
    pub run_once: bool,
    /// Which interpreter this is, in words for the log: `main interpreter in embedded mode`.
    pub context: String,
}

/// Heap types and constants of one interpreter.
pub struct Types {
    pub(super) input: Type<Input>,
    pub(super) start_response: Type<StartResponse>,
    pub(super) log_buffer: Type<LogBuffer>,
    pub(super) ssl: Type<Ssl>,
    pub(super) file_wrapper: Object,
    /// `mod_wsgi.RequestTimeout`.
    pub request_timeout: Object,
    /// The constant entries of every environ.
    pub(super) template: Object,
    /// Those of the environ that a script sees which decides about requests.
    pub(super) question_template: Object,
    pub(super) names: Names,
    pub(super) context: String,
    text_wrapper: Object,
    text_arguments: Object,
}

/// Interned names that every request looks up.
pub(super) struct Names {
    pub input: Object,
    pub errors: Object,
    pub url_scheme: Object,
    pub http: Object,
    pub https: Object,
    pub thread_id: Object,
    pub request_start: Object,
    pub queue_start: Object,
    pub daemon_start: Object,
    pub application_start: Object,
    pub close: Object,
    /// `NAME.request_rec`, for a host that has a name.
    pub native: Option<Object>,
}

impl Types {
    /// Makes the types in the interpreter that this thread is attached to.
    pub fn new(
        gil: Gil<'_>,
        file_wrapper: Object,
        request_timeout: Object,
        constants: &Constants,
    ) -> Result<Self> {
        Ok(Self {
            question_template: versions(gil, constants)?,
            input: Type::new(gil)?,
            start_response: Type::new(gil)?,
            log_buffer: Type::new(gil)?,
            ssl: Type::new(gil)?,
            template: template(gil, &file_wrapper, constants)?,
            file_wrapper,
            request_timeout,
            names: Names::new(gil, constants)?,
            context: constants.context.clone(),
            text_wrapper: Object::import(gil, c"io")?.getattr(c"TextIOWrapper")?,
            text_arguments: text_arguments(gil)?,
        })
    }

    /// Which interpreter this is, in words for the log.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The class of `wsgi.input`.
    pub fn input_class(&self) -> &Object {
        self.input.class()
    }

    /// A text stream whose lines go to the log of the request that the writing thread serves, else to
    /// the server's; `name` as in `<stderr>`.
    pub fn log_stream(&self, gil: Gil<'_>, name: &'static str) -> Result<Object> {
        Ok(self.text_stream(gil, LogBuffer::scoped(name))?.0)
    }

    /// A text wrapper and the buffer under it.
    pub(super) fn text_stream(&self, gil: Gil<'_>, buffer: LogBuffer) -> Result<(Object, Object)> {
        let buffer = self.log_buffer.instantiate(gil, buffer)?;
        let arguments = Object::tuple(gil, [buffer.clone()])?;
        let text = self
            .text_wrapper
            .call_with(&arguments, &self.text_arguments)?;
        Ok((text, buffer))
    }
}

fn text_arguments(gil: Gil<'_>) -> Result<Object> {
    let arguments = Object::dict(gil)?;
    arguments.set_item_text(c"encoding", &Object::text(gil, "utf-8")?)?;
    arguments.set_item_text(c"errors", &Object::text(gil, "replace")?)?;
    arguments.set_item_text(c"line_buffering", &Object::bool(gil, true))?;
    arguments.set_item_text(c"write_through", &Object::bool(gil, true))?;
    Ok(arguments)
}

fn template(gil: Gil<'_>, file_wrapper: &Object, constants: &Constants) -> Result<Object> {
    let environ = versions(gil, constants)?;
    let set = |name: &str, value: &Object| -> Result<()> {
        environ.set_item(&Object::text(gil, name)?.into_interned(), value)
    };
    let one_zero = Object::tuple(gil, [Object::int(gil, 1)?, Object::int(gil, 0)?])?;
    set("wsgi.version", &one_zero)?;
    set(
        "wsgi.multithread",
        &Object::bool(gil, constants.multithread),
    )?;
    set(
        "wsgi.multiprocess",
        &Object::bool(gil, constants.multiprocess),
    )?;
    set("wsgi.run_once", &Object::bool(gil, constants.run_once))?;
    set("wsgi.input_terminated", &Object::bool(gil, true))?;
    set("wsgi.file_wrapper", file_wrapper)?;
    Ok(environ)
}

/// What every environ says of versions.
fn versions(gil: Gil<'_>, constants: &Constants) -> Result<Object> {
    let version = |numbers: [u32; 3]| -> Result<Object> {
        let [major, minor, patch] = numbers.map(|number| Object::int(gil, i64::from(number)));
        Object::tuple(gil, [major?, minor?, patch?])
    };
    let environ = Object::dict(gil)?;
    let set = |name: &str, value: &Object| -> Result<()> {
        environ.set_item(&Object::text(gil, name)?.into_interned(), value)
    };
    set("mod_wsgi.version", &version(COMPATIBLE_VERSION)?)?;
    if !constants.host_name.is_empty() {
        let host = String::from_utf8_lossy(&constants.host_name);
        set(
            &format!("{host}.version"),
            &version(constants.host_version)?,
        )?;
    }
    Ok(environ)
}

impl Names {
    fn new(gil: Gil<'_>, constants: &Constants) -> Result<Self> {
        let host = String::from_utf8_lossy(&constants.host_name);
        let name = |text: &str| -> Result<Object> {
            Object::interned(gil, &CString::new(text).unwrap_or_default())
        };
        Ok(Self {
            input: name("wsgi.input")?,
            errors: name("wsgi.errors")?,
            url_scheme: name("wsgi.url_scheme")?,
            http: name("http")?,
            https: name("https")?,
            thread_id: name("mod_wsgi.thread_id")?,
            request_start: name("mod_wsgi.request_start")?,
            queue_start: name("mod_wsgi.queue_start")?,
            daemon_start: name("mod_wsgi.daemon_start")?,
            application_start: name("mod_wsgi.application_start")?,
            close: name("close")?,
            native: match &*host {
                "" => None,
                host => Some(name(&format!("{host}.request_rec"))?),
            },
        })
    }
}
