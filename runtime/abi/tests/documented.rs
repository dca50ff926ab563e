//! `docs/logging.md` lists every identifier with its meaning, and no other.

use wsgi_core_abi::MESSAGES;

#[test]
fn every_identifier_is_documented_with_its_meaning() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/logging.md");
    let page = std::fs::read_to_string(path).expect("docs/logging.md is there");
    let documented: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| `WC"))
        .collect();
    let expected: Vec<_> = MESSAGES
        .iter()
        .map(|message| format!("| `{}` | {} |", message.id, message.meaning.trim()))
        .collect();
    assert_eq!(documented, expected);
}
