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

/// How much of a path a prefix matches: runs of `/` count as one, and a match ends where a component does. `None` when
/// it does not match.
#[must_use]
pub fn match_prefix(path: &[u8], prefix: &[u8]) -> Option<usize> {
    let slashes = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte == b'/').count();
    let (mut rest, mut wanted) = (path, prefix);
    while let Some(byte) = wanted.first() {
        let (matched, skipped) = match rest.first() {
            Some(b'/') if *byte == b'/' => (slashes(rest), slashes(wanted)),
            Some(found) if found == byte => (1, 1),
            _ => return None,
        };
        (rest, wanted) = (&rest[matched..], &wanted[skipped..]);
    }
    let ends = prefix.ends_with(b"/") || matches!(rest.first(), None | Some(b'/'));
    (ends && !prefix.is_empty()).then_some(path.len() - rest.len())
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

    #[test]
    fn prefixes_end_with_a_component() {
        for (path, prefix, expected) in [
            ("/app", "/app", Some(4)),
            ("/app/x", "/app", Some(4)),
            ("/application", "/app", None),
            ("//app//x", "/app/", Some(7)),
            ("/app", "/app/", None),
            ("/app/", "//app", Some(4)),
            ("/a//b/c", "/a/b", Some(5)),
            ("/x", "/", Some(1)),
            ("//x", "/", Some(2)),
            ("/App", "/app", None),
            ("/", "/app", None),
            ("", "/", None),
            ("/x", "", None),
        ] {
            let found = match_prefix(path.as_bytes(), prefix.as_bytes());
            assert_eq!(found, expected, "{prefix} in {path}");
        }
    }

    proptest! {
        #[test]
        fn a_match_is_within_the_path(path in "[/ab]{0,20}", prefix in "[/ab]{0,10}") {
            if let Some(matched) = match_prefix(path.as_bytes(), prefix.as_bytes()) {
                prop_assert!(matched <= path.len());
                prop_assert_eq!(collapsed(&path.as_bytes()[..matched]), collapsed(prefix.as_bytes()));
            }
        }

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
