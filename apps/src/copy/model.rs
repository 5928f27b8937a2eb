//! The decisions of copying from one store to another, and the transfer forms of sessions and records.
//! A [`Stamp`] identifies one state of a session or record without its contents; [`compare`] classifies
//! a difference. User data is compared without the white space between its tokens, which a store may
//! change. The operations load and write.

use std::hash::Hasher;

use serde::Serialize;
use siphasher::sip128::{Hasher128, SipHasher13};

use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::store::{Expect, Loaded, Problem};
use tenure_core::stored::event::Event;
use tenure_core::stored::head::{Head, MAX_SAFE_INTEGER};
use tenure_core::stored::record::Record;
use tenure_core::value::json::Json;
use tenure_core::value::properties::{Params, Properties, Property};
use tenure_core::value::text::Text;
use tenure_core::value::time::Timestamp;
use tenure_core::value::tokens::Tokens;

/// The kind of a session in a [`Stamp`]; a record has its own kind.
pub const SESSION: &str = "session";

/// The size from which one step of reading or sending ends, in bytes. A session is never split.
pub const STEP_BYTES: usize = 1 << 20;

declare_params! {
    /// The page of the source to stamp.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct CopyPageParams {
        /// The `next` of the previous page.
        pub after: Option<Text>,
        /// Stamp the histories too, which reads them; `false` by default.
        pub whole: Option<bool>,
    }

    /// A page of the source to compare.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct CopyCompareParams {
        /// The `page` that `copyPage` returned at the source.
        pub page: Text,
        /// Request what is missing in the target, and with `true` also what is newer or different
        /// there. By default nothing is requested.
        pub overwrite: Option<bool>,
    }

    /// The sessions and records to read from the source.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct CopyReadParams {
        /// The `wanted` that `copyCompare` returned at the target, or the `rest` of the previous call.
        pub wanted: Text,
    }

    /// The sessions and records to write to the target.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct CopyWriteParams {
        /// The `chunk` that `copyRead` returned at the source.
        pub chunk: Text,
    }
}

/// A page of stamps.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct CopyPage {
    /// The stamps, for `copyCompare`.
    pub page: String,
    /// The number of sessions in the page.
    pub sessions: u64,
    /// The number of records in the page.
    pub records: u64,
    /// Sessions that could not be read. They do not affect the others.
    pub problems: Vec<Problem>,
    /// The `after` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The comparison of a page of the source with the target.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct CopyCompared {
    /// The request for `copyRead`; absent if nothing is requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The number of sessions that are the same in both stores.
    pub same: u64,
    /// The sessions and records that differ and are not requested.
    pub differences: Vec<CopyDifference>,
}

/// Sessions and records in transfer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct CopyChunk {
    /// The sessions and records, for `copyWrite`.
    pub chunk: String,
    /// The `wanted` of the next `copyRead`; absent if the chunk contains everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
    /// Sessions that could not be read. They do not affect the others.
    pub problems: Vec<Problem>,
    /// The sessions and records that are not copied.
    pub differences: Vec<CopyDifference>,
}

/// The result of writing a chunk.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CopyWritten {
    /// The number of sessions written.
    pub sessions: u64,
    /// The number of records written.
    pub records: u64,
    /// The sessions and records that other writers have changed meanwhile, which stay.
    pub differences: Vec<CopyDifference>,
}

/// A session or record that differs between the stores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CopyDifference {
    /// `"session"`, or the kind of a record.
    pub what: String,
    /// The session's id, or the record's key.
    pub key: String,
    /// Its state in the target.
    pub target: Difference,
}

/// The state of a session or record in the target that differs from the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// It is missing.
    #[default]
    Missing,
    /// It is an earlier state.
    Older,
    /// It is a later state.
    Newer,
    /// It is another one of the same id, or has diverged.
    Different,
    /// It cannot be read.
    Unreadable,
    /// A runner holds it.
    Held,
}

/// What tells one state of a session or record from any other, and what a target that asks for it
/// says of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    /// [`SESSION`], or the kind of a record.
    pub what: Text,
    /// The session's id, or the record's key.
    pub key: Text,
    version: u64,
    created_at: Timestamp,
    events: u64,
    /// The digest of all but the history.
    pub head: Text,
    /// The digest of the history, where that was read.
    pub history: Option<Text>,
    /// The session that owns a record.
    pub owner: Option<Text>,
    /// The digest of that session's head.
    pub owner_head: Option<Text>,
    /// What the target has.
    pub there: There,
}

/// What a target has where it asks for something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct There {
    /// The version; nothing when nothing is there, or it cannot be read.
    pub version: Option<u64>,
    /// Whether something is there that cannot be read.
    pub unreadable: bool,
    /// How many events of it are there, if they are the first of the same history.
    pub events: u64,
    /// What tells whether they are.
    pub history: Text,
    /// Whether to send all of it if they are not.
    pub overwrite: bool,
}

impl Params for Stamp {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            what: properties.take("what"),
            key: properties.take("key"),
            version: properties.take("version"),
            created_at: properties.take("created_at"),
            events: properties.take("events"),
            head: properties.take("head"),
            history: properties.take("history"),
            owner: properties.take("owner"),
            owner_head: properties.take("owner_head"),
            there: properties.take("there"),
        }
    }
}

impl Params for There {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            version: properties.take("version"),
            unreadable: properties.take("unreadable"),
            events: properties.take("events"),
            history: properties.take("history"),
            overwrite: properties.take("overwrite"),
        }
    }
}

tenure_core::read_replies! {
    CopyPage { page, sessions, records, problems, next }
    CopyCompared { wanted, same, differences }
    CopyChunk { chunk, rest, problems, differences }
    CopyWritten { sessions, records, differences }
    CopyDifference { what, key, target }
}
tenure_core::word_properties! {
    Difference: "missing" => Missing, "older" => Older, "newer" => Newer,
        "different" => Different, "unreadable" => Unreadable, "held" => Held;
}
tenure_core::nested_properties!(Stamp, There, Part);

impl Stamp {
    /// The stamp of a session without its history.
    pub fn of_head(head: &Head) -> Self {
        let mut hasher = SipHasher13::new();
        hash(&mut hasher, &head.context);
        let optional = [&head.metadata, &head.result_data];
        for json in optional.into_iter().flatten() {
            hash(&mut hasher, json);
        }
        // That there is none is not the same as that there is an empty one.
        let is_there = |json: &Option<Json>| json.as_ref().map(|_| Json::default());
        let bare = Head {
            context: Json::default(),
            metadata: is_there(&head.metadata),
            result_data: is_there(&head.result_data),
            ..head.clone()
        };
        hash(&mut hasher, &Json::of(&bare));
        Self {
            what: SESSION.into(),
            key: head.id.as_str().into(),
            version: head.version,
            created_at: head.created_at,
            events: head.event_count,
            head: finish(&hasher),
            ..Self::default()
        }
    }

    /// The stamp of a session with all of its history.
    pub fn of_session(session: &Loaded) -> Self {
        Self {
            history: Some(digest(&session.events)),
            ..Self::of_head(&session.head)
        }
    }

    /// The stamp of a record.
    pub fn of_record(record: &Record) -> Self {
        let mut hasher = SipHasher13::new();
        hash(&mut hasher, &Json::of(record));
        Self {
            what: record.kind.as_str().into(),
            key: record.key.as_str().into(),
            version: record.version,
            head: finish(&hasher),
            ..Self::default()
        }
    }

    /// Counts the writes of what it names.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether it is a session's.
    pub fn is_session(&self) -> bool {
        self.what.as_str() == SESSION
    }

    /// That what it names differs.
    pub fn differs(&self, target: Difference) -> CopyDifference {
        CopyDifference {
            what: self.what.to_string(),
            key: self.key.to_string(),
            target,
        }
    }

    /// The part of a session to send: all of it, or what the target lacks. Nothing when the target
    /// has another history that is not to be overwritten.
    pub fn part(&self, mut session: Loaded) -> Option<Part> {
        let first = usize::try_from(self.there.events).unwrap_or(usize::MAX);
        let known = session.events.get(..first);
        let continues = known.is_some_and(|known| digest(known) == self.there.history);
        if continues {
            session.events.drain(..first);
        }
        (continues || self.there.overwrite).then_some(Part {
            version: self.there.version,
            unreadable: self.there.unreadable,
            // Where nothing is kept, nothing that is in the way stays either.
            replace: !continues || first == 0,
            session: Sent(Some(session)),
            ..Part::default()
        })
    }
}

/// How what is in the target relates to what is in the source; nothing when they are the same.
/// Histories count where both were read.
pub fn compare(source: &Stamp, target: &Stamp) -> Option<Difference> {
    let versions = target.version.cmp(&source.version);
    if versions.is_eq() && source.head == target.head {
        let histories = source.history.is_some() && target.history.is_some();
        let differ = histories && source.history != target.history;
        return differ.then_some(Difference::Different);
    }
    let events = target.events.cmp(&source.events);
    Some(if source.created_at != target.created_at {
        Difference::Different
    } else if versions.is_lt() && events.is_le() {
        Difference::Older
    } else if versions.is_gt() && events.is_ge() {
        Difference::Newer
    } else {
        Difference::Different
    })
}

/// A session or a record on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The version that must be there in the target; nothing when it must not be there.
    pub version: Option<u64>,
    /// Whether what is there cannot be read, and so may be anything.
    pub unreadable: bool,
    /// Whether the events there are removed first.
    pub replace: bool,
    /// The session, with the events that follow those that are kept.
    pub session: Sent<Loaded>,
    /// The lease of the session's runner in the source, if something is replaced in the target.
    pub lease: Sent<Record>,
    /// The record.
    pub record: Sent<Record>,
}

impl Params for Part {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            version: properties.take("version"),
            unreadable: properties.take("unreadable"),
            replace: properties.take("replace"),
            session: properties.take("session"),
            lease: properties.take_or("lease", Sent(None)),
            record: properties.take("record"),
        }
    }
}

impl Part {
    /// The precondition in the target.
    pub fn expect(&self) -> Expect {
        match self.version {
            _ if self.unreadable => Expect::Any,
            Some(version) => Expect::Version { version },
            None => Expect::Absent,
        }
    }
}

/// An optional item of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent<T>(pub Option<T>);

impl<T> Default for Sent<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Property> Property for Sent<T> {
    fn read(name: &str, text: &str) -> Result<Self> {
        Self::read_next(name, &mut Tokens::of(text))
    }

    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        Option::read_next(name, tokens).map(Self)
    }
}

/// Reads a chunk. It comes from another store, and a store is not given what it could not give back.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn read_chunk(text: &str) -> Result<Vec<Part>> {
    let chunk = Vec::<Part>::read("chunk", text)?;
    for Loaded { head, events } in chunk.iter().filter_map(|part| part.session.0.as_ref()) {
        let sent = events.len() as u64;
        let numbered = head.event_count >= sent
            && events
                .iter()
                .zip(head.event_count - sent + 1..)
                .all(|(event, sequence)| event.sequence == sequence);
        let objects = std::iter::once(&head.context).chain(&head.metadata);
        if !(numbered
            && (1..MAX_SAFE_INTEGER).contains(&head.version)
            && head.event_count < MAX_SAFE_INTEGER
            && objects.into_iter().all(Json::is_object))
        {
            let problem = format!("session {} is not as `copyRead` sends it", head.id);
            return Err(Error::invalid("chunk", problem));
        }
    }
    Ok(chunk)
}

/// Reads a page, or what is wanted of one.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn read_stamps(what: &str, text: &str) -> Result<Vec<Stamp>> {
    Vec::read(what, text)
}

/// What tells a history from any other.
pub fn digest(events: &[Event]) -> Text {
    let mut hasher = SipHasher13::new();
    for event in events {
        hasher.write_u64(event.sequence);
        hasher.write_i64(event.timestamp.as_millis());
        hasher.write_u64(event.kind.len() as u64);
        hasher.write(event.kind.as_bytes());
        hash(&mut hasher, &event.data);
    }
    finish(&hasher)
}

/// Hashes JSON without the white space between its tokens, and where it ends.
fn hash(hasher: &mut SipHasher13, json: &Json) {
    let json = json.clone().compact();
    hasher.write_u64(json.as_str().len() as u64);
    hasher.write(json.as_str().as_bytes());
}

fn finish(hasher: &SipHasher13) -> Text {
    format!("{:032x}", hasher.finish128().as_u128()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &str) -> Event {
        Event {
            sequence: 1,
            timestamp: Timestamp::default(),
            kind: "note".to_owned(),
            data: Json::parse(data).unwrap(),
        }
    }

    #[test]
    fn white_space_counts_only_within_strings() {
        let of = |data: &str| digest(&[event(data)]);
        let plain = of(r#"{"a":["x y",1e400,"\\"],"b":{}}"#);
        assert_eq!(
            plain,
            of("{ \"a\" : [\"x y\",\n\t1e400 , \"\\\\\" ],\r\"b\":{ } }")
        );
        for other in [
            r#"{"a":["xy",1e400,"\\"],"b":{}}"#,
            r#"{"a":["x  y",1e400,"\\"],"b":{}}"#,
            r#"{"b":{},"a":["x y",1e400,"\\"]}"#,
            r#"{"a":["x y",1e401,"\\"],"b":{}}"#,
        ] {
            assert_ne!(plain, of(other), "{other}");
        }
        assert_ne!(of(r#"{"a":"\" b"}"#), of(r#"{"a":"\"b"}"#));
    }

    #[test]
    fn a_history_and_its_parts_have_different_digests() {
        let (a, b) = (event(r#"{"a":1}"#), event("{}"));
        let all = [a.clone(), b.clone()];
        let digests = [
            digest(&[]),
            digest(&all[..1]),
            digest(&all),
            digest(&[b, a]),
        ];
        for (index, one) in digests.iter().enumerate() {
            assert!(digests.iter().skip(index + 1).all(|other| one != other));
        }
    }
}
