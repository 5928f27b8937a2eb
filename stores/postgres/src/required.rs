//! What the commits of a handle require of the store, besides what each of them expects. It is checked in the statements of the commit
//! itself, and takes no further request.

use std::fmt;
use std::sync::OnceLock;

use tenure_core::Commit;
use tokio_postgres::Row;

use crate::request::Request;
use crate::row::{self, stored};

/// What a commit requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Required {
    /// There is no record of a kind.
    NoRecord {
        /// The kind.
        kind: &'static str,
    },
    /// A record has a version.
    Record {
        /// The kind of the record.
        kind: &'static str,
        /// Its key.
        key: String,
        /// Its version.
        version: u64,
    },
}

/// Says what the next commit requires, if it requires something.
pub type Requirement = Box<dyn Fn() -> Option<Required> + Send + Sync>;

/// What the commits of a handle require.
#[derive(Default)]
pub(crate) struct Requirements(OnceLock<Requirement>);

impl fmt::Debug for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Requirements").field(&self.get()).finish()
    }
}

impl Requirements {
    /// Sets it, once.
    pub(crate) fn set(&self, requirement: Requirement) {
        // A second one would be another use of the same handle.
        let _ = self.0.set(requirement);
    }

    /// What the next commit requires.
    pub(crate) fn get(&self) -> Option<Required> {
        self.0.get().and_then(|requirement| requirement())
    }
}

impl Required {
    /// The condition that it is met.
    pub(crate) fn condition(&self, request: &mut Request<'_>, schema: &str) -> String {
        let found = self.found(request, schema);
        match self {
            Self::NoRecord { .. } => format!("NOT EXISTS ({found})"),
            Self::Record { version, .. } => {
                let version = request.bind(stored(*version));
                format!("EXISTS ({found} AND k.version = {version})")
            }
        }
    }

    /// Reads what it is about.
    pub(crate) fn read(&self, schema: &str) -> Request<'static> {
        let mut request = Request::default();
        let found = self.found(&mut request, schema);
        request.push(format_args!("{found} LIMIT 1"));
        request
    }

    /// The conflict that the rows of [`read`](Self::read) show; `None` if it is met.
    pub(crate) fn conflict(&self, rows: &[Row]) -> Option<Commit> {
        let row = rows.first();
        let current = row.and_then(|row| row::get::<i64>(row, 1).ok().map(row::restored));
        let (kind, key) = match self {
            Self::NoRecord { kind } => (kind, row::any_text(row?, 0)),
            Self::Record { version, .. } if current == Some(*version) => return None,
            Self::Record { kind, key, .. } => (kind, key.clone()),
        };
        Some(Commit::RecordConflict {
            record_kind: (*kind).to_owned(),
            key,
            current,
        })
    }

    fn found(&self, request: &mut Request<'_>, schema: &str) -> String {
        let (Self::NoRecord { kind } | Self::Record { kind, .. }) = self;
        let kind = request.bind(*kind);
        let key = match self {
            Self::NoRecord { .. } => String::new(),
            Self::Record { key, .. } => format!(" AND k.key = {}", request.bind(key.clone())),
        };
        format!("SELECT k.key, k.version FROM {schema}.records AS k WHERE k.kind = {kind}{key}")
    }
}
