//! When a delivery is attempted again: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, and up to a
//! fifth more, at random, so that what failed together is not attempted together. A receiver may ask for
//! more time by `Retry-After`, up to a day.

use tenure_core::value::time::{Millis, Timestamp};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The delays before the second attempt and those that follow.
const DELAYS: [Millis; 9] = [
    Millis(5 * SECOND),
    Millis(5 * MINUTE),
    Millis(30 * MINUTE),
    Millis(2 * HOUR),
    Millis(5 * HOUR),
    Millis(10 * HOUR),
    Millis(14 * HOUR),
    Millis(20 * HOUR),
    Millis(24 * HOUR),
];
/// How many attempts there are.
pub const ATTEMPTS: u32 = DELAYS.len() as u32 + 1;
/// The part of a delay that is added to it at most.
const JITTER: u64 = 5;
/// The most time that a receiver may ask for.
const LONGEST: Millis = Millis(24 * HOUR);

/// The delay before the next attempt, after so many have failed; `None` after the last. `random` is any number.
pub fn delay(failed: u32, retry_after: Option<Millis>, random: u64) -> Option<Millis> {
    let place = usize::try_from(failed.checked_sub(1)?).ok()?;
    let Millis(delay) = *DELAYS.get(place)?;
    let delay = delay + random % (delay / JITTER + 1);
    let asked = retry_after.unwrap_or_default().min(LONGEST);
    Some(asked.max(Millis(delay)))
}

/// What the header `retry-after` asks for: a number of seconds, or a date of HTTP.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Millis> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large asks for the most.
        let seconds = header.parse().unwrap_or(u64::MAX);
        return Some(Millis(u64::saturating_mul(seconds, SECOND)));
    }
    Some(Millis(http_date(header)?.since(now)))
}

/// A date such as `Sun, 06 Nov 1994 08:49:37 GMT`. Its two obsolete forms are not read.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let rest = text.split_once(", ")?.1.strip_suffix(" GMT")?;
    let mut parts = rest.split(' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let is_whole = parts.next().is_none();
    let time = Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok();
    time.filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_take_about_three_days_at_least() {
        let mut sum = 0;
        for failed in 1..ATTEMPTS {
            sum += delay(failed, None, 0).unwrap().0;
        }
        assert_eq!(delay(ATTEMPTS, None, 0), None);
        assert_eq!(delay(0, None, 0), None);
        assert_eq!(sum, 75 * HOUR + 35 * MINUTE + 5 * SECOND);
    }

    #[test]
    fn the_jitter_is_a_fifth_at_most() {
        for random in [0, 1, 999, 1000, 1001, u64::MAX] {
            let Millis(delay) = delay(1, None, random).unwrap();
            assert!((5000..=6000).contains(&delay), "{random}: {delay}");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_up_to_a_day() {
        assert_eq!(delay(1, Some(Millis(60_000)), 0), Some(Millis(60_000)));
        assert_eq!(delay(2, Some(Millis(1)), 0), Some(Millis(5 * MINUTE)));
        assert_eq!(delay(1, Some(Millis(u64::MAX)), 0), Some(LONGEST));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("1994-11-06T08:49:07Z").unwrap();
        for (header, expected) in [
            ("30", Some(30_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(header, now), expected.map(Millis), "{header}");
        }
    }
}
