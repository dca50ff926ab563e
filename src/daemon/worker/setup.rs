//! From a fresh process to one of the group: who it is, where it is, and what it may use.

use super::super::settings::GroupSettings;
use super::super::sys::account::{self, User};
use super::super::sys::{identity, limits, process};
use super::Parts;
use std::ffi::{CStr, CString};
use std::io;
use wsgi_core_abi::{Level, MessageId};

/// Who a worker is to be; of effect where the supervisor is root.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The user.
    pub user: Option<User>,
    /// The group.
    pub gid: Option<u32>,
    /// The user that the host's serving processes run as.
    pub host_uid: Option<u32>,
}

/// A failure, and at what.
fn at<T>(what: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}")))
}

/// Makes this process what the settings say.
///
/// # Errors
/// When it would be something else: then it must not run applications.
pub fn apply(parts: &Parts) -> io::Result<()> {
    let settings = &parts.settings;
    let warn = |what: &str, result: io::Result<()>| {
        if let Err(error) = result {
            let name = String::from_utf8_lossy(&parts.name);
            let text = format!("Process group '{name}': {what} could not be set: {error}");
            parts
                .log
                .line(Level::Warning, MessageId::WORKER_LIMIT, &text);
        }
    };
    process::leave_session();
    if settings.cpu_priority != 0 {
        warn("cpu-priority", limits::set_priority(settings.cpu_priority));
    }
    // The user's home is looked up outside of the new root.
    let user = parts
        .identity
        .user
        .clone()
        .or_else(|| User::of(account::own_uid()));
    if let Some(root) = &settings.chroot {
        at("chroot", identity::change_root(&c_string(root)?))?;
    }
    take_identity(&parts.identity, settings)?;
    // Changing the user has undone it, and the supervisor may have ended meanwhile: then its end of the link is
    // closed, which the main thread sees as soon as it looks.
    process::set_death_signal(libc::SIGTERM);
    process::set_dumpable();
    if let Some(home) = &settings.home {
        at(
            "the working directory",
            identity::change_directory(&c_string(home)?),
        )?;
    } else if let Some(home) = home_of_another(parts, user.as_ref()) {
        // Users of services often have a home that does not exist.
        let gone = identity::change_directory(home);
        if gone.is_err() {
            identity::change_directory(c"/")?;
        }
        warn(
            "the home of the user as working directory, which is / instead,",
            gone,
        );
    }
    if let Some(mask) = settings.umask {
        identity::set_umask(mask);
    }
    set_limits(settings, warn);
    set_environment(settings, user.as_ref(), warn);
    Ok(())
}

fn take_identity(wanted: &Identity, settings: &GroupSettings) -> io::Result<()> {
    if !account::is_root() {
        return Ok(());
    }
    let gid = wanted.gid.or(wanted.user.as_ref().map(|user| user.gid));
    if let Some(gid) = gid {
        at("the group", identity::set_group(gid))?;
    }
    match (&settings.supplementary_groups, &wanted.user, gid) {
        (Some(groups), _, gid) => {
            let all: Vec<u32> = gid.into_iter().chain(groups.iter().copied()).collect();
            at("the supplementary groups", identity::set_groups(&all))?;
        }
        (None, Some(user), Some(gid)) => at(
            "the groups of the user",
            identity::initialise_groups(user, gid),
        )?,
        _ => {}
    }
    match &wanted.user {
        Some(user) => at("the user", identity::set_user(user.uid)),
        None => Ok(()),
    }
}

/// The home of a user that is not the host's.
fn home_of_another<'u>(parts: &Parts, user: Option<&'u User>) -> Option<&'u CStr> {
    let user = user.filter(|user| parts.identity.host_uid.is_some_and(|host| host != user.uid));
    user.map(|user| &*user.home)
}

fn set_limits(settings: &GroupSettings, warn: impl Fn(&str, io::Result<()>)) {
    if !settings.cpu_time_limit.is_zero() {
        let hard =
            settings.cpu_time_limit + settings.shutdown_timeout + std::time::Duration::from_secs(1);
        warn(
            "cpu-time-limit",
            limits::set_processor_time(settings.cpu_time_limit, hard),
        );
    }
    if settings.memory_limit > 0 {
        warn("memory-limit", limits::set_data(settings.memory_limit));
    }
    if settings.virtual_memory_limit > 0 {
        warn(
            "virtual-memory-limit",
            limits::set_size(settings.virtual_memory_limit),
        );
    }
}

fn set_environment(
    settings: &GroupSettings,
    user: Option<&User>,
    warn: impl Fn(&str, io::Result<()>),
) {
    if let Some(user) = user {
        identity::set_variable("HOME", user.home.to_bytes());
        for name in ["USER", "USERNAME", "LOGNAME"] {
            if std::env::var_os(name).is_some() {
                identity::set_variable(name, user.name.to_bytes());
            }
        }
    }
    if let Some(lang) = &settings.lang {
        identity::set_variable("LANG", lang);
    }
    if let Some(locale) = &settings.locale {
        identity::set_variable("LC_ALL", locale);
        let known = c_string(locale).is_ok_and(|locale| identity::set_locale(&locale));
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the system does not have it");
        warn("locale", if known { Ok(()) } else { Err(unknown()) });
    }
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CStr::from_bytes_until_nul(&[bytes, &[0]].concat())
        .map(CStr::to_owned)
        .map_err(io::Error::other)
}
