//! A path that is split into `SCRIPT_NAME` and `PATH_INFO`: slashes are collapsed in both, and nothing else is lost.

use wsgi_core_http::{Arena, collapse_slashes};

/// One input: its first byte says where the rest is split.
pub fn run(input: &[u8]) {
    let Some((at, path)) = input.split_first() else {
        return;
    };
    let (script_name, path_info) = path.split_at(usize::from(*at).min(path.len()));
    let mut block = vec![0; path.len()];
    let mut arena = Arena::new(&mut block);
    for part in [script_name, path_info] {
        let collapsed = collapse_slashes(part, &mut arena);
        assert!(!collapsed.windows(2).any(|pair| pair == b"//"));
        assert_eq!(components(collapsed), components(part));
        assert_eq!(collapsed.first(), part.first());
        assert_eq!(collapsed.last(), part.last());
    }
}

fn components(path: &[u8]) -> Vec<&[u8]> {
    let components = path.split(|byte| *byte == b'/');
    components
        .filter(|component| !component.is_empty())
        .collect()
}
