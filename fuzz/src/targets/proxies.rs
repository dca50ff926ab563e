//! Trusted proxies: the rules read from a configuration, and header fields by anybody. A peer that is not trusted
//! changes nothing.

use super::fields::{fields, split};
use wsgi_core_abi::Pair;
use wsgi_core_http::{Access, Arena, Environ, Framing, Headers, Network, ProxyHeader, ProxyRules};

const CATEGORIES: [(&[u8], &[u8]); 5] = [
    (b"REMOTE_ADDR", b"10.0.0.1"),
    (b"HTTP_HOST", b"inner.test"),
    (b"SERVER_NAME", b"inner.test"),
    (b"SERVER_PORT", b"80"),
    (b"SCRIPT_NAME", b"/app"),
];

/// One input: the trusted networks in its first line, or `*`; the names of headers in the second; the peer in the
/// third; then the fields.
pub fn run(input: &[u8]) {
    let (networks, rest) = split(input, b'\n');
    let (names, rest) = split(rest.unwrap_or_default(), b'\n');
    let (peer, rest) = split(rest.unwrap_or_default(), b'\n');
    let words = |line: &'_ [u8]| -> Vec<Vec<u8>> {
        line.split(|byte| *byte == b' ')
            .map(<[u8]>::to_vec)
            .collect()
    };
    let trusted: Vec<Network> = words(networks)
        .iter()
        .filter_map(|word| Network::parse(word))
        .collect();
    let listed: Vec<ProxyHeader> = words(names)
        .iter()
        .filter_map(|word| ProxyHeader::find(word))
        .collect();
    let rules = ProxyRules {
        headers: &listed,
        proxies: (networks != b"*").then_some(&trusted),
    };
    apply(&rules, peer, &fields(rest.unwrap_or_default()));
}

fn apply(rules: &ProxyRules<'_>, peer: &[u8], fields: &[Pair<'_>]) {
    let headers = Headers::new(fields);
    let mut block = vec![0; headers.size() + rules.size(&headers, &[])];
    let mut environ = Environ::new(Arena::new(&mut block), headers.len() + CATEGORIES.len());
    headers.append(Access::default(), Framing::Open, &mut environ);
    for (key, value) in CATEGORIES {
        environ.set(key, value);
    }
    rules.apply(peer, &mut environ);
    let trusts_nobody = rules.proxies.is_some_and(<[Network]>::is_empty);
    if rules.headers.is_empty() || trusts_nobody {
        for (key, value) in CATEGORIES {
            assert_eq!(environ.get(key), Some(value));
        }
        assert!(!environ.is_https() && environ.get(b"mod_wsgi.mount_point").is_none());
    }
    // What is left of a chain begins with the client.
    if let (Some(_), Some(chain)) = (rules.proxies, environ.get(b"HTTP_X_FORWARDED_FOR"))
        && format!("{:?}", rules.headers) == "[X-Forwarded-For]"
        && environ.get(b"REMOTE_ADDR") != Some(b"10.0.0.1")
    {
        assert_eq!(
            environ.get(b"REMOTE_ADDR"),
            chain.split(|byte| *byte == b',').next()
        );
    }
}
