//! The head of a response: what `start_response` was called with, checked.
#![forbid(unsafe_code)]

use crate::python::{Exc, Gil, Object, Result, raise};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::time::UNIX_EPOCH;
use wsgi_core_abi::{Bytes, Head, Pair, Pairs};
use wsgi_core_http::{self as rules, Repeats};

/// Status and headers as an application gave them, checked and in latin-1.
pub struct ResponseHead {
    code: u16,
    /// The status, then each name and value.
    text: Vec<u8>,
    status_len: usize,
    /// Where each header ends: end of its name, end of its value.
    fields: Vec<(usize, usize)>,
}

impl ResponseHead {
    /// Checks what `start_response` was called with. `note` is told of what is left out.
    pub fn new(
        gil: Gil<'_>,
        status: &Object,
        headers: &Object,
        note: impl Fn(&str),
    ) -> Result<Self> {
        let mut text = Vec::with_capacity(512);
        append_str(gil, status, "status", &mut text)?;
        let code = match rules::status_code(&text) {
            Ok(code) => code,
            Err(error) => return Err(raise(gil, Exc::Value, &error.to_string())),
        };
        if !headers.is_list() {
            return Err(raise(gil, Exc::Type, "response headers must be a list"));
        }
        let mut head = Self {
            code,
            status_len: text.len(),
            text,
            fields: Vec::new(),
        };
        let mut index = 0;
        while let Some(header) = headers.list_item(index) {
            head.append(gil, &header, &note)?;
            index += 1;
        }
        Ok(head)
    }

    fn append(&mut self, gil: Gil<'_>, header: &Object, note: &impl Fn(&str)) -> Result<()> {
        if !header.is_tuple() {
            return Err(raise(gil, Exc::Type, "response header must be a tuple"));
        }
        let Some((name, value)) = header.as_pair() else {
            let message = "response header must be a tuple of name and value";
            return Err(raise(gil, Exc::Value, message));
        };
        let start = self.text.len();
        append_str(gil, &name, "response header name", &mut self.text)?;
        let middle = self.text.len();
        append_str(gil, &value, "response header value", &mut self.text)?;
        let checked = rules::check_name(&self.text[start..middle])
            .and_then(|()| rules::check_value(&self.text[middle..]));
        if let Err(error) = checked {
            return Err(raise(gil, Exc::Value, &error.to_string()));
        }
        if self.text[start..middle].eq_ignore_ascii_case(b"Last-Modified")
            && !self.correct_date(middle)
        {
            let value = self.text[middle..].escape_ascii().to_string();
            note(&format!("Last-Modified is left out, no date: {value}"));
            self.text.truncate(start);
            return Ok(());
        }
        self.fields.push((middle, self.text.len()));
        Ok(())
    }

    /// Puts the date after `start` into the form that is sent; false when it is none.
    fn correct_date(&mut self, start: usize) -> bool {
        let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let date = rules::last_modified(&self.text[start..], now);
        if let Some(date) = &date {
            self.text.truncate(start);
            self.text.extend_from_slice(date.as_bytes());
        }
        date.is_some()
    }

    /// The status code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Names and values in order.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = self.status_len;
        self.fields.iter().map(move |&(middle, end)| {
            let header = (&self.text[start..middle], &self.text[middle..end]);
            start = end;
            header
        })
    }

    /// The value of the last Content-Length header.
    pub fn content_length(&self) -> Option<std::result::Result<u64, rules::LengthError>> {
        let last = self
            .headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length"))
            .last();
        last.map(|(_, value)| rules::content_length(value))
    }

    /// Adds a Content-Length.
    pub fn set_content_length(&mut self, length: u64) {
        self.text.extend_from_slice(b"Content-Length");
        let middle = self.text.len();
        self.text.extend_from_slice(length.to_string().as_bytes());
        self.fields.push((middle, self.text.len()));
    }

    /// Hands the head to `work` in the form of the seam, with repeated fields made one where they can be.
    pub fn with_head<R>(
        &self,
        length: Option<u64>,
        error_page: bool,
        work: impl FnOnce(&Head<'_>) -> R,
    ) -> R {
        let fields = self.merged();
        let pairs: Vec<_> = fields
            .iter()
            .filter(|(name, _)| !error_page || rules::is_for_any_page(name))
            .map(|(name, value)| Pair::new(name, value))
            .collect();
        work(&Head {
            code: self.code,
            status: Bytes::new(&self.text[..self.status_len]),
            headers: Pairs::new(&pairs),
            content_length: length.map_or(-1, |length| i64::try_from(length).unwrap_or(i64::MAX)),
            error_page,
        })
    }

    /// The fields after the rules for repeats, without those that are not the application's.
    fn merged(&self) -> Vec<(&[u8], Cow<'_, [u8]>)> {
        let mut fields: Vec<(&[u8], Cow<'_, [u8]>)> = Vec::with_capacity(self.fields.len());
        let mut index = Index::default();
        let own = |(name, _): &(&[u8], &[u8])| !rules::is_framing(name);
        for (name, value) in self.headers().filter(own) {
            let earlier = index.find(&fields, name);
            match (earlier, earlier.map(|_| rules::repeats(name))) {
                (Some(at), Some(Repeats::Joined)) => {
                    let joined = fields[at].1.to_mut();
                    joined.extend_from_slice(b", ");
                    joined.extend_from_slice(value);
                }
                (Some(at), Some(Repeats::Last)) => fields[at] = (name, Cow::Borrowed(value)),
                _ => {
                    index.add(name, fields.len());
                    fields.push((name, Cow::Borrowed(value)));
                }
            }
        }
        fields
    }
}

/// Finds a field by name: by looking at each of a few, by hash among many.
#[derive(Default)]
struct Index(FxHashMap<Vec<u8>, usize>);

/// From this many fields on, looking at each would cost more.
const FEW: usize = 24;

impl Index {
    fn find(&self, fields: &[(&[u8], Cow<'_, [u8]>)], name: &[u8]) -> Option<usize> {
        let few = fields.len().min(FEW);
        let found = fields[..few]
            .iter()
            .position(|(other, _)| other.eq_ignore_ascii_case(name));
        found.or_else(|| match fields.len() {
            0..=FEW => None,
            _ => self.0.get(&name.to_ascii_lowercase()).copied(),
        })
    }

    fn add(&mut self, name: &[u8], at: usize) {
        if at >= FEW {
            self.0.insert(name.to_ascii_lowercase(), at);
        }
    }
}

fn append_str(gil: Gil<'_>, value: &Object, what: &str, out: &mut Vec<u8>) -> Result<()> {
    if !value.is_str() {
        let found = value.type_name();
        return Err(raise(
            gil,
            Exc::Type,
            &format!("{what} must be a str, not {found}"),
        ));
    }
    value.append_latin1(out)
}
