//! Words of a line of configuration: separated by blanks, quoted as httpd and shells do it.
#![forbid(unsafe_code)]

use super::value::{Unacceptable, Value};

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'l>(&'l [u8]);

/// A name and its value.
pub(super) type Assignment<'l> = (&'l [u8], Vec<u8>);

impl<'l> Words<'l> {
    pub fn new(line: &'l [u8]) -> Self {
        Self(line.trim_ascii_start())
    }

    /// Takes a word; `None` at the end. Within quotes, and for itself, a backslash makes the next character ordinary.
    pub fn word(&mut self) -> Option<Vec<u8>> {
        let first = *self.0.first()?;
        let quote = Some(first).filter(|byte| matches!(byte, b'"' | b'\''));
        let mut rest = if quote.is_some() {
            &self.0[1..]
        } else {
            self.0
        };
        let mut word = Vec::new();
        while let [byte, after @ ..] = rest {
            rest = match (byte, after) {
                (b'\\', [escaped, after @ ..]) if *escaped == b'\\' || quote == Some(*escaped) => {
                    word.push(*escaped);
                    after
                }
                (byte, after) if quote == Some(*byte) => {
                    rest = after;
                    break;
                }
                (byte, _) if quote.is_none() && byte.is_ascii_whitespace() => break,
                (byte, after) => {
                    word.push(*byte);
                    after
                }
            };
        }
        self.0 = rest.trim_ascii_start();
        Some(word)
    }

    /// Takes `name=value`, whose value may be quoted.
    pub fn assignment(&mut self) -> Option<Value<Assignment<'l>>> {
        let line = self.0;
        let end = line
            .iter()
            .position(|byte| *byte == b'=' || byte.is_ascii_whitespace());
        match end {
            Some(end) if end > 0 && line[end] == b'=' => {
                self.0 = &line[end + 1..];
                let empty = self.0.first().is_none_or(u8::is_ascii_whitespace);
                let value = if empty { None } else { self.word() };
                self.0 = self.0.trim_ascii_start();
                Some(Ok((&line[..end], value.unwrap_or_default())))
            }
            _ => {
                let word = self.word()?;
                let shown = String::from_utf8_lossy(&word)
                    .escape_debug()
                    .take(200)
                    .collect::<String>();
                Some(Err(Unacceptable::Because(format!(
                    "'{shown}' is not an option, which is name=value"
                ))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let mut words = Words::new(line.as_bytes());
        std::iter::from_fn(|| words.word())
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn words_are_quoted_as_in_httpd() {
        for (line, expected) in [
            ("", &[][..]),
            ("  a\tb  ", &["a", "b"]),
            (r#"'a b' "c d""#, &["a b", "c d"]),
            (r#""a \" b" 'it\'s'"#, &["a \" b", "it's"]),
            (r#"a\\b \x "\n""#, &["a\\b", "\\x", "\\n"]),
            (r#""unfinished  "#, &["unfinished  "]),
            (r#"''"#, &[""]),
            (r#"a"b c"#, &["a\"b", "c"]),
            (r#""a"b"#, &["a", "b"]),
            ("\\", &["\\"]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn assignments_are_names_and_values() {
        let mut line = Words::new(br#"a=b c='d e' f= g=h=i"#);
        for (name, value) in [("a", "b"), ("c", "d e"), ("f", ""), ("g", "h=i")] {
            let Some(Ok(found)) = line.assignment() else {
                panic!("{name}");
            };
            assert_eq!(found, (name.as_bytes(), value.into()));
        }
        assert!(line.assignment().is_none());
        for line in ["word", "a =b", "=b", "a"] {
            let found = Words::new(line.as_bytes()).assignment();
            assert!(matches!(found, Some(Err(_))), "{line}");
        }
    }
}
