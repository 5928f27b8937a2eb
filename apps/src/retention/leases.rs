//! The removal of expired disposable leases. Other leases stay, released or not, so that their next
//! tokens are greater.

use tenure_core::audit::entry::Entry;
use tenure_core::error::Result;
use tenure_core::lease::operations::find;
use tenure_core::lease::walk::Walk;
use tenure_core::store::Record;
use tenure_core::stored::lease::{KIND, Lease};
use tenure_core::value::entropy::Entropy;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::time::Timestamp;
use tenure_core::work::context::Context;
use tenure_core::work::transaction::{Attempt, Transaction};

/// The `kind` of the audit entry for removed disposable leases, which are those of runs.
const REMOVAL: &str = "dedup.clear";
/// Leases that one commit removes: some stores cross a network for each commit.
const TOGETHER: usize = 50;

/// Removes the expired [disposable](Lease::disposable) leases, or only counts them. Returns their
/// number.
///
/// # Errors
/// Those of the store.
pub(crate) async fn remove_expired(context: &Context, dry_run: bool) -> Result<u64> {
    let call = context.call();
    let expired = |lease: &Lease| lease.disposable && !lease.is_held(call.now, &*call.host);
    let walk = Walk::new(String::new(), None);
    let removed = remove(context, walk, &expired, dry_run).await?;
    if removed > 0 && !dry_run {
        let entry = removal_entry(removed, call.now, call.entropy);
        context
            .transact(|tx| {
                tx.enter(entry.to_record());
                Ok(())
            })
            .await?;
    }
    Ok(removed)
}

/// The audit entry for a number of removed disposable leases.
pub(crate) fn removal_entry(removed: u64, at: Timestamp, entropy: Entropy) -> Entry {
    let mut data = Entry::properties(REMOVAL, at, None);
    data.set("removed", &removed);
    // Distinguishes calls at the same time.
    data.set("call", &Fingerprint::of("dedup", entropy.bits()).text());
    let data = data.to_json();
    Entry { at, data }
}

/// Removes the selected leases of a walk, or only counts them. Returns their number.
///
/// # Errors
/// Those of the store.
pub(crate) async fn remove(
    context: &Context,
    mut walk: Walk,
    selects: &(dyn Fn(&Lease) -> bool + Sync),
    dry_run: bool,
) -> Result<u64> {
    let mut removed = 0;
    let mut batch: Vec<Record> = Vec::new();
    loop {
        let next = walk.next(context).await?;
        let ended = next.is_none();
        batch.extend(
            next.filter(|(_, lease)| selects(lease))
                .map(|(record, _)| record),
        );
        if !batch.is_empty() && (ended || batch.len() == TOGETHER) {
            let batch = std::mem::take(&mut batch);
            removed += match dry_run {
                true => batch.len() as u64,
                false => remove_batch(context, batch, selects).await?,
            };
        }
        if ended {
            return Ok(removed);
        }
    }
}

/// Removes leases in one commit, or one by one if another writer has changed any of them.
async fn remove_batch(
    context: &Context,
    batch: Vec<Record>,
    selects: &(dyn Fn(&Lease) -> bool + Sync),
) -> Result<u64> {
    let together = context
        .try_transact(|tx| {
            for record in &batch {
                tx.assume_record(record.clone());
                tx.remove_record(KIND, &record.key)?;
            }
            Ok(())
        })
        .await?;
    if together.is_some() {
        return Ok(batch.len() as u64);
    }
    // Another writer has changed at least one of them.
    let mut removed = 0;
    for record in batch {
        let selected = context
            .transact(|tx| remove_one(tx, &record.key, selects))
            .await?;
        removed += u64::from(selected);
    }
    Ok(removed)
}

fn remove_one(
    tx: &mut Transaction<'_>,
    key: &str,
    selects: &(dyn Fn(&Lease) -> bool + Sync),
) -> Attempt<bool> {
    let selected = find(tx, key)?.is_some_and(|lease| selects(&lease));
    if selected {
        tx.remove_record(KIND, key)?;
    }
    Ok(selected)
}
