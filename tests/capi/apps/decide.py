"""Decides by the user, or refuses to.

Covers: yes, no, neither, a name and a hash with a yes, an exception, a wrong type, what there is of TLS, and a
function that is not there.
"""


def check_password(environ, user, password):
    if user == "raises":
        raise ValueError(environ["REQUEST_METHOD"])
    if user == "tls":
        return f"{environ['mod_ssl.is_https']()} {environ['mod_ssl.var_lookup']('SSL_PROTOCOL')}"
    return {"yes": True, "no": False, "renamed": "other", "wrong": 1}.get(user)


def get_realm_hash(environ, user, realm):
    return {"yes": f"hash of {user} in {realm}"}.get(user)


def groups_for_user(environ, user):
    return ["staff", b"admin"]
