//! Reading the values of options.
#![forbid(unsafe_code)]

use wsgi_core_http::HeadMapping;

/// A value that is not accepted. Why is in the option's own words.
pub(super) struct Unacceptable;

/// What reading a value gives.
pub(super) type Value<T> = Result<T, Unacceptable>;

/// `On` or `Off`, in any case.
pub(super) fn flag(value: &[u8]) -> Value<bool> {
    if value.eq_ignore_ascii_case(b"on") {
        Ok(true)
    } else if value.eq_ignore_ascii_case(b"off") {
        Ok(false)
    } else {
        Err(Unacceptable)
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
        .ok_or(Unacceptable)
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
        .ok_or(Unacceptable)
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
        return Err(Unacceptable);
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
        Err(Unacceptable)
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
