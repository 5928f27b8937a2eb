//! What waits at an endpoint: how much that is, and attempting it at once.

use tenure_core::error::Result;
use tenure_core::store::{Expect, Read, Record, Scan};
use tenure_core::stored::delivery::{Delivery, KIND, WAKE, WakeKey};
use tenure_core::work::context::Context;
use tenure_core::work::transaction::{Attempt, Transaction};

/// The greatest number of deliveries that are counted.
const MAX_COUNTED: u32 = 1000;
/// The deliveries that one request reads. Their payloads are read, too.
const READ: u32 = 100;
/// The deliveries that one commit makes due.
const MADE_DUE: u32 = 20;

/// What waits at an endpoint, or is in flight.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The number of deliveries, up to 1,000.
    pub(super) count: u32,
    /// Whether there are more.
    pub(super) has_more: bool,
    /// Why the last attempt has failed.
    pub(super) problem: Option<String>,
}

/// Counts what waits at an endpoint.
///
/// # Errors
/// Those of the store.
pub(super) async fn count(context: &Context, id: &str) -> Result<Waiting> {
    let mut waiting = Waiting::default();
    let mut failed_at = None;
    let mut pages = Pages::of(KIND, id, READ);
    while let Some(records) = pages.next(context).await? {
        for record in records {
            if waiting.count == MAX_COUNTED {
                waiting.has_more = true;
                return Ok(waiting);
            }
            waiting.count += 1;
            // A damaged one is set aside when it is due.
            let delivery = Delivery::read_record(&record).unwrap_or_default();
            if delivery.failed_at.is_some() && delivery.failed_at >= failed_at {
                failed_at = delivery.failed_at;
                waiting.problem = delivery.problem;
            }
        }
    }
    Ok(waiting)
}

/// Makes due what waits for its next attempt at an endpoint. Each begins with its first attempt again. What is in flight goes on. Returns
/// how many deliveries there were.
///
/// # Errors
/// Those of the store.
pub(super) async fn make_due(context: &Context, id: &str) -> Result<u64> {
    let mut made = 0;
    let mut pages = Pages::of(WAKE, id, MADE_DUE);
    // The keys of those that are made due come before the next page.
    while let Some(records) = pages.next(context).await? {
        made += context
            .transact(|tx| {
                let keys = records.iter().filter_map(|wake| WakeKey::parse(&wake.key));
                let deliveries = keys.map(|key| Read::record(KIND, &key.delivery()));
                tx.read_all(deliveries)?;
                let mut made = 0;
                for wake in &records {
                    made += u64::from(make_one_due(tx, &wake.key)?);
                }
                Ok(made)
            })
            .await?;
    }
    Ok(made)
}

/// Makes the delivery of a wake record due. Returns whether it had to wait.
fn make_one_due(tx: &mut Transaction<'_>, wake: &str) -> Attempt<bool> {
    let now = tx.now();
    let Some(key) = WakeKey::parse(wake) else {
        return Ok(false);
    };
    let is_due = i64::try_from(key.at).is_ok_and(|at| at <= now.as_millis());
    if is_due || tx.record(WAKE, wake)?.is_none() {
        return Ok(false);
    }
    let record = tx.record(KIND, &key.delivery())?;
    let Some(Ok(delivery)) = record.map(|record| Delivery::read_record(&record)) else {
        return Ok(false);
    };
    let is_own = delivery.wake.as_deref().is_none_or(|own| own == wake);
    if delivery.claim.is_some() || !is_own {
        return Ok(false);
    }
    let again = Delivery {
        attempts: 0,
        wake: Some(delivery.wake_key(now)),
        ..delivery
    };
    tx.remove_record(WAKE, wake)?;
    tx.put_record_expecting(again.wake_record(now), Expect::Any);
    tx.put_record(again.to_record())?;
    Ok(true)
}

/// The records of a kind that belong to an endpoint, page by page.
struct Pages {
    kind: &'static str,
    prefix: String,
    limit: u32,
    /// The key after which the next page begins; `None` after the last one.
    after: Option<String>,
}

impl Pages {
    fn of(kind: &'static str, id: &str, limit: u32) -> Self {
        let prefix = format!("{id}/");
        Self {
            kind,
            after: Some(prefix.clone()),
            prefix,
            limit,
        }
    }

    async fn next(&mut self, context: &Context) -> Result<Option<Vec<Record>>> {
        let Some(after) = self.after.take() else {
            return Ok(None);
        };
        let scan = Scan {
            kind: self.kind.to_owned(),
            after: Some(after),
            limit: self.limit,
        };
        let mut records = context.scan(&scan).await?;
        let is_full = records.len() == self.limit as usize;
        let last = records.last().map(|record| record.key.clone());
        let is_of_endpoint = |key: &String| key.starts_with(&self.prefix);
        self.after = last.filter(|last| is_full && is_of_endpoint(last));
        records.retain(|record| is_of_endpoint(&record.key));
        Ok(Some(records))
    }
}
