//! The paths in the store's folder. The names of the store's own files begin with a dot, and
//! session ids do not.

use std::hash::Hasher;

use serde::{Deserialize, Deserializer, Serialize, de};
use siphasher::sip128::{Hasher128, SipHasher13};
use tenure_core::SessionId;

pub(crate) const BASE: &str = "";
pub(crate) const OWN: &str = ".tenure";
pub(crate) const LOCK: &str = ".tenure/lock";
pub(crate) const NEXT: &str = ".tenure/next.json";
pub(crate) const INTENT: &str = ".tenure/intent.json";
pub(crate) const RESERVE: &str = ".tenure/reserve";
pub(crate) const GONE: &str = ".tenure/gone";
pub(crate) const RECORDS: &str = ".tenure/records";
pub(crate) const CHANGES: &str = ".tenure/changes";
/// The segment of the log of changes to which lines are added.
pub(crate) const NEWEST: &str = ".tenure/changes/newest.jsonl";

/// The name of a session file.
pub(crate) const SESSION: &str = "session.json";
/// The name that an unreadable session file gets when another file replaces it.
pub(crate) const ASIDE: &str = "session.json.unreadable";

/// The path of a full segment of the log of changes with these positions.
pub(crate) fn segment(first: u64, last: u64) -> String {
    format!("{CHANGES}/{first}-{last}.jsonl")
}

/// The first and the last position of the full segment with this file name.
pub(crate) fn positions_in(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(".jsonl")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    // No other name of the same segment.
    let is_one = format!("{first}-{last}.jsonl") == name;
    (is_one && 0 < first && first <= last && last < END).then_some((first, last))
}

/// Positions are smaller: JavaScript can tell them from each other.
pub(crate) const END: u64 = 1 << 53;

/// The file of a session.
pub(crate) fn session(id: &SessionId) -> String {
    format!("{id}/{SESSION}")
}

/// The name of a file of records, which consists of the folder of its kind and a file name. The
/// path cannot leave the folder of records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct BucketName(String);

/// The bucket whose existence means that sessions hold records of its kind to which no bucket
/// points.
const INSIDE: &str = "inside";

impl BucketName {
    /// The bucket of the record with this kind and key, which it shares with records whose keys
    /// have the same hash.
    pub(crate) fn of(kind: &str, key: &str) -> Self {
        Self(format!("{}/{}", kind_name(kind), hash(key)))
    }

    /// The bucket that marks a kind with records in sessions and without pointers.
    pub(crate) fn inside(kind: &str) -> Self {
        Self(format!("{}/{INSIDE}", kind_name(kind)))
    }

    /// The bucket of a file name in the folder of a kind, if it is one.
    pub(crate) fn listed(kind: &str, file: &str) -> Option<Self> {
        let name = file.strip_suffix(".json")?;
        Self::parse(&format!("{}/{name}", kind_name(kind)))
    }

    fn parse(name: &str) -> Option<Self> {
        let (kind, file) = name.split_once('/')?;
        let safe = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_=".contains(&b))
        };
        (safe(kind) && safe(file)).then(|| Self(name.to_owned()))
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> String {
        format!("{RECORDS}/{}.json", self.0)
    }

    /// The path of the folder of its kind.
    pub(crate) fn folder(&self) -> String {
        let kind = self.0.split('/').next().unwrap_or_default();
        format!("{RECORDS}/{kind}")
    }

    /// Whether this is the bucket of [`BucketName::inside`].
    pub(crate) fn is_inside(&self) -> bool {
        self.0.ends_with("/inside")
    }
}

impl<'de> Deserialize<'de> for BucketName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| de::Error::custom("no name of a file of records"))
    }
}

/// The folder of a kind.
pub(crate) fn kind_folder(kind: &str) -> String {
    format!("{RECORDS}/{}", kind_name(kind))
}

/// The folder name of a kind. A name of plain characters is used with dots replaced by `=`, so that
/// people recognise it. Other names are replaced by their hash, because file systems might refuse
/// or confuse them.
fn kind_name(kind: &str) -> String {
    let plain = !kind.is_empty()
        && kind.len() <= 64
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    if plain {
        kind.replace('.', "=")
    } else {
        format!("={}", hash(kind))
    }
}

/// A hash of a text or of the content of a file.
pub(crate) fn hash(content: impl AsRef<[u8]>) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(content.as_ref());
    format!("{:032x}", hasher.finish128().as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_records_stay_inside_the_folder_of_their_kind() {
        for text in ["", ".", "..", "../..", "/etc", "a/b", "A", "é", "a\0", "\\"] {
            for name in [BucketName::of(text, "k"), BucketName::of("k", text)] {
                assert_eq!(BucketName::parse(&name.0), Some(name.clone()), "{text:?}");
                assert_eq!(name.path().matches("..").count(), 0, "{text:?}");
            }
        }
        for name in ["", "a", "/a", "a/", "../a", "a/..", "a/b/c", "a/B", "a/b.c"] {
            assert_eq!(BucketName::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn kinds_with_similar_names_have_different_folders() {
        let folders = ["a.b", "a=b", "A.b", "a_b", "a", "=a", ""].map(kind_folder);
        let distinct: std::collections::BTreeSet<&String> = folders.iter().collect();
        assert_eq!(distinct.len(), folders.len());
    }
}
