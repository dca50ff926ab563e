//! Header fields of a response.

use crate::byte::{is_control, is_token};
use wsgi_core_abi::{Bytes, Pair};

/// Why a header field is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The name is empty.
    #[error("header name is empty")]
    EmptyName,
    /// The name holds this byte, which no token may hold (RFC 9110, section 5.1).
    #[error("header name holds {}", describe(*.0))]
    Name(u8),
    /// The value holds this control character.
    #[error("header value holds {}", describe(*.0))]
    Value(u8),
}

fn describe(byte: u8) -> String {
    match byte {
        0 => "a NUL".to_owned(),
        b'\n' | b'\r' => "a line break".to_owned(),
        b' ' => "a space".to_owned(),
        byte if byte.is_ascii_graphic() => format!("'{}'", char::from(byte)),
        byte => format!("the byte 0x{byte:02x}"),
    }
}

/// Checks the name of a field: a token.
///
/// # Errors
/// With the first byte that is wrong.
pub fn check_name(name: &[u8]) -> Result<(), FieldError> {
    if name.is_empty() {
        return Err(FieldError::EmptyName);
    }
    match name.iter().find(|byte| !is_token(**byte)) {
        Some(byte) => Err(FieldError::Name(*byte)),
        None => Ok(()),
    }
}

/// Checks the value of a field: no control characters but tabs.
///
/// # Errors
/// With the first byte that is wrong.
pub fn check_value(value: &[u8]) -> Result<(), FieldError> {
    match value.iter().find(|byte| is_control(**byte)) {
        Some(byte) => Err(FieldError::Value(*byte)),
        None => Ok(()),
    }
}

/// Whether the field is the server's to send: it alone knows how a body is framed on a connection, and PEP 3333
/// leaves transfer codings to it.
#[must_use]
pub fn is_framing(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"Transfer-Encoding")
}

/// Whether the field belongs to an answer with this status whoever makes its page: without a challenge a client can't
/// do anything about 401.
#[must_use]
pub fn is_for_any_page(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"WWW-Authenticate")
}

/// The path that a response leads to within the server, as CGI has it (RFC 3875, section 6.2.2); absent where it does not.
#[must_use]
pub fn local_redirect<'a>(code: u16, fields: &[Pair<'a>]) -> Bytes<'a> {
    let is_location = |pair: &&Pair<'_>| pair.name.as_slice().eq_ignore_ascii_case(b"Location");
    let location = fields.iter().find(is_location).map(|pair| pair.value);
    location
        .filter(|path| code == 200 && path.as_slice().starts_with(b"/"))
        .unwrap_or(Bytes::ABSENT)
}

/// What becomes of a field that an application gives more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// One field, its values with `, ` between them (RFC 9110, section 5.3).
    Joined,
    /// Separate fields: their values hold commas of their own.
    Apart,
    /// One field with the last value: it can only have one.
    Last,
}

/// The rule for the field of this name.
#[must_use]
pub fn repeats(name: &[u8]) -> Repeats {
    let is_one_of = |names: &[&[u8]]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
    if is_one_of(&[b"Set-Cookie", b"WWW-Authenticate"]) {
        return Repeats::Apart;
    }
    let single: &[&[u8]] = &[
        b"Location",
        b"Content-Length",
        b"Content-Range",
        b"Content-Type",
        b"Last-Modified",
    ];
    if is_one_of(single) {
        return Repeats::Last;
    }
    Repeats::Joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens() {
        for (name, expected) in [
            (&b"Content-Type"[..], Ok(())),
            (b"X_Y.z!", Ok(())),
            (b"Status", Ok(())),
            (b"", Err(FieldError::EmptyName)),
            (b"A B", Err(FieldError::Name(b' '))),
            (b"A:", Err(FieldError::Name(b':'))),
            (b"A\n", Err(FieldError::Name(b'\n'))),
            (b"A\0", Err(FieldError::Name(0))),
            (b"\xe4", Err(FieldError::Name(0xe4))),
        ] {
            assert_eq!(check_name(name), expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn values_hold_no_control_characters_but_tabs() {
        for (value, expected) in [
            (&b""[..], Ok(())),
            (b"text/html; charset=\"x\"", Ok(())),
            (b"a\tb \xe4", Ok(())),
            (b"a\r\nb", Err(FieldError::Value(b'\r'))),
            (b"a\nb", Err(FieldError::Value(b'\n'))),
            (b"a\0b", Err(FieldError::Value(0))),
            (b"\x7f", Err(FieldError::Value(0x7f))),
        ] {
            assert_eq!(check_value(value), expected, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn messages_name_the_byte() {
        assert_eq!(FieldError::Name(b':').to_string(), "header name holds ':'");
        assert_eq!(
            FieldError::Value(b'\n').to_string(),
            "header value holds a line break"
        );
        assert_eq!(
            FieldError::Value(0x7f).to_string(),
            "header value holds the byte 0x7f"
        );
    }

    #[test]
    fn framing_is_for_the_server() {
        assert!(is_framing(b"transfer-encoding") && !is_framing(b"Content-Length"));
        assert!(is_for_any_page(b"www-authenticate") && !is_for_any_page(b"Content-Type"));
    }

    #[test]
    fn a_path_as_location_of_200_is_a_local_redirect() {
        let found = |code, name: &'static [u8], value: &'static [u8]| {
            let fields = [Pair::new(b"X-A", b"/no"), Pair::new(name, value)];
            local_redirect(code, &fields).as_slice()
        };
        assert_eq!(found(200, b"location", b"/a?b"), b"/a?b");
        for (code, name, value) in [
            (302, &b"Location"[..], &b"/a"[..]),
            (200, b"Location", b"http://a/"),
            (200, b"Location", b"a"),
            (200, b"Location", b""),
            (200, b"Content-Location", b"/a"),
        ] {
            assert_eq!(found(code, name, value), b"");
        }
    }

    #[test]
    fn repeated_fields_have_a_rule_each() {
        for (name, expected) in [
            (&b"X-A"[..], Repeats::Joined),
            (b"Vary", Repeats::Joined),
            (b"set-cookie", Repeats::Apart),
            (b"WWW-Authenticate", Repeats::Apart),
            (b"LOCATION", Repeats::Last),
            (b"Content-Type", Repeats::Last),
            (b"last-modified", Repeats::Last),
        ] {
            assert_eq!(repeats(name), expected, "{}", name.escape_ascii());
        }
    }
}
