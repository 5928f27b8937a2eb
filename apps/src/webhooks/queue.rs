//! Claiming deliveries and settling them. A claim is a lease: it ends by itself some time after the attempt
//! must have ended, and the delivery is claimed again, under the same id. So a delivery may arrive twice, and
//! never under two ids.
//!
//! What holds between any two commits: each enabled lane of deliveries (a session at an ordered endpoint, or
//! one delivery at another) has a wake record at the latest at the time at which its first delivery may be
//! claimed. A commit that adds a delivery adds a wake record; a claim replaces one by one at its end; settling
//! replaces that by one at the next attempt or, for the rest of the lane, by one at once. A wake record that
//! leads to a delivery with another one is removed, so that a lane that waits costs nothing.

use tenure_core::error::{Error, Result};
use tenure_core::store::{Expect, Read, Scan};
use tenure_core::stored::delivery::{Delivery, KIND, WAKE, WakeKey};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::limits::limit_of;
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};

use super::endpoint::{self, Endpoint};
use super::operations::{enter, records, write};
use super::params::{
    WebhookClaim, WebhookClaimParams, WebhookClaims, WebhookHeader, WebhookParams, WebhookResult,
    WebhookSettleParams, WebhookSettled,
};
use super::reason::{has_arrived, reason};
use super::schedule;
use super::signature::{seconds, signatures};

/// The greatest number of deliveries that one call claims or settles.
pub const MAX_CLAIMS: u32 = 64;
/// How much longer a claim lasts than its attempt may take. It covers the time of the claim itself, of
/// settling, and what the clocks of two machines differ by.
const MARGIN: Millis = Millis(30_000);
/// How far in the future a delivery may have to wait: until the last attempt, with its jitter. What is due later than
/// that was written by a clock that was ahead, and counts as due.
const FARTHEST: Millis = Millis(30 * 3_600_000);
/// The wake records of an endpoint that one call reads: each may have to be removed before a delivery is
/// found that can be claimed.
const WAKES: u32 = 128;
/// How long a delivery that has failed for good is kept.
const KEEP_FAILED: Millis = Millis(30 * 24 * 3_600_000);
/// What the list of failures says of a delivery that cannot be read.
pub(super) const DAMAGED: &str = "its record is damaged, and there is nothing to post";
/// The status of an endpoint that is gone.
const GONE: u32 = 410;

/// The `kind` of the entry of the audit log for an endpoint that was disabled.
pub const DISABLED: &str = "webhook.disabled";

/// What programs that receive deliveries see as their sender.
const USER_AGENT: &str = concat!("tenure/", env!("CARGO_PKG_VERSION"));

tenure_core::operations! {
    Group::Webhooks;
    /// Claims deliveries that are due, and returns them signed. No other caller gets them until their
    /// timeouts have passed, and half a minute more.
    WEBHOOK_CLAIM = Write "webhookClaim" (WebhookClaimParams) -> WebhookClaims, steps claim,
        r#"{"limit":8,"maxBytes":1000,"endpoint":"bot","skip":["other"],"silent":["bot"]}"#;
    /// Settles claimed deliveries: those with a status of 200 to 299 are done, others are attempted again
    /// later, and those without a further attempt have failed for good. An endpoint that has answered 410 is
    /// disabled.
    WEBHOOK_SETTLE = Write "webhookSettle" (WebhookSettleParams) -> WebhookSettled, unit settle,
        r#"{"results":[{"key":"bot/s/1/m","claim":"c","status":503,"retryAfter":"30","answer":"a","problem":"p"}]}"#;
    /// A signed example for an endpoint, to be posted by its caller. `null` if there is no such endpoint. It has the
    /// endpoint's headers and all of its URL, so a read-only server refuses it.
    WEBHOOK_SAMPLE = Write "webhookSample" (WebhookParams) -> Option<WebhookClaim>, unit sample,
        r#"{"id":"bot"}"#;
}

async fn claim(context: &Context, params: WebhookClaimParams) -> Result<WebhookClaims> {
    let limit = limit_of(Some(params.limit), 1, MAX_CLAIMS)? as usize;
    let now = context.call().now;
    let mut claims = WebhookClaims::default();
    let mut bytes = 0;
    let among = |list: &Option<Vec<Text>>, id: &str| {
        list.as_ref()
            .is_some_and(|list| list.iter().any(|known| known.as_str() == id))
    };
    let is_wanted = |endpoint: &Endpoint| {
        let one = params.endpoint.as_ref().map(Text::as_str);
        endpoint.is_enabled()
            && one.is_none_or(|one| one == endpoint.id)
            && !among(&params.skip, &endpoint.id)
    };
    let endpoints = endpoint::all(context).await?;
    // A damaged one stops itself alone.
    let endpoints = endpoints
        .iter()
        .filter_map(|record| Endpoint::read_record(record).ok());
    let mut endpoints: Vec<Endpoint> = endpoints.filter(is_wanted).collect();
    if !endpoints.is_empty() {
        // None comes first each time.
        let random = u128::from_le_bytes(context.call().entropy.bits());
        let first = (random % endpoints.len() as u128) as usize;
        endpoints.rotate_left(first);
    }
    let share = limit.div_ceil(endpoints.len().max(1));
    let is_silent = |endpoint: &&Endpoint| among(&params.silent, &endpoint.id);
    let others = endpoints.iter().filter(|endpoint| !is_silent(endpoint));
    let others = others.map(|endpoint| (endpoint, share));
    let silent = endpoints
        .iter()
        .filter(is_silent)
        .map(|endpoint| (endpoint, 1));
    for (endpoint, share) in others.chain(silent) {
        let mut claimed = 0;
        let wakes = records(context, WAKE, &endpoint.id, WAKES).await?;
        let is_full = wakes.len() == WAKES as usize;
        let mut has_passed_all = true;
        for wake in wakes {
            let Some(key) = WakeKey::parse(&wake.key) else {
                // Nobody writes such a key; it would be in the way for ever.
                discard(context, &wake.key).await?;
                continue;
            };
            let left = key
                .at
                .saturating_sub(u64::try_from(now.as_millis()).unwrap_or_default());
            if left > 0 && left <= FARTHEST.0 {
                claims.next_in_ms = Some(claims.next_in_ms.map_or(left, |next| next.min(left)));
                has_passed_all = false;
                break;
            }
            let is_out_of_room = claims.claims.len() == limit || bytes >= params.max_bytes;
            if claimed == share || is_out_of_room {
                claims.more = true;
                has_passed_all = false;
                break;
            }
            let Some(first) = first_of(context, endpoint, &key).await? else {
                discard(context, &wake.key).await?;
                continue;
            };
            let number = claims.claims.len();
            let delivery = context
                .transact(|tx| claim_one(tx, &wake.key, &first, endpoint, number))
                .await?;
            if let Some(delivery) = delivery {
                bytes += delivery.payload.len() as u64;
                claimed += 1;
                claims.claims.push(posted(endpoint, &delivery, now)?);
            }
        }
        claims.more |= is_full && has_passed_all;
    }
    Ok(claims)
}

/// Removes a wake record that leads to nothing.
async fn discard(context: &Context, wake: &str) -> Result<()> {
    context
        .transact(|tx| {
            if tx.record(WAKE, wake)?.is_some() {
                tx.remove_record(WAKE, wake)?;
            }
            Ok(())
        })
        .await
}

/// The key of the first delivery in the lane of a wake record; `None` if the lane is empty.
async fn first_of(
    context: &Context,
    endpoint: &Endpoint,
    key: &WakeKey<'_>,
) -> Result<Option<String>> {
    if !endpoint.route.ordered {
        return Ok(Some(key.delivery()));
    }
    let scan = Scan {
        kind: KIND.to_owned(),
        after: Some(key.lane()),
        limit: 1,
    };
    let first = context.scan(&scan).await?.pop();
    let key_of = first.map(|record| record.key);
    Ok(key_of.filter(|first| first.starts_with(&key.lane())))
}

/// Claims the delivery that a wake record leads to, if it is still there and nobody else has it.
fn claim_one(
    tx: &mut Transaction<'_>,
    wake: &str,
    first: &str,
    endpoint: &Endpoint,
    number: usize,
) -> Attempt<Option<Delivery>> {
    tx.read_all([Read::record(WAKE, wake), Read::record(KIND, first)])?;
    if tx.record(WAKE, wake)?.is_none() {
        return Ok(None);
    }
    let Some(record) = tx.record(KIND, first)? else {
        // Of an ordered lane another delivery may be the first now: its turn comes with the next claim.
        if !endpoint.route.ordered {
            tx.remove_record(WAKE, wake)?;
        }
        return Ok(None);
    };
    tx.remove_record(WAKE, wake)?;
    let Ok(delivery) = Delivery::read_record(&record) else {
        return set_aside(tx, first, endpoint).map(|()| None);
    };
    if let Some(own) = delivery.wake.as_deref().filter(|own| *own != wake) {
        let at = WakeKey::parse(own).and_then(|key| i64::try_from(key.at).ok());
        let at = at.and_then(|at| Timestamp::from_millis(at).ok());
        let at = at.filter(|at| *at <= tx.now().plus(FARTHEST));
        if tx.record(WAKE, own)?.is_some() {
            if at.is_some() {
                // Who settles the first delivery leaves a wake record for the rest.
                return Ok(None);
            }
            tx.remove_record(WAKE, own)?;
        }
        // While an older delivery was the first, such as one that is attempted again by hand, its own wake
        // record was in the way. It is claimed no sooner for that.
        if let Some(at) = at.filter(|at| *at > tx.now()) {
            tx.put_record_expecting(delivery.wake_record(at), Expect::Any);
            return Ok(None);
        }
    }
    let until = tx.now().plus(Millis(endpoint.timeout_ms)).plus(MARGIN);
    let mut seed = tx.entropy().bits().to_vec();
    seed.extend((number as u64).to_le_bytes());
    let claimed = Delivery {
        wake: Some(delivery.wake_key(until)),
        claim: Some(Fingerprint::of("claim", seed).text()),
        ..delivery
    };
    tx.put_record_expecting(claimed.wake_record(until), Expect::Any);
    tx.put_record(claimed.to_record())?;
    Ok(Some(claimed))
}

/// Moves a delivery that cannot be read to those that have failed for good: it would hold back the others of its lane.
fn set_aside(tx: &mut Transaction<'_>, key: &str, endpoint: &Endpoint) -> Attempt<()> {
    let mut parts = key.splitn(4, '/').skip(1).map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let now = tx.now();
    let failed = Delivery {
        endpoint: endpoint.id.clone(),
        session: next(),
        place: next(),
        message: next(),
        failed_at: Some(now),
        problem: Some(DAMAGED.to_owned()),
        ..Delivery::default()
    };
    tx.remove_record(KIND, key)?;
    let record = failed.to_failed_record(now, now.plus(KEEP_FAILED));
    tx.put_record_expecting(record, Expect::Any);
    tx.put_record_expecting(failed.lane_wake_record(now), Expect::Any);
    Ok(())
}

/// What is posted of a delivery.
fn posted(endpoint: &Endpoint, delivery: &Delivery, now: Timestamp) -> Result<WebhookClaim> {
    let seconds = seconds(now);
    let secrets = endpoint.secrets_at(now);
    let signature = signatures(secrets, &delivery.message, seconds, &delivery.payload)?;
    let own = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
        ("webhook-id", delivery.message.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    // An endpoint may have a `user-agent` of its own.
    let is_given = |name: &str| endpoint.headers.iter().any(|given| given.0 == name);
    let own = own.iter().filter(|own| !is_given(own.0));
    let own = own.map(|own| header(own.0, &own.1));
    let given = endpoint
        .headers
        .iter()
        .map(|given| header(&given.0, &given.1));
    Ok(WebhookClaim {
        key: delivery.key().into(),
        claim: delivery.claim.clone().unwrap_or_default().into(),
        endpoint: endpoint.id.as_str().into(),
        url: endpoint.url.as_str().into(),
        headers: own.chain(given).collect(),
        body: delivery.payload.as_str().into(),
        timeout_ms: endpoint.timeout_ms,
    })
}

fn header(name: &str, value: &str) -> WebhookHeader {
    WebhookHeader {
        name: name.into(),
        value: value.into(),
    }
}

fn settle(tx: &mut Transaction<'_>, params: &WebhookSettleParams) -> Attempt<WebhookSettled> {
    if params.results.len() > MAX_CLAIMS as usize {
        return Err(Error::invalid("results", "expected at most 64").into());
    }
    let keys = params.results.iter().map(|result| result.key.as_str());
    tx.read_all(keys.map(|key| Read::record(KIND, key)))?;
    let mut found = Vec::new();
    for (number, result) in params.results.iter().enumerate() {
        // One that was damaged meanwhile is set aside when it is claimed the next time.
        if let Some(record) = tx.record(KIND, result.key.as_str())?
            && let Ok(delivery) = Delivery::read_record(&record)
        {
            found.push((number, result, delivery));
        }
    }
    let wakes = found
        .iter()
        .filter_map(|(_, _, delivery)| delivery.wake.as_deref());
    let wakes: Vec<Read> = wakes.map(|wake| Read::record(WAKE, wake)).collect();
    let endpoints = found.iter().map(|(_, _, delivery)| &*delivery.endpoint);
    let endpoints = endpoints.map(|id| Read::record(endpoint::KIND, id));
    tx.read_all(wakes.into_iter().chain(endpoints.collect::<Vec<_>>()))?;
    let mut settled = WebhookSettled::default();
    for (number, result, delivery) in found {
        settle_one(tx, number, result, delivery, &mut settled)?;
    }
    Ok(settled)
}

fn settle_one(
    tx: &mut Transaction<'_>,
    number: usize,
    result: &WebhookResult,
    delivery: Delivery,
    settled: &mut WebhookSettled,
) -> Attempt<()> {
    let has_arrived = has_arrived(result.status);
    // What has arrived is done, whichever deliverer has claimed it since.
    if !has_arrived && delivery.claim.as_deref() != Some(result.claim.as_str()) {
        return Ok(());
    }
    if let Some(wake) = &delivery.wake
        && tx.record(WAKE, wake)?.is_some()
    {
        tx.remove_record(WAKE, wake)?;
    }
    let now = tx.now();
    if has_arrived {
        settled.delivered += 1;
        return end(tx, &delivery);
    }
    let failed = Delivery {
        attempts: delivery.attempts.saturating_add(1),
        claim: None,
        failed_at: Some(now),
        status: result.status,
        problem: result.reason(),
        ..delivery
    };
    let is_gone = result.status == Some(GONE);
    if is_gone && disable(tx, &failed.endpoint)? {
        settled.disabled.push(failed.endpoint.clone());
    }
    let random = {
        let mut seed = tx.entropy().bits().to_vec();
        seed.extend((number as u64).to_le_bytes());
        Fingerprint::of("delay", seed).bits() as u64
    };
    let asked = result.retry_after.as_ref();
    let asked = asked.and_then(|header| schedule::retry_after(header.as_str(), now));
    match schedule::delay(failed.attempts, asked, random).filter(|_| !is_gone) {
        Some(delay) => {
            settled.retried += 1;
            let at = now.plus(delay);
            let waiting = Delivery {
                wake: Some(failed.wake_key(at)),
                ..failed
            };
            tx.put_record_expecting(waiting.wake_record(at), Expect::Any);
            tx.put_record(waiting.to_record())
        }
        None => {
            settled.failed += 1;
            let failed = Delivery {
                wake: None,
                ..failed
            };
            let record = failed.to_failed_record(now, now.plus(KEEP_FAILED));
            tx.put_record_expecting(record, Expect::Any);
            end(tx, &failed)
        }
    }
}

/// Removes a delivery, and wakes the rest of its lane.
fn end(tx: &mut Transaction<'_>, delivery: &Delivery) -> Attempt<()> {
    tx.remove_record(KIND, &delivery.key())?;
    // Of a damaged endpoint it is not known, and a wake record too many is removed.
    let endpoint = tx.record(endpoint::KIND, &delivery.endpoint)?;
    let is_ordered =
        |record| Endpoint::read_record(&record).map_or(true, |endpoint| endpoint.route.ordered);
    if endpoint.is_some_and(is_ordered) {
        tx.put_record_expecting(delivery.lane_wake_record(tx.now()), Expect::Any);
    }
    Ok(())
}

/// Disables an endpoint. Returns whether it was enabled.
fn disable(tx: &mut Transaction<'_>, id: &str) -> Attempt<bool> {
    let Some(endpoint) = endpoint::find_sound(tx, id)?.filter(Endpoint::is_enabled) else {
        return Ok(false);
    };
    let now = tx.now();
    let disabled = Endpoint {
        disabled_at: Some(now),
        disabled_because: Some("it has answered 410 Gone".to_owned()),
        ..endpoint
    };
    write(tx, &disabled)?;
    enter(tx, DISABLED, id, |data| {
        data.set("status", &GONE);
    });
    Ok(true)
}

impl WebhookResult {
    /// Why the attempt has failed; `None` if it has arrived.
    pub(super) fn reason(&self) -> Option<String> {
        reason(self.status, self.answer.as_ref(), self.problem.as_ref())
    }
}

fn sample(tx: &mut Transaction<'_>, params: &WebhookParams) -> Attempt<Option<WebhookClaim>> {
    const SAMPLE: &str = "sample";
    let Some(endpoint) = endpoint::find(tx, params.id.as_str())? else {
        return Ok(None);
    };
    let now = tx.now();
    let message = Fingerprint::of(SAMPLE, tx.entropy().bits()).text();
    let delivery = Delivery {
        endpoint: endpoint.id.clone(),
        session: SAMPLE.to_owned(),
        place: Delivery::place(now, 0, 0),
        message: format!("msg_{message}"),
        event: SAMPLE.to_owned(),
        created_at: now,
        // It has the form of a change, and an event that no change has.
        payload: format!(
            r#"{{"event":"test","session":{{"id":"{SAMPLE}","mode":"test","status":"active","task":"Test the endpoint"}},"timestamp":"{now}","data":{{}}}}"#
        ),
        ..Delivery::default()
    };
    Ok(Some(posted(&endpoint, &delivery, now)?))
}
