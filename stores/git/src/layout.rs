//! Which ref contains a record. Names of refs consist of lower-case letters, digits and `-`,
//! whatever the keys are, so that every git, every host and every file system accepts them. A hash
//! makes the names of different keys differ.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

use tenure_core::audit;

/// The prefix of all refs.
const ROOT: &str = "refs/tenure/";
/// The number of characters of a key in the name of its ref, which help people.
const SHOWN: usize = 60;
/// The number of refs for the entries of a day. Writers of one ref wait for each other.
const PARTS: u8 = 4;
/// The part of a log with keys that do not begin with a day.
const NO_DAY: &str = "other";

/// The ref that contains the record of a key.
pub(crate) fn ref_of(kind: &str, key: &str) -> String {
    let mut name = prefix_of(kind);
    let hash = hash(key);
    if is_log(kind) {
        let part = hash.bytes().last().unwrap_or_default() % PARTS;
        name.push_str(day(key).as_deref().unwrap_or(NO_DAY));
        name.push_str(&format!("-{part}"));
    } else {
        name.push_str(&shown(key));
        name.push_str(&hash);
    }
    name
}

/// The prefix of the refs of a kind.
pub(crate) fn prefix_of(kind: &str) -> String {
    let plain = !kind.is_empty() && kind.len() <= 40 && kind.bytes().all(is_plain);
    match plain {
        true => format!("{ROOT}{kind}/"),
        false => format!("{ROOT}_{}/", hash(kind)),
    }
}

/// Sorts the refs of a kind into groups, such that the keys of each group precede those of the
/// next, and omits groups without keys after a given key. Only the first group may have keys
/// anywhere in the order.
pub(crate) fn groups(kind: &str, refs: Vec<String>, after: Option<&str>) -> Vec<Vec<String>> {
    if !is_log(kind) {
        return vec![refs];
    }
    let prefix = prefix_of(kind);
    let from = after.and_then(day);
    let mut sorted = refs;
    sorted.sort_unstable();
    let mut groups: Vec<(String, Vec<String>)> = vec![(String::new(), Vec::new())];
    for name in sorted {
        let rest = name.strip_prefix(&prefix).unwrap_or_default();
        let day = rest.split('-').next().unwrap_or_default().to_owned();
        if !is_day(&day) {
            if let Some((_, first)) = groups.first_mut() {
                first.push(name);
            }
        } else if from.as_ref().is_some_and(|from| day < *from) {
            // Keys begin with their day, so all keys of these refs precede the given key.
        } else {
            match groups.last_mut() {
                Some((last, names)) if *last == day => names.push(name),
                _ => groups.push((day, vec![name])),
            }
        }
    }
    groups.into_iter().map(|(_, names)| names).collect()
}

/// Whether the keys of a kind begin with a time.
fn is_log(kind: &str) -> bool {
    kind == audit::entry::KIND
}

/// The day at the start of a key, as `20260108`.
fn day(key: &str) -> Option<String> {
    let dashed = key.get(..11)?.strip_suffix('T')?;
    let parts: Vec<&str> = dashed.split('-').collect();
    let digits = parts.concat();
    let is_date = matches!(parts[..], [year, month, _] if year.len() == 4 && month.len() == 2);
    (is_date && is_day(&digits)).then_some(digits)
}

fn is_day(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The readable start of a key, with a separator before the hash.
fn shown(key: &str) -> String {
    let mut shown = String::new();
    for byte in key.bytes().map(|byte| byte.to_ascii_lowercase()) {
        match is_plain(byte) && byte != b'-' {
            true => shown.push(char::from(byte)),
            false if shown.ends_with('-') || shown.is_empty() => {}
            false => shown.push('-'),
        }
        if shown.len() == SHOWN {
            break;
        }
    }
    if !shown.is_empty() && !shown.ends_with('-') {
        shown.push('-');
    }
    shown
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn hash(text: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    format!("{:032x}", hasher.finish128().as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_kind_and_any_key_make_a_valid_name() {
        let texts = [
            "", ".", "..", "a..b", "a.lock", "@{", "/", "a/b", "-a", "A", "é", "a\0", "\n",
            "~^:?*[",
        ];
        let long = "x".repeat(512);
        for text in texts.into_iter().chain([&*long]) {
            for name in [ref_of(text, "k"), ref_of("k", text), ref_of("audit", text)] {
                let rest = name.strip_prefix(ROOT).unwrap();
                let (kind, key) = rest.split_once('/').unwrap();
                let plain = |text: &str| text.bytes().all(|byte| is_plain(byte) || byte == b'_');
                assert!(plain(kind) && plain(key) && !key.is_empty(), "{name}");
                assert!(name.len() < 200, "{name}");
            }
        }
    }

    #[test]
    fn the_name_of_a_ref_contains_the_start_of_its_key() {
        let name = ref_of("lease", "my-workflow-push-abc12345");
        assert!(
            name.starts_with("refs/tenure/lease/my-workflow-push-abc12345-"),
            "{name}"
        );
        assert!(ref_of("lease", "Ähm: A").starts_with("refs/tenure/lease/hm-a-"));
    }

    #[test]
    fn entries_of_a_day_share_few_refs_and_scans_skip_the_days_before() {
        let day = |day: u8, number: u32| format!("2026-01-{day:02}T00:00:00.000Z/{number}");
        let refs: std::collections::BTreeSet<String> = (0..100)
            .flat_map(|number| [8, 9].map(|of| ref_of("audit", &day(of, number))))
            .collect();
        assert_eq!(refs.len(), 2 * usize::from(PARTS));
        let odd = ref_of("audit", "no day");
        let all: Vec<String> = refs.into_iter().chain([odd.clone()]).collect();
        let lengths = |after: Option<&str>| -> Vec<usize> {
            groups("audit", all.clone(), after)
                .iter()
                .map(Vec::len)
                .collect()
        };
        assert_eq!(lengths(None), [1, 4, 4]);
        assert_eq!(lengths(Some("2026-01-09T01:02:03.000Z")), [1, 4]);
        assert_eq!(lengths(Some("2026-01-10T00:00:00.000Z")), [1]);
        assert_eq!(lengths(Some("zzz")), [1, 4, 4]);
        assert_eq!(groups("lease", all.clone(), Some("a")), [all]);
    }
}
