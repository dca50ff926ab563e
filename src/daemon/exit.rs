//! How the processes of this package end when they can't do what they are for. No code is the number of a signal.
#![forbid(unsafe_code)]

/// What a process could not do.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Understand what it was told.
    Usage = 64,
    /// Start the application.
    Application = 70,
    /// Become what the settings of its group say.
    Setup = 71,
}

impl ExitCode {
    /// What an operator reads about a process that ended with this code.
    #[must_use]
    pub fn words(code: i32) -> Option<&'static str> {
        [
            (Self::Usage, "it could not read what it was to do"),
            (Self::Application, "Python could not be started in it"),
            (
                Self::Setup,
                "it could not become what the settings of the group say",
            ),
        ]
        .into_iter()
        .find_map(|(known, words)| (known as i32 == code).then_some(words))
    }
}
