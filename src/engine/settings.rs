//! Settings of directory and script scope, in layers.
#![forbid(unsafe_code)]

use super::Error;
use super::interpreters::InterpreterSettings;
use super::option::{Apply, OptionSpec};
use super::scope::Scope;
use super::script::Script;
use super::value::{Unacceptable, Value};
use super::words::Words;
use crate::daemon::GroupSettings;
use std::sync::Arc;
use wsgi_core_http::{HeadMapping, Network, ProxyHeader, ProxyRules};

/// A sparse set of options: one layer.
#[derive(Clone, Debug)]
pub struct Settings {
    scope: Scope,
    pub(super) process_group: Option<Arc<[u8]>>,
    pub(super) application_group: Option<Arc<[u8]>>,
    pub(super) callable: Option<Arc<[u8]>>,
    pub(super) pass_authorization: Option<bool>,
    pub(super) script_reloading: Option<bool>,
    pub(super) error_override: Option<bool>,
    pub(super) chunked_request: Option<bool>,
    pub(super) map_head_to_get: Option<HeadMapping>,
    pub(super) enable_sendfile: Option<bool>,
    pub(super) ignore_activity: Option<bool>,
    pub(super) pass_apache_request: Option<bool>,
    pub(super) restrict_process: Option<Arc<[Box<[u8]>]>>,
    /// By the names of their handlers.
    handlers: Vec<(Box<[u8]>, Arc<Script>)>,
    pub(super) access_script: Option<Arc<Script>>,
    pub(super) auth_user_script: Option<Arc<Script>>,
    pub(super) auth_group_script: Option<Arc<Script>>,
    pub(super) dispatch_script: Option<Arc<Script>>,
    pub(super) trusted_proxy_headers: Option<Vec<ProxyHeader>>,
    pub(super) trusted_proxies: Option<Vec<Network>>,
    /// In group scope: all of them, and as what they were given.
    pub(super) group: Option<Box<GroupSettings>>,
    /// Likewise in interpreter scope.
    pub(super) interpreter: Option<Box<InterpreterSettings>>,
    pub(super) given: Vec<Given>,
}

/// An option as it was set, to be set again in another process.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub name: &'static str,
    pub value: Box<[u8]>,
}

impl Settings {
    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    /// An empty layer.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            process_group: None,
            application_group: None,
            callable: None,
            pass_authorization: None,
            script_reloading: None,
            error_override: None,
            chunked_request: None,
            map_head_to_get: None,
            enable_sendfile: None,
            ignore_activity: None,
            pass_apache_request: None,
            restrict_process: None,
            handlers: Vec::new(),
            access_script: None,
            auth_user_script: None,
            auth_group_script: None,
            dispatch_script: None,
            trusted_proxy_headers: None,
            trusted_proxies: None,
            group: (scope == Scope::Group).then(Box::default),
            interpreter: (scope == Scope::Interpreter).then(Box::default),
            given: Vec::new(),
        }
    }

    /// Sets an option of the layer's scope.
    ///
    /// # Errors
    /// When the option is unknown in this scope, or does not accept the value.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let spec = OptionSpec::find(name, self.scope)?;
        let applied = match (&spec.apply, &mut self.group, &mut self.interpreter) {
            (Apply::Layer(apply), _, _) => {
                return apply(self, value).map_err(|why| spec.refuse(value, why));
            }
            (Apply::Group(apply), Some(group), _) => apply(group, value),
            (Apply::Interpreter(apply), _, Some(interpreter)) => apply(interpreter, value),
            _ => return Err(Error::State("an option of another scope")),
        };
        applied.map_err(|why| spec.refuse(value, why))?;
        self.given.push(spec.given(value));
        Ok(())
    }

    /// Sets options from a line of configuration: `name=value`, separated by blanks, where a value may be quoted.
    ///
    /// # Errors
    /// When a word is not `name=value`, or [`Settings::set`] refuses it; the text begins with the option's name.
    pub fn parse(&mut self, line: &[u8]) -> Result<(), Error> {
        let words = Words::new(line);
        let assigned = match self.scope {
            Scope::Interpreter => self.select(words),
            _ => self.assign(words, |_| true),
        };
        assigned.map_err(Unacceptable::into_error)
    }

    /// Selects interpreters. Names are in any case, and an empty value is the host's own process or the main
    /// interpreter.
    fn select(&mut self, mut words: Words<'_>) -> Value<()> {
        while let Some(assignment) = words.assignment() {
            let (name, value) = assignment?;
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if !["process-group", "application-group"].contains(&&*name) {
                let text = format!("'{name}' is neither process-group nor application-group");
                return Err(Unacceptable::Because(text));
            }
            let value = if value.is_empty() {
                b"%{GLOBAL}"
            } else {
                &*value
            };
            let set = self.set(&name, value);
            set.map_err(|error| Unacceptable::Because(error.of_option(&name).to_string()))?;
        }
        Ok(())
    }

    /// Sets options from words, of those that are `known`.
    pub(super) fn assign(
        &mut self,
        mut words: Words<'_>,
        known: impl Fn(&str) -> bool,
    ) -> Value<()> {
        while let Some(assignment) = words.assignment() {
            let (name, value) = assignment?;
            let name = String::from_utf8_lossy(name);
            if !known(&name) {
                let others = OptionSpec::names(self.scope).filter(|name| known(name));
                let others: Vec<_> = others.collect();
                let others = others.join(", ");
                return Err(Unacceptable::Because(format!(
                    "there is no option '{name}'; there are {others}"
                )));
            }
            let set = self.set(&name, &value);
            set.map_err(|error| Unacceptable::Because(error.of_option(&name).to_string()))?;
        }
        Ok(())
    }

    /// Defines a handler. The last of the same name counts.
    pub(super) fn set_handler(&mut self, (name, script): (Box<[u8]>, Script)) {
        self.handlers.retain(|(other, _)| *other != name);
        self.handlers.push((name, Arc::new(script)));
    }

    /// The script of a handler.
    pub(super) fn handler(&self, name: &[u8]) -> Option<&Script> {
        let mut handlers = self.handlers.iter();
        handlers
            .find(|(other, _)| **other == *name)
            .map(|(_, script)| &**script)
    }
}

/// What is in force for one request: of each option the value of the innermost layer that has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resolved<'a> {
    pub(super) process_group: Option<&'a [u8]>,
    pub(super) application_group: Option<&'a [u8]>,
    pub(super) callable: Callable<'a>,
    pub(super) pass_authorization: bool,
    pub(super) script_reloading: Option<bool>,
    pub(super) error_override: bool,
    pub(super) chunked_request: bool,
    pub(super) map_head_to_get: HeadMapping,
    pub(super) enable_sendfile: bool,
    pub(super) ignore_activity: bool,
    pub(super) pass_apache_request: bool,
    pub(super) restrict_process: Option<&'a [Box<[u8]>]>,
    pub(super) access_script: Option<&'a Script>,
    pub(super) auth_user_script: Option<&'a Script>,
    pub(super) auth_group_script: Option<&'a Script>,
    pub(super) dispatch_script: Option<&'a Script>,
    /// The script of the request's handler, if it has one.
    pub(super) handler_script: Option<&'a [u8]>,
    pub(super) proxy_rules: ProxyRules<'a>,
}

/// The configured callable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Callable<'a> {
    /// None.
    #[default]
    Default,
    /// A name to be taken as it is.
    Literal(&'a [u8]),
    /// A name in which `%{ENV:…}` is expanded.
    Expanded(&'a [u8]),
}

impl<'a> Resolved<'a> {
    /// Stacks layers, the outermost first.
    pub fn of(layers: impl IntoIterator<Item = &'a Settings>) -> Self {
        let mut resolved = Self::default();
        for layer in layers {
            resolved.add(layer);
        }
        resolved
    }

    /// Stacks layers for a request of this handler, whose own options come last where a script serves it.
    pub fn for_handler(layers: impl IntoIterator<Item = &'a Settings>, name: &[u8]) -> Self {
        let mut resolved = Self::default();
        let mut handler = None;
        for layer in layers {
            resolved.add(layer);
            handler = layer.handler(name).or(handler);
        }
        if let Some(script) = handler.filter(|_| HandlerKind::of_name(name).is_none()) {
            resolved.add(&script.options);
            resolved.callable = Callable::Literal(b"handle_request");
            resolved.handler_script = Some(&script.path);
        }
        resolved
    }

    fn add(&mut self, layer: &'a Settings) {
        fn inner<T>(value: &mut T, set: Option<T>) {
            if let Some(set) = set {
                *value = set;
            }
        }
        inner(
            &mut self.process_group,
            layer.process_group.as_deref().map(Some),
        );
        inner(
            &mut self.application_group,
            layer.application_group.as_deref().map(Some),
        );
        let callable = layer.callable.as_deref().map(|name| match layer.scope {
            Scope::Script => Callable::Literal(name),
            _ => Callable::Expanded(name),
        });
        inner(&mut self.callable, callable);
        inner(&mut self.pass_authorization, layer.pass_authorization);
        inner(&mut self.script_reloading, layer.script_reloading.map(Some));
        inner(&mut self.error_override, layer.error_override);
        inner(&mut self.chunked_request, layer.chunked_request);
        inner(&mut self.map_head_to_get, layer.map_head_to_get);
        inner(&mut self.enable_sendfile, layer.enable_sendfile);
        inner(&mut self.ignore_activity, layer.ignore_activity);
        inner(&mut self.pass_apache_request, layer.pass_apache_request);
        inner(
            &mut self.restrict_process,
            layer.restrict_process.as_deref().map(Some),
        );
        for (value, set) in [
            (&mut self.access_script, &layer.access_script),
            (&mut self.auth_user_script, &layer.auth_user_script),
            (&mut self.auth_group_script, &layer.auth_group_script),
            (&mut self.dispatch_script, &layer.dispatch_script),
        ] {
            inner(value, set.as_deref().map(Some));
        }
        inner(
            &mut self.proxy_rules.headers,
            layer.trusted_proxy_headers.as_deref(),
        );
        inner(
            &mut self.proxy_rules.proxies,
            layer.trusted_proxies.as_deref().map(Some),
        );
    }

    /// The request leaves the inactivity timer of its process alone.
    #[must_use]
    pub fn ignores_activity(&self) -> bool {
        self.ignore_activity
    }

    /// Scripts that changed are loaded again.
    pub(super) fn reloading(&self) -> bool {
        self.script_reloading.unwrap_or(true)
    }
}

/// Who serves the requests of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerKind {
    /// The script that the request maps to.
    Application,
    /// A script of its own.
    Script,
}

impl HandlerKind {
    /// What a handler is where these layers are in force; `None` where it is none of ours.
    pub fn of<'a>(name: &[u8], layers: impl IntoIterator<Item = &'a Settings>) -> Option<Self> {
        Self::of_name(name).or_else(|| {
            let mut layers = layers.into_iter();
            layers
                .any(|layer| layer.handler(name).is_some())
                .then_some(Self::Script)
        })
    }

    fn of_name(name: &[u8]) -> Option<Self> {
        matches!(name, b"wsgi-script" | b"application/x-httpd-wsgi").then_some(Self::Application)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_overlaid_by_name() {
        let outer = layer(
            Scope::Directory,
            &[
                ("handler-script", "a /outer-a application-group=x"),
                ("handler-script", "b /outer-b"),
                ("callable-object", "other"),
            ],
        );
        let inner = layer(
            Scope::Directory,
            &[
                ("handler-script", "a /first"),
                ("handler-script", "a /inner-a"),
                ("handler-script", "wsgi-script /never"),
            ],
        );
        let find = |name: &str| {
            let resolved = Resolved::for_handler([&outer, &inner], name.as_bytes());
            (resolved.handler_script, resolved.callable)
        };
        let request = Callable::Literal(b"handle_request");
        assert_eq!(find("a"), (Some(&b"/inner-a"[..]), request));
        assert_eq!(find("b"), (Some(&b"/outer-b"[..]), request));
        assert_eq!(find("c"), (None, Callable::Expanded(b"other")));
        assert_eq!(find("wsgi-script").0, None);
        let kind = |name: &str| HandlerKind::of(name.as_bytes(), [&outer, &inner]);
        assert_eq!(kind("b"), Some(HandlerKind::Script));
        assert_eq!(kind("wsgi-script"), Some(HandlerKind::Application));
        assert_eq!(
            kind("application/x-httpd-wsgi"),
            Some(HandlerKind::Application)
        );
        assert_eq!(kind("default-handler"), None);
    }

    #[test]
    fn a_line_of_options() {
        let mut settings = Settings::new(Scope::Script);
        settings
            .parse(b"application-group='a b' pass-authorization=on")
            .unwrap();
        assert_eq!(settings.application_group.as_deref(), Some(&b"a b"[..]));
        for (line, expected) in [
            ("word", "'word' is not an option, which is name=value"),
            (
                "bogus=1",
                "there is no option 'bogus' of script scope; there are process-group, application-group, \
                 callable-object, pass-authorization",
            ),
            (
                "pass-authorization=maybe",
                "pass-authorization: 'maybe' is not accepted; expected On or Off",
            ),
        ] {
            let error = settings.parse(line.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    fn layer(scope: Scope, options: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::new(scope);
        for (name, value) in options {
            settings.set(name, value.as_bytes()).unwrap();
        }
        settings
    }

    #[test]
    fn inner_layers_win_and_unset_options_inherit() {
        let outer = layer(
            Scope::Directory,
            &[
                ("error-override", "On"),
                ("process-group", "a"),
                ("map-head-to-get", "Off"),
            ],
        );
        let inner = layer(
            Scope::Directory,
            &[("error-override", "Off"), ("callable-object", "app")],
        );
        let script = layer(Scope::Script, &[("pass-authorization", "On")]);
        let resolved = Resolved::of([&outer, &inner, &script]);
        assert!(!resolved.error_override && resolved.pass_authorization && resolved.reloading());
        assert_eq!(resolved.process_group, Some(&b"a"[..]));
        assert_eq!(resolved.callable, Callable::Expanded(b"app"));
        assert_eq!(resolved.map_head_to_get, HeadMapping::Off);
    }

    #[test]
    fn the_callable_of_a_script_is_literal() {
        let inner = layer(Scope::Directory, &[("callable-object", "%{ENV:X}")]);
        let script = layer(Scope::Script, &[("callable-object", "%{ENV:X}")]);
        assert_eq!(
            Resolved::of([&inner, &script]).callable,
            Callable::Literal(b"%{ENV:X}")
        );
        assert_eq!(Resolved::of([]).callable, Callable::Default);
    }

    #[test]
    fn lists_grow_within_a_layer_and_are_replaced_by_an_inner_one() {
        let outer = layer(
            Scope::Directory,
            &[
                ("trusted-proxies", "10.0.0.1"),
                ("trusted-proxies", "10.1.0.0/16 ::1"),
                ("trusted-proxy-headers", "X-Forwarded-For x-nonsense"),
                ("trusted-proxy-headers", "X-HTTPS"),
            ],
        );
        let inner = layer(Scope::Directory, &[("trusted-proxies", "10.2.0.0/16")]);
        let none = layer(Scope::Directory, &[("trusted-proxy-headers", "None")]);
        let rules = |layers: &[&'static Settings]| Resolved::of(layers.iter().copied()).proxy_rules;
        let [outer, inner, none] = [outer, inner, none].map(|layer| &*Box::leak(Box::new(layer)));
        let counts = |rules: ProxyRules<'_>| (rules.headers.len(), rules.proxies.map(<[_]>::len));
        assert_eq!(counts(rules(&[])), (0, None));
        assert_eq!(counts(rules(&[outer])), (2, Some(3)));
        assert_eq!(counts(rules(&[outer, inner])), (2, Some(1)));
        assert_eq!(counts(rules(&[outer, none])), (0, Some(3)));
    }

    #[test]
    fn options_belong_to_their_scope() {
        assert!(
            Settings::new(Scope::Script)
                .set("script-reloading", b"On")
                .is_err()
        );
        assert!(
            Settings::new(Scope::Directory)
                .set("python-home", b"/x")
                .is_err()
        );
    }
}
