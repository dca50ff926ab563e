//! Where a request runs: in which process, in which interpreter, as which callable.
#![forbid(unsafe_code)]

use super::config::DefaultGroup;
use super::group::{Names, RESOURCE, callable};
use super::host::Host;
use super::life::Engine;
use super::request::RequestInfo;
use std::borrow::Cow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use wsgi_core_abi::{Bytes, Pair};

/// The process that runs an application.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// This one.
    Embedded,
    /// One of the processes of a group.
    Group(Cow<'a, [u8]>),
}

/// Everything that the configuration decides about where a request runs.
pub(super) struct Target<'a> {
    pub route: Route<'a>,
    pub application_group: Cow<'a, [u8]>,
    pub callable: Cow<'a, [u8]>,
}

impl<'a> Target<'a> {
    /// Expands what is configured for this request.
    pub(super) fn resolve<H: Host>(
        engine: &Engine,
        info: &RequestInfo<'a>,
        script_name: &'a [u8],
        host: &mut H,
    ) -> Self {
        let server = present(info.server_hostname, server_name(info));
        let names = Names {
            server,
            host: present(info.host, server),
            port: server_port(info),
            script_name,
            case_sensitive: engine.config().process.case_sensitive(),
        };
        let mut lookup = |name: &[u8]| variable(name, info.variables, host);
        let settings = &info.settings;
        let process_group = settings
            .process_group
            .map_or(Cow::Borrowed(&b""[..]), |name| {
                names.group(name, &mut lookup)
            });
        let application_group = settings
            .application_group
            .unwrap_or(default_group(engine, info));
        Self {
            route: if process_group.is_empty() {
                Route::Embedded
            } else {
                Route::Group(process_group)
            },
            application_group: names.group(application_group, &mut lookup),
            callable: callable(settings.callable, &mut lookup),
        }
    }
}

fn default_group(engine: &Engine, info: &RequestInfo<'_>) -> &'static [u8] {
    match engine.default_group() {
        DefaultGroup::Main(script) if **script == *info.script() => b"",
        _ => RESOURCE,
    }
}

/// The value of a variable: the host's, the request's, the process's.
fn variable<H: Host>(name: &[u8], variables: &[Pair<'_>], host: &mut H) -> Option<Vec<u8>> {
    host.get_variable(name)
        .or_else(|| {
            let last = variables
                .iter()
                .rev()
                .find(|variable| variable.name.as_slice() == name)?;
            (!last.value.is_absent()).then(|| last.value.as_slice().to_vec())
        })
        .or_else(|| {
            let sayable = !name.is_empty() && !name.contains(&b'=') && !name.contains(&0);
            sayable
                .then(|| std::env::var_os(std::ffi::OsStr::from_bytes(name)))?
                .map(OsStringExt::into_vec)
        })
}

fn present<'a>(value: Bytes<'a>, otherwise: &'a [u8]) -> &'a [u8] {
    if value.as_slice().is_empty() {
        otherwise
    } else {
        value.as_slice()
    }
}

/// `SERVER_NAME`, which PEP 3333 wants in any case.
pub(super) fn server_name<'a>(info: &RequestInfo<'a>) -> &'a [u8] {
    let otherwise = present(
        info.server_hostname,
        present(info.server_addr, b"localhost"),
    );
    present(info.server_name, otherwise)
}

/// `SERVER_PORT`, likewise.
pub(super) fn server_port(info: &RequestInfo<'_>) -> u16 {
    match info.server_port {
        0 if info.scheme.as_slice() == b"https" => 443,
        0 => 80,
        port => port,
    }
}
