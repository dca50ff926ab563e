//! Strings and pairs of strings as C passes them.

use crate::engine::Error;
use std::ffi::c_char;
use wsgi_core_abi::{Bytes, Pair};

/// A borrowed string. `data` NULL means that there is no string, which differs from an empty one; `len`
/// must then be 0. The bytes may be anything and need no terminating NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_bytes {
    /// The bytes, or NULL when there is no string.
    pub data: *const c_char,
    /// How many.
    pub len: usize,
}

/// A name and its value, both borrowed. The name must be there; an absent value is None in an environ.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct wsgi_core_pair {
    /// The name.
    pub name: wsgi_core_bytes,
    /// The value.
    pub value: wsgi_core_bytes,
}

// The engine reads arrays of pairs where the caller has them.
const _: () = {
    assert!(size_of::<wsgi_core_pair>() == size_of::<Pair<'_>>());
    assert!(align_of::<wsgi_core_pair>() == align_of::<Pair<'_>>());
    assert!(size_of::<wsgi_core_bytes>() == size_of::<Bytes<'_>>());
};

impl wsgi_core_bytes {
    /// The absent string.
    pub(super) const ABSENT: Self = Self {
        data: std::ptr::null(),
        len: 0,
    };

    /// Lends `bytes` to C.
    pub(super) const fn lend(bytes: Bytes<'_>) -> Self {
        if bytes.is_absent() {
            return Self::ABSENT;
        }
        let bytes = bytes.as_slice();
        Self {
            data: bytes.as_ptr().cast(),
            len: bytes.len(),
        }
    }

    fn check(&self, what: &'static str) -> Result<(), Error> {
        if self.data.is_null() && self.len > 0 {
            return Err(Error::Argument(format!(
                "{what}: data is NULL but len is {}",
                self.len
            )));
        }
        if self.len > isize::MAX as usize {
            return Err(Error::Argument(format!("{what}: len is {}", self.len)));
        }
        Ok(())
    }

    /// Borrows the string for as long as the caller says.
    ///
    /// # Safety
    /// `data` is NULL or points to `len` bytes that stay unchanged for `'a`.
    pub(super) unsafe fn borrow<'a>(self, what: &'static str) -> Result<Bytes<'a>, Error> {
        self.check(what)?;
        if self.data.is_null() {
            return Ok(Bytes::ABSENT);
        }
        // SAFETY: not NULL, the length was checked, the rest is the caller's promise.
        Ok(Bytes::new(unsafe {
            std::slice::from_raw_parts(self.data.cast(), self.len)
        }))
    }
}

/// Borrows a string given as two parameters; NULL is an error.
///
/// # Safety
/// `data` is NULL or points to `len` bytes that stay unchanged for `'a`.
pub(super) unsafe fn required<'a>(
    data: *const c_char,
    len: usize,
    what: &'static str,
) -> Result<&'a [u8], Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { wsgi_core_bytes { data, len }.borrow(what) }?;
    if bytes.is_absent() {
        return Err(Error::null(what));
    }
    Ok(bytes.as_slice())
}

/// Borrows an array; NULL is allowed when it has no items.
///
/// # Safety
/// `data` is NULL or points to `len` items that stay unchanged for `'a`.
pub(super) unsafe fn array<'a, T>(
    data: *const T,
    len: usize,
    what: &'static str,
) -> Result<&'a [T], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::Argument(format!(
            "{what} is NULL but {what}_len is {len}"
        )));
    }
    if len > isize::MAX as usize / size_of::<T>() {
        return Err(Error::Argument(format!("{what}_len is {len}")));
    }
    // SAFETY: not NULL, the size was checked, the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Borrows an array of pairs after checking each.
///
/// # Safety
/// As for [`array`], and for each string in it as for [`wsgi_core_bytes::borrow`].
pub(super) unsafe fn pairs<'a>(
    data: *const wsgi_core_pair,
    len: usize,
    what: &'static str,
) -> Result<&'a [Pair<'a>], Error> {
    // SAFETY: the caller's promise.
    let pairs = unsafe { array(data, len, what) }?;
    for pair in pairs {
        if pair.name.data.is_null() {
            return Err(Error::Argument(format!("{what}: a name is NULL")));
        }
        pair.name.check(what)?;
        pair.value.check(what)?;
    }
    // SAFETY: the two types have the same layout: a pointer and a length, twice.
    Ok(unsafe { std::slice::from_raw_parts(pairs.as_ptr().cast(), pairs.len()) })
}
