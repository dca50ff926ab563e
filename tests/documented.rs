//! `docs/` and the manual pages tell of everything there is, and of nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wsgi_core::engine::{OPTIONS, Scope};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The words in a text that begin like this and go on with what `more` takes.
fn words<'a>(text: &'a str, start: &str, more: impl Fn(char) -> bool) -> BTreeSet<&'a str> {
    text.match_indices(start)
        .map(|(begin, _)| {
            let rest = &text[begin..];
            let end = rest[start.len()..].find(|char| !more(char));
            end.map_or(rest, |end| &rest[..start.len() + end])
        })
        .collect()
}

fn is_symbol(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// The directives of the module: the names in its table.
fn directives(source: &str) -> BTreeSet<&str> {
    let table = source.split("static command_rec commands[]").nth(1);
    let table = table.unwrap().split("\n};").next().unwrap();
    words(table, "\"WSGI", is_symbol)
        .union(&words(table, "\"<WSGI", is_symbol))
        .map(|name| name.trim_start_matches(['"', '<']))
        .collect()
}

/// The sections of the page about compatibility, as title and text.
fn sections(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("\n## ")
        .skip(1)
        .map(|part| part.split_once('\n').unwrap())
}

/// The first cell of each row.
fn subjects(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| "))
        .map(|row| row.split(" |").next().unwrap().trim_matches('`'))
        .filter(|subject| !subject.starts_with("---"))
}

#[test]
fn every_test_that_the_state_rests_on_is_there() {
    let page = read("docs/compatibility.md");
    let mut count = 0;
    for (title, text) in sections(&page) {
        let express = title == "Options of mod_wsgi-express";
        let directory = if express {
            "tests/express"
        } else {
            "tests/e2e"
        };
        for name in words(text, "`test_", is_symbol) {
            let file = format!("{directory}/{}.py", &name[1..]);
            assert!(path(&file).is_file(), "{title}: {file}");
            count += 1;
        }
    }
    assert!(count > 50, "the tests are not found in the page");
}

#[test]
fn every_directive_has_a_row_and_a_place_in_the_manual() {
    let source = read("c/mod_wsgi.c");
    let directives = directives(&source);
    assert!(directives.contains("WSGIScriptAlias") && directives.len() > 40);
    let page = read("docs/compatibility.md");
    let (_, table) = sections(&page)
        .find(|(title, _)| *title == "Directives")
        .unwrap();
    let rows: BTreeSet<_> = subjects(table)
        .map(|subject| subject.trim_matches(['<', '>']))
        .filter(|subject| *subject != "directive")
        .collect();
    assert_eq!(rows, directives);
    let manual = read("docs/man/mod_wsgi.8");
    let mut described = words(&manual, "WSGI", is_symbol);
    described.remove("WSGI");
    assert_eq!(described, directives);
}

#[test]
fn every_option_of_process_groups_has_a_row_and_a_place_in_the_manual() {
    let options: BTreeSet<_> = OPTIONS
        .iter()
        .filter(|option| option.scope == Scope::Group)
        .map(|option| option.name.to_str().unwrap())
        .collect();
    let page = read("docs/compatibility.md");
    let (_, table) = sections(&page)
        .find(|(title, _)| *title == "Options of WSGIDaemonProcess")
        .unwrap();
    let rows: BTreeSet<_> = subjects(table).filter(|name| *name != "option").collect();
    assert_eq!(rows, options);
    let manual = read("docs/man/mod_wsgi.8");
    let described: BTreeSet<_> = manual
        .lines()
        .filter_map(|line| line.strip_prefix(".It Cm "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(described, options);
}

#[test]
fn no_subject_is_listed_twice() {
    let page = read("docs/compatibility.md");
    for (title, text) in sections(&page) {
        let mut seen = BTreeSet::new();
        for subject in subjects(text) {
            assert!(seen.insert(subject), "{title}: {subject}");
        }
    }
}

/// The functions of the C interface: the exported ones, and those that the header itself defines.
fn functions<'a>(symbols: &'a str, header: &'a str) -> BTreeSet<&'a str> {
    let inline = header
        .lines()
        .filter(|line| line.starts_with("static inline wsgi_core_"))
        .filter_map(|line| line.split('(').next()?.rsplit([' ', '*']).next());
    symbols.lines().chain(inline).collect()
}

#[test]
fn every_function_is_described_and_no_page_names_another() {
    let (symbols, header) = (
        read("include/wsgi_core.symbols"),
        read("include/wsgi_core.h"),
    );
    let functions = functions(&symbols, &header);
    assert!(functions.contains("wsgi_core_request_serve") && functions.len() > 40);
    assert!(functions.contains("wsgi_core_bytes_of"));
    for page in ["docs/c-api.md", "docs/man/wsgi_core.3"] {
        let text = read(page);
        let named = words(&text, "wsgi_core_", is_symbol);
        for function in &functions {
            assert!(named.contains(function), "{page} has no {function}");
        }
    }
    for page in [
        "CHANGELOG.md",
        "README.md",
        "docs/architecture.md",
        "docs/c-api.md",
    ] {
        let text = read(page);
        for name in words(&text, "wsgi_core_", |char| is_symbol(char) || char == '(') {
            if let Some(name) = name.strip_suffix('(') {
                assert!(functions.contains(name), "{page}: {name}");
            }
        }
    }
    let manual = read("docs/man/wsgi_core.3");
    for name in manual.lines().filter_map(called) {
        assert!(functions.contains(name), "wsgi_core(3): {name}");
    }
}

/// The function that a line of a manual page names.
fn called(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix(".Fn ")
        .or_else(|| line.strip_prefix(".Fo "))?;
    rest.split(' ').next()
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages = vec![path("README.md"), path("CHANGELOG.md")];
    for directory in ["docs", "docs/deploy"] {
        let entries = std::fs::read_dir(path(directory)).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()));
    }
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    assert!(pages.len() > 10);
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                let linked = page.parent().unwrap().join(file);
                assert!(linked.exists(), "{}: {target}", page.display());
            }
        }
    }
}
