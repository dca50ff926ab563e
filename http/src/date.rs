//! Dates of HTTP (RFC 9110, section 5.6.7), as a response gives them.

/// Days from the first of March of the year 0 to the epoch.
const EPOCH: i64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;
const DAY: i64 = 86_400;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The value that a `Last-Modified` field gets: in the one format that is to be sent, and not later than `now`, which
/// is in seconds since the epoch (RFC 9110, section 8.8.2.1). `None` when what an application gave is no date.
#[must_use]
pub fn last_modified(value: &[u8], now: i64) -> Option<String> {
    parse(value).map(|seconds| format(seconds.min(now)))
}

/// Reads any of the three formats. Of the day of the week only that it is there is looked at.
fn parse(value: &[u8]) -> Option<i64> {
    let value = std::str::from_utf8(value).ok()?;
    let mut words = [""; 6];
    let mut count = 0;
    for word in value
        .split([' ', ','])
        .flat_map(split_date)
        .filter(|word| !word.is_empty())
    {
        *words.get_mut(count)? = word;
        count += 1;
    }
    let [_, a, b, c, d, e] = words;
    let (year, month, day, time) = match count {
        // Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT
        6 if is_utc(e) => (c, b, a, d),
        // Sun Nov  6 08:49:37 1994
        5 => (d, a, b, c),
        _ => return None,
    };
    let is_month = |name: &&[u8]| name.eq_ignore_ascii_case(month.as_bytes());
    let month = MONTHS.iter().position(is_month)? as i64;
    let year = match (number(year)?, year.len()) {
        (year, 4) => year,
        (year @ 0..70, 2) => 2000 + year,
        (year, 2) => 1900 + year,
        _ => return None,
    };
    let days = days(year, month, number(day)?)?;
    Some(days * DAY + seconds(time)?)
}

/// `06-Nov-94` is three words; `-0000` is one.
fn split_date(word: &str) -> impl Iterator<Item = &str> {
    let separator = if word.starts_with('-') { ' ' } else { '-' };
    word.split(separator)
}

/// Zones that are written for GMT by mistake, as Python's `email.utils.formatdate()` does it, count as well.
fn is_utc(zone: &str) -> bool {
    matches!(zone, "GMT" | "UTC" | "UT" | "Z" | "+0000" | "-0000")
}

fn number(digits: &str) -> Option<i64> {
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

fn seconds(time: &str) -> Option<i64> {
    let mut parts = time.split(':').map(number);
    match (parts.next()??, parts.next()??, parts.next()??, parts.next()) {
        (hour @ 0..24, minute @ 0..60, second @ 0..=60, None) => {
            Some((hour * 60 + minute) * 60 + second)
        }
        _ => None,
    }
}

/// Days since the epoch; `month` counts from 0. `None` where there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // Years that begin in March end with the day that only some of them have.
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * ERA + year * 365 + year / 4 - year / 100 + day_of_year - EPOCH;
    (civil(days) == (era * 400 + year, month, day)).then_some(days)
}

/// The year from March on, the month in it and the day, of a number of days since the epoch.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    (
        era * 400 + year,
        month,
        day_of_year - (153 * month + 2) / 5 + 1,
    )
}

/// The preferred format.
fn format(seconds: i64) -> String {
    let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (year, month) = if month < 10 {
        (year, month + 2)
    } else {
        (year + 1, month - 10)
    };
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    // The epoch was a Thursday.
    let weekday = WEEKDAYS[(days + 4).rem_euclid(7) as usize];
    let month = String::from_utf8_lossy(MONTHS[month as usize]);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: i64 = 4_102_444_800;

    #[test]
    fn every_format_becomes_the_preferred_one() {
        for value in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 6 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 -0000",
            "Mon, 06 Nov 1994 08:49:37 UTC",
        ] {
            let expected = Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
            assert_eq!(last_modified(value.as_bytes(), LATER), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for value in [
            "",
            "0",
            "yesterday",
            "Sun, 06 Nov 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT again",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "Sun, 06 Nov 1994 08:49:37 PST",
            "Sun, 06 Nov 994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 06 Nov 1994 8:+9:37 GMT",
            "Sun, -6 Nov 1994 08:49:37 GMT",
            "Sun, 06 N\u{f6}v 1994 08:49:37 GMT",
        ] {
            assert_eq!(last_modified(value.as_bytes(), LATER), None, "{value}");
        }
        assert_eq!(last_modified(b"\xff", LATER), None);
    }

    #[test]
    fn nothing_is_modified_in_the_future() {
        let now = parse(b"Sat, 01 Jan 2000 00:00:00 GMT").unwrap();
        assert_eq!(now, 946_684_800);
        for value in [
            "Sat, 01 Jan 2000 00:00:01 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            let found = last_modified(value.as_bytes(), now).unwrap();
            assert_eq!(found, "Sat, 01 Jan 2000 00:00:00 GMT");
        }
    }

    #[test]
    fn every_day_is_read_as_it_was_written() {
        for day in (-719_000..2_900_000).step_by(17) {
            let text = format(day * DAY + 4711);
            assert_eq!(parse(text.as_bytes()), Some(day * DAY + 4711), "{text}");
        }
        assert_eq!(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(format(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }

    #[test]
    fn years_of_two_digits_are_near() {
        for (year, expected) in [
            ("69", "2069"),
            ("70", "1970"),
            ("99", "1999"),
            ("00", "2000"),
        ] {
            let value = format!("Sunday, 06-Nov-{year} 08:49:37 GMT");
            let found = last_modified(value.as_bytes(), LATER).unwrap();
            assert!(found.contains(expected), "{found}");
        }
    }
}
