//! Scripts: loading them, loading them again when they change, and finding the callable in them.

use super::setup::{Prelude, compile};
use super::turn::Turn;
use crate::python::{Exc, Exception, Gil, Object, Raised, Result};
use crate::wsgi::{log, traceback};
use md5::{Digest, Md5};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wsgi_core_abi::{Level, LogRecord, MessageId, Request};

/// The script could not be loaded or lacks the callable; logged already.
#[derive(Clone, Copy, Debug)]
pub struct Failed(pub MessageId);

/// A script that is asked for.
pub struct Wanted<'a> {
    path: &'a [u8],
    /// Its modification time in microseconds, if the host knows it.
    mtime: Option<i64>,
    reloading: bool,
    /// What a module's `reload_required` is called with.
    filename: &'a [u8],
    /// It may end with `SystemExit`.
    may_exit: bool,
}

impl<'a> Wanted<'a> {
    /// The script that answers a request.
    pub fn by(request: &Request<'a>) -> Self {
        let mtime = request.script_mtime_us;
        Self {
            path: request.script.as_slice(),
            mtime: (mtime != 0).then_some(mtime),
            reloading: request.reloading,
            filename: request.filename.as_slice(),
            may_exit: false,
        }
    }

    /// A script that is loaded ahead of requests.
    pub fn ahead(path: &'a [u8]) -> Self {
        Self {
            path,
            mtime: None,
            reloading: false,
            filename: path,
            may_exit: false,
        }
    }

    /// A script that is all there is to run.
    pub fn alone(path: &'a [u8]) -> Self {
        Self {
            may_exit: true,
            ..Self::ahead(path)
        }
    }

    fn file(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.path))
    }

    /// The modification time, looked up if need be; `None` when the file is gone.
    fn mtime(&self, gil: Gil<'_>) -> Option<i64> {
        self.mtime.or_else(|| {
            gil.detach(|| std::fs::metadata(self.file()).ok())
                .map(|metadata| microseconds(&metadata))
        })
    }
}

/// A module made from a script.
#[derive(Clone)]
pub struct Script {
    module: Object,
    /// Its globals.
    globals: Object,
    mtime: i64,
    /// A request was served with it.
    used: Arc<AtomicBool>,
}

/// What is to be done about a script.
enum Finding {
    Current(Script),
    Stale(Script),
    Missing,
}

/// Whether any module has ever come with a `reload_required`: where none has, no request needs the GIL to
/// ask it. Of the process, like its modules.
static CAN_ASK: AtomicBool = AtomicBool::new(false);

/// Whether a module may ask to be loaded again.
pub fn can_ask_for_reload() -> bool {
    CAN_ASK.load(Ordering::Relaxed)
}

/// The scripts of one interpreter.
pub struct Scripts {
    context: String,
    case_sensitive: bool,
    /// Modules are asked with each request whether they want to be loaded again. Elsewhere the process is asked
    /// before it takes the request, and makes way for another one.
    asks_in_place: bool,
    loading: Arc<Turn>,
    /// By path. Locked for moments, without running Python code.
    loaded: Mutex<FxHashMap<Vec<u8>, Script>>,
    /// Names of callables that exist, as Python keeps them.
    names: Mutex<FxHashMap<Vec<u8>, Object>>,
}

impl Scripts {
    /// No scripts yet; `context` says for the log which interpreter this is.
    pub fn new(
        context: String,
        case_sensitive: bool,
        asks_in_place: bool,
        loading: Arc<Turn>,
    ) -> Self {
        Self {
            context,
            case_sensitive,
            asks_in_place,
            loading,
            loaded: Mutex::default(),
            names: Mutex::default(),
        }
    }

    /// The module of a script, loaded or loaded again if need be.
    pub fn get(
        &self,
        gil: Gil<'_>,
        prelude: &Prelude,
        wanted: &Wanted<'_>,
    ) -> std::result::Result<Script, Failed> {
        let key = self.key(wanted.path);
        let before = match self.examine(gil, &key, wanted) {
            Finding::Current(script) => return Ok(script),
            Finding::Stale(script) => Some(script),
            Finding::Missing => None,
        };
        let loading = &*self.loading;
        let _turn = gil.detach(|| loading.take());
        // Another thread may have loaded it while this one waited.
        if let Some(script) = self.loaded(&key) {
            let same = before.is_some_and(|before| before.module.is(&script.module));
            if !same && self.is_unchanged(gil, &script, wanted) {
                return Ok(script);
            }
        }
        self.load(gil, prelude, &key, wanted)
    }

    /// The global of that name, if the script has one.
    pub fn global(&self, gil: Gil<'_>, script: &Script, name: &str) -> Option<Object> {
        let find = || script.globals.get_item(&Object::text(gil, name)?);
        find()
            .inspect_err(|Raised| crate::python::clear(gil))
            .ok()
            .flatten()
    }

    /// Logs the exception that is set.
    pub fn report(&self, gil: Gil<'_>, id: MessageId, wanted: &Wanted<'_>) {
        let exception = Exception::take(gil);
        traceback::report(gil, exception, id, wanted.path, &self.context);
    }

    /// Logs a failure that is none of Python's.
    pub fn complain(&self, gil: Gil<'_>, id: MessageId, wanted: &Wanted<'_>, what: &str) -> Failed {
        let message = format!("WSGI script '{}' {what}", text(wanted.path));
        log::write(gil, Level::Error, id, &message);
        Failed(id)
    }

    /// Whether the module of a script asks to be loaded again.
    pub fn wants_reload(&self, gil: Gil<'_>, wanted: &Wanted<'_>) -> bool {
        self.loaded(&self.key(wanted.path))
            .filter(|script| script.used.load(Ordering::Relaxed))
            .is_some_and(|script| self.asks_for_reload(gil, &script, wanted))
    }

    /// The callable of that name.
    pub fn callable(
        &self,
        gil: Gil<'_>,
        script: &Script,
        wanted: &Wanted<'_>,
        name: &[u8],
    ) -> std::result::Result<Object, Failed> {
        script.used.store(true, Ordering::Relaxed);
        let find = || -> Result<Option<Object>> {
            let known = lock(&self.names).get(name).cloned();
            if let Some(key) = known {
                return script.globals.get_item(&key);
            }
            let key = Object::text(gil, &String::from_utf8_lossy(name))?.into_interned();
            let value = script.globals.get_item(&key)?;
            if value.is_some() {
                let before = lock(&self.names).insert(name.to_vec(), key);
                drop(before);
            }
            Ok(value)
        };
        let found = find().inspect_err(|Raised| crate::python::clear(gil));
        found.ok().flatten().ok_or_else(|| {
            let what = format!("has no callable '{}'", text(name));
            self.complain(gil, MessageId::CALLABLE_MISSING, wanted, &what)
        })
    }

    /// What a path is known by: scripts whose names differ in case only are one where case does not
    /// matter.
    fn key<'a>(&self, path: &'a [u8]) -> Cow<'a, [u8]> {
        if self.case_sensitive {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(path.to_ascii_lowercase())
        }
    }

    fn loaded(&self, key: &[u8]) -> Option<Script> {
        lock(&self.loaded).get(key).cloned()
    }

    fn examine(&self, gil: Gil<'_>, key: &[u8], wanted: &Wanted<'_>) -> Finding {
        let Some(script) = self.loaded(key) else {
            return Finding::Missing;
        };
        if self.is_unchanged(gil, &script, wanted)
            && !(wanted.reloading
                && self.asks_in_place
                && self.asks_for_reload(gil, &script, wanted))
        {
            Finding::Current(script)
        } else {
            Finding::Stale(script)
        }
    }

    /// Whether the file is as old as the module, or its age does not matter. A file that is gone
    /// leaves the module as it is.
    fn is_unchanged(&self, gil: Gil<'_>, script: &Script, wanted: &Wanted<'_>) -> bool {
        !wanted.reloading || wanted.mtime(gil).is_none_or(|mtime| mtime == script.mtime)
    }

    /// What the module's own `reload_required(path)` says, if it has one.
    fn asks_for_reload(&self, gil: Gil<'_>, script: &Script, wanted: &Wanted<'_>) -> bool {
        let ask = || -> Result<bool> {
            let Some(function) = reload_required(gil, script)? else {
                return Ok(false);
            };
            function
                .call([&Object::path(gil, wanted.filename)?])?
                .is_true()
        };
        ask().unwrap_or_else(|Raised| {
            self.report(gil, MessageId::APPLICATION_RAISED, wanted);
            false
        })
    }

    /// Loads a script, with the turn taken.
    fn load(
        &self,
        gil: Gil<'_>,
        prelude: &Prelude,
        key: &[u8],
        wanted: &Wanted<'_>,
    ) -> std::result::Result<Script, Failed> {
        let before = lock(&self.loaded).remove(key);
        let verb = if before.is_some() {
            "Reloading"
        } else {
            "Loading"
        };
        let message = format!(
            "{verb} WSGI script '{}' in {}",
            text(wanted.path),
            self.context
        );
        log::record(gil, &LogRecord::plain(Level::Info, message.as_bytes()));
        let script = self.run(gil, prelude, key, wanted)?;
        match reload_required(gil, &script) {
            Ok(Some(_)) => CAN_ASK.store(true, Ordering::Relaxed),
            Ok(None) => {}
            Err(Raised) => crate::python::clear(gil),
        }
        lock(&self.loaded).insert(key.to_vec(), script.clone());
        Ok(script)
    }

    fn run(
        &self,
        gil: Gil<'_>,
        prelude: &Prelude,
        key: &[u8],
        wanted: &Wanted<'_>,
    ) -> std::result::Result<Script, Failed> {
        let read = gil.detach(|| read(wanted.file()));
        let (source, mtime) = read.map_err(|error| {
            let message = format!("cannot read WSGI script '{}': {error}", text(wanted.path));
            log::write(gil, Level::Error, MessageId::SCRIPT_READ, &message);
            Failed(MessageId::SCRIPT_READ)
        })?;
        // The host's time, not that of the file just read: it is what later requests come with.
        let mtime = wanted.mtime.unwrap_or(mtime);
        let compile = || {
            let path = Object::path(gil, wanted.path)?;
            compile(gil, &Object::bytes(gil, &source)?, &path)
        };
        let code = compile().map_err(|Raised| {
            self.report(gil, MessageId::SCRIPT_READ, wanted);
            Failed(MessageId::SCRIPT_READ)
        })?;
        let name = module_name(key);
        execute(gil, prelude, &name, wanted, &code, mtime).map_err(|exception| {
            let id = if exception.is(gil, Exc::SystemExit) {
                MessageId::SCRIPT_EXIT
            } else {
                MessageId::SCRIPT_RAISED
            };
            if !(wanted.may_exit && id == MessageId::SCRIPT_EXIT) {
                traceback::report(gil, exception, id, wanted.path, &self.context);
            }
            Failed(id)
        })
    }
}

/// Runs compiled code in a new module, which stays in `sys.modules` if that goes well.
fn execute(
    gil: Gil<'_>,
    prelude: &Prelude,
    name: &str,
    wanted: &Wanted<'_>,
    code: &Object,
    mtime: i64,
) -> std::result::Result<Script, Exception> {
    let run = || -> Result<Script> {
        let (modules, name) = (Object::modules(gil)?, Object::text(gil, name)?);
        let path = Object::path(gil, wanted.path)?;
        let module = prelude.call(gil, "new_module", [&name, &path])?;
        let globals = module.getattr(c"__dict__")?;
        globals.set_item_text(c"__file__", &path)?;
        globals.set_item_text(c"__mtime__", &Object::int(gil, mtime)?)?;
        modules.set_item(&name, &module)?;
        Object::import(gil, c"builtins")?.call_method(c"exec", [code, &globals])?;
        Ok(Script {
            module,
            globals,
            mtime,
            used: Arc::default(),
        })
    };
    run().map_err(|Raised| {
        let exception = Exception::take(gil);
        let forget = || Object::modules(gil)?.del_item(&Object::text(gil, name)?);
        if forget().is_err() {
            crate::python::clear(gil);
        }
        exception
    })
}

/// A name that no other module has.
fn module_name(key: &[u8]) -> String {
    let mut name = "_mod_wsgi_".to_owned();
    for byte in Md5::digest(key) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// The function of a module that says whether it is to be loaded again.
fn reload_required(gil: Gil<'_>, script: &Script) -> Result<Option<Object>> {
    let name = Object::interned(gil, c"reload_required")?;
    script.globals.get_item(&name)
}

/// The content of a file and its modification time.
fn read(path: &Path) -> std::io::Result<(Vec<u8>, i64)> {
    let mut file = File::open(path)?;
    let mtime = microseconds(&file.metadata()?);
    let mut source = Vec::new();
    file.read_to_end(&mut source)?;
    Ok((source, mtime))
}

fn microseconds(metadata: &Metadata) -> i64 {
    metadata.mtime() * 1_000_000 + metadata.mtime_nsec() / 1_000
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::module_name;

    #[test]
    fn a_module_is_named_after_the_digest_of_its_path() {
        assert_eq!(
            module_name(b"abc"),
            "_mod_wsgi_900150983cd24fb0d6963f7d28e17f72"
        );
    }
}
