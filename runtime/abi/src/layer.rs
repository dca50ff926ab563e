//! Settings of interpreters, in layers.

use crate::{Bytes, Slice};

/// On, off, or not set.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(u8);

impl Flag {
    /// Nothing is set.
    pub const UNSET: Self = Self(0);
    /// Off.
    pub const OFF: Self = Self(1);
    /// On.
    pub const ON: Self = Self(2);

    /// What is set, if anything.
    #[must_use]
    pub fn get(self) -> Option<bool> {
        (self != Self::UNSET).then_some(self == Self::ON)
    }
}

impl From<Option<bool>> for Flag {
    fn from(value: Option<bool>) -> Self {
        match value {
            None => Self::UNSET,
            Some(false) => Self::OFF,
            Some(true) => Self::ON,
        }
    }
}

/// What is set for some interpreters of a process. Of each value, the last layer that has it counts.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InterpreterLayer<'a> {
    /// The application group it is for, empty for the main interpreter; absent for all of them.
    pub application_group: Bytes<'a>,
    /// Directories for `site.addsitedir`, in order; put in front of those of earlier layers.
    pub python_path: Slice<'a, Bytes<'a>>,
    /// Seconds for `sys.setswitchinterval`; 0.0 when not set.
    pub switch_interval: f64,
    /// Sub-interpreters have a GIL of their own.
    pub own_gil: Flag,
    /// Any use of `sys.stdin` raises.
    pub restrict_stdin: Flag,
    /// Any use of `sys.stdout` raises.
    pub restrict_stdout: Flag,
    /// `signal.signal` is ignored; it is unless a layer says otherwise.
    pub restrict_signal: Flag,
}

impl InterpreterLayer<'_> {
    /// A layer for every interpreter, in which nothing is set.
    pub const EMPTY: Self = InterpreterLayer {
        application_group: Bytes::ABSENT,
        python_path: Slice::EMPTY,
        switch_interval: 0.0,
        own_gil: Flag::UNSET,
        restrict_stdin: Flag::UNSET,
        restrict_stdout: Flag::UNSET,
        restrict_signal: Flag::UNSET,
    };
}

#[cfg(test)]
mod tests {
    use super::Flag;

    #[test]
    fn flags_keep_what_they_are_made_of() {
        for value in [None, Some(false), Some(true)] {
            assert_eq!(Flag::from(value).get(), value);
        }
    }
}
