//! The table of options. Everything that can be configured is here, and nowhere else.
#![forbid(unsafe_code)]

use super::interpreters::selector;
use super::option::{Apply, OptionSpec};
use super::scope::Scope;
use super::script::Script;
use super::telemetry;
use super::value::{
    Unacceptable, absolute, accept_mutex, account_group, account_groups, amount, daemon_user,
    directories, flag, head_mapping, milliseconds, names, networks, octal, proxy_headers, seconds,
    seconds_or_none, seed, signed, size, text, time, user, version, whole,
};
use crate::daemon::account::is_root;
use std::os::unix::ffi::OsStrExt;

/// One option of process scope: how its value is read, and into which field it goes.
macro_rules! process {
    ($name:literal, $accepted:expr, $default:expr, $meaning:literal, |$settings:pat_param, $value:ident| $body:expr) => {
        OptionSpec {
            name: $name,
            scope: Scope::Process,
            accepted: $accepted,
            default: $default,
            meaning: $meaning,
            apply: Apply::Process(|$settings, $value| {
                $body;
                Ok(())
            }),
        }
    };
}

/// One option of directory or script scope.
macro_rules! layer {
    ($scope:ident, $name:literal, $accepted:expr, $default:expr, $meaning:literal, |$settings:pat_param, $value:ident| $body:expr) => {
        OptionSpec {
            name: $name,
            scope: Scope::$scope,
            accepted: $accepted,
            default: $default,
            meaning: $meaning,
            apply: Apply::Layer(|$settings, $value| {
                $body;
                Ok(())
            }),
        }
    };
}

/// One option of group scope.
macro_rules! group {
    ($name:literal, $accepted:expr, $default:expr, $meaning:literal, |$settings:pat_param, $value:ident| $body:expr) => {
        OptionSpec {
            name: $name,
            scope: Scope::Group,
            accepted: $accepted,
            default: $default,
            meaning: $meaning,
            apply: Apply::Group(|$settings, $value| {
                $body;
                Ok(())
            }),
        }
    };
}

/// One option of interpreter scope.
macro_rules! interpreter {
    ($name:literal, $accepted:literal, $meaning:literal, |$settings:ident, $value:ident| $body:expr) => {
        OptionSpec {
            name: $name,
            scope: Scope::Interpreter,
            accepted: $accepted,
            default: None,
            meaning: $meaning,
            apply: Apply::Interpreter(|$settings, $value| {
                $body;
                Ok(())
            }),
        }
    };
}

/// What an option accepts that names a script.
const SCRIPT: &std::ffi::CStr = c"the absolute path of a script, and options as name=value";

/// Every option of every scope.
pub static OPTIONS: &[OptionSpec] = &[
    process!(c"python-home", c"a directory", None,
        c"Python prefix or root of a virtual environment; its version decides which runtime is used.",
        |settings, value| settings.python_home = Some(text(value)?.into())),
    process!(c"python-path", c"directories separated by ':'", None,
        c"Directories that are put in front of sys.path, in this order, after reading the .pth files in them.",
        |settings, value| settings.python_path = directories(value)?),
    process!(c"python-eggs", c"a directory", None,
        c"Directory in which packages unpack their eggs: PYTHON_EGG_CACHE.",
        |settings, value| settings.python_eggs = Some(text(value)?.into())),
    process!(c"python-warnings", c"a warning filter as for python -W", None,
        c"Warning filter; may be set repeatedly, and all of them count.",
        |settings, value| settings.warnings.push(text(value)?.into())),
    process!(c"python-optimize", c"a whole number from 0 to 2", Some(c"0"),
        c"Level of optimisation, as the number of -O options of python.",
        |settings, value| settings.optimize = Some(whole(value, 0, 2)?)),
    process!(c"python-hash-seed", c"random or a whole number from 0 to 4294967295", Some(c"random"),
        c"Seed of the hashes of strings; random is another one in each process.",
        |settings, value| settings.hash_seed = seed(value)?),
    process!(c"dont-write-bytecode", c"On or Off", Some(c"Off"),
        c"Whether Python leaves compiled modules unwritten.",
        |settings, value| settings.dont_write_bytecode = Some(flag(value)?)),
    process!(c"switch-interval", c"a number of seconds greater than 0", None,
        c"Interval at which Python threads hand over to each other, in seconds; Python's default is 0.005.",
        |settings, value| settings.switch_interval = Some(seconds(value)?)),
    process!(c"per-interpreter-gil", c"On or Off", Some(c"Off"),
        c"Whether sub-interpreters have a GIL of their own, from Python 3.12 on.",
        |settings, value| settings.per_interpreter_gil = Some(flag(value)?)),
    process!(c"free-threading", c"On or Off", Some(c"Off"),
        c"Whether a free-threaded build of Python runs without a GIL.",
        |settings, value| settings.free_threading = Some(flag(value)?)),
    process!(c"destroy-interpreter", c"On or Off", Some(c"On"),
        c"Whether threads of applications are waited for and atexit callbacks run when a process ends.",
        |settings, value| settings.destroy_interpreter = Some(flag(value)?)),
    process!(c"case-sensitivity", c"On or Off", Some(if cfg!(target_os = "macos") { c"Off" } else { c"On" }),
        c"Whether names of scripts that differ only in case are different scripts.",
        |settings, value| settings.case_sensitivity = Some(flag(value)?)),
    process!(c"restrict-embedded", c"On or Off", Some(c"Off"),
        c"Whether requests that select no process group are refused.",
        |settings, value| settings.restrict_embedded = Some(flag(value)?)),
    process!(c"restrict-stdin", c"On or Off", Some(c"Off"),
        c"Whether any use of sys.stdin raises.",
        |settings, value| settings.restrict_stdin = Some(flag(value)?)),
    process!(c"restrict-stdout", c"On or Off", Some(c"Off"),
        c"Whether any use of sys.stdout raises instead of writing to the log.",
        |settings, value| settings.restrict_stdout = Some(flag(value)?)),
    process!(c"restrict-signal", c"On or Off", Some(c"On"),
        c"Whether signal.signal() is ignored, so that applications leave the server's signal handlers alone.",
        |settings, value| settings.restrict_signal = Some(flag(value)?)),
    process!(c"socket-rotation", c"On or Off", Some(c"On"),
        c"Accepted and of no effect: a serving process keeps the processes of groups that it began with until it ends.",
        |_, value| flag(value).map(drop)?),
    process!(c"accept-mutex", c"default, flock, fcntl, sysvsem, posixsem or pthread", Some(c"default"),
        c"Accepted and of no effect: the processes of a group take no turns, each request is given to one of them.",
        |_, value| accept_mutex(value)?),
    process!(c"server-metrics", c"On or Off", Some(c"Off"),
        c"Whether applications in the server's own processes may see what all of its processes do.",
        |_, value| flag(value).map(drop)?),
    process!(c"telemetry-service", c"unix: and an absolute path, then perhaps interval= and a number of seconds of at least 0.5", None,
        c"Socket that each process sends datagrams about itself to, and how often.",
        |_, value| telemetry::service(value).map(drop)?),
    process!(c"telemetry-options", c"CaptureUserAgent, None or All, or flags that each have a + or - in front", Some(c"None"),
        c"What the datagrams hold beside the usual; signed flags change what was set before.",
        |settings, value| settings.telemetry_flags = telemetry::flags(value, settings.telemetry_flags)?),
    process!(c"slow-requests", c"a number of seconds, or 0", Some(c"0"),
        c"How long a request takes that a datagram is sent about; 0 is for none.",
        |_, value| seconds_or_none(value).map(drop)?),
    process!(c"verbose-debugging", c"On or Off", None,
        c"Accepted and of no effect: the level of the log decides how much there is to read.",
        |settings, value| settings.verbose_debugging = Some(flag(value)?)),
    process!(c"keep-stdio", c"On or Off", Some(c"Off"),
        c"Whether sys.stdin and sys.stdout stay as they are, for a server on a terminal.",
        |settings, value| settings.keep_stdio = Some(flag(value)?)),
    process!(c"end-with-parent", c"On or Off", Some(c"Off"),
        c"Whether a process that serves requests is killed when the one that prepared the engine ends in whatever way: for a \
          server whose processes would keep its port otherwise. Where the system can do that (Linux).",
        |settings, value| settings.end_with_parent = Some(flag(value)?)),
    process!(c"runtime-dir", c"a directory", None,
        c"Directory with the runtimes; by default wsgi-core beside the library.",
        |settings, value| settings.runtime_dir = Some(std::ffi::OsStr::from_bytes(text(value)?).into())),
    process!(c"threads", c"a whole number from 1 to 65535", Some(c"1"),
        c"How many threads of the host serve requests in one process, for wsgi.multithread.",
        |settings, value| settings.threads = Some(whole(value, 1, 65535)?)),
    process!(c"processes", c"a whole number from 1 to 65535", Some(c"1"),
        c"How many processes of the host serve requests, for wsgi.multiprocess.",
        |settings, value| settings.processes = Some(whole(value, 1, 65535)?)),
    process!(c"host-name", c"a name", Some(c"wsgi_core"),
        c"Name of the host, such as apache: in the environ, NAME.version is its version.",
        |settings, value| settings.host_name = Some(text(value)?.into())),
    process!(c"host-version", c"up to three whole numbers separated by '.'", None,
        c"Version of the host; by default that of this library.",
        |settings, value| settings.host_version = Some(version(value)?)),
    process!(c"host-description", c"a text", None,
        c"Full description of the host and its modules, as it gives it in a Server header.",
        |settings, value| settings.host_description = Some(text(value)?.into())),
    process!(c"daemon-executable", c"a file", None,
        c"Program of the processes of groups; by default libexec/wsgi-core/wsgi-daemon of the installation.",
        |settings, value| settings.daemon_executable = Some(std::ffi::OsStr::from_bytes(text(value)?).into())),
    process!(c"daemon-log", c"a file", None,
        c"Where the processes of groups write what belongs to no request; by default their standard error stream, which is \
          the host's.",
        |settings, value| settings.daemon_log = Some(std::ffi::OsStr::from_bytes(text(value)?).into())),
    process!(c"socket-prefix", c"the beginning of a path", None,
        c"Beginning of the names of the sockets of process groups, absolute or below host-root; by default they have no name \
          in the file system where that is possible.",
        |settings, value| settings.socket_prefix = Some(text(value)?.into())),
    process!(c"host-root", c"a directory", Some(c"/"),
        c"Directory that relative paths of the configuration are in.",
        |settings, value| settings.host_root = Some(absolute(value)?.into())),
    process!(c"host-user", c"a user, by name or #uid", None,
        c"User that serves requests in the host, and that processes of groups run as unless they have their own.",
        |settings, value| settings.host_user = Some(user(value)?)),
    process!(c"host-group", c"a group, by name or #gid", None,
        c"Group of the host's serving processes, likewise.",
        |settings, value| settings.host_group = Some(account_group(value)?)),
    process!(c"host-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"60"),
        c"How long a connection may be silent, for what has no timeout of its own; 0 is for ever.",
        |settings, value| settings.host_timeout = Some(time(value)?)),
    layer!(Directory, c"restrict-process", c"names of process groups or %{GLOBAL}, separated by spaces, or nothing", None,
        c"The only process groups that may be selected; %{GLOBAL} is the server's own process.",
        |settings, value| settings.restrict_process = Some(names(value)?)),
    process!(c"host-build-date", c"a text", None,
        c"When the host was built, for applications that ask.",
        |settings, value| settings.host_build_date = Some(text(value)?.into())),
    process!(c"host-mpm-name", c"a name", None,
        c"How the host runs its processes and threads, such as event, for applications that ask.",
        |settings, value| settings.host_mpm_name = Some(text(value)?.into())),
    layer!(Directory, c"process-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", Some(c"%{GLOBAL}"),
        c"Process group that runs the application; %{GLOBAL} is the server's own process.",
        |settings, value| settings.process_group = Some(text(value)?.into())),
    layer!(Directory, c"application-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", None,
        c"Interpreter that runs the application; %{GLOBAL} is the main one. The default is the main one where only one \
          application is configured, else %{RESOURCE}.",
        |settings, value| settings.application_group = Some(text(value)?.into())),
    layer!(Directory, c"callable-object", c"a name or %{ENV:name}", Some(c"application"),
        c"Name of the global in the script that is the application.",
        |settings, value| settings.callable = Some(text(value)?.into())),
    layer!(Directory, c"pass-authorization", c"On or Off", Some(c"Off"),
        c"Whether the application sees the Authorization header.",
        |settings, value| settings.pass_authorization = Some(flag(value)?)),
    layer!(Directory, c"script-reloading", c"On or Off", Some(c"On"),
        c"Whether a script is loaded again when it has changed.",
        |settings, value| settings.script_reloading = Some(flag(value)?)),
    layer!(Directory, c"error-override", c"On or Off", Some(c"Off"),
        c"Whether the host replaces responses with a status of 400 and above by its own pages.",
        |settings, value| settings.error_override = Some(flag(value)?)),
    layer!(Directory, c"chunked-request", c"On or Off", Some(c"Off"),
        c"Whether request bodies without a length are accepted.",
        |settings, value| settings.chunked_request = Some(flag(value)?)),
    layer!(Directory, c"map-head-to-get", c"On, Off or Auto", Some(c"Auto"),
        c"Whether the application sees GET for HEAD; Auto does so where the response is filtered.",
        |settings, value| settings.map_head_to_get = Some(head_mapping(value)?)),
    layer!(Directory, c"enable-sendfile", c"On or Off", Some(c"Off"),
        c"Whether files may be sent with sendfile().",
        |settings, value| settings.enable_sendfile = Some(flag(value)?)),
    layer!(Directory, c"ignore-activity", c"On or Off", Some(c"Off"),
        c"Whether requests leave the inactivity timer of their process alone.",
        |settings, value| settings.ignore_activity = Some(flag(value)?)),
    layer!(Directory, c"handler-script", c"the name of a handler, the absolute path of a script, and options as name=value", None,
        c"Script whose handle_request serves the requests of a handler.",
        |settings, value| settings.set_handler(Script::handler(value)?)),
    layer!(Directory, c"access-script", SCRIPT, None,
        c"Script whose allow_access decides by its address whether a client has access.",
        |settings, value| settings.access_script = Some(Script::hook(value)?.into())),
    layer!(Directory, c"auth-user-script", SCRIPT, None,
        c"Script whose check_password or get_realm_hash knows the users.",
        |settings, value| settings.auth_user_script = Some(Script::hook(value)?.into())),
    layer!(Directory, c"auth-group-script", SCRIPT, None,
        c"Script whose groups_for_user knows the groups of a user.",
        |settings, value| settings.auth_group_script = Some(Script::hook(value)?.into())),
    layer!(Directory, c"dispatch-script", SCRIPT, None,
        c"Script whose process_group, application_group and callable_object choose where a request runs.",
        |settings, value| settings.dispatch_script = Some(Script::hook(value)?.into())),
    layer!(Directory, c"group-authoritative", c"On or Off", Some(c"On"),
        c"Accepted and of no effect: the server itself combines what is required.",
        |_, value| flag(value).map(drop)?),
    layer!(Directory, c"pass-apache-request", c"On or Off", Some(c"Off"),
        c"Whether scripts in the server's own processes see its structure of the request, for extensions that know it.",
        |settings, value| settings.pass_apache_request = Some(flag(value)?)),
    layer!(Directory, c"trusted-proxy-headers", c"names of header fields separated by spaces", None,
        c"Header fields of proxies in front of the server that take effect, such as X-Forwarded-For; may be set repeatedly, \
          and all of them count.",
        |settings, value| settings.trusted_proxy_headers.get_or_insert_default().extend(proxy_headers(value)?)),
    layer!(Directory, c"trusted-proxies", c"addresses or networks separated by spaces, such as 10.0.0.0/8 or ::1", None,
        c"The proxies whose header fields take effect; the default is all. May be set repeatedly, and all of them count.",
        |settings, value| settings.trusted_proxies.get_or_insert_default().extend(networks(value)?)),
    layer!(Script, c"process-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", None,
        c"Process group that runs the application; %{GLOBAL} is the server's own process.",
        |settings, value| settings.process_group = Some(text(value)?.into())),
    layer!(Script, c"application-group", c"a name, %{GLOBAL}, %{RESOURCE}, %{SERVER}, %{HOST} or %{ENV:name}", None,
        c"Interpreter that runs the application; %{GLOBAL} is the main one.",
        |settings, value| settings.application_group = Some(text(value)?.into())),
    layer!(Script, c"callable-object", c"a name", None,
        c"Name of the global in the script that is the application, taken literally.",
        |settings, value| settings.callable = Some(text(value)?.into())),
    layer!(Script, c"pass-authorization", c"On or Off", None,
        c"Whether the application sees the Authorization header.",
        |settings, value| settings.pass_authorization = Some(flag(value)?)),
    group!(c"processes", c"a whole number from 1 to 10000", Some(c"1"),
        c"How many processes the group has; setting it at all makes wsgi.multiprocess True.",
        |settings, value| settings.processes = Some(whole(value, 1, 10000)?)),
    group!(c"threads", c"a whole number from 0 to 65533", Some(c"15"),
        c"How many requests each process serves at once; 0 is for processes that only run their scripts.",
        |settings, value| settings.threads = whole(value, 0, 65533)?),
    group!(c"user", c"a user other than root, by name or #uid", None,
        c"User that the processes run as, where the server is started as root; the default is host-user.",
        |settings, value| settings.user = Some(daemon_user(value)?)),
    group!(c"group", c"a group, by name or #gid", None,
        c"Group that the processes run as, likewise; the default is host-group.",
        |settings, value| settings.group = Some(account_group(value)?)),
    group!(c"supplementary-groups", c"groups separated by commas, by name or #gid", None,
        c"Further groups of the processes, instead of those of their user.",
        |settings, value| settings.supplementary_groups = Some(account_groups(value)?)),
    group!(c"umask", c"an octal number from 0 to 777", None,
        c"Permissions that are not given to files that are made.",
        |settings, value| settings.umask = Some(octal(value)?)),
    group!(c"chroot", c"a directory, and the server started as root", None,
        c"Directory that is the root of the file system for the processes.",
        |settings, value| settings.chroot = Some(if is_root() { absolute(value)?.into() } else { return Err(Unacceptable::Value) })),
    group!(c"home", c"a directory", None,
        c"Working directory of the processes, also in front of sys.path; the default is the home of their \
          user if it is not the host's.",
        |settings, value| settings.home = Some(absolute(value)?.into())),
    group!(c"lang", c"a text", None,
        c"The variable LANG in the environment.",
        |settings, value| settings.lang = Some(text(value)?.into())),
    group!(c"locale", c"a text", None,
        c"Locale that is set, and the variable LC_ALL.",
        |settings, value| settings.locale = Some(text(value)?.into())),
    group!(c"display-name", c"a text or %{GROUP}", None,
        c"Name of the processes in the list of processes; %{GROUP} is (wsgi:NAME).",
        |settings, value| settings.display_name = Some(text(value)?.into())),
    group!(c"server-metrics", c"On or Off", Some(c"Off"),
        c"Whether mod_wsgi.server_metrics() may be used.",
        |settings, value| settings.server_metrics = flag(value)?),
    group!(c"python-home", c"a directory", None,
        c"Python prefix or root of a virtual environment; its version decides which runtime is used.",
        |settings, value| settings.python_home = Some(text(value)?.into())),
    group!(c"python-path", c"directories separated by ':'", None,
        c"Directories that are put in front of sys.path, in this order, after reading the .pth files in them.",
        |settings, value| settings.python_path = directories(value)?),
    group!(c"python-eggs", c"a directory", None,
        c"Directory in which packages unpack their eggs: PYTHON_EGG_CACHE.",
        |settings, value| settings.python_eggs = Some(text(value)?.into())),
    group!(c"switch-interval", c"a number of seconds greater than 0", None,
        c"Interval at which Python threads hand over to each other, in seconds; Python's default is 0.005.",
        |settings, value| settings.switch_interval = Some(seconds(value)?)),
    group!(c"stack-size", c"a whole number of bytes from 65536 to 1073741824", None,
        c"Size of the stacks of the threads that serve requests.",
        |settings, value| settings.stack_size = Some(amount(value, 65536, 1 << 30)?)),
    group!(c"maximum-requests", c"a whole number from 0 to 4294967295", Some(c"0"),
        c"After how many requests a process is replaced; 0 is never.",
        |settings, value| settings.maximum_requests = whole(value, 0, u32::MAX)?),
    group!(c"startup-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"How long it may take from the first request to the first script that is loaded; 0 is for ever.",
        |settings, value| settings.startup_timeout = time(value)?),
    group!(c"deadlock-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"300"),
        c"How long Python may hold its lock in a process before that is replaced; 0 is for ever.",
        |settings, value| settings.deadlock_timeout = time(value)?),
    group!(c"inactivity-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"After which time without activity a process is replaced; 0 is never.",
        |settings, value| settings.inactivity_timeout = time(value)?),
    group!(c"request-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"How long a request may take, more where a process has several threads; 0 is for ever.",
        |settings, value| settings.request_timeout = time(value)?),
    group!(c"interrupt-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"How long a request that takes too long has for its end after it was interrupted; 0 is no interruption.",
        |settings, value| settings.interrupt_timeout = time(value)?),
    group!(c"graceful-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"15"),
        c"How long requests may still take when their process is to be replaced; 0 is for ever.",
        |settings, value| settings.graceful_timeout = time(value)?),
    group!(c"eviction-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"The same where a signal asked for it; 0 is graceful-timeout.",
        |settings, value| settings.eviction_timeout = time(value)?),
    group!(c"restart-interval", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"After which time a process is replaced; 0 is never.",
        |settings, value| settings.restart_interval = time(value)?),
    group!(c"shutdown-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"5"),
        c"How long the end of a process may take; 0 is for ever.",
        |settings, value| settings.shutdown_timeout = time(value)?),
    group!(c"listen-backlog", c"a whole number from 0 to 65535", Some(c"100"),
        c"How many connections may wait to be taken by a process.",
        |settings, value| settings.listen_backlog = whole(value, 0, 65535)?),
    group!(c"connect-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"15"),
        c"How long a request waits for a process that can be connected to.",
        |settings, value| settings.connect_timeout = time(value)?),
    group!(c"socket-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"How long a connection between the server and a process may be silent; 0 is host-timeout.",
        |settings, value| settings.socket_timeout = time(value)?),
    group!(c"queue-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"How long a request waits until a process is free; 0 is for ever.",
        |settings, value| settings.queue_timeout = time(value)?),
    group!(c"send-buffer-size", c"0 or a whole number of bytes of at least 512", Some(c"0"),
        c"Size of the buffers for sending of the sockets of the group; 0 is the system's.",
        |settings, value| settings.send_buffer_size = size(value, 512)?),
    group!(c"receive-buffer-size", c"0 or a whole number of bytes of at least 512", Some(c"0"),
        c"Size of their buffers for receiving; 0 is the system's.",
        |settings, value| settings.receive_buffer_size = size(value, 512)?),
    group!(c"header-buffer-size", c"0 or a whole number of bytes of at least 8192", Some(c"0"),
        c"How long a header field of a response may be; 0 is no limit but that of the whole head.",
        |settings, value| settings.header_buffer_size = size(value, 8192)?),
    group!(c"response-buffer-size", c"0 or a whole number of bytes of at least 65536", Some(c"0"),
        c"After how many bytes of a response the server must have sent all of them to the client; 0 is 8388608.",
        |settings, value| settings.response_buffer_size = size(value, 65536)?),
    group!(c"response-socket-timeout", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"How long the client may take nothing of a response; 0 is socket-timeout, and else the host decides.",
        |settings, value| settings.response_socket_timeout = time(value)?),
    group!(c"response-flush-delay", c"a whole number of milliseconds from 0 to 1000000", Some(c"5"),
        c"How long a block of a response waits for the next one, to leave together with it; 0 is not at all.",
        |settings, value| settings.response_flush_delay = milliseconds(value)?),
    group!(c"socket-user", c"a user, by name or #uid", None,
        c"Owner of the socket in the file system; the default is host-user.",
        |settings, value| settings.socket_user = Some(user(value)?)),
    group!(c"cpu-time-limit", c"a whole number of seconds from 0 to 1000000", Some(c"0"),
        c"After how much processor time a process is replaced; 0 is never.",
        |settings, value| settings.cpu_time_limit = time(value)?),
    group!(c"cpu-priority", c"a whole number from -20 to 20", Some(c"0"),
        c"Scheduling priority of the processes; 0 leaves it as it is.",
        |settings, value| settings.cpu_priority = signed(value, -20, 20)?),
    group!(c"memory-limit", c"a whole number of bytes", Some(c"0"),
        c"How much data a process may have; 0 is no limit.",
        |settings, value| settings.memory_limit = amount(value, 0, i64::MAX as u64)?),
    group!(c"virtual-memory-limit", c"a whole number of bytes", Some(c"0"),
        c"How large a process may be; 0 is no limit.",
        |settings, value| settings.virtual_memory_limit = amount(value, 0, i64::MAX as u64)?),
    group!(c"script-user", c"a user, by name or #uid", None,
        c"User that must own a script and its directory, for requests to be served.",
        |settings, value| settings.script_user = Some(user(value)?)),
    group!(c"script-group", c"a group, by name or #gid", None,
        c"Group that a script and its directory must belong to.",
        |settings, value| settings.script_group = Some(account_group(value)?)),
    interpreter!(c"process-group", c"a name or %{GLOBAL}, once",
        c"Process group whose processes have the interpreters; %{GLOBAL} is the server's own process. The default is all.",
        |settings, value| select(&mut settings.process_group, value)?),
    interpreter!(c"application-group", c"a name or %{GLOBAL}, once",
        c"The interpreter; %{GLOBAL} is the main one. The default is all.",
        |settings, value| select(&mut settings.application_group, value)?),
    interpreter!(c"python-path", c"directories separated by ':'",
        c"Directories that are put in front of those of less specific settings.",
        |settings, value| settings.python_path = directories(value)?),
    interpreter!(c"switch-interval", c"a number of seconds greater than 0",
        c"Interval at which Python threads hand over to each other, in seconds; only the main interpreter, and those that \
          have a GIL of their own, can have one.",
        |settings, value| settings.switch_interval = Some(seconds(value)?)),
    interpreter!(c"per-interpreter-gil", c"On or Off",
        c"Whether sub-interpreters have a GIL of their own, from Python 3.12 on.",
        |settings, value| settings.per_interpreter_gil = Some(flag(value)?)),
    interpreter!(c"free-threading", c"On or Off",
        c"Whether a free-threaded build of Python runs without a GIL; not for a single interpreter.",
        |settings, value| settings.free_threading = Some(flag(value)?)),
    interpreter!(c"restrict-stdin", c"On or Off",
        c"Whether any use of sys.stdin raises.",
        |settings, value| settings.restrict_stdin = Some(flag(value)?)),
    interpreter!(c"restrict-stdout", c"On or Off",
        c"Whether any use of sys.stdout raises instead of writing to the log.",
        |settings, value| settings.restrict_stdout = Some(flag(value)?)),
    interpreter!(c"restrict-signal", c"On or Off",
        c"Whether signal.signal() is ignored.",
        |settings, value| settings.restrict_signal = Some(flag(value)?)),
];

/// Takes the name of a group; a second one would be a contradiction.
fn select(selected: &mut Option<Box<[u8]>>, value: &[u8]) -> Result<(), Unacceptable> {
    let name = selector(text(value)?);
    match selected.replace(name) {
        None => Ok(()),
        Some(_) => Err(Unacceptable::Value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Config, Settings};

    fn set(spec: &OptionSpec, value: &[u8]) -> Result<(), crate::engine::Error> {
        let name = spec.name.to_str().unwrap();
        match spec.scope {
            Scope::Process => Config::new().set(name, value),
            Scope::Group if name.ends_with("chroot") && !is_root() => {
                Err(spec.refuse(value, Unacceptable::Value))
            }
            scope => Settings::new(scope).set(name, value),
        }
    }

    #[test]
    fn every_default_is_accepted_and_only_a_list_of_what_is_allowed_may_be_empty() {
        for spec in OPTIONS {
            if let Some(default) = spec.default {
                set(spec, default.to_bytes()).unwrap();
            }
            let is_list = spec.name == c"restrict-process";
            assert_eq!(set(spec, b"").is_ok(), is_list, "{:?}", spec.name);
        }
    }

    #[test]
    fn no_value_may_hold_a_nul() {
        for spec in OPTIONS {
            assert!(set(spec, b"a\0b").is_err(), "{:?}", spec.name);
        }
    }

    #[test]
    fn names_are_unique_in_their_scope_and_written_alike() {
        for (index, spec) in OPTIONS.iter().enumerate() {
            let twin = |other: &OptionSpec| other.name == spec.name && other.scope == spec.scope;
            assert!(!OPTIONS[..index].iter().any(twin), "{:?}", spec.name);
            assert!(
                spec.name
                    .to_bytes()
                    .iter()
                    .all(|byte| byte.is_ascii_lowercase() || *byte == b'-')
            );
            assert!(spec.meaning.to_bytes().ends_with(b"."), "{:?}", spec.name);
        }
    }

    #[test]
    fn a_refused_value_is_quoted_with_what_is_accepted() {
        let mut config = Config::new();
        let message = |error: crate::engine::Error| error.to_string();
        assert_eq!(
            message(config.set("restrict-stdin", b"maybe").unwrap_err()),
            "'maybe' is not accepted; expected On or Off"
        );
        assert_eq!(
            message(config.set("python-optimize", b"3").unwrap_err()),
            "'3' is not accepted; expected a whole number from 0 to 2"
        );
        assert_eq!(
            message(config.set("script-reloading", b"On").unwrap_err()),
            "there is no option 'script-reloading' of process scope"
        );
    }
}
