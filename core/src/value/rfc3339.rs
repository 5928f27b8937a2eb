//! Reads the digits of RFC 3339 times. What they mean in the calendar is left to the crate `time`, whose
//! own reader has a larger part of the browser's module than the calendar.

use time::{Date, Month, OffsetDateTime};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The milliseconds since 1970 of a time such as `2026-01-08T18:05:30.123+01:00`, or of the first moment
/// of a date in UTC. Any character may be between date and time. A second 60 is allowed where leap seconds
/// are, and is the last millisecond before the next month.
pub(super) fn millis_of(text: &str) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let date = rest.date()?;
    let days = i64::from(date.to_julian_day()) - UNIX_EPOCH;
    if rest.0.is_empty() {
        return Some(days * DAY * 1000);
    }
    rest.0 = rest.0.get(1..)?;
    let hour = rest.number(2, 23)?;
    rest.skip(b':')?;
    let minute = rest.number(2, 59)?;
    rest.skip(b':')?;
    let second = rest.number(2, 60)?;
    let millis = match rest.skip(b'.') {
        Some(()) => rest.fraction()?,
        None => 0,
    };
    let offset = rest.offset()?;
    if !rest.0.is_empty() {
        return None;
    }
    let seconds = days * DAY + hour * HOUR + minute * MINUTE + second - offset;
    match second {
        60 => ends_month(seconds - 1).then_some(seconds * 1000 - 1),
        _ => Some(seconds * 1000 + millis),
    }
}

/// The Julian day of 1970-01-01.
const UNIX_EPOCH: i64 = 2_440_588;

/// Whether this is the last second of a month.
fn ends_month(seconds: i64) -> bool {
    let moment = OffsetDateTime::from_unix_timestamp(seconds);
    let is_last_day = |at: OffsetDateTime| at.day() == at.month().length(at.year());
    moment.is_ok_and(is_last_day) && seconds.rem_euclid(DAY) == DAY - 1
}

/// The text that is not read yet.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn date(&mut self) -> Option<Date> {
        let year = self.number(4, 9999)?;
        self.skip(b'-')?;
        let month = self.number(2, 12)?;
        self.skip(b'-')?;
        let day = self.number(2, 31)?;
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let (year, day) = (i32::try_from(year).ok()?, u8::try_from(day).ok()?);
        Date::from_calendar_date(year, month, day).ok()
    }

    /// A number of so many digits, which is at most `max`.
    fn number(&mut self, count: usize, max: i64) -> Option<i64> {
        let mut number = 0;
        for _ in 0..count {
            number = number * 10 + self.digit()?;
        }
        (number <= max).then_some(number)
    }

    fn digit(&mut self) -> Option<i64> {
        let (&first, rest) = self.0.split_first()?;
        let digit = char::from(first).to_digit(10)?;
        self.0 = rest;
        Some(digit.into())
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    /// The milliseconds of one or more digits after the decimal point.
    fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digit()? * 100;
        let mut weight = 10;
        while let Some(digit) = self.digit() {
            millis += digit * weight;
            weight /= 10;
        }
        Some(millis)
    }

    /// The seconds by which the local time is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let (&sign, rest) = self.0.split_first()?;
        self.0 = rest;
        let sign = match sign {
            b'Z' | b'z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.number(2, 23)?;
        self.skip(b':')?;
        let minutes = self.number(2, 59)?;
        Some(sign * (hours * HOUR + minutes * MINUTE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    /// What the reader of the crate `time` reads.
    fn expected(text: &str) -> Option<i64> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(moment.unix_timestamp() * 1000 + i64::from(moment.millisecond()))
    }

    /// Times, of which some are invalid.
    fn times() -> impl Strategy<Value = String> {
        let date = "[0-9]{4}-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])";
        let time = "([01][0-9]|2[0-4]):([0-5][0-9]|60):([0-5][0-9]|60|61)";
        let leap = "(20[0-9]{2}|9999|0000)-(01|06|12|11)-(01|30|31)";
        let end = "(Z|z|[+-]([01][0-9]|2[0-4]):([0-5][0-9]|60))?";
        let matching = |pattern: String| string_regex(&pattern).unwrap();
        prop_oneof![
            8 => matching(format!("{date}[Tt ]{time}(\\.[0-9]{{0,12}})?{end}")),
            1 => matching(format!("{leap}T23:59:60(\\.[0-9]{{1,3}})?Z")),
            1 => matching(format!("{leap}T(00|22|23):(00|29|59):60[+-](0[01]|23):(00|30|59)")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn times_are_read_as_another_reader_reads_them(text in times()) {
            prop_assert_eq!(millis_of(&text), expected(&text), "{}", text);
        }

        #[test]
        fn changed_times_are_read_as_another_reader_reads_them(
            text in times(),
            place in 0usize..30,
            character in "[0-9TZ:.+ -]",
        ) {
            let place = place.min(text.len());
            let mut changed = text.clone();
            changed.replace_range(place..(place + 1).min(text.len()), &character);
            prop_assume!(changed.len() != 10);
            prop_assert_eq!(millis_of(&changed), expected(&changed), "{}", changed);
        }
    }

    #[test]
    fn a_date_is_its_first_moment() {
        assert_eq!(millis_of("1970-01-02"), Some(86_400_000));
        assert_eq!(millis_of("2024-02-29"), expected("2024-02-29T00:00:00Z"));
        assert_eq!(millis_of("2023-02-29"), None);
        assert_eq!(millis_of("2023-02-2"), None);
    }

    #[test]
    fn a_leap_second_ends_a_month() {
        for text in ["2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00"] {
            assert_eq!(millis_of(text), Some(1_483_228_799_999), "{text}");
            assert_eq!(millis_of(text), expected(text), "{text}");
        }
        for text in ["9999-12-31T23:59:60Z", "9999-12-31T00:00:60.9-23:59"] {
            assert_eq!(millis_of(text), Some(253_402_300_799_999), "{text}");
        }
        assert_eq!(millis_of("2016-12-30T23:59:60Z"), None);
        assert_eq!(millis_of("2016-12-31T23:58:60Z"), None);
    }
}
