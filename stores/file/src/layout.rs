//! Where everything is in the store's folder, and which names are safe there. No name of ours is
//! that of a session: ids do not begin with a dot.

use std::hash::Hasher;

use serde::{Deserialize, Deserializer, Serialize, de};
use siphasher::sip128::{Hasher128, SipHasher13};
use tenure_core::SessionId;

pub(crate) const BASE: &str = "";
pub(crate) const OWN: &str = ".tenure";
pub(crate) const LOCK: &str = ".tenure/lock";
pub(crate) const NEXT: &str = ".tenure/next.json";
pub(crate) const INTENT: &str = ".tenure/intent.json";
pub(crate) const GONE: &str = ".tenure/gone";
pub(crate) const RECORDS: &str = ".tenure/records";

/// The name of the file that holds a session.
pub(crate) const SESSION: &str = "session.json";
/// What is added to that name when it cannot be read and another file takes its place.
pub(crate) const ASIDE: &str = "session.json.unreadable";

/// The file of a session.
pub(crate) fn session(id: &SessionId) -> String {
    format!("{id}/{SESSION}")
}

/// The name of a file of records: its kind's folder and its own. It cannot lead anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct BucketName(String);

/// The bucket whose existence says that sessions hold records of its kind that no other bucket
/// points to.
const INSIDE: &str = "inside";

impl BucketName {
    /// Where the records of this kind and key are, with those whose keys have the same hash.
    pub(crate) fn of(kind: &str, key: &str) -> Self {
        Self(format!("{}/{}", kind_name(kind), hash(key)))
    }

    /// The bucket that says where else the records of a kind are.
    pub(crate) fn inside(kind: &str) -> Self {
        Self(format!("{}/{INSIDE}", kind_name(kind)))
    }

    /// The bucket of this file name in the folder of a kind, if it is one.
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

    /// The file.
    pub(crate) fn path(&self) -> String {
        format!("{RECORDS}/{}.json", self.0)
    }

    /// The folder of its kind.
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

/// A kind as the name of a folder: plain names as they are, and dots as `=`, so that people find
/// their way; of others, which a file system might refuse or confuse, the hash.
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

fn hash(text: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    format!("{:032x}", hasher.finish128().as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_and_no_key_leads_out_of_its_folder() {
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
    fn kinds_that_look_alike_have_folders_of_their_own() {
        let folders = ["a.b", "a=b", "A.b", "a_b", "a", "=a", ""].map(kind_folder);
        let distinct: std::collections::BTreeSet<&String> = folders.iter().collect();
        assert_eq!(distinct.len(), folders.len());
    }
}
