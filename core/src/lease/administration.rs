//! The operations that give the leases of others away: `leaseTransfer` to another holder, `leaseClear` to
//! nobody. They are a table of their own, which the browser's module leaves out.

use crate::audit::entry::{self, Entry};
use crate::error::Result;
use crate::stored::lease::{Lease, MAX_KEY_BYTES};
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::decision::{Outcome, Request};
use super::operations::{ask, checked_duration, find, holder, reply};
use super::params::{LeaseClearParams, LeaseCleared, LeaseOutcome, LeaseTransferParams};
use super::walk::Walk;

crate::operations! {
    Group::Leases;
    /// Transfers a lease to another holder. The outcome is `transferred`, or `lost`.
    LEASE_TRANSFER = Write "leaseTransfer" (LeaseTransferParams) -> LeaseOutcome, unit transfer,
        r#"{"key":"k","holder":"h","token":1,"to":"h","leaseDurationMs":1000}"#;
    /// Releases leases, regardless of their holders.
    LEASE_CLEAR = WriteMany "leaseClear" (LeaseClearParams) -> LeaseCleared, steps clear,
        r#"{"prefix":"k"}"#;
}

fn transfer(tx: &mut Transaction<'_>, params: &LeaseTransferParams) -> Attempt<LeaseOutcome> {
    let mut to = holder(tx.host(), Some(&params.to))?;
    if to.process.is_none() {
        // A registered process is named by its session's id.
        let key = Lease::process_key(&to.name);
        let registered = match key.len() <= MAX_KEY_BYTES {
            true => find(tx, &key)?,
            false => None,
        };
        to.process = registered
            .filter(|lease| !lease.released)
            .and_then(|lease| lease.process);
    }
    let request = Request::Transfer {
        holder: holder(tx.host(), params.holder.as_ref())?.name,
        token: params.token,
        to,
        duration: checked_duration(params.lease_duration_ms)?,
    };
    reply(tx, &params.key, &request)
}

async fn clear(context: &Context, params: LeaseClearParams) -> Result<LeaseCleared> {
    let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
    let mut walk = Walk::new(prefix, None);
    let mut cleared = LeaseCleared::default();
    while let Some((record, _)) = walk.next(context).await? {
        let key = record.key.clone();
        let mut first = Some(record);
        let outcome = context
            .transact(|tx| {
                if let Some(record) = first.take() {
                    tx.assume_record(record);
                }
                if let Some(lease) = find(tx, &key)? {
                    let entry =
                        Entry::about(entry::LEASE_CLEAR, &lease.key, &lease.holder, tx.now());
                    let (outcome, _) = ask(tx, &key, &Request::Clear)?;
                    if outcome == Outcome::Released {
                        tx.enter(entry.to_record());
                    }
                    return Ok(outcome);
                }
                Ok(Outcome::NotHeld)
            })
            .await?;
        cleared.released += u64::from(outcome == Outcome::Released);
    }
    Ok(cleared)
}
