//! What Tenure asks of a store. A store keeps session [heads](Head), their [events](Event) and
//! generic keyed [records](Record), and applies one [`Changes`] as a whole or not at all. It holds
//! no rule: which changes are right is decided before they reach it, and whether they still are is
//! said by the versions that each change expects. Stores that answer at once implement
//! [`SyncStore`]; [`Lift`] makes a [`Store`] of it.

use std::future::{Future, ready};
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::Event;
use crate::filter::{Filter, Order, Position};
use crate::id::SessionId;
use crate::members::{Member, Members, Params};
use crate::session::Head;
use crate::stats::Tally;
use crate::time::{self, Timestamp};

/// A store's answer in the making. It is made, polled and dropped on one thread.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// A place where sessions are kept.
///
/// Errors are `STORE_UNAVAILABLE`, `STORAGE_FULL`, `STORE_FAILED`, `CORRUPT_SESSION` and their
/// like; that something is not there, or is not as expected, is an answer and not an error.
pub trait Store {
    /// What this store can do beyond the least.
    fn capabilities(&self) -> Capabilities;

    /// A session's head with the part of its history that is asked for, as of one moment.
    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>>;

    /// Applies all of `changes`, or nothing of it when something is not as expected.
    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit>;

    /// The sessions that a query means, in its order.
    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page>;

    /// One record.
    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>>;

    /// The records of a kind in the order of their keys, byte by byte, beginning after a key.
    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>>;

    /// Counts the sessions that a filter means. By default it reads them page by page.
    fn tally<'a>(&'a self, filter: &'a Filter) -> Answer<'a, Tally> {
        Box::pin(tally_by_pages(self, filter))
    }
}

/// A store whose answers are ready at once: memory, files, SQLite. The methods are those of
/// [`Store`].
pub trait SyncStore {
    /// See [`Store::capabilities`].
    fn capabilities(&self) -> Capabilities;
    /// See [`Store::load`].
    ///
    /// # Errors
    /// Those of the store.
    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>>;
    /// See [`Store::commit`].
    ///
    /// # Errors
    /// Those of the store.
    fn commit(&self, changes: &Changes) -> Result<Commit>;
    /// See [`Store::list`].
    ///
    /// # Errors
    /// Those of the store.
    fn list(&self, query: &ListQuery) -> Result<Page>;
    /// See [`Store::record`].
    ///
    /// # Errors
    /// Those of the store.
    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>>;
    /// See [`Store::scan`].
    ///
    /// # Errors
    /// Those of the store.
    fn scan(&self, scan: &Scan) -> Result<Vec<Record>>;
    /// See [`Store::tally`]. `None` leaves the counting to the default.
    ///
    /// # Errors
    /// Those of the store.
    fn tally(&self, _filter: &Filter) -> Result<Option<Tally>> {
        Ok(None)
    }
}

impl<S: SyncStore + ?Sized> SyncStore for &S {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        (**self).load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        (**self).commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        (**self).list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        (**self).record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        (**self).scan(scan)
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        (**self).tally(filter)
    }
}

/// Makes a [`Store`] of a [`SyncStore`]: every answer is ready at the first poll.
#[derive(Debug, Clone, Default)]
pub struct Lift<S>(pub S);

impl<S: SyncStore> Store for Lift<S> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        Box::pin(ready(self.0.load(id, history)))
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        Box::pin(ready(self.0.commit(changes)))
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        Box::pin(ready(self.0.list(query)))
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        Box::pin(ready(self.0.record(kind, key)))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        Box::pin(ready(self.0.scan(scan)))
    }

    fn tally<'a>(&'a self, filter: &'a Filter) -> Answer<'a, Tally> {
        match self.0.tally(filter) {
            Ok(None) => Box::pin(tally_by_pages(self, filter)),
            Ok(Some(tally)) => Box::pin(ready(Ok(tally))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

/// What a store can do beyond the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// What was written is there when the store is opened again.
    pub persistent: bool,
    /// Several processes (or pages) may have the store open at once.
    pub shared: bool,
    /// White space between the tokens of user data may change. The tokens never do.
    pub reindents: bool,
    /// It keeps records alone: whatever is asked of it about sessions is refused. Stores of other
    /// languages keep sessions, so that this does not cross into them.
    #[serde(skip)]
    pub records_only: bool,
}

impl Params for Capabilities {
    fn take(members: &mut Members<'_>) -> Self {
        Self {
            persistent: members.take_or("persistent", false),
            shared: members.take_or("shared", false),
            reindents: members.take_or("reindents", false),
            records_only: false,
        }
    }
}

crate::nested_members!(Capabilities);

/// What a write that a store has acknowledged survives, where there is a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The end of the process, however sudden. After a loss of power what is there is whole, but
    /// the last writes may be missing.
    #[default]
    Normal,
    /// The loss of power too: every commit waits until the disk has it.
    Full,
}

impl Member for Durability {
    fn read(name: &str, text: &str) -> Result<Self> {
        match text {
            "\"normal\"" => Ok(Self::Normal),
            "\"full\"" => Ok(Self::Full),
            _ => Err(Error::invalid(name, "expected \"normal\" or \"full\"")),
        }
    }
}

/// How much of a history to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum History {
    /// Nothing.
    None,
    /// The last events, at most this many.
    Last {
        /// How many.
        count: u32,
    },
    /// The events that follow this sequence number, at most `limit`.
    After {
        /// The sequence number before the first event to load; 0 begins at the first.
        sequence: u64,
        /// How many at most.
        limit: u32,
    },
    /// Everything.
    All,
}

impl History {
    /// The sequence numbers that are meant in a history of `count` events: first and last,
    /// inclusive, or nothing.
    pub fn range(self, count: u64) -> Option<(u64, u64)> {
        let (first, last) = match self {
            Self::None => return None,
            Self::All => (1, count),
            Self::Last { count: wanted } => (count.saturating_sub(u64::from(wanted)) + 1, count),
            Self::After { sequence, limit } => {
                let first = sequence.saturating_add(1);
                let last = sequence.saturating_add(u64::from(limit)).min(count);
                (first, last)
            }
        };
        (first <= last).then_some((first, last))
    }
}

/// A session as of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// The head.
    pub head: Head,
    /// The events that were asked for, in their order.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// All that one operation writes. It is applied as a whole or not at all. No session and no record
/// is named twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    /// Sessions to write or remove.
    pub sessions: Vec<SessionChange>,
    /// Records to write or remove.
    pub records: Vec<RecordChange>,
}

/// A change to one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct SessionChange {
    /// The session.
    pub id: SessionId,
    /// What must be there for the change to apply.
    pub expect: Expect,
    /// What to do.
    pub write: SessionWrite,
}

/// What to do to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum SessionWrite {
    /// Write the head, and events after those that are kept.
    Put {
        /// The new head, with its new version.
        head: Box<Head>,
        /// Whether the events that are stored are removed first.
        #[serde(rename = "replaceHistory")]
        replace_history: bool,
        /// New events, numbered on from the last that is kept.
        events: Vec<Event>,
    },
    /// Remove the session, its events and every record that it owns. It must work on a session
    /// that cannot be read.
    Delete,
}

/// What must be there for a change to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Expect {
    /// Nothing.
    Absent,
    /// Something, of whatever version.
    Present,
    /// This version.
    Version {
        /// The version.
        version: u64,
    },
    /// Anything or nothing.
    Any,
}

impl Expect {
    /// Whether what is there (its version, or nothing) is as expected.
    pub fn allows(self, current: Option<u64>) -> bool {
        match self {
            Self::Absent => current.is_none(),
            Self::Present => current.is_some(),
            Self::Version { version } => current == Some(version),
            Self::Any => true,
        }
    }

    /// That what is there is still as it was read: its version, or nothing.
    pub fn as_read(version: Option<u64>) -> Self {
        version.map_or(Self::Absent, |version| Self::Version { version })
    }
}

/// A keyed value of a feature's own: an idempotency key, a lease, a queue entry. Its `body` is text
/// that only its feature reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StoredRecord"))]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The feature's name for this sort of record.
    pub kind: String,
    /// The key, unique within the kind.
    pub key: String,
    /// Counts the writes of the record; for [`Expect::Version`].
    pub version: u64,
    /// When it ceases to count. Stores keep it until it is removed.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    #[serde(default, with = "time::as_millis::option")]
    pub expires_at: Option<Timestamp>,
    /// The session with which the record is removed.
    #[serde(default)]
    pub owner: Option<SessionId>,
    /// The value.
    pub body: String,
}

/// A change to one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RecordChange {
    /// The record's kind.
    pub kind: String,
    /// The record's key.
    pub key: String,
    /// What must be there for the change to apply.
    pub expect: Expect,
    /// The record to write, of the same kind and key; `None` removes it.
    #[serde(default)]
    pub record: Option<Record>,
}

impl RecordChange {
    /// The change that writes a record.
    pub fn put(expect: Expect, record: Record) -> Self {
        Self {
            kind: record.kind.clone(),
            key: record.key.clone(),
            expect,
            record: Some(record),
        }
    }
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "kind", try_from = "CommitParts")]
pub enum Commit {
    /// Everything was written.
    Applied,
    /// Nothing was written: this session was not as expected.
    SessionConflict {
        /// The session.
        id: SessionId,
        /// The version that is there.
        #[serde(default)]
        current: Option<u64>,
    },
    /// Nothing was written: this record was not as expected.
    RecordConflict {
        /// The record's kind.
        #[serde(rename = "recordKind")]
        record_kind: String,
        /// The record's key.
        key: String,
        /// The version that is there.
        #[serde(default)]
        current: Option<u64>,
    },
}

/// A [`Commit`] as it is read: a flat object, which needs no buffering.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitParts {
    kind: String,
    #[serde(default)]
    id: Option<SessionId>,
    #[serde(default)]
    record_kind: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    current: Option<u64>,
}

impl TryFrom<CommitParts> for Commit {
    type Error = &'static str;

    fn try_from(parts: CommitParts) -> std::result::Result<Self, Self::Error> {
        let current = parts.current;
        let kind = parts.kind.clone();
        match (kind.as_str(), parts) {
            ("applied", _) => Ok(Self::Applied),
            ("sessionConflict", CommitParts { id: Some(id), .. }) => {
                Ok(Self::SessionConflict { id, current })
            }
            (
                "recordConflict",
                CommitParts {
                    record_kind: Some(record_kind),
                    key: Some(key),
                    ..
                },
            ) => Ok(Self::RecordConflict {
                record_kind,
                key,
                current,
            }),
            _ => Err(
                "expected applied, sessionConflict with an id, or recordConflict with a \
                      recordKind and a key",
            ),
        }
    }
}

/// Which sessions to list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ListQuery {
    /// What they must be like.
    pub filter: Filter,
    /// Their order.
    pub order: Order,
    /// Begin after this position.
    #[serde(default)]
    pub after: Option<Position>,
    /// Then skip this many.
    #[serde(default)]
    pub offset: u64,
    /// How many at most; at least 1.
    pub limit: u32,
    /// A store may end the page once its user data exceeds this many bytes.
    pub max_bytes: u64,
}

impl ListQuery {
    /// Answers the query from all heads that there are: the reference for every store, and the
    /// whole of `list` for a store that has nothing better.
    pub fn page<'h>(&self, heads: impl IntoIterator<Item = &'h Head>) -> Page {
        let mut meant: Vec<&Head> = heads
            .into_iter()
            .filter(|head| self.filter.matches(head))
            .filter(|head| {
                self.after
                    .as_ref()
                    .is_none_or(|after| self.order.compare_to(head, after).is_gt())
            })
            .collect();
        meant.sort_by(|a, b| self.order.compare(a, b));
        let skip = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let mut rest = meant.into_iter().skip(skip);
        let mut page = Page::default();
        let mut bytes = 0;
        while page.heads.len() < self.limit as usize
            && (bytes <= self.max_bytes)
            && let Some(head) = rest.next()
        {
            bytes += head.user_bytes();
            page.heads.push(head.clone());
        }
        page.more = rest.next().is_some();
        page
    }
}

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The sessions in their order.
    pub heads: Vec<Head>,
    /// Whether more follow.
    pub more: bool,
    /// Sessions that could not be read. They hide no others.
    #[serde(default)]
    pub problems: Vec<Problem>,
}

/// A session that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Its id, as far as it is known.
    pub id: String,
    /// What is wrong, and where it is kept.
    pub problem: String,
}

/// Which records to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    /// Their kind.
    pub kind: String,
    /// Begin after this key.
    #[serde(default)]
    pub after: Option<String>,
    /// How many at most; at least 1.
    pub limit: u32,
}

async fn tally_by_pages<S: Store + ?Sized>(store: &S, filter: &Filter) -> Result<Tally> {
    let mut query = ListQuery {
        filter: filter.clone(),
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 500,
        max_bytes: 8 << 20,
    };
    let mut tally = Tally::default();
    loop {
        let page = store.list(&query).await?;
        for head in &page.heads {
            tally.count(head);
        }
        let last = match page.heads.last() {
            Some(last) if page.more => query.order.position(last),
            _ => return Ok(tally),
        };
        let repeats = |after| !query.order.compare_positions(&last, after).is_gt();
        if query.after.as_ref().is_some_and(repeats) {
            return Err(Error::StoreMisbehaved {
                method: "list".to_owned(),
                problem: "a page does not come after the page before".to_owned(),
            });
        }
        query.after = Some(last);
    }
}
