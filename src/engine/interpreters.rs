//! Which settings the interpreters of a process have.
#![forbid(unsafe_code)]

use super::error::Error;
use super::process::ProcessSettings;
use super::process_group::GroupStart;
use super::scope::Scope;
use super::settings::{Given, Settings};
use wsgi_core_abi::{Bytes, Flag, InterpreterLayer, Slice};

/// What is set for some interpreters; `None` where nothing is.
#[derive(Clone, Debug, Default)]
pub struct InterpreterSettings {
    /// The process group whose processes it is for, empty for the host's own; `None` for all.
    pub(super) process_group: Option<Box<[u8]>>,
    /// The interpreter, empty for the main one; `None` for all.
    pub(super) application_group: Option<Box<[u8]>>,
    pub(super) python_path: Vec<Box<[u8]>>,
    pub(super) switch_interval: Option<f64>,
    pub(super) per_interpreter_gil: Option<bool>,
    pub(super) free_threading: Option<bool>,
    pub(super) restrict_stdin: Option<bool>,
    pub(super) restrict_stdout: Option<bool>,
    pub(super) restrict_signal: Option<bool>,
}

/// The name of a group, as it will be compared.
pub(super) fn selector(name: &[u8]) -> Box<[u8]> {
    if name == b"%{GLOBAL}" { b"" } else { name }.into()
}

/// Such settings, and as what they were given.
#[derive(Clone, Debug)]
pub(super) struct InterpreterOptions {
    settings: InterpreterSettings,
    pub given: Vec<Given>,
}

impl InterpreterOptions {
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let found = settings.interpreter.as_deref();
        let Some(interpreter) = found.filter(|_| settings.scope() == Scope::Interpreter) else {
            let text = "the settings are not of interpreter scope";
            return Err(Error::Argument(text.to_owned()));
        };
        Ok(Self {
            settings: interpreter.clone(),
            given: settings.given.clone(),
        })
    }
}

/// What is in force for the interpreters of one process.
pub(super) struct Layers<'c> {
    /// Least specific first.
    settings: Vec<&'c InterpreterSettings>,
    base: InterpreterSettings,
    /// The scripts of a process that serves no requests have its signals.
    signals_are_free: bool,
}

impl<'c> Layers<'c> {
    /// For a process of a group, or for the host's own.
    pub fn of(
        process: &ProcessSettings,
        options: &'c [InterpreterOptions],
        group: Option<&GroupStart<'_>>,
    ) -> Self {
        let name = group.map_or(&b""[..], |group| group.name);
        let mut settings: Vec<_> = options
            .iter()
            .map(|options| &options.settings)
            .filter(|one| one.process_group.as_deref().is_none_or(|of| of == name))
            .collect();
        // Stable: of two that say as much, the later one counts.
        settings.sort_by_key(|one| {
            usize::from(one.process_group.is_some()) + usize::from(one.application_group.is_some())
        });
        Self {
            settings,
            base: base(process, group),
            signals_are_free: group.is_some_and(|group| group.settings.threads == 0),
        }
    }

    /// Whether Python is to run without a GIL.
    pub fn free_threading(&self) -> bool {
        let whole = |one: &&&InterpreterSettings| one.application_group.is_none();
        let set = self
            .settings
            .iter()
            .filter(whole)
            .rev()
            .find_map(|one| one.free_threading);
        set.or(self.base.free_threading).unwrap_or(false)
    }

    /// Interpreters for which the GIL was to be turned on or off, which is the process's.
    pub fn misplaced_free_threading(&self) -> impl Iterator<Item = &[u8]> {
        self.settings.iter().filter_map(|one| {
            one.free_threading?;
            one.application_group.as_deref()
        })
    }

    /// As the runtime wants them: `work` gets all of them, the least specific first.
    pub fn with<R>(&self, work: impl FnOnce(&[InterpreterLayer<'_>]) -> R) -> R {
        let all = || std::iter::once(&self.base).chain(self.settings.iter().copied());
        let paths: Vec<Vec<Bytes<'_>>> = all()
            .map(|one| {
                one.python_path
                    .iter()
                    .map(|entry| Bytes::new(entry))
                    .collect()
            })
            .collect();
        let layers: Vec<_> = all()
            .zip(&paths)
            .map(|(one, path)| self.layer(one, path))
            .collect();
        work(&layers)
    }

    fn layer<'a>(
        &self,
        settings: &'a InterpreterSettings,
        path: &'a [Bytes<'a>],
    ) -> InterpreterLayer<'a> {
        let group = settings.application_group.as_deref();
        InterpreterLayer {
            application_group: group.map_or(Bytes::ABSENT, Bytes::new),
            python_path: Slice::new(path),
            switch_interval: settings.switch_interval.unwrap_or(0.0),
            own_gil: Flag::from(settings.per_interpreter_gil),
            restrict_stdin: Flag::from(settings.restrict_stdin),
            restrict_stdout: Flag::from(settings.restrict_stdout),
            restrict_signal: if self.signals_are_free {
                Flag::OFF
            } else {
                Flag::from(settings.restrict_signal)
            },
        }
    }
}

/// What is set for the process itself: the least specific layer.
fn base(process: &ProcessSettings, group: Option<&GroupStart<'_>>) -> InterpreterSettings {
    let (python_path, switch_interval) = match group {
        None => (process.python_path.clone(), process.switch_interval),
        Some(GroupStart { settings, .. }) => {
            let entries = settings.home.iter().chain(&settings.python_path);
            (entries.cloned().collect(), None)
        }
    };
    InterpreterSettings {
        python_path,
        switch_interval,
        per_interpreter_gil: process.per_interpreter_gil,
        free_threading: process.free_threading,
        restrict_stdin: process.restrict_stdin,
        restrict_stdout: process.restrict_stdout,
        restrict_signal: process.restrict_signal,
        ..InterpreterSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::GroupSettings;

    fn options(pairs: &[(&str, &str)]) -> InterpreterOptions {
        let mut settings = Settings::new(Scope::Interpreter);
        for (name, value) in pairs {
            settings.set(name, value.as_bytes()).unwrap();
        }
        InterpreterOptions::new(&settings).unwrap()
    }

    /// The switch intervals of the layers of a process, in order.
    fn intervals(options: &[InterpreterOptions], group: &str) -> Vec<f64> {
        let settings = GroupSettings::default();
        let start = GroupStart {
            name: group.as_bytes(),
            settings: &settings,
        };
        let start = (!group.is_empty()).then_some(&start);
        let layers = Layers::of(&ProcessSettings::default(), options, start);
        layers.with(|layers| layers.iter().map(|layer| layer.switch_interval).collect())
    }

    #[test]
    fn the_more_is_selected_the_later_it_counts() {
        let all = [
            options(&[
                ("process-group", "a"),
                ("application-group", "x"),
                ("switch-interval", "1"),
            ]),
            options(&[("application-group", "x"), ("switch-interval", "2")]),
            options(&[("switch-interval", "3")]),
            options(&[("process-group", "a"), ("switch-interval", "4")]),
            options(&[("process-group", "%{GLOBAL}"), ("switch-interval", "5")]),
            options(&[("switch-interval", "6")]),
        ];
        assert_eq!(intervals(&all, "a"), [0.0, 3.0, 6.0, 2.0, 4.0, 1.0]);
        assert_eq!(intervals(&all, "b"), [0.0, 3.0, 6.0, 2.0]);
        assert_eq!(intervals(&all, ""), [0.0, 3.0, 6.0, 2.0, 5.0]);
    }

    #[test]
    fn the_gil_is_the_processs() {
        let all = [
            options(&[("process-group", "a"), ("free-threading", "On")]),
            options(&[("application-group", "x"), ("free-threading", "On")]),
            options(&[("free-threading", "Off")]),
        ];
        let settings = GroupSettings::default();
        let name = b"a";
        let start = GroupStart {
            name,
            settings: &settings,
        };
        let process = ProcessSettings::default();
        let layers = Layers::of(&process, &all, Some(&start));
        assert!(layers.free_threading());
        assert_eq!(
            layers.misplaced_free_threading().collect::<Vec<_>>(),
            [b"x"]
        );
        assert!(!Layers::of(&process, &all, None).free_threading());
    }

    #[test]
    fn directives_for_the_hosts_own_process_do_not_reach_groups() {
        let process = ProcessSettings {
            python_path: vec![(*b"/own").into()],
            switch_interval: Some(1.0),
            restrict_stdin: Some(true),
            ..ProcessSettings::default()
        };
        let settings = GroupSettings {
            home: Some((*b"/home").into()),
            python_path: vec![(*b"/group").into()],
            ..GroupSettings::default()
        };
        let name = b"a";
        let start = GroupStart {
            name,
            settings: &settings,
        };
        let of = |group| {
            Layers::of(&process, &[], group).with(|layers| {
                let path = layers[0].python_path.as_slice();
                let path: Vec<_> = path.iter().map(|entry| entry.as_slice().to_vec()).collect();
                (
                    path,
                    layers[0].switch_interval,
                    layers[0].restrict_stdin.get(),
                )
            })
        };
        assert_eq!(of(None), (vec![b"/own".to_vec()], 1.0, Some(true)));
        assert_eq!(
            of(Some(&start)),
            (vec![b"/home".to_vec(), b"/group".to_vec()], 0.0, Some(true))
        );
    }
}
