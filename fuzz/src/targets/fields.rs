//! Header fields as the targets read them from their input.

use wsgi_core_abi::{Bytes, Pair};

/// One field a line, its name and value separated by the first `:`; without one, the value is absent.
pub fn fields(input: &[u8]) -> Vec<Pair<'_>> {
    let lines = input.split(|byte| *byte == b'\n');
    let field = |line| match split(line, b':') {
        (name, Some(value)) => Pair::new(name, value),
        (name, None) => Pair {
            name: Bytes::new(name),
            value: Bytes::ABSENT,
        },
    };
    lines.map(field).collect()
}

/// Cuts at the first `mark`, if there is one.
pub fn split(bytes: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match bytes.iter().position(|byte| *byte == mark) {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    }
}
