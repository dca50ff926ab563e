//! What a C compiler makes of the header has the layout that the library uses.

use std::collections::HashMap;
use std::mem::{align_of, offset_of, size_of};
use wsgi_core::ffi::{
    bytes::{wsgi_core_bytes, wsgi_core_pair},
    check::wsgi_core_check,
    config::wsgi_core_mapping,
    host::{wsgi_core_head, wsgi_core_host},
    log::wsgi_core_log_record,
    option::wsgi_core_option,
    outcome::wsgi_core_outcome,
    request::wsgi_core_request_info,
    server::wsgi_core_server,
};

/// Sizes and offsets by C expression, as the library sees them.
macro_rules! facts {
    ($($structure:ident { $($field:ident),+ $(,)? })+) => {
        vec![$(
            (format!("sizeof({})", stringify!($structure)), size_of::<$structure>()),
            (format!("ALIGN({})", stringify!($structure)), align_of::<$structure>()),
            $((format!("offsetof({}, {})", stringify!($structure), stringify!($field)), offset_of!($structure, $field)),)+
        )+]
    };
}

fn library() -> Vec<(String, usize)> {
    facts! {
        wsgi_core_bytes { data, len }
        wsgi_core_pair { name, value }
        wsgi_core_option { struct_size, name, scope, accepted, default_value, meaning }
        wsgi_core_log_record { struct_size, level, id, text, text_len, file, line }
        wsgi_core_mapping { struct_size, server, url, script, is_pattern, settings, settings_len }
        wsgi_core_server { struct_size, log, log_level }
        wsgi_core_request_info {
            struct_size, method, request_uri, script_name, path_info, query_string, protocol, scheme, server_name, server_port,
            server_addr, remote_addr, remote_port, server_hostname, host, script, script_mtime_us, filename, listener_host,
            listener_port, headers, headers_len, variables, variables_len, settings, settings_len, request_start_us, body_limit,
            request_id, connection_id, handler, response_filtered, pass_auth, path_info_refused, script_type, script_refused,
            native_request,
        }
        wsgi_core_check { struct_size, kind, user, detail, others_decide }
        wsgi_core_head { struct_size, code, status, headers, headers_len, content_length, error_page, local_redirect }
        wsgi_core_host { struct_size, read, send_head, send, send_file, is_aborted, log, log_level, get_variable, read_now, set_send_timeout, get_ssl_variable }
        wsgi_core_outcome {
            struct_size, code, head_sent, complete, bytes_in, bytes_out, application_start, application_finish, retry_after,
        }
    }
}

/// The same, printed by a program in C.
fn compiled(expressions: &[&str]) -> HashMap<String, usize> {
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (
        directory.path().join("layout.c"),
        directory.path().join("layout"),
    );
    let mut text = String::from(
        "#include <stdio.h>\n#include \"wsgi_core.h\"\n\
         #define ALIGN(type) offsetof(struct { char first; type second; }, second)\nint main(void)\n{\n",
    );
    for expression in expressions {
        text.push_str(&format!(
            "    printf(\"%s=%zu\\n\", \"{expression}\", {expression});\n"
        ));
    }
    text.push_str("    return 0;\n}\n");
    std::fs::write(&source, text).unwrap();
    let include = concat!("-I", env!("CARGO_MANIFEST_DIR"), "/include");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = std::process::Command::new(compiler)
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", include, "-o"])
        .args([&program, &source])
        .status()
        .unwrap();
    assert!(status.success());
    let output = std::process::Command::new(program).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let lines = output.lines().map(|line| line.split_once('=').unwrap());
    lines
        .map(|(expression, value)| (expression.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn structures_have_the_same_layout_on_both_sides() {
    let library = library();
    let expressions: Vec<&str> = library
        .iter()
        .map(|(expression, _)| expression.as_str())
        .collect();
    let compiled = compiled(&expressions);
    for (expression, value) in &library {
        assert_eq!(compiled.get(expression), Some(value), "{expression}");
    }
}

#[test]
fn every_member_is_compared() {
    let header =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/include/wsgi_core.h"))
            .unwrap();
    let mut members = 0;
    for structure in header
        .split("typedef struct ")
        .skip(1)
        .filter(|text| text.split('\n').next().unwrap().ends_with('{'))
    {
        let body = &structure[..structure.find("\n}").unwrap()];
        members += body
            .lines()
            .skip(1)
            .filter(|line| line.ends_with(';'))
            .count();
    }
    assert_eq!(
        library()
            .iter()
            .filter(|(expression, _)| expression.starts_with("offsetof"))
            .count(),
        members
    );
}

#[test]
fn the_module_of_httpd_stays_small() {
    // It is one file, for apxs; what makes it longer is what any server needs, and belongs to the engine.
    let module = include_str!("../c/mod_wsgi.c");
    assert!(module.lines().count() <= 1500);
}
