//! Content-Length, of requests and of responses.

/// A `Content-Length` that is not one number of digits, or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Content-Length is not a number of bytes")]
pub struct LengthError;

/// Parses the value of a `Content-Length` field: digits only (RFC 9110, section 8.6), with white space
/// around them as in any field. More than `i64::MAX` is an error, as is a list.
///
/// # Errors
/// When it is anything else.
pub fn content_length(value: &[u8]) -> Result<u64, LengthError> {
    let digits = trim(value);
    if digits.is_empty() {
        return Err(LengthError);
    }
    let mut length: i64 = 0;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return Err(LengthError);
        }
        length = length
            .checked_mul(10)
            .and_then(|length| length.checked_add(i64::from(byte - b'0')))
            .ok_or(LengthError)?;
    }
    Ok(length.unsigned_abs())
}

/// Removes the spaces and tabs around the value of a field.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(first) = value.iter().position(|byte| !blank(byte)) else {
        return &[];
    };
    let last = value.iter().rposition(|byte| !blank(byte)).unwrap_or(first);
    &value[first..=last]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_only() {
        for (value, expected) in [
            (&b"0"[..], Ok(0)),
            (b"12", Ok(12)),
            (b" 12\t", Ok(12)),
            (b"007", Ok(7)),
            (b"9223372036854775807", Ok(i64::MAX.unsigned_abs())),
            (b"9223372036854775808", Err(LengthError)),
            (b"99999999999999999999999", Err(LengthError)),
            (b"", Err(LengthError)),
            (b"  ", Err(LengthError)),
            (b"-1", Err(LengthError)),
            (b"+1", Err(LengthError)),
            (b"1 2", Err(LengthError)),
            (b"5, 5", Err(LengthError)),
            (b"0x10", Err(LengthError)),
            (b"1.0", Err(LengthError)),
            (b"\xb2", Err(LengthError)),
        ] {
            assert_eq!(content_length(value), expected, "{}", value.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn every_number_is_itself(number in 0..=i64::MAX) {
            prop_assert_eq!(content_length(number.to_string().as_bytes()), Ok(number.unsigned_abs()));
        }

        #[test]
        fn no_bytes_panic(value: Vec<u8>) {
            let _ = content_length(&value);
        }
    }
}
