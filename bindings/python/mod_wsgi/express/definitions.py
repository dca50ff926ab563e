"""The definitions that switch on parts of httpd.conf."""

from .derived import Mode, Site

FLAGS = {
    "orphan_interpreter": "ORPHAN_INTERPRETER",
    "free_threading": "MOD_WSGI_FREE_THREADING",
    "http2": "MOD_WSGI_HTTP2",
    "ssl_environment": "MOD_WSGI_SSL_ENVIRONMENT",
    "https_only": "MOD_WSGI_HTTPS_ONLY",
    "allow_localhost": "MOD_WSGI_ALLOW_LOCALHOST",
    "chunked_request": "MOD_WSGI_CHUNKED_REQUEST",
    "enable_sendfile": "MOD_WSGI_ENABLE_SENDFILE",
    "error_override": "MOD_WSGI_ERROR_OVERRIDE",
    "compress_responses": "MOD_WSGI_COMPRESS_RESPONSES",
    "directory_listing": "MOD_WSGI_DIRECTORY_LISTING",
    "with_cgi": "MOD_WSGI_WITH_CGI",
    "with_php5": "MOD_WSGI_WITH_PHP5",
    "server_metrics": "MOD_WSGI_SERVER_METRICS",
    "server_status": "MOD_WSGI_SERVER_STATUS",
    "access_log": "MOD_WSGI_ACCESS_LOG",
    "verbose_debugging": "MOD_WSGI_VERBOSE_DEBUGGING",
}


def definitions(site: Site) -> list[str]:
    """In the order in which apachectl passes them."""
    options = site.options
    names = [define for flag, define in FLAGS.items() if getattr(options, flag)]
    conditions = {
        "EMBEDDED_MODE": site.mode is Mode.EMBEDDED,
        "ONE_PROCESS": site.mode is Mode.DEBUG,
        "MOD_WSGI_END_WITH_PARENT": site.mode is not Mode.DEBUG,
        "MOD_WSGI_STATIC_ONLY": site.is_static,
        "MOD_WSGI_PRELOAD": site.preloads,
        "MOD_WSGI_DISABLE_RELOADING": not site.reloads_script,
        "MOD_WSGI_KEEP_ALIVE": options.keep_alive_timeout > 0,
        "MOD_WSGI_DIRECTORY_INDEX": options.directory_index is not None,
    }
    return [*(name for name, given in conditions.items() if given), *names]
