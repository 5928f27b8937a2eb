//! The entropy of a call: random bits of the build, or those that the host passes, so that a test is
//! reproducible. The ids that a process makes of its own bits grow, in all of its threads.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use tenure_core::value::entropy::{Entropy, LatestIds};
use tenure_core::{Error, Result, Timestamp};

/// Digits of 128 bits.
const DIGITS: usize = 32;

/// The ids that this process has made.
static LATEST: Mutex<LatestIds> = Mutex::new(LatestIds::none());

/// The entropy of a call at a time: of the given bits, as 32 hexadecimal digits, or by default of those
/// that `random` fills in.
///
/// # Errors
/// `INVALID_ARGUMENT` for anything but 32 digits and for a wrong time, `INTERNAL` without random bits.
pub fn entropy<E: Display>(
    now: f64,
    given: Option<&str>,
    random: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<Entropy> {
    match given {
        Some(digits) => Ok(read(digits)?.into()),
        None => Ok(next(timestamp(now)?, random_bits(random)?)),
    }
}

/// The entropy of the next call of this process.
pub fn next(now: Timestamp, bits: [u8; 16]) -> Entropy {
    // A panic while it was locked cannot have left a part of an id.
    let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    latest.next(now, bits)
}

/// Random bits of the build.
///
/// # Errors
/// `INTERNAL` without random bits.
pub fn random_bits<E: Display>(
    random: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<[u8; 16]> {
    let mut bits = [0; 16];
    match random(&mut bits) {
        Ok(()) => Ok(bits),
        Err(error) => Err(Error::internal(format!("no random numbers: {error}"))),
    }
}

fn read(digits: &str) -> Result<[u8; 16]> {
    // A sign is taken for a part of a number, too.
    let well_formed = digits.len() == DIGITS && !digits.starts_with('+');
    match u128::from_str_radix(digits, 16) {
        Ok(bits) if well_formed => Ok(bits.to_be_bytes()),
        _ => Err(Error::invalid("entropy", "expected 32 hexadecimal digits")),
    }
}

/// The present time. JavaScript's clock shows a whole number of milliseconds, but a faked one may show
/// anything.
pub(crate) fn timestamp(millis: f64) -> Result<Timestamp> {
    if millis.is_nan() {
        return Err(Error::invalid("now", "the clock shows no time"));
    }
    // A float-to-integer cast saturates, and the ends are outside of the calendar.
    Timestamp::from_millis(millis as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: Option<&str>) -> Result<[u8; 16]> {
        let filled = entropy(0.0, given, |bits| {
            bits.fill(7);
            Ok::<(), String>(())
        });
        filled.map(|entropy| entropy.bits())
    }

    #[test]
    fn what_is_given_is_taken_and_nothing_else_is_random() {
        assert_eq!(of(None), Ok([7; 16]));
        let given = of(Some("000102030405060708090a0b0c0d0eFf"));
        assert_eq!(
            given,
            Ok([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255])
        );
    }

    #[test]
    fn what_are_not_32_digits_is_refused() {
        for given in ["", "0", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32)] {
            assert_eq!(of(Some(given)).unwrap_err().code(), "INVALID_ARGUMENT");
        }
        let signed = format!("+{}", "0".repeat(31));
        assert!(of(Some(&signed)).is_err());
        assert!(of(Some(&"é".repeat(16))).is_err());
    }

    #[test]
    fn a_build_without_random_bits_says_so() {
        let failed = entropy(0.0, None, |_| Err("closed"));
        assert_eq!(failed.unwrap_err().code(), "INTERNAL");
    }
}
