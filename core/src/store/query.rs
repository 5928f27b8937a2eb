//! What is asked of a store, and its replies: a session with a part of its history, a page of
//! sessions, a range of records.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::store::filter::{Filter, Order, Position};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::limits::MAX_PAGE_BYTES;
use crate::value::properties::{Properties, Stored};

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
    /// The events that follow this sequence number, at most `limit`. A store may leave out those after
    /// the one with which their data exceeds [`MAX_PAGE_BYTES`].
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

    /// Shortens a part that may end early to its first `count` events. Returns the rest; nothing where the
    /// part is no longer than that.
    pub fn split_off(&mut self, count: u32) -> Option<Self> {
        match self {
            Self::After { sequence, limit } if *limit > count => {
                let rest = Self::After {
                    sequence: sequence.saturating_add(u64::from(count)),
                    limit: *limit - count,
                };
                *limit = count;
                Some(rest)
            }
            _ => None,
        }
    }

    /// The size of data, in bytes, beyond which a store need not load further events.
    pub fn max_bytes(self) -> u64 {
        match self {
            Self::After { .. } => MAX_PAGE_BYTES,
            Self::None | Self::Last { .. } | Self::All => u64::MAX,
        }
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

/// One of several things that are read in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A session.
    Session {
        /// Its id.
        id: SessionId,
        /// How much of its history.
        history: History,
    },
    /// A record.
    Record {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
    },
}

impl Read {
    /// A session's head.
    pub fn head(id: &SessionId) -> Self {
        Self::Session {
            id: id.clone(),
            history: History::None,
        }
    }

    /// A record.
    pub fn record(kind: &str, key: &str) -> Self {
        Self::Record {
            kind: kind.to_owned(),
            key: key.to_owned(),
        }
    }
}

/// What one [`Read`] has found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A session; `None` where there is none, `CORRUPT_SESSION` where it cannot be read.
    Session(Result<Option<Box<Loaded>>>),
    /// A record; `None` where there is none.
    Record(Option<Record>),
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
        let meant = heads.into_iter().filter(|head| self.selects(head));
        self.page_of(meant.collect())
    }

    /// Whether the filter selects a session, and it comes after the position.
    fn selects(&self, head: &Head) -> bool {
        let follows = |after| self.order.compare_to(head, after).is_gt();
        self.filter.matches(head) && self.after.as_ref().is_none_or(follows)
    }

    /// Answers the query from the heads that are meant, of which only those after the page may be left out.
    pub(super) fn page_of(&self, mut meant: Vec<&Head>) -> Page {
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

impl Stored for Loaded {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            head: properties.get("head")?,
            events: properties.take_or_default("events"),
        })
    }
}

impl Stored for Problem {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            id: properties.take("id"),
            problem: properties.take("problem"),
        })
    }
}

crate::stored_properties!(Loaded, Problem);
