//! What there are options for.
#![forbid(unsafe_code)]

/// What an option applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The processes of one engine.
    Process,
    /// A directory, location or virtual host.
    Directory,
    /// One mapping of URLs to a script.
    Script,
    /// One process group.
    Group,
    /// Interpreters, selected by process group and application group.
    Interpreter,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Process => "process",
            Self::Directory => "directory",
            Self::Script => "script",
            Self::Group => "group",
            Self::Interpreter => "interpreter",
        })
    }
}
