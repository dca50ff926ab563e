//! Names of process groups, application groups and callables, as written and as meant.
#![forbid(unsafe_code)]

use super::settings::Callable;
use std::borrow::Cow;

/// What the tokens stand for in one request.
pub(super) struct Names<'a> {
    /// `ServerName`.
    pub server: &'a [u8],
    /// The host asked for.
    pub host: &'a [u8],
    /// The port of the request.
    pub port: u16,
    /// `SCRIPT_NAME`, slashes collapsed.
    pub script_name: &'a [u8],
    /// Case of script names matters.
    pub case_sensitive: bool,
}

/// Looks up the variables of `%{ENV:name}`.
pub(super) type Lookup<'l> = &'l mut dyn FnMut(&[u8]) -> Option<Vec<u8>>;

/// The token that is the default for application groups.
pub(super) const RESOURCE: &[u8] = b"%{RESOURCE}";

/// Whether a name is the same for every request. `%{GLOBAL}` is.
pub(super) fn fixed(name: &[u8]) -> Option<&[u8]> {
    match name {
        b"%{GLOBAL}" => Some(b""),
        name if memchr::memmem::find(name, b"%{").is_some() => None,
        name => Some(name),
    }
}

/// The name between `%{ENV:` and `}`.
fn variable(name: &[u8]) -> Option<&[u8]> {
    name.strip_prefix(b"%{ENV:")?.strip_suffix(b"}")
}

impl<'a> Names<'a> {
    /// Expands the name of a process or application group. What is not understood stays as it is.
    pub(super) fn group(&self, name: &'a [u8], lookup: Lookup<'_>) -> Cow<'a, [u8]> {
        let Some(variable) = variable(name) else {
            return self.token(name).unwrap_or(Cow::Borrowed(name));
        };
        match lookup(variable) {
            // One more round, but not for a variable that names a variable.
            Some(value) => self
                .token(&value)
                .map_or(Cow::Owned(value), |name| Cow::Owned(name.into_owned())),
            None => Cow::Borrowed(name),
        }
    }

    /// Expands the name of a group for a script that decides about requests: the server and the host are known then, and
    /// nothing else.
    pub(super) fn group_of_server(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        match name {
            RESOURCE => Cow::Borrowed(name),
            name => self.token(name).unwrap_or(Cow::Borrowed(name)),
        }
    }

    fn token(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        match name {
            b"%{GLOBAL}" => Some(Cow::Borrowed(b"")),
            b"%{SERVER}" => Some(self.with_port(self.server)),
            b"%{HOST}" => Some(self.with_port(self.host)),
            RESOURCE => Some(self.resource()),
            _ => None,
        }
    }

    fn with_port(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        match self.port {
            80 | 443 => Cow::Borrowed(name),
            port => Cow::Owned([name, b":", port.to_string().as_bytes()].concat()),
        }
    }

    fn resource(&self) -> Cow<'a, [u8]> {
        let server = self.with_port(self.server);
        let mut name = Vec::with_capacity(server.len() + 1 + self.script_name.len());
        name.extend_from_slice(&server);
        name.push(b'|');
        name.extend_from_slice(self.script_name);
        if !self.case_sensitive {
            name[server.len()..].make_ascii_lowercase();
        }
        Cow::Owned(name)
    }
}

/// The name of the callable.
pub(super) fn callable<'a>(callable: Callable<'a>, lookup: Lookup<'_>) -> Cow<'a, [u8]> {
    const DEFAULT: &[u8] = b"application";
    match callable {
        Callable::Default => Cow::Borrowed(DEFAULT),
        Callable::Literal(name) => Cow::Borrowed(name),
        Callable::Expanded(name) if !name.starts_with(b"%") => Cow::Borrowed(name),
        Callable::Expanded(name) => {
            let value = variable(name)
                .and_then(lookup)
                .filter(|value| !value.is_empty());
            value.map_or(Cow::Borrowed(DEFAULT), Cow::Owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(port: u16, case_sensitive: bool) -> Names<'static> {
        Names {
            server: b"example.org",
            host: b"www.example.org",
            port,
            script_name: b"/App",
            case_sensitive,
        }
    }

    fn environment(name: &[u8]) -> Option<Vec<u8>> {
        let value = match name {
            b"site" => "blue",
            b"token" => "%{SERVER}",
            b"variable" => "%{ENV:site}",
            b"percent" => "%x",
            b"empty" => "",
            _ => return None,
        };
        Some(value.into())
    }

    #[test]
    fn groups_are_expanded() {
        for (name, port, expected) in [
            ("name", 80, "name"),
            ("", 80, ""),
            ("%{GLOBAL}", 80, ""),
            ("%{SERVER}", 80, "example.org"),
            ("%{SERVER}", 443, "example.org"),
            ("%{SERVER}", 8080, "example.org:8080"),
            ("%{HOST}", 8080, "www.example.org:8080"),
            ("%{RESOURCE}", 80, "example.org|/App"),
            ("%{RESOURCE}", 8080, "example.org:8080|/App"),
            ("%{ENV:site}", 80, "blue"),
            ("%{ENV:token}", 8080, "example.org:8080"),
            ("%{ENV:variable}", 80, "%{ENV:site}"),
            ("%{ENV:percent}", 80, "%x"),
            ("%{ENV:empty}", 80, ""),
            ("%{ENV:none}", 80, "%{ENV:none}"),
            ("%{OTHER}", 80, "%{OTHER}"),
            ("%{GLOBAL}x", 80, "%{GLOBAL}x"),
            ("x%{SERVER}", 80, "x%{SERVER}"),
            ("%{global}", 80, "%{global}"),
        ] {
            let found = names(port, true)
                .group(name.as_bytes(), &mut environment)
                .into_owned();
            assert_eq!(String::from_utf8_lossy(&found), expected, "{name}");
        }
    }

    #[test]
    fn script_names_are_folded_where_case_does_not_matter() {
        assert_eq!(
            &*names(80, false).group(RESOURCE, &mut environment),
            b"example.org|/app"
        );
    }

    #[test]
    fn callables_expand_variables_only() {
        for (name, expected) in [
            (Callable::Default, "application"),
            (Callable::Expanded(b"app"), "app"),
            (Callable::Expanded(b"%{ENV:site}"), "blue"),
            (Callable::Expanded(b"%{ENV:token}"), "%{SERVER}"),
            (Callable::Expanded(b"%{ENV:none}"), "application"),
            (Callable::Expanded(b"%{ENV:empty}"), "application"),
            (Callable::Expanded(b"%{SERVER}"), "application"),
            (Callable::Literal(b"%{ENV:site}"), "%{ENV:site}"),
        ] {
            assert_eq!(
                &*callable(name, &mut environment),
                expected.as_bytes(),
                "{name:?}"
            );
        }
    }

    #[test]
    fn fixed_names_need_no_request() {
        assert_eq!(fixed(b"%{GLOBAL}"), Some(&b""[..]));
        assert_eq!(fixed(b"name"), Some(&b"name"[..]));
        assert_eq!(fixed(b"%{SERVER}"), None);
        assert_eq!(fixed(b"a%{b}"), None);
    }
}
