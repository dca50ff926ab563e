//! Settings of directory and script scope, in layers.
#![forbid(unsafe_code)]

use super::Error;
use super::option::{Apply, OptionSpec, Scope};
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
    pub(super) restrict_process: Option<Arc<[Box<[u8]>]>>,
    pub(super) trusted_proxy_headers: Option<Vec<ProxyHeader>>,
    pub(super) trusted_proxies: Option<Vec<Network>>,
    /// In group scope: all of them, and as what they were given.
    pub(super) group: Option<Box<GroupSettings>>,
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
            restrict_process: None,
            trusted_proxy_headers: None,
            trusted_proxies: None,
            group: (scope == Scope::Group).then(Box::default),
            given: Vec::new(),
        }
    }

    /// Sets an option of the layer's scope.
    ///
    /// # Errors
    /// When the option is unknown in this scope, or does not accept the value.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let spec = OptionSpec::find(name, self.scope)?;
        match (&spec.apply, &mut self.group) {
            (Apply::Layer(apply), _) => apply(self, value).map_err(|_| spec.refuse(value)),
            (Apply::Group(apply), Some(group)) => {
                apply(group, value).map_err(|_| spec.refuse(value))?;
                self.given.push(spec.given(value));
                Ok(())
            }
            _ => Err(Error::State("an option of another scope")),
        }
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
    pub(super) restrict_process: Option<&'a [Box<[u8]>]>,
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
        inner(
            &mut self.restrict_process,
            layer.restrict_process.as_deref().map(Some),
        );
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

#[cfg(test)]
mod tests {
    use super::*;

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
