//! Loading a runtime. Unsafe because it calls the dynamic linker.

use super::Error;
use super::runtime::RuntimeHandle;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use wsgi_core_abi::{ABI_VERSION, RUNTIME_SYMBOL, Runtime};

/// The runtime of this process: two Pythons in one process would overwrite each other's symbols. CPython
/// imposes this state, not the engine.
static LOADED: Mutex<Option<(PathBuf, RuntimeHandle)>> = Mutex::new(None);

/// Loads the runtime at `path`, for good.
pub(super) fn load(path: &Path) -> Result<RuntimeHandle, Error> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((other, runtime)) = &*loaded {
        if other == path {
            return Ok(*runtime);
        }
        let reason = format!("this process already runs {}", other.display());
        return Err(failed(path, reason));
    }
    let runtime = open(path)?;
    *loaded = Some((path.to_owned(), runtime));
    Ok(runtime)
}

fn failed(path: &Path, reason: String) -> Error {
    Error::RuntimeLoad {
        path: path.to_owned(),
        reason,
    }
}

fn open(path: &Path) -> Result<RuntimeHandle, Error> {
    let name = CString::new(path.as_os_str().as_bytes())
        .map_err(|error| failed(path, error.to_string()))?;
    // Global, because extension modules expect to find libpython's symbols without being linked to it.
    // SAFETY: the name ends with a NUL; what runs when a runtime is loaded is ours.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    if handle.is_null() {
        return Err(failed(path, last_error()));
    }
    // SAFETY: a handle that was just made, never closed.
    let table: *const Runtime = unsafe { libc::dlsym(handle, RUNTIME_SYMBOL.as_ptr()) }.cast();
    if table.is_null() {
        return Err(failed(path, last_error()));
    }
    // SAFETY: the version is the first field in every version of the table.
    let found = unsafe { table.cast::<u32>().read() };
    if found != ABI_VERSION {
        return Err(Error::RuntimeVersion {
            path: path.to_owned(),
            found,
            expected: ABI_VERSION,
        });
    }
    // SAFETY: a static of a library that is never unloaded, of the version that this type describes.
    Ok(unsafe { RuntimeHandle::new(&*table) })
}

fn last_error() -> String {
    // SAFETY: called on the thread whose call failed; the string is copied before the next call.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "unknown error".to_owned();
    }
    // SAFETY: a string of the linker.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// Where runtimes may be: beside the library that this code is in, or, when it is part of a program, where an
/// installation has its libraries.
pub(super) fn directories() -> Vec<PathBuf> {
    let Some(library) = own_file() else {
        return Vec::new();
    };
    let directory = library.parent().unwrap_or(Path::new("/"));
    let beside = directory.join("wsgi-core");
    let installed = directory
        .parent()
        .map(|prefix| prefix.join("lib/wsgi-core"));
    std::iter::once(beside).chain(installed).collect()
}

/// The program of process groups: in the prefix of the installation that the library is in, or beside a program that
/// has this code in it.
pub(super) fn daemon_executable() -> Option<PathBuf> {
    let library = own_file()?;
    let directory = library.parent()?;
    // Debian has a directory for each architecture between lib and the library.
    let prefixes = directory.ancestors().skip(1).take(2);
    let installed = prefixes.map(|prefix| prefix.join("libexec/wsgi-core/wsgi-daemon"));
    let beside = std::iter::once(directory.join("wsgi-daemon"));
    installed.chain(beside).find(|path| path.is_file())
}

/// The file this code was loaded from.
fn own_file() -> Option<PathBuf> {
    // SAFETY: zero is a value of this plain structure.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let address: *const libc::c_void = (own_file as fn() -> Option<PathBuf> as *const ()).cast();
    // SAFETY: an address of this code, and a place for the answer.
    let found = unsafe { libc::dladdr(address, &raw mut info) } != 0 && !info.dli_fname.is_null();
    if !found {
        return None;
    }
    // SAFETY: a string that lives as long as this library.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_beside_the_program_or_in_its_prefix() {
        let found = directories();
        assert_eq!(found.len(), 2);
        assert!(found[0].is_absolute() && found[0].ends_with("wsgi-core"));
        assert!(found[1].ends_with("lib/wsgi-core"));
    }

    #[test]
    fn what_is_no_library_is_an_error_with_the_systems_words() {
        let error = load(Path::new("/nonexistent/libwsgi_python-3.11.so"))
            .err()
            .unwrap();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("libwsgi_python-3.11.so");
        std::fs::write(&path, "not a library").unwrap();
        assert!(matches!(load(&path), Err(Error::RuntimeLoad { .. })));
    }
}
