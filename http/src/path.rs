//! Paths of a request.

use crate::Arena;
use memchr::memmem;

/// Collapses each run of `/` into one, in `arena` where there is something to do.
pub fn collapse_slashes<'a>(path: &'a [u8], arena: &mut Arena<'a>) -> &'a [u8] {
    if memmem::find(path, b"//").is_none() {
        return path;
    }
    // What was taken can't be given back, so the bytes are counted before.
    let runs = path.windows(2).filter(|pair| pair == b"//").count();
    let kept = arena.take(path.len() - runs);
    let mut previous = 0;
    let bytes = path.iter().filter(|byte| {
        let repeated = **byte == b'/' && previous == b'/';
        previous = **byte;
        !repeated
    });
    for (to, from) in kept.iter_mut().zip(bytes) {
        *to = *from;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn collapsed(path: &[u8]) -> Vec<u8> {
        let mut block = vec![0; path.len()];
        collapse_slashes(path, &mut Arena::new(&mut block)).to_vec()
    }

    #[test]
    fn runs_become_one() {
        for (path, expected) in [
            (&b""[..], &b""[..]),
            (b"/", b"/"),
            (b"/a/b", b"/a/b"),
            (b"//", b"/"),
            (b"//a///b//", b"/a/b/"),
            (b"a//", b"a/"),
            (b"/\xc3\xa4//x", b"/\xc3\xa4/x"),
        ] {
            assert_eq!(collapsed(path), expected, "{}", path.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn only_repeated_slashes_go(path in "[/ab]{0,40}") {
            let result = collapsed(path.as_bytes());
            prop_assert!(memmem::find(&result, b"//").is_none());
            let parts = |path: &[u8]| -> Vec<Vec<u8>> {
                path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect()
            };
            prop_assert_eq!(parts(&result), parts(path.as_bytes()));
        }
    }
}
