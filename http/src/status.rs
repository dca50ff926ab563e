//! The status of a response.

use crate::byte::is_control;

/// Why a status is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// Neither three digits alone nor three digits, a space and a reason.
    #[error("status is not three digits, optionally followed by a space and a reason")]
    Syntax,
    /// It holds a control character.
    #[error("status holds a control character")]
    Control,
}

/// The code of a status such as `404 Not Found`. Three digits alone do; the reason may be anything
/// without control characters. The range of codes is not checked.
///
/// # Errors
/// When it has another form.
pub fn status_code(status: &[u8]) -> Result<u16, StatusError> {
    if status
        .iter()
        .any(|byte| is_control(*byte) || *byte == b'\t')
    {
        return Err(StatusError::Control);
    }
    let (Some(code), b"" | [b' ', ..]) = (status.get(..3), status.get(3..).unwrap_or(&[])) else {
        return Err(StatusError::Syntax);
    };
    if !code.iter().all(u8::is_ascii_digit) {
        return Err(StatusError::Syntax);
    }
    Ok(code
        .iter()
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_reason() {
        for (status, expected) in [
            (&b"200 OK"[..], Ok(200)),
            (b"200", Ok(200)),
            (b"200 ", Ok(200)),
            (b"404 Nicht gefunden\xfc", Ok(404)),
            (b"999 x  y", Ok(999)),
            (b"000", Ok(0)),
            (b"", Err(StatusError::Syntax)),
            (b"20", Err(StatusError::Syntax)),
            (b"20 OK", Err(StatusError::Syntax)),
            (b"2000 OK", Err(StatusError::Syntax)),
            (b"200OK", Err(StatusError::Syntax)),
            (b" 200 OK", Err(StatusError::Syntax)),
            (b"OK", Err(StatusError::Syntax)),
            (b"-20 OK", Err(StatusError::Syntax)),
            (b"200 O\nK", Err(StatusError::Control)),
            (b"200 OK\r", Err(StatusError::Control)),
            (b"200 \0", Err(StatusError::Control)),
            (b"200\tOK", Err(StatusError::Control)),
        ] {
            assert_eq!(status_code(status), expected, "{}", status.escape_ascii());
        }
    }
}
