//! The rules for header fields of requests and of responses. No field may take the place of another one in an
//! environ, and what is accepted for a response may not end its line.

use super::fields::fields;
use std::collections::HashSet;
use wsgi_core_abi::Pair;
use wsgi_core_http::{
    Access, Arena, BodyRules, Environ, Framing, Headers, check_name, check_value, content_length,
    repeats, status_code,
};

/// One input: its first byte chooses what is allowed, the rest are fields.
pub fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    let fields = fields(rest);
    request(*choice, &fields);
    for field in &fields {
        response(field);
    }
}

fn request(choice: u8, fields: &[Pair<'_>]) {
    let headers = Headers::new(fields);
    let rules = BodyRules {
        chunked: choice & 1 != 0,
        limit: u64::from(choice) << 8,
    };
    let framing = rules.check(&headers).unwrap_or_else(|error| {
        assert!((400..=501).contains(&error.http_status()), "{error}");
        Framing::Open
    });
    let access = Access {
        authorization: choice & 2 != 0,
        proxy_authorization: choice & 4 != 0,
    };
    let mut block = vec![0; headers.size()];
    let mut environ = Environ::new(Arena::new(&mut block), headers.len());
    headers.append(access, framing, &mut environ);
    let mut seen = HashSet::new();
    for pair in environ.pairs() {
        let key = pair.name.as_slice();
        assert!(seen.insert(key), "{} is there twice", key.escape_ascii());
        let rest = key.strip_prefix(b"HTTP_").unwrap_or(key);
        let is_plain =
            |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        assert!(
            !rest.is_empty() && rest.iter().all(is_plain),
            "{}",
            key.escape_ascii()
        );
        assert!(
            rest.len() < key.len() || key.starts_with(b"CONTENT_"),
            "{}",
            key.escape_ascii()
        );
        assert!(!matches!(rest, b"PROXY" | b"CONTENT_TYPE" | b"CONTENT_LENGTH") || rest == key);
        assert!(key != b"HTTP_AUTHORIZATION" || choice & 6 != 0);
        assert!(key != b"HTTP_PROXY_AUTHORIZATION" || choice & 4 != 0);
        assert!(key != b"CONTENT_LENGTH" || framing != Framing::Chunked);
    }
}

fn response(field: &Pair<'_>) {
    let (name, value) = (field.name.as_slice(), field.value.as_slice());
    if check_name(name).is_ok() {
        assert!(
            !name
                .iter()
                .any(|byte| byte.is_ascii_whitespace() || b"\0:".contains(byte))
        );
    }
    for (text, is_accepted) in [
        (value, check_value(value).is_ok()),
        (value, status_code(value).is_ok()),
    ] {
        assert!(!is_accepted || !text.iter().any(|byte| b"\0\r\n".contains(byte)));
    }
    if let Ok(length) = content_length(value) {
        assert!(i64::try_from(length).is_ok());
    }
    let _ = repeats(name);
}
