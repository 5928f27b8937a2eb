//! Cron expressions of five fields, in UTC: minute, hour, day of the month, month, day of the week. A field is `*`, a value, a range
//! `1-5`, a step `*/15` or `10-50/20`, or a list of these; months and days of the week have names. As in cron(8), a day counts if the
//! day of the month or the day of the week fits, where both are restricted. UTC has no daylight saving: no time is skipped or comes twice.

use tenure_core::{Error, Millis, Result, Timestamp};

const MINUTE_MS: i64 = 60_000;
const MINUTES_OF_DAY: i64 = 24 * 60;
/// The longest time between two occurrences: from one 29th of February to the next, around 2100.
const MOST_DAYS: i64 = 8 * 366;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether either kind of day is enough.
    either_day: bool,
}

impl Cron {
    /// Every day at a time in UTC, such as `03:00`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn daily(at: &str) -> Result<Self> {
        let invalid = || {
            Error::invalid(
                "at",
                format!("expected a time in UTC such as \"03:00\", got {at:?}"),
            )
        };
        let (hour, minute) = at.split_once(':').ok_or_else(invalid)?;
        let number = |text: &str, most: u32| {
            let is_short = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text
                .parse()
                .ok()
                .filter(|number: &u32| is_short && *number <= most);
            number.ok_or_else(invalid)
        };
        let (hour, minute) = (number(hour, 23)?, number(minute, 59)?);
        Self::parse(&format!("{minute} {hour} * * *"))
    }

    /// Reads an expression.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, also for one without any occurrence.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |problem: &str| {
            Error::invalid(
                "at",
                format!("{text:?} is no cron expression such as \"0 3 * * *\": {problem}"),
            )
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(invalid("expected five fields"));
        };
        let read = |field: &str, least, most, names: &[&str]| {
            set(field, least, most, names).map_err(|problem| match problem {
                None => invalid(&format!("{field:?} is wrong")),
                Some(problem) => invalid(&format!("{field:?} is wrong: {problem}")),
            })
        };
        let weekday_set = read(weekdays, 0, 7, &DAYS)?;
        let cron = Self {
            minutes: read(minutes, 0, 59, &[])?,
            hours: read(hours, 0, 23, &[])?,
            days: read(days, 1, 31, &[])?,
            months: read(months, 1, 12, &MONTHS)?,
            // 7 is Sunday, too.
            weekdays: (weekday_set | weekday_set >> 7) & 0x7f,
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        };
        match cron.next_after(Timestamp::default()) {
            Some(_) => Ok(cron),
            None => Err(invalid("there is no such day")),
        }
    }

    /// The first occurrence after a time.
    pub fn next_after(self, after: Timestamp) -> Option<Timestamp> {
        let first = after.as_millis().div_euclid(MINUTE_MS) + 1;
        let (day, minute) = (
            first.div_euclid(MINUTES_OF_DAY),
            first.rem_euclid(MINUTES_OF_DAY),
        );
        (day..=day + MOST_DAYS)
            .filter(|at| self.has_day(*at))
            .find_map(|at| {
                let least = if at == day { minute } else { 0 };
                let found = (least..MINUTES_OF_DAY).find(|minute| self.has_minute(*minute))?;
                moment(at, found)
            })
    }

    /// The last occurrence at or before a time.
    pub fn last_at(self, time: Timestamp) -> Option<Timestamp> {
        let last = time.as_millis().div_euclid(MINUTE_MS);
        let (day, minute) = (
            last.div_euclid(MINUTES_OF_DAY),
            last.rem_euclid(MINUTES_OF_DAY),
        );
        (day - MOST_DAYS..=day)
            .rev()
            .filter(|at| self.has_day(*at))
            .find_map(|at| {
                let most = if at == day {
                    minute
                } else {
                    MINUTES_OF_DAY - 1
                };
                let found = (0..=most).rev().find(|minute| self.has_minute(*minute))?;
                moment(at, found)
            })
    }

    fn has_minute(self, minute: i64) -> bool {
        has(self.hours, minute / 60) && has(self.minutes, minute % 60)
    }

    /// Whether there are occurrences on a day, counted from 1970-01-01.
    fn has_day(self, day: i64) -> bool {
        let (month, of_month) = date(day);
        // 1970-01-01 was a Thursday.
        let weekday = has(self.weekdays, (day + 4).rem_euclid(7));
        let of_month = has(self.days, of_month);
        has(self.months, month)
            && match self.either_day {
                true => of_month || weekday,
                false => of_month && weekday,
            }
    }
}

fn has(set: u64, value: i64) -> bool {
    set >> value & 1 == 1
}

fn moment(day: i64, minute: i64) -> Option<Timestamp> {
    let millis = (day * MINUTES_OF_DAY + minute) * MINUTE_MS;
    Timestamp::from_millis(millis).ok()
}

/// The month and the day of the month of a day that is counted from 1970-01-01, in the Gregorian calendar. The year is
/// taken to begin in March, so that the day that some years have more is its last one.
fn date(day: i64) -> (i64, i64) {
    let day = day + 719_468;
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    (if month < 10 { month + 3 } else { month - 9 }, of_month)
}

/// The values of a field, as bits. The error says what is wrong where that is not plain.
fn set(
    field: &str,
    least: u32,
    most: u32,
    names: &[&str],
) -> std::result::Result<u64, Option<&'static str>> {
    let number = |text: &str| -> Option<u32> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    };
    let value = |text: &str| {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let first = if names.len() == MONTHS.len() { 1 } else { 0 };
        let number = match named {
            Some(place) => u32::try_from(place).ok().map(|place| place + first),
            None => number(text),
        };
        let number = number.filter(|number| (least..=most).contains(number));
        number.ok_or(None)
    };
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, number(step).filter(|step| *step > 0).ok_or(None)?),
            None => (part, 1),
        };
        if step > most {
            return Err(Some("the step is beyond the range of the field"));
        }
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (value(first)?, value(last)?),
            None if part.contains('/') => (value(range)?, most),
            None => (value(range)?, value(range)?),
        };
        if first > last {
            return Err(Some(match names == DAYS && last == 0 {
                true => "a range goes up, and Sunday, which is 0, is also 7",
                false => "a range goes up",
            }));
        }
        for value in (first..=last).step_by(step as usize) {
            bits |= 1 << value;
        }
    }
    Ok(bits)
}

/// The time from now to an occurrence.
pub(crate) fn until(now: Timestamp, at: Timestamp) -> Millis {
    Millis(at.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn occurrences_are_those_of_cron() {
        for (cron, after, next) in [
            ("0 3 * * *", "2026-01-08T02:59:59Z", "2026-01-08T03:00:00Z"),
            ("0 3 * * *", "2026-01-08T03:00:00Z", "2026-01-09T03:00:00Z"),
            // Where zones change their clocks, nothing happens.
            ("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T02:30:00Z"),
            ("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00Z"),
            (
                "*/15 9-17 * * mon-fri",
                "2026-01-09T17:45:00Z",
                "2026-01-12T09:00:00Z",
            ),
            (
                "0 0 1,15 * *",
                "2026-01-15T00:00:00Z",
                "2026-02-01T00:00:00Z",
            ),
            // Either day.
            ("0 0 13 * 5", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"),
            ("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
            (
                "59 23 31 dec SUN,7",
                "2025-12-31T23:59:00Z",
                "2026-12-06T23:59:00Z",
            ),
            (
                "5/20 * * * *",
                "2026-01-08T00:45:00Z",
                "2026-01-08T01:05:00Z",
            ),
        ] {
            let parsed = Cron::parse(cron).unwrap();
            assert_eq!(parsed.next_after(at(after)), Some(at(next)), "{cron}");
            assert_eq!(parsed.last_at(at(next)), Some(at(next)), "{cron}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for cron in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "-1 * * * *",
            "0 0 30 2 *",
            "1,, * * * *",
            "+1 * * * *",
            "*/+5 * * * *",
            "*/60 * * * *",
            "* */24 * * *",
            "*/4294967295 * * * *",
        ] {
            assert!(Cron::parse(cron).is_err(), "{cron}");
        }
        for (cron, problem) in [
            (
                "*/60 * * * *",
                "\"*/60\" is wrong: the step is beyond the range of the field",
            ),
            (
                "0 0 * * fri-sun",
                "\"fri-sun\" is wrong: a range goes up, and Sunday, which is 0, is also 7",
            ),
            ("0 22-6 * * *", "\"22-6\" is wrong: a range goes up"),
        ] {
            let error = Cron::parse(cron).unwrap_err().to_string();
            assert!(error.ends_with(problem), "{error}");
        }
        for cron in ["*/59 */23 * * *", "0 0 * * fri-7", "0 0 */31 */12 */7"] {
            assert!(Cron::parse(cron).is_ok(), "{cron}");
        }
        for time in ["3:00", "24:00", "03:60", "03:00:00", "", "+3:00"] {
            assert!(Cron::daily(time).is_err(), "{time}");
        }
    }

    #[test]
    fn the_next_and_the_last_occurrence_agree_over_a_year() {
        let cron = Cron::parse("7 */5 * * *").unwrap();
        let (mut time, end) = (at("2026-01-01"), at("2027-01-01"));
        let mut count = 0;
        while let Some(next) = cron.next_after(time).filter(|next| *next < end) {
            assert_eq!(cron.last_at(next), Some(next));
            if count > 0 {
                assert_eq!(cron.last_at(next.minus(Millis(1))), Some(time));
            }
            (time, count) = (next, count + 1);
        }
        assert_eq!(count, 365 * 5);
    }
}
