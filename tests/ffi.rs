//! The C functions, called as C does: with a runtime loaded from a directory, and with what no caller should
//! pass.
#![cfg(not(feature = "python"))]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use wsgi_core::ffi::bytes::{wsgi_core_bytes, wsgi_core_pair};
use wsgi_core::ffi::config::*;
use wsgi_core::ffi::engine::*;
use wsgi_core::ffi::error::*;
use wsgi_core::ffi::host::*;
use wsgi_core::ffi::log::wsgi_core_log_record;
use wsgi_core::ffi::option::*;
use wsgi_core::ffi::outcome::wsgi_core_outcome;
use wsgi_core::ffi::request::*;
use wsgi_core::ffi::server::wsgi_core_server;
use wsgi_core::ffi::settings::*;
use wsgi_core::ffi::status::*;
use wsgi_core::ffi::version::*;

/// A directory of runtimes with the fake one, which cargo builds as an example.
fn runtimes() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let library = test
            .ancestors()
            .nth(2)
            .unwrap()
            .join("examples/libfake_runtime.so");
        assert!(
            library.exists(),
            "{} is missing: run cargo build --examples",
            library.display()
        );
        let directory = tempfile::tempdir().unwrap().keep();
        std::os::unix::fs::symlink(library, directory.join("libwsgi_python-3.99.so")).unwrap();
        directory
    })
}

fn bytes(text: &str) -> wsgi_core_bytes {
    wsgi_core_bytes {
        data: text.as_ptr().cast(),
        len: text.len(),
    }
}

/// A structure with nothing but its size, as the initialiser macros make it.
fn empty<T>() -> T {
    // SAFETY: the structures of the header may be zero.
    let mut value: T = unsafe { std::mem::zeroed() };
    // SAFETY: struct_size is their first member.
    unsafe { (&raw mut value).cast::<usize>().write(size_of::<T>()) };
    value
}

fn set(config: *mut wsgi_core_config, name: &CStr, value: &str) -> wsgi_core_status {
    // SAFETY: valid pointers.
    unsafe {
        wsgi_core_config_set(
            config,
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            null_mut(),
        )
    }
}

/// A started engine with the fake runtime.
fn engine() -> *mut wsgi_core_engine {
    let config = wsgi_core_config_new();
    assert_eq!(
        set(config, c"runtime-dir", runtimes().to_str().unwrap()),
        WSGI_CORE_OK
    );
    let mut engine = null_mut();
    let mut server: wsgi_core_server = empty();
    server.log = Some(ignore);
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(
            wsgi_core_engine_prepare(
                config,
                &raw const server,
                null_mut(),
                &raw mut engine,
                null_mut()
            ),
            WSGI_CORE_OK
        );
        wsgi_core_config_free(config);
        assert_eq!(wsgi_core_engine_start(engine, null_mut()), WSGI_CORE_OK);
    }
    engine
}

unsafe extern "C" fn ignore(_: *mut c_void, _: *const wsgi_core_log_record) {}

/// What the callbacks keep.
#[derive(Default)]
struct Client {
    sent: Vec<u8>,
    code: u16,
    log: Vec<(i32, u16, String)>,
    reads: u32,
}

unsafe fn client<'a>(ctx: *mut c_void) -> &'a mut Client {
    // SAFETY: every test passes a client.
    unsafe { &mut *ctx.cast() }
}

unsafe extern "C" fn read(
    ctx: *mut c_void,
    buffer: *mut c_char,
    len: usize,
    read: *mut usize,
    reason: *mut *const c_char,
) -> wsgi_core_status {
    // SAFETY: as the library promises.
    unsafe {
        client(ctx).reads += 1;
        match client(ctx).reads {
            1 => {
                buffer.write_bytes(b'b', len);
                read.write(len);
                WSGI_CORE_OK
            }
            2 => WSGI_CORE_OK,
            _ => {
                reason.write(c"gone".as_ptr());
                WSGI_CORE_E_HOST
            }
        }
    }
}

unsafe extern "C" fn send_head(ctx: *mut c_void, head: *const wsgi_core_head) -> wsgi_core_status {
    // SAFETY: as the library promises.
    unsafe { client(ctx).code = (*head).code };
    WSGI_CORE_OK
}

unsafe extern "C" fn send(
    ctx: *mut c_void,
    data: *const c_char,
    len: usize,
    _: u32,
) -> wsgi_core_status {
    // SAFETY: as the library promises.
    unsafe {
        client(ctx)
            .sent
            .extend_from_slice(std::slice::from_raw_parts(data.cast(), len))
    };
    WSGI_CORE_OK
}

unsafe extern "C" fn send_file(
    _: *mut c_void,
    _: c_int,
    _: u64,
    _: u64,
    _: u32,
) -> wsgi_core_status {
    WSGI_CORE_E_HOST
}

unsafe extern "C" fn log(ctx: *mut c_void, record: *const wsgi_core_log_record) {
    // SAFETY: as the library promises.
    unsafe {
        let record = &*record;
        let text = CStr::from_ptr(record.text);
        assert_eq!(text.count_bytes(), record.text_len);
        client(ctx)
            .log
            .push((record.level, record.id, text.to_str().unwrap().to_owned()));
    }
}

fn host() -> wsgi_core_host {
    wsgi_core_host {
        read: Some(read),
        send_head: Some(send_head),
        send: Some(send),
        log: Some(log),
        ..empty()
    }
}

fn info(script: &'static str) -> wsgi_core_request_info {
    wsgi_core_request_info {
        method: bytes("GET"),
        script: bytes(script),
        script_type: WSGI_CORE_FILE_REGULAR,
        ..empty()
    }
}

/// Serves and gives status, outcome, error (status, id, message, http status) and the client.
fn serve(
    engine: *mut wsgi_core_engine,
    info: &wsgi_core_request_info,
    host: &wsgi_core_host,
) -> (
    wsgi_core_status,
    wsgi_core_outcome,
    Option<(u16, String, u16)>,
    Client,
) {
    let mut request = null_mut();
    let mut outcome: wsgi_core_outcome = empty();
    let mut client = Client::default();
    let mut err = null_mut();
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(
            wsgi_core_request_new(engine, info, &raw mut request, null_mut()),
            WSGI_CORE_OK
        );
        let ctx = (&raw mut client).cast();
        let status = wsgi_core_request_serve(request, host, ctx, &raw mut outcome, &raw mut err);
        let error = (!err.is_null()).then(|| {
            assert_eq!(wsgi_core_error_get_status(err), status);
            let message = CStr::from_ptr(wsgi_core_error_get_message(err))
                .to_str()
                .unwrap()
                .to_owned();
            (
                wsgi_core_error_get_id(err),
                message,
                wsgi_core_error_get_http_status(err),
            )
        });
        wsgi_core_error_free(err);
        (status, outcome, error, client)
    }
}

#[test]
fn a_runtime_is_loaded_and_serves() {
    let engine = engine();
    // SAFETY: valid pointers.
    let version = unsafe { CStr::from_ptr(wsgi_core_engine_get_python_version(engine)) };
    assert_eq!(version, c"3.99");
    let headers = [wsgi_core_pair {
        name: bytes("Host"),
        value: bytes("example.org"),
    }];
    let mut info = info("/app");
    info.headers = headers.as_ptr();
    info.headers_len = headers.len();
    let (status, outcome, error, client) = serve(engine, &info, &host());
    assert_eq!((status, error), (WSGI_CORE_OK, None));
    assert_eq!(
        (
            outcome.code,
            outcome.head_sent,
            outcome.complete,
            outcome.bytes_in
        ),
        (200, true, true, 7)
    );
    let text = String::from_utf8(client.sent).unwrap();
    assert!(
        text.contains("HTTP_HOST=example.org\n") && text.ends_with("bbbbbbb"),
        "{text}"
    );
    assert_eq!(client.log, [(3, 0, "from the application".to_owned())]);
    let (status, _, error, client) = serve(engine, &self::info("/raise"), &host());
    assert_eq!(status, WSGI_CORE_E_APPLICATION);
    assert_eq!(error, Some((50, "ValueError".to_owned(), 500)));
    assert_eq!(client.code, 0);
    // SAFETY: valid pointers.
    unsafe {
        assert_eq!(
            wsgi_core_engine_stop(engine, 1000, null_mut()),
            WSGI_CORE_OK
        );
        let (status, outcome, error, client) = serve(engine, &self::info("/app"), &host());
        assert_eq!(
            (status, outcome.code, error.unwrap().2),
            (WSGI_CORE_E_CLOSED, 503, 503)
        );
        assert_eq!(client.log[0].1, 80);
        wsgi_core_engine_free(engine);
    }
}

#[test]
fn files_are_read_for_a_host_that_takes_none() {
    let engine = engine();
    let (status, outcome, _, client) = serve(engine, &info("/file"), &host());
    assert_eq!(
        (status, outcome.bytes_out, client.sent.len()),
        (WSGI_CORE_OK, 200_000, 200_000)
    );
    assert_eq!(
        client.sent,
        std::fs::read("/proc/self/exe").unwrap()[4..200_004]
    );
    let table = wsgi_core_host {
        send_file: Some(send_file),
        ..host()
    };
    let (status, outcome, error, _) = serve(engine, &info("/file"), &table);
    assert_eq!(
        (status, outcome.head_sent, outcome.complete),
        (WSGI_CORE_E_HOST, true, false)
    );
    assert_eq!(error.unwrap().0, 55);
    // SAFETY: valid pointer.
    unsafe { wsgi_core_engine_free(engine) };
}

#[test]
fn older_and_newer_structures_are_understood() {
    let engine = engine();
    let newer = wsgi_core_host {
        struct_size: size_of::<wsgi_core_host>() + 64,
        ..host()
    };
    let mut table = [newer, newer];
    assert_eq!(serve(engine, &info("/app"), &table[0]).0, WSGI_CORE_OK);
    for size in [
        0,
        1,
        size_of::<usize>(),
        size_of::<wsgi_core_host>() - 1,
        1 << 40,
        usize::MAX,
    ] {
        table[0].struct_size = size;
        let (status, outcome, error, _) = serve(engine, &info("/app"), &table[0]);
        assert_eq!((status, outcome.code), (WSGI_CORE_E_STRUCT_SIZE, 0));
        assert_eq!(
            error.unwrap().1,
            format!("struct_size of wsgi_core_host is {size}")
        );
    }
    // SAFETY: valid pointer.
    unsafe { wsgi_core_engine_free(engine) };
}

#[test]
fn required_callbacks_are_required() {
    let engine = engine();
    for (table, name) in [
        (
            wsgi_core_host {
                read: None,
                ..host()
            },
            "host.read is NULL",
        ),
        (
            wsgi_core_host {
                send_head: None,
                ..host()
            },
            "host.send_head is NULL",
        ),
        (
            wsgi_core_host {
                send: None,
                ..host()
            },
            "host.send is NULL",
        ),
    ] {
        let (status, _, error, _) = serve(engine, &info("/app"), &table);
        assert_eq!(
            (status, error.unwrap().1.as_str()),
            (WSGI_CORE_E_ARGUMENT, name)
        );
    }
    // SAFETY: valid pointer.
    unsafe { wsgi_core_engine_free(engine) };
}

#[test]
fn requests_are_checked() {
    let engine = engine();
    let nameless = [wsgi_core_pair {
        name: wsgi_core_bytes {
            data: null(),
            len: 0,
        },
        value: bytes("x"),
    }];
    let absurd = wsgi_core_bytes {
        data: c"".as_ptr(),
        len: usize::MAX,
    };
    let headless = wsgi_core_bytes {
        data: null(),
        len: 3,
    };
    let layers = [null()];
    let info = info("/app");
    for (info, status) in [
        (
            wsgi_core_request_info {
                method: bytes(""),
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                script: empty_bytes(),
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                script: bytes("a\0b"),
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                path_info: absurd,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                path_info: headless,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                headers: null(),
                headers_len: 1,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                headers: nameless.as_ptr(),
                headers_len: usize::MAX / 8,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                headers: nameless.as_ptr(),
                headers_len: 1,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                variables: nameless.as_ptr(),
                variables_len: 1,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                settings: layers.as_ptr(),
                settings_len: 1,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                script_type: 9,
                ..info
            },
            WSGI_CORE_E_ARGUMENT,
        ),
        (
            wsgi_core_request_info {
                struct_size: 8,
                ..info
            },
            WSGI_CORE_E_STRUCT_SIZE,
        ),
        (
            wsgi_core_request_info {
                headers: null(),
                headers_len: 0,
                ..info
            },
            WSGI_CORE_OK,
        ),
    ] {
        let mut request = null_mut();
        // SAFETY: valid pointers, but for what is checked.
        unsafe {
            assert_eq!(
                wsgi_core_request_new(engine, &raw const info, &raw mut request, null_mut()),
                status
            );
            assert_eq!(request.is_null(), status != WSGI_CORE_OK);
            wsgi_core_request_free(request);
        }
    }
    // SAFETY: valid pointer.
    unsafe { wsgi_core_engine_free(engine) };
}

fn empty_bytes() -> wsgi_core_bytes {
    wsgi_core_bytes {
        data: null(),
        len: 0,
    }
}

#[test]
fn null_is_a_status() {
    let mut err = null_mut();
    let mut option: wsgi_core_option = empty();
    option.struct_size = 1;
    // SAFETY: NULL is what is tested.
    unsafe {
        assert_eq!(
            wsgi_core_config_set(null_mut(), null(), null(), 0, &raw mut err),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            CStr::from_ptr(wsgi_core_error_get_message(err)),
            c"config is NULL"
        );
        assert!(!wsgi_core_error_head_sent(err));
        wsgi_core_error_free(err);
        let config = wsgi_core_config_new();
        assert_eq!(
            wsgi_core_config_set(config, null(), null(), 0, null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_config_set(config, c"threads".as_ptr(), null(), 0, null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_config_set(config, c"\xff".as_ptr(), c"".as_ptr(), 0, null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_config_add_application(config, null(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_config_check(null(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(set(config, c"restrict-embedded", "On"), WSGI_CORE_OK);
        assert_eq!(
            wsgi_core_engine_prepare(config, null(), null_mut(), null_mut(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        wsgi_core_config_free(config);
        assert_eq!(
            wsgi_core_engine_prepare(null(), null(), null_mut(), null_mut(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_engine_start(null_mut(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_engine_stop(null_mut(), 0, null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert!(wsgi_core_engine_get_python_version(null()).is_null());
        assert_eq!(
            wsgi_core_request_new(null(), null(), null_mut(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_request_serve(null_mut(), null(), null_mut(), null_mut(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_settings_set(null_mut(), null(), null(), 0, null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert!(
            wsgi_core_settings_new(WSGI_CORE_SCOPE_PROCESS).is_null()
                && wsgi_core_settings_new(7).is_null()
        );
        assert_eq!(wsgi_core_option_get(0, null_mut()), WSGI_CORE_E_ARGUMENT);
        assert_eq!(
            wsgi_core_option_get(0, &raw mut option),
            WSGI_CORE_E_STRUCT_SIZE
        );
        assert_eq!(wsgi_core_error_get_status(null()), WSGI_CORE_E_ARGUMENT);
        assert_eq!(
            (
                wsgi_core_error_get_id(null()),
                wsgi_core_error_get_http_status(null())
            ),
            (0, 500)
        );
        assert_eq!(CStr::from_ptr(wsgi_core_error_get_message(null())), c"");
        wsgi_core_config_free(null_mut());
        wsgi_core_engine_free(null_mut());
        wsgi_core_error_free(null_mut());
        wsgi_core_request_free(null_mut());
        wsgi_core_settings_free(null_mut());
    }
}

#[test]
fn settings_and_applications_pass_through() {
    let config = wsgi_core_config_new();
    let settings = wsgi_core_settings_new(WSGI_CORE_SCOPE_SCRIPT);
    let mut err = null_mut();
    let value = "app";
    // SAFETY: valid pointers.
    unsafe {
        let set = |name: &CStr, err| {
            wsgi_core_settings_set(
                settings,
                name.as_ptr(),
                value.as_ptr().cast(),
                value.len(),
                err,
            )
        };
        assert_eq!(set(c"callable-object", null_mut()), WSGI_CORE_OK);
        assert_eq!(set(c"pass-authorization", &raw mut err), WSGI_CORE_E_OPTION);
        let message = CStr::from_ptr(wsgi_core_error_get_message(err));
        assert_eq!(message, c"'app' is not accepted; expected On or Off");
        assert_eq!(wsgi_core_error_get_id(err), 11);
        wsgi_core_error_free(err);
        let layers = [settings.cast_const()];
        let script = c"/app";
        let add = |several| {
            let mut mapping: wsgi_core_mapping = std::mem::zeroed();
            mapping.struct_size = size_of::<wsgi_core_mapping>();
            mapping.script.data = script.as_ptr();
            mapping.script.len = 4;
            mapping.is_pattern = several;
            mapping.settings = layers.as_ptr();
            mapping.settings_len = 1;
            wsgi_core_config_add_application(config, &raw const mapping, null_mut())
        };
        assert_eq!((add(false), add(true)), (WSGI_CORE_OK, WSGI_CORE_OK));
        wsgi_core_settings_free(settings);
        wsgi_core_config_free(config);
    }
}

#[test]
fn process_groups_are_defined() {
    // SAFETY: objects of the library, used as the header says.
    unsafe {
        let config = wsgi_core_config_new();
        let settings = wsgi_core_settings_new(WSGI_CORE_SCOPE_GROUP);
        let set = |name: &CStr, value: &str| {
            let (value, length) = (value.as_ptr().cast(), value.len());
            wsgi_core_settings_set(settings, name.as_ptr(), value, length, null_mut())
        };
        assert_eq!(set(c"threads", "5"), WSGI_CORE_OK);
        assert_eq!(set(c"threads", "many"), WSGI_CORE_E_OPTION);
        assert_eq!(set(c"pass-authorization", "On"), WSGI_CORE_E_OPTION);
        let add = |name: &str, settings| {
            let (name, length) = (name.as_ptr().cast(), name.len());
            wsgi_core_config_add_group(config, name, length, null(), settings, null_mut())
        };
        assert_eq!(add("group", settings), WSGI_CORE_OK);
        assert_eq!(add("group", settings), WSGI_CORE_E_ARGUMENT);
        assert_eq!(add("other", null_mut()), WSGI_CORE_E_ARGUMENT);
        let directory = wsgi_core_settings_new(WSGI_CORE_SCOPE_DIRECTORY);
        assert_eq!(add("other", directory), WSGI_CORE_E_ARGUMENT);
        wsgi_core_settings_free(directory);
        wsgi_core_settings_free(settings);
        wsgi_core_config_free(config);
        assert_eq!(
            wsgi_core_engine_tend(null_mut(), null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(
            wsgi_core_engine_child_ended(null_mut(), 1, 0, null_mut()),
            WSGI_CORE_E_ARGUMENT
        );
        assert_eq!(wsgi_core_engine_get_supervisor_pid(null_mut()), 0);
    }
}

#[test]
fn options_are_listed() {
    let mut names = Vec::new();
    for index in 0..wsgi_core_option_count() {
        let mut option: wsgi_core_option = empty();
        // SAFETY: valid pointers.
        unsafe {
            assert_eq!(wsgi_core_option_get(index, &raw mut option), WSGI_CORE_OK);
            names.push((option.scope, CString::from(CStr::from_ptr(option.name))));
            assert!(!option.accepted.is_null() && !option.meaning.is_null());
        }
    }
    assert!(names.contains(&(WSGI_CORE_SCOPE_PROCESS, c"python-home".into())));
    assert!(names.contains(&(WSGI_CORE_SCOPE_SCRIPT, c"callable-object".into())));
    let mut option: wsgi_core_option = empty();
    // SAFETY: valid pointers.
    let status = unsafe { wsgi_core_option_get(usize::MAX, &raw mut option) };
    assert_eq!(status, WSGI_CORE_E_ARGUMENT);
    assert!(option.name.is_null());
}

#[test]
fn versions_agree() {
    assert_eq!(wsgi_core_abi_version(), WSGI_CORE_ABI_VERSION);
    // SAFETY: only plain values are passed.
    unsafe {
        let check = |version| wsgi_core_abi_check(version, null_mut());
        assert_eq!(check(WSGI_CORE_ABI_VERSION), WSGI_CORE_OK);
        assert_eq!(check(WSGI_CORE_ABI_VERSION + 1), WSGI_CORE_E_ARGUMENT);
    }
    // SAFETY: a string of the library.
    let version = unsafe { CStr::from_ptr(wsgi_core_version()) };
    assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
}
