//! What proxies in front of the server say about the client and about themselves.

mod forwarded;

use crate::{Environ, Headers, Network, network};
use wsgi_core_abi::Pair;

/// What a header field of a proxy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Client,
    Host,
    Server,
    Port,
    ScriptName,
    Scheme,
}

/// How the value of a field takes effect.
#[derive(Clone, Copy, Debug)]
enum Effect {
    /// A list of the addresses that the request came through.
    Chain,
    /// The value of this variable.
    Variable(&'static [u8]),
    /// `SCRIPT_NAME`, and where the proxy has the application.
    MountPoint,
    /// `https` or `http`.
    Scheme,
    /// `On` or `Off`, in one of their spellings.
    Https,
}

struct Known {
    name: &'static [u8],
    key: &'static [u8],
    category: Category,
    effect: Effect,
}

macro_rules! known {
    ($name:literal, $key:literal, $category:ident, $effect:expr) => {
        Known {
            name: $name,
            key: $key,
            category: Category::$category,
            effect: $effect,
        }
    };
}

/// Every field that is understood.
static KNOWN: [Known; 15] = [
    known!(
        b"X-Forwarded-For",
        b"HTTP_X_FORWARDED_FOR",
        Client,
        Effect::Chain
    ),
    known!(
        b"X-Client-IP",
        b"HTTP_X_CLIENT_IP",
        Client,
        Effect::Variable(b"REMOTE_ADDR")
    ),
    known!(
        b"X-Real-IP",
        b"HTTP_X_REAL_IP",
        Client,
        Effect::Variable(b"REMOTE_ADDR")
    ),
    known!(
        b"X-Forwarded-Host",
        b"HTTP_X_FORWARDED_HOST",
        Host,
        Effect::Variable(b"HTTP_HOST")
    ),
    known!(
        b"X-Host",
        b"HTTP_X_HOST",
        Host,
        Effect::Variable(b"HTTP_HOST")
    ),
    known!(
        b"X-Forwarded-Server",
        b"HTTP_X_FORWARDED_SERVER",
        Server,
        Effect::Variable(b"SERVER_NAME")
    ),
    known!(
        b"X-Forwarded-Port",
        b"HTTP_X_FORWARDED_PORT",
        Port,
        Effect::Variable(b"SERVER_PORT")
    ),
    known!(
        b"X-Script-Name",
        b"HTTP_X_SCRIPT_NAME",
        ScriptName,
        Effect::MountPoint
    ),
    known!(
        b"X-Forwarded-Script-Name",
        b"HTTP_X_FORWARDED_SCRIPT_NAME",
        ScriptName,
        Effect::MountPoint
    ),
    known!(
        b"X-Forwarded-Proto",
        b"HTTP_X_FORWARDED_PROTO",
        Scheme,
        Effect::Scheme
    ),
    known!(
        b"X-Forwarded-Scheme",
        b"HTTP_X_FORWARDED_SCHEME",
        Scheme,
        Effect::Scheme
    ),
    known!(b"X-Scheme", b"HTTP_X_SCHEME", Scheme, Effect::Scheme),
    known!(
        b"X-Forwarded-HTTPS",
        b"HTTP_X_FORWARDED_HTTPS",
        Scheme,
        Effect::Https
    ),
    known!(
        b"X-Forwarded-SSL",
        b"HTTP_X_FORWARDED_SSL",
        Scheme,
        Effect::Https
    ),
    known!(b"X-HTTPS", b"HTTP_X_HTTPS", Scheme, Effect::Https),
];

/// A header field that a proxy sets, and that is understood.
#[derive(Clone, Copy)]
pub struct ProxyHeader(&'static Known);

impl ProxyHeader {
    /// The field of this name, in any case; `None` where it means nothing.
    #[must_use]
    pub fn find(name: &[u8]) -> Option<Self> {
        let mut known = KNOWN.iter();
        known
            .find(|known| known.name.eq_ignore_ascii_case(name))
            .map(Self)
    }
}

impl std::fmt::Debug for ProxyHeader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.0.name.escape_ascii())
    }
}

/// What is believed, and of whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProxyRules<'r> {
    /// The fields that count: of those about the same thing, the last that was sent.
    pub headers: &'r [ProxyHeader],
    /// Whose fields are believed; `None` is everybody.
    pub proxies: Option<&'r [Network]>,
}

impl ProxyRules<'_> {
    /// How many bytes of an arena [`ProxyRules::apply`] takes at most.
    #[must_use]
    pub fn size(&self, headers: &Headers<'_>, variables: &[Pair<'_>]) -> usize {
        let is_chain = |header: &&ProxyHeader| matches!(header.0.effect, Effect::Chain);
        let times = self.headers.iter().filter(is_chain).count();
        if times == 0 {
            return 0;
        }
        let variables = variables
            .iter()
            .filter(|variable| variable.name.as_slice() == KNOWN[0].key)
            .map(|variable| variable.value.as_slice().len());
        let longest = headers
            .length_of(KNOWN[0].name)
            .max(variables.max().unwrap_or(0));
        2 * longest * times
    }

    /// Gives effect to what the fields in `environ` say, if the peer is believed, and removes those that say
    /// something else about the same.
    pub fn apply<'a>(&self, peer: &[u8], environ: &mut Environ<'a>) {
        if self.headers.is_empty() {
            return;
        }
        let is_trusted = self.trusts(peer);
        // The last of each category, with the one that took effect.
        let mut marked: Vec<(Category, Option<&'static [u8]>)> = Vec::new();
        for ProxyHeader(known) in self.headers {
            let value = environ.get(known.key).filter(|_| is_trusted);
            if let Some(value) = value {
                self.take(known, value, environ);
            }
            let winner = value.map(|_| known.key);
            match marked
                .iter_mut()
                .find(|(category, _)| *category == known.category)
            {
                Some((_, before)) => *before = winner.or(*before),
                None => marked.push((known.category, winner)),
            }
        }
        for (category, winner) in marked {
            for known in KNOWN.iter().filter(|known| known.category == category) {
                if winner != Some(known.key) {
                    environ.remove(known.key);
                }
            }
        }
    }

    fn trusts(&self, peer: &[u8]) -> bool {
        let Some(proxies) = self.proxies else {
            return true;
        };
        // The zone of a link-local address is the server's own remark.
        let end = memchr::memchr(b'%', peer).unwrap_or(peer.len());
        holds(proxies, &peer[..end])
    }

    fn take<'a>(&self, known: &'static Known, value: &'a [u8], environ: &mut Environ<'a>) {
        match known.effect {
            Effect::Variable(name) => environ.set(name, value),
            Effect::MountPoint => {
                environ.set(b"SCRIPT_NAME", value);
                environ.set(b"mod_wsgi.mount_point", value);
            }
            Effect::Scheme => set_https(environ, value, &[b"https"], &[b"http"]),
            Effect::Https => {
                set_https(
                    environ,
                    value,
                    &[b"on", b"true", b"1"],
                    &[b"off", b"false", b"0"],
                );
            }
            Effect::Chain => {
                let Some(client) = forwarded::client(value, self.proxies, environ.arena()) else {
                    return;
                };
                environ.set(b"REMOTE_ADDR", client.address);
                environ.set(known.key, client.chain);
            }
        }
    }
}

fn set_https(environ: &mut Environ<'_>, value: &[u8], yes: &[&[u8]], no: &[&[u8]]) {
    let is_one_of = |words: &[&[u8]]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    if is_one_of(yes) {
        environ.set_https(true);
    } else if is_one_of(no) {
        environ.set_https(false);
    }
}

/// Whether `text` is an address in one of the networks.
fn holds(networks: &[Network], text: &[u8]) -> bool {
    network::address(text)
        .is_some_and(|address| networks.iter().any(|network| network.contains(address)))
}

#[cfg(test)]
mod tests;
