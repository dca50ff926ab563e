//! Questions to scripts that decide about requests.
#![forbid(unsafe_code)]

use super::environ;
use super::error::Error;
use super::group::Names;
use super::host::Host;
use super::process_group::ProcessGroup;
use super::refusal::Refusal;
use super::request::{Request, RequestInfo};
use super::route::{self, Route};
use super::script::Script;
use super::settings::Settings;
use super::words::Words;
use crate::daemon::client::Body;
use std::borrow::Cow;
use wsgi_core_abi::{
    Bytes, Exchange, Failure, Head, Level, LogRecord, Pairs, Question, ReadFailure, SendFlags,
    Verdict,
};
use wsgi_core_http::{Arena, BodyRules, Framing, Headers};

/// What a host wants to know about a request.
#[derive(Clone, Copy, Debug)]
pub enum Check<'a> {
    /// Whether a user has this password.
    Password {
        /// The name of the user.
        user: &'a [u8],
        /// What the client sent.
        password: &'a [u8],
    },
    /// The hash that a user's digest is checked with.
    RealmHash {
        /// The name of the user.
        user: &'a [u8],
        /// What the password is for.
        realm: &'a [u8],
    },
    /// Whether a user belongs to one of these groups, whose names are separated by blanks and may be quoted.
    Groups {
        /// The name of the user.
        user: &'a [u8],
        /// The names of the groups.
        names: &'a [u8],
    },
    /// Whether a client has access.
    Access {
        /// Its name or address.
        host: &'a [u8],
        /// A refusal is not the last word.
        others_decide: bool,
    },
}

/// What a script says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes. It may say which name the user has from now on; for a digest, it is the hash.
    Granted(Option<Vec<u8>>),
    /// No.
    Denied,
    /// That is for others to say.
    Unknown,
}

impl Check<'_> {
    fn question(&self) -> Question {
        match self {
            Self::Password { .. } => Question::PASSWORD,
            Self::RealmHash { .. } => Question::REALM_HASH,
            Self::Groups { .. } => Question::GROUPS,
            Self::Access { .. } => Question::ACCESS,
        }
    }

    fn arguments(&self) -> [Cow<'_, [u8]>; 2] {
        match *self {
            Self::Password { user, password } => [user.into(), password.into()],
            Self::RealmHash { user, realm } => [user.into(), realm.into()],
            Self::Groups { user, names } => {
                let mut words = Words::new(names);
                let mut all = Vec::with_capacity(names.len() + 1);
                while let Some(word) = words.word() {
                    all.extend_from_slice(&word);
                    all.push(0);
                }
                [user.into(), all.into()]
            }
            Self::Access { host, .. } => [host.into(), Cow::Borrowed(b"")],
        }
    }
}

impl<'a> RequestInfo<'a> {
    /// The script that a question is for.
    fn script_for(&self, question: Question) -> Option<&'a Script> {
        match question {
            Question::PASSWORD | Question::REALM_HASH => self.settings.auth_user_script,
            Question::GROUPS => self.settings.auth_group_script,
            Question::ACCESS => self.settings.access_script,
            _ => self.settings.dispatch_script,
        }
    }
}

/// Whether there is a script that decides about access where these layers are in force.
pub fn controls_access<'a>(layers: impl IntoIterator<Item = &'a Settings>) -> bool {
    let mut layers = layers.into_iter();
    layers.any(|layer| layer.access_script.is_some())
}

/// What was answered, before anything is made of it.
#[derive(Debug)]
struct Answer {
    verdict: Verdict,
    values: Vec<Option<Vec<u8>>>,
}

/// How many values an answer may have: one for each function that is asked.
const MOST_VALUES: usize = 3;

/// A host while a script is asked: nothing reaches the client, and what takes the place of a response is the answer.
struct Asking<'h, H> {
    host: &'h mut H,
    answer: Option<Answer>,
}

impl<H: Host> Exchange for Asking<'_, H> {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, ReadFailure> {
        Ok(0)
    }

    fn send_head(&mut self, head: &Head<'_>) -> Result<(), Failure> {
        let values = head.headers.as_slice();
        if !head.error_page || values.len() > MOST_VALUES {
            return Err(Failure);
        }
        let value = |value: Bytes<'_>| (!value.is_absent()).then(|| value.as_slice().to_vec());
        self.answer = Some(Answer {
            verdict: Verdict(head.code),
            values: values.iter().map(|pair| value(pair.value)).collect(),
        });
        Ok(())
    }

    fn send(&mut self, _: &[u8], _: SendFlags) -> Result<(), Failure> {
        Err(Failure)
    }

    fn send_file(&mut self, _: i32, _: u64, _: u64, _: SendFlags) -> Result<(), Failure> {
        Err(Failure)
    }

    fn is_aborted(&mut self) -> bool {
        self.host.is_aborted()
    }

    fn ssl_variable(&mut self, name: &[u8]) -> Option<&[u8]> {
        self.host.ssl_variable(name)
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.host.log(record);
    }

    fn log_level(&mut self) -> Level {
        self.host.log_level()
    }
}

impl<H: Host> Host for Asking<'_, H> {}

/// Where a script is asked: in a process of a group or in this one, and in which interpreter.
pub(super) struct Place<'s> {
    pub script: &'s Script,
    group: Option<(usize, &'s ProcessGroup)>,
    application_group: Cow<'s, [u8]>,
}

/// What dispatch decides; `None` leaves it as it is.
#[derive(Debug, Default)]
pub(super) struct Dispatched {
    pub process_group: Option<Vec<u8>>,
    pub application_group: Option<Vec<u8>>,
    pub callable: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    /// Asks a script about the request, which is not served. The script has the settings' options for it; where there is
    /// none, access is for others to decide, and everything else is refused.
    ///
    /// # Errors
    /// When the script can't be asked or does not answer as it should. The client must not be let in then.
    pub fn check<H: Host>(self, check: &Check<'_>, host: &mut H) -> Result<Decision, Error> {
        let decided = self.decide(check, host);
        match (&decided, check) {
            (Err(error), _) => self.blame(error, host),
            (Ok(Decision::Denied), Check::Access { others_decide, .. }) if !others_decide => {
                self.blame(&Refusal::AccessDenied.into(), host);
            }
            _ => {}
        }
        decided
    }

    fn decide<H: Host>(&self, check: &Check<'_>, host: &mut H) -> Result<Decision, Error> {
        self.engine.admit()?;
        let question = check.question();
        let Some(script) = self.info.script_for(question) else {
            return match question {
                Question::ACCESS => Ok(Decision::Unknown),
                _ => Err(Refusal::DeciderMissing.into()),
            };
        };
        let place = self.place(script)?;
        let headers = Headers::new(self.info.headers);
        let rules = BodyRules {
            chunked: true,
            limit: 0,
        };
        // How the body is framed is none of the script's business.
        let framing = rules.check(&headers).unwrap_or(Framing::Open);
        let mut block = vec![0; environ::size(&self.info, &headers)];
        let facts = environ::Facts {
            info: &self.info,
            headers: &headers,
            framing,
            script_name: self.info.script_name.as_slice(),
            process_group: place.process_group(),
            application_group: &place.application_group,
            callable: b"",
            process_id: self.engine.process_id(),
        };
        let environ = facts.build_for_check(Arena::new(&mut block));
        let arguments = check.arguments();
        let arguments = [0, 1].map(|index| Bytes::new(&arguments[index]));
        let answer = self.ask(&place, question, arguments, &environ, host)?;
        let text = answer.values.into_iter().next().flatten();
        match (answer.verdict, question, text) {
            (Verdict::DENIED, _, _) => Ok(Decision::Denied),
            (Verdict::UNKNOWN, _, _) => Ok(Decision::Unknown),
            (Verdict::GRANTED, Question::PASSWORD, Some(text)) if text.is_empty() => Err(NO_ANSWER),
            (Verdict::GRANTED, Question::REALM_HASH, text) => match text {
                Some(hash) if !hash.is_empty() => Ok(Decision::Granted(Some(hash))),
                _ => Err(NO_ANSWER),
            },
            (Verdict::GRANTED, _, text) => Ok(Decision::Granted(text)),
            _ => Err(NO_ANSWER),
        }
    }

    /// Asks the dispatch script where the request is to run. A script that can't be loaded decides nothing.
    pub(super) fn dispatch<H: Host>(
        &self,
        place: &Place<'_>,
        environ: &wsgi_core_http::Environ<'_>,
        host: &mut H,
    ) -> Result<Dispatched, Error> {
        let none = [Bytes::ABSENT; 2];
        match self.ask(place, Question::DISPATCH, none, environ, host) {
            Ok(Answer {
                verdict: Verdict::GRANTED,
                values,
            }) => {
                let mut values = values.into_iter();
                let mut next = || values.next().flatten();
                Ok(Dispatched {
                    process_group: next(),
                    application_group: next(),
                    callable: next(),
                })
            }
            Ok(_) => Err(NO_ANSWER),
            Err(error) if error.is_unloadable_script() => Ok(Dispatched::default()),
            Err(error) => Err(error),
        }
    }

    /// Where a script is asked.
    pub(super) fn place<'s>(&'s self, script: &'s Script) -> Result<Place<'s>, Error> {
        let names = Names {
            script_name: b"",
            ..route::names(&self.engine, &self.info)
        };
        let options = &script.options;
        let expand = |name: &'s Option<std::sync::Arc<[u8]>>| {
            let name = name.as_deref().unwrap_or_default();
            names.group_of_server(name)
        };
        let group = match expand(&options.process_group) {
            name if name.is_empty() => None,
            name => self.check_route(&Route::Group(name))?,
        };
        Ok(Place {
            script,
            group,
            application_group: expand(&options.application_group),
        })
    }

    fn ask<H: Host>(
        &self,
        place: &Place<'_>,
        question: Question,
        arguments: [Bytes<'_>; 2],
        environ: &wsgi_core_http::Environ<'_>,
        host: &mut H,
    ) -> Result<Answer, Error> {
        let request = wsgi_core_abi::Request {
            script: Bytes::new(&place.script.path),
            script_mtime_us: 0,
            application_group: Bytes::new(&place.application_group),
            callable: Bytes::ABSENT,
            environ: Pairs::new(environ.pairs()),
            filename: Bytes::new(self.info.filename()),
            https: environ.is_https(),
            reloading: self.info.settings.reloading(),
            sendfile: false,
            error_override: false,
            ignore_activity: self.info.settings.ignore_activity,
            number: 0,
            request_start: self.received,
            queue_start: 0.0,
            daemon_start: 0.0,
            native: self.native(),
            question,
            arguments,
        };
        let mut asking = Asking { host, answer: None };
        let (_, result) = self.run_in(place.group, &request, Body::None, &mut asking)?;
        result?;
        asking.answer.ok_or(NO_ANSWER)
    }
}

/// What a process said makes no sense.
const NO_ANSWER: Error =
    Error::State("a script that decides about requests was asked and did not answer");

impl Place<'_> {
    pub fn process_group(&self) -> &[u8] {
        self.group.map_or(b"", |(_, group)| &group.name)
    }

    pub fn application_group(&self) -> &[u8] {
        &self.application_group
    }
}
