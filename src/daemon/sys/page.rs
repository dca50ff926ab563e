//! A piece of memory that two processes share.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// A mapped file in memory. Every byte is an atomic, because the other process may change it at any time.
#[derive(Debug)]
pub struct Page {
    base: NonNull<AtomicU8>,
    length: usize,
}

// SAFETY: the mapping is reached only as shared atomics and stays until the value is dropped.
unsafe impl Send for Page {}
// SAFETY: as above.
unsafe impl Sync for Page {}

impl Page {
    /// New memory, all zero, and the descriptor to give it away with. The name is for `/proc`.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn create(name: &CStr, length: usize) -> io::Result<(Self, OwnedFd)> {
        super::limits::check_file_size(length)?;
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: a string that ends with a NUL, then a new descriptor that nobody else has.
        let fd = unsafe {
            let fd = super::check(libc::memfd_create(name.as_ptr(), flags))?;
            let fd = OwnedFd::from_raw_fd(fd);
            super::check(libc::ftruncate(fd.as_raw_fd(), length as libc::off_t))?;
            super::check(libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals))?;
            fd
        };
        Ok((Self::map(fd.as_fd(), length)?, fd))
    }

    /// Memory that another process made, and that can't change its size.
    ///
    /// # Errors
    /// When it is too short.
    pub fn open(fd: OwnedFd, length: usize) -> io::Result<Self> {
        let file = std::fs::File::from(fd);
        if file.metadata()?.len() < length as u64 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Self::map(file.as_fd(), length)
    }

    fn map(fd: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                access,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, length })
    }

    fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: the mapping has this length; any byte is a valid atomic.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.length) }
    }

    /// A counter that both processes use. `offset` is a multiple of 8.
    pub fn counter(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(size_of::<AtomicU64>()) && offset < self.length);
        // SAFETY: inside of the mapping, which begins at a page, and aligned; any value is a valid one.
        unsafe { self.base.byte_add(offset).cast().as_ref() }
    }

    /// Copies `bytes` to where nobody reads before a counter says so.
    pub fn put(&self, offset: usize, bytes: &[u8]) {
        assert!(offset <= self.length && bytes.len() <= self.length - offset);
        // SAFETY: inside of the mapping, which no Rust value of this process borrows as anything but atomics or,
        // by `piece`, as bytes that are only handed to the system.
        unsafe {
            let to = self.base.as_ptr().byte_add(offset).cast();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }

    /// What the other process has put there. It may still change it, so it is for being copied or handed to the
    /// system, and not for being looked at twice.
    pub fn piece(&self, offset: usize, length: usize) -> &[u8] {
        assert!(offset <= self.length && length <= self.length - offset);
        // SAFETY: inside of the mapping. Whatever the other process does to these bytes, they stay bytes, and
        // nothing that is decided here depends on them.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().byte_add(offset).cast(), length) }
    }

    /// Writes as much as there is room for.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        for (to, from) in self.bytes().iter().skip(offset).zip(bytes) {
            to.store(*from, Relaxed);
        }
    }

    /// Reads as much as there is.
    pub fn read(&self, offset: usize, length: usize) -> Vec<u8> {
        self.bytes()
            .iter()
            .skip(offset)
            .take(length)
            .map(|byte| byte.load(Relaxed))
            .collect()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping of `map`, which nothing borrows any more.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.length);
        }
    }
}
