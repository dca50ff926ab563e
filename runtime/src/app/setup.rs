//! Setting up an interpreter: everything an application finds in it before its script is loaded.
//!
//! A step that fails is logged with its traceback, and the set-up goes on without it.
#![forbid(unsafe_code)]

use super::interpreter::{InterpreterSettings, SwitchInterval};
use super::native::Native;
use super::settings::Settings;
use crate::python::class::Type;
use crate::python::{CAN_BE_FREE_THREADED, Exception, Gil, Object, Raised, Result, dump};
use crate::wsgi::{COMPATIBLE_VERSION, Types, log, traceback};
use wsgi_core_abi::{Level, MessageId};

const SOURCE: &str = include_str!("prelude.py");
/// What tracebacks call the prelude.
const FILE_NAME: &str = "<mod_wsgi>";

/// The namespace of `prelude.py` in one interpreter.
pub struct Prelude {
    namespace: Object,
}

impl Prelude {
    /// Runs the prelude.
    pub fn new(gil: Gil<'_>) -> Result<Self> {
        let builtins = Object::import(gil, c"builtins")?;
        let namespace = Object::dict(gil)?;
        namespace.set_item_text(c"__name__", &Object::text(gil, "mod_wsgi")?)?;
        let native = Type::new(gil)?.instantiate(gil, Native)?;
        namespace.set_item_text(c"native", &native)?;
        let code = compile(
            gil,
            &Object::text(gil, SOURCE)?,
            &Object::text(gil, FILE_NAME)?,
        )?;
        builtins.call_method(c"exec", [&code, &namespace])?;
        Ok(Self { namespace })
    }

    /// Something that the prelude defines.
    pub fn get(&self, gil: Gil<'_>, name: &str) -> Result<Object> {
        let value = self.namespace.get_item(&Object::text(gil, name)?)?;
        value.ok_or_else(|| {
            let message = format!("the prelude lacks {name}");
            crate::python::raise(gil, crate::python::Exc::Runtime, &message)
        })
    }

    /// Calls a function of the prelude.
    pub fn call<const N: usize>(
        &self,
        gil: Gil<'_>,
        name: &str,
        args: [&Object; N],
    ) -> Result<Object> {
        self.get(gil, name)?.call(args)
    }
}

/// Compiles a module: `source` is `str`, or `bytes` in the encoding that its first lines declare.
pub fn compile(gil: Gil<'_>, source: &Object, file_name: &Object) -> Result<Object> {
    let builtins = Object::import(gil, c"builtins")?;
    let (mode, flags) = (Object::text(gil, "exec")?, Object::int(gil, 0)?);
    let dont_inherit = Object::bool(gil, true);
    builtins.call_method(
        c"compile",
        [source, file_name, &mode, &flags, &dont_inherit],
    )
}

/// One interpreter being set up.
pub struct Setup<'a> {
    /// The attached thread.
    pub gil: Gil<'a>,
    /// Settings of the process.
    pub settings: &'a Settings,
    /// Settings of this interpreter.
    pub own: InterpreterSettings<'a>,
    /// It does not share the GIL of the main interpreter.
    pub has_own_gil: bool,
    /// Name of the application group; empty for the main interpreter.
    pub application_group: &'a [u8],
    /// The interpreter's Python code.
    pub prelude: &'a Prelude,
    /// The interpreter's types.
    pub types: &'a Types,
}

impl Setup<'_> {
    /// Runs every step.
    pub fn run(&self) {
        // Through 3.12 the thread that imports it is its main thread, for whose end `_shutdown` waits:
        // that must be the thread that calls it, not one that serves requests.
        self.step("threading could not be imported", || {
            Object::import(self.gil, c"threading")
        });
        self.step("sys.argv could not be set", || self.set_arguments());
        self.replace_streams();
        if self.own.restrict_signal() {
            self.step("signal.signal could not be restricted", || {
                self.call("restrict_signals", []).map(drop)
            });
        }
        self.step("PYTHON_EGG_CACHE could not be set", || self.set_egg_cache());
        for entries in self.own.python_path() {
            self.extend_path(entries);
        }
        self.install_modules();
        self.step("the switch interval could not be set", || {
            self.set_switch_interval()
        });
        // In a host's own process its signals are not ours.
        if self.application_group.is_empty() && !self.settings.process_group.is_empty() {
            self.step("stacks can't be had without the GIL", || {
                self.prepare_dump()
            });
        }
    }

    fn call<const N: usize>(&self, name: &str, args: [&Object; N]) -> Result<Object> {
        self.prelude.call(self.gil, name, args)
    }

    fn text(&self, text: &str) -> Result<Object> {
        Object::text(self.gil, text)
    }

    /// Runs a step and logs its failure.
    fn step<R>(&self, failure: &str, work: impl FnOnce() -> Result<R>) -> Option<R> {
        self.step_as(MessageId::INTERPRETER_SETUP, failure, work)
    }

    fn step_as<R>(
        &self,
        id: MessageId,
        failure: &str,
        work: impl FnOnce() -> Result<R>,
    ) -> Option<R> {
        work()
            .inspect_err(|Raised| {
                let exception = Exception::take(self.gil);
                let context = self.settings.context(self.application_group);
                log::write(
                    self.gil,
                    Level::Error,
                    id,
                    &format!("{failure} in {context}"),
                );
                traceback::write_lines(self.gil, &exception);
            })
            .ok()
    }

    fn prepare_dump(&self) -> Result<()> {
        let Some(descriptor) = dump::descriptor() else {
            return Ok(());
        };
        let int = |number: i32| Object::int(self.gil, number.into());
        self.call("prepare_dump", [&int(dump::signal())?, &int(descriptor)?])
            .map(drop)
    }

    /// Before 3.12 a sub-interpreter has no `sys.argv`.
    fn set_arguments(&self) -> Result<()> {
        let arguments = Object::list(self.gil)?;
        arguments.append(&self.text("mod_wsgi")?)?;
        self.sys()?.setattr(c"argv", &arguments)
    }

    fn sys(&self) -> Result<Object> {
        Object::import(self.gil, c"sys")
    }

    fn replace_streams(&self) {
        self.step("sys.stderr could not be replaced", || {
            self.sys()?
                .setattr(c"stderr", &self.types.log_stream(self.gil, "<stderr>")?)
        });
        if self.settings.keep_stdio {
            return;
        }
        if self.own.restrict_stdout() {
            self.step("sys.stdout could not be restricted", || {
                self.call("restrict_stream", [&self.text("stdout")?])
                    .map(drop)
            });
        } else {
            self.step("sys.stdout could not be replaced", || {
                self.sys()?
                    .setattr(c"stdout", &self.types.log_stream(self.gil, "<stdout>")?)
            });
        }
        if self.own.restrict_stdin() {
            self.step("sys.stdin could not be restricted", || {
                self.call("restrict_stream", [&self.text("stdin")?])
                    .map(drop)
            });
        }
    }

    fn set_egg_cache(&self) -> Result<()> {
        if let Some(path) = &self.settings.python_eggs {
            let (name, path) = (
                self.text("PYTHON_EGG_CACHE")?,
                Object::path(self.gil, path)?,
            );
            self.call("set_environ", [&name, &path])?;
        }
        Ok(())
    }

    /// Adds a part of the Python path; an entry that fails ends the part.
    fn extend_path(&self, entries: &[Vec<u8>]) {
        let before = self.step("sys.path could not be read", || {
            let list = Object::import(self.gil, c"builtins")?.getattr(c"list")?;
            list.call([&self.sys()?.getattr(c"path")?])
        });
        for entry in entries {
            if self.add_directory(entry).is_none() {
                break;
            }
        }
        if let Some(before) = before {
            self.step("sys.path could not be put in order", || {
                self.call("move_to_front", [&before]).map(drop)
            });
        }
    }

    fn add_directory(&self, entry: &[u8]) -> Option<()> {
        let name = String::from_utf8_lossy(entry);
        let failure = format!(
            "'{name}' could not be added to the Python path; it and what follows \
                               are skipped"
        );
        self.step_as(MessageId::PYTHON_PATH, &failure, || {
            let path = Object::path(self.gil, entry)?;
            self.call("add_directory", [&path]).map(drop)
        })?;
        let text = format!("added '{name}' to the Python path");
        log::write(self.gil, Level::Info, MessageId::NONE, &text);
        Some(())
    }

    fn install_modules(&self) {
        self.step("the module mod_wsgi could not be put in place", || {
            let attributes = self.mod_wsgi_attributes()?;
            let package = self.installed("mod_wsgi");
            self.call("install_mod_wsgi", [&attributes, &package])
                .map(drop)
        });
        if self.settings.host_name == b"apache" {
            self.step("the module apache could not be put in place", || {
                let attributes = self.apache_attributes()?;
                // A daemon process never takes an application's own module of that name for it.
                let module = if self.settings.process_group.is_empty() {
                    self.installed("apache")
                } else {
                    Object::none(self.gil)
                };
                self.call("install_apache", [&attributes, &module])
                    .map(drop)
            });
        }
    }

    /// An installed module that ours takes the place of, or `None`.
    fn installed(&self, name: &str) -> Object {
        let failure = format!("the installed module {name} could not be imported");
        self.step(&failure, || self.call("find_module", [&self.text(name)?]))
            .unwrap_or_else(|| Object::none(self.gil))
    }

    fn mod_wsgi_attributes(&self) -> Result<Object> {
        let attributes = Object::dict(self.gil)?;
        let group = |name: &[u8]| Object::text(self.gil, &String::from_utf8_lossy(name));
        attributes.set_item_text(c"version", &version(self.gil, COMPATIBLE_VERSION)?)?;
        attributes.set_item_text(c"process_group", &group(&self.settings.process_group)?)?;
        attributes.set_item_text(c"application_group", &group(self.application_group)?)?;
        attributes.set_item_text(c"Input", self.types.input_class())?;
        let settings = self.settings;
        self.add_sizes(
            &attributes,
            settings.maximum_processes,
            settings.threads_per_process,
        )?;
        Ok(attributes)
    }

    fn apache_attributes(&self) -> Result<Object> {
        let attributes = Object::dict(self.gil)?;
        let text = |bytes: &[u8]| Object::latin1(self.gil, bytes);
        let settings = self.settings;
        attributes.set_item_text(c"version", &version(self.gil, settings.host_version)?)?;
        attributes.set_item_text(c"description", &text(&settings.host_description)?)?;
        attributes.set_item_text(c"build_date", &text(&settings.host_build_date)?)?;
        attributes.set_item_text(c"mpm_name", &text(&settings.host_mpm_name)?)?;
        self.add_sizes(
            &attributes,
            settings.host_maximum_processes,
            settings.host_threads_per_process,
        )?;
        Ok(attributes)
    }

    fn add_sizes(&self, attributes: &Object, processes: u32, threads: u32) -> Result<()> {
        let int = |value: u32| Object::int(self.gil, value.into());
        attributes.set_item_text(c"maximum_processes", &int(processes)?)?;
        attributes.set_item_text(c"threads_per_process", &int(threads)?)
    }

    fn set_switch_interval(&self) -> Result<()> {
        let ignored = |reason: &str| {
            let context = self.settings.context(self.application_group);
            let text = format!("the switch interval for the {context} is ignored: {reason}");
            let id = MessageId::SWITCH_INTERVAL_IGNORED;
            log::write(self.gil, Level::Warning, id, &text);
            Ok(())
        };
        let seconds = match self.own.switch_interval(self.has_own_gil) {
            SwitchInterval::Unset => return Ok(()),
            SwitchInterval::Seconds(_) | SwitchInterval::Shared
                if CAN_BE_FREE_THREADED && self.settings.free_threading =>
            {
                return ignored("the process runs without a GIL");
            }
            SwitchInterval::Shared => return ignored("it has no GIL of its own"),
            SwitchInterval::Seconds(seconds) => seconds,
        };
        let sys = self.sys()?;
        sys.call_method(c"setswitchinterval", [&Object::float(self.gil, seconds)?])?;
        let applied = sys
            .call_method(c"getswitchinterval", [])?
            .str()?
            .to_text_lossy()?;
        let context = self.settings.context(self.application_group);
        let text = format!("switch interval set to {applied} seconds in the {context}");
        log::write(self.gil, Level::Info, MessageId::NONE, &text);
        Ok(())
    }
}

fn version(gil: Gil<'_>, numbers: [u32; 3]) -> Result<Object> {
    let int = |index: usize| Object::int(gil, numbers[index].into());
    Object::tuple(gil, [int(0)?, int(1)?, int(2)?])
}
