"""Virtual hosts: the site over HTTP and HTTPS, and what answers for other names."""

from ..derived import Site, absolute, bracketed
from .syntax import Lines, block, directive, quote, rooted, when

CATCH_ALL = "_wsgi_"
"""Name of the host that answers for names that are not the site's; nobody asks for it."""


def virtual_hosts(site: Site) -> Lines:
    """One host for any name, or the named one behind one that turns others away."""
    plain, secure = site.options.port, site.options.https_port
    lines = _hosts(site, plain, [], [*when("MOD_WSGI_HTTPS_ONLY", *_to_https(site))], "http")
    if secure:
        cache = f"shmcb:{site.server_root}/ssl-sessions(512000)"
        lines.append(directive("SSLSessionCache", cache))
        policy = site.options.hsts_policy
        header = [directive("Header", "always", "set", "Strict-Transport-Security", policy)]
        only = when("MOD_WSGI_HTTPS_ONLY", *header) if policy else []
        environment = when("MOD_WSGI_SSL_ENVIRONMENT", "SSLOptions +StdEnvVars")
        lines += _hosts(site, secure, _tls(site), [*environment, *only], "https")
    return lines


def _hosts(site: Site, port: int, every: Lines, own: Lines, scheme: str) -> Lines:
    """The hosts of one port. Each of them has `every`, and the site itself has `own`."""
    address, name = f"*:{port}", site.options.server_name
    if name is None:
        # httpd takes the name from the request, whatever it is.
        return block("VirtualHost", address, directive("ServerName", site.host), *every, *own)
    # It is for other names than the certificate's, of which mod_ssl would warn.
    quiet = ["LogLevel ssl:error"] if scheme == "https" else []
    denied = [
        *when("MOD_WSGI_ALLOW_LOCALHOST", "Require local"),
        *when("!MOD_WSGI_ALLOW_LOCALHOST", "Require all denied"),
    ]
    lines = block(
        "VirtualHost",
        address,
        directive("ServerName", CATCH_ALL),
        *quiet,
        *every,
        *block("Location", "/", *denied),
    )
    aliases = site.options.server_alias
    alias = [directive("ServerAlias", *aliases)] if aliases else []
    lines += block("VirtualHost", address, directive("ServerName", name), *alias, *every, *own)
    if name.startswith("www."):
        target = f"{scheme}://{name}:{port}/"
        lines += block(
            "VirtualHost",
            address,
            directive("ServerName", name.removeprefix("www.")),
            *every,
            directive("Redirect", "permanent", "/", target),
        )
    return lines


def _to_https(site: Site) -> Lines:
    port = site.options.https_port
    if port is None:
        return []
    name = bracketed(site.options.server_name) if site.options.server_name else "%{SERVER_NAME}"
    target = f"https://{name}" + ("" if port == 443 else f":{port}")
    return ["RewriteEngine On", f"RewriteRule ^ {quote(target + '%{REQUEST_URI}')} [R=302,L]"]


def _tls(site: Site) -> Lines:
    options = site.options
    lines = [
        "SSLEngine On",
        directive("SSLCertificateFile", absolute(options.ssl_certificate_file or "")),
        directive("SSLCertificateKeyFile", absolute(options.ssl_certificate_key_file or "")),
    ]
    if options.ssl_certificate_chain_file:
        chain = absolute(options.ssl_certificate_chain_file)
        lines.append(directive("SSLCertificateChainFile", chain))
    if options.ssl_ca_certificate_file:
        authority = absolute(options.ssl_ca_certificate_file)
        lines += [
            directive("SSLCACertificateFile", authority),
            # In the handshake: later is impossible with HTTP/2, and in TLS 1.3 with browsers.
            "SSLVerifyClient optional",
            "SSLVerifyDepth 1",
        ]
        for path in sorted(options.ssl_verify_client, reverse=True) or ["/"]:
            verified = "Require expr \"%{SSL_CLIENT_VERIFY} == 'SUCCESS'\""
            lines += block("Location", quote(rooted(path)), "AuthMerging And", verified)
    return lines
