//! Structures that begin with their size.

use crate::engine::Error;

/// Larger sizes come from memory that was never initialised.
const LARGEST: usize = 64 * 1024;

/// A structure whose first field is `struct_size: usize` and for which all bytes zero is a valid value.
///
/// # Safety
/// Exactly that.
pub(super) unsafe trait Struct: Copy {
    /// Size of the structure in the first version that had it.
    const FIRST: usize;
    /// Its name, for messages.
    const NAME: &'static str;
}

fn check<T: Struct>(size: usize) -> Result<(), Error> {
    if size < T::FIRST || size > LARGEST {
        return Err(Error::StructSize {
            name: T::NAME,
            size,
        });
    }
    Ok(())
}

/// Reads a structure of an older, equal or newer caller; what it lacks is zero.
///
/// # Safety
/// `from` is NULL or points to as many readable bytes as its `struct_size` says.
pub(super) unsafe fn read<T: Struct>(from: *const T, what: &'static str) -> Result<T, Error> {
    if from.is_null() {
        return Err(Error::null(what));
    }
    // SAFETY: struct_size is the first field, and the pointer is valid.
    let size = unsafe { from.cast::<usize>().read() };
    check::<T>(size)?;
    // SAFETY: zero is a value of T, by its trait.
    let mut value: T = unsafe { std::mem::zeroed() };
    // SAFETY: no more than what both sides have.
    unsafe {
        std::ptr::copy_nonoverlapping(
            from.cast::<u8>(),
            (&raw mut value).cast(),
            size.min(size_of::<T>()),
        );
    }
    Ok(value)
}

/// Checks an output structure before there is anything to write.
///
/// # Safety
/// `to` is NULL or points to as many writable bytes as its `struct_size` says.
pub(super) unsafe fn check_output<T: Struct>(
    to: *const T,
    what: &'static str,
) -> Result<(), Error> {
    if to.is_null() {
        return Err(Error::null(what));
    }
    // SAFETY: struct_size is the first field, and the pointer is valid.
    check::<T>(unsafe { to.cast::<usize>().read() })
}

/// Writes as much of `value` as the caller has room for, but for its `struct_size`.
///
/// # Safety
/// `to` passed [`check_output`].
pub(super) unsafe fn write<T: Struct>(to: *mut T, value: &T) {
    let head = size_of::<usize>();
    // SAFETY: as for `check_output`; no more is written than both sides have.
    unsafe {
        let size = to.cast::<usize>().read().min(size_of::<T>());
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(value).cast::<u8>().add(head),
            to.cast::<u8>().add(head),
            size - head,
        );
    }
}
