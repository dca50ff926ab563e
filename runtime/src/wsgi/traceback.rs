//! Exceptions of applications in the log: a heading, the traceback, and for an extension module that
//! refuses sub-interpreters the setting that helps.

use super::log;
use super::transaction::RECORD_LIMIT;
use crate::python::{Exc, Exception, Gil, Object, Result, clear};
use wsgi_core_abi::{Level, LogRecord, MessageId};

/// Exceptions looked at in a chain of causes; chains may be circular.
const CHAIN_LIMIT: usize = 32;

/// How extension modules and the tools that make them say that they are in another interpreter
/// already: CPython and PyO3, numpy, Cython and pybind11, older PyO3. In lower case.
const REFUSALS: &[&str] = &[
    "subinterpreter",
    "sub-interpreter",
    "cannot load module more than once per process",
    "interpreter change detected",
    "only be initialized once per interpreter process",
];

/// Logs an exception that came out of a script: `context` says where it ran, such as
/// `main interpreter in embedded mode`.
pub fn report(gil: Gil<'_>, exception: Exception, id: MessageId, script: &[u8], context: &str) {
    let script = String::from_utf8_lossy(script);
    if exception.is(gil, Exc::SystemExit) {
        let id = match id {
            MessageId::APPLICATION_RAISED => MessageId::APPLICATION_EXIT,
            other => other,
        };
        let heading =
            format!("SystemExit exception raised by WSGI script '{script}' ignored in {context}");
        log::write(gil, Level::Error, id, &heading);
    } else {
        let class = exception.value().type_name();
        let heading =
            format!("{class} exception raised processing WSGI script '{script}' in {context}");
        log::write(gil, Level::Error, id, &heading);
    }
    write_lines(gil, &exception);
    if !gil.is_main()
        && let Some(module) = refusing_extension(gil, exception)
    {
        let advice = if gil.is_own() {
            format!(
                "extension module '{module}' does not support interpreters with a GIL of their own: set the \
                 option per-interpreter-gil of this one to Off (httpd: WSGIPerInterpreterGIL Off), or \
                 application-group of this script to %{{GLOBAL}} (httpd: WSGIApplicationGroup %{{GLOBAL}})"
            )
        } else {
            format!(
                "extension module '{module}' does not support sub-interpreters: set the option \
                 application-group of this script to %{{GLOBAL}} (httpd: WSGIApplicationGroup %{{GLOBAL}})"
            )
        };
        log::write(gil, Level::Error, MessageId::EXTENSION_REFUSED, &advice);
    }
}

/// Logs the text of an exception with its traceback, one record per line, without a heading.
pub fn write_lines(gil: Gil<'_>, exception: &Exception) {
    if !log::enabled(gil, Level::Error) {
        return;
    }
    let text = formatted(gil, exception.value()).unwrap_or_else(|_| {
        clear(gil);
        plain(gil, exception.value())
    });
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = &line.as_bytes()[..line.len().min(RECORD_LIMIT)];
        log::record(gil, &LogRecord::plain(Level::Error, line));
    }
}

/// What `traceback.print_exception` prints.
fn formatted(gil: Gil<'_>, exception: &Object) -> Result<String> {
    let module = Object::import(gil, c"traceback")?;
    let blocks = module
        .call_method(c"format_exception", [exception])?
        .iter()?;
    let mut text = String::new();
    while let Some(block) = blocks.next()? {
        text.push_str(&block.to_text_lossy()?);
    }
    Ok(text)
}

/// Class and message, or the class alone when the message can't be had either.
fn plain(gil: Gil<'_>, exception: &Object) -> String {
    let class = exception.type_name();
    match text_of(exception) {
        Ok(text) => format!("{class}: {text}"),
        Err(_) => {
            clear(gil);
            class
        }
    }
}

fn text_of(object: &Object) -> Result<String> {
    object.str()?.to_text_lossy()
}

/// The extension module that refuses to be in a sub-interpreter, if that is what the exception or one
/// that led to it says. The earliest one knows best which module it is.
fn refusing_extension(gil: Gil<'_>, exception: Exception) -> Option<String> {
    let chain = std::iter::successors(Some(exception), Exception::earlier);
    let refusal = chain
        .take(CHAIN_LIMIT)
        .filter_map(|exception| Some((refusal_text(gil, &exception)?, exception)))
        .last();
    let (text, exception) = refusal?;
    Some(
        module_in_text(&text)
            .or_else(|| module_of_error(gil, exception.value()))
            .or_else(|| innermost_module(gil, &exception))
            .unwrap_or_else(|| "unknown".to_owned()),
    )
}

/// The text of an ImportError that is a refusal.
fn refusal_text(gil: Gil<'_>, exception: &Exception) -> Option<String> {
    if !exception.is(gil, Exc::Import) {
        return None;
    }
    let text = text_of(exception.value());
    let text = text.inspect_err(|_| clear(gil)).ok()?;
    let lower = text.to_lowercase();
    REFUSALS
        .iter()
        .any(|words| lower.contains(words))
        .then_some(text)
}

/// The name in CPython's `module NAME does not support loading in subinterpreters`.
fn module_in_text(text: &str) -> Option<String> {
    let (before, _) = text.split_once(" does not support loading in subinterpreters")?;
    let (_, name) = before.rsplit_once("module ")?;
    let name = name.trim_matches(['\'', '"']);
    (!name.is_empty() && !name.contains(' ')).then(|| name.to_owned())
}

/// The `name` of an ImportError, or what its `path` is called.
fn module_of_error(gil: Gil<'_>, error: &Object) -> Option<String> {
    let attribute = |name| {
        let value = error.getattr(name).and_then(|value| value.to_text_lossy());
        value.inspect_err(|_| clear(gil)).ok()
    };
    attribute(c"name").or_else(|| {
        let path = attribute(c"path")?;
        let file = path.rsplit('/').next()?;
        file.split('.').next().map(ToOwned::to_owned)
    })
}

/// The module of the innermost frame: where the import statement stands.
fn innermost_module(gil: Gil<'_>, exception: &Exception) -> Option<String> {
    let find = |mut traceback: Object| -> Result<Option<String>> {
        loop {
            let next = traceback.getattr(c"tb_next")?;
            if next.is_none() {
                break;
            }
            traceback = next;
        }
        let globals = traceback.getattr(c"tb_frame")?.getattr(c"f_globals")?;
        let name = globals.get_item(&Object::text(gil, "__name__")?)?;
        name.map(|name| name.to_text_lossy()).transpose()
    };
    find(exception.traceback()?)
        .inspect_err(|_| clear(gil))
        .ok()?
}

#[cfg(test)]
mod tests {
    use super::module_in_text;

    #[test]
    fn a_refusal_of_cpython_names_the_module() {
        let text = "module _queue.x does not support loading in subinterpreters";
        assert_eq!(module_in_text(text).as_deref(), Some("_queue.x"));
        assert_eq!(
            module_in_text("PyO3 modules do not yet support subinterpreters"),
            None
        );
        assert_eq!(
            module_in_text("this module does not support loading in subinterpreters"),
            None
        );
    }
}
