//! Reading the values of options.
#![forbid(unsafe_code)]

use super::error::Error;
use super::words::Words;
use crate::daemon::account::{Group, User, most_groups};
use std::sync::Arc;
use std::time::Duration;
use wsgi_core_http::{HeadMapping, Network, ProxyHeader};

/// A value that is not accepted.
#[derive(Debug)]
pub(super) enum Unacceptable {
    /// What would be is in the option's own words.
    Value,
    /// For this reason.
    Because(String),
}

impl Unacceptable {
    /// The error of an option that is one of several on a line.
    pub(super) fn into_error(self) -> Error {
        Error::OptionValue(match self {
            Self::Because(text) => text,
            Self::Value => "a word is not an option".to_owned(),
        })
    }
}

/// What reading a value gives.
pub(super) type Value<T> = Result<T, Unacceptable>;

/// `On` or `Off`, in any case.
pub(super) fn flag(value: &[u8]) -> Value<bool> {
    if value.eq_ignore_ascii_case(b"on") {
        Ok(true)
    } else if value.eq_ignore_ascii_case(b"off") {
        Ok(false)
    } else {
        Err(Unacceptable::Value)
    }
}

/// `On`, `Off` or `Auto`, in any case.
pub(super) fn head_mapping(value: &[u8]) -> Value<HeadMapping> {
    if value.eq_ignore_ascii_case(b"auto") {
        return Ok(HeadMapping::Auto);
    }
    Ok(if flag(value)? {
        HeadMapping::On
    } else {
        HeadMapping::Off
    })
}

/// Digits only, within a range.
pub(super) fn whole(value: &[u8], least: u32, most: u32) -> Value<u32> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = digits
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten();
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or(Unacceptable::Value)
}

/// Digits only, within a wider range.
pub(super) fn amount(value: &[u8], least: u64, most: u64) -> Value<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = digits
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten();
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or(Unacceptable::Value)
}

/// Digits, with a sign in front of them if need be.
pub(super) fn signed(value: &[u8], least: i32, most: i32) -> Value<i32> {
    let (sign, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (-1, digits),
        None => (1, value),
    };
    let number = sign * whole(digits, 0, i32::MAX as u32)? as i32;
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(Unacceptable::Value)
    }
}

/// Permissions.
pub(super) fn octal(value: &[u8]) -> Value<u32> {
    let digits = !value.is_empty() && value.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let number = digits
        .then(|| u32::from_str_radix(std::str::from_utf8(value).ok()?, 8).ok())
        .flatten();
    number
        .filter(|number| *number <= 0o777)
        .ok_or(Unacceptable::Value)
}

/// Whole seconds.
pub(super) fn time(value: &[u8]) -> Value<Duration> {
    whole(value, 0, 1_000_000).map(|seconds| Duration::from_secs(seconds.into()))
}

/// Whole milliseconds.
pub(super) fn milliseconds(value: &[u8]) -> Value<Duration> {
    whole(value, 0, 1_000_000).map(|number| Duration::from_millis(number.into()))
}

/// 0, or at least so many bytes.
pub(super) fn size(value: &[u8], least: u32) -> Value<u32> {
    let most = i32::MAX as u32;
    whole(value, 0, 0).or_else(|_| whole(value, least, most))
}

/// An absolute path.
pub(super) fn absolute(value: &[u8]) -> Value<&[u8]> {
    text(value)?;
    if value.starts_with(b"/") {
        Ok(value)
    } else {
        Err(Unacceptable::Value)
    }
}

/// An existing user.
pub(super) fn user(value: &[u8]) -> Value<User> {
    User::find(text(value)?).ok_or(Unacceptable::Value)
}

/// An existing user that is not root.
pub(super) fn daemon_user(value: &[u8]) -> Value<User> {
    let user = user(value)?;
    if user.uid == 0 {
        Err(Unacceptable::Value)
    } else {
        Ok(user)
    }
}

/// A group by its name, or any number.
pub(super) fn account_group(value: &[u8]) -> Value<Group> {
    Group::find(text(value)?).ok_or(Unacceptable::Value)
}

/// Groups separated by commas, not more than a process may have.
pub(super) fn account_groups(value: &[u8]) -> Value<Vec<u32>> {
    let groups = value.split(|byte| *byte == b',');
    let groups: Vec<u32> = groups
        .map(|group| account_group(group).map(|group| group.gid))
        .collect::<Value<_>>()?;
    if groups.len() < most_groups() {
        Ok(groups)
    } else {
        Err(Unacceptable::Value)
    }
}

/// Words separated by blanks, at least one. They may be quoted.
fn words(value: &[u8]) -> Value<Vec<Vec<u8>>> {
    let mut words = Words::new(text(value)?);
    let words: Vec<Vec<u8>> = std::iter::from_fn(|| words.word()).collect();
    if words.is_empty() {
        Err(Unacceptable::Value)
    } else {
        Ok(words)
    }
}

/// Names separated by spaces, or none.
pub(super) fn names(value: &[u8]) -> Value<Arc<[Box<[u8]>]>> {
    if value.trim_ascii().is_empty() {
        return Ok(Arc::new([]));
    }
    Ok(words(value)?.into_iter().map(Box::from).collect())
}

/// Names of header fields of proxies; those that mean nothing are left out.
pub(super) fn proxy_headers(value: &[u8]) -> Value<Vec<ProxyHeader>> {
    let words = words(value)?;
    Ok(words
        .iter()
        .filter_map(|word| ProxyHeader::find(word))
        .collect())
}

/// Addresses and networks.
pub(super) fn networks(value: &[u8]) -> Value<Vec<Network>> {
    let network = |word: Vec<u8>| {
        Network::parse(&word).ok_or_else(|| {
            let word = String::from_utf8_lossy(&word).escape_debug().to_string();
            Unacceptable::Because(format!(
                "'{word}' is not accepted; expected addresses or networks, such as 10.0.0.0/8 or ::1"
            ))
        })
    };
    words(value)?.into_iter().map(network).collect()
}

/// A positive number of seconds in decimal, with a fraction or without.
pub(super) fn seconds(value: &[u8]) -> Value<f64> {
    let decimal = value
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && value.iter().any(u8::is_ascii_digit);
    let number: Option<f64> = decimal
        .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        .flatten();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or(Unacceptable::Value)
}

/// A number of seconds in decimal, which may be 0.
pub(super) fn seconds_or_none(value: &[u8]) -> Value<Option<f64>> {
    let digits = value.iter().any(u8::is_ascii_digit);
    if digits && value.iter().all(|byte| matches!(byte, b'0' | b'.')) && one_dot(value) {
        return Ok(None);
    }
    seconds(value).map(Some)
}

fn one_dot(value: &[u8]) -> bool {
    value.iter().filter(|byte| **byte == b'.').count() <= 1
}

/// The name of a way to take turns. There is nothing to take turns at.
pub(super) fn accept_mutex(value: &[u8]) -> Value<()> {
    const KNOWN: [&[u8]; 6] = [
        b"default",
        b"flock",
        b"fcntl",
        b"sysvsem",
        b"posixsem",
        b"pthread",
    ];
    if KNOWN.iter().any(|known| value.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err(Unacceptable::Value)
    }
}

/// `random` (nothing) or a seed.
pub(super) fn seed(value: &[u8]) -> Value<Option<u32>> {
    if value.eq_ignore_ascii_case(b"random") {
        return Ok(None);
    }
    whole(value, 0, u32::MAX).map(Some)
}

/// Any text but none, without NUL.
pub(super) fn text(value: &[u8]) -> Value<&[u8]> {
    if value.is_empty() || value.contains(&0) {
        return Err(Unacceptable::Value);
    }
    Ok(value)
}

/// Directories separated by colons; empty ones are mistakes.
pub(super) fn directories(value: &[u8]) -> Value<Vec<Box<[u8]>>> {
    value
        .split(|byte| *byte == b':')
        .map(|part| text(part).map(Box::from))
        .collect()
}

/// Up to three numbers separated by dots, such as `2.4.62`; missing ones are 0.
pub(super) fn version(value: &[u8]) -> Value<[u32; 3]> {
    let mut version = [0; 3];
    let mut parts = value.split(|byte| *byte == b'.');
    for (number, part) in version.iter_mut().zip(parts.by_ref()) {
        *number = whole(part, 0, u32::MAX)?;
    }
    if parts.next().is_some() {
        Err(Unacceptable::Value)
    } else {
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_any_case() {
        for (value, expected) in [
            ("On", Some(true)),
            ("oFF", Some(false)),
            ("", None),
            ("yes", None),
            ("On ", None),
            ("1", None),
        ] {
            assert_eq!(flag(value.as_bytes()).ok(), expected, "{value}");
        }
    }

    #[test]
    fn numbers_have_no_trailing_garbage_and_no_overflow() {
        for (value, expected) in [
            ("0", Some(0)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("99999999999999999999", None),
            ("1x", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("", None),
            ("1.0", None),
            ("0x1", None),
        ] {
            assert_eq!(
                whole(value.as_bytes(), 0, u32::MAX).ok(),
                expected,
                "{value}"
            );
        }
        assert!(whole(b"3", 0, 2).is_err());
    }

    #[test]
    fn seconds_are_positive_decimals() {
        for (value, expected) in [
            ("0.005", Some(0.005)),
            ("1", Some(1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("0", None),
            ("-1", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("1s", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
        ] {
            assert_eq!(seconds(value.as_bytes()).ok(), expected, "{value}");
        }
    }

    #[test]
    fn lists_and_versions() {
        assert_eq!(directories(b"/a:/b").ok().map(|list| list.len()), Some(2));
        assert!(directories(b"/a::/b").is_err() && directories(b"").is_err());
        assert_eq!(version(b"2.4.62").ok(), Some([2, 4, 62]));
        assert_eq!(version(b"1").ok(), Some([1, 0, 0]));
        assert!(version(b"1.2.3.4").is_err() && version(b"1.x").is_err() && version(b"").is_err());
    }

    #[test]
    fn random_is_random() {
        assert_eq!(seed(b"random").ok(), Some(None));
        assert_eq!(seed(b"0").ok(), Some(Some(0)));
        assert!(seed(b"rand").is_err());
    }
}
