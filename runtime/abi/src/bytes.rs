//! Borrowed byte strings and arrays with C layout.

use std::marker::PhantomData;

/// A borrowed byte string: pointer and length. A null pointer is "absent", which differs from empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    data: *const u8,
    len: usize,
    life: PhantomData<&'a [u8]>,
}

// SAFETY: a `Bytes` is a shared borrow of plain bytes, as `&[u8]` is.
unsafe impl Send for Bytes<'_> {}
// SAFETY: as above.
unsafe impl Sync for Bytes<'_> {}

impl<'a> Bytes<'a> {
    /// The absent string.
    pub const ABSENT: Self = Self {
        data: std::ptr::null(),
        len: 0,
        life: PhantomData,
    };

    /// Borrows `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            data: bytes.as_ptr(),
            len: bytes.len(),
            life: PhantomData,
        }
    }

    /// Whether there is no string at all.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        self.data.is_null()
    }

    /// The bytes, where there is a string.
    #[must_use]
    pub const fn get(&self) -> Option<&'a [u8]> {
        if self.is_absent() {
            None
        } else {
            Some(self.as_slice())
        }
    }

    /// The bytes; empty when absent.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [u8] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: constructed from a `&'a [u8]`, here or on the other side of the seam.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::new(bytes)
    }
}

impl<'a> From<&'a str> for Bytes<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl std::fmt::Debug for Bytes<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_absent() {
            return out.write_str("absent");
        }
        write!(out, "\"{}\"", self.as_slice().escape_ascii())
    }
}

/// A name and its value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The name; never absent.
    pub name: Bytes<'a>,
    /// The value; absent means Python's `None`.
    pub value: Bytes<'a>,
}

impl<'a> Pair<'a> {
    /// Borrows a name and a value.
    #[must_use]
    pub const fn new(name: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            name: Bytes::new(name),
            value: Bytes::new(value),
        }
    }
}

/// A borrowed array.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice<'a, T> {
    data: *const T,
    len: usize,
    life: PhantomData<&'a [T]>,
}

/// A borrowed array of pairs.
pub type Pairs<'a> = Slice<'a, Pair<'a>>;

impl Slice<'_, Bytes<'_>> {
    /// Copies of the strings.
    #[must_use]
    pub fn to_vecs(&self) -> Vec<Vec<u8>> {
        let strings = self.as_slice().iter();
        strings.map(|string| string.as_slice().to_vec()).collect()
    }
}

impl<'a, T> Slice<'a, T> {
    /// No items.
    pub const EMPTY: Self = Self {
        data: std::ptr::null(),
        len: 0,
        life: PhantomData,
    };

    /// Borrows `items`.
    #[must_use]
    pub const fn new(items: &'a [T]) -> Self {
        Self {
            data: items.as_ptr(),
            len: items.len(),
            life: PhantomData,
        }
    }

    /// The items.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [T] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: constructed from a `&'a [T]`, here or on the other side of the seam.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Slice<'_, T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.as_slice()).finish()
    }
}
