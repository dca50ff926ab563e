//! Variables that the host hands over beside the header fields.

/// Whether a variable goes into the environ. Left out are what reveals or changes the server's own process
/// (search paths), what would cost a lookup, what other members of a request say better, `HTTPS`, which
/// decides `wsgi.url_scheme`, and keys that are internal.
#[must_use]
pub fn is_passed(name: &[u8]) -> bool {
    match name {
        b"PATH" | b"LD_LIBRARY_PATH" | b"DYLD_LIBRARY_PATH" | b"SHLIB_PATH" | b"LIBPATH"
        | b"LIBRARY_PATH" => false,
        b"GATEWAY_INTERFACE" | b"PATH_TRANSLATED" | b"SERVER_SIGNATURE" => false,
        b"REMOTE_HOST" | b"REMOTE_IDENT" => false,
        // Present only when the header field was sent.
        b"CONTENT_LENGTH" | b"CONTENT_TYPE" => false,
        b"HTTPS" | b"" => false,
        _ => !name.starts_with(b"mod_wsgi.x-"),
    }
}

/// Whether this value of `HTTPS` means that the request came by TLS.
#[must_use]
pub fn is_https(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"on") || value == b"1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_variables_stay_behind() {
        for name in [
            "PATH",
            "LD_LIBRARY_PATH",
            "HTTPS",
            "REMOTE_HOST",
            "mod_wsgi.x-forwarded",
            "CONTENT_LENGTH",
            "",
        ] {
            assert!(!is_passed(name.as_bytes()), "{name}");
        }
        for name in [
            "PATH_INFO",
            "path",
            "SERVER_SOFTWARE",
            "REMOTE_USER",
            "mod_wsgi.y",
            "HTTP_X",
            "HTTPS_X",
        ] {
            assert!(is_passed(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn https_is_on_or_1() {
        for value in ["On", "on", "ON", "1"] {
            assert!(is_https(value.as_bytes()), "{value}");
        }
        for value in ["", "Off", "yes", "true", "0", "11"] {
            assert!(!is_https(value.as_bytes()), "{value}");
        }
    }
}
