//! Link options of the shared library, and what tells one build from another.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    name_build();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let part = |name: &str| std::env::var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    // Before 1.0 each minor version has its own ABI.
    let soname = match (part("MAJOR"), part("MINOR")) {
        (major, minor) if major == "0" => format!("libwsgi_core.so.0.{minor}"),
        (major, _) => format!("libwsgi_core.so.{major}"),
    };
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");
    // The standard library's thread-local keys and at-exit functions outlive what unloads a library.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}

/// The library and wsgi-daemon talk to each other in what their common source says, so that is their version.
fn name_build() {
    let mut files = Vec::new();
    for directory in ["src", "runtime/abi/src"] {
        println!("cargo:rerun-if-changed={directory}");
        collect(Path::new(directory), &mut files);
    }
    files.sort();
    // FNV-1a: no secret, and the same everywhere.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in files
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .flatten()
    {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo:rustc-env=WSGI_CORE_BUILD={version}+{hash:016x}");
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
