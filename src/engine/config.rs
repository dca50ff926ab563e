//! Configuration of an engine, and what follows from it. Unsafe because it vouches for a linked runtime.

use super::error::Error;
use super::group::fixed;
use super::installed::{Installed, home_problem};
use super::loader;
use super::option::{Apply, OptionSpec, Scope};
use super::process::ProcessSettings;
use super::process_group::ProcessGroup;
use super::python::{HomeProblem, PythonVersion};
use super::runtime::RuntimeHandle;
use super::settings::{Given, Resolved, Settings};
use std::ffi::CString;
use std::path::PathBuf;
use wsgi_core_abi::Runtime;

/// Options of process scope, and the applications that the host maps.
#[derive(Clone, Default)]
pub struct Config {
    pub(super) process: ProcessSettings,
    applications: Vec<Application>,
    linked: Option<RuntimeHandle>,
    groups: Vec<ProcessGroup>,
    /// Options of process scope as they were set, to be set again in other processes.
    given: Vec<Given>,
}

/// A mapping of URLs to a script.
#[derive(Clone)]
struct Application {
    script: Box<[u8]>,
    several: bool,
    layers: Vec<Settings>,
}

/// The application group of requests for which none is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DefaultGroup {
    /// The main interpreter, for this script; `%{RESOURCE}` for any other.
    Main(Box<[u8]>),
    /// `%{RESOURCE}`, because there are this many mappings.
    Resource(usize),
    /// `%{RESOURCE}`, because the only mapping covers more than one script.
    Several,
}

/// Where the runtime comes from.
#[derive(Clone)]
pub(super) enum RuntimeSource {
    /// Linked with the engine.
    Linked(RuntimeHandle),
    /// A file to be loaded.
    File(PathBuf),
}

/// The runtime that a configuration gets.
#[derive(Clone)]
pub(super) struct Choice {
    pub source: RuntimeSource,
    pub version: CString,
}

/// A script to be loaded ahead of requests.
pub(super) struct Preload<'c> {
    pub script: &'c [u8],
    pub group: &'c [u8],
}

impl Config {
    /// A configuration in which nothing is set.
    #[must_use]
    pub fn new() -> Self {
        Self {
            linked: linked(),
            ..Self::default()
        }
    }

    /// Uses a runtime that is part of the program instead of one that is installed.
    ///
    /// # Safety
    /// The functions of the table keep what [`Runtime`] says of them.
    pub unsafe fn link_runtime(&mut self, runtime: &'static Runtime) {
        // SAFETY: the caller's promise.
        self.linked = Some(unsafe { RuntimeHandle::new(runtime) });
    }

    /// Sets an option of process scope.
    ///
    /// # Errors
    /// When the option is unknown in this scope, or does not accept the value.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let spec = OptionSpec::find(name, Scope::Process)?;
        match spec.apply {
            Apply::Process(apply) => {
                apply(&mut self.process, value).map_err(|_| spec.refuse(value))?;
                self.given.push(spec.given(value));
                Ok(())
            }
            _ => Err(Error::State("an option of another scope")),
        }
    }

    /// Defines a process group.
    ///
    /// # Errors
    /// When the name can't be one or is taken, the settings are of another scope, or options contradict each other.
    pub fn add_group(&mut self, name: &[u8], settings: &Settings) -> Result<(), Error> {
        if self.groups.iter().any(|group| *group.name == *name) {
            let name = String::from_utf8_lossy(name);
            return Err(Error::Argument(format!(
                "there is a process group '{name}' already"
            )));
        }
        self.groups.push(ProcessGroup::new(name, settings)?);
        Ok(())
    }

    pub(super) fn groups(&self) -> &[ProcessGroup] {
        &self.groups
    }

    pub(super) fn given(&self) -> &[Given] {
        &self.given
    }

    /// The runtime of a group: an installed one, for its processes are not this one.
    pub(super) fn choose_for(
        &self,
        group: &ProcessGroup,
    ) -> Result<(PythonVersion, PathBuf), Error> {
        let home = group.settings.python_home.as_deref();
        let home = home.or(self.process.python_home.as_deref());
        self.installed()
            .choose(home)
            .map_err(|error| group.blame(error))
    }

    fn installed(&self) -> Installed {
        match &self.process.runtime_dir {
            Some(directory) => Installed::find(std::slice::from_ref(directory)),
            None => Installed::find(&loader::directories()),
        }
    }

    /// Declares a mapping of URLs to `script`; `several` when it covers more than one.
    ///
    /// # Errors
    /// When the name of the script can't be one.
    pub fn add_application<'a>(
        &mut self,
        script: &[u8],
        several: bool,
        layers: impl IntoIterator<Item = &'a Settings>,
    ) -> Result<(), Error> {
        if script.is_empty() || script.contains(&0) {
            return Err(Error::Argument(
                "script is not the name of a file".to_owned(),
            ));
        }
        self.applications.push(Application {
            script: script.into(),
            several,
            layers: layers.into_iter().cloned().collect(),
        });
        Ok(())
    }

    /// Finds what is wrong without running anything.
    ///
    /// # Errors
    /// When there is no runtime that fits, for this process or for those of a group.
    pub fn check(&self) -> Result<(), Error> {
        self.choose()?;
        for group in &self.groups {
            self.choose_for(group)?;
        }
        Ok(())
    }

    /// The runtime; `None` when applications are kept out of the process and none is installed.
    pub(super) fn choose(&self) -> Result<Option<Choice>, Error> {
        let home = self.process.python_home.as_deref();
        let chosen = match self.linked {
            Some(runtime) => self.check_linked(runtime),
            None => chosen(&self.installed(), home),
        };
        match chosen {
            Err(_) if self.process.embedded_restricted() => Ok(None),
            chosen => chosen.map(Some),
        }
    }

    fn check_linked(&self, runtime: RuntimeHandle) -> Result<Choice, Error> {
        let version = String::from_utf8_lossy(runtime.python_version()).into_owned();
        let home = self.process.python_home.as_deref();
        let asked = home.and_then(|home| super::python::version_of(home).ok().flatten());
        if let (Some(home), Some(asked)) = (home, asked)
            && asked.to_string() != version
        {
            let home = String::from_utf8_lossy(home);
            return Err(Error::RuntimeMissing(format!(
                "python-home {home} is of Python {asked}, but this program has Python {version} built in"
            )));
        }
        Ok(Choice {
            source: RuntimeSource::Linked(runtime),
            version: CString::new(version).unwrap_or_default(),
        })
    }

    /// What is to be told about Python homes.
    pub(super) fn home_problems(&self) -> impl Iterator<Item = HomeProblem> {
        let homes = self
            .groups
            .iter()
            .map(|group| group.settings.python_home.as_deref());
        let own = self.process.python_home.as_deref();
        std::iter::once(own).chain(homes).filter_map(home_problem)
    }

    /// The default application group.
    pub(super) fn default_group(&self) -> DefaultGroup {
        match self.applications.as_slice() {
            [only] if only.several => DefaultGroup::Several,
            [only] => DefaultGroup::Main(only.script.clone()),
            all => DefaultGroup::Resource(all.len()),
        }
    }

    /// Scripts whose process and application group are set and the same for every request.
    ///
    /// Those of a process group, or of this process, which has the empty name.
    pub(super) fn preloads<'c>(&'c self, of: &'c [u8]) -> impl Iterator<Item = Preload<'c>> {
        self.applications.iter().filter_map(|application| {
            let settings = Resolved::of(&application.layers);
            let process = fixed(settings.process_group?)?;
            let group = fixed(settings.application_group?)?;
            (*process == *of && !application.several).then_some(Preload {
                script: &application.script,
                group,
            })
        })
    }
}

fn chosen(installed: &Installed, home: Option<&[u8]>) -> Result<Choice, Error> {
    let (version, path) = installed.choose(home)?;
    Ok(Choice {
        source: RuntimeSource::File(path),
        version: CString::new(version.to_string()).unwrap_or_default(),
    })
}

/// The runtime that this build has in it.
#[cfg(feature = "python")]
fn linked() -> Option<RuntimeHandle> {
    // SAFETY: a runtime of the same build.
    Some(unsafe { RuntimeHandle::new(&wsgi_python::wsgi_core_runtime) })
}

/// No runtime is in this build: one is loaded.
#[cfg(not(feature = "python"))]
fn linked() -> Option<RuntimeHandle> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script_layer(process: &str, group: &str) -> Settings {
        let mut layer = Settings::new(Scope::Script);
        layer.set("process-group", process.as_bytes()).unwrap();
        layer.set("application-group", group.as_bytes()).unwrap();
        layer
    }

    #[test]
    fn one_application_gets_the_main_interpreter() {
        let mut config = Config::new();
        assert_eq!(config.default_group(), DefaultGroup::Resource(0));
        config.add_application(b"/a.wsgi", false, []).unwrap();
        assert_eq!(
            config.default_group(),
            DefaultGroup::Main((*b"/a.wsgi").into())
        );
        config.add_application(b"/b.wsgi", false, []).unwrap();
        assert_eq!(config.default_group(), DefaultGroup::Resource(2));
        let mut config = Config::new();
        config.add_application(b"/apps", true, []).unwrap();
        assert_eq!(config.default_group(), DefaultGroup::Several);
    }

    #[test]
    fn scripts_with_fixed_groups_are_loaded_ahead() {
        let mut config = Config::new();
        let add = |config: &mut Config, script: &[u8], several, layer: &Settings| {
            config.add_application(script, several, [layer]).unwrap();
        };
        add(
            &mut config,
            b"/main",
            false,
            &script_layer("%{GLOBAL}", "%{GLOBAL}"),
        );
        add(
            &mut config,
            b"/named",
            false,
            &script_layer("%{GLOBAL}", "sub"),
        );
        add(
            &mut config,
            b"/varies",
            false,
            &script_layer("%{GLOBAL}", "%{SERVER}"),
        );
        add(
            &mut config,
            b"/daemon",
            false,
            &script_layer("group", "%{GLOBAL}"),
        );
        add(
            &mut config,
            b"/several",
            true,
            &script_layer("%{GLOBAL}", "%{GLOBAL}"),
        );
        config.add_application(b"/unset", false, []).unwrap();
        let found: Vec<_> = config
            .preloads(b"")
            .map(|preload| (preload.script, preload.group))
            .collect();
        assert_eq!(found, [(&b"/main"[..], &b""[..]), (b"/named", b"sub")]);
    }

    #[test]
    fn a_script_needs_a_name() {
        assert!(Config::new().add_application(b"", false, []).is_err());
        assert!(Config::new().add_application(b"a\0", false, []).is_err());
    }

    #[cfg(not(feature = "python"))]
    #[test]
    fn applications_kept_out_need_no_runtime() {
        let mut config = Config::new();
        config.set("runtime-dir", b"/nonexistent").unwrap();
        assert!(matches!(config.check(), Err(Error::RuntimeMissing(_))));
        config.set("restrict-embedded", b"On").unwrap();
        assert!(config.check().is_ok());
    }
}
