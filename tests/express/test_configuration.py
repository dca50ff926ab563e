"""What each option changes in httpd.conf, compared with a server without it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from configuration import control_script, difference, effective, make_site
from mod_wsgi.express.errors import ConfigurationError
from mod_wsgi.express.option import Option
from mod_wsgi.express.options import OPTIONS

DAEMON = "WSGIDaemonProcess localhost:8000: "
HANDLER = "WSGIHandlerScript wsgi-handler ROOT/handler.wsgi"
IMPORT = "WSGIImportScript ROOT/handler.wsgi"
DOCROOT = "Directory ROOT/htdocs: "
HOST = "VirtualHost *:8000: "
TLS = ("--https-port", "8443", "--ssl-certificate", "/srv/tls/site")
SECURE = "VirtualHost *:8443: "


@dataclass(frozen=True)
class Case:
    words: tuple[str, ...]
    added: list[str]
    removed: list[str] = field(default_factory=list)
    base: tuple[str, ...] = ()
    """Given in both, for what an option needs."""


def case(
    words: str,
    *added: str,
    removed: tuple[str, ...] = (),
    base: tuple[str, ...] = (),
) -> Case:
    return Case(tuple(words.split()), list(added), list(removed), base)


def module(name: str) -> str:
    return f"IfModule !mod_{name}.c: LoadModule {name}_module MODULES/mod_{name}.so"


def setting(option: str, value: int, name: str = "") -> Case:
    """An option of the launcher that is an option of the process group."""
    name = name or option
    default = {each.flag: each.default for each in OPTIONS}[f"--{option}"]
    return case(
        f"--{option} {value}", f"{DAEMON}{name}={value}", removed=(f"{DAEMON}{name}={default}",)
    )


def with_log(lines: str) -> tuple[str, ...]:
    return tuple(lines.split())


CASES = [
    # Application
    case(
        "--application-group app",
        f"{HANDLER} process-group=localhost:8000 application-group=app",
        f"{IMPORT} process-group=localhost:8000 application-group=app",
        removed=(
            f"{HANDLER} process-group=localhost:8000 application-group=%{{GLOBAL}}",
            f"{IMPORT} process-group=localhost:8000 application-group=%{{GLOBAL}}",
        ),
    ),
    case(
        "--application-group %{RESOURCE}",
        f"{HANDLER} process-group=localhost:8000 application-group=%{{RESOURCE}}",
        removed=(
            f"{HANDLER} process-group=localhost:8000 application-group=%{{GLOBAL}}",
            f"{IMPORT} process-group=localhost:8000 application-group=%{{GLOBAL}}",
        ),
    ),
    case(
        "--disable-reloading",
        "WSGIScriptReloading Off",
    ),
    case("--setenv NAME value", "SetEnv NAME value"),
    case("--passenv NAME --passenv OTHER", "PassEnv NAME", "PassEnv OTHER"),
    case(
        "--python-path /srv/lib --python-path /srv/more",
        f"{DAEMON}python-path=/srv/lib:/srv/more",
    ),
    case(
        "--working-directory /srv/other",
        f"{DAEMON}home=/srv/other",
        removed=(f"{DAEMON}home=/srv/app",),
    ),
    case("--map-head-to-get on", "WSGIMapHEADToGET On", removed=("WSGIMapHEADToGET Auto",)),
    case("--chunked-request", "WSGIChunkedRequest On"),
    case(
        "--add-handler .txt /srv/text.wsgi --add-handler .md /srv/markdown.wsgi",
        "WSGIHandlerScript wsgi-resource ROOT/resource.wsgi process-group=localhost:8000 "
        "application-group=%{GLOBAL}",
        f"{DOCROOT}AddHandler wsgi-resource .txt",
        f"{DOCROOT}AddHandler wsgi-resource .md",
    ),
    # Listener and host names
    case("--keep-alive-timeout 7", "KeepAliveTimeout 7", removed=("KeepAliveTimeout 2",)),
    case(
        "--keep-alive-timeout 0",
        "KeepAlive Off",
        removed=("KeepAlive On", "KeepAliveTimeout 2"),
    ),
    case("--http2", module("http2"), "Protocols h2 h2c http/1.1"),
    case(
        "--server-name site.example --server-alias *.site.example --server-alias other.example",
        f"{HOST}ServerName _wsgi_",
        f"{HOST}Location /: Require all denied",
        f"{HOST}ServerName site.example",
        f"{HOST}ServerAlias *.site.example other.example",
        removed=(f"{HOST}ServerName localhost",),
    ),
    case(
        "--server-name www.site.example",
        f"{HOST}ServerName _wsgi_",
        f"{HOST}Location /: Require all denied",
        f"{HOST}ServerName www.site.example",
        f"{HOST}ServerName site.example",
        f"{HOST}Redirect permanent / http://www.site.example:8000/",
        removed=(f"{HOST}ServerName localhost",),
    ),
    case(
        "--allow-localhost",
        f"{HOST}Location /: Require local",
        removed=(f"{HOST}Location /: Require all denied",),
        base=("--server-name", "site.example"),
    ),
    # HTTPS
    case(
        " ".join(TLS),
        "Listen 8443",
        module("socache_shmcb"),
        module("ssl"),
        "SSLSessionCache shmcb:ROOT/ssl-sessions(512000)",
        f"{SECURE}ServerName localhost",
        f"{SECURE}SSLEngine On",
        f"{SECURE}SSLCertificateFile /srv/tls/site.crt",
        f"{SECURE}SSLCertificateKeyFile /srv/tls/site.key",
    ),
    case(
        "--ssl-port 8443 --ssl-certificate-file /srv/a.pem --ssl-certificate-key-file /srv/b.pem",
        "Listen 8443",
        module("socache_shmcb"),
        module("ssl"),
        "SSLSessionCache shmcb:ROOT/ssl-sessions(512000)",
        f"{SECURE}ServerName localhost",
        f"{SECURE}SSLEngine On",
        f"{SECURE}SSLCertificateFile /srv/a.pem",
        f"{SECURE}SSLCertificateKeyFile /srv/b.pem",
    ),
    case(
        "--ssl-ca-certificate-file /srv/ca.pem",
        f"{SECURE}SSLCACertificateFile /srv/ca.pem",
        f"{SECURE}SSLVerifyClient optional",
        f"{SECURE}SSLVerifyDepth 1",
        f"{SECURE}Location /: AuthMerging And",
        f"{SECURE}Location /: Require expr %{{SSL_CLIENT_VERIFY}} == 'SUCCESS'",
        base=TLS,
    ),
    case(
        "--ssl-verify-client /admin --ssl-verify-client /admin/deep",
        f"{SECURE}Location /admin/deep: AuthMerging And",
        f"{SECURE}Location /admin/deep: Require expr %{{SSL_CLIENT_VERIFY}} == 'SUCCESS'",
        f"{SECURE}Location /admin: AuthMerging And",
        f"{SECURE}Location /admin: Require expr %{{SSL_CLIENT_VERIFY}} == 'SUCCESS'",
        removed=(
            f"{SECURE}Location /: AuthMerging And",
            f"{SECURE}Location /: Require expr %{{SSL_CLIENT_VERIFY}} == 'SUCCESS'",
        ),
        base=(*TLS, "--ssl-ca-certificate-file", "/srv/ca.pem"),
    ),
    case(
        "--ssl-certificate-chain-file /srv/chain.pem",
        f"{SECURE}SSLCertificateChainFile /srv/chain.pem",
        base=TLS,
    ),
    case("--ssl-environment", f"{SECURE}SSLOptions +StdEnvVars", base=TLS),
    case(
        "--https-only",
        f"{HOST}RewriteEngine On",
        f"{HOST}RewriteRule ^ https://site.example:8443%{{REQUEST_URI}} [R=302,L]",
        base=(*TLS, "--server-name", "site.example"),
    ),
    case(
        "--https-only",
        f"{HOST}RewriteEngine On",
        f"{HOST}RewriteRule ^ https://%{{SERVER_NAME}}:8443%{{REQUEST_URI}} [R=302,L]",
        base=TLS,
    ),
    case(
        "--hsts-policy max-age=60",
        f"{SECURE}Header always set Strict-Transport-Security max-age=60",
        base=(*TLS, "--https-only"),
    ),
    # Capacity
    case("--processes 1", f"{DAEMON}processes=1"),
    case(
        "--server-backlog 7",
        "ListenBacklog 7",
        removed=("ListenBacklog 500",),
    ),
    setting("daemon-backlog", 7, "listen-backlog"),
    setting("maximum-requests", 100),
    case(
        "--server-mpm prefork",
        "IfModule !mpm_prefork_module: IfModule !mpm_worker_module: "
        "IfModule !mpm_event_module: LoadModule mpm_prefork_module MODULES/mod_mpm_prefork.so",
        removed=(
            "IfModule !mpm_prefork_module: IfModule !mpm_worker_module: "
            "IfModule !mpm_event_module: LoadModule mpm_event_module MODULES/mod_mpm_event.so",
        ),
    ),
    # Time limits
    setting("startup-timeout", 7),
    setting("shutdown-timeout", 7),
    setting("restart-interval", 7),
    setting("cpu-time-limit", 7),
    setting("graceful-timeout", 7),
    setting("eviction-timeout", 7),
    setting("deadlock-timeout", 7),
    setting("inactivity-timeout", 7),
    setting("request-timeout", 7),
    setting("interrupt-timeout", 7),
    setting("connect-timeout", 7),
    setting("queue-timeout", 7),
    setting("response-socket-timeout", 7),
    case(
        "--socket-timeout 7",
        "Timeout 7",
        f"{DAEMON}socket-timeout=7",
        removed=("Timeout 60", f"{DAEMON}socket-timeout=60"),
    ),
    case(
        "--ignore-activity /ping --ignore-activity health",
        "Location /ping: WSGIIgnoreActivity On",
        "Location /health: WSGIIgnoreActivity On",
        base=("--inactivity-timeout", "60"),
    ),
    *(
        case(
            words,
            f"RequestReadTimeout {limits}",
            removed=("RequestReadTimeout header=15-30,MinRate=500 body=15,MinRate=500",),
        )
        for words, limits in {
            "--header-timeout 7": "header=7-30,MinRate=500 body=15,MinRate=500",
            "--header-timeout 0": "header=0 body=15,MinRate=500",
            "--header-max-timeout 0": "header=15,MinRate=500 body=15,MinRate=500",
            "--header-min-rate 0": "header=15-30 body=15,MinRate=500",
            "--body-timeout 7": "header=15-30,MinRate=500 body=7,MinRate=500",
            "--body-timeout 0": "header=15-30,MinRate=500 body=0",
            "--body-max-timeout 99": "header=15-30,MinRate=500 body=15-99,MinRate=500",
            "--body-min-rate 7": "header=15-30,MinRate=500 body=15,MinRate=7",
        }.items()
    ),
    # Buffers and connections
    case("--limit-request-body 7", "LimitRequestBody 7", removed=("LimitRequestBody 10485760",)),
    setting("send-buffer-size", 4096),
    setting("receive-buffer-size", 4096),
    setting("header-buffer-size", 65536),
    setting("response-buffer-size", 65536),
    setting("response-flush-delay", 7),
    case("--enable-sendfile", "EnableSendfile On", "WSGIEnableSendfile On"),
    # Processes and Python
    case(
        "--locale de_DE.UTF-8",
        f"{DAEMON}lang=de_DE.UTF-8",
        f"{DAEMON}locale=de_DE.UTF-8",
        removed=(f"{DAEMON}lang=C.UTF-8", f"{DAEMON}locale=C.UTF-8"),
    ),
    case(
        "--python-eggs /srv/eggs",
        f"{DAEMON}python-eggs=/srv/eggs",
        removed=(f"{DAEMON}python-eggs=ROOT/python-eggs",),
    ),
    case(
        "--python-warnings default --python-warnings error::UserWarning",
        "WSGIPythonWarnings default",
        "WSGIPythonWarnings error::UserWarning",
    ),
    case("--orphan-interpreter", "WSGIDestroyInterpreter Off"),
    case("--switch-interval 0.25", "WSGISwitchInterval 0.25", f"{DAEMON}switch-interval=0.25"),
    # Static files and responses
    case(
        "--document-root /srv/static",
        "DocumentRoot /srv/static",
        *(
            line.replace("ROOT/htdocs", "/srv/static")
            for line in effective(make_site("app.wsgi"))
            if "Directory ROOT/htdocs" in line
        ),
        removed=(
            "DocumentRoot ROOT/htdocs",
            *(line for line in effective(make_site("app.wsgi")) if "Directory ROOT/htdocs" in line),
        ),
    ),
    case(
        "--directory-index index.html",
        f"{DOCROOT}DirectoryIndex index.html",
        "Directory ROOT/htdocs/: RewriteCond %{REQUEST_FILENAME} !-d",
    ),
    case("--directory-listing", module("autoindex"), f"{DOCROOT}Options +Indexes"),
    case(
        "--allow-override FileInfo --allow-override Limit",
        "Directory ROOT: AllowOverride FileInfo Limit",
        f"{DOCROOT}AllowOverride FileInfo Limit",
        removed=("Directory ROOT: AllowOverride None", f"{DOCROOT}AllowOverride None"),
    ),
    case(
        "--mount-point api",
        *(
            "Directory ROOT/htdocs/api: " + line
            for line in (
                "DirectoryCheckHandler On",
                "RewriteEngine On",
                "RewriteCond %{REQUEST_FILENAME} !-f",
                "RewriteRule .* - [H=wsgi-handler]",
            )
        ),
        removed=tuple(
            "Directory ROOT/htdocs/: " + line
            for line in (
                "DirectoryCheckHandler On",
                "RewriteEngine On",
                "RewriteCond %{REQUEST_FILENAME} !-f",
                "RewriteRule .* - [H=wsgi-handler]",
            )
        ),
    ),
    case(
        f"--url-alias /a /srv/a --url-alias /a/b /srv/b/ --url-alias c/ /srv/c "
        f"--url-alias /me {__file__}",
        f"Alias /me {__file__}",
        f"Directory {__file__.rpartition('/')[0]}: Files test_configuration.py: "
        "Require all granted",
        "Alias /c/ /srv/c/",
        "Directory /srv/c/: AllowOverride None",
        "Directory /srv/c/: Require all granted",
        "Alias /a/b /srv/b/",
        "Directory /srv/b/: AllowOverride None",
        "Directory /srv/b/: Require all granted",
        "Alias /a /srv/a",
        "Directory /srv/a: AllowOverride None",
        "Directory /srv/a: Require all granted",
    ),
    case("--error-document 404 /404.html", "ErrorDocument 404 /404.html"),
    case("--error-override", "WSGIErrorOverride On"),
    case(
        "--compress-responses",
        module("deflate"),
        "AddOutputFilterByType DEFLATE text/plain text/html text/xml text/css text/javascript "
        "application/xhtml+xml application/javascript application/json",
    ),
    case(
        "--with-cgi",
        module("cgid"),
        f"{DOCROOT}Options +ExecCGI",
        f"{DOCROOT}AddHandler cgi-script .cgi",
    ),
    # Proxying
    case(
        "--proxy-mount-point /up http://127.0.0.1:9000/app",
        module("proxy"),
        module("proxy_http"),
        "LocationMatch ^/up$: Redirect 302 %{REQUEST_SCHEME}://%{HTTP_HOST}%{REQUEST_URI}/",
        "ProxyPass /up/ http://127.0.0.1:9000/app/ upgrade=websocket",
        "ProxyPassReverse /up/ http://127.0.0.1:9000/app/",
        "Location /up/: RequestHeader set X-Forwarded-Port expr=%{SERVER_PORT}",
        "Location /up/: RequestHeader unset X-Forwarded-Scheme",
        "Location /up/: RequestHeader set X-Forwarded-Scheme https expr=%{HTTPS} == 'on'",
        "Location /up/: RequestHeader set X-Forwarded-Prefix /up",
    ),
    case(
        "--proxy-url-alias /up/ unix:/run/up.sock|http://up/",
        module("proxy"),
        module("proxy_http"),
        "ProxyPass /up/ unix:/run/up.sock|http://up/ upgrade=websocket",
        "ProxyPassReverse /up/ unix:/run/up.sock|http://up/",
        "Location /up/: RequestHeader set X-Forwarded-Port expr=%{SERVER_PORT}",
        "Location /up/: RequestHeader unset X-Forwarded-Scheme",
        "Location /up/: RequestHeader set X-Forwarded-Scheme https expr=%{HTTPS} == 'on'",
        "Location /up/: RequestHeader set X-Forwarded-Prefix /up",
    ),
    case(
        "--proxy-virtual-host other.example http://127.0.0.1:9000",
        module("proxy"),
        module("proxy_http"),
        f"{HOST}ServerName other.example",
        f"{HOST}ProxyPass / http://127.0.0.1:9000/ upgrade=websocket",
        f"{HOST}ProxyPassReverse / http://127.0.0.1:9000/",
        f"{HOST}RequestHeader set X-Forwarded-Port expr=%{{SERVER_PORT}}",
        f"{HOST}RequestHeader unset X-Forwarded-Scheme",
        f"{HOST}RequestHeader set X-Forwarded-Scheme https expr=%{{HTTPS}} == 'on'",
    ),
    case(
        "--proxy-timeout 7",
        "ProxyTimeout 7",
        base=("--proxy-mount-point", "/up", "http://127.0.0.1:9000"),
    ),
    case(
        "--trust-proxy-header X-Forwarded-For --trust-proxy-header X-Forwarded-Host",
        "WSGITrustedProxyHeaders X-Forwarded-For X-Forwarded-Host",
    ),
    case(
        "--trust-proxy 10.0.0.0/8 --trust-proxy ::1",
        "WSGITrustedProxies 10.0.0.0/8 ::1",
        base=("--trust-proxy-header", "X-Forwarded-For"),
    ),
    # Access control
    case("--host-access-script /srv/access.py", "Location /: WSGIAccessScript /srv/access.py"),
    case(
        "--auth-user-script /srv/auth.py",
        module("auth_basic"),
        module("auth_digest"),
        module("authz_user"),
        "Location /: AuthType Basic",
        "Location /: AuthName localhost:8000",
        "Location /: AuthBasicProvider wsgi",
        "Location /: WSGIAuthUserScript /srv/auth.py",
        "Location /: RequireAll: Require valid-user",
    ),
    case(
        "--auth-type digest",
        "Location /: AuthType Digest",
        "Location /: AuthDigestProvider wsgi",
        removed=("Location /: AuthType Basic", "Location /: AuthBasicProvider wsgi"),
        base=("--auth-user-script", "/srv/auth.py"),
    ),
    case(
        "--auth-group-script /srv/groups.py --auth-group staff",
        "Location /: WSGIAuthGroupScript /srv/groups.py",
        "Location /: RequireAll: Require wsgi-group staff",
        base=("--auth-user-script", "/srv/auth.py"),
    ),
    # Service scripts
    case(
        "--service-script jobs /srv/jobs.py --service-user jobs daemon --service-group jobs adm",
        *(
            f"WSGIDaemonProcess service:jobs{option}"
            for option in (
                "",
                ": display-name=(wsgi:service:jobs)",
                ": user=daemon",
                ": group=adm",
                ": home=/srv/app",
                ": threads=0",
                ": python-eggs=ROOT/python-eggs",
                ": lang=C.UTF-8",
                ": locale=C.UTF-8",
                ": server-metrics=Off",
            )
        ),
        "WSGIImportScript /srv/jobs.py process-group=service:jobs application-group=%{GLOBAL}",
    ),
    case(
        "--service-log-file jobs jobs_log",
        *(
            "VirtualHost 127.0.0.1:1: " + line
            for line in (
                "ServerName service-jobs.invalid",
                "ErrorLog ROOT/jobs_log",
                *(
                    f"WSGIDaemonProcess service:jobs{option}"
                    for option in (
                        "",
                        ": display-name=(wsgi:service:jobs)",
                        ": user=${MOD_WSGI_USER}",
                        ": group=${MOD_WSGI_GROUP}",
                        ": home=/srv/app",
                        ": threads=0",
                        ": python-eggs=ROOT/python-eggs",
                        ": lang=C.UTF-8",
                        ": locale=C.UTF-8",
                        ": server-metrics=Off",
                    )
                ),
                "WSGIImportScript /srv/jobs.py process-group=service:jobs "
                "application-group=%{GLOBAL}",
            )
        ),
        removed=(
            *(
                f"WSGIDaemonProcess service:jobs{option}"
                for option in (
                    "",
                    ": display-name=(wsgi:service:jobs)",
                    ": user=${MOD_WSGI_USER}",
                    ": group=${MOD_WSGI_GROUP}",
                    ": home=/srv/app",
                    ": threads=0",
                    ": python-eggs=ROOT/python-eggs",
                    ": lang=C.UTF-8",
                    ": locale=C.UTF-8",
                    ": server-metrics=Off",
                )
            ),
            "WSGIImportScript /srv/jobs.py process-group=service:jobs application-group=%{GLOBAL}",
        ),
        base=("--service-script", "jobs", "/srv/jobs.py"),
    ),
    # Metrics and telemetry
    case(
        "--server-metrics",
        module("status"),
        f"{DAEMON}server-metrics=On",
        "WSGIServerMetrics On",
        "ExtendedStatus On",
        removed=(f"{DAEMON}server-metrics=Off",),
    ),
    case(
        "--server-status",
        module("status"),
        "Directory ROOT/htdocs/: RewriteCond %{REQUEST_URI} !/server-status",
        "Location /server-status: SetHandler server-status",
        "Location /server-status: Require local",
    ),
    case(
        "--telemetry-service unix:/run/telemetry.sock",
        "WSGITelemetryService unix:/run/telemetry.sock interval=1",
    ),
    case(
        "--telemetry-interval 2.5",
        "WSGITelemetryService unix:/run/t.sock interval=2.5",
        removed=("WSGITelemetryService unix:/run/t.sock interval=1",),
        base=("--telemetry-service", "unix:/run/t.sock"),
    ),
    case(
        "--slow-requests 0.5",
        "WSGISlowRequests 0.5",
        base=("--telemetry-service", "unix:/run/t.sock"),
    ),
    case(
        "--telemetry-options +CaptureUserAgent --telemetry-options None",
        "WSGITelemetryOptions +CaptureUserAgent",
        "WSGITelemetryOptions None",
        base=("--telemetry-service", "unix:/run/t.sock"),
    ),
    # Files and programs
    case("--pid-file /run/x.pid", "PidFile /run/x.pid", removed=("PidFile ROOT/httpd.pid",)),
    case(
        "--socket-prefix /run/x",
        "WSGISocketPrefix /run/x/wsgi",
        removed=("WSGISocketPrefix ROOT/wsgi",),
    ),
    case("--include-file /srv/b --include-file /srv/a", "Include /srv/b", "Include /srv/a"),
    case(
        "--rewrite-rules /srv/rules",
        f"{DOCROOT}Include /srv/rules",
        removed=(f"{DOCROOT}Include ROOT/rewrite.conf",),
    ),
    case(
        "--mime-types /srv/types",
        "TypesConfig /srv/types",
        removed=(f"TypesConfig {make_site().mime_types}",),
    ),
    # Logs
    case(
        "--log-directory /var/x",
        "ErrorLog /var/x/error_log",
        removed=("ErrorLog ROOT/error_log",),
    ),
    Case(("--log-level", "info wsgi:debug"), ["LogLevel info wsgi:debug"], ["LogLevel warn"]),
    case(
        "--access-log",
        module("log_config"),
        r"LogFormat %h %l %u %t \%r\ %>s %b common",
        r"LogFormat %h %l %u %t \%r\ %>s %b \%{Referer}i\ \%{User-agent}i\ combined",
        r"CustomLog ROOT/access_log %h %l %u %t \%r\ %>s %b",
    ),
    case(
        "--access-log-name a_log",
        r"CustomLog ROOT/a_log %h %l %u %t \%r\ %>s %b",
        removed=(r"CustomLog ROOT/access_log %h %l %u %t \%r\ %>s %b",),
        base=("--access-log",),
    ),
    case(
        "--access-log-format combined",
        r"CustomLog ROOT/access_log %h %l %u %t \%r\ %>s %b \%{Referer}i\ \%{User-agent}i\ ",
        removed=(r"CustomLog ROOT/access_log %h %l %u %t \%r\ %>s %b",),
        base=("--access-log",),
    ),
    Case(
        ("--access-log-format", '%h "%m %U"'),
        [r"CustomLog ROOT/access_log %h \%m %U\ "],
        [r"CustomLog ROOT/access_log %h %l %u %t \%r\ %>s %b"],
        ("--access-log",),
    ),
    case("--error-log-name e_log", "ErrorLog ROOT/e_log", removed=("ErrorLog ROOT/error_log",)),
    Case(("--error-log-format", "%M of %P"), ["ErrorLogFormat %M of %P"]),
    case("--log-to-terminal", "ErrorLog /dev/stderr", removed=("ErrorLog ROOT/error_log",)),
    case(
        "--rotate-logs --max-log-size 7 --rotatelogs-executable /opt/rotatelogs",
        "ErrorLog |/opt/rotatelogs ROOT/error_log.%Y-%m-%d-%H_%M_%S 7M",
        removed=("ErrorLog ROOT/error_log",),
    ),
    case("--verbose-debugging", "WSGIVerboseDebugging On"),
]


def name_of(case: Case) -> str:
    return " ".join(case.words).replace("/", "_")[:60]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_httpd_conf(case: Case) -> None:
    changes = difference(*case.words, base=case.base)
    wanted = [line.rstrip() for line in case.added]
    assert [line.rstrip() for line in changes.added if line] == wanted
    assert sorted(changes.removed) == sorted(case.removed)


EVERYWHERE = {
    "--host": ("--host", "192.0.2.1"),
    "--port": ("--port", "9000"),
    "--process-group": ("--process-group", "site"),
}


def test_host() -> None:
    """It is part of names; an IPv6 address has brackets where a port follows."""
    lines = effective(make_site("app.wsgi", "--host", "2001:db8::1"))
    for line in (
        "ServerName 2001:db8::1",
        "Listen [2001:db8::1]:8000",
        "WSGIDaemonProcess [2001:db8::1]:8000",
        f"{HANDLER} process-group=[2001:db8::1]:8000 application-group=%{{GLOBAL}}",
    ):
        assert line in lines


def test_port() -> None:
    lines = effective(make_site("app.wsgi", "--port", "9000"))
    for line in (
        "Listen 9000",
        "VirtualHost *:9000: ServerName localhost",
        "WSGIDaemonProcess localhost:9000",
        f"{IMPORT} process-group=localhost:9000 application-group=%{{GLOBAL}}",
    ):
        assert line in lines


def test_process_group() -> None:
    lines = effective(make_site("app.wsgi", "--process-group", "site"))
    assert "WSGIDaemonProcess site: display-name=(wsgi:site)" in lines
    assert f"{HANDLER} process-group=site application-group=%{{GLOBAL}}" in lines


def test_php() -> None:
    lines = effective(make_site("app.wsgi", "--with-php5"))
    assert "IfModule !mod_php5.c: LoadModule php5_module MODULES/libphp5.so" in lines
    assert any("LoadModule mpm_prefork_module" in line for line in lines)
    assert f"{DOCROOT}AddHandler application/x-httpd-php .php" in lines


def test_static() -> None:
    lines = effective(make_site("/srv/static", "--application-type", "static"))
    assert "DocumentRoot /srv/static" in lines
    assert not [line for line in lines if "wsgi-handler" in line]


@pytest.mark.parametrize(
    "flag",
    [
        "--debug-mode",
        "--enable-debugger",
        "--enable-coverage",
        "--enable-profiler",
        "--enable-recorder",
        "--enable-gdb",
    ],
)
def test_debug_mode(flag: str) -> None:
    """Each of them implies all of it."""
    lines = effective(make_site("app.wsgi", flag))
    assert f"{HANDLER} process-group=%{{GLOBAL}} application-group=%{{GLOBAL}}" in lines
    assert "WSGIRestrictStdin Off" in lines
    assert "WSGIPythonPath /srv/app" in lines
    assert "IfModule mpm_worker_module: MaxClients 1" in lines
    mpm = "prefork" if flag == "--enable-gdb" else "worker"
    assert any(f"LoadModule mpm_{mpm}_module" in line for line in lines)
    assert not [line for line in lines if line.startswith("WSGIDaemonProcess")]
    assert "-DONE_PROCESS" in control_script(flag)


def test_embedded_mode() -> None:
    lines = effective(make_site("app.wsgi", "--embedded-mode", "--maximum-requests", "7"))
    for line in (
        f"{HANDLER} process-group=%{{GLOBAL}} application-group=%{{GLOBAL}}",
        f"{IMPORT} process-group=%{{GLOBAL}} application-group=%{{GLOBAL}}",
        "WSGIPythonEggs ROOT/python-eggs",
        "WSGIPythonPath /srv/app",
        "WSGIScriptReloading Off",
        "IfModule mpm_worker_module: MaxRequestsPerChild 7",
        "IfModule mpm_worker_module: MaxKeepAliveRequests 100",
    ):
        assert line in lines
    assert not [line for line in lines if line.startswith(("WSGIDaemon", "WSGIRestrictEmb"))]
    assert any("LoadModule mpm_worker_module" in line for line in lines)


def test_no_application() -> None:
    """The welcome page is served."""
    site = make_site()
    assert site.entry_point == "/srv/conf/default.wsgi"
    assert site.options.enable_docs


CONTROL_SCRIPT = {
    "--user daemon": "${WSGI_RUN_USER:-daemon}",
    "--group adm": "${WSGI_RUN_GROUP:-adm}",
    "--httpd-executable /opt/httpd": "HTTPD=/opt/httpd",
    "--process-name site": "TITLE=site",
    "--modules-directory /opt/modules": "MOD_WSGI_MODULES_DIRECTORY=/opt/modules",
    "--shell-executable /bin/dash": "#!/bin/dash\n",
    "--startup-log": "-E ROOT/startup_log ",
    "--startup-log --startup-log-name s_log": "-E ROOT/s_log ",
    "--startup-log --log-directory /var/x": "-E /var/x/startup_log ",
    "--enable-gdb --gdb-executable /opt/gdb": "exec /opt/gdb -x ROOT/gdb.cmds",
    "--https-port 8443 --ssl-certificate x": "MOD_WSGI_HTTPS_PORT=8443",
    "--port 9000": "MOD_WSGI_HTTP_PORT=9000",
    "--port 8001": "MOD_WSGI_LISTENER_HOST=localhost\n",
    "--host 192.0.2.1": "MOD_WSGI_LISTENER_HOST=192.0.2.1",
    "--lang de_DE.UTF-8": "LC_ALL=de_DE.UTF-8",
    "--embedded-mode": "-DEMBEDDED_MODE",
    "--orphan-interpreter": "-DORPHAN_INTERPRETER",
}


@pytest.mark.parametrize(("words", "text"), CONTROL_SCRIPT.items())
def test_apachectl(words: str, text: str) -> None:
    # The default of --locale in these tests would win over --lang.
    assert text in control_script(*words.split()).replace("C.UTF-8", "de_DE.UTF-8")


def test_apachectl_says_how_it_was_made() -> None:
    script = control_script("--setenv", "NAME", "two words")
    assert "# Generated by: mod_wsgi-express start-server app.wsgi --setenv NAME 'two" in script


ELSEWHERE = {
    "--application-type": "test_applications",
    "--entry-point": "test_applications",
    "--callable-object": "test_applications",
    "--reload-on-changes": "test_applications",
    "--max-clients": "test_capacity",
    "--threads": "test_capacity",
    "--initial-workers": "test_capacity",
    "--minimum-spare-workers": "test_capacity",
    "--maximum-spare-workers": "test_capacity",
    "--free-threading": "test_mistakes",
    "--enable-docs": "test_content",
    "--enable-telemetry": "test_mistakes",
    "--telemetry-ui-port": "test_mistakes",
    "--server-root": "test_files",
    "--envvars-script": "test_files",
    "--setup-only": "test_files",
    "--debugger-startup": "test_mistakes",
    "--coverage-directory": "test_files",
    "--profiler-directory": "test_files",
    "--recorder-directory": "test_files",
}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_tested(option: Option) -> None:
    here = {word for case in CASES for word in (*case.words, *case.base)}
    here |= {word for words in CONTROL_SCRIPT for word in words.split()}
    here |= {*EVERYWHERE, "--with-php5", "--debug-mode", "--enable-debugger", "--enable-coverage"}
    here |= {"--enable-profiler", "--enable-recorder"}
    assert here & {*option.flags} or option.flag in ELSEWHERE


def test_values_are_quoted() -> None:
    lines = effective(make_site("app.wsgi", "--setenv", "NAME", 'a "quoted\\ word'))
    assert "SetEnv NAME a \\quoted\\\\ word" in lines


def test_control_characters() -> None:
    with pytest.raises(ConfigurationError, match="control character"):
        make_site("app.wsgi", "--setenv", "NAME", "a\nListen 80")
