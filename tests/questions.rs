//! Questions to scripts, in this process and in one of a group: only an answer that makes sense lets anyone in.

mod support;

use support::site::Site;
use support::{Memory, config, started};
use wsgi_core::engine::{Check, Decision, Engine, Error, RequestInfo, Resolved, Scope, Settings};

const PASSWORD: Check<'static> = Check::Password {
    user: b"jo",
    password: b"secret",
};
const HASH: Check<'static> = Check::RealmHash {
    user: b"jo",
    realm: b"realm",
};
const GROUPS: Check<'static> = Check::Groups {
    user: b"jo",
    names: b"a 'b c' ",
};
const ACCESS: Check<'static> = Check::Access {
    host: b"127.0.0.1",
    others_decide: false,
};
const CHECKS: [Check<'static>; 4] = [PASSWORD, HASH, GROUPS, ACCESS];

/// Where scripts are asked.
enum Place {
    Here(Engine),
    Group(Box<Site>),
}

impl Place {
    fn both() -> [Self; 2] {
        let (engine, _) = started(&config());
        [Self::Here(engine), Self::Group(Box::new(Site::new(&[])))]
    }

    fn engine(&self) -> &Engine {
        match self {
            Self::Here(engine) => engine,
            Self::Group(site) => &site.engine,
        }
    }

    fn options(&self) -> &'static str {
        match self {
            Self::Here(_) => "",
            Self::Group(_) => " process-group=group",
        }
    }

    fn settings(&self, script: &str) -> Settings {
        let mut settings = Settings::new(Scope::Directory);
        for option in [
            "access-script",
            "auth-user-script",
            "auth-group-script",
            "dispatch-script",
        ] {
            let value = format!("{script}{}", self.options());
            settings.set(option, value.as_bytes()).unwrap();
        }
        settings
    }

    fn check(&self, script: &str, check: &Check<'_>) -> (Result<Decision, Error>, Memory) {
        let settings = self.settings(script);
        let mut info = RequestInfo::new("GET", "/app");
        info.settings = Resolved::of([&settings]);
        let mut host = Memory::default();
        let decision = self
            .engine()
            .request(&info)
            .unwrap()
            .check(check, &mut host);
        assert!(host.head.is_none() && host.sent.is_empty());
        (decision, host)
    }
}

#[test]
fn answers_are_decisions() {
    for place in Place::both() {
        for check in &CHECKS {
            let decided = |script| place.check(script, check).0.unwrap();
            assert_eq!(decided("/no"), Decision::Denied);
            assert_eq!(decided("/unknown"), Decision::Unknown);
            assert!(matches!(decided("/yes"), Decision::Granted(Some(_))));
        }
    }
}

#[test]
fn arguments_arrive() {
    for place in Place::both() {
        for (check, expected) in CHECKS.iter().zip([
            r#"1 ["jo", "secret"]"#,
            r#"2 ["jo", "realm"]"#,
            r#"3 ["jo", "a,b c,"]"#,
            r#"4 ["127.0.0.1", ""]"#,
        ]) {
            let decided = place.check("/yes", check).0.unwrap();
            assert_eq!(decided, Decision::Granted(Some(expected.into())));
        }
    }
}

#[test]
fn nothing_else_is_a_yes() {
    for place in Place::both() {
        for check in &CHECKS {
            for script in [
                "/nonsense",
                "/many",
                "/response",
                "/silent",
                "/raise",
                "/unloadable",
            ] {
                let (decided, _) = place.check(script, check);
                assert!(decided.is_err(), "{script} {check:?}: {decided:?}");
                assert!(decided.unwrap_err().http_status() >= 500);
            }
        }
        assert!(place.check("/empty", &PASSWORD).0.is_err());
        assert!(place.check("/empty", &HASH).0.is_err());
        assert!(place.check("/nothing", &HASH).0.is_err());
        let granted = Decision::Granted(None);
        assert_eq!(place.check("/nothing", &PASSWORD).0.unwrap(), granted);
    }
}

#[test]
fn without_a_script_nobody_is_let_in() {
    let (engine, _) = started(&config());
    let info = RequestInfo::new("GET", "/app");
    for check in &CHECKS {
        let mut host = Memory::default();
        let decided = engine.request(&info).unwrap().check(check, &mut host);
        if matches!(check, Check::Access { .. }) {
            assert_eq!(decided.unwrap(), Decision::Unknown);
        } else {
            assert_eq!(decided.unwrap_err().http_status(), 500);
            assert!(host.log.lines()[0].contains("WC0044"));
        }
    }
}

#[test]
fn a_denied_access_is_logged_where_it_is_the_last_word() {
    let [here, _] = Place::both();
    let (_, host) = here.check("/no", &ACCESS);
    assert!(host.log.lines()[0].starts_with("Error WC0059: [script /app] "));
    let others = Check::Access {
        host: b"127.0.0.1",
        others_decide: true,
    };
    assert!(here.check("/no", &others).1.log.lines().is_empty());
}

#[test]
fn groups_that_can_not_be_used_let_nobody_in() {
    let (engine, _) = started(&config());
    let mut settings = Settings::new(Scope::Directory);
    settings
        .set("access-script", b"/yes process-group=nowhere")
        .unwrap();
    let mut info = RequestInfo::new("GET", "/app");
    info.settings = Resolved::of([&settings]);
    let mut host = Memory::default();
    let decided = engine.request(&info).unwrap().check(&ACCESS, &mut host);
    assert_eq!(decided.unwrap_err().id().0, 60);
    assert!(host.log.lines()[0].contains("WC0060"));
}

#[test]
fn a_process_that_dies_while_it_is_asked_lets_nobody_in() {
    let [_, group] = Place::both();
    let (decided, host) = group.check("/die", &ACCESS);
    assert_eq!(decided.unwrap_err().http_status(), 502);
    assert!(host.log.lines()[0].contains("WC0068"));
}

#[test]
fn dispatch_replaces_what_is_configured() {
    for place in Place::both() {
        let serve = |script| {
            let settings = place.settings(script);
            let mut layer = Settings::new(Scope::Directory);
            layer.set("application-group", b"configured").unwrap();
            layer.set("callable-object", b"app").unwrap();
            let mut info = RequestInfo::new("GET", "/app");
            info.script_type = wsgi_core::engine::FileType::Regular;
            info.settings = Resolved::of([&layer, &settings]);
            let mut host = Memory::default();
            let served = host.serve(place.engine(), &info);
            let names = ["group", "callable"].map(|name| host.value(name).unwrap_or_default());
            (served.result.is_ok(), names)
        };
        let configured = ["configured".to_owned(), "app".to_owned()];
        assert_eq!(serve("/unloadable"), (true, configured));
        let chosen = ["chosen".to_owned(), "wsgi_core".to_owned()];
        assert_eq!(serve("/yes"), (true, chosen));
        for script in [
            "/no",
            "/nonsense",
            "/many",
            "/response",
            "/silent",
            "/raise",
        ] {
            assert!(!serve(script).0, "{script}");
        }
    }
}

#[test]
fn controlling_access_is_seen_in_any_layer() {
    let plain = Settings::new(Scope::Directory);
    let mut controlled = plain.clone();
    controlled.set("access-script", b"/x").unwrap();
    let controls = |layers: [&Settings; 2]| wsgi_core::engine::controls_access(layers);
    assert!(controls([&controlled, &plain]) && controls([&plain, &controlled]));
    assert!(!controls([&plain, &plain]));
}
