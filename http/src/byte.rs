//! What each byte may be part of.

/// `tchar` of RFC 9110, section 5.6.2.
const TOKEN: u8 = 1;
/// Control characters but the tab: never in a header value or a status.
const CONTROL: u8 = 2;
/// Letters, digits and `-`: a header name made of others never reaches an environ, so that no two names
/// can become the same key.
const PLAIN: u8 = 4;

const fn class(byte: u8) -> u8 {
    let plain = byte.is_ascii_alphanumeric() || byte == b'-';
    let token = plain
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
    let control = (byte < 0x20 && byte != b'\t') || byte == 0x7f;
    (token as u8 * TOKEN) | (control as u8 * CONTROL) | (plain as u8 * PLAIN)
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class(byte as u8);
        byte += 1;
    }
    table
}

const fn keys() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let value = byte as u8;
        if class(value) & PLAIN != 0 {
            table[byte] = if value == b'-' {
                b'_'
            } else {
                value.to_ascii_uppercase()
            };
        }
        byte += 1;
    }
    table
}

static CLASSES: [u8; 256] = classes();
static KEYS: [u8; 256] = keys();

/// Whether `byte` may stand in a token.
pub(crate) fn is_token(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & TOKEN != 0
}

/// Whether `byte` is a control character other than the tab.
pub(crate) fn is_control(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & CONTROL != 0
}

/// The byte of an environ key for a byte of a header name, or 0 where the name is not to be passed.
pub(crate) fn key(byte: u8) -> u8 {
    KEYS[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_rfc_9110() {
        for byte in 0..=255 {
            let visible = (0x21..0x7f).contains(&byte);
            let delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert_eq!(is_token(byte), visible && !delimiter, "{byte:#x}");
        }
    }

    #[test]
    fn the_tab_is_no_control_character_and_latin_1_is_none() {
        let controls: Vec<u8> = (0..=255).filter(|byte| is_control(*byte)).collect();
        assert_eq!(controls.len(), 32);
        assert!(!is_control(b'\t') && !is_control(0x80) && !is_control(b' '));
        assert!(is_control(0) && is_control(b'\n') && is_control(0x7f));
    }

    #[test]
    fn keys_are_upper_case_with_underscores() {
        assert_eq!(
            (key(b'a'), key(b'Z'), key(b'7'), key(b'-')),
            (b'A', b'Z', b'7', b'_')
        );
        assert!(
            [b'_', b'.', b' ', b':', 0, 0xe4]
                .into_iter()
                .all(|byte| key(byte) == 0)
        );
    }
}
