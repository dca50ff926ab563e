//! Links libpython so that the runtime finds it where it was at build time.
//!
//! `WSGI_CORE_PYTHON_LIBDIR` and `WSGI_CORE_PYTHON_EXECUTABLE`, set by the CMake build, name the
//! directory that holds libpython and the interpreter; without them PyO3's own findings are used.

use std::env;

/// Directories that the loader searches anyway; an rpath to them would only be noise.
const SYSTEM_LIBRARY_DIRS: &[&str] = &["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
    println!("cargo:rerun-if-env-changed=WSGI_CORE_PYTHON_LIBDIR");
    println!("cargo:rerun-if-env-changed=WSGI_CORE_PYTHON_EXECUTABLE");

    let config = pyo3_build_config::get();
    let directory = env::var("WSGI_CORE_PYTHON_LIBDIR")
        .ok()
        .or_else(|| config.lib_dir().map(ToOwned::to_owned));
    if let Some(directory) = directory {
        println!("cargo:rustc-link-search=native={directory}");
        let system =
            SYSTEM_LIBRARY_DIRS.contains(&directory.as_str()) || directory.starts_with("/usr/lib/");
        if !system {
            println!("cargo:rustc-link-arg=-Wl,-rpath,{directory}");
        }
    }
    // A Rust library that was unloaded would leave its thread-local destructors behind.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");

    let executable = env::var("WSGI_CORE_PYTHON_EXECUTABLE")
        .ok()
        .or_else(|| config.executable().map(ToOwned::to_owned))
        .unwrap_or_default();
    println!("cargo:rustc-env=WSGI_CORE_PYTHON_EXECUTABLE={executable}");
    let version = config.version();
    println!(
        "cargo:rustc-env=WSGI_CORE_PYTHON_VERSION={}.{}",
        version.major, version.minor
    );
}
