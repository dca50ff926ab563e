//! Configuration of an engine, and what follows from it. Unsafe because it vouches for a linked runtime.

use super::error::Error;
use super::group::fixed;
use super::installed::{Installed, home_problem};
use super::interpreters::{InterpreterOptions, Layers};
use super::loader;
use super::option::{Apply, OptionSpec};
use super::process::ProcessSettings;
use super::process_group::{GroupStart, ProcessGroup};
use super::python::{HomeProblem, PythonVersion};
use super::runtime::RuntimeHandle;
use super::scope::Scope;
use super::settings::{Callable, Given, Resolved, Settings};
use super::value::Unacceptable;
use super::words::Words;
use crate::daemon::GroupLog;
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use wsgi_core_abi::{Level, Runtime};

/// Options of process scope, and the applications that the host maps.
#[derive(Clone, Default)]
pub struct Config {
    pub(super) process: ProcessSettings,
    applications: Vec<Application>,
    preloads: Vec<Preload>,
    linked: Option<RuntimeHandle>,
    groups: Vec<ProcessGroup>,
    interpreters: Vec<InterpreterOptions>,
    /// The interpreters that options are being set for.
    selected: Option<Selection>,
    /// Options of process scope as they were set, to be set again in other processes.
    given: Vec<Given>,
}

/// A mapping of URLs to a script, or a script that is only to be loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mapping<'a> {
    /// Name of the server that it belongs to.
    pub server: &'a [u8],
    /// What is mapped, as configured.
    pub url: &'a [u8],
    /// The script.
    pub script: &'a [u8],
    /// The URL is a pattern, and `$` in the script stands for what matched.
    pub is_pattern: bool,
}

/// Interpreters that were selected, and what has been set for them.
#[derive(Clone)]
struct Selection {
    selectors: Box<[u8]>,
    settings: Settings,
}

/// What is known of a mapping that was declared.
#[derive(Clone, PartialEq)]
struct Application {
    server: Box<[u8]>,
    url: Box<[u8]>,
    script: Box<[u8]>,
    several: bool,
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

/// A script to be loaded when a process starts.
#[derive(Clone)]
pub(super) struct Preload {
    pub script: Box<[u8]>,
    /// The process group; empty for the host's own processes.
    process_group: Box<[u8]>,
    pub application_group: Box<[u8]>,
    /// It was asked for as such, and not because an application is in it.
    imported: bool,
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

    /// Sets an option of process scope; of interpreters while some are selected.
    ///
    /// # Errors
    /// When the option is unknown in this scope, or does not accept the value.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        if let Some(selected) = &mut self.selected {
            return selected.settings.set(name, value);
        }
        let spec = OptionSpec::find(name, Scope::Process)?;
        match spec.apply {
            Apply::Process(apply) => {
                apply(&mut self.process, value).map_err(|why| spec.refuse(value, why))?;
                self.given.push(spec.given(value));
                Ok(())
            }
            _ => Err(Error::State("an option of another scope")),
        }
    }

    /// Sets options of process scope from a line of configuration, as [`Settings::parse`] does it.
    ///
    /// # Errors
    /// As there.
    pub fn parse(&mut self, line: &[u8]) -> Result<(), Error> {
        let mut words = Words::new(line);
        while let Some(assignment) = words.assignment() {
            let (name, value) = assignment.map_err(Unacceptable::into_error)?;
            let name = String::from_utf8_lossy(name);
            self.set(&name, &value)
                .map_err(|error| error.of_option(&name))?;
        }
        Ok(())
    }

    /// Defines a process group, for the requests of one virtual host or of all.
    ///
    /// # Errors
    /// When the name can't be one or is taken, the settings are of another scope, or options contradict each other.
    pub fn add_group(
        &mut self,
        name: &[u8],
        virtual_host: Option<&[u8]>,
        settings: &Settings,
    ) -> Result<(), Error> {
        if self.groups.iter().any(|group| *group.name == *name) {
            let name = String::from_utf8_lossy(name);
            return Err(Error::Argument(format!(
                "there is a process group '{name}' already"
            )));
        }
        self.groups
            .push(ProcessGroup::new(name, virtual_host, settings)?);
        Ok(())
    }

    /// Says where a process group logs: what its processes write, and what there is to say about them. Without a file
    /// it is with the others, at a level of its own.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn set_group_log(
        &mut self,
        name: &[u8],
        level: Level,
        file: Option<OwnedFd>,
    ) -> Result<(), Error> {
        let group = self.groups.iter_mut().find(|group| *group.name == *name);
        let group = group.ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            Error::Argument(format!("there is no process group '{name}'"))
        })?;
        group.log = Some(GroupLog::new(level, file));
        Ok(())
    }

    /// Selects interpreters: what is set until [`Config::end_interpreters`] is for them only.
    ///
    /// # Errors
    /// When some are selected already, or the line is not `process-group=NAME`, `application-group=NAME` or both.
    pub fn begin_interpreters(&mut self, selectors: &[u8]) -> Result<(), Error> {
        if self.selected.is_some() {
            return Err(Error::State("interpreters are selected already"));
        }
        let mut settings = Settings::new(Scope::Interpreter);
        settings.parse(selectors)?;
        self.selected = Some(Selection {
            selectors: selectors.trim_ascii().into(),
            settings,
        });
        Ok(())
    }

    /// Adds what was set since [`Config::begin_interpreters`].
    ///
    /// # Errors
    /// When no interpreters are selected.
    pub fn end_interpreters(&mut self) -> Result<(), Error> {
        let selected = self.selected.take();
        let selected = selected.ok_or(Error::State("no interpreters are selected"))?;
        self.add_interpreter_options(&selected.settings)
    }

    /// Adds settings for some interpreters.
    ///
    /// # Errors
    /// When the settings are of another scope.
    pub(super) fn add_interpreter_options(&mut self, settings: &Settings) -> Result<(), Error> {
        self.interpreters.push(InterpreterOptions::new(settings)?);
        Ok(())
    }

    pub(super) fn interpreter_options(&self) -> &[InterpreterOptions] {
        &self.interpreters
    }

    /// The settings of the interpreters of a process.
    pub(super) fn layers(&self, group: Option<&GroupStart<'_>>) -> Layers<'_> {
        Layers::of(&self.process, &self.interpreters, group)
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

    /// Declares a mapping of URLs to a script. One that differs in nothing from another is the same.
    ///
    /// # Errors
    /// When the name of the script can't be one, or its own options name a process group that it can't have.
    pub fn add_application<'a>(
        &mut self,
        mapping: &Mapping<'_>,
        layers: impl IntoIterator<Item = &'a Settings>,
    ) -> Result<(), Error> {
        check_name(mapping.script)?;
        if !mapping.is_pattern && !mapping.url.is_empty() && !mapping.url.starts_with(b"/") {
            let url = String::from_utf8_lossy(mapping.url);
            return Err(Error::OptionValue(format!(
                "'{url}' is not a URL path: it must begin with /"
            )));
        }
        if !(mapping.is_pattern && mapping.script.starts_with(b"$")) {
            check_absolute(mapping.script)?;
        }
        let layers: Vec<&Settings> = layers.into_iter().collect();
        let script = canonical(mapping.script);
        let mapping = &Mapping {
            script: &script,
            ..*mapping
        };
        let varies = mapping.is_pattern && mapping.script.contains(&b'$');
        let several = varies || covers_several(mapping.script);
        let application = Application {
            server: mapping.server.into(),
            url: mapping.url.into(),
            script: mapping.script.into(),
            several,
        };
        if self.applications.contains(&application) {
            return Ok(());
        }
        self.applications.push(application);
        let own = layers
            .last()
            .filter(|layer| layer.scope() == Scope::Script)
            .and_then(|layer| fixed_groups(&Resolved::of([*layer])));
        if let (Some((process_group, _)), false) = (own, several) {
            self.check_group(process_group, mapping.server)?;
        }
        if let (Some(groups), false) = (fixed_groups(&Resolved::of(layers)), several) {
            self.add_preload(mapping.script, groups, false);
        }
        Ok(())
    }

    /// Declares a script that each process of a group, or of the host, loads when it starts.
    ///
    /// # Errors
    /// When the name of the script can't be one, options are missing, or the process group is not one that is defined
    /// already and may be used.
    pub fn add_import<'a>(
        &mut self,
        mapping: &Mapping<'_>,
        layers: impl IntoIterator<Item = &'a Settings>,
    ) -> Result<(), Error> {
        check_name(mapping.script)?;
        check_absolute(mapping.script)?;
        let missing = |name: &str| Error::OptionValue(format!("the option {name} is missing"));
        // What is set for the requests of a server does not count.
        let own = layers.into_iter().last();
        let settings = Resolved::of(own.filter(|layer| layer.scope() == Scope::Script));
        if settings.callable != Callable::Default || settings.pass_authorization {
            return Err(Error::OptionValue(
                "the options are process-group and application-group".to_owned(),
            ));
        }
        let process = settings
            .process_group
            .ok_or_else(|| missing("process-group"))?;
        // There is no request whose names other tokens could stand for.
        let process = fixed(process).unwrap_or(process);
        let group = settings
            .application_group
            .ok_or_else(|| missing("application-group"))?;
        self.check_group(process, mapping.server)?;
        self.add_preload(
            mapping.script,
            (process, fixed(group).unwrap_or(group)),
            true,
        );
        Ok(())
    }

    fn add_preload(&mut self, script: &[u8], groups: (&[u8], &[u8]), imported: bool) {
        self.preloads.push(Preload {
            script: script.into(),
            process_group: groups.0.into(),
            application_group: groups.1.into(),
            imported,
        });
    }

    /// Whether scripts of a server may be loaded in a process group, which must be defined before them.
    fn check_group(&self, name: &[u8], server: &[u8]) -> Result<(), Error> {
        let refuse = |text: &str| {
            let name = String::from_utf8_lossy(name);
            Err(Error::OptionValue(format!(
                "the process group '{name}' {text}"
            )))
        };
        if name.is_empty() {
            return Ok(());
        }
        match self.groups.iter().find(|group| *group.name == *name) {
            None => refuse("is not defined, or only after this"),
            Some(group) if !group.is_visible(server) => refuse("belongs to another virtual host"),
            Some(_) => Ok(()),
        }
    }

    /// Finds what is wrong without running anything.
    ///
    /// # Errors
    /// When interpreters are still selected, or there is no runtime that fits, for this process or for those of a group.
    pub fn check(&self) -> Result<(), Error> {
        self.check_selection()?;
        self.choose()?;
        for group in &self.groups {
            self.choose_for(group)?;
        }
        Ok(())
    }

    /// What was set for interpreters does not count before their end, and what was meant for all went to them.
    pub(super) fn check_selection(&self) -> Result<(), Error> {
        let Some(selected) = &self.selected else {
            return Ok(());
        };
        let selectors = String::from_utf8_lossy(&selected.selectors);
        Err(Error::Unended(match &*selectors {
            "" => "of all processes".to_owned(),
            some => format!("'{some}'"),
        }))
    }

    /// The runtime; `None` when applications are kept out of the process and none is installed.
    pub(super) fn choose(&self) -> Result<Option<Choice>, Error> {
        let home = self.process.python_home.as_deref();
        let chosen = match self.linked {
            Some(runtime) => self.check_linked(runtime),
            None => chosen(&self.installed(), home),
        };
        match chosen {
            Err(_) if self.process.embedded_restricted() && self.preloads(b"").next().is_none() => {
                Ok(None)
            }
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

    /// Scripts that processes of a group load when they start, or those of the host, which have the empty name. In the
    /// order in which they were declared.
    pub(super) fn preloads<'c>(&'c self, of: &'c [u8]) -> impl Iterator<Item = &'c Preload> {
        let unwanted = of.is_empty() && self.process.embedded_restricted();
        self.preloads
            .iter()
            .filter(move |preload| *preload.process_group == *of)
            .filter(move |preload| preload.imported || !unwanted)
    }
}

/// Process and application group, where both are set and the same for every request.
fn fixed_groups<'a>(settings: &Resolved<'a>) -> Option<(&'a [u8], &'a [u8])> {
    Some((
        fixed(settings.process_group?)?,
        fixed(settings.application_group?)?,
    ))
}

fn check_name(script: &[u8]) -> Result<(), Error> {
    if script.is_empty() || script.contains(&0) {
        return Err(Error::Argument(
            "script is not the name of a file".to_owned(),
        ));
    }
    Ok(())
}

fn check_absolute(script: &[u8]) -> Result<(), Error> {
    if script.starts_with(b"/") {
        return Ok(());
    }
    let script = String::from_utf8_lossy(script);
    Err(Error::OptionValue(format!(
        "'{script}' is not an absolute path"
    )))
}

/// A path as hosts name the file that it leads to: without repeated slashes and dots that mean nothing.
fn canonical(path: &[u8]) -> Vec<u8> {
    let components = Path::new(OsStr::from_bytes(path)).components();
    let mut canonical = components.collect::<PathBuf>().into_os_string().into_vec();
    if path.ends_with(b"/") && !canonical.ends_with(b"/") {
        canonical.push(b'/');
    }
    canonical
}

/// Whether what a mapping names is a directory.
fn covers_several(script: &[u8]) -> bool {
    script.ends_with(b"/") || Path::new(OsStr::from_bytes(script)).is_dir()
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

    fn mapping(script: &[u8]) -> Mapping<'_> {
        Mapping {
            server: b"localhost",
            url: b"/",
            script,
            is_pattern: false,
        }
    }

    fn grouped(name: &str, host: Option<&str>) -> Config {
        let mut config = Config::new();
        let group = Settings::new(Scope::Group);
        let host = host.map(str::as_bytes);
        config.add_group(name.as_bytes(), host, &group).unwrap();
        config
    }

    fn preloads(config: &Config, of: &str) -> Vec<String> {
        let preloads = config.preloads(of.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        preloads
            .map(|preload| text(&preload.script) + ":" + &text(&preload.application_group))
            .collect()
    }

    #[test]
    fn one_application_gets_the_main_interpreter() {
        let mut config = Config::new();
        assert_eq!(config.default_group(), DefaultGroup::Resource(0));
        for _ in 0..2 {
            config.add_application(&mapping(b"/a.wsgi"), []).unwrap();
            assert_eq!(
                config.default_group(),
                DefaultGroup::Main((*b"/a.wsgi").into())
            );
        }
        let other = Mapping {
            server: b"other",
            ..mapping(b"/a.wsgi")
        };
        config.add_application(&other, []).unwrap();
        assert_eq!(config.default_group(), DefaultGroup::Resource(2));
        for (script, is_pattern) in [(&b"/apps/"[..], false), (b"/", false), (b"/$1", true)] {
            let mut config = Config::new();
            let mapping = Mapping {
                is_pattern,
                ..mapping(script)
            };
            config.add_application(&mapping, []).unwrap();
            assert_eq!(config.default_group(), DefaultGroup::Several);
        }
    }

    #[test]
    fn scripts_with_fixed_groups_are_loaded_ahead_in_order() {
        let mut config = grouped("group", None);
        let mut add = |script: &[u8], is_pattern, process, application| {
            let mapping = Mapping {
                is_pattern,
                ..mapping(script)
            };
            let layer = script_layer(process, application);
            config.add_application(&mapping, [&layer]).unwrap();
        };
        add(b"/main", false, "%{GLOBAL}", "%{GLOBAL}");
        add(b"/named", false, "%{GLOBAL}", "sub");
        add(b"/varies", false, "%{GLOBAL}", "%{SERVER}");
        add(b"/daemon", false, "group", "%{GLOBAL}");
        add(b"/several$1", true, "%{GLOBAL}", "%{GLOBAL}");
        let layer = script_layer("%{GLOBAL}", "%{SERVER}");
        config.add_import(&mapping(b"/import"), [&layer]).unwrap();
        let layer = script_layer("group", "%{GLOBAL}");
        config.add_import(&mapping(b"/service"), [&layer]).unwrap();
        config.add_application(&mapping(b"/unset"), []).unwrap();
        assert_eq!(
            preloads(&config, ""),
            ["/main:", "/named:sub", "/import:%{SERVER}"]
        );
        assert_eq!(preloads(&config, "group"), ["/daemon:", "/service:"]);
        config.set("restrict-embedded", b"On").unwrap();
        assert_eq!(preloads(&config, ""), ["/import:%{SERVER}"]);
        assert_eq!(preloads(&config, "group"), ["/daemon:", "/service:"]);
    }

    #[test]
    fn the_process_group_of_a_preload_is_defined_before_it() {
        let check = |mut config: Config, group: &str| {
            let layer = script_layer(group, "%{GLOBAL}");
            let imported = config.add_import(&mapping(b"/a"), [&layer]);
            let mapped = config.add_application(&mapping(b"/a"), [&layer]);
            assert_eq!(imported.is_ok(), mapped.is_ok());
            imported.map_err(|error| error.to_string())
        };
        let undefined = Err("the process group 'x' is not defined, or only after this".to_owned());
        let hidden = Err("the process group 'x' belongs to another virtual host".to_owned());
        assert_eq!(check(grouped("x", None), "x"), Ok(()));
        assert_eq!(check(grouped("x", Some("LOCALHOST")), "x"), Ok(()));
        assert_eq!(check(grouped("x", Some("other")), "x"), hidden);
        assert_eq!(check(grouped("y", None), "x"), undefined);
        assert_eq!(check(Config::new(), "x"), undefined);
        assert_eq!(check(Config::new(), "%{GLOBAL}"), Ok(()));
        // Without a group for the interpreter too it is found out by the first request.
        let mut settings = Settings::new(Scope::Script);
        settings.set("process-group", b"x").unwrap();
        let mut config = Config::new();
        config
            .add_application(&mapping(b"/a"), [&settings])
            .unwrap();
        let error = config.add_import(&mapping(b"/a"), [&settings]).unwrap_err();
        assert_eq!(error.to_string(), "the option application-group is missing");
        let token = script_layer("%{SERVER}", "%{GLOBAL}");
        assert!(config.add_import(&mapping(b"/a"), [&token]).is_err());
    }

    #[test]
    fn a_script_needs_a_name() {
        for script in [&b""[..], b"/a\0", b"relative"] {
            assert!(Config::new().add_application(&mapping(script), []).is_err());
            let layer = script_layer("%{GLOBAL}", "%{GLOBAL}");
            assert!(
                Config::new()
                    .add_import(&mapping(script), [&layer])
                    .is_err()
            );
        }
    }

    #[test]
    fn what_is_set_for_interpreters_has_an_end() {
        for (selectors, named) in [
            (" application-group=sub ", "'application-group=sub'"),
            ("", "of all processes"),
        ] {
            let mut config = Config::new();
            config.set("runtime-dir", b"/nonexistent").unwrap();
            config.begin_interpreters(selectors.as_bytes()).unwrap();
            let error = config.check().unwrap_err();
            assert!(matches!(error, Error::Unended(_)), "{error}");
            assert!(error.to_string().ends_with(named), "{error}");
            config.end_interpreters().unwrap();
            assert!(!matches!(config.check(), Err(Error::Unended(_))));
        }
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
