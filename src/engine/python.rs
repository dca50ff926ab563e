//! Which Python a configuration asks for, found out without running any.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A version of CPython as runtimes are told apart: `3.11`, or `3.14t` for a free-threaded build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    major: u8,
    minor: u8,
    threaded: bool,
}

impl PythonVersion {
    /// Reads `X.Y`, optionally with a `t`, and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (text, threaded) = text
            .strip_suffix('t')
            .map_or((text, false), |text| (text, true));
        let (major, minor) = text.split_once('.')?;
        Some(Self {
            major: number(major)?,
            minor: number(minor)?,
            threaded,
        })
    }

    /// Reads the beginning of a version such as `3.11.2.final.0`.
    fn leading(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        Some(Self {
            major: number(parts.next()?)?,
            minor: number(parts.next()?)?,
            threaded: false,
        })
    }
}

fn number(text: &str) -> Option<u8> {
    let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.threaded { "t" } else { "" };
        write!(out, "{}.{}{suffix}", self.major, self.minor)
    }
}

/// Why a Python home can't be examined. Start-up goes on without it deciding anything.
#[derive(Debug, thiserror::Error)]
pub(super) enum HomeProblem {
    #[error("python-home {} can't be examined: {reason}", path.display())]
    Unknown {
        path: PathBuf,
        reason: std::io::Error,
    },
    #[error("python-home {} is not a directory", path.display())]
    NotDirectory { path: PathBuf },
    #[error("python-home {} may not be searched by this user", path.display())]
    NotSearchable { path: PathBuf },
}

/// The Python that lives in `home`, or nothing when it does not say.
pub(super) fn version_of(home: &[u8]) -> Result<Option<PythonVersion>, HomeProblem> {
    let home = directory(home)?;
    let version = from_environment(&home).or_else(|| from_library(&home));
    Ok(version.map(|version| free_threaded(&home, version)))
}

/// The prefix in `prefix:exec_prefix`, checked.
fn directory(home: &[u8]) -> Result<PathBuf, HomeProblem> {
    let whole = PathBuf::from(std::ffi::OsStr::from_bytes(home));
    let prefix = home.split(|byte| *byte == b':').next().unwrap_or(home);
    let path = if whole.exists() {
        whole
    } else {
        PathBuf::from(std::ffi::OsStr::from_bytes(prefix))
    };
    match fs::metadata(&path) {
        Err(reason) => return Err(HomeProblem::Unknown { path, reason }),
        Ok(data) if !data.is_dir() => return Err(HomeProblem::NotDirectory { path }),
        Ok(_) => {}
    }
    match fs::metadata(path.join(".")) {
        Err(_) => Err(HomeProblem::NotSearchable { path }),
        Ok(_) => Ok(path),
    }
}

/// What `pyvenv.cfg` says. virtualenv writes `version_info` and gives `version` its own; venv writes the latter.
fn from_environment(home: &Path) -> Option<PythonVersion> {
    let text = fs::read(home.join("pyvenv.cfg")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let value = |wanted: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    };
    ["version_info", "version"]
        .iter()
        .find_map(|name| PythonVersion::leading(value(name)?))
}

/// What the library directories of an installation say: the program it calls `python3`, or else the newest.
fn from_library(home: &Path) -> Option<PythonVersion> {
    let program = ["python3", "python"].iter().find_map(|name| {
        let target = fs::canonicalize(home.join("bin").join(name)).ok()?;
        PythonVersion::parse(target.file_name()?.to_str()?.strip_prefix("python")?)
    });
    program.or_else(|| {
        let entries = fs::read_dir(home.join("lib")).ok()?;
        entries
            .filter_map(|entry| library(&entry.ok()?.path()))
            .max()
    })
}

/// The version of a standard library, or of the shared library of an interpreter.
fn library(path: &Path) -> Option<PythonVersion> {
    let name = path.file_name()?.to_str()?;
    if let Some(rest) = name.strip_prefix("libpython") {
        return PythonVersion::parse(rest.split_once(".so")?.0);
    }
    // Debian has directories of this name that hold packages only.
    let version = PythonVersion::parse(name.strip_prefix("python")?)?;
    path.join("os.py").exists().then_some(version)
}

/// Tells a free-threaded build from an ordinary one, where only the directory of packages does.
fn free_threaded(home: &Path, version: PythonVersion) -> PythonVersion {
    let threaded = PythonVersion {
        threaded: true,
        ..version
    };
    let exists = |version| home.join(format!("lib/python{version}")).is_dir();
    if exists(threaded) && !exists(version) {
        threaded
    } else {
        version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let home = home(files);
        version_of(home.path().as_os_str().as_bytes())
            .unwrap()
            .map(|version| version.to_string())
    }

    #[test]
    fn versions_are_read_exactly() {
        for (text, expected) in [
            ("3.11", true),
            ("3.14t", true),
            ("3", false),
            ("3.", false),
            ("3.1a", false),
            ("3.11.2", false),
            ("300.1", false),
        ] {
            assert_eq!(PythonVersion::parse(text).is_some(), expected, "{text}");
        }
        let order =
            ["3.9", "3.10", "3.14", "3.14t"].map(|text| PythonVersion::parse(text).unwrap());
        assert!(order.is_sorted());
        assert_eq!(order[3].to_string(), "3.14t");
    }

    #[test]
    fn an_environment_names_its_version() {
        for (text, expected) in [
            ("home = /usr/bin\nversion = 3.11.2\n", Some("3.11")),
            ("version=3.12.0rc1\n", Some("3.12")),
            (
                "version = 20.24.5\nversion_info = 3.13.1.final.0\n",
                Some("3.13"),
            ),
            ("Version_Info = 3.10\n", Some("3.10")),
            ("home = /usr/bin\n", None),
            ("version = x\n", None),
            ("", None),
        ] {
            assert_eq!(
                found(&[("pyvenv.cfg", text)]).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_installation_shows_its_version() {
        assert_eq!(
            found(&[("lib/python3.11/os.py", "")]).as_deref(),
            Some("3.11")
        );
        assert_eq!(
            found(&[("lib/libpython3.12.so.1.0", "")]).as_deref(),
            Some("3.12")
        );
        assert_eq!(found(&[("lib/python3.11/dist-packages/x.py", "")]), None);
        assert_eq!(
            found(&[("lib/python3.9/os.py", ""), ("lib/python3.10/os.py", "")]).as_deref(),
            Some("3.10")
        );
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_program_decides_between_two() {
        let home = home(&[
            ("lib/python3.9/os.py", ""),
            ("lib/python3.10/os.py", ""),
            ("bin/python3.9", ""),
        ]);
        std::os::unix::fs::symlink("python3.9", home.path().join("bin/python3")).unwrap();
        let version = version_of(home.path().as_os_str().as_bytes()).unwrap();
        assert_eq!(
            version.map(|version| version.to_string()).as_deref(),
            Some("3.9")
        );
    }

    #[test]
    fn a_free_threaded_environment_is_told_by_its_packages() {
        let files = [
            ("pyvenv.cfg", "version = 3.14.0"),
            ("lib/python3.14t/site-packages/x", ""),
        ];
        assert_eq!(found(&files).as_deref(), Some("3.14t"));
    }

    #[test]
    fn what_can_not_be_examined_is_told() {
        let home = home(&[("file", "")]);
        let path = |name: &str| home.path().join(name).into_os_string();
        assert!(matches!(
            version_of(path("file").as_bytes()),
            Err(HomeProblem::NotDirectory { .. })
        ));
        assert!(matches!(
            version_of(path("none").as_bytes()),
            Err(HomeProblem::Unknown { .. })
        ));
        let both = [home.path().as_os_str().as_bytes(), b":/exec"].concat();
        assert!(version_of(&both).is_ok());
    }
}
