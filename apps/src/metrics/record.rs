//! The records of metrics. Each handle that records has one, and there is one with the total of the handles that
//! are gone. All fit into one scan, so that a reader sees them as of one moment: a record that is being added to
//! the total is never counted twice.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tenure_core::error::{Error, Result};
use tenure_core::store::Scan;
use tenure_core::stored::record::Record;
use tenure_core::value::limits::MAX_PAGE;
use tenure_core::value::properties::Params;
use tenure_core::value::text::Text;
use tenure_core::{Host, Liveness, Process, Timestamp};

use super::counts::{ByFamily, Counts};
use super::histogram::Histogram;
use super::own::Own;

/// The kind of the records.
pub(super) const KIND: &str = "metrics";
/// The key of the total. It is before the keys of handles, so that a scan always has it.
pub(super) const TOTAL: &str = "0";
const PREFIX: &str = "handle/";
/// The prefix of the keys of processes that have closed a handle while others record.
const PROCESS: &str = "process/";
/// The greatest length of the name of a handle.
const MAX_INSTANCE: usize = 64;
/// After this time without a record a handle counts as gone where nothing is known of its process. It records
/// every few seconds.
const GONE_MS: u64 = 15 * 60 * 1000;

/// What a record of a handle has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    /// When it was recorded, in milliseconds since 1970.
    pub(super) at: i64,
    /// The process of the handle.
    owner: Option<Box<RawValue>>,
    /// What the handle says.
    pub(super) own: Own,
}

impl Body {
    /// What a handle of a process says.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub(super) fn new(own: Own, process: Option<&Process>, at: Timestamp) -> Result<Self> {
        let owner = process.map(serde_json::value::to_raw_value).transpose();
        Ok(Self {
            at: at.as_millis(),
            owner: owner.map_err(|error| Error::internal(error.to_string()))?,
            own,
        })
    }

    /// Reads a record; `None` if it has another form, as one of a newer version may.
    pub(super) fn read(record: &Record) -> Option<Self> {
        #[derive(Deserialize)]
        struct Counted {
            own: WithCounts,
        }
        #[derive(Deserialize)]
        struct WithCounts {
            counts: StoredCounts,
        }
        let body: Self = serde_json::from_str(&record.body).ok()?;
        let counted: Counted = serde_json::from_str(&record.body).ok()?;
        let counts = counted.own.counts.into();
        let own = Own { counts, ..body.own }.bounded();
        Some(Self { own, ..body })
    }

    /// The record of a handle.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub(super) fn to_record(&self, key: String) -> Result<Record> {
        record(key, self)
    }

    /// The process of the handle, if it is known.
    pub(super) fn process(&self) -> Option<Process> {
        let owner = self.owner.as_ref()?;
        Process::read("process", owner.get()).ok()
    }

    /// Whether the handle is gone: its process has ended, or it has not recorded for long.
    pub(super) fn is_gone(&self, now: Timestamp, host: &dyn Host) -> bool {
        match self.process().map(|process| host.liveness(&process)) {
            Some(Liveness::Dead) => true,
            // A live process may have closed the handle without its last record.
            Some(Liveness::Alive | Liveness::Unknown) | None => {
                let age = now.as_millis().saturating_sub(self.at);
                age >= 0 && age.unsigned_abs() >= GONE_MS
            }
        }
    }
}

/// The key of a handle.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(super) fn key_of(instance: &Text) -> Result<String> {
    let name = instance.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !name.is_empty() && name.len() <= MAX_INSTANCE && name.bytes().all(is_plain) {
        true => Ok(format!("{PREFIX}{name}")),
        false => {
            let problem = format!("expected 1 to {MAX_INSTANCE} letters, digits and dashes");
            Err(Error::invalid("instance", problem))
        }
    }
}

/// The key of what the closed handles of a process have counted.
pub(super) fn key_of_process(name: &str) -> String {
    format!("{PROCESS}{name}")
}

/// Whether a record has what the closed handles of a process have counted.
pub(super) fn is_of_process(record: &Record) -> bool {
    record.key.starts_with(PROCESS)
}

/// The counts of the total's record; `None` if it has a form that this version cannot read.
pub(super) fn read_total(record: Option<&Record>) -> Option<Counts> {
    match record {
        None => Some(Counts::default()),
        Some(record) => {
            let counts = serde_json::from_str::<StoredCounts>(&record.body);
            counts.ok().map(Counts::from)
        }
    }
}

/// Counts as they are stored. Another property would be lost when they are added up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCounts {
    counters: ByFamily<u64>,
    histograms: ByFamily<Histogram>,
}

impl From<StoredCounts> for Counts {
    fn from(stored: StoredCounts) -> Self {
        let StoredCounts {
            counters,
            histograms,
        } = stored;
        Self {
            counters,
            histograms,
        }
    }
}

/// The record of the total.
///
/// # Errors
/// `INTERNAL`.
pub(super) fn total(counts: Counts) -> Result<Record> {
    record(TOTAL.to_owned(), &counts.bounded())
}

/// The scan that has all records.
pub(super) fn all() -> Scan {
    Scan {
        kind: KIND.to_owned(),
        after: None,
        limit: MAX_PAGE,
    }
}

fn record(key: String, body: &impl Serialize) -> Result<Record> {
    let body = serde_json::to_string(body).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Record {
        kind: KIND.to_owned(),
        key,
        version: 1,
        expires_at: None,
        owner: None,
        body,
    })
}
