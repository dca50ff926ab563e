//! One request, from the host's facts to the outcome.
#![forbid(unsafe_code)]

use super::environ;
use super::error::{Error, RuntimeFailure};
use super::host::Host;
use super::life::Engine;
use super::log::{compose, record};
use super::process_group::ProcessGroup;
use super::question::Dispatched;
use super::refusal::Refusal;
use super::route::{Route, Target};
use super::settings::{Callable, Resolved};
use crate::daemon::client::{Body, ClientFailure};
use std::time::{SystemTime, UNIX_EPOCH};
use wsgi_core_abi::{Bytes, Level, NativeRequest, Outcome, Pair, Pairs, Question};
use wsgi_core_http::{Arena, BodyRules, Framing, Headers, collapse_slashes};

/// What a path leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileType {
    /// The host did not look.
    #[default]
    Unknown,
    /// A file.
    Regular,
    /// A directory.
    Directory,
    /// Nothing.
    Missing,
}

/// Everything about a request but its body. The C header, `wsgi_core_request_info`, says what each member
/// means.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "documented in the header")]
pub struct RequestInfo<'a> {
    pub method: Bytes<'a>,
    pub request_uri: Bytes<'a>,
    pub script_name: Bytes<'a>,
    pub path_info: Bytes<'a>,
    pub query_string: Bytes<'a>,
    pub protocol: Bytes<'a>,
    pub scheme: Bytes<'a>,
    pub server_name: Bytes<'a>,
    pub server_port: u16,
    pub server_addr: Bytes<'a>,
    pub remote_addr: Bytes<'a>,
    pub remote_port: u16,
    pub server_hostname: Bytes<'a>,
    pub host: Bytes<'a>,
    pub script: Bytes<'a>,
    pub script_mtime_us: i64,
    pub script_type: FileType,
    pub script_refused: bool,
    pub filename: Bytes<'a>,
    pub listener_host: Bytes<'a>,
    pub listener_port: u16,
    pub headers: &'a [Pair<'a>],
    pub variables: &'a [Pair<'a>],
    pub settings: Resolved<'a>,
    pub request_start_us: i64,
    pub body_limit: u64,
    pub request_id: Bytes<'a>,
    pub connection_id: Bytes<'a>,
    pub handler: Bytes<'a>,
    pub response_filtered: bool,
    pub pass_auth: bool,
    pub path_info_refused: bool,
    pub native: NativeRequest,
}

impl<'a> RequestInfo<'a> {
    /// A request with nothing but what is required.
    #[must_use]
    pub fn new(method: &'a str, script: &'a str) -> Self {
        Self {
            method: Bytes::from(method),
            request_uri: Bytes::ABSENT,
            script_name: Bytes::ABSENT,
            path_info: Bytes::ABSENT,
            query_string: Bytes::ABSENT,
            protocol: Bytes::ABSENT,
            scheme: Bytes::ABSENT,
            server_name: Bytes::ABSENT,
            server_port: 0,
            server_addr: Bytes::ABSENT,
            remote_addr: Bytes::ABSENT,
            remote_port: 0,
            server_hostname: Bytes::ABSENT,
            host: Bytes::ABSENT,
            script: Bytes::from(script),
            script_mtime_us: 0,
            script_type: FileType::Unknown,
            script_refused: false,
            filename: Bytes::ABSENT,
            listener_host: Bytes::ABSENT,
            listener_port: 0,
            headers: &[],
            variables: &[],
            settings: Resolved::default(),
            request_start_us: 0,
            body_limit: 0,
            request_id: Bytes::ABSENT,
            connection_id: Bytes::ABSENT,
            handler: Bytes::ABSENT,
            response_filtered: false,
            pass_auth: false,
            path_info_refused: false,
            native: NativeRequest::NONE,
        }
    }

    /// The script that serves it.
    pub(super) fn script(&self) -> &'a [u8] {
        let handler = self.settings.handler_script;
        handler.unwrap_or_else(|| self.script.as_slice())
    }

    /// The file the request maps to.
    pub(super) fn filename(&self) -> &'a [u8] {
        if self.filename.is_absent() {
            self.script
        } else {
            self.filename
        }
        .as_slice()
    }
}

/// A request on its way to an application.
pub struct Request<'a> {
    pub(super) engine: Engine,
    pub(super) info: RequestInfo<'a>,
    pub(super) received: f64,
}

/// What became of a request.
#[derive(Debug)]
pub struct Served {
    /// The facts, on failure as well.
    pub outcome: Outcome,
    /// Whether it failed.
    pub result: Result<(), Error>,
}

impl<'a> Request<'a> {
    pub(super) fn new(engine: Engine, info: &RequestInfo<'a>) -> Result<Self, Error> {
        for (name, value) in [("method", info.method), ("script", info.script)] {
            if value.as_slice().is_empty() {
                return Err(Error::Argument(format!("{name} is required")));
            }
        }
        if info.script.as_slice().contains(&0) {
            return Err(Error::Argument(
                "script is not the name of a file".to_owned(),
            ));
        }
        Ok(Self {
            engine,
            info: *info,
            received: received(info.request_start_us),
        })
    }

    /// The engine it belongs to.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Serves it with its application.
    pub fn serve<H: Host>(self, host: &mut H) -> Served {
        match self.run(host) {
            Ok((outcome, result)) => {
                if let Err(error) = &result {
                    self.blame(error, host);
                }
                Served { outcome, result }
            }
            Err(error) => {
                self.blame(&error, host);
                let outcome = Outcome {
                    code: error.http_status(),
                    ..Outcome::default()
                };
                Served {
                    outcome,
                    result: Err(error),
                }
            }
        }
    }

    fn run<H: Host>(&self, host: &mut H) -> Result<(Outcome, Result<(), Error>), Error> {
        self.engine.admit()?;
        let mut info = self.info;
        let script_mtime_us = self.check_script()?;
        let headers = Headers::new(info.headers);
        let rules = BodyRules {
            chunked: info.settings.chunked_request,
            limit: info.body_limit,
        };
        let framing = rules.check(&headers).map_err(Refusal::Body)?;
        let dispatched = self.dispatched(&headers, framing, host)?;
        dispatched.apply(&mut info.settings);
        let mut block = vec![0; environ::size(&info, &headers)];
        let mut arena = Arena::new(&mut block);
        let script_name = collapse_slashes(info.script_name.as_slice(), &mut arena);
        let target = Target::resolve(&self.engine, &info, script_name, host);
        let group = self.check_route(&target.route)?;
        if let Some((_, group)) = group {
            group.check_owner(info.filename())?;
        } else if self.engine.config().process.embedded_restricted() {
            return Err(Refusal::EmbeddedRestricted.into());
        }
        let facts = environ::Facts {
            info: &info,
            headers: &headers,
            framing,
            script_name,
            process_group: group.map_or(b"", |(_, group)| &group.name),
            application_group: &target.application_group,
            callable: &target.callable,
            process_id: self.engine.process_id(),
        };
        let environ = facts.build(arena);
        let request = wsgi_core_abi::Request {
            script: Bytes::new(info.script()),
            script_mtime_us,
            application_group: Bytes::new(&target.application_group),
            callable: Bytes::new(&target.callable),
            environ: Pairs::new(environ.pairs()),
            filename: Bytes::new(info.filename()),
            https: environ.is_https(),
            reloading: info.settings.reloading(),
            sendfile: info.settings.enable_sendfile,
            error_override: info.settings.error_override,
            ignore_activity: info.settings.ignore_activity,
            number: 0,
            request_start: self.received,
            queue_start: 0.0,
            daemon_start: 0.0,
            native: self.native(),
            question: Question::NONE,
            arguments: [Bytes::ABSENT; 2],
        };
        self.run_in(group, &request, self.body(framing), host)
    }

    /// What the dispatch script says, if there is one.
    fn dispatched<H: Host>(
        &self,
        headers: &Headers<'_>,
        framing: Framing,
        host: &mut H,
    ) -> Result<Dispatched, Error> {
        let Some(script) = self.info.settings.dispatch_script else {
            return Ok(Dispatched::default());
        };
        let place = self.place(script)?;
        let mut block = vec![0; environ::size(&self.info, headers)];
        let mut arena = Arena::new(&mut block);
        let script_name = collapse_slashes(self.info.script_name.as_slice(), &mut arena);
        let target = Target::resolve(&self.engine, &self.info, script_name, host);
        let facts = environ::Facts {
            info: &self.info,
            headers,
            framing,
            script_name,
            process_group: place.process_group(),
            application_group: place.application_group(),
            callable: &target.callable,
            process_id: self.engine.process_id(),
        };
        let environ = facts.build(arena);
        self.dispatch(&place, &environ, host)
    }

    /// Has this process or one of a group do what a request wants. Python is started where it runs, and only there.
    pub(super) fn run_in<H: Host>(
        &self,
        group: Option<(usize, &ProcessGroup)>,
        request: &wsgi_core_abi::Request<'_>,
        body: Body,
        host: &mut H,
    ) -> Result<(Outcome, Result<(), Error>), Error> {
        let Some((number, group)) = group else {
            return Ok(self.engine.runtime()?.serve(request, host));
        };
        let groups = self.engine.groups();
        let groups = groups.ok_or(Error::State("the process groups were not launched"))?;
        if group.settings.chroot.is_none() {
            return Ok(groups.serve(number, &group.display(), request, body, host));
        }
        let script = group.inside(request.script.as_slice());
        let script = script.ok_or(Refusal::ScriptOutside)?;
        let pairs = group.environ_inside(request.environ.as_slice());
        // The file of a handler or of a decision need not be one that the group can see.
        let filename = group.inside(request.filename.as_slice()).unwrap_or(b"");
        let request = wsgi_core_abi::Request {
            script: Bytes::new(script),
            filename: Bytes::new(filename),
            environ: Pairs::new(&pairs),
            ..*request
        };
        Ok(groups.serve(number, &group.display(), &request, body, host))
    }

    /// What a script may see of the host, if it runs in this process.
    pub(super) fn native(&self) -> NativeRequest {
        if self.info.settings.pass_apache_request {
            self.info.native
        } else {
            NativeRequest::NONE
        }
    }

    /// How long the body is. Where HTTP/1 frames none there is none.
    fn body(&self, framing: Framing) -> Body {
        match framing {
            Framing::Length(length) => Body::Length(length),
            Framing::Open if self.info.protocol.as_slice().starts_with(b"HTTP/1") => Body::None,
            Framing::Open | Framing::Chunked => Body::Open,
        }
    }

    /// Refuses a request for a process that may not have it. Gives the group and its number; `None` is this process.
    pub(super) fn check_route(
        &self,
        route: &Route<'_>,
    ) -> Result<Option<(usize, &ProcessGroup)>, Refusal> {
        let info = &self.info;
        let name = match route {
            Route::Embedded => &b""[..],
            Route::Group(name) => name,
        };
        if let Some(allowed) = info.settings.restrict_process {
            let wanted = if name.is_empty() { b"%{GLOBAL}" } else { name };
            if !allowed.iter().any(|allowed| **allowed == *wanted) {
                let wanted = String::from_utf8_lossy(wanted).into_owned();
                return Err(Refusal::GroupRestricted(wanted));
            }
        }
        if name.is_empty() {
            return Ok(None);
        }
        let groups = self.engine.config().groups().iter().enumerate();
        let found = groups.into_iter().find(|(_, group)| *group.name == *name);
        let display = || String::from_utf8_lossy(name).into_owned();
        let (number, group) = found.ok_or_else(|| Refusal::GroupUnknown(display()))?;
        if !group.is_visible(info.server_hostname.as_slice()) {
            return Err(Refusal::GroupHidden(display()));
        }
        Ok(Some((number, group)))
    }

    /// Refuses a script that can't be one, and path information where none is wanted. Gives its time of
    /// modification, or 0 where it is not known.
    fn check_script(&self) -> Result<i64, Refusal> {
        let info = &self.info;
        let (file, modified) = match info.settings.handler_script {
            None if info.script_type != FileType::Unknown || info.script_mtime_us != 0 => {
                (info.script_type, info.script_mtime_us)
            }
            None => look(info.script.as_slice()),
            // It is the configuration's business, and the file that the request maps to need not exist.
            Some(script) => (FileType::Regular, look(script).1),
        };
        if info.script_refused && info.settings.handler_script.is_none() {
            return Err(Refusal::ScriptRefused);
        }
        match file {
            FileType::Missing => Err(Refusal::ScriptMissing),
            FileType::Directory => Err(Refusal::ScriptDirectory),
            _ if info.path_info_refused && !info.path_info.as_slice().is_empty() => {
                Err(Refusal::PathInfo)
            }
            _ => Ok(modified),
        }
    }

    /// The one line about a request that failed. What an application or the runtime did wrong is in the log, and so is
    /// why Python did not start; that requests are refused at the end, or the client has gone, is as it should be.
    pub(super) fn blame<H: Host>(&self, error: &Error, host: &mut H) {
        let level = match error {
            Error::Runtime {
                failure: RuntimeFailure::Panic,
                ..
            } => return self.engine.poison(),
            Error::Group {
                failure: ClientFailure::Host,
                ..
            } => return,
            Error::Closed
            | Error::Group {
                failure: ClientFailure::Closed,
                ..
            } => Level::Info,
            Error::Refused(_) | Error::State(_) | Error::Group { .. } => Level::Error,
            _ => return,
        };
        self.write(level, error, host);
    }

    fn write<H: Host>(&self, level: Level, error: &Error, host: &mut H) {
        if level <= host.log_level() {
            let text = compose(error.id(), self.info.filename(), &error.to_string());
            host.log(&record(level, error.id(), &text));
        }
    }
}

impl Dispatched {
    /// Puts what was decided in the place of what is configured, to be expanded likewise.
    fn apply<'d>(&'d self, settings: &mut Resolved<'d>) {
        if let Some(name) = &self.process_group {
            settings.process_group = Some(name);
        }
        if let Some(name) = &self.application_group {
            settings.application_group = Some(name);
        }
        // A handler has one function, whatever else its script defines.
        if let (Some(name), None) = (&self.callable, settings.handler_script) {
            settings.callable = Callable::Expanded(name);
        }
    }
}

/// What a path leads to, and when that was last modified.
fn look(path: &[u8]) -> (FileType, i64) {
    use std::os::unix::{ffi::OsStrExt, fs::MetadataExt};
    match std::fs::metadata(std::ffi::OsStr::from_bytes(path)) {
        Ok(data) if data.is_dir() => (FileType::Directory, 0),
        Ok(data) => (
            FileType::Regular,
            data.mtime() * 1_000_000 + data.mtime_nsec() / 1000,
        ),
        Err(error) => match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                (FileType::Missing, 0)
            }
            // The runtime will say why it can't read it.
            _ => (FileType::Unknown, 0),
        },
    }
}

/// Seconds since the epoch.
fn received(request_start_us: i64) -> f64 {
    if request_start_us > 0 {
        return request_start_us as f64 / 1e6;
    }
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
