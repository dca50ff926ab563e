//! Application groups: an interpreter, the gateway's types in it, and the scripts it has loaded.
#![forbid(unsafe_code)]

use super::event::Event;
use super::question::Asked;
use super::script::{Failed, Scripts, Wanted};
use super::settings::Settings;
use super::setup::{Prelude, Setup};
use super::turn::Turn;
use crate::python::interrupt::{self, Target};
use crate::python::{
    CAN_BE_FREE_THREADED, CAN_HAVE_OWN_GIL, Exception, Gil, GilCell, Interpreter, Lock, Object,
    Pass, Raised, Result,
};
use crate::wsgi::{Answer, NoApplication, Types, log, traceback};
use arc_swap::ArcSwap;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use wsgi_core_abi::{Level, MessageId, Request};

/// One application group. It lives until the process ends, as its interpreter does.
pub struct Group {
    /// Its interpreter.
    pub interpreter: Interpreter,
    /// What the gateway keeps in the interpreter.
    pub types: GilCell<Types>,
    own: GilCell<Own>,
}

/// What this layer keeps in the interpreter.
struct Own {
    scripts: Scripts,
    prelude: Prelude,
}

impl Group {
    /// The callable that answers a request, from a script that is loaded now if need be.
    pub fn application(
        &self,
        gil: Gil<'_>,
        request: &Request<'_>,
    ) -> std::result::Result<Object, NoApplication> {
        let Own { scripts, prelude } = self.own.get(gil);
        let wanted = Wanted::by(request);
        scripts
            .get(gil, prelude, &wanted)
            .and_then(|script| scripts.callable(gil, &script, &wanted, request.callable.as_slice()))
            .map_err(|Failed(_)| NoApplication)
    }

    /// Whether the module that would answer a request asks to be loaded again.
    pub fn wants_reload(&self, pass: &Pass, request: &Request<'_>) -> bool {
        self.interpreter.attach(pass, |gil, _| {
            let scripts = &self.own.get(gil).scripts;
            scripts.wants_reload(gil, &Wanted::by(request))
        })
    }

    /// Loads a script ahead of requests.
    pub fn preload(&self, pass: &Pass, path: &[u8]) -> std::result::Result<(), Failed> {
        self.interpreter.attach(pass, |gil, _| {
            let Own { scripts, prelude } = self.own.get(gil);
            scripts.get(gil, prelude, &Wanted::ahead(path)).map(drop)
        })
    }

    /// Raises `RequestTimeout` in the thread that serves a request of this group, which is at `target`, once its
    /// stack is in the log. False if it has been served meanwhile.
    pub fn interrupt(&self, pass: &Pass, request: u64, target: Target) -> bool {
        self.interpreter.attach(pass, |gil, _| {
            self.log_stacks(gil, Some(target.ident));
            let sent = interrupt::send(gil, request, &self.types.get(gil).request_timeout);
            if sent {
                let text = format!(
                    "Injected RequestTimeout into thread {} ({})",
                    target.thread, target.ident
                );
                log::write(gil, Level::Info, MessageId::NONE, &text);
            }
            sent
        })
    }

    /// Logs the stacks of all threads. Those of other interpreters are among them.
    pub fn dump_stacks(&self, pass: &Pass) {
        self.interpreter
            .attach(pass, |gil, _| self.log_stacks(gil, None));
    }

    fn log_stacks(&self, gil: Gil<'_>, ident: Option<u64>) {
        if !log::enabled(gil, Level::Info) {
            return;
        }
        if Interpreter::some_have_own_gil() {
            // CPython goes through the threads of all interpreters, and this one has only one of their GILs.
            let text = "Python stacks can't be told where an interpreter has a GIL of its own";
            log::write(gil, Level::Info, MessageId::NONE, text);
            return;
        }
        let write = || -> Result<()> {
            let only = match ident {
                Some(ident) => Object::int(gil, ident as i64)?,
                None => Object::none(gil),
            };
            let lines = self.own.get(gil).prelude.call(gil, "stacks", [&only])?;
            let lines = lines.iter()?;
            while let Some(line) = lines.next()? {
                log::write(gil, Level::Info, MessageId::NONE, &line.to_text_lossy()?);
            }
            Ok(())
        };
        if write().is_err() {
            traceback::write_lines(gil, &Exception::take(gil));
        }
    }

    /// Publishes an event.
    pub fn publish(&self, pass: &Pass, event: &Event) {
        self.interpreter.attach(pass, |gil, _| {
            let context = self.types.get(gil).context();
            event.publish(gil, &self.own.get(gil).prelude, context);
        });
    }

    /// What a script answers to a question about a request.
    pub fn answer(
        &self,
        gil: Gil<'_>,
        request: &Request<'_>,
        environ: &Object,
    ) -> std::result::Result<Answer, Failed> {
        let Own { scripts, prelude } = self.own.get(gil);
        let wanted = Wanted::by(request);
        let script = scripts.get(gil, prelude, &wanted)?;
        Asked {
            gil,
            request,
            environ,
            scripts,
            script: &script,
            wanted: &wanted,
        }
        .answer()
    }

    /// Runs a script that is all there is to run, on Python's main thread.
    pub fn run(&self, pass: &Pass, path: &[u8]) -> std::result::Result<(), Failed> {
        self.interpreter.attach(pass, |gil, _| {
            let Own { scripts, prelude } = self.own.get(gil);
            scripts.get(gil, prelude, &Wanted::alone(path)).map(drop)
        })
    }

    /// Has signals that end the process raise `SystemExit` in what Python's main thread runs. For the main interpreter.
    pub fn end_on_signals(&self, pass: &Pass) {
        self.interpreter.attach(pass, |gil, _| {
            let installed = self.own.get(gil).prelude.call(gil, "end_on_signals", []);
            if installed.is_err() {
                let exception = Exception::take(gil);
                let text = "signals can't be handled";
                log::write(gil, Level::Error, MessageId::INTERPRETER_SETUP, text);
                traceback::write_lines(gil, &exception);
            }
        });
    }

    /// Whether such a signal came.
    pub fn is_told_to_end(&self, pass: &Pass) -> bool {
        self.interpreter.attach(pass, |gil, _| {
            let told = self.own.get(gil).prelude.get(gil, "told_to_end");
            let told = told.and_then(|told| told.is_true());
            told.inspect_err(|Raised| crate::python::clear(gil))
                .unwrap_or(true)
        })
    }

    /// Runs what Python does when an interpreter ends, unless it is not to be destroyed.
    pub fn finish(&self, pass: &Pass, settings: &Settings) {
        self.interpreter.attach(pass, |gil, _| {
            if settings.destroy_interpreters {
                self.interpreter.finish(gil);
            }
            let flushed = self.own.get(gil).prelude.call(gil, "flush_streams", []);
            if flushed.is_err() {
                crate::python::clear(gil);
            }
        });
    }
}

/// The application groups of the process.
#[derive(Default)]
pub struct Groups {
    main: OnceLock<&'static Group>,
    others: ArcSwap<FxHashMap<Vec<u8>, &'static Group>>,
    /// Interpreters that could not be set up wait here for the next attempt, for they can't be
    /// destroyed. Locked by Python's main thread only, also while it attaches.
    unfinished: Mutex<FxHashMap<Vec<u8>, Interpreter>>,
    /// At most one script of the process is being loaded.
    loading: Arc<Turn>,
}

impl Groups {
    /// Every group, the main interpreter's last.
    pub fn all(&self) -> Vec<&'static Group> {
        let others = self.others.load();
        others.values().chain(self.main.get()).copied().collect()
    }

    /// The group of that name, if it has been made.
    pub fn find(&self, name: &[u8]) -> Option<&'static Group> {
        if name.is_empty() {
            self.main.get().copied()
        } else {
            self.others.load().get(name).copied()
        }
    }

    /// Makes the group of that name, unless somebody has done it by now. `None` if that fails, which is
    /// logged. Call this detached on Python's main thread.
    pub fn make(&self, pass: &Pass, settings: &Settings, name: &[u8]) -> Option<&'static Group> {
        let mut unfinished = self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = self.find(name) {
            return Some(group);
        }
        let interpreter = match unfinished.remove(name) {
            Some(interpreter) => interpreter,
            None => interpreter(pass, settings, name)?,
        };
        let Some((types, own)) = set_up(pass, &interpreter, settings, name, &self.loading) else {
            unfinished.insert(name.to_vec(), interpreter);
            return None;
        };
        let group: &'static Group = Box::leak(Box::new(Group {
            interpreter,
            types,
            own,
        }));
        self.add(name, group);
        Some(group)
    }

    fn add(&self, name: &[u8], group: &'static Group) {
        if name.is_empty() {
            let _ = self.main.set(group);
            return;
        }
        let mut others = FxHashMap::clone(&self.others.load());
        others.insert(name.to_vec(), group);
        self.others.store(Arc::new(others));
    }
}

/// A new interpreter, or the main one.
fn interpreter(pass: &Pass, settings: &Settings, name: &[u8]) -> Option<Interpreter> {
    if name.is_empty() {
        return Some(Interpreter::main(pass));
    }
    let lock = lock(settings, name);
    let name = String::from_utf8_lossy(name);
    let with = match lock {
        Lock::Shared => "",
        Lock::Own => " with a GIL of its own",
    };
    let text = format!("creating interpreter '{name}'{with}");
    log::server(Level::Info, MessageId::NONE, &text);
    let failed = |reason: &String| {
        let text = format!("Python could not create interpreter '{name}'{with}: {reason}");
        log::server(Level::Error, MessageId::INTERPRETER, &text);
    };
    Interpreter::sub(pass, lock).inspect_err(failed).ok()
}

/// Whose GIL a sub-interpreter gets; that it can't have its own is logged.
fn lock(settings: &Settings, name: &[u8]) -> Lock {
    if !settings.interpreter(name).own_gil() {
        return Lock::Shared;
    }
    let obstacle = if !CAN_HAVE_OWN_GIL {
        "this needs Python 3.12 or later"
    } else if settings.free_threading && CAN_BE_FREE_THREADED {
        "the process runs without a GIL"
    } else {
        return Lock::Own;
    };
    let context = settings.context(name);
    let text = format!("{context} gets no GIL of its own: {obstacle}");
    log::server(Level::Warning, MessageId::OWN_GIL_IGNORED, &text);
    Lock::Shared
}

/// Fills an interpreter; a failure is logged.
fn set_up(
    pass: &Pass,
    interpreter: &Interpreter,
    settings: &Settings,
    name: &[u8],
    loading: &Arc<Turn>,
) -> Option<(GilCell<Types>, GilCell<Own>)> {
    interpreter.attach(pass, |gil, _| {
        let filled = fill(gil, interpreter, settings, name, loading);
        filled
            .map(|(types, own)| (GilCell::new(gil, types), GilCell::new(gil, own)))
            .inspect_err(|Raised| {
                let exception = Exception::take(gil);
                let text = format!("the {} could not be set up", settings.context(name));
                log::write(gil, Level::Error, MessageId::INTERPRETER, &text);
                traceback::write_lines(gil, &exception);
            })
            .ok()
    })
}

fn fill(
    gil: Gil<'_>,
    interpreter: &Interpreter,
    settings: &Settings,
    application_group: &[u8],
    loading: &Arc<Turn>,
) -> Result<(Types, Own)> {
    let prelude = Prelude::new(gil)?;
    let file_wrapper = prelude.get(gil, "FileWrapper")?;
    let constants = settings.constants(application_group);
    let types = Types::new(
        gil,
        file_wrapper,
        prelude.get(gil, "RequestTimeout")?,
        &constants,
    )?;
    let setup = Setup {
        gil,
        settings,
        own: settings.interpreter(application_group),
        has_own_gil: interpreter.has_own_gil(),
        application_group,
        prelude: &prelude,
        types: &types,
    };
    setup.run();
    let context = settings.context(application_group);
    let scripts = Scripts::new(
        context,
        settings.case_sensitive,
        settings.process_group.is_empty(),
        Arc::clone(loading),
    );
    Ok((types, Own { scripts, prelude }))
}
