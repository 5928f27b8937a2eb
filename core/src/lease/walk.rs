//! A walk over the leases whose keys have a common prefix, in the order of their keys, page by page.

use std::collections::VecDeque;

use crate::error::Result;
use crate::store::{Record, Scan};
use crate::value::limits::MAX_PAGE;
use crate::work::context::Context;

use crate::stored::lease::{KIND, Lease};

/// A walk over leases.
#[derive(Debug)]
pub struct Walk {
    prefix: String,
    /// The key that is the prefix itself: a scan begins after it.
    exact: Option<String>,
    after: Option<String>,
    read: VecDeque<Record>,
    ended: bool,
}

impl Walk {
    /// A walk that starts after a key, or with the first key of the prefix.
    pub fn new(prefix: String, after: Option<String>) -> Self {
        let after = after.filter(|after| *after >= prefix);
        let exact = (after.is_none() && !prefix.is_empty()).then(|| prefix.clone());
        Self {
            after: after.or_else(|| exact.clone()),
            exact,
            prefix,
            read: VecDeque::new(),
            ended: false,
        }
    }

    /// The next lease with its record; `None` at the end.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` for a record that is no lease, and those of the store.
    pub async fn next(&mut self, context: &Context) -> Result<Option<(Record, Lease)>> {
        if let Some(exact) = self.exact.take()
            && let Some(record) = context.record(KIND, &exact).await?
        {
            let lease = Lease::read(&record)?;
            return Ok(Some((record, lease)));
        }
        if self.read.is_empty() && !self.ended {
            let scan = Scan {
                kind: KIND.to_owned(),
                after: self.after.take(),
                limit: MAX_PAGE,
            };
            let records = context.scan(&scan).await?;
            let has_prefix = |key: &str| key.starts_with(&self.prefix);
            let last = records.last().filter(|last| has_prefix(&last.key));
            self.ended = records.len() < MAX_PAGE as usize || last.is_none();
            self.after = last.map(|last| last.key.clone());
            let records = records.into_iter();
            self.read = records.filter(|record| has_prefix(&record.key)).collect();
        }
        let Some(record) = self.read.pop_front() else {
            return Ok(None);
        };
        let lease = Lease::read(&record)?;
        Ok(Some((record, lease)))
    }
}
