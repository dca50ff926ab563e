"""The options of `start-server` and `setup-server`: one table, from which all else follows.

The parsers, `--help`, the completion of shells and the manual page are made from it.
"""

import argparse
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .option import Kind, Option, declare

FILE = Kind.FILE
DIRECTORY = Kind.DIRECTORY
INTEGER = Kind.INTEGER
NUMBER = Kind.NUMBER

Pair = tuple[str, str]

_DAEMON_ONLY: dict[str, Any] = {
    "useless_with": ("embedded_mode", "debug_mode"),
}

_application = declare("Application")
_listener = declare("Listener and host names")
_https = declare("HTTPS")
_capacity = declare("Capacity")
_time = declare("Time limits")
_transfer = declare("Buffers and connections")
_process = declare("Processes and Python")
_content = declare("Static files and responses")
_proxy = declare("Proxying")
_access = declare("Access control")
_service = declare("Service scripts")
_metrics = declare("Metrics and telemetry")
_files = declare("Files and programs")
_logs = declare("Logs")
_debug = declare("Debugging")


@dataclass
class Options:
    """Values of the options. Each field's metadata holds the `Option` that describes it."""

    # Application

    application_type: str = _application(
        "what the application is: a script file, an importable module, an object in one "
        "(MODULE:NAME), a Paste Deploy configuration, or only static files",
        "TYPE",
        default="script",
        choices=("script", "module", "object", "paste", "static"),
    )
    entry_point: str | None = _application(
        "the application: path of the script or configuration file, or name of the module or "
        "object; takes precedence over the argument of the command",
        "PATH|NAME",
        kind=FILE,
    )
    callable_object: str = _application(
        "name of the WSGI callable in the script or module", "NAME", default="application"
    )
    mount_point: str = _application(
        "URL path at which the application is mounted; the rest is static files",
        "URL-PATH",
        default="/",
    )
    application_group: str = _application(
        "Python interpreter the application runs in; the main one unless named",
        "NAME",
        default="%{GLOBAL}",
    )
    process_group: str | None = _application(
        "name of the daemon process group, also shown in process titles",
        "NAME",
        default_text="HOST:PORT",
        **_DAEMON_ONLY,
    )
    working_directory: str | None = _application(
        "working directory of the application, which also comes first on sys.path",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="the current directory",
    )
    python_path: list[str] = _application(
        "directory to add to sys.path, with its .pth files",
        "DIRECTORY",
        kind=DIRECTORY,
        repeatable=True,
    )
    disable_reloading: bool = _application("do not reload the application when its file changes")
    reload_on_changes: bool = _application(
        "restart processes when any loaded Python source changes; for development",
        useless_with=("disable_reloading", "embedded_mode", "debug_mode"),
    )
    setenv: list[Pair] = _application(
        "name and value to add to the environ of each request", "NAME", "VALUE", repeatable=True
    )
    passenv: list[str] = _application(
        "environment variable of the server to add to the environ of each request",
        "NAME",
        repeatable=True,
    )
    add_handler: list[Pair] = _application(
        "extension, and WSGI script that handles files of the document root with it",
        ".EXT",
        "SCRIPT",
        kind=FILE,
        repeatable=True,
    )
    map_head_to_get: str = _application(
        "whether the application sees GET for HEAD: never, always, or when an output filter "
        "needs the content",
        "WHEN",
        default="Auto",
        choices=("Off", "On", "Auto"),
    )
    chunked_request: bool = _application("accept request bodies without a Content-Length")

    # Listener and host names

    host: str | None = _listener(
        "IP address to listen on", "IP-ADDRESS", default_text="all interfaces"
    )
    port: int = _listener(
        "HTTP port", "NUMBER", kind=INTEGER, default=8000, minimum=1, maximum=65535
    )
    http2: bool = _listener("serve HTTP/2 as well")
    server_name: str | None = _listener(
        "host name of the site; requests for other names are refused", "HOSTNAME"
    )
    server_alias: list[str] = _listener(
        "another host name of the site, may have wildcards",
        "HOSTNAME",
        repeatable=True,
        needs=("server_name",),
    )
    allow_localhost: bool = _listener(
        "with --server-name, also answer requests from this machine for any name",
        needs=("server_name",),
    )
    keep_alive_timeout: int = _listener(
        "seconds to keep an idle connection open; 0 closes it after each response",
        "SECONDS",
        kind=INTEGER,
        default=2,
        minimum=0,
    )

    # HTTPS

    https_port: int | None = _https(
        "HTTPS port",
        "NUMBER",
        kind=INTEGER,
        minimum=1,
        maximum=65535,
        aliases=("--ssl-port",),
    )
    ssl_certificate_file: str | None = _https("the server's certificate", "FILE", kind=FILE)
    ssl_certificate_key_file: str | None = _https(
        "the private key of the certificate", "FILE", kind=FILE
    )
    ssl_certificate: str | None = _https(
        "path without extension of certificate (.crt) and key (.key)", "PREFIX", kind=FILE
    )
    ssl_ca_certificate_file: str | None = _https(
        "certificate of the authority that signs clients' certificates, which are then required",
        "FILE",
        kind=FILE,
    )
    ssl_verify_client: list[str] = _https(
        "require a client's certificate only below this URL path",
        "URL-PATH",
        repeatable=True,
        needs=("ssl_ca_certificate_file",),
    )
    ssl_certificate_chain_file: str | None = _https(
        "certificates between the server's and its root", "FILE", kind=FILE
    )
    ssl_environment: bool = _https(
        "add SSL_* variables to the environ of requests", needs=("https_port",)
    )
    https_only: bool = _https("redirect HTTP to HTTPS", needs=("https_port",))
    hsts_policy: str | None = _https(
        "value of the Strict-Transport-Security header", "PARAMETERS", needs=("https_only",)
    )

    # Capacity

    processes: int | None = _capacity(
        "number of daemon processes; when given, wsgi.multiprocess is true",
        "NUMBER",
        kind=INTEGER,
        minimum=1,
        default_text="1",
    )
    threads: int = _capacity(
        "threads that handle requests in each process",
        "NUMBER",
        kind=INTEGER,
        default=5,
        minimum=1,
        maximum=65533,
    )
    max_clients: int | None = _capacity(
        "connections that httpd handles at the same time, at least",
        "NUMBER",
        kind=INTEGER,
        minimum=1,
        default_text="derived from --processes and --threads",
        **_DAEMON_ONLY,
    )
    initial_workers: float | None = _capacity(
        "fraction of httpd's capacity started at first",
        "FRACTION",
        kind=NUMBER,
        minimum=0,
        maximum=1,
        default_text="0.2, prefork 0.05",
        **_DAEMON_ONLY,
    )
    minimum_spare_workers: float | None = _capacity(
        "fraction of httpd's capacity that is kept idle, at least",
        "FRACTION",
        kind=NUMBER,
        minimum=0,
        maximum=1,
        default_text="as --initial-workers",
        **_DAEMON_ONLY,
    )
    maximum_spare_workers: float | None = _capacity(
        "fraction of httpd's capacity that is kept idle, at most",
        "FRACTION",
        kind=NUMBER,
        minimum=0,
        maximum=1,
        default_text="0.6, prefork 0.1",
        **_DAEMON_ONLY,
    )
    server_backlog: int = _capacity(
        "connections that wait for httpd", "NUMBER", kind=INTEGER, default=500, minimum=1
    )
    daemon_backlog: int = _capacity(
        "connections that wait for the daemon processes",
        "NUMBER",
        kind=INTEGER,
        default=100,
        minimum=0,
        **_DAEMON_ONLY,
    )
    maximum_requests: int = _capacity(
        "requests after which a process is replaced; 0 is never",
        "NUMBER",
        kind=INTEGER,
        default=0,
        minimum=0,
    )
    server_mpm: list[str] = _capacity(
        "processing model that httpd may use (event, worker, prefork)",
        "NAME",
        repeatable=True,
        choices=("event", "worker", "prefork"),
        default_text="the first one installed",
    )

    # Time limits

    startup_timeout: int = _time(
        "seconds in which the application must load",
        "SECONDS",
        kind=INTEGER,
        default=15,
        minimum=0,
        **_DAEMON_ONLY,
    )
    shutdown_timeout: int = _time(
        "seconds a process may take to stop",
        "SECONDS",
        kind=INTEGER,
        default=5,
        minimum=0,
        **_DAEMON_ONLY,
    )
    restart_interval: int = _time(
        "seconds after which a process is replaced; 0 is never",
        "SECONDS",
        kind=INTEGER,
        default=0,
        minimum=0,
        **_DAEMON_ONLY,
    )
    cpu_time_limit: int = _time(
        "seconds of CPU after which a process is replaced; 0 is never",
        "SECONDS",
        kind=INTEGER,
        default=0,
        minimum=0,
        **_DAEMON_ONLY,
    )
    graceful_timeout: int = _time(
        "seconds that requests get to finish when a process is replaced",
        "SECONDS",
        kind=INTEGER,
        default=15,
        minimum=0,
        **_DAEMON_ONLY,
    )
    eviction_timeout: int = _time(
        "the same, when a process is replaced because of SIGUSR1",
        "SECONDS",
        kind=INTEGER,
        default=0,
        default_text="0, as --graceful-timeout",
        minimum=0,
        **_DAEMON_ONLY,
    )
    deadlock_timeout: int = _time(
        "seconds that Python's interpreter lock may be held before the process is replaced",
        "SECONDS",
        kind=INTEGER,
        default=60,
        minimum=0,
        **_DAEMON_ONLY,
    )
    inactivity_timeout: int = _time(
        "seconds without requests after which a process is replaced; 0 is never",
        "SECONDS",
        kind=INTEGER,
        default=0,
        minimum=0,
        **_DAEMON_ONLY,
    )
    ignore_activity: list[str] = _time(
        "URL path whose requests do not count for --inactivity-timeout",
        "URL-PATH",
        repeatable=True,
        needs=("inactivity_timeout",),
    )
    request_timeout: int = _time(
        "seconds a request may take, averaged over the threads of its process",
        "SECONDS",
        kind=INTEGER,
        default=60,
        minimum=0,
        **_DAEMON_ONLY,
    )
    interrupt_timeout: int = _time(
        "raise RequestTimeout in a request that takes too long, and wait as many seconds before "
        "the process is replaced; 0 replaces it at once",
        "SECONDS",
        kind=INTEGER,
        default=0,
        minimum=0,
        **_DAEMON_ONLY,
    )
    connect_timeout: int = _time(
        "seconds to wait for a daemon process to accept a connection",
        "SECONDS",
        kind=INTEGER,
        default=15,
        minimum=0,
        **_DAEMON_ONLY,
    )
    socket_timeout: int = _time(
        "seconds to wait for a client, or a daemon process, to read or write",
        "SECONDS",
        kind=INTEGER,
        default=60,
        minimum=1,
    )
    response_socket_timeout: int = _time(
        "seconds to wait for a client to take the response",
        "SECONDS",
        kind=INTEGER,
        default=0,
        default_text="0, as --socket-timeout",
        minimum=0,
        **_DAEMON_ONLY,
    )
    queue_timeout: int = _time(
        "seconds a request may wait for a free thread",
        "SECONDS",
        kind=INTEGER,
        default=45,
        minimum=0,
        **_DAEMON_ONLY,
    )
    header_timeout: int = _time(
        "seconds in which the head of a request must arrive; 0 is no limit",
        "SECONDS",
        kind=INTEGER,
        default=15,
        minimum=0,
    )
    header_max_timeout: int = _time(
        "seconds to which --header-timeout is extended while data arrives",
        "SECONDS",
        kind=INTEGER,
        default=30,
        minimum=0,
    )
    header_min_rate: int = _time(
        "bytes that extend --header-timeout by a second",
        "BYTES",
        kind=INTEGER,
        default=500,
        minimum=0,
    )
    body_timeout: int = _time(
        "seconds in which the body of a request must arrive; 0 is no limit",
        "SECONDS",
        kind=INTEGER,
        default=15,
        minimum=0,
    )
    body_max_timeout: int = _time(
        "seconds to which --body-timeout is extended while data arrives; 0 is no limit",
        "SECONDS",
        kind=INTEGER,
        default=0,
        minimum=0,
    )
    body_min_rate: int = _time(
        "bytes that extend --body-timeout by a second",
        "BYTES",
        kind=INTEGER,
        default=500,
        minimum=0,
    )

    # Buffers and connections

    limit_request_body: int = _transfer(
        "bytes that a request body may have; 0 is no limit",
        "BYTES",
        kind=INTEGER,
        default=10485760,
        minimum=0,
    )
    send_buffer_size: int = _transfer(
        "send buffer of the daemon's socket",
        "BYTES",
        kind=INTEGER,
        default=0,
        default_text="0, the system's",
        minimum=512,
        or_zero=True,
        **_DAEMON_ONLY,
    )
    receive_buffer_size: int = _transfer(
        "receive buffer of the daemon's socket",
        "BYTES",
        kind=INTEGER,
        default=0,
        default_text="0, the system's",
        minimum=512,
        or_zero=True,
        **_DAEMON_ONLY,
    )
    header_buffer_size: int = _transfer(
        "bytes that one header of a response may have",
        "BYTES",
        kind=INTEGER,
        default=0,
        default_text="0, 32768",
        minimum=8192,
        or_zero=True,
        **_DAEMON_ONLY,
    )
    response_buffer_size: int = _transfer(
        "bytes of a response after which they are pushed to the client",
        "BYTES",
        kind=INTEGER,
        default=0,
        default_text="0, 8388608",
        minimum=65536,
        or_zero=True,
        **_DAEMON_ONLY,
    )
    response_flush_delay: int = _transfer(
        "milliseconds to wait for more of a response before it is pushed to the client",
        "MILLISECONDS",
        kind=INTEGER,
        default=5,
        minimum=0,
        **_DAEMON_ONLY,
    )
    enable_sendfile: bool = _transfer("let the kernel send files")

    # Processes and Python

    user: str | None = _process(
        "account that the server's processes change to when root starts it",
        "USERNAME",
        default_text="whoever starts it",
    )
    group: str | None = _process(
        "group that the server's processes change to when root starts it",
        "GROUP",
        default_text="the primary group of whoever starts it",
    )
    embedded_mode: bool = _process("run the application in httpd's own processes")
    locale: str | None = _process(
        "locale of the application's processes",
        "NAME",
        default_text="yours, if it is not C, else en_US.UTF-8 or C.UTF-8",
    )
    lang: str | None = _process("older name of --locale", "NAME", hidden=True)
    python_eggs: str | None = _process(
        "directory in which Python unpacks eggs",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="python-eggs in the server root",
    )
    python_warnings: list[str] = _process(
        "filter of Python's warnings, as python -W takes it", "SPEC", repeatable=True
    )
    orphan_interpreter: bool = _process(
        "leave Python as it is at the end of a process, instead of finalising it"
    )
    free_threading: bool = _process("run without the interpreter lock, on a Python built so")
    switch_interval: float | None = _process(
        "seconds after which Python lets another thread run",
        "SECONDS",
        kind=NUMBER,
        above=0,
        default_text="Python's",
    )

    # Static files and responses

    document_root: str | None = _content(
        "directory of static files, which take precedence over the application",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="htdocs in the server root",
    )
    directory_index: str | None = _content(
        "file served for a directory of the document root", "FILENAME"
    )
    directory_listing: bool = _content("list directories of the document root without an index")
    allow_override: list[str] = _content(
        "kind of directives allowed in .htaccess files",
        "TYPE",
        repeatable=True,
        default_text="None",
    )
    url_alias: list[Pair] = _content(
        "URL path, and file or directory that is served there",
        "URL-PATH",
        "PATH",
        kind=FILE,
        repeatable=True,
    )
    error_document: list[Pair] = _content(
        "status, and URL or text of the error page for it", "STATUS", "URL-PATH", repeatable=True
    )
    error_override: bool = _content(
        "replace error pages of the application by those of --error-document"
    )
    compress_responses: bool = _content("compress responses of common textual types")
    with_cgi: bool = _content("run .cgi files of the document root as CGI programs")
    with_php5: bool = _content("run .php files of the document root with PHP 5", hidden=True)
    enable_docs: bool = _content("serve the documentation at /__wsgi__/docs")

    # Proxying

    proxy_mount_point: list[Pair] = _proxy(
        "URL path, and URL of another server that answers there",
        "URL-PATH",
        "URL",
        repeatable=True,
        aliases=("--proxy-url-alias",),
    )
    proxy_virtual_host: list[Pair] = _proxy(
        "host name, and URL of another server that answers for it",
        "HOSTNAME",
        "URL",
        repeatable=True,
    )
    proxy_timeout: int | None = _proxy(
        "seconds to wait for the other server",
        "SECONDS",
        kind=INTEGER,
        minimum=0,
        default_text="as --socket-timeout",
        needs=("proxy_mount_point", "proxy_virtual_host"),
    )
    trust_proxy_header: list[str] = _proxy(
        "request header by which a proxy in front tells about the client, such as X-Forwarded-For",
        "NAME",
        repeatable=True,
    )
    trust_proxy: list[str] = _proxy(
        "address or subnet of a proxy whose headers are believed",
        "IP-ADDRESS|SUBNET",
        repeatable=True,
        default_text="every peer's are",
        needs=("trust_proxy_header",),
    )

    # Access control

    host_access_script: str | None = _access(
        "script with allow_access, which decides by the client's host", "SCRIPT", kind=FILE
    )
    auth_user_script: str | None = _access(
        "script with check_password or get_realm_hash, which authenticates users",
        "SCRIPT",
        kind=FILE,
    )
    auth_type: str = _access(
        "how users authenticate",
        "TYPE",
        default="Basic",
        choices=("Basic", "Digest"),
        needs=("auth_user_script",),
    )
    auth_group_script: str | None = _access(
        "script with groups_for_user; users must be in --auth-group",
        "SCRIPT",
        kind=FILE,
    )
    auth_group: str = _access(
        "group that users must be in", "NAME", default="wsgi", needs=("auth_group_script",)
    )

    # Service scripts

    service_script: list[Pair] = _service(
        "name, and Python script that runs in a daemon process of its own",
        "SERVICE",
        "SCRIPT",
        kind=FILE,
        repeatable=True,
    )
    service_user: list[Pair] = _service(
        "name of a service, and account it runs as when root starts the server",
        "SERVICE",
        "USERNAME",
        repeatable=True,
        needs=("service_script",),
    )
    service_group: list[Pair] = _service(
        "name of a service, and group it runs as when root starts the server",
        "SERVICE",
        "GROUP",
        repeatable=True,
        needs=("service_script",),
    )
    service_log_file: list[Pair] = _service(
        "name of a service, and name of its own log file",
        "SERVICE",
        "FILENAME",
        repeatable=True,
        needs=("service_script",),
    )

    # Metrics and telemetry

    server_metrics: bool = _metrics("let the application read httpd's scoreboard")
    server_status: bool = _metrics("serve httpd's status at /server-status, to this machine")
    telemetry_service: str | None = _metrics("socket that telemetry is sent to", "unix:PATH")
    enable_telemetry: bool = _metrics("run a collector of telemetry with a web page")
    telemetry_ui_port: int = _metrics(
        "port of the collector's web page, on 127.0.0.1",
        "NUMBER",
        kind=INTEGER,
        default=8888,
        minimum=1,
        maximum=65535,
        needs=("enable_telemetry",),
    )
    telemetry_interval: float = _metrics(
        "seconds between reports, at least 0.5",
        "SECONDS",
        kind=NUMBER,
        default=1.0,
        minimum=0.5,
        needs=("telemetry_service", "enable_telemetry"),
    )
    telemetry_options: list[str] = _metrics(
        "flags of WSGITelemetryOptions",
        "FLAGS",
        repeatable=True,
        needs=("telemetry_service", "enable_telemetry"),
    )
    slow_requests: float | None = _metrics(
        "seconds after which a request is reported as slow", "SECONDS", kind=NUMBER, minimum=0
    )

    # Files and programs

    server_root: str | None = _files(
        "directory for the generated files",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="mod_wsgi-HOST:PORT:UID in $TMPDIR or /tmp",
    )
    pid_file: str | None = _files(
        "file that holds httpd's process id",
        "FILE",
        kind=FILE,
        default_text="httpd.pid in the server root",
    )
    socket_prefix: str | None = _files(
        "directory for sockets", "DIRECTORY", kind=DIRECTORY, default_text="the server root"
    )
    include_file: list[str] = _files(
        "httpd configuration to include last", "FILE", kind=FILE, repeatable=True
    )
    rewrite_rules: str | None = _files(
        "rules of mod_rewrite for the document root",
        "FILE",
        kind=FILE,
        default_text="rewrite.conf in the server root",
    )
    envvars_script: str | None = _files(
        "shell script that sets the server's environment",
        "FILE",
        kind=FILE,
        default_text="envvars in the server root",
    )
    mime_types: str | None = _files(
        "table of MIME types by extension",
        "FILE",
        kind=FILE,
        default_text="the system's",
    )
    httpd_executable: str | None = _files(
        "httpd program; the environment variable HTTPD takes precedence",
        "FILE",
        kind=FILE,
        default_text="that of the build",
    )
    modules_directory: str | None = _files(
        "directory of httpd's modules",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="that of the build",
    )
    rotatelogs_executable: str | None = _files(
        "rotatelogs program", "FILE", kind=FILE, default_text="that of the build"
    )
    shell_executable: str | None = _files(
        "shell that runs apachectl", "FILE", kind=FILE, default_text="bash, else sh"
    )
    process_name: str | None = _files(
        "name of the httpd processes in lists of processes",
        "NAME",
        default_text="HTTPD (mod_wsgi-express)",
    )
    setup_only: bool = _files("generate the files and do not start the server")

    # Logs

    log_directory: str | None = _logs(
        "directory for log files", "DIRECTORY", kind=DIRECTORY, default_text="the server root"
    )
    log_level: str = _logs("LogLevel, such as info or warn wsgi:debug", "LEVEL", default="warn")
    access_log: bool = _logs("write an access log")
    access_log_name: str = _logs(
        "name of the access log", "FILENAME", default="access_log", needs=("access_log",)
    )
    access_log_format: str = _logs(
        "common, combined, or a format of httpd's LogFormat",
        "FORMAT",
        default="common",
        needs=("access_log",),
    )
    error_log_name: str = _logs("name of the error log", "FILENAME", default="error_log")
    error_log_format: str | None = _logs(
        "a format of httpd's ErrorLogFormat", "FORMAT", default_text="httpd's"
    )
    startup_log: bool = _logs("write what httpd says while it starts to a log")
    startup_log_name: str = _logs(
        "name of the startup log", "FILENAME", default="startup_log", needs=("startup_log",)
    )
    log_to_terminal: bool = _logs("write logs to the terminal", useless_with=("log_directory",))
    rotate_logs: bool = _logs("start a new log file when one is full")
    max_log_size: int = _logs(
        "megabytes after which a log file is full",
        "MB",
        kind=INTEGER,
        default=5,
        minimum=1,
        needs=("rotate_logs",),
    )
    verbose_debugging: bool = _logs("WSGIVerboseDebugging, without effect", hidden=True)

    # Debugging

    debug_mode: bool = _debug("one process and one thread, on the terminal")
    enable_debugger: bool = _debug("start pdb when the application raises; implies --debug-mode")
    debugger_startup: bool = _debug("start pdb also when the application was loaded")
    enable_coverage: bool = _debug(
        "measure the coverage of the application's code; implies --debug-mode"
    )
    coverage_directory: str | None = _debug(
        "directory for the report of coverage",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="htmlcov in the server root",
        needs=("enable_coverage",),
    )
    enable_profiler: bool = _debug("profile the application; implies --debug-mode")
    profiler_directory: str | None = _debug(
        "directory for profiles",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="pstats in the server root",
        needs=("enable_profiler",),
    )
    enable_recorder: bool = _debug("record requests and responses; implies --debug-mode")
    recorder_directory: str | None = _debug(
        "directory for records",
        "DIRECTORY",
        kind=DIRECTORY,
        default_text="archive in the server root",
        needs=("enable_recorder",),
    )
    enable_gdb: bool = _debug("run httpd under gdb; implies --debug-mode")
    gdb_executable: str = _debug(
        "gdb program", "FILE", kind=FILE, default="gdb", needs=("enable_gdb",)
    )


def _table() -> tuple[Option, ...]:
    return tuple(
        dataclasses.replace(field.metadata["option"], name=field.name)
        for field in dataclasses.fields(Options)
    )


OPTIONS = _table()
"""Every option, in the order of the help."""

BY_NAME = {option.name: option for option in OPTIONS}


def groups() -> dict[str, list[Option]]:
    """Options by the heading they stand under, hidden ones too."""
    result: dict[str, list[Option]] = {}
    for option in OPTIONS:
        result.setdefault(option.group, []).append(option)
    return result


def from_namespace(namespace: object) -> Options:
    """The options of what a parser returned; other attributes of it are left out."""
    values = {}
    for option in OPTIONS:
        value = getattr(namespace, option.name, None)
        if option.repeatable:
            value = [tuple(each) if isinstance(each, list) else each for each in value or []]
        values[option.name] = option.default if value is None else value
    return Options(**values)


def add_to_parser(parser: argparse.ArgumentParser) -> None:
    """Declares every option on an argparse parser, as `manage.py runmodwsgi` has it."""
    for title, options in groups().items():
        group = parser.add_argument_group(title)
        for option in options:
            group.add_argument(*option.flags, **_argparse_facts(option))


def _argparse_facts(option: Option) -> dict[str, Any]:
    text = argparse.SUPPRESS if option.hidden else help_text(option).replace("%", "%%")
    facts: dict[str, Any] = {"dest": option.name, "help": text}
    if not option.takes_value:
        return facts | {"action": "store_true", "default": False}
    many = len(option.metavar) > 1
    # A metavar that is a tuple is printed wrongly where only one value is taken.
    facts["metavar"] = option.metavar if many else option.metavar[0]
    facts["type"] = _argparse_type(option)
    if many:
        facts["nargs"] = len(option.metavar)
    if option.repeatable:
        return facts | {"action": "append", "default": None}
    return facts | {"default": option.default}


def _argparse_type(option: Option) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return option.convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def help_text(option: Option) -> str:
    """What the help says of an option, with its default."""
    text = option.help[0].upper() + option.help[1:]
    facts = []
    if option.choices and not option.repeatable:
        facts.append(f"one of {', '.join(option.choices)}")
    if option.repeatable:
        facts.append("may be given several times")
    if option.shown_default:
        facts.append(f"default: {option.shown_default}")
    return f"{text} ({'; '.join(facts)})." if facts else f"{text}."
