//! What fields of trusted proxies change, by example and by property.

use super::*;
use crate::{Access, Arena, Framing};
use proptest::prelude::*;

type Entries<'t> = &'t [(&'t str, Option<&'t str>)];

/// What is listed, what is trusted, what is sent, and what the environ then says.
struct Case<'t> {
    name: &'t str,
    headers: &'t str,
    proxies: Option<&'t str>,
    peer: &'t str,
    sent: &'t [(&'t str, &'t str)],
    expected: Entries<'t>,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            name: "",
            headers: "",
            proxies: None,
            peer: PEER,
            sent: &[],
            expected: &[],
        }
    }
}

const PEER: &str = "10.0.0.9";
const TRUSTED: Option<&str> = Some("10.0.0.0/8 2001:db8::/32 192.168.7.7");

fn headers(names: &str) -> Vec<ProxyHeader> {
    names
        .split(' ')
        .filter_map(|name| ProxyHeader::find(name.as_bytes()))
        .collect()
}

fn networks(text: &str) -> Vec<Network> {
    text.split(' ')
        .map(|text| Network::parse(text.as_bytes()).unwrap())
        .collect()
}

/// The environ as text, with `wsgi.url_scheme`. `HTTPS` is among what is sent.
fn entries(rules: &ProxyRules<'_>, peer: &str, sent: &[(&str, &str)]) -> Vec<(String, String)> {
    let fields: Vec<Pair<'_>> = sent
        .iter()
        .filter(|(name, _)| *name != "HTTPS")
        .map(|(name, value)| Pair::new(name.as_bytes(), value.as_bytes()))
        .collect();
    let variables: Vec<Pair<'_>> = sent
        .iter()
        .filter(|(name, _)| *name == "HTTPS")
        .map(|(name, value)| Pair::new(name.as_bytes(), value.as_bytes()))
        .collect();
    let found = Headers::new(&fields);
    let mut block = vec![0; found.size() + rules.size(&found, &variables)];
    let mut environ = Environ::new(Arena::new(&mut block), 16);
    environ.variables(&variables);
    found.append(Access::default(), Framing::Open, &mut environ);
    for (key, value) in [
        ("REMOTE_ADDR", peer),
        ("SERVER_NAME", "inner.test"),
        ("SERVER_PORT", "8080"),
        ("SCRIPT_NAME", "/app"),
        ("PATH_INFO", "/page"),
        ("mod_wsgi.script_name", "/app"),
    ] {
        environ.set(key.as_bytes(), value.as_bytes());
    }
    rules.apply(peer.as_bytes(), &mut environ);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut entries: Vec<(String, String)> = Vec::new();
    for pair in environ.pairs() {
        let (key, value) = (text(pair.name.as_slice()), text(pair.value.as_slice()));
        entries.retain(|(other, _)| *other != key);
        entries.push((key, value));
    }
    let scheme = if environ.is_https() { "https" } else { "http" };
    entries.push(("wsgi.url_scheme".to_owned(), scheme.to_owned()));
    entries
}

fn check(case: &Case<'_>) {
    let (listed, trusted) = (headers(case.headers), case.proxies.map(networks));
    let rules = ProxyRules {
        headers: &listed,
        proxies: trusted.as_deref(),
    };
    let found = entries(&rules, case.peer, case.sent);
    for (key, expected) in case.expected {
        let value = found
            .iter()
            .find(|(other, _)| other == key)
            .map(|(_, value)| value.as_str());
        assert_eq!(value, *expected, "{}: {key} of {found:?}", case.name);
    }
}

const FOR: &str = "HTTP_X_FORWARDED_FOR";

/// The client found in a chain, and what is left of the chain.
fn chain(
    name: &str,
    proxies: Option<&str>,
    peer: &str,
    sent: &str,
    address: &str,
    left: Option<&str>,
) {
    check(&Case {
        name,
        headers: "X-Forwarded-For",
        proxies,
        peer,
        sent: &[("X-Forwarded-For", sent)],
        expected: &[("REMOTE_ADDR", Some(address)), (FOR, left)],
    });
}

#[test]
fn the_client_of_a_chain_that_everybody_may_write() {
    for (name, sent, address) in [
        ("one", "1.1.1.1", "1.1.1.1"),
        ("the first", "1.1.1.1, 2.2.2.2,10.0.0.1", "1.1.1.1"),
        ("empty elements", " , ,\t1.1.1.1 ,", "1.1.1.1"),
        ("nothing", "", PEER),
        ("nothing but commas", " ,, ", PEER),
        ("no address", "unknown, 1.1.1.1", "unknown"),
        ("IPv6", "2001:db8::5, 1.1.1.1", "2001:db8::5"),
    ] {
        chain(name, None, PEER, sent, address, Some(sent));
    }
}

#[test]
fn the_client_of_a_chain_of_trusted_proxies() {
    for (name, sent, address, left) in [
        (
            "spoofed",
            "1.1.1.1, 2.2.2.2, 10.0.0.5",
            "2.2.2.2",
            "2.2.2.2, 10.0.0.5",
        ),
        (
            "no trusted element",
            "1.1.1.1, 2.2.2.2",
            "2.2.2.2",
            "2.2.2.2",
        ),
        (
            "all trusted",
            "10.0.0.1, 10.0.0.2",
            "10.0.0.1",
            "10.0.0.1, 10.0.0.2",
        ),
        ("one, trusted", "10.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("one, not trusted", "1.1.1.1", "1.1.1.1", "1.1.1.1"),
        (
            "trusted beyond the client",
            "10.0.0.1, 1.1.1.1, 10.0.0.2",
            "1.1.1.1",
            "1.1.1.1, 10.0.0.2",
        ),
        (
            "two trusted",
            "9.9.9.9,1.1.1.1,10.0.0.1,192.168.7.7",
            "1.1.1.1",
            "1.1.1.1, 10.0.0.1, 192.168.7.7",
        ),
        (
            "white space",
            "9.9.9.9 ,\t1.1.1.1,, 10.0.0.1 ,",
            "1.1.1.1",
            "1.1.1.1, 10.0.0.1",
        ),
        ("nothing", "", PEER, ""),
        ("nothing but commas", ", ,", PEER, ", ,"),
        ("a name", "1.1.1.1, proxy.test", "proxy.test", "proxy.test"),
        (
            "a name before a proxy",
            "1.1.1.1, unknown, 10.0.0.1",
            "unknown",
            "unknown, 10.0.0.1",
        ),
        (
            "a port",
            "1.1.1.1, 10.0.0.1:80",
            "10.0.0.1:80",
            "10.0.0.1:80",
        ),
        (
            "a malformed address",
            "1.1.1.1, 10.0.0.999",
            "10.0.0.999",
            "10.0.0.999",
        ),
        (
            "leading zeros",
            "1.1.1.1, 010.0.0.1",
            "010.0.0.1",
            "010.0.0.1",
        ),
        (
            "IPv6",
            "1.1.1.1, 2001:db9::1, 2001:DB8::1",
            "2001:db9::1",
            "2001:db9::1, 2001:DB8::1",
        ),
        (
            "IPv4 in IPv6",
            "1.1.1.1, ::ffff:10.0.0.1",
            "1.1.1.1",
            "1.1.1.1, ::ffff:10.0.0.1",
        ),
        (
            "brackets",
            "1.1.1.1, [2001:db8::1]",
            "[2001:db8::1]",
            "[2001:db8::1]",
        ),
    ] {
        chain(name, TRUSTED, PEER, sent, address, Some(left));
    }
}

#[test]
fn only_trusted_peers_are_believed() {
    for (peer, is_trusted) in [
        ("10.0.0.9", true),
        ("::ffff:10.0.0.9", true),
        ("2001:db8::9", true),
        ("2001:0DB8:0:0::9", true),
        ("2001:db8::9%eth0", true),
        ("192.168.7.7", true),
        ("11.0.0.9", false),
        ("192.168.7.8", false),
        ("::1", false),
        ("", false),
        ("localhost", false),
        ("10.0.0.9:80", false),
    ] {
        let (address, left) = match is_trusted {
            true => ("2.2.2.2", Some("2.2.2.2")),
            false => (peer, None),
        };
        chain(peer, TRUSTED, peer, "1.1.1.1, 2.2.2.2", address, left);
    }
}

#[test]
fn every_header_has_its_effect() {
    for (header, value, key, expected) in [
        (
            "X-Client-IP",
            "1.1.1.1, 2.2.2.2",
            "REMOTE_ADDR",
            "1.1.1.1, 2.2.2.2",
        ),
        (
            "X-Real-IP",
            "not an address",
            "REMOTE_ADDR",
            "not an address",
        ),
        (
            "X-Forwarded-Host",
            "outer.test:81",
            "HTTP_HOST",
            "outer.test:81",
        ),
        ("X-Host", "outer.test", "HTTP_HOST", "outer.test"),
        (
            "X-Forwarded-Server",
            "proxy.test",
            "SERVER_NAME",
            "proxy.test",
        ),
        ("X-Forwarded-Port", "443", "SERVER_PORT", "443"),
        ("X-Forwarded-Port", "http", "SERVER_PORT", "http"),
        ("X-Script-Name", "/outer", "SCRIPT_NAME", "/outer"),
        (
            "X-Forwarded-Script-Name",
            "/outer//x",
            "mod_wsgi.mount_point",
            "/outer//x",
        ),
        ("X-Forwarded-Proto", "https", "wsgi.url_scheme", "https"),
        ("X-Forwarded-Scheme", "HTTPS", "wsgi.url_scheme", "https"),
        ("X-Scheme", "Https", "wsgi.url_scheme", "https"),
        ("X-Scheme", "wss", "wsgi.url_scheme", "http"),
        ("X-Scheme", "1", "wsgi.url_scheme", "http"),
        ("X-Forwarded-HTTPS", "On", "wsgi.url_scheme", "https"),
        ("X-Forwarded-SSL", "TRUE", "wsgi.url_scheme", "https"),
        ("X-HTTPS", "1", "wsgi.url_scheme", "https"),
        ("X-HTTPS", "https", "wsgi.url_scheme", "http"),
        ("X-HTTPS", "yes", "wsgi.url_scheme", "http"),
    ] {
        let key_of_header = format!("HTTP_{}", header.replace('-', "_").to_uppercase());
        for proxies in [None, TRUSTED] {
            check(&Case {
                name: header,
                headers: header,
                proxies,
                sent: &[("Host", "inner.test"), (header, value)],
                expected: &[(key, Some(expected)), (&key_of_header, Some(value))],
                ..Case::default()
            });
        }
        // In any case of both names.
        check(&Case {
            name: header,
            headers: &header.to_uppercase(),
            sent: &[(&header.to_lowercase(), value)],
            expected: &[(key, Some(expected))],
            ..Case::default()
        });
    }
}

#[test]
fn nothing_follows_from_what_is_not_listed_or_not_believed() {
    let sent = &[
        ("Host", "inner.test"),
        ("X-Forwarded-For", "1.1.1.1"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Server", "evil.test"),
        ("X-Forwarded-Port", "1"),
        ("X-Script-Name", "/evil"),
        ("X-Forwarded-Proto", "https"),
    ];
    let all = "X-Forwarded-For X-Forwarded-Host X-Forwarded-Server X-Forwarded-Port X-Script-Name X-Forwarded-Proto";
    let unchanged = [
        ("REMOTE_ADDR", Some(PEER)),
        ("HTTP_HOST", Some("inner.test")),
        ("SERVER_NAME", Some("inner.test")),
        ("SERVER_PORT", Some("8080")),
        ("SCRIPT_NAME", Some("/app")),
        ("PATH_INFO", Some("/page")),
        ("mod_wsgi.script_name", Some("/app")),
        ("mod_wsgi.mount_point", None),
        ("wsgi.url_scheme", Some("http")),
    ];
    let keys =
        ["FOR", "HOST", "SERVER", "PORT", "PROTO"].map(|word| format!("HTTP_X_FORWARDED_{word}"));
    for (name, headers, proxies, is_kept) in [
        ("nothing listed", "", None, true),
        ("nothing listed, somebody trusted", "", TRUSTED, true),
        ("only unknown ones", "X-Unknown Forwarded", None, true),
        ("not believed", all, Some("172.16.0.0/12"), false),
    ] {
        let case = Case {
            name,
            headers,
            proxies,
            sent,
            ..Case::default()
        };
        check(&Case {
            expected: &unchanged,
            ..case
        });
        for (key, value) in keys
            .iter()
            .zip(["1.1.1.1", "evil.test", "evil.test", "1", "https"])
        {
            check(&Case {
                expected: &[(key, is_kept.then_some(value))],
                ..case
            });
        }
    }
}

#[test]
fn of_each_category_one_header_is_left() {
    for (name, headers, sent, expected) in [
        (
            "the last that was sent wins",
            "X-Forwarded-For X-Real-IP X-Client-IP",
            &[("X-Forwarded-For", "1.1.1.1"), ("X-Real-IP", "2.2.2.2")][..],
            &[
                ("REMOTE_ADDR", Some("2.2.2.2")),
                (FOR, None),
                ("HTTP_X_REAL_IP", Some("2.2.2.2")),
            ][..],
        ),
        (
            "in listed order, whatever the order in which they were sent",
            "X-Real-IP X-Forwarded-For",
            &[("X-Forwarded-For", "1.1.1.1"), ("X-Real-IP", "2.2.2.2")],
            &[
                ("REMOTE_ADDR", Some("1.1.1.1")),
                (FOR, Some("1.1.1.1")),
                ("HTTP_X_REAL_IP", None),
            ],
        ),
        (
            "others of the category are removed, listed or not",
            "X-Forwarded-Proto",
            &[
                ("X-Forwarded-Proto", "http"),
                ("X-HTTPS", "on"),
                ("X-Scheme", "https"),
                ("X-Host", "kept"),
            ],
            &[
                ("wsgi.url_scheme", Some("http")),
                ("HTTP_X_FORWARDED_PROTO", Some("http")),
                ("HTTP_X_HTTPS", None),
                ("HTTP_X_SCHEME", None),
                ("HTTP_X_HOST", Some("kept")),
            ],
        ),
        (
            "one that was not sent removes the others",
            "X-Forwarded-Host",
            &[("Host", "inner.test"), ("X-Host", "evil.test")],
            &[("HTTP_HOST", Some("inner.test")), ("HTTP_X_HOST", None)],
        ),
        (
            "a meaningless value wins and has no effect",
            "X-Forwarded-Proto X-HTTPS",
            &[("X-Forwarded-Proto", "https"), ("X-HTTPS", "perhaps")],
            &[
                ("wsgi.url_scheme", Some("https")),
                ("HTTP_X_FORWARDED_PROTO", None),
                ("HTTP_X_HTTPS", Some("perhaps")),
            ],
        ),
        (
            "script names",
            "X-Forwarded-Script-Name X-Script-Name",
            &[("X-Script-Name", "/b"), ("X-Forwarded-Script-Name", "/a")],
            &[
                ("SCRIPT_NAME", Some("/b")),
                ("mod_wsgi.mount_point", Some("/b")),
                ("mod_wsgi.script_name", Some("/app")),
                ("PATH_INFO", Some("/page")),
                ("HTTP_X_FORWARDED_SCRIPT_NAME", None),
            ],
        ),
        (
            "the scheme of the connection is overridden",
            "X-Forwarded-Proto",
            &[("HTTPS", "on"), ("X-Forwarded-Proto", "HTTP")],
            &[("wsgi.url_scheme", Some("http"))],
        ),
        (
            "but only by something that means one",
            "X-Forwarded-Proto",
            &[("HTTPS", "on"), ("X-Forwarded-Proto", "gopher")],
            &[("wsgi.url_scheme", Some("https"))],
        ),
        (
            "nothing is derived from something else",
            "X-Forwarded-Host X-Forwarded-Proto",
            &[
                ("X-Forwarded-Host", "outer.test:444"),
                ("X-Forwarded-Proto", "https"),
            ],
            &[
                ("SERVER_PORT", Some("8080")),
                ("SERVER_NAME", Some("inner.test")),
            ],
        ),
        (
            "repeated headers are one list",
            "X-Forwarded-For",
            &[
                ("X-Forwarded-For", "9.9.9.9"),
                ("x-forwarded-FOR", "1.1.1.1"),
                ("X-Forwarded-For", "10.0.0.1"),
            ],
            &[
                ("REMOTE_ADDR", Some("1.1.1.1")),
                (FOR, Some("1.1.1.1, 10.0.0.1")),
            ],
        ),
        (
            "names with underscores are other names",
            "X-Forwarded-For",
            &[
                ("X_Forwarded_For", "9.9.9.9"),
                ("X-Forwarded_For", "9.9.9.9"),
            ],
            &[("REMOTE_ADDR", Some(PEER)), (FOR, None)],
        ),
    ] {
        check(&Case {
            name,
            headers,
            proxies: TRUSTED,
            sent,
            expected,
            ..Case::default()
        });
    }
}

#[test]
fn a_variable_of_the_server_counts_as_sent() {
    let (listed, trusted) = (headers("X-Forwarded-For"), networks("10.0.0.0/8"));
    let rules = ProxyRules {
        headers: &listed,
        proxies: Some(&trusted),
    };
    let variables = [Pair::new(
        b"HTTP_X_FORWARDED_FOR",
        b"9.9.9.9,1.1.1.1,10.0.0.1,10.0.0.2",
    )];
    let found = Headers::new(&[]);
    let mut block = vec![0; rules.size(&found, &variables)];
    let mut environ = Environ::new(Arena::new(&mut block), 4);
    environ.variables(&variables);
    rules.apply(b"10.0.0.1", &mut environ);
    assert_eq!(
        environ.get(b"HTTP_X_FORWARDED_FOR"),
        Some(&b"1.1.1.1, 10.0.0.1, 10.0.0.2"[..])
    );
}

#[test]
fn a_header_may_be_listed_twice() {
    check(&Case {
        headers: "X-Forwarded-For X-Real-IP X-Forwarded-For",
        proxies: TRUSTED,
        sent: &[
            ("X-Forwarded-For", "9.9.9.9,1.1.1.1,10.0.0.1"),
            ("X-Real-IP", "2.2.2.2"),
        ],
        expected: &[
            ("REMOTE_ADDR", Some("1.1.1.1")),
            (FOR, Some("1.1.1.1, 10.0.0.1")),
            ("HTTP_X_REAL_IP", None),
        ],
        ..Case::default()
    });
}

#[test]
fn names_are_unique_and_are_their_keys() {
    for (index, known) in KNOWN.iter().enumerate() {
        let key = format!(
            "HTTP_{}",
            known
                .name
                .escape_ascii()
                .to_string()
                .replace('-', "_")
                .to_uppercase()
        );
        assert_eq!(known.key, key.as_bytes());
        assert!(KNOWN[..index].iter().all(|other| other.name != known.name));
    }
    assert!(ProxyHeader::find(b"X-Forwarded").is_none() && ProxyHeader::find(b"").is_none());
    assert!(matches!(KNOWN[0].effect, Effect::Chain));
}

proptest! {
    /// What is left of a chain begins with the client, and goes on with trusted proxies only.
    #[test]
    fn what_is_left_is_the_end_of_the_chain(sent in "([ ,]{0,2}(10\\.0\\.0\\.1|1\\.1\\.1\\.1|x|::1)){0,8},{0,2}") {
        let (listed, trusted) = (headers("X-Forwarded-For"), networks("10.0.0.0/8"));
        let rules = ProxyRules { headers: &listed, proxies: Some(&trusted) };
        let elements = |chain: &str| -> Vec<String> {
            chain.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let found = entries(&rules, PEER, &[("X-Forwarded-For", &sent)]);
        let value = |key: &str| found.iter().find(|(other, _)| other == key).unwrap().1.clone();
        let (before, after) = (elements(&sent), elements(&value(FOR)));
        if before.is_empty() {
            prop_assert_eq!(value("REMOTE_ADDR"), PEER);
        } else {
            prop_assert_eq!(value(FOR), after.join(", "));
            prop_assert!(before.ends_with(&after));
            prop_assert_eq!(&value("REMOTE_ADDR"), &after[0]);
            prop_assert!(after[1..].iter().all(|element| element == "10.0.0.1"));
            let all = after.len() == before.len();
            prop_assert!(all || after[0] != "10.0.0.1");
        }
    }

    #[test]
    fn no_bytes_panic(fields: Vec<(usize, Vec<u8>)>, peer: Vec<u8>, every in prop::option::of(Just(()))) {
        let listed: Vec<ProxyHeader> = KNOWN.iter().map(ProxyHeader).collect();
        let trusted = networks("0.0.0.0/0");
        let rules = ProxyRules { headers: &listed, proxies: every.is_none().then_some(&trusted) };
        let fields: Vec<Pair<'_>> =
            fields.iter().map(|(name, value)| Pair::new(KNOWN[name % KNOWN.len()].name, value)).collect();
        let found = Headers::new(&fields);
        let mut block = vec![0; found.size() + rules.size(&found, &[])];
        let mut environ = Environ::new(Arena::new(&mut block), 16);
        found.append(Access::default(), Framing::Open, &mut environ);
        rules.apply(&peer, &mut environ);
    }
}
