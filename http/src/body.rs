//! Whether the body of a request is acceptable.

use crate::Headers;
use crate::length::{content_length, trim};

/// How the end of a request body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, or the protocol marks its end by itself (HTTP/2).
    Open,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`, which makes a `Content-Length` beside it meaningless.
    Chunked,
}

/// What the configuration allows.
#[derive(Clone, Copy, Debug)]
pub struct BodyRules {
    /// Chunked bodies are accepted.
    pub chunked: bool,
    /// The longest `Content-Length`; 0 for no limit.
    pub limit: u64,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A transfer coding other than chunked: 501.
    #[error("the request uses a transfer coding other than chunked")]
    TransferEncoding,
    /// A chunked body, which is not allowed: 411.
    #[error("the request body is chunked, and chunked-request is Off")]
    Chunked,
    /// A malformed `Content-Length`: 400.
    #[error("the Content-Length of the request is malformed")]
    ContentLength,
    /// Too long: 413.
    #[error("the request body of {length} bytes is longer than the limit of {limit}")]
    Limit {
        /// What the request announces.
        length: u64,
        /// What is allowed.
        limit: u64,
    },
}

impl BodyError {
    /// The HTTP status to answer with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::TransferEncoding => 501,
            Self::Chunked => 411,
            Self::ContentLength => 400,
            Self::Limit { .. } => 413,
        }
    }
}

impl BodyRules {
    /// Checks what the header fields say about the body.
    ///
    /// # Errors
    /// When the request is to be refused.
    pub fn check(&self, headers: &Headers<'_>) -> Result<Framing, BodyError> {
        if let Some(coding) = headers.transfer_encoding() {
            return self.check_coding(coding.single());
        }
        let Some(field) = headers.content_length() else {
            return Ok(Framing::Open);
        };
        let value = field.single().ok_or(BodyError::ContentLength)?;
        let length = content_length(value).map_err(|_| BodyError::ContentLength)?;
        if self.limit > 0 && length > self.limit {
            return Err(BodyError::Limit {
                length,
                limit: self.limit,
            });
        }
        Ok(Framing::Length(length))
    }

    fn check_coding(&self, coding: Option<&[u8]>) -> Result<Framing, BodyError> {
        let chunked = coding.is_some_and(|coding| trim(coding).eq_ignore_ascii_case(b"chunked"));
        match (chunked, self.chunked) {
            (false, _) => Err(BodyError::TransferEncoding),
            (true, false) => Err(BodyError::Chunked),
            (true, true) => Ok(Framing::Chunked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsgi_core_abi::Pair;

    fn check(rules: BodyRules, fields: &[(&str, &str)]) -> Result<Framing, BodyError> {
        let fields: Vec<Pair<'_>> = fields
            .iter()
            .map(|(name, value)| Pair::new(name.as_bytes(), value.as_bytes()))
            .collect();
        rules.check(&Headers::new(&fields))
    }

    #[test]
    fn bodies_are_framed_by_one_header() {
        let rules = BodyRules {
            chunked: true,
            limit: 100,
        };
        let too_long = Err(BodyError::Limit {
            length: 101,
            limit: 100,
        });
        for (fields, expected) in [
            (&[][..], Ok(Framing::Open)),
            (&[("Content-Length", "100")], Ok(Framing::Length(100))),
            (&[("content-length", "101")], too_long),
            (&[("Content-Length", "-1")], Err(BodyError::ContentLength)),
            (
                &[("Content-Length", "5"), ("Content-Length", "5")],
                Err(BodyError::ContentLength),
            ),
            (&[("Transfer-Encoding", "Chunked")], Ok(Framing::Chunked)),
            (&[("Transfer-Encoding", " chunked ")], Ok(Framing::Chunked)),
            (
                &[("Transfer-Encoding", "chunked"), ("Content-Length", "x")],
                Ok(Framing::Chunked),
            ),
            (
                &[("Transfer-Encoding", "gzip")],
                Err(BodyError::TransferEncoding),
            ),
            (
                &[("Transfer-Encoding", "gzip, chunked")],
                Err(BodyError::TransferEncoding),
            ),
            (
                &[
                    ("Transfer-Encoding", "chunked"),
                    ("transfer-encoding", "chunked"),
                ],
                Err(BodyError::TransferEncoding),
            ),
            (
                &[("Transfer-Encoding", "")],
                Err(BodyError::TransferEncoding),
            ),
        ] {
            assert_eq!(check(rules, fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn chunked_bodies_need_permission_and_no_limit_is_no_limit() {
        let rules = BodyRules {
            chunked: false,
            limit: 0,
        };
        assert_eq!(
            check(rules, &[("Transfer-Encoding", "chunked")]),
            Err(BodyError::Chunked)
        );
        assert_eq!(
            check(rules, &[("Transfer-Encoding", "gzip")]),
            Err(BodyError::TransferEncoding)
        );
        assert_eq!(
            check(rules, &[("Content-Length", "123456789012")]),
            Ok(Framing::Length(123_456_789_012))
        );
    }
}
