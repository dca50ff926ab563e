//! Users and groups of the system. Unsafe because it calls the C library's lookups.

use std::ffi::{CStr, CString, c_char};

/// A user of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// The number of its own group.
    pub gid: u32,
    /// Its name.
    pub name: CString,
    /// Its home directory.
    pub home: CString,
}

/// A group of the system. One that is given by number need not have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub gid: u32,
}

impl User {
    /// Looks up a name, or `#` and a number.
    #[must_use]
    pub fn find(text: &[u8]) -> Option<Self> {
        match number(text) {
            Some(uid) => Self::of(uid?),
            None => {
                let name = CString::new(text).ok()?;
                lookup(|entry: *mut libc::passwd, room: &mut [c_char], found| {
                    // SAFETY: a name that ends with a NUL, and places for the answer.
                    unsafe {
                        libc::getpwnam_r(name.as_ptr(), entry, room.as_mut_ptr(), room.len(), found)
                    }
                })
            }
        }
    }

    /// The user with this number.
    #[must_use]
    pub fn of(uid: u32) -> Option<Self> {
        lookup(|entry: *mut libc::passwd, room: &mut [c_char], found| {
            // SAFETY: places for the answer.
            unsafe { libc::getpwuid_r(uid, entry, room.as_mut_ptr(), room.len(), found) }
        })
    }
}

impl Group {
    /// Looks up a name, or takes `#` and a number.
    #[must_use]
    pub fn find(text: &[u8]) -> Option<Self> {
        if let Some(gid) = number(text) {
            return gid.map(|gid| Self { gid });
        }
        let name = CString::new(text).ok()?;
        lookup(|entry: *mut libc::group, room: &mut [c_char], found| {
            // SAFETY: a name that ends with a NUL, and places for the answer.
            unsafe { libc::getgrnam_r(name.as_ptr(), entry, room.as_mut_ptr(), room.len(), found) }
        })
    }
}

/// `None` for a name; `Some(None)` for a number that can't be one.
fn number(text: &[u8]) -> Option<Option<u32>> {
    let digits = text.strip_prefix(b"#")?;
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    Some(
        plain
            .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
            .flatten()
            .filter(|id| *id != u32::MAX),
    )
}

/// What a lookup gives, made of an entry whose strings are only valid for the moment.
trait Entry: Sized {
    type Raw;

    /// # Safety
    /// An entry that a lookup filled in.
    unsafe fn of(raw: &Self::Raw) -> Self;
}

impl Entry for User {
    type Raw = libc::passwd;

    unsafe fn of(raw: &libc::passwd) -> Self {
        // SAFETY: the lookup's strings end with a NUL.
        unsafe {
            Self {
                uid: raw.pw_uid,
                gid: raw.pw_gid,
                name: CStr::from_ptr(raw.pw_name).to_owned(),
                home: CStr::from_ptr(raw.pw_dir).to_owned(),
            }
        }
    }
}

impl Entry for Group {
    type Raw = libc::group;

    unsafe fn of(raw: &libc::group) -> Self {
        Self { gid: raw.gr_gid }
    }
}

/// Calls one of the lookups with enough room for its strings.
fn lookup<E: Entry>(
    call: impl Fn(*mut E::Raw, &mut [c_char], *mut *mut E::Raw) -> i32,
) -> Option<E> {
    let mut room = vec![0; 1024];
    loop {
        // SAFETY: zero is a value of these plain structures.
        let mut entry: E::Raw = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        match call(&raw mut entry, &mut room, &raw mut found) {
            libc::ERANGE if room.len() < 1 << 20 => room = vec![0; 2 * room.len()],
            libc::EINTR => {}
            // SAFETY: the lookup filled the entry in.
            0 if !found.is_null() => return Some(unsafe { E::of(&entry) }),
            _ => return None,
        }
    }
}

/// The most supplementary groups a process may have.
#[must_use]
pub fn most_groups() -> usize {
    // SAFETY: a query.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NGROUPS_MAX) }).unwrap_or(16)
}

/// Whether this process may take on another identity.
#[must_use]
pub fn is_root() -> bool {
    own_uid() == 0
}

/// The effective user of this process.
#[must_use]
pub fn own_uid() -> u32 {
    // SAFETY: a query.
    unsafe { libc::geteuid() }
}

/// The effective group of this process.
#[must_use]
pub fn own_gid() -> u32 {
    // SAFETY: a query.
    unsafe { libc::getegid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_the_same_user() {
        let root = User::find(b"root").unwrap();
        assert_eq!((root.uid, root.name.as_c_str()), (0, c"root"));
        assert_eq!(User::find(b"#0"), Some(root));
        assert_eq!(User::find(b"no-such-user"), None);
        assert_eq!(User::find(b"#3999999999"), None);
        assert_eq!(User::find(b"#1x"), None);
    }

    #[test]
    fn groups_by_number_need_no_name() {
        assert_eq!(Group::find(b"root"), Some(Group { gid: 0 }));
        assert_eq!(Group::find(b"#54321"), Some(Group { gid: 54321 }));
        assert_eq!(Group::find(b"no-such-group"), None);
        assert_eq!(Group::find(b"#4294967295"), None);
        assert_eq!(Group::find(b"a\0b"), None);
    }
}
