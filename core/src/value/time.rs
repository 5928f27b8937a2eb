//! Timestamps and durations, both in whole milliseconds. Nothing here reads a clock: the current time
//! is always an argument. Times are shown as `2026-01-08T18:05:30.123Z`, the form that
//! JavaScript's `toISOString` prints, and read from that, from any RFC 3339 time, from a bare
//! date, or from a number of milliseconds since 1970.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;

use crate::error::{Error, Result};

use super::{duration, rfc3339};

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest time: 0000-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The latest time: 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// What errors expect where another value is given.
    pub(super) const EXPECTED: &str =
        "a time such as \"2026-01-08T18:05:30Z\", or milliseconds since 1970";

    /// A time from milliseconds since 1970.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` outside the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Result<Self> {
        if (Self::MIN.0..=Self::MAX.0).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(Error::invalid(
                "time",
                format!("{millis} ms is outside the years 0000 to 9999"),
            ))
        }
    }

    /// A time from a number of milliseconds, of which a fraction is dropped.
    ///
    /// # Errors
    /// As [`from_millis`](Self::from_millis).
    pub(super) fn from_number(millis: f64) -> Result<Self> {
        // A cast saturates, and the ends are outside of the calendar. It takes NaN to 0.
        Self::from_millis(if millis.is_nan() {
            i64::MAX
        } else {
            millis as i64
        })
    }

    /// Reads an RFC 3339 time or a bare date (its first moment in UTC).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match rfc3339::millis_of(text.trim()) {
            Some(millis) => Self::from_millis(millis),
            None => Err(Error::invalid(
                "time",
                format!("{text:?} is not a time such as 2026-01-08T18:05:30Z"),
            )),
        }
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to this time; 0 where the clock went backwards.
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The time `length` before this one, at the earliest [`Timestamp::MIN`].
    pub fn minus(self, length: Millis) -> Self {
        let length = i64::try_from(length.0).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(length).max(Self::MIN.0))
    }

    /// The time `length` after this one, at the latest [`Timestamp::MAX`].
    pub fn plus(self, length: Millis) -> Self {
        let length = i64::try_from(length.0).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(length).min(Self::MAX.0))
    }
}

/// A time as text.
type Digits = [u8; 24];

impl Timestamp {
    /// The digits one by one: a list has three times a session, and the formatting machinery would
    /// take longer with them than all else does with the session.
    fn digits(self) -> Digits {
        let moment = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut text: Digits = *b"0000-00-00T00:00:00.000Z";
        let mut put = |end: usize, mut number: u32| {
            for digit in text[..end].iter_mut().rev() {
                if number == 0 {
                    break;
                }
                *digit += (number % 10) as u8;
                number /= 10;
            }
        };
        // From 0 to 9999, as [`Timestamp::MIN`] and [`Timestamp::MAX`] say.
        put(4, moment.year().unsigned_abs());
        put(7, u8::from(moment.month()).into());
        put(10, moment.day().into());
        put(13, moment.hour().into());
        put(16, moment.minute().into());
        put(19, moment.second().into());
        put(23, self.0.rem_euclid(1000) as u32);
        text
    }
}

/// Digits are text.
fn as_text(digits: &Digits) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(as_text(&self.digits()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(as_text(&self.digits()))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl de::Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Timestamp::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Timestamp, E> {
        Timestamp::from_millis(millis)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(millis), &self))
    }

    fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Timestamp, E> {
        self.visit_i64(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: de::Error>(self, millis: f64) -> Result<Timestamp, E> {
        Timestamp::from_number(millis)
            .map_err(|_| E::invalid_value(de::Unexpected::Float(millis), &self))
    }
}

/// The form that stores keep: a number of milliseconds.
pub(crate) mod as_millis {
    use super::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_i64(at.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(d)
    }

    pub(crate) mod option {
        use super::super::Timestamp;
        use serde::{Deserialize, Deserializer, Serializer};

        pub(crate) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => s.serialize_i64(at.0),
                None => s.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Option::<Timestamp>::deserialize(d)
        }
    }
}

/// A duration in milliseconds: a number, or text such as `"30d"`, `"24h"`, `"1h 30m"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// What errors expect where another value is given.
    pub(super) const EXPECTED: &str = "a duration such as \"30d\", or milliseconds from 0 upwards";

    /// A duration from a number of milliseconds, of which a fraction is dropped.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative number, and for one that is too large.
    pub(super) fn from_number(millis: f64) -> Result<Self> {
        match (0.0..1e18).contains(&millis) {
            true => Ok(Self(millis as u64)),
            false => Err(Error::invalid(
                "duration",
                format!("expected {}", Self::EXPECTED),
            )),
        }
    }

    /// Reads `"30d"`, `"24h"`, `"5m"`, `"10s"`, `"250ms"` and sums of them.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let problem = || format!("{text:?} is not a duration such as \"30d\", \"24h\" or \"5m\"");
        duration::millis(text)
            .map(Self)
            .ok_or_else(|| Error::invalid("duration", problem()))
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MillisVisitor)
    }
}

struct MillisVisitor;

impl de::Visitor<'_> for MillisVisitor {
    type Value = Millis;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Millis::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Millis, E> {
        Millis::parse(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Millis, E> {
        Ok(Millis(millis))
    }

    fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Millis, E> {
        u64::try_from(millis)
            .map(Millis)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(millis), &self))
    }

    fn visit_f64<E: de::Error>(self, millis: f64) -> Result<Millis, E> {
        Millis::from_number(millis)
            .map_err(|_| E::invalid_value(de::Unexpected::Float(millis), &self))
    }
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(Timestamp, "string");
#[cfg(feature = "ts")]
crate::value::ts::declare_as!(Millis, "number | string");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_javascript_prints_them_and_read_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_895_530_123, "2026-01-08T18:05:30.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (Timestamp::MIN.0, "0000-01-01T00:00:00.000Z"),
            (Timestamp::MAX.0, "9999-12-31T23:59:59.999Z"),
        ] {
            let at = Timestamp::from_millis(millis).unwrap();
            assert_eq!(at.to_string(), text);
            assert_eq!(Timestamp::parse(text).unwrap(), at);
        }
    }

    #[test]
    fn other_forms_of_the_same_time_are_read() {
        let at = Timestamp::parse("2026-01-08T18:05:30Z").unwrap();
        assert_eq!(Timestamp::parse("2026-01-08T20:05:30+02:00").unwrap(), at);
        assert_eq!(
            serde_json::from_str::<Timestamp>(&at.as_millis().to_string()).unwrap(),
            at
        );
        assert_eq!(
            Timestamp::parse("2026-01-08").unwrap().to_string(),
            "2026-01-08T00:00:00.000Z"
        );
        for text in ["", "yesterday", "2026-13-01", "2026-01-08T18:05", "1e400"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_are_read_from_text_and_numbers() {
        assert_eq!(Millis::parse("30d").unwrap(), Millis(30 * 86_400_000));
        assert_eq!(Millis::parse("1h 30m").unwrap(), Millis(5_400_000));
        assert_eq!(
            serde_json::from_str::<Millis>("1500").unwrap(),
            Millis(1500)
        );
        for json in ["-1", "\"soon\"", "\"-1d\"", "null", "1e300"] {
            assert!(serde_json::from_str::<Millis>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_clock_that_goes_backwards_measures_nothing() {
        let later = Timestamp::from_millis(10).unwrap();
        assert_eq!(later.since(Timestamp::default()), 10);
        assert_eq!(Timestamp::default().since(later), 0);
    }
}
