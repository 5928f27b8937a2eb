//! The names of objects. Those of one session follow each other, and their versions are in order.

use sha2::{Digest, Sha256};
use tenure_core::Timestamp;

use crate::coding::hex;

/// The folder of the sessions.
pub(crate) const SESSIONS: &str = "sessions";
/// The folder of what is stored to see whether anything can be, beside those of the sessions. No id has this name.
pub(crate) const PROBES: &str = ".probe";
/// The folder of the manifests.
pub(crate) const MANIFESTS: &str = "manifests";
const JSON: &str = ".json";

/// The longest name of a session in the archive, in bytes: file systems have names of up to 255.
const LONGEST: usize = 200;

/// The name of a session in the archive. Some file systems take `a` for `A`, so that a capital letter is written as `_` and the small one, and
/// `_` as `__`. The end of a name that is too long is a digest of the id, behind a sign that no id has.
pub(crate) fn of_id(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for letter in id.chars() {
        match letter {
            '_' => name.push_str("__"),
            letter if letter.is_ascii_uppercase() => {
                name.push('_');
                name.push(letter.to_ascii_lowercase());
            }
            letter => name.push(letter),
        }
    }
    if name.len() > LONGEST {
        // An id is ASCII.
        name.truncate(LONGEST - 33);
        let digest = hex(Sha256::digest(id.as_bytes()).as_slice());
        name.extend(["~", digest.get(..32).unwrap_or_default()]);
    }
    name
}

/// The name of an object with a version of a session, beside the others of the session.
pub(crate) fn of_version(version: u64, run: &str, suffix: &str) -> String {
    format!("{version:020}-{run}{JSON}{suffix}")
}

/// The run of what a run stores to see whether anything can be. No manifest lists it.
pub(crate) fn of_probe(run: &str) -> String {
    format!("{run}-probe")
}

/// The version that the name of an object says, and the run that has written it.
pub(crate) fn parse_version(name: &str) -> Option<(u64, &str)> {
    let (version, rest) = name.split_once('-')?;
    let (run, _) = rest.split_once('.')?;
    Some((version.parse().ok()?, run))
}

/// The name of the manifest of a run.
pub(crate) fn of_manifest(at: Timestamp, run: &str) -> String {
    let digits = at.to_string().replace(['-', ':', '.'], "");
    format!("{digits}-{run}{JSON}")
}

/// The time and the run that the name of a manifest says.
pub(crate) fn parse_manifest(name: &str) -> Option<(Timestamp, &str)> {
    let (digits, rest) = name.split_once('-')?;
    let run = rest.strip_suffix(JSON)?;
    let part = |range: std::ops::Range<usize>| digits.get(range);
    let (date, time) = (
        [part(0..4)?, part(4..6)?, part(6..8)?],
        [part(9..11)?, part(11..13)?, part(13..15)?],
    );
    let text = format!("{}T{}.{}Z", date.join("-"), time.join(":"), part(15..18)?);
    Some((Timestamp::parse(&text).ok()?, run))
}

/// That of these names which is the manifest's of a run.
pub(crate) fn find_manifest<'n>(names: &'n [String], run: &str) -> Option<&'n String> {
    let is_of_run = |name: &&String| parse_manifest(name).is_some_and(|(_, other)| other == run);
    names.iter().find(is_of_run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_have_names_that_differ_without_regard_to_case() {
        let ids = [
            "a", "A", "_a", "__a", "_A", "a_", "a.b", "A.B", "a__b", "a_B",
        ];
        for one in ids {
            for other in ids {
                assert_eq!(
                    one == other,
                    of_id(one).to_lowercase() == of_id(other).to_lowercase(),
                    "{one} {other}"
                );
            }
        }
    }

    #[test]
    fn names_of_long_ids_are_names_of_files() {
        let long = ["A".repeat(128), "_".repeat(128), "A".repeat(127) + "B"];
        let names = long.each_ref().map(|id| of_id(id));
        assert!(names.iter().all(|name| name.len() <= LONGEST), "{names:?}");
        assert!(names[0] != names[2]);
    }

    #[test]
    fn names_say_what_they_were_made_of() {
        let at = Timestamp::parse("2026-01-08T03:00:00.123Z").unwrap();
        let name = of_manifest(at, "0123456789abcdef");
        assert_eq!(name, "20260108T030000123Z-0123456789abcdef.json");
        assert_eq!(parse_manifest(&name), Some((at, "0123456789abcdef")));
        assert_eq!(parse_manifest("notes.json"), None);
        let name = of_version(7, "0123456789abcdef", ".gz.enc");
        assert_eq!(parse_version(&name), Some((7, "0123456789abcdef")));
    }
}
