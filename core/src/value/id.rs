//! Session ids. Ours are `session_<base36 milliseconds>_<random>`; foreign ones are accepted when
//! they are safe in a file name, a URL and a shell, so that no id can reach outside a store.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Cause, Result};
use crate::value::entropy::Entropy;
use crate::value::text::Text;
use crate::value::time::Timestamp;

const MAX_LENGTH: usize = 128;
/// 13 base-36 digits hold 67 bits.
const RANDOM_DIGITS: usize = 13;
/// What of an agent's 32 bits the millisecond leaves.
const AGENT_DIGITS_BITS: u32 = 22;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The id of a session: a letter or digit, then up to 127 letters, digits, `.`, `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// Accepts a foreign id.
    ///
    /// # Errors
    /// `INVALID_ID` when a character or the length is not allowed.
    ///
    /// ```
    /// use tenure_core::SessionId;
    /// assert!(SessionId::parse("agent-20260108-180530-abc12345").is_ok());
    /// assert_eq!(SessionId::parse("../etc/passwd").unwrap_err().code(), "INVALID_ID");
    /// ```
    pub fn parse(id: &str) -> Result<Self> {
        let bytes = id.as_bytes();
        let ok = bytes.len() <= MAX_LENGTH
            && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if ok {
            Ok(Self(id.to_owned()))
        } else {
            Err(Cause::InvalidId {
                id: id.chars().take(MAX_LENGTH).collect(),
            }
            .into())
        }
    }

    /// Makes a new id from the time and random bits. Those that a process makes grow.
    pub fn generate(now: Timestamp, entropy: Entropy) -> Self {
        let (at, number) = entropy.id(now);
        let time = base36(&at.since(Timestamp::default()).to_le_bytes(), 8);
        let random = base36(&number.to_le_bytes(), RANDOM_DIGITS);
        // The last digits of a 128-bit number are as random as the number.
        let random = &random[random.len() - RANDOM_DIGITS..];
        Self(format!("session_{time}_{random}"))
    }

    /// Makes a new id of an agent from the time and random bits: `agent-<date>-<time>-<8 digits>`. The
    /// digits are the millisecond and a number, so that those that a process makes grow. An `attempt` of
    /// another number has other digits.
    pub fn of_agent(now: Timestamp, entropy: Entropy, attempt: u8) -> Self {
        let (at, number) = entropy.agents_id(now);
        let millis = at.as_millis().rem_euclid(1000) as u32;
        let number = (number + u32::from(attempt)) % (1 << AGENT_DIGITS_BITS);
        let digits = millis << AGENT_DIGITS_BITS | number;
        let time: String = at
            .to_string()
            .chars()
            .take("2026-01-08T18:05:30".len())
            .filter(|&c| c.is_ascii_digit() || c == 'T')
            .map(|c| if c == 'T' { '-' } else { c })
            .collect();
        Self(format!("agent-{time}-{digits:08x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number, the lowest byte first, in base 36 with leading zeros up to `width` digits.
fn base36(number: &[u8], width: usize) -> String {
    // Words of 32 bits: each step of the division fits in 64, and a browser's module needs no
    // division of 128.
    let mut words: Vec<u32> = number
        .chunks(4)
        .map(|chunk| {
            let highest_first = chunk.iter().rev();
            highest_first.fold(0, |word, &byte| word << 8 | u32::from(byte))
        })
        .collect();
    let mut digits = Vec::new();
    while digits.len() < width || words.iter().any(|&word| word > 0) {
        // Long division by 36, from the highest word.
        let mut rest = 0;
        for word in words.iter_mut().rev() {
            let part = rest << 32 | u64::from(*word);
            *word = (part / 36) as u32;
            rest = part % 36;
        }
        digits.push(DIGITS[rest as usize]);
    }
    digits
        .iter()
        .rev()
        .map(|&digit| char::from(digit))
        .collect()
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        Self::parse(text.as_str()).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(SessionId, "string");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::entropy::LatestIds;

    #[test]
    fn made_ids_carry_the_time_and_at_least_sixty_random_bits() {
        let now = Timestamp::parse("2026-01-08T18:05:30Z").unwrap();
        let id = SessionId::generate(now, [0xA5; 16].into());
        let parts: Vec<&str> = id.as_str().split('_').collect();
        assert_eq!(parts[0], "session");
        let millis = i64::from_str_radix(parts[1], 36).unwrap();
        assert_eq!(millis, now.as_millis());
        assert!(36f64.powi(parts[2].len() as i32).log2() >= 60.0);
        assert_eq!(SessionId::parse(id.as_str()).unwrap(), id);
        assert_ne!(id, SessionId::generate(now, [0xA6; 16].into()));
    }

    #[test]
    fn ids_of_agents_show_the_time_and_differ_with_the_attempt() {
        let now = Timestamp::parse("2026-01-08T18:05:30.999Z").unwrap();
        let id = SessionId::of_agent(now, [0xA5; 16].into(), 0);
        let digits = id.as_str().strip_prefix("agent-20260108-180530-").unwrap();
        assert_eq!(digits.len(), 8);
        assert!(u32::from_str_radix(digits, 16).is_ok(), "{id}");
        assert_eq!(SessionId::parse(id.as_str()).unwrap(), id);
        assert_ne!(id, SessionId::of_agent(now, [0xA5; 16].into(), 1));
        assert_ne!(id, SessionId::of_agent(now, [0xA6; 16].into(), 0));
    }

    #[test]
    fn the_ids_of_a_process_grow_whatever_its_clock_shows() {
        let start = Timestamp::parse("2026-01-08T18:05:30.998Z").unwrap();
        let mut latest = LatestIds::none();
        let mut made: Vec<(SessionId, SessionId)> = Vec::new();
        let mut random = 1_u128;
        // It stands still, goes back, and goes on over the end of a second.
        let clock = [0, 0, 0, -5, -500, 0, 1, 1, 2, 2, -900, 2, 5, 90];
        for step in clock.into_iter().cycle().take(10_000) {
            random = random.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645) + 1;
            let now = Timestamp::from_millis(start.as_millis() + step).unwrap();
            let entropy = latest.next(now, random.to_le_bytes());
            let id = SessionId::generate(now, entropy);
            let agent = SessionId::of_agent(now, entropy, 0);
            // Several of one call grow, too, and several attempts stay below the next call.
            let last = SessionId::generate(now, entropy.nth(999));
            assert!(id < last);
            let other = SessionId::of_agent(now, entropy, 16);
            assert!(agent < other);
            made.push((id, agent));
            made.push((last, other));
        }
        assert!(made.is_sorted_by(|(a, b), (c, d)| a < c && b < d));
    }

    #[test]
    fn ids_follow_a_clock_that_was_far_ahead() {
        let mut latest = LatestIds::none();
        let ahead = Timestamp::parse("2036-01-08T00:00:00Z").unwrap();
        let now = Timestamp::parse("2026-01-08T00:00:00Z").unwrap();
        latest.next(ahead, [1; 16]);
        let entropy = latest.next(now, [2; 16]);
        assert_eq!(entropy.id(now).0, now);
    }

    #[test]
    fn ids_that_could_reach_outside_a_store_are_refused() {
        let long = "a".repeat(129);
        for id in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "-a",
            "_a",
            "a b",
            "a\0",
            "é",
            "a%2e",
            "a:b",
            "__proto__",
            &long,
        ] {
            assert_eq!(
                SessionId::parse(id).unwrap_err().code(),
                "INVALID_ID",
                "{id:?}"
            );
        }
        assert!(SessionId::parse(&"a".repeat(128)).is_ok());
    }
}
