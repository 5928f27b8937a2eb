//! Times and durations as people read and write them.

use std::time::Duration;

use tenure_core::error::Cause;
use tenure_core::{Error, Millis, Timestamp};

/// The age of a time in one unit: `12s`, `5m`, `3h`, `6d`, `2y`. A time in the future has the age `0s`.
pub(crate) fn age(now: Timestamp, at: Timestamp) -> String {
    duration(now.since(at))
}

/// A duration in milliseconds, in its largest unit.
pub(crate) fn duration(millis: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (365 * 86_400, "y"),
        (86_400, "d"),
        (3600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let seconds = millis / 1000;
    let (unit, name) = UNITS
        .into_iter()
        .find(|&(unit, _)| seconds >= unit)
        .unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}

/// A duration in its two largest units.
pub(crate) fn in_two_units(millis: f64) -> String {
    let seconds = (millis / 1000.0).round() as u64;
    match seconds {
        0..60 => format!("{:.1} s", millis / 1000.0),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A time to the second, as `2026-01-08 18:05:30`.
pub(crate) fn second(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((date, time)) => format!("{date} {}", time.split('.').next().unwrap_or(time)),
        None => text,
    }
}

/// A time to the second, as `2026-01-08T18:05:30Z`.
pub(crate) fn iso_second(at: Timestamp) -> String {
    second(at).replace(' ', "T") + "Z"
}

/// The time of day, to the second.
pub(crate) fn of_day(at: Timestamp) -> String {
    let text = second(at);
    text.split_once(' ')
        .map_or_else(String::new, |(_, time)| time.to_owned())
}

/// Parses a duration, such as `90s`.
pub(crate) fn parse_duration(text: &str) -> Result<Millis, String> {
    Millis::parse(text).map_err(problem_of)
}

/// Parses a duration that must not be zero.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Millis(0) => Err("expected more than 0".to_owned()),
        Millis(millis) => Ok(Duration::from_millis(millis)),
    }
}

/// Parses a time, such as `2026-01-08T18:05:30Z`.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(problem_of)
}

/// The problem with a value. clap says which argument has it.
pub(crate) fn problem_of(error: Error) -> String {
    match error.into_cause() {
        Cause::InvalidArgument { problem, .. } => problem,
        cause => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_shown_in_its_largest_unit() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (86_400, "1d"),
            (365 * 86_400 - 1, "364d"),
            (800 * 86_400, "2y"),
        ] {
            assert_eq!(duration(seconds * 1000), text);
        }
        let now = Timestamp::from_millis(0).unwrap();
        assert_eq!(age(now, now.plus(Millis(5000))), "0s");
    }

    #[test]
    fn a_time_is_shown_to_the_second() {
        let at = Timestamp::parse("2026-01-08T18:05:30.123Z").unwrap();
        assert_eq!(second(at), "2026-01-08 18:05:30");
        assert_eq!(iso_second(at), "2026-01-08T18:05:30Z");
        assert_eq!(of_day(at), "18:05:30");
    }
}
