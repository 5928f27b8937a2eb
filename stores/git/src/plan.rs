//! The plan of a commit: which refs to write, from which commits, with which records. It is made
//! without access to the repository.

use std::collections::{BTreeMap, BTreeSet};

use tenure_core::store::RecordChange;
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit};

use crate::bucket::Bucket;
use crate::layout;

/// A ref to move, or to remove if no records are left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Write {
    pub(crate) name: String,
    /// Its present commit; `None` if the ref does not exist.
    pub(crate) expected: Option<String>,
    /// The new records of the ref.
    pub(crate) records: Vec<Record>,
}

/// The plan of a commit.
#[derive(Debug, PartialEq)]
pub(crate) enum Plan {
    /// Write these refs together.
    Write(Vec<Write>),
    /// An expectation is not met.
    Conflict(Commit),
}

/// The refs whose records a commit changes.
pub(crate) fn refs(changes: &Changes) -> BTreeSet<String> {
    let refs = changes.records.iter();
    refs.map(|change| layout::ref_of(&change.kind, &change.key))
        .collect()
}

/// Plans a commit over refs as they were read.
pub(crate) fn plan(changes: &Changes, read: &BTreeMap<String, Bucket>) -> Plan {
    let mut buckets: BTreeMap<String, (Bucket, bool)> = BTreeMap::new();
    let mut allowed: Vec<(&RecordChange, String)> = Vec::new();
    for change in &changes.records {
        let name = layout::ref_of(&change.kind, &change.key);
        let (bucket, _) = buckets
            .entry(name.clone())
            .or_insert_with(|| (read.get(&name).cloned().unwrap_or_default(), false));
        let current = bucket.record(&change.kind, &change.key);
        let current = current.map(|record| record.version);
        if !change.expect.allows(current) {
            return Plan::Conflict(Commit::RecordConflict {
                record_kind: change.kind.clone(),
                key: change.key.clone(),
                current,
            });
        }
        allowed.push((change, name));
    }
    for (change, name) in allowed {
        if let Some((bucket, changed)) = buckets.get_mut(&name) {
            *changed |= apply(&mut bucket.records, change);
        }
    }
    let writes = buckets.into_iter().filter(|(_, (_, changed))| *changed);
    Plan::Write(
        writes
            .map(|(name, (bucket, _))| Write {
                name,
                expected: bucket.commit,
                records: bucket.records,
            })
            .collect(),
    )
}

/// Applies a change. Returns whether anything changed.
fn apply(records: &mut Vec<Record>, change: &RecordChange) -> bool {
    let of_change = |record: &Record| record.kind == change.kind && record.key == change.key;
    let before = records.len();
    records.retain(|record| !of_change(record));
    let removed = records.len() < before;
    if let Some(record) = &change.record {
        // Records are sorted by key, so that versions of a file differ in few lines.
        let place = records.partition_point(|other| other.key < record.key);
        records.insert(place, record.clone());
    }
    removed || change.record.is_some()
}
