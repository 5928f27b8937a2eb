//! Reading durations such as `"30d"` and `"1h 30m"`. They are read here and not by a library, whose code
//! for shorter times, errors and printing takes much space in a WebAssembly module; a property compares
//! the two.

/// The units: their names, and their lengths in milliseconds. A month is a twelfth of a year, and a year
/// has 365.25 days.
const UNITS: [(&str, u64); 8] = [
    ("ms msec millis", 1),
    ("s sec secs second seconds", 1000),
    ("m min mins minute minutes", 60_000),
    ("h hr hrs hour hours", 3_600_000),
    ("d day days", 86_400_000),
    ("w wk wks week weeks", 604_800_000),
    ("M month months", 2_630_016_000),
    ("y yr yrs year years", 31_557_600_000),
];

/// The milliseconds of one number with a unit, or of the sum of several. Parts of a millisecond are left
/// out, and what is too long is as long as can be.
pub(super) fn millis(text: &str) -> Option<u64> {
    let mut sum = 0_u64;
    let mut rest = text.trim_ascii();
    loop {
        let (number, after) = split(rest, |byte| byte.is_ascii_digit() || byte == b'.');
        let (unit, after) = split(after.trim_ascii_start(), |byte| byte.is_ascii_alphabetic());
        let is_unit = |names: &str| names.split(' ').any(|name| name == unit);
        let (_, length) = UNITS.iter().find(|(names, _)| is_unit(names))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let whole: u64 = whole.parse().ok()?;
        sum = sum
            .saturating_add(whole.saturating_mul(*length))
            .saturating_add(part(fraction, *length)?);
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

/// The part of a length that the digits after a decimal point say.
fn part(digits: &str, length: u64) -> Option<u64> {
    /// More digits are less than a millisecond of a day, and would not fit.
    const MOST: usize = 8;
    let is_digit = |byte: u8| byte.is_ascii_digit();
    if digits.is_empty() || !digits.bytes().all(is_digit) {
        return None;
    }
    let (mut part, mut parts) = (0, 1);
    for digit in digits.bytes().take(MOST) {
        part = part * 10 + u64::from(digit - b'0');
        parts *= 10;
    }
    Some(part * length / parts)
}

/// The longest beginning of such bytes of ASCII, and the rest.
fn split(text: &str, belongs: fn(u8) -> bool) -> (&str, &str) {
    let length = text.bytes().take_while(|&byte| belongs(byte)).count();
    text.split_at_checked(length).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_duration_is_what_humantime_reads(
            terms in prop::collection::vec(
                (any::<u32>(), 0..UNITS.len(), 0..5_usize, "[ \t]?", "[ \n]{0,2}"),
                1..4,
            ),
        ) {
            let term = |(number, unit, name, before, after): &(u32, usize, usize, String, String)| {
                let names: Vec<_> = UNITS[*unit].0.split(' ').collect();
                format!("{number}{before}{}{after}", names[name % names.len()])
            };
            let text: String = terms.iter().map(term).collect();
            let read = humantime::parse_duration(&text);
            let read = read.map(|read| u64::try_from(read.as_millis()).unwrap_or(u64::MAX));
            prop_assert_eq!(millis(&text), read.ok(), "{:?}", text);
        }

        #[test]
        fn what_is_no_duration_is_none_for_humantime_either(text in "[0-9.smhdxM -]{0,8}") {
            if millis(&text).is_some() {
                prop_assert!(humantime::parse_duration(&text).is_ok(), "{:?}", text);
            }
        }
    }

    #[test]
    fn fractions_are_read() {
        assert_eq!(millis("1.5h"), Some(5_400_000));
        assert_eq!(millis("0.25 s"), Some(250));
        assert_eq!(millis("0.3333333333333333h"), Some(1_199_999));
        assert_eq!(millis("0.99999999999999999999999y"), Some(31_557_599_684));
        assert_eq!(millis("1.0000000000000000000000000s"), Some(1000));
        for text in [
            "1.h",
            ".5h",
            "1.2.3h",
            "1.123456789.5s",
            "1e3s",
            "-1s",
            "1",
            "h",
            "",
            "1µs",
            "1 0s",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_that_is_too_long_is_as_long_as_can_be() {
        assert_eq!(millis("999999999999999y"), Some(u64::MAX));
        assert_eq!(millis("99999999999999999999s"), None);
    }
}
