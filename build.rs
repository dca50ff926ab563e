//! Link options of the shared library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
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
