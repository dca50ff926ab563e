//! The request method as the application sees it.

/// What `HEAD` becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeadMapping {
    /// `HEAD`, as it is.
    Off,
    /// `GET`.
    On,
    /// `GET` when the response is filtered depending on its body, which then must be there.
    #[default]
    Auto,
}

/// The value of `REQUEST_METHOD`.
#[must_use]
pub fn request_method(method: &[u8], mapping: HeadMapping, filtered: bool) -> &[u8] {
    let mapped = match mapping {
        HeadMapping::Off => false,
        HeadMapping::On => true,
        HeadMapping::Auto => filtered,
    };
    if mapped && method == b"HEAD" {
        b"GET"
    } else {
        method
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_becomes_get_where_its_body_matters() {
        for (method, mapping, filtered, expected) in [
            ("HEAD", HeadMapping::Off, true, "HEAD"),
            ("HEAD", HeadMapping::On, false, "GET"),
            ("HEAD", HeadMapping::Auto, false, "HEAD"),
            ("HEAD", HeadMapping::Auto, true, "GET"),
            ("head", HeadMapping::On, true, "head"),
            ("POST", HeadMapping::On, true, "POST"),
        ] {
            assert_eq!(
                request_method(method.as_bytes(), mapping, filtered),
                expected.as_bytes()
            );
        }
    }
}
