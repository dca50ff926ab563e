//! The environ of a request, as far as it consists of strings; the runtime adds the rest.
#![forbid(unsafe_code)]

use super::request::RequestInfo;
use super::route::{server_name, server_port};
use wsgi_core_abi::Bytes;
use wsgi_core_http::{Access, Arena, Environ, Framing, Headers, collapse_slashes, request_method};

/// Entries that [`Facts::build`] adds itself, at most.
const COMPUTED: usize = 25;

/// Bytes of the numbers among them: three ports and a process id.
const NUMBERS: usize = 3 * 5 + 10;

/// What an environ is made of.
pub(super) struct Facts<'f, 'a> {
    pub info: &'f RequestInfo<'a>,
    pub headers: &'f Headers<'a>,
    pub framing: Framing,
    /// With slashes collapsed.
    pub script_name: &'a [u8],
    pub process_group: &'a [u8],
    pub application_group: &'a [u8],
    pub callable: &'a [u8],
    pub process_id: u32,
}

/// How large an arena must be for the collapsed paths and the entries.
pub(super) fn size(info: &RequestInfo<'_>, headers: &Headers<'_>) -> usize {
    headers.size() + info.script_name.as_slice().len() + info.path_info.as_slice().len() + NUMBERS
}

impl<'a> Facts<'_, 'a> {
    /// Puts the entries together: the host's variables first, then header fields, then what is computed, for the
    /// last of equal names counts.
    pub(super) fn build(&self, arena: Arena<'a>) -> Environ<'a> {
        let info = self.info;
        let capacity = info.variables.len() + self.headers.len() + COMPUTED;
        let mut environ = Environ::new(arena, capacity);
        environ.variables(info.variables);
        let access = Access {
            authorization: info.pass_auth || info.settings.pass_authorization,
            proxy_authorization: info.pass_auth,
        };
        self.headers.append(access, self.framing, &mut environ);
        let path_info = collapse_slashes(info.path_info.as_slice(), environ.arena());
        self.add_cgi(path_info, &mut environ);
        self.add_own(path_info, &mut environ);
        debug_assert!(environ.pairs().len() <= capacity);
        environ
    }

    /// What CGI and PEP 3333 define.
    fn add_cgi(&self, path_info: &'a [u8], environ: &mut Environ<'a>) {
        let info = self.info;
        let method = request_method(
            info.method.as_slice(),
            info.settings.map_head_to_get,
            info.response_filtered,
        );
        environ.set(b"REQUEST_METHOD", method);
        environ.set(b"SCRIPT_NAME", self.script_name);
        environ.set(b"PATH_INFO", path_info);
        environ.set(b"QUERY_STRING", info.query_string.as_slice());
        environ.set_present(b"REQUEST_URI", info.request_uri);
        environ.set_present(b"REQUEST_SCHEME", info.scheme);
        environ.set(b"SERVER_NAME", server_name(info));
        environ.set_number(b"SERVER_PORT", server_port(info).into());
        environ.set_present(b"SERVER_ADDR", info.server_addr);
        environ.set(b"SERVER_PROTOCOL", or(info.protocol, b"HTTP/1.0"));
        environ.set_present(b"REMOTE_ADDR", info.remote_addr);
        if info.remote_port != 0 {
            environ.set_number(b"REMOTE_PORT", info.remote_port.into());
        }
        environ.set(b"SCRIPT_FILENAME", info.filename());
    }

    /// What mod_wsgi adds.
    fn add_own(&self, path_info: &'a [u8], environ: &mut Environ<'a>) {
        let info = self.info;
        environ.set(b"mod_wsgi.process_group", self.process_group);
        environ.set(b"mod_wsgi.application_group", self.application_group);
        environ.set(b"mod_wsgi.callable_object", self.callable);
        environ.set(
            b"mod_wsgi.request_handler",
            or(info.handler, b"wsgi-script"),
        );
        environ.set(
            b"mod_wsgi.handler_script",
            info.settings.handler_script.unwrap_or_default(),
        );
        environ.set(b"mod_wsgi.script_name", self.script_name);
        environ.set(b"mod_wsgi.path_info", path_info);
        environ.set(b"mod_wsgi.listener_host", info.listener_host.as_slice());
        let listener_port = if info.listener_port == 0 {
            server_port(info)
        } else {
            info.listener_port
        };
        environ.set_number(b"mod_wsgi.listener_port", listener_port.into());
        environ.set_number(b"mod_wsgi.server_pid", self.process_id);
        environ.set_present(b"mod_wsgi.request_id", info.request_id);
        environ.set_present(b"mod_wsgi.connection_id", info.connection_id);
    }
}

fn or<'a>(value: Bytes<'a>, otherwise: &'a [u8]) -> &'a [u8] {
    if value.is_absent() {
        otherwise
    } else {
        value.as_slice()
    }
}
