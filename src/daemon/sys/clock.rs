//! The time as people write it. Unsafe because the C library knows the time zone.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the epoch.
#[must_use]
pub fn seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// The local time, as httpd writes it: `Mon Nov 23 12:41:09.123456 2026`.
#[must_use]
pub fn local() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let whole = libc::time_t::try_from(now.as_secs()).unwrap_or(0);
    // SAFETY: zero is a value of this plain structure, and both pointers are live.
    let time = unsafe {
        let mut time: libc::tm = std::mem::zeroed();
        libc::localtime_r(&raw const whole, &raw mut time);
        time
    };
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let name =
        |names: &[&'static str], index: i32| names.get(index as usize).copied().unwrap_or("?");
    format!(
        "{} {} {:02} {:02}:{:02}:{:02}.{:06} {}",
        name(&DAYS, time.tm_wday),
        name(&MONTHS, time.tm_mon),
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec,
        now.subsec_micros(),
        time.tm_year + 1900
    )
}
