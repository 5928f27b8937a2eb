//! Reads the numbers of a JSON text that is known to be well-formed, with the results of serde_json. Its
//! reader brings a table of 2.5 KiB and the words of its errors along, which a browser would load.

/// The greatest power of ten that a float holds.
const MOST: i64 = 308;

/// The number that a JSON value is; nothing for another value, and for a number that is too large.
pub(crate) fn number(json: &str) -> Option<f64> {
    let (sign, digits) = match json.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, json),
    };
    digits.bytes().next().filter(u8::is_ascii_digit)?;
    // The first 19 or 20 digits, and by how many places they are to be moved.
    let (mut significand, mut places) = (0_u64, 0_i64);
    let (mut is_fraction, mut is_full) = (false, false);
    let mut bytes = digits.bytes();
    for byte in &mut bytes {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        match byte {
            // Of the digits after the point the first may still have room.
            b'.' => (is_fraction, is_full) = (true, false),
            b'e' | b'E' => break,
            _ => match significand
                .checked_mul(10)
                .and_then(|ten| ten.checked_add(digit))
            {
                Some(longer) if !is_full => {
                    significand = longer;
                    places -= i64::from(is_fraction);
                }
                _ => {
                    is_full = true;
                    places += i64::from(!is_fraction);
                }
            },
        }
    }
    places += exponent(bytes);
    let mut number = significand as f64;
    while places < -MOST && number != 0.0 {
        number /= 1e308;
        places += MOST;
    }
    let power = match places.abs() {
        places @ ..=MOST => power_of_ten(places),
        _ if number == 0.0 => 1.0,
        _ => return None,
    };
    number = if places < 0 {
        number / power
    } else {
        number * power
    };
    number.is_finite().then_some(sign * number)
}

/// The exponent that these bytes are; one beyond all floats stops at a number beyond them.
fn exponent(bytes: impl Iterator<Item = u8>) -> i64 {
    let (mut exponent, mut sign) = (0_i64, 1);
    for byte in bytes {
        match byte {
            b'-' => sign = -1,
            b'+' => {}
            digit => exponent = (exponent * 10 + i64::from(digit.wrapping_sub(b'0'))).min(1 << 40),
        }
    }
    sign * exponent
}

/// A power of ten, up to the greatest that a float holds.
fn power_of_ten(exponent: i64) -> f64 {
    // The power is `bits` times two to the power of `scale`. What is lost with the lowest bits is less than
    // a float would show.
    let (mut bits, mut scale) = (1_u128 << 127, -127_i64);
    for _ in 0..exponent {
        bits >>= 3;
        bits += bits << 2;
        let room = bits.leading_zeros();
        bits <<= room;
        scale += 4 - i64::from(room);
    }
    bits as f64 * f64::from_bits(((1023 + scale) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers with all parts that they may have.
    fn json() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?",
            "-?(0|[1-9][0-9]{0,2})(\\.0{0,20}[0-9]{1,3})?[eE][-+]?(2[0-9]{2}|3[0-4][0-9]|[0-9]{9,25})",
            "-?1844674407370955(0000|1[56][0-9]{2})(\\.[0-9]{1,3})?([eE][0-9])?",
            any::<f64>().prop_filter_map("no JSON", |number| number
                .is_finite()
                .then(|| number.to_string())),
            any::<i64>().prop_map(|number| number.to_string()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_number_is_read_as_serde_json_reads_it(json in json()) {
            let theirs = serde_json::from_str::<f64>(&json).ok();
            prop_assert_eq!(number(&json).map(f64::to_bits), theirs.map(f64::to_bits), "{}", json);
        }
    }

    #[test]
    fn powers_of_ten_are_those_that_a_float_holds() {
        for exponent in 0..=MOST {
            let literal: f64 = format!("1e{exponent}").parse().unwrap();
            assert_eq!(power_of_ten(exponent), literal, "{exponent}");
        }
    }

    #[test]
    fn other_values_and_numbers_that_are_too_large_are_no_numbers() {
        for json in [
            "",
            "-",
            "true",
            "null",
            "\"1\"",
            "[1]",
            "1e309",
            "-1e400",
            "1e99999999999999999999",
        ] {
            assert_eq!(number(json), None, "{json}");
        }
        assert_eq!(number("0e99999999999999999999"), Some(0.0));
        assert_eq!(number("-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
    }
}
