//! The runtimes that are installed, and which of them a configuration gets.
#![forbid(unsafe_code)]

use super::Error;
use super::python::{HomeProblem, PythonVersion, version_of};
use std::fs;
use std::path::{Path, PathBuf};

const PREFIX: &str = "libwsgi_python-";

/// A directory of runtimes.
#[derive(Debug)]
pub(super) struct Installed {
    directory: PathBuf,
    runtimes: Vec<(PythonVersion, PathBuf)>,
    default: Option<PythonVersion>,
}

impl Installed {
    /// Looks for runtimes in `directories`, and takes the first that has any.
    pub(super) fn find(directories: &[PathBuf]) -> Self {
        let mut found = directories.iter().map(|directory| Self::read(directory));
        let filled = found.find(|installed| !installed.runtimes.is_empty());
        filled.unwrap_or_else(|| Self {
            directory: directories.first().cloned().unwrap_or_default(),
            runtimes: Vec::new(),
            default: None,
        })
    }

    fn read(directory: &Path) -> Self {
        let entries = fs::read_dir(directory).into_iter().flatten();
        let mut runtimes: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                Some((version_in(path.file_name()?.to_str()?)?, path))
            })
            .collect();
        runtimes.sort();
        // The build writes which of them it was made for first.
        let named = fs::read_to_string(directory.join("default")).ok();
        let named = named.and_then(|text| PythonVersion::parse(text.trim()));
        let installed =
            |version: &PythonVersion| runtimes.iter().any(|(other, _)| other == version);
        let default = named
            .filter(installed)
            .or_else(|| runtimes.last().map(|(version, _)| *version));
        Self {
            directory: directory.to_owned(),
            runtimes,
            default,
        }
    }

    /// The runtime for a Python home, or the default one.
    pub(super) fn choose(&self, home: Option<&[u8]>) -> Result<(PythonVersion, PathBuf), Error> {
        // A home that can't be examined decides nothing; `home_problem` reports it.
        let asked = home.and_then(|home| version_of(home).ok().flatten());
        let Some(version) = asked.or(self.default) else {
            return Err(Error::RuntimeMissing(format!(
                "no runtime is installed in {}",
                self.directory.display()
            )));
        };
        let runtime = self.runtimes.iter().find(|(other, _)| *other == version);
        runtime
            .cloned()
            .ok_or_else(|| self.missing(home.unwrap_or_default(), version))
    }

    fn missing(&self, home: &[u8], version: PythonVersion) -> Error {
        let home = String::from_utf8_lossy(home);
        let directory = self.directory.display();
        let Some(default) = self.default else {
            return Error::RuntimeMissing(format!(
                "python-home {home} is of Python {version}, but no runtime is installed in {directory}"
            ));
        };
        let list: Vec<String> = self
            .runtimes
            .iter()
            .map(|(version, _)| version.to_string())
            .collect();
        Error::RuntimeMissing(format!(
            "python-home {home} is of Python {version}, for which no runtime is installed; the default is {default}, \
             and {directory} has {}",
            list.join(", ")
        ))
    }
}

/// What is wrong with the configured home, if it can't be examined.
pub(super) fn home_problem(home: Option<&[u8]>) -> Option<HomeProblem> {
    version_of(home?).err()
}

fn version_in(name: &str) -> Option<PythonVersion> {
    PythonVersion::parse(
        name.strip_prefix(PREFIX)?
            .strip_suffix(std::env::consts::DLL_SUFFIX)?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn installed(names: &[&str], default: Option<&str>) -> (tempfile::TempDir, Installed) {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(
                directory.path().join(format!("libwsgi_python-{name}.so")),
                "",
            )
            .unwrap();
        }
        if let Some(default) = default {
            fs::write(directory.path().join("default"), default).unwrap();
        }
        let found = Installed::find(&[PathBuf::from("/nonexistent"), directory.path().to_owned()]);
        (directory, found)
    }

    fn chosen(installed: &Installed, home: Option<&Path>) -> Result<String, String> {
        let home = home.map(|home| home.as_os_str().as_bytes());
        let chosen = installed.choose(home);
        chosen
            .map(|(version, _)| version.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_is_named_or_the_newest() {
        for (default, expected) in [
            (None, "3.13"),
            (Some("3.11\n"), "3.11"),
            (Some("3.9"), "3.13"),
            (Some("x"), "3.13"),
        ] {
            let (_directory, installed) = installed(&["3.11", "3.13", "3.9x", "other"], default);
            assert_eq!(chosen(&installed, None).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_home_decides_and_a_missing_runtime_is_named_with_those_there_are() {
        let (_directory, installed) = installed(&["3.11", "3.13"], Some("3.11"));
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("pyvenv.cfg");
        fs::write(&config, "version = 3.13.0").unwrap();
        assert_eq!(chosen(&installed, Some(home.path())).as_deref(), Ok("3.13"));
        fs::write(&config, "version = 3.12.7").unwrap();
        let message = chosen(&installed, Some(home.path())).unwrap_err();
        assert!(
            message.contains("of Python 3.12") && message.contains("default is 3.11"),
            "{message}"
        );
        assert!(message.ends_with("has 3.11, 3.13"), "{message}");
    }

    #[test]
    fn an_unknown_home_gets_the_default() {
        let (_directory, installed) = installed(&["3.11"], None);
        assert_eq!(
            chosen(&installed, Some(Path::new("/nonexistent"))).as_deref(),
            Ok("3.11")
        );
        assert!(home_problem(Some(b"/nonexistent")).is_some() && home_problem(None).is_none());
    }

    #[test]
    fn nothing_installed_is_an_error() {
        let installed = Installed::find(&[PathBuf::from("/nonexistent")]);
        assert_eq!(
            chosen(&installed, None).unwrap_err(),
            "no runtime is installed in /nonexistent"
        );
    }
}
