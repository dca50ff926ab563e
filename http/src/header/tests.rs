//! Which fields of a request make an environ, by example and by property.

use super::*;
use proptest::prelude::*;

type Entries = Vec<(String, String)>;

const OPEN: Access = Access {
    authorization: true,
    proxy_authorization: true,
};

fn entries(fields: &[(&str, &str)], access: Access, framing: Framing) -> Entries {
    let fields: Vec<Pair<'_>> = fields
        .iter()
        .map(|(name, value)| Pair::new(name.as_bytes(), value.as_bytes()))
        .collect();
    let headers = Headers::new(&fields);
    let mut block = vec![0; headers.size()];
    let mut environ = Environ::new(Arena::new(&mut block), headers.len());
    headers.append(access, framing, &mut environ);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pairs = environ.pairs().iter();
    pairs
        .map(|pair| (text(pair.name.as_slice()), text(pair.value.as_slice())))
        .collect()
}

fn keys(fields: &[(&str, &str)], access: Access) -> Vec<String> {
    entries(fields, access, Framing::Open)
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

#[test]
fn names_become_keys() {
    for (name, key) in [
        ("Host", Some("HTTP_HOST")),
        ("X-Forwarded-For", Some("HTTP_X_FORWARDED_FOR")),
        ("content-TYPE", Some("CONTENT_TYPE")),
        ("Content-Length", Some("CONTENT_LENGTH")),
        ("Transfer-Encoding", Some("HTTP_TRANSFER_ENCODING")),
        ("x2", Some("HTTP_X2")),
        ("X_Forwarded_For", None),
        ("X.Y", None),
        ("X Y", None),
        ("X\u{e4}", None),
        ("", None),
        ("Proxy", None),
        ("PROXY", None),
        ("Proxy-Connection", Some("HTTP_PROXY_CONNECTION")),
    ] {
        let expected: Vec<String> = key.into_iter().map(str::to_owned).collect();
        assert_eq!(keys(&[(name, "v")], Access::default()), expected, "{name}");
    }
}

#[test]
fn credentials_need_permission() {
    let fields = [("Authorization", "a"), ("Proxy-Authorization", "b")];
    let authorization = Access {
        authorization: true,
        proxy_authorization: false,
    };
    assert!(keys(&fields, Access::default()).is_empty());
    assert_eq!(keys(&fields, authorization), ["HTTP_AUTHORIZATION"]);
    assert_eq!(
        keys(&fields, OPEN),
        ["HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION"]
    );
}

#[test]
fn repeats_are_merged_where_the_first_one_stands() {
    let fields = [
        ("Accept", "a"),
        ("Cookie", "x=1"),
        ("X-A", "1"),
        ("accept", "b"),
        ("cookie", "y=2"),
        ("ACCEPT", ""),
        ("X_A", "spoofed"),
    ];
    let expected = [
        ("HTTP_ACCEPT", "a, b, "),
        ("HTTP_COOKIE", "x=1; y=2"),
        ("HTTP_X_A", "1"),
    ];
    let entries = entries(&fields, OPEN, Framing::Open);
    assert_eq!(
        entries,
        expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_chunked_body_has_no_content_length() {
    let fields = [("Content-Length", "3"), ("Transfer-Encoding", "chunked")];
    let found = entries(&fields, OPEN, Framing::Chunked);
    assert_eq!(
        found,
        [("HTTP_TRANSFER_ENCODING".to_owned(), "chunked".to_owned())]
    );
}

#[test]
fn common_names_are_spread_over_the_buckets() {
    let names = [
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "accept-language",
        "cookie",
        "connection",
        "referer",
        "cache-control",
        "if-none-match",
        "if-modified-since",
        "x-forwarded-for",
        "x-request-id",
        "origin",
        "dnt",
    ];
    let mut buckets: Vec<u32> = names.iter().map(|name| bucket(name.as_bytes())).collect();
    buckets.sort_unstable();
    buckets.dedup();
    assert!(buckets.len() >= 11, "{buckets:?}");
}

proptest! {
    #[test]
    fn keys_are_unique_and_no_value_is_lost(fields in prop::collection::vec(("[a-cA-C_-]{0,3}", "[xy]{0,3}"), 0..40)) {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let found = entries(&fields, OPEN, Framing::Open);
        let mut keys: Vec<&String> = found.iter().map(|(key, _)| key).collect();
        keys.sort();
        let count = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), count);
        for (key, value) in &found {
            let values: Vec<&str> = fields
                .iter()
                .filter(|(name, _)| !name.contains('_') && format!("HTTP_{}", name.replace('-', "_").to_uppercase()) == *key)
                .map(|(_, value)| *value)
                .collect();
            prop_assert_eq!(value, &values.join(", "));
        }
    }

    #[test]
    fn no_bytes_panic(fields: Vec<(Vec<u8>, Vec<u8>)>) {
        let fields: Vec<Pair<'_>> = fields.iter().map(|(name, value)| Pair::new(name, value)).collect();
        let headers = Headers::new(&fields);
        let mut block = vec![0; headers.size()];
        let mut environ = Environ::new(Arena::new(&mut block), headers.len());
        headers.append(OPEN, Framing::Open, &mut environ);
        prop_assert!(environ.pairs().len() <= fields.len());
    }
}
