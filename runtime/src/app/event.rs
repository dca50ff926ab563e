//! Events of the process, and what applications subscribed to them.
#![forbid(unsafe_code)]

use super::setup::Prelude;
use crate::python::{Exc, Exception, Gil, Object, Raised, Result};
use crate::wsgi::{log, traceback};
use wsgi_core_abi::{Level, MessageId};

/// Something that happened to the process.
#[derive(Clone, Debug)]
pub enum Event {
    /// It is about to end, for this reason.
    Stopping(String),
    /// It has received a signal: name and number.
    Signal(String, i32),
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Stopping(_) => "process_stopping",
            Self::Signal(..) => "process_signal",
        }
    }

    fn payload(&self, gil: Gil<'_>) -> Result<Object> {
        let payload = Object::dict(gil)?;
        match self {
            Self::Stopping(reason) => {
                payload.set_item_text(c"shutdown_reason", &Object::text(gil, reason)?)?;
            }
            Self::Signal(name, number) => {
                payload.set_item_text(c"signame", &Object::text(gil, name)?)?;
                payload.set_item_text(c"signum", &Object::int(gil, (*number).into())?)?;
            }
        }
        Ok(payload)
    }

    /// Calls everything that is subscribed to it in one interpreter. `context` says for the log which that is.
    pub fn publish(&self, gil: Gil<'_>, prelude: &Prelude, context: &str) {
        if self.call_all(gil, prelude, context).is_err() {
            self.report(gil, context);
        }
    }

    fn call_all(&self, gil: Gil<'_>, prelude: &Prelude, context: &str) -> Result<()> {
        let name = Object::text(gil, self.name())?;
        let callbacks = prelude.call(gil, "callbacks", [&name])?.iter()?;
        let payload = self.payload(gil)?;
        let arguments = Object::tuple(gil, [name])?;
        while let Some(callback) = callbacks.next()? {
            match callback.call_with(&arguments, &payload) {
                Ok(changed) => prelude.call(gil, "merge", [&payload, &changed]).map(drop)?,
                Err(Raised) => self.report(gil, context),
            }
        }
        Ok(())
    }

    fn report(&self, gil: Gil<'_>, context: &str) {
        let exception = Exception::take(gil);
        let class = exception.value().type_name();
        let ignored = if exception.is(gil, Exc::SystemExit) {
            " ignored"
        } else {
            ""
        };
        let heading = format!(
            "{class} exception raised by a callback of the event {}{ignored} in {context}",
            self.name()
        );
        log::write(gil, Level::Error, MessageId::EVENT_RAISED, &heading);
        traceback::write_lines(gil, &exception);
    }
}
