//! The committed header is what cbindgen makes of the sources, and it names the exported functions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Set it to write the header and the list of symbols instead of comparing them.
const UPDATE: &str = "WSGI_CORE_UPDATE_HEADER";

/// The order of the declarations.
const SOURCES: [&str; 14] = [
    "version", "status", "bytes", "error", "option", "settings", "config", "log", "server",
    "engine", "host", "outcome", "request", "check",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn generate() -> String {
    let mut config = cbindgen::Config::from_file(path("cbindgen.toml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    config.after_includes = config
        .after_includes
        .map(|text| text.replace("@VERSION@", version));
    let builder = cbindgen::Builder::new().with_config(config);
    let with_source =
        |builder: cbindgen::Builder, name| builder.with_src(path(&format!("src/ffi/{name}.rs")));
    let bindings = SOURCES
        .into_iter()
        .fold(builder, with_source)
        .generate()
        .unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).unwrap()
}

/// Compares a file with what it should hold, or writes it.
fn check(name: &str, expected: &str) {
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path(name), expected).unwrap();
    }
    let found = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert!(
        found == expected,
        "{name} is not up to date: run {UPDATE}=1 cargo test --test header"
    );
}

/// The functions that a header declares and the library has.
fn functions(header: &str) -> BTreeSet<&str> {
    let declarations = header
        .lines()
        .filter(|line| !line.starts_with([' ', '#', '/', '*']) && line.contains('('))
        .filter(|line| !line.starts_with("static inline"));
    let names = declarations.filter_map(|line| line.split('(').next()?.rsplit([' ', '*']).next());
    names
        .filter(|name| name.starts_with("wsgi_core_") && *name != "wsgi_core_sized_struct")
        .collect()
}

#[test]
fn the_header_and_the_list_of_symbols_are_up_to_date() {
    let header = generate();
    check("include/wsgi_core.h", &header);
    let symbols: String = functions(&header)
        .into_iter()
        .map(|name| format!("{name}\n"))
        .collect();
    check("include/wsgi_core.symbols", &symbols);
}

#[test]
fn every_exported_function_is_declared() {
    let header = generate();
    let declared = functions(&header);
    let mut exported = BTreeSet::new();
    for entry in std::fs::read_dir(path("src/ffi")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for after in source.split("#[unsafe(no_mangle)]").skip(1) {
            let name = after
                .split("fn ")
                .nth(1)
                .unwrap()
                .split('(')
                .next()
                .unwrap();
            exported.insert(name.to_owned());
        }
    }
    assert!(exported.len() > 20);
    assert_eq!(declared, exported.iter().map(String::as_str).collect());
}

#[test]
fn every_function_says_what_threads_may_call_it_and_since_when() {
    let header = generate();
    // Text between two declarations: the end of one, and the comment of the next.
    for declaration in header
        .split("\n/**\n")
        .filter(|text| text.contains(" */\n"))
    {
        let (comment, code) = declaration.split_once(" */\n").unwrap();
        let first = code.lines().next().unwrap_or_default();
        if first.contains('(') && !first.starts_with("typedef") {
            assert!(
                comment.contains("Threads:") && comment.contains("Since:"),
                "{declaration}"
            );
        }
    }
}

/// Compiles a program that includes the header twice and uses every initialiser.
fn compile(compiler: &str, standard: &str, suffix: &str) {
    let header = std::fs::read_to_string(path("include/wsgi_core.h")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join(format!("program.{suffix}"));
    let mut text =
        String::from("#include \"wsgi_core.h\"\n#include \"wsgi_core.h\"\nint main(void)\n{\n");
    for line in header
        .lines()
        .filter_map(|line| line.strip_prefix("#define WSGI_CORE_"))
    {
        if let Some((name, "WSGI_CORE_INIT")) = line
            .split_once('(')
            .map(|(name, _)| name.rsplit_once(' ').unwrap_or((name, "")))
            && let Some(name) = name.strip_suffix("_INIT")
        {
            let structure = format!("wsgi_core_{}", name.to_lowercase());
            text.push_str(&format!("    {{ {structure} value = WSGI_CORE_{name}_INIT; if (value.struct_size != sizeof value) return 1; }}\n"));
        }
    }
    assert!(text.contains("wsgi_core_host value"), "{text}");
    text.push_str("    return 0;\n}\n");
    std::fs::write(&source, text).unwrap();
    let status = std::process::Command::new(compiler)
        .args([
            standard,
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-fsyntax-only",
            "-I",
        ])
        .args([path("include"), source])
        .status()
        .unwrap();
    assert!(status.success(), "{compiler} {standard}");
}

#[test]
fn the_header_compiles_in_every_language_it_is_for() {
    let compiler =
        |variable, otherwise: &str| std::env::var(variable).unwrap_or(otherwise.to_owned());
    compile(&compiler("CC", "cc"), "-std=c99", "c");
    compile(&compiler("CC", "cc"), "-std=c11", "c");
    compile(&compiler("CXX", "c++"), "-std=c++17", "cc");
}

#[test]
fn nothing_is_wider_than_the_header_allows() {
    for line in generate().lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
}
