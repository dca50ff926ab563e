"""Mistakes in the options that can be told from the options alone."""

import dataclasses
import importlib.util
import os
import sysconfig
from collections.abc import Callable, Iterator
from typing import Any

from .errors import ConfigurationError
from .option import Option
from .options import BY_NAME, OPTIONS, Options, Pair

CERTIFICATE_OPTIONS = (
    "ssl_certificate",
    "ssl_certificate_file",
    "ssl_certificate_key_file",
    "ssl_ca_certificate_file",
    "ssl_certificate_chain_file",
)
DEBUG_OPTIONS = (
    "enable_debugger",
    "enable_coverage",
    "enable_profiler",
    "enable_recorder",
    "enable_gdb",
)


def complete(options: Options, arguments: list[str]) -> Options:
    """The options with what some of them imply, and with the argument of the command."""
    changes: dict[str, Any] = {}
    if any(getattr(options, name) for name in DEBUG_OPTIONS):
        changes["debug_mode"] = True
    if options.ssl_certificate:
        changes["ssl_certificate_file"] = options.ssl_certificate + ".crt"
        changes["ssl_certificate_key_file"] = options.ssl_certificate + ".key"
    if options.lang and not options.locale:
        changes["locale"] = options.lang
    entry_point = options.entry_point or (arguments[0] if arguments else None)
    if options.application_type == "static":
        changes["document_root"] = options.document_root or entry_point or "."
        entry_point = None
    elif not entry_point:
        changes |= {"application_type": "script", "enable_docs": True}
    elif options.application_type == "object":
        entry_point, changes["callable_object"] = _module_and_name(options, entry_point)
        changes["application_type"] = "module"
    return dataclasses.replace(options, entry_point=entry_point, **changes)


def _module_and_name(options: Options, entry_point: str) -> Pair:
    """Parts of the name of an object, like `package.module:name` or `package.module.name`."""
    if is_given(options, "callable_object"):
        raise ConfigurationError(
            "--callable-object is for modules and scripts; with --application-type object the "
            "entry point names it"
        )
    module, separator, name = entry_point.rpartition(":" if ":" in entry_point else ".")
    parts = [*module.split("."), name]
    if not separator or not all(part.isidentifier() for part in parts):
        raise ConfigurationError(
            f"{entry_point!r} names no object; expected MODULE:NAME, as in mysite.wsgi:application"
        )
    return module, name


def validate(options: Options) -> None:
    """Raises ConfigurationError for the first mistake."""
    for option in OPTIONS:
        _check_values(option, getattr(options, option.name))
    for check in CHECKS:
        check(options)


def without_effect(options: Options) -> Iterator[str]:
    """A sentence for each option that was given and has no effect beside the others."""
    for option in OPTIONS:
        if not is_given(options, option.name):
            continue
        if option.needs and not any(is_given(options, name) for name in option.needs):
            needed = " or ".join(BY_NAME[name].flag for name in option.needs)
            yield f"{option.flag} has no effect without {needed}"
        for name in option.useless_with:
            if is_given(options, name):
                yield f"{option.flag} has no effect with {BY_NAME[name].flag}"
                break

    if os.getuid() != 0:
        for name in ("user", "group", "service_user", "service_group"):
            if is_given(options, name):
                yield f"{BY_NAME[name].flag} has no effect unless root starts the server"


def is_given(options: Options, name: str) -> bool:
    return bool(getattr(options, name) != BY_NAME[name].default)


def _check_values(option: Option, value: object) -> None:
    values = value if isinstance(value, list) else [value]
    for each in values:
        texts = each if isinstance(each, tuple) else (each,)
        for text in texts:
            if isinstance(text, str) and not text.isprintable():
                raise ConfigurationError(
                    f"option {option.flag}: {text!r} has a control character in it"
                )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            option.check(value)
        except ValueError as error:
            raise ConfigurationError(f"option {option.flag}: {error}") from None


def _check_https(options: Options) -> None:
    given = [name for name in CERTIFICATE_OPTIONS if getattr(options, name)]
    if options.https_port is None:
        if given:
            raise ConfigurationError(f"{BY_NAME[given[0]].flag} needs --https-port")
        return
    if not options.ssl_certificate_file:
        raise ConfigurationError(
            "--https-port needs a certificate: --ssl-certificate-file or --ssl-certificate"
        )
    if not options.ssl_certificate_key_file:
        raise ConfigurationError("--ssl-certificate-file needs --ssl-certificate-key-file")
    if options.https_port == options.port:
        raise ConfigurationError("--port and --https-port are the same")


def _check_auth(options: Options) -> None:
    if options.auth_group_script and not options.auth_user_script:
        raise ConfigurationError("--auth-group-script needs --auth-user-script")


def _check_services(options: Options) -> None:
    names = [name for name, _ in options.service_script]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"--service-script: there are two services named {name!r}")
    for option in ("service_user", "service_group", "service_log_file"):
        for name, _ in getattr(options, option):
            if names and name not in names:
                raise ConfigurationError(
                    f"{BY_NAME[option].flag}: there is no --service-script named {name!r}"
                )


def _check_telemetry(options: Options) -> None:
    if options.enable_telemetry:
        if options.telemetry_service:
            raise ConfigurationError(
                "--enable-telemetry and --telemetry-service exclude each other"
            )
        if not _is_importable("mod_wsgi.telemetry"):
            raise ConfigurationError(
                "--enable-telemetry needs the package mod_wsgi-telemetry (pip install "
                "mod_wsgi-telemetry)"
            )
        if any(name == "telemetry" for name, _ in options.service_script):
            raise ConfigurationError(
                "--enable-telemetry runs a service named telemetry; "
                "give that of --service-script another name"
            )
    target = options.telemetry_service
    if target is not None and not target.startswith("unix:/"):
        raise ConfigurationError(
            f"--telemetry-service: {target!r} is not a socket; expected unix:/path"
        )
    has_target = options.enable_telemetry or target is not None
    if options.slow_requests is not None and not has_target:
        raise ConfigurationError(
            "--slow-requests needs --telemetry-service or --enable-telemetry, which it reports to"
        )


def _check_python(options: Options) -> None:
    if options.free_threading and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise ConfigurationError(
            "--free-threading needs a Python that was built without the interpreter lock"
        )


def _check_debugger(options: Options) -> None:
    if options.debugger_startup and not options.enable_debugger:
        raise ConfigurationError("--debugger-startup needs --enable-debugger")


def _check_statuses(options: Options) -> None:
    for status, _ in options.error_document:
        if not (status.isdecimal() and 400 <= int(status) <= 599):
            raise ConfigurationError(
                f"--error-document: {status!r} is not the status of an error, 400 to 599"
            )


def _check_extensions(options: Options) -> None:
    for extension, _ in options.add_handler:
        if not extension.startswith(".") or len(extension) < 2:
            raise ConfigurationError(
                f"--add-handler: {extension!r} is not an extension such as .html"
            )


CHECKS: tuple[Callable[[Options], None], ...] = (
    _check_https,
    _check_auth,
    _check_services,
    _check_telemetry,
    _check_python,
    _check_debugger,
    _check_statuses,
    _check_extensions,
)


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
