//! Scripts that the configuration names, other than those that requests are mapped to.
#![forbid(unsafe_code)]

use super::scope::Scope;
use super::settings::Settings;
use super::value::{Unacceptable, Value, absolute, text};
use super::words::Words;

/// A script, and the options that go with it.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub path: Box<[u8]>,
    pub options: Settings,
}

/// Options of a script that serves requests, whatever it is that they are for.
const OF_HANDLERS: &[&str] = &["process-group", "application-group", "pass-authorization"];
/// Options of a script that decides about requests.
const OF_HOOKS: &[&str] = &["process-group", "application-group"];

impl Script {
    /// Reads `PATH name=value …`, for a script that decides about requests.
    pub fn hook(line: &[u8]) -> Value<Self> {
        Self::read(Words::new(text(line)?), OF_HOOKS)
    }

    /// Reads `NAME PATH name=value …`: the name of a handler, and the script that serves its requests.
    pub fn handler(line: &[u8]) -> Value<(Box<[u8]>, Self)> {
        let mut words = Words::new(text(line)?);
        let name = words.word().ok_or(Unacceptable::Value)?;
        text(&name)?;
        Ok((name.into(), Self::read(words, OF_HANDLERS)?))
    }

    fn read(mut words: Words<'_>, known: &[&str]) -> Value<Self> {
        let path = words.word().ok_or(Unacceptable::Value)?;
        if absolute(&path).is_err() {
            let path = String::from_utf8_lossy(&path);
            return Err(Unacceptable::Because(format!(
                "'{}' is not an absolute path",
                path.escape_debug()
            )));
        }
        let mut options = Settings::new(Scope::Script);
        options.assign(words, |name| known.contains(&name))?;
        Ok(Self {
            path: path.into(),
            options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(value: Value<impl Sized>) -> String {
        match value {
            Err(Unacceptable::Because(text)) => text,
            Err(Unacceptable::Value) => "value".to_owned(),
            Ok(_) => "accepted".to_owned(),
        }
    }

    #[test]
    fn handlers_have_a_name_a_path_and_options() {
        let read = Script::handler(b"name '/a b.py' process-group=x pass-authorization=On");
        let (name, script) = read.ok().unwrap();
        assert_eq!((&*name, &*script.path), (&b"name"[..], &b"/a b.py"[..]));
        assert_eq!(script.options.process_group.as_deref(), Some(&b"x"[..]));
        assert_eq!(script.options.pass_authorization, Some(true));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, expected) in [
            ("", "value"),
            ("name", "value"),
            ("name path", "'path' is not an absolute path"),
            (
                "name /path word",
                "'word' is not an option, which is name=value",
            ),
            (
                "name /path callable-object=x",
                "there is no option 'callable-object'; there are process-group, application-group, pass-authorization",
            ),
            (
                "name /path pass-authorization=maybe",
                "pass-authorization: 'maybe' is not accepted; expected On or Off",
            ),
        ] {
            assert_eq!(reason(Script::handler(line.as_bytes())), expected, "{line}");
        }
        assert_eq!(
            reason(Script::hook(b"/path pass-authorization=On")),
            "there is no option 'pass-authorization'; there are process-group, application-group"
        );
    }
}
