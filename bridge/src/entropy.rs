//! The entropy of a call: random bits of the build, or those that the host passes, so that a test is
//! reproducible.

use std::fmt::Display;

use tenure_core::{Error, Result};

/// Digits of 128 bits.
const DIGITS: usize = 32;

/// The given bits, as 32 hexadecimal digits, or by default those that `random` fills in.
///
/// # Errors
/// `INVALID_ARGUMENT` for anything but 32 digits, `INTERNAL` without random bits.
pub fn entropy<E: Display>(
    given: Option<&str>,
    random: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<[u8; 16]> {
    let Some(digits) = given else {
        let mut bits = [0; 16];
        return match random(&mut bits) {
            Ok(()) => Ok(bits),
            Err(error) => Err(Error::internal(format!("no random numbers: {error}"))),
        };
    };
    // A sign is taken for a part of a number, too.
    let well_formed = digits.len() == DIGITS && !digits.starts_with('+');
    match u128::from_str_radix(digits, 16) {
        Ok(bits) if well_formed => Ok(bits.to_be_bytes()),
        _ => Err(Error::invalid("entropy", "expected 32 hexadecimal digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: Option<&str>) -> Result<[u8; 16]> {
        entropy(given, |bits| {
            bits.fill(7);
            Ok::<(), String>(())
        })
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
        let failed = entropy(None, |_| Err("closed"));
        assert_eq!(failed.unwrap_err().code(), "INTERNAL");
    }
}
