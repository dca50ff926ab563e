//! The table of options. Everything that can be configured is here, and nowhere else.
#![forbid(unsafe_code)]

use super::option::{Apply, OptionSpec, Scope};
use super::value::{directories, flag, head_mapping, seconds, seed, text, version, whole};
use std::os::unix::ffi::OsStrExt;

/// One option of process scope: how its value is read, and into which field it goes.
macro_rules! process {
    ($name:literal, $accepted:literal, $default:expr, $meaning:literal, |$settings:ident, $value:ident| $body:expr) => {
        OptionSpec {
            name: $name,
            scope: Scope::Process,
            accepted: $accepted,
            default: $default,
            meaning: $meaning,
            apply: Apply::Process(|$settings, $value| {
                $body;
                Ok(())
            }),
        }
    };
}

/// One option of directory or script scope.
macro_rules! layer {
    ($scope:ident, $name:literal, $accepted:literal, $default:expr, $meaning:literal, |$settings:ident, $value:ident| $body:expr) => {
        OptionSpec {
            name: $name,
            scope: Scope::$scope,
            accepted: $accepted,
            default: $default,
            meaning: $meaning,
            apply: Apply::Layer(|$settings, $value| {
                $body;
                Ok(())
            }),
        }
    };
}

/// Every option of every scope.
pub static OPTIONS: &[OptionSpec] = &[
    process!(c"python-home", c"a directory", None,
        c"Python prefix or root of a virtual environment; its version decides which runtime is used.",
        |settings, value| settings.python_home = Some(text(value)?.into())),
    process!(c"python-path", c"directories separated by ':'", None,
        c"Directories that are put in front of sys.path, in this order, after reading the .pth files in them.",
        |settings, value| settings.python_path = directories(value)?),
    process!(c"python-eggs", c"a directory", None,
        c"Directory in which packages unpack their eggs: PYTHON_EGG_CACHE.",
        |settings, value| settings.python_eggs = Some(text(value)?.into())),
    process!(c"python-warnings", c"a warning filter as for python -W", None,
        c"Warning filter; may be set repeatedly, and all of them count.",
        |settings, value| settings.warnings.push(text(value)?.into())),
    process!(c"python-optimize", c"a whole number from 0 to 2", Some(c"0"),
        c"Level of optimisation, as the number of -O options of python.",
        |settings, value| settings.optimize = Some(whole(value, 0, 2)?)),
    process!(c"python-hash-seed", c"random or a whole number from 0 to 4294967295", Some(c"random"),
        c"Seed of the hashes of strings; random is another one in each process.",
        |settings, value| settings.hash_seed = seed(value)?),
    process!(c"dont-write-bytecode", c"On or Off", Some(c"Off"),
        c"Whether Python leaves compiled modules unwritten.",
        |settings, value| settings.dont_write_bytecode = Some(flag(value)?)),
    process!(c"switch-interval", c"a number of seconds greater than 0", None,
        c"Interval at which Python threads hand over to each other, in seconds; Python's default is 0.005.",
        |settings, value| settings.switch_interval = Some(seconds(value)?)),
    process!(c"case-sensitivity", c"On or Off", Some(if cfg!(target_os = "macos") { c"Off" } else { c"On" }),
        c"Whether names of scripts that differ only in case are different scripts.",
        |settings, value| settings.case_sensitivity = Some(flag(value)?)),
    process!(c"restrict-embedded", c"On or Off", Some(c"Off"),
        c"Whether requests that select no process group are refused.",
        |settings, value| settings.restrict_embedded = Some(flag(value)?)),
    process!(c"restrict-stdin", c"On or Off", Some(c"Off"),
        c"Whether any use of sys.stdin raises.",
        |settings, value| settings.restrict_stdin = Some(flag(value)?)),
    process!(c"restrict-stdout", c"On or Off", Some(c"Off"),
        c"Whether any use of sys.stdout raises instead of writing to the log.",
        |settings, value| settings.restrict_stdout = Some(flag(value)?)),
    process!(c"restrict-signal", c"On or Off", Some(c"On"),
        c"Whether signal.signal() is ignored, so that applications leave the server's signal handlers alone.",
        |settings, value| settings.restrict_signal = Some(flag(value)?)),
    process!(c"keep-stdio", c"On or Off", Some(c"Off"),
        c"Whether sys.stdin and sys.stdout stay as they are, for a server on a terminal.",
        |settings, value| settings.keep_stdio = Some(flag(value)?)),
    process!(c"runtime-dir", c"a directory", None,
        c"Directory with the runtimes; by default wsgi-core beside the library.",
        |settings, value| settings.runtime_dir = Some(std::ffi::OsStr::from_bytes(text(value)?).into())),
    process!(c"threads", c"a whole number from 1 to 65535", Some(c"1"),
        c"How many threads of the host serve requests in one process, for wsgi.multithread.",
        |settings, value| settings.threads = Some(whole(value, 1, 65535)?)),
    process!(c"processes", c"a whole number from 1 to 65535", Some(c"1"),
        c"How many processes of the host serve requests, for wsgi.multiprocess.",
        |settings, value| settings.processes = Some(whole(value, 1, 65535)?)),
    process!(c"host-name", c"a name", Some(c"wsgi_core"),
        c"Name of the host, such as apache: in the environ, NAME.version is its version.",
        |settings, value| settings.host_name = Some(text(value)?.into())),
    process!(c"host-version", c"up to three whole numbers separated by '.'", None,
        c"Version of the host; by default that of this library.",
        |settings, value| settings.host_version = Some(version(value)?)),
    process!(c"host-description", c"a text", None,
        c"Full description of the host and its modules, as it gives it in a Server header.",
        |settings, value| settings.host_description = Some(text(value)?.into())),
    process!(c"host-build-date", c"a text", None,
        c"When the host was built, for applications that ask.",
        |settings, value| settings.host_build_date = Some(text(value)?.into())),
    process!(c"host-mpm-name", c"a name", None,
        c"How the host runs its processes and threads, such as event, for applications that ask.",
        |settings, value| settings.host_mpm_name = Some(text(value)?.into())),
    layer!(Directory, c"process-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", Some(c"%{GLOBAL}"),
        c"Process group that runs the application; %{GLOBAL} is the server's own process.",
        |settings, value| settings.process_group = Some(text(value)?.into())),
    layer!(Directory, c"application-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", None,
        c"Interpreter that runs the application; %{GLOBAL} is the main one. The default is the main one where only one \
          application is configured, else %{RESOURCE}.",
        |settings, value| settings.application_group = Some(text(value)?.into())),
    layer!(Directory, c"callable-object", c"a name or %{ENV:name}", Some(c"application"),
        c"Name of the global in the script that is the application.",
        |settings, value| settings.callable = Some(text(value)?.into())),
    layer!(Directory, c"pass-authorization", c"On or Off", Some(c"Off"),
        c"Whether the application sees the Authorization header.",
        |settings, value| settings.pass_authorization = Some(flag(value)?)),
    layer!(Directory, c"script-reloading", c"On or Off", Some(c"On"),
        c"Whether a script is loaded again when it has changed.",
        |settings, value| settings.script_reloading = Some(flag(value)?)),
    layer!(Directory, c"error-override", c"On or Off", Some(c"Off"),
        c"Whether the host replaces responses with a status of 400 and above by its own pages.",
        |settings, value| settings.error_override = Some(flag(value)?)),
    layer!(Directory, c"chunked-request", c"On or Off", Some(c"Off"),
        c"Whether request bodies without a length are accepted.",
        |settings, value| settings.chunked_request = Some(flag(value)?)),
    layer!(Directory, c"map-head-to-get", c"On, Off or Auto", Some(c"Auto"),
        c"Whether the application sees GET for HEAD; Auto does so where the response is filtered.",
        |settings, value| settings.map_head_to_get = Some(head_mapping(value)?)),
    layer!(Directory, c"enable-sendfile", c"On or Off", Some(c"Off"),
        c"Whether files may be sent with sendfile().",
        |settings, value| settings.enable_sendfile = Some(flag(value)?)),
    layer!(Directory, c"ignore-activity", c"On or Off", Some(c"Off"),
        c"Whether requests leave the inactivity timer of their process alone.",
        |settings, value| settings.ignore_activity = Some(flag(value)?)),
    layer!(Script, c"process-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", None,
        c"Process group that runs the application; %{GLOBAL} is the server's own process.",
        |settings, value| settings.process_group = Some(text(value)?.into())),
    layer!(Script, c"application-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", None,
        c"Interpreter that runs the application; %{GLOBAL} is the main one.",
        |settings, value| settings.application_group = Some(text(value)?.into())),
    layer!(Script, c"callable-object", c"a name", None,
        c"Name of the global in the script that is the application, taken literally.",
        |settings, value| settings.callable = Some(text(value)?.into())),
    layer!(Script, c"pass-authorization", c"On or Off", None,
        c"Whether the application sees the Authorization header.",
        |settings, value| settings.pass_authorization = Some(flag(value)?)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Config, Settings};

    fn set(spec: &OptionSpec, value: &[u8]) -> Result<(), crate::engine::Error> {
        let name = spec.name.to_str().unwrap();
        match spec.scope {
            Scope::Process => Config::new().set(name, value),
            scope => Settings::new(scope).set(name, value),
        }
    }

    #[test]
    fn every_default_is_accepted_and_no_value_may_be_empty_or_hold_a_nul() {
        for spec in OPTIONS {
            if let Some(default) = spec.default {
                set(spec, default.to_bytes()).unwrap();
            }
            assert!(
                set(spec, b"").is_err() && set(spec, b"a\0b").is_err(),
                "{:?}",
                spec.name
            );
        }
    }

    #[test]
    fn names_are_unique_in_their_scope_and_written_alike() {
        for (index, spec) in OPTIONS.iter().enumerate() {
            let twin = |other: &OptionSpec| other.name == spec.name && other.scope == spec.scope;
            assert!(!OPTIONS[..index].iter().any(twin), "{:?}", spec.name);
            assert!(
                spec.name
                    .to_bytes()
                    .iter()
                    .all(|byte| byte.is_ascii_lowercase() || *byte == b'-')
            );
            assert!(spec.meaning.to_bytes().ends_with(b"."), "{:?}", spec.name);
        }
    }

    #[test]
    fn a_refused_value_is_quoted_with_what_is_accepted() {
        let mut config = Config::new();
        let message = |error: crate::engine::Error| error.to_string();
        assert_eq!(
            message(config.set("restrict-stdin", b"maybe").unwrap_err()),
            "'maybe' is not accepted; expected On or Off"
        );
        assert_eq!(
            message(config.set("python-optimize", b"3").unwrap_err()),
            "'3' is not accepted; expected a whole number from 0 to 2"
        );
        assert_eq!(
            message(config.set("script-reloading", b"On").unwrap_err()),
            "there is no option 'script-reloading' of process scope"
        );
    }
}
