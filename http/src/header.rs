//! Header fields of a request, on their way into an environ.

use crate::byte::key;
use crate::{Arena, Environ, Framing};
use wsgi_core_abi::Pair;

/// Which fields with credentials an application may see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access {
    /// `Authorization`.
    pub authorization: bool,
    /// `Proxy-Authorization`.
    pub proxy_authorization: bool,
}

/// A field that the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    first: &'a [u8],
    repeated: bool,
}

impl<'a> Field<'a> {
    /// The value, unless the field was sent more than once.
    #[must_use]
    pub fn single(&self) -> Option<&'a [u8]> {
        (!self.repeated).then_some(self.first)
    }
}

/// The header fields of a request.
#[derive(Debug)]
pub struct Headers<'a> {
    fields: &'a [Pair<'a>],
    content_length: Option<Field<'a>>,
    transfer_encoding: Option<Field<'a>>,
    repeats: bool,
}

/// What is special about a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ContentType,
    ContentLength,
    TransferEncoding,
    Authorization,
    ProxyAuthorization,
    /// `Proxy` would become `HTTP_PROXY`, which programs take for a setting (httpoxy).
    Proxy,
    Cookie,
    Other,
}

impl Kind {
    fn of(name: &[u8]) -> Self {
        let (known, kind) = match name.len() {
            5 => (&b"proxy"[..], Self::Proxy),
            6 => (&b"cookie"[..], Self::Cookie),
            12 => (&b"content-type"[..], Self::ContentType),
            13 => (&b"authorization"[..], Self::Authorization),
            14 => (&b"content-length"[..], Self::ContentLength),
            17 => (&b"transfer-encoding"[..], Self::TransferEncoding),
            19 => (&b"proxy-authorization"[..], Self::ProxyAuthorization),
            _ => return Self::Other,
        };
        if name.eq_ignore_ascii_case(known) {
            kind
        } else {
            Self::Other
        }
    }

    fn separator(self) -> &'static [u8] {
        // RFC 6265, section 4.2: a list of cookies is not a list of values.
        if self == Self::Cookie { b"; " } else { b", " }
    }
}

impl<'a> Headers<'a> {
    /// Looks through `fields`, whose names are in any case. Costs little more than a glance at each as long as
    /// there are some dozens; with thousands, finding repeats is quadratic.
    #[must_use]
    pub fn new(fields: &'a [Pair<'a>]) -> Self {
        let mut headers = Self {
            fields,
            content_length: None,
            transfer_encoding: None,
            repeats: false,
        };
        let mut seen = 0_u64;
        for (index, field) in fields.iter().enumerate() {
            let name = field.name.as_slice();
            let bit = 1 << bucket(name);
            let repeated = seen & bit != 0 && fields[..index].iter().any(|other| same(other, name));
            seen |= bit;
            headers.repeats |= repeated;
            let slot = match Kind::of(name) {
                Kind::ContentLength => &mut headers.content_length,
                Kind::TransferEncoding => &mut headers.transfer_encoding,
                _ => continue,
            };
            let first = slot.map_or(field.value.as_slice(), |field| field.first);
            *slot = Some(Field { first, repeated });
        }
        headers
    }

    /// `Content-Length`, if it was sent.
    #[must_use]
    pub fn content_length(&self) -> Option<Field<'a>> {
        self.content_length
    }

    /// `Transfer-Encoding`, if it was sent.
    #[must_use]
    pub fn transfer_encoding(&self) -> Option<Field<'a>> {
        self.transfer_encoding
    }

    /// How long the value of a field is, with its repeats; 0 when it was not sent.
    pub(crate) fn length_of(&self, name: &[u8]) -> usize {
        let fields = self.fields.iter().filter(|field| same(field, name));
        fields.map(|field| field.value.as_slice().len() + 2).sum()
    }

    /// How many entries of an environ the fields become at most.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// How many bytes of an arena the entries take at most.
    #[must_use]
    pub fn size(&self) -> usize {
        let names: usize = self
            .fields
            .iter()
            .map(|field| PREFIX.len() + field.name.as_slice().len())
            .sum();
        let values = if self.repeats {
            self.fields
                .iter()
                .map(|field| field.value.as_slice().len() + 2)
                .sum()
        } else {
            0
        };
        names + values
    }

    /// Adds the fields to `environ`: names as CGI has them, repeats merged, without those that an application
    /// must not see.
    pub fn append(&self, access: Access, framing: Framing, environ: &mut Environ<'a>) {
        for (index, field) in self.fields.iter().enumerate() {
            let name = field.name.as_slice();
            let kind = Kind::of(name);
            let hidden = match kind {
                Kind::Proxy => true,
                Kind::Authorization => !access.authorization && !access.proxy_authorization,
                Kind::ProxyAuthorization => !access.proxy_authorization,
                Kind::ContentLength => framing == Framing::Chunked,
                _ => false,
            };
            if hidden
                || (self.repeats && self.fields[..index].iter().any(|other| same(other, name)))
            {
                continue;
            }
            let Some(key) = key_of(kind, name, environ.arena()) else {
                continue;
            };
            let value = if self.repeats {
                self.merged(index, kind, environ.arena())
            } else {
                field.value.as_slice()
            };
            environ.set(key, value);
        }
    }

    /// The value of the field at `index`, with those of its repeats behind it.
    fn merged(&self, index: usize, kind: Kind, arena: &mut Arena<'a>) -> &'a [u8] {
        let first = &self.fields[index];
        let name = first.name.as_slice();
        let repeats = || {
            self.fields[index + 1..]
                .iter()
                .filter(|other| same(other, name))
        };
        let more: usize = repeats()
            .map(|field| 2 + field.value.as_slice().len())
            .sum();
        if more == 0 {
            return first.value.as_slice();
        }
        let value = arena.take(first.value.as_slice().len() + more);
        let mut end = 0;
        let mut put = |bytes: &[u8]| {
            value[end..end + bytes.len()].copy_from_slice(bytes);
            end += bytes.len();
        };
        put(first.value.as_slice());
        for field in repeats() {
            put(kind.separator());
            put(field.value.as_slice());
        }
        value
    }
}

const PREFIX: &[u8] = b"HTTP_";

/// The key of a field, or nothing when its name holds what no key may hold.
fn key_of<'a>(kind: Kind, name: &[u8], arena: &mut Arena<'a>) -> Option<&'a [u8]> {
    match kind {
        Kind::ContentType => return Some(b"CONTENT_TYPE"),
        Kind::ContentLength => return Some(b"CONTENT_LENGTH"),
        _ => {}
    }
    if name.is_empty() {
        return None;
    }
    let buffer = arena.take(PREFIX.len() + name.len());
    let (prefix, rest) = buffer.split_at_mut(PREFIX.len());
    prefix.copy_from_slice(PREFIX);
    let mut passed = true;
    for (to, from) in rest.iter_mut().zip(name) {
        *to = key(*from);
        passed &= *to != 0;
    }
    passed.then_some(buffer)
}

fn same(field: &Pair<'_>, name: &[u8]) -> bool {
    field.name.as_slice().eq_ignore_ascii_case(name)
}

/// One of 64 buckets: names that differ in more than case are mostly in different ones.
fn bucket(name: &[u8]) -> u32 {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return 0;
    };
    let middle = name[name.len() / 2];
    let hash =
        u32::from(first | 0x20) ^ (u32::from(last | 0x20) << 1) ^ (u32::from(middle | 0x20) << 2);
    (hash ^ (hash >> 6) ^ (name.len() as u32) << 3) & 63
}

#[cfg(test)]
mod tests;
