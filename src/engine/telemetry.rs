//! Settings of telemetry.
#![forbid(unsafe_code)]

use super::value::{Unacceptable, Value, absolute, seconds, text};
use super::words::Words;

/// What datagrams hold beside the usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub capture_user_agent: bool,
}

const ALL: Flags = Flags {
    capture_user_agent: true,
};

/// Where datagrams go, and how often: `unix:/path`, and perhaps `interval=SECONDS`.
pub(super) fn service(value: &[u8]) -> Value<(Box<[u8]>, f64)> {
    let mut words = Words::new(text(value)?);
    let target = words.word().unwrap_or_default();
    let path = target.strip_prefix(b"unix:").ok_or(Unacceptable::Value)?;
    let mut interval = 1.0;
    while let Some(option) = words.assignment() {
        let (name, value) = option?;
        if name != b"interval" {
            return Err(Unacceptable::Value);
        }
        interval = seconds(&value)?;
    }
    if interval < 0.5 {
        return Err(Unacceptable::Value);
    }
    Ok((absolute(path)?.into(), interval))
}

/// Flags, all of them with a sign or none.
pub(super) fn flags(value: &[u8], before: Flags) -> Value<Flags> {
    let mut words = Words::new(text(value)?);
    let words: Vec<Vec<u8>> = std::iter::from_fn(|| words.word()).collect();
    let signed = |word: &Vec<u8>| matches!(word.first(), Some(b'+' | b'-'));
    let changes = words.iter().all(signed);
    if words.is_empty() || !changes && words.iter().any(signed) {
        return Err(Unacceptable::Value);
    }
    let mut flags = if changes { before } else { Flags::default() };
    for word in &words {
        let (name, on) = match word.split_first() {
            Some((b'-', name)) => (name, false),
            Some((b'+', name)) => (name, true),
            _ => (&word[..], true),
        };
        if name.eq_ignore_ascii_case(b"CaptureUserAgent") {
            flags.capture_user_agent = on;
        } else if !changes && name.eq_ignore_ascii_case(b"None") {
            flags = Flags::default();
        } else if !changes && name.eq_ignore_ascii_case(b"All") {
            flags = ALL;
        } else {
            return Err(Unacceptable::Value);
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_sockets() {
        for (value, expected) in [
            ("unix:/run/t", Some(1.0)),
            ("unix:/run/t interval=0.5", Some(0.5)),
            ("'unix:/run/t' interval=\"2\"", Some(2.0)),
            ("unix:/run/t interval=0.4", None),
            ("unix:/run/t interval=x", None),
            ("unix:/run/t interval=", None),
            ("unix:/run/t other=1", None),
            ("unix:/run/t word", None),
            ("unix:run/t", None),
            ("unix:", None),
            ("udp:localhost", None),
        ] {
            let found = service(value.as_bytes()).ok();
            assert_eq!(found.map(|(_, interval)| interval), expected, "{value}");
        }
    }

    #[test]
    fn flags_stack_when_they_have_a_sign() {
        for (value, before, expected) in [
            ("CaptureUserAgent", Flags::default(), Some(ALL)),
            ("captureuseragent", Flags::default(), Some(ALL)),
            ("None", ALL, Some(Flags::default())),
            ("All", Flags::default(), Some(ALL)),
            ("None CaptureUserAgent", ALL, Some(ALL)),
            ("+CaptureUserAgent", Flags::default(), Some(ALL)),
            ("-CaptureUserAgent", ALL, Some(Flags::default())),
            (
                "+CaptureUserAgent -CaptureUserAgent",
                ALL,
                Some(Flags::default()),
            ),
            ("+CaptureUserAgent CaptureUserAgent", ALL, None),
            ("+None", ALL, None),
            ("-All", ALL, None),
            ("+", ALL, None),
            ("Other", ALL, None),
            ("", ALL, None),
        ] {
            assert_eq!(flags(value.as_bytes(), before).ok(), expected, "{value}");
        }
    }
}
