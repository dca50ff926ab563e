//! What the prelude of an interpreter calls in the engine.

use crate::python::class::{Args, Class, Method, method};
use crate::python::{Exc, Gil, Object, Raised, Result, raise};
use crate::wsgi::log;
use wsgi_core_abi::Level;

/// The log, for Python code. Levels are those of the `logging` module.
pub struct Native;

impl Class for Native {
    const NAME: &'static std::ffi::CStr = c"mod_wsgi.Native";

    fn methods() -> Vec<Method> {
        vec![
            method!(Native, c"enabled", Native::enabled),
            method!(Native, c"log", Native::log),
        ]
    }
}

impl Native {
    /// `enabled(level)`: whether a record of this level would be written.
    fn enabled(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        let level = level(&args.required(gil, "enabled")?)?;
        Ok(Object::bool(gil, log::enabled(gil, level)))
    }

    /// `log(level, text, file, line)`: writes one line, given as bytes as the file is.
    fn log(&self, gil: Gil<'_>, args: &Args<'_>) -> Result<Object> {
        args.between(gil, "log", 4, 4)?;
        let argument = |index| args.get(index).ok_or(Raised);
        let (text, file) = (argument(1)?, argument(2)?);
        let (Some(text), Some(file)) = (text.as_bytes(), file.as_bytes()) else {
            return Err(raise(gil, Exc::Type, "text and file must be bytes"));
        };
        let level = level(&argument(0)?)?;
        let line = u32::try_from(argument(3)?.as_index()?).unwrap_or(0);
        log::application(gil, level, text, file, line);
        Ok(Object::none(gil))
    }
}

fn level(number: &Object) -> Result<Level> {
    Ok(match number.as_index()? {
        50.. => Level::Critical,
        40..50 => Level::Error,
        30..40 => Level::Warning,
        20..30 => Level::Info,
        _ => Level::Debug,
    })
}
