//! The operations on leases. Each reads the stored lease, makes the [decision](super::decision), and
//! writes the resulting lease.

use crate::error::{Error, Result};
use crate::store::Read;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::limits::page_limit;
use crate::value::process::{Host, Liveness};
use crate::value::text::Text;
use crate::value::time::Millis;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::decision::{self, Decision, Holder, Outcome, Request};
use super::params::{
    LeaseAcquireParams, LeaseGetParams, LeaseListParams, LeaseOutcome, LeasePage,
    LeaseReleaseParams, LeaseRenewParams, LeaseView,
};
use super::walk::Walk;
use crate::stored::lease::{KIND, Lease, MAX_KEY_BYTES, State};

const DEFAULT_LEASES: u32 = 50;
/// Leases that one call of `leaseList` reads.
const MAX_READ: usize = 10_000;

crate::operations! {
    Group::Leases;
    /// Acquires a lease, or renews the caller's own. The outcome is `acquired`, `renewed`, or `held` if
    /// another holder has it. A process holds a lease for as long as it runs, any other holder until
    /// the lease expires.
    LEASE_ACQUIRE = Write "leaseAcquire" (LeaseAcquireParams) -> LeaseOutcome, unit acquire,
        r#"{"key":"k","holder":"h","leaseDurationMs":1000,"data":{"a":1},"once":true}"#;
    /// Renews a lease. The outcome is `renewed`, or `lost` if the caller no longer holds it.
    LEASE_RENEW = Write "leaseRenew" (LeaseRenewParams) -> LeaseOutcome, unit renew,
        r#"{"key":"k","holder":"h","token":1,"leaseDurationMs":1000,"data":{"a":1}}"#;
    /// Releases a lease. The outcome is `released`, `not_owner` or `not_held`.
    LEASE_RELEASE = Write "leaseRelease" (LeaseReleaseParams) -> LeaseOutcome, unit release,
        r#"{"key":"k","holder":"h","token":1}"#;
    /// The current lease of a key; `null` if there never was one.
    LEASE_GET = Read "leaseGet" (LeaseGetParams) -> Option<LeaseView>, unit get,
        r#"{"key":"k"}"#;
    /// A page of the leases, in the order of their keys.
    LEASE_LIST = Read "leaseList" (LeaseListParams) -> LeasePage, steps list,
        r#"{"prefix":"k","state":"held","limit":2,"cursor":"a"}"#;
}

/// Acquires a lease.
///
/// # Errors
/// `INVALID_ARGUMENT`, and those of the store.
pub(crate) fn acquire(
    tx: &mut Transaction<'_>,
    params: &LeaseAcquireParams,
) -> Attempt<LeaseOutcome> {
    let request = Request::Acquire {
        holder: holder(tx.host(), params.holder.as_ref())?,
        duration: checked_duration(params.lease_duration_ms)?,
        data: checked_data(tx, params.data.as_ref())?,
        once: params.once.unwrap_or(false),
    };
    reply(tx, &params.key, &request)
}

fn renew(tx: &mut Transaction<'_>, params: &LeaseRenewParams) -> Attempt<LeaseOutcome> {
    let request = Request::Renew {
        holder: holder(tx.host(), params.holder.as_ref())?.name,
        token: params.token,
        duration: checked_duration(params.lease_duration_ms)?,
        data: checked_data(tx, params.data.as_ref())?,
    };
    reply(tx, &params.key, &request)
}

fn release(tx: &mut Transaction<'_>, params: &LeaseReleaseParams) -> Attempt<LeaseOutcome> {
    let request = Request::Release {
        holder: holder(tx.host(), params.holder.as_ref())?.name,
        token: params.token,
    };
    reply(tx, &params.key, &request)
}

fn get(tx: &mut Transaction<'_>, params: &LeaseGetParams) -> Attempt<Option<LeaseView>> {
    let lease = find(tx, checked_key("key", &params.key)?)?;
    Ok(lease.map(|lease| LeaseView::new(lease, tx.now(), tx.host())))
}

async fn list(context: &Context, params: LeaseListParams) -> Result<LeasePage> {
    let call = context.call();
    let limit = page_limit(params.limit, DEFAULT_LEASES)? as usize;
    let prefix = params.prefix.map(Text::into_string).unwrap_or_default();
    let mut walk = Walk::new(prefix, params.cursor.map(Text::into_string));
    let mut page = LeasePage::default();
    let mut read = 0;
    while let Some((record, lease)) = walk.next(context).await? {
        read += 1;
        let view = LeaseView::new(lease, call.now, &*call.host);
        let selected = match params.state {
            Some(state) => view.state == state,
            None => view.state != State::Released,
        };
        if selected {
            page.items.push(view);
        }
        if page.items.len() == limit || read == MAX_READ {
            page.next_cursor = Some(record.key);
            break;
        }
    }
    Ok(page)
}

/// The lease of a session's runner, if the session is held.
///
/// # Errors
/// Those of the store.
pub(crate) fn runner(tx: &mut Transaction<'_>, id: &SessionId) -> Attempt<Option<Lease>> {
    let lease = find(tx, &Lease::session_key(id))?;
    Ok(lease.filter(|lease| lease.is_held(tx.now(), tx.host())))
}

/// The read of the lease of a session's runner.
pub fn runner_read(id: &SessionId) -> Read {
    read_of(&Lease::session_key(id))
}

/// The read of a lease.
pub fn read_of(key: &str) -> Read {
    Read::Record {
        kind: KIND.to_owned(),
        key: key.to_owned(),
    }
}

/// The lease of a key as the transaction sees it; `None` if there never was one.
///
/// # Errors
/// `STORE_MISBEHAVED` for a record that is no lease, and those of the store.
pub fn find(tx: &mut Transaction<'_>, key: &str) -> Attempt<Option<Lease>> {
    let record = tx.record(KIND, key)?;
    Ok(record.map(|record| Lease::read(&record)).transpose()?)
}

/// Writes a lease in place of the stored one.
///
/// # Errors
/// Those of the store.
pub fn put(tx: &mut Transaction<'_>, lease: &Lease) -> Attempt<()> {
    tx.put_record(lease.to_record(1))
}

/// Decides on a request and writes the resulting lease. Returns the outcome and the current lease.
///
/// # Errors
/// Those of the store.
pub fn ask(
    tx: &mut Transaction<'_>,
    key: &str,
    request: &Request,
) -> Attempt<(Outcome, Option<Lease>)> {
    let lease = find(tx, key)?;
    let liveness = lease.as_ref().map(|lease| lease.liveness(tx.host()));
    let liveness = liveness.unwrap_or(Liveness::Unknown);
    let Decision { outcome, write } =
        decision::decide(key, lease.as_ref(), request, tx.now(), liveness);
    // After a conflict the time of the call is not compared with what others have written meanwhile.
    let write = write.filter(|_| outcome != Outcome::Held || tx.conflicts() == 0);
    match write {
        None => Ok((outcome, lease)),
        Some(lease) => {
            put(tx, &lease)?;
            if outcome == Outcome::Held {
                // The request is refused, whether or not the expiry can be corrected.
                tx.allow_loss();
            }
            Ok((outcome, Some(lease)))
        }
    }
}

pub(super) fn reply(
    tx: &mut Transaction<'_>,
    key: &Text,
    request: &Request,
) -> Attempt<LeaseOutcome> {
    let (outcome, lease) = ask(tx, checked_key("key", key)?, request)?;
    Ok(LeaseOutcome {
        outcome,
        lease: lease.map(|lease| LeaseView::new(lease, tx.now(), tx.host())),
    })
}

fn checked_data(tx: &Transaction<'_>, data: Option<&Json>) -> Result<Option<Json>> {
    if let Some(data) = data {
        tx.limits().data(data)?;
    }
    Ok(data.cloned())
}

/// The holder of a name. It is the calling process without a name, and with the id of its session.
///
/// # Errors
/// `INVALID_ARGUMENT` if there is neither a name nor a process.
pub fn holder(host: &dyn Host, given: Option<&Text>) -> Result<Holder> {
    match (given, host.process()) {
        (None, Some(process)) => Ok(Holder::of(process)),
        (Some(name), Some(process)) if *name == process.session => Ok(Holder::of(process)),
        (Some(name), _) => Ok(Holder {
            name: checked_key("holder", name)?.to_owned(),
            process: None,
        }),
        (None, None) => Err(Error::invalid(
            "holder",
            "expected a name: there is no process here that could be the holder",
        )),
    }
}

/// Checks the size of a key or a holder's name; `what` is the parameter.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn checked_key<'t>(what: &str, text: &'t Text) -> Result<&'t str> {
    let length = text.as_str().len();
    if (1..=MAX_KEY_BYTES).contains(&length) {
        Ok(text.as_str())
    } else {
        let problem = format!("expected 1 to {MAX_KEY_BYTES} bytes, got {length}");
        Err(Error::invalid(what, problem))
    }
}

/// Checks that the duration of a lease is not 0.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn checked_duration(millis: Option<u64>) -> Result<Option<Millis>> {
    if millis == Some(0) {
        let problem = "expected a duration above 0";
        return Err(Error::invalid("leaseDurationMs", problem));
    }
    Ok(millis.map(Millis))
}
