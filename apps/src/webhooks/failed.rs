//! Deliveries that have failed for good. They are kept for 30 days, and can be attempted again: each then
//! begins with its first attempt, under the id that it had. So does what waits, if it is to be attempted at once.

use tenure_core::error::{Error, Result};
use tenure_core::store::{Expect, Scan};
use tenure_core::stored::delivery::{Delivery, FAILED, WakeKey};
use tenure_core::value::limits::limit_of;
use tenure_core::value::text::Text;
use tenure_core::value::time::Timestamp;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;

use crate::discard::discard;

use super::endpoint::{self, Endpoint, checked_id};
use super::operations::records;
use super::params::{
    WebhookFailedParams, WebhookFailure, WebhookFailures, WebhookRedeliverParams,
    WebhookRedelivered,
};
use super::queue::DAMAGED;
use super::waiting::make_due;

const DEFAULT_FAILURES: u32 = 50;
/// The greatest page.
const MAX_FAILURES: u32 = 100;
/// The failures that one request reads, and that one commit moves.
const MOVED: u32 = 20;

tenure_core::operations! {
    Group::Webhooks;
    /// A page of the deliveries that have failed for good, by endpoint and then by time.
    WEBHOOK_FAILED = Read "webhookFailed" (WebhookFailedParams) -> WebhookFailures, steps failed,
        r#"{"endpoint":"bot","limit":2,"cursor":"bot/0"}"#;
    /// Attempts deliveries again that have failed for good, or drops them; or attempts at once what waits at an endpoint.
    WEBHOOK_REDELIVER = WriteMany "webhookRedeliver" (WebhookRedeliverParams) -> WebhookRedelivered,
        steps redeliver,
        r#"{"keys":["bot/1/s/1/m"],"endpoint":"bot","drop":false,"waiting":false}"#;
}

async fn failed(context: &Context, params: WebhookFailedParams) -> Result<WebhookFailures> {
    let limit = limit_of(params.limit, DEFAULT_FAILURES, MAX_FAILURES)?;
    let prefix = params.endpoint.as_ref().map(Text::as_str);
    let prefix = prefix
        .map(checked_id)
        .transpose()?
        .map(|id| format!("{id}/"));
    let prefix = prefix.unwrap_or_default();
    let after = params.cursor.map(Text::into_string);
    let after = after
        .filter(|after| *after >= prefix)
        .or(Some(prefix.clone()));
    let mut after = after.filter(|after| !after.is_empty());
    let mut page = WebhookFailures::default();
    loop {
        // Their payloads are read, too, so a page is read in parts.
        let missing = limit.saturating_sub(page.items.len() as u32);
        let scan = Scan {
            kind: FAILED.to_owned(),
            after: after.take(),
            limit: missing.min(MOVED),
        };
        let mut records = context.scan(&scan).await?;
        let is_full = records.len() == scan.limit as usize;
        records.retain(|record| record.key.starts_with(&prefix));
        let has_more = is_full && records.len() == scan.limit as usize;
        after = records.last().map(|record| record.key.clone());
        for record in records {
            let delivery = Delivery::read_record(&record).unwrap_or_else(|_| damaged(&record.key));
            page.items
                .push(WebhookFailure::of(&record.key, delivery, record.expires_at));
        }
        if !has_more {
            return Ok(page);
        }
        if page.items.len() == limit as usize {
            page.next_cursor = after;
            return Ok(page);
        }
    }
}

async fn redeliver(
    context: &Context,
    params: WebhookRedeliverParams,
) -> Result<WebhookRedelivered> {
    let drop = params.drop.unwrap_or(false);
    if !drop {
        let keys = params.keys.iter().flatten();
        let of_keys = keys.filter_map(|key| key.as_str().split('/').next());
        let given = params.endpoint.as_ref().map(Text::as_str);
        expect_enabled(context, of_keys.chain(given).collect()).await?;
    }
    let mut moved = WebhookRedelivered::default();
    match (params.keys, params.endpoint) {
        (None, Some(endpoint)) if params.waiting == Some(true) && !drop => {
            moved.deliveries = make_due(context, checked_id(endpoint.as_str())?).await?;
        }
        _ if params.waiting == Some(true) => {
            let problem = "expected an `endpoint`, and neither `keys` nor `drop`";
            return Err(Error::invalid("waiting", problem));
        }
        (Some(keys), endpoint) => {
            let prefix = endpoint.map(|id| format!("{id}/")).unwrap_or_default();
            let keys = keys.into_iter().map(Text::into_string);
            let keys: Vec<String> = keys.filter(|key| key.starts_with(&prefix)).collect();
            for keys in keys.chunks(MOVED as usize) {
                moved.deliveries += move_all(context, keys, drop).await?;
            }
        }
        (None, Some(endpoint)) => {
            let id = checked_id(endpoint.as_str())?;
            loop {
                let found = records(context, FAILED, id, MOVED).await?;
                let keys: Vec<String> = found.into_iter().map(|record| record.key).collect();
                if keys.is_empty() {
                    break;
                }
                moved.deliveries += move_all(context, &keys, drop).await?;
            }
        }
        (None, None) => return Err(Error::invalid("keys", "expected `keys` or an `endpoint`")),
    }
    Ok(moved)
}

/// Refuses endpoints that are disabled: what is queued for one waits without a word.
async fn expect_enabled(context: &Context, ids: Vec<&str>) -> Result<()> {
    let endpoints = endpoint::all(context).await?;
    let of_these = endpoints
        .iter()
        .filter(|record| ids.contains(&record.key.as_str()));
    let mut sound = of_these.filter_map(|record| Endpoint::read_record(record).ok());
    match sound.find(|endpoint| !endpoint.is_enabled()) {
        None => Ok(()),
        Some(Endpoint { id, .. }) => Err(Error::invalid(
            "endpoint",
            format!(
                "{id} is disabled, and nothing is posted to it: enable it first, by `tenure webhooks update {id} --enable` or \
                 `webhooks.update(\"{id}\", {{ enabled: true }})`"
            ),
        )),
    }
}

/// Moves failures back to what is to be delivered, or drops them. Returns how many there were.
async fn move_all(context: &Context, keys: &[String], drop: bool) -> Result<u64> {
    context
        .transact(|tx| {
            let mut moved = 0;
            for key in keys {
                let Some(record) = tx.record(FAILED, key)? else {
                    continue;
                };
                tx.remove_record(FAILED, key)?;
                let delivery = Delivery::read_record(&record).ok();
                // Without a payload, of one that is damaged, or its endpoint there is nothing to attempt.
                let delivery = delivery.filter(|delivery| !delivery.payload.is_empty());
                moved += u64::from(drop || delivery.is_some());
                let Some(delivery) = delivery.filter(|_| !drop) else {
                    continue;
                };
                if tx.record(endpoint::KIND, &delivery.endpoint)?.is_none() {
                    continue;
                }
                let again = Delivery {
                    attempts: 0,
                    wake: None,
                    claim: None,
                    ..delivery
                };
                tx.put_record_expecting(again.wake_record(tx.now()), Expect::Any);
                tx.put_record_expecting(again.to_record(), Expect::Any);
            }
            Ok(moved)
        })
        .await
}

/// What is known of a failure that cannot be read, by the key of its record.
fn damaged(key: &str) -> Delivery {
    let (endpoint, session, at) = match WakeKey::parse(key) {
        Some(key) => (key.endpoint, key.session, i64::try_from(key.at).ok()),
        None => ("", "", None),
    };
    Delivery {
        endpoint: endpoint.to_owned(),
        session: session.to_owned(),
        failed_at: at.and_then(|at| Timestamp::from_millis(at).ok()),
        problem: Some(DAMAGED.to_owned()),
        ..Delivery::default()
    }
}

/// Removes the failures that have expired. Returns how many.
///
/// # Errors
/// Those of the store.
pub async fn remove_expired(context: &Context, dry_run: bool) -> Result<u64> {
    let now = context.call().now;
    let mut removed = 0;
    let mut after = None;
    loop {
        let scan = Scan {
            kind: FAILED.to_owned(),
            after: after.take(),
            limit: MOVED,
        };
        let records = context.scan(&scan).await?;
        let has_more = records.len() == MOVED as usize;
        after = records.last().map(|record| record.key.clone());
        let is_expired = |end: Option<_>| end.is_some_and(|end| end <= now);
        let expired = records
            .into_iter()
            .filter(|record| is_expired(record.expires_at));
        let keys: Vec<String> = expired.map(|record| record.key).collect();
        removed += keys.len() as u64;
        if !dry_run && !keys.is_empty() {
            discard(context, FAILED, &keys).await?;
        }
        if !has_more {
            return Ok(removed);
        }
    }
}
