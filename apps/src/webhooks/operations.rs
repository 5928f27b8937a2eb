//! The operations on endpoints. An endpoint and its route are written in one commit.

use tenure_core::audit::entry::Entry;
use tenure_core::error::{Error, Result};
use tenure_core::store::{Expect, Record, Scan};
use tenure_core::stored::delivery::{FAILED, KIND as DELIVERY, WAKE, WakeKey};
use tenure_core::stored::route::{self, Route, Routes};
use tenure_core::value::json::Object;
use tenure_core::value::limits::MAX_PAGE;
use tenure_core::value::properties::Patch;
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};
use tenure_core::work::webhook::WebhookEvent;

use crate::discard::discard;

use super::endpoint::{
    self, Endpoint, KIND, MAX_ENDPOINTS, Secret, checked_headers, checked_id, checked_timeout,
    checked_url,
};
use super::guard::{self, is_public};
use super::params::{
    WebhookAddParams, WebhookAdded, WebhookAddresses, WebhookAddressesParams, WebhookEndpoint,
    WebhookEndpoints, WebhookListParams, WebhookParams, WebhookRemoved, WebhookRotateParams,
    WebhookUpdateParams,
};
use super::signature::{checked_secret, new_id, new_secret};
use super::waiting;

/// How long a former secret is used by default.
const KEEP_SECRET: Millis = Millis(24 * 3_600_000);
/// The greatest number of names in a filter.
const MAX_NAMES: usize = 100;
/// What a list says of an endpoint whose record is damaged.
const DAMAGED: &str = "its record is damaged; remove it and add it again";
/// The deliveries that one commit drops. Their payloads are read.
const DROPPED: u32 = 20;

tenure_core::operations! {
    Group::Webhooks;
    /// Adds an endpoint: from now on, changes of sessions are delivered to it. Returns its secret, if it is
    /// new; it is not shown again.
    WEBHOOK_ADD = Write "webhookAdd" (WebhookAddParams) -> WebhookAdded, unit add,
        r#"{"id":"bot","url":"https://example.com/hooks?key=1","events":["complete","error"],"modes":["m"],
            "users":["u"],"headers":{"authorization":"Bearer x"},
            "secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","ordered":true,"timeoutMs":1000,
            "abandonedAsError":true,"replace":true}"#;
    /// Changes an endpoint. `null` if there is none.
    WEBHOOK_UPDATE = Write "webhookUpdate" (WebhookUpdateParams) -> Option<WebhookEndpoint>, unit update,
        r#"{"id":"bot","url":"https://example.com/","events":null,"modes":["m"],"users":["u"],"headers":{},
            "timeoutMs":1000,"enabled":true}"#;
    /// Replaces the secret of an endpoint. For a time, deliveries are signed by the former one, too. `null`
    /// if there is no such endpoint.
    WEBHOOK_ROTATE = Write "webhookRotate" (WebhookRotateParams) -> Option<WebhookAdded>, unit rotate,
        r#"{"id":"bot","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","keepFor":"24h"}"#;
    /// The endpoints, without their secrets, and what waits for them.
    WEBHOOK_LIST = Read "webhookList" (WebhookListParams) -> WebhookEndpoints, steps list,
        r#"{"id":"bot"}"#;
    /// Removes an endpoint, and drops what is queued for it or has failed at it.
    WEBHOOK_REMOVE = WriteMany "webhookRemove" (WebhookParams) -> WebhookRemoved, steps remove,
        r#"{"id":"bot"}"#;
    /// Which of these addresses a delivery may be posted to: those of the public internet. A deliverer calls
    /// it with those that the name of a host leads to.
    WEBHOOK_ADDRESSES = Read "webhookAddresses" (WebhookAddressesParams) -> WebhookAddresses,
        unit addresses,
        r#"{"addresses":["1.1.1.1","::1"]}"#;
}

/// The `kind` of the entry of the audit log for an endpoint that was added, and for what has become of it.
const ADDED: &str = "webhook.added";
const UPDATED: &str = "webhook.updated";
const ROTATED: &str = "webhook.rotated";
const REMOVED: &str = "webhook.removed";

fn add(tx: &mut Transaction<'_>, params: &WebhookAddParams) -> Attempt<WebhookAdded> {
    let id = match &params.id {
        Some(id) => checked_id(id.as_str())?.to_owned(),
        None => new_id(tx.entropy().bits())?,
    };
    let known = match params.replace {
        // Of a damaged one nothing is kept.
        Some(true) => endpoint::find_sound(tx, &id)?,
        _ => endpoint::find(tx, &id)?,
    };
    if known.is_some() && !params.replace.unwrap_or(false) {
        let problem = format!(
            "there is an endpoint {id:?} already: change it by `update`, or add it with `replace` (--replace)"
        );
        return Err(Error::invalid("id", problem).into());
    }
    let given = params
        .secret
        .as_ref()
        .map(|secret| checked_secret(secret.as_str()));
    let given = given.transpose()?.map(str::to_owned);
    // A secret that is given for an endpoint that exists is like a rotation.
    let (secrets, shown) = match (&known, given) {
        (Some(known), None) => (known.secrets.clone(), None),
        (Some(known), Some(given)) => (rotated(known, &given, KEEP_SECRET, tx.now()), None),
        (None, given) => {
            let text = match given {
                Some(given) => given,
                None => new_secret(tx.entropy().bits())?,
            };
            let secret = Secret {
                text: text.clone(),
                until: None,
            };
            (vec![secret], Some(text))
        }
    };
    let ordered = params.ordered.unwrap_or(true);
    let url = checked_url(params.url.as_str())?;
    // One that has answered 410 stays disabled, however often a program that adds it starts.
    let same = known.as_ref().filter(|known| known.url == url);
    let endpoint = Endpoint {
        url: url.to_owned(),
        headers: checked_headers(params.headers.as_ref())?,
        secrets,
        route: Route {
            endpoint: id.clone(),
            events: checked_events(params.events.as_ref())?,
            modes: checked_names(tx, "modes", params.modes.as_ref())?,
            users: checked_names(tx, "users", params.users.as_ref())?,
            ordered: known.as_ref().map_or(ordered, |known| known.route.ordered),
            abandoned_as_error: params.abandoned_as_error.unwrap_or(false),
            disabled: false,
        },
        timeout_ms: checked_timeout(params.timeout_ms)?,
        created_at: known.as_ref().map_or(tx.now(), |known| known.created_at),
        disabled_at: same.and_then(|same| same.disabled_at),
        disabled_because: same.and_then(|same| same.disabled_because.clone()),
        id,
    };
    // A program that adds its endpoint whenever it starts changes nothing.
    if known.as_ref() != Some(&endpoint) {
        write(tx, &endpoint)?;
        let kind = if known.is_some() { UPDATED } else { ADDED };
        enter(tx, kind, &endpoint.id, |_| {});
    }
    Ok(WebhookAdded {
        endpoint: WebhookEndpoint::from(&endpoint),
        secret: shown,
    })
}

fn update(
    tx: &mut Transaction<'_>,
    params: &WebhookUpdateParams,
) -> Attempt<Option<WebhookEndpoint>> {
    let Some(known) = endpoint::find(tx, params.id.as_str())? else {
        return Ok(None);
    };
    let mut endpoint = known.clone();
    if let Some(url) = &params.url {
        endpoint.url = checked_url(url.as_str())?.to_owned();
    }
    match &params.events {
        Patch::Keep => {}
        Patch::Clear => endpoint.route.events = None,
        Patch::Set(events) => endpoint.route.events = checked_events(Some(events))?,
    }
    let lists = [
        ("modes", &params.modes, &mut endpoint.route.modes),
        ("users", &params.users, &mut endpoint.route.users),
    ];
    for (what, patch, list) in lists {
        match patch {
            Patch::Keep => {}
            Patch::Clear => *list = None,
            Patch::Set(names) => *list = checked_names(tx, what, Some(names))?,
        }
    }
    if params.headers.is_some() {
        endpoint.headers = checked_headers(params.headers.as_ref())?;
    }
    if params.timeout_ms.is_some() {
        endpoint.timeout_ms = checked_timeout(params.timeout_ms)?;
    }
    match params.enabled {
        Some(true) => {
            endpoint.disabled_at = None;
            endpoint.disabled_because = None;
        }
        Some(false) if endpoint.is_enabled() => {
            endpoint.disabled_at = Some(tx.now());
            endpoint.disabled_because = Some("it was disabled".to_owned());
        }
        _ => {}
    }
    if endpoint != known {
        write(tx, &endpoint)?;
        enter(tx, UPDATED, &endpoint.id, |_| {});
    }
    Ok(Some(WebhookEndpoint::from(&endpoint)))
}

fn rotate(tx: &mut Transaction<'_>, params: &WebhookRotateParams) -> Attempt<Option<WebhookAdded>> {
    let Some(mut endpoint) = endpoint::find(tx, params.id.as_str())? else {
        return Ok(None);
    };
    let secret = match &params.secret {
        Some(secret) => checked_secret(secret.as_str())?.to_owned(),
        None => new_secret(tx.entropy().bits())?,
    };
    let keep_for = params.keep_for.unwrap_or(KEEP_SECRET);
    endpoint.secrets = rotated(&endpoint, &secret, keep_for, tx.now());
    write(tx, &endpoint)?;
    enter(tx, ROTATED, &endpoint.id, |_| {});
    Ok(Some(WebhookAdded {
        endpoint: WebhookEndpoint::from(&endpoint),
        secret: Some(secret),
    }))
}

/// The secrets of an endpoint after a new one is added. The newest of the former ones is used for a time.
fn rotated(endpoint: &Endpoint, secret: &str, keep_for: Millis, now: Timestamp) -> Vec<Secret> {
    let newest = Secret {
        text: secret.to_owned(),
        until: None,
    };
    let former = endpoint.secrets.iter().filter(|known| known.text != secret);
    let former = former.map(|known| Secret {
        text: known.text.clone(),
        until: Some(known.until.unwrap_or(now.plus(keep_for))),
    });
    let used = former.filter(|secret| secret.until.is_none_or(|until| now < until));
    std::iter::once(newest).chain(used).collect()
}

async fn list(context: &Context, params: WebhookListParams) -> Result<WebhookEndpoints> {
    let mut items = Vec::new();
    let mut endpoints = endpoint::all(context).await?;
    if let Some(id) = &params.id {
        endpoints.retain(|record| record.key == id.as_str());
    }
    for record in endpoints {
        let shown = match Endpoint::read_record(&record) {
            Ok(endpoint) => WebhookEndpoint::from(&endpoint),
            Err(_) => WebhookEndpoint {
                id: record.key,
                disabled_because: Some(DAMAGED.to_owned()),
                ..WebhookEndpoint::default()
            },
        };
        let first = records(context, WAKE, &shown.id, 1).await?.pop();
        let at = first.and_then(|wake| WakeKey::parse(&wake.key).map(|key| key.at));
        let at = at.and_then(|at| Timestamp::from_millis(i64::try_from(at).ok()?).ok());
        let waiting = waiting::count(context, &shown.id).await?;
        items.push(WebhookEndpoint {
            // The wake record of a lane may be there when its deliveries have ended.
            next_attempt_at: at.filter(|_| waiting.count > 0),
            waiting: Some(waiting.count),
            more_waiting: waiting.has_more.then_some(true),
            last_problem: waiting.problem,
            ..shown
        });
    }
    Ok(WebhookEndpoints { items })
}

async fn remove(context: &Context, params: WebhookParams) -> Result<WebhookRemoved> {
    let id = checked_id(params.id.as_str())?;
    // The endpoint goes last: a call that is interrupted leaves it, disabled, with what is left of its queue. Else an
    // endpoint that is added under the same id would get that.
    context
        .transact(|tx| {
            let endpoint = endpoint::find_sound(tx, id)?;
            if let Some(mut endpoint) = endpoint.filter(Endpoint::is_enabled) {
                endpoint.disabled_at = Some(tx.now());
                endpoint.disabled_because = Some("it is being removed".to_owned());
                write(tx, &endpoint)?;
            }
            Ok(())
        })
        .await?;
    let mut dropped = drop_queued(context, id).await?;
    let removed = context
        .transact(|tx| {
            let is_there = tx.record(KIND, id)?.is_some();
            if is_there {
                tx.remove_record(KIND, id)?;
                set_route(tx, id, None)?;
                enter(tx, REMOVED, id, |_| {});
            }
            Ok(is_there)
        })
        .await?;
    // It may have been enabled meanwhile.
    dropped += drop_queued(context, id).await?;
    Ok(WebhookRemoved { removed, dropped })
}

/// Drops everything that is queued for an endpoint, and what has failed. Returns how many deliveries waited.
async fn drop_queued(context: &Context, id: &str) -> Result<u64> {
    let mut dropped = 0;
    for kind in [DELIVERY, WAKE, FAILED] {
        let at_a_time = if kind == WAKE { MAX_PAGE } else { DROPPED };
        loop {
            let found = records(context, kind, id, at_a_time).await?;
            if found.is_empty() {
                break;
            }
            dropped += if kind == DELIVERY {
                found.len() as u64
            } else {
                0
            };
            let keys: Vec<String> = found.into_iter().map(|record| record.key).collect();
            discard(context, kind, &keys).await?;
        }
    }
    Ok(dropped)
}

fn addresses(
    _: &mut Transaction<'_>,
    params: &WebhookAddressesParams,
) -> Attempt<WebhookAddresses> {
    let is_allowed = |text: &&Text| {
        // An address of IPv6 may name an interface, which is of this machine's own networks.
        text.as_str().parse().is_ok_and(is_public)
    };
    Ok(WebhookAddresses {
        allowed: params
            .addresses
            .iter()
            .filter(is_allowed)
            .cloned()
            .collect(),
        problem: guard::REFUSED.into(),
    })
}

/// The first records of a kind that belong to an endpoint.
///
/// # Errors
/// Those of the store.
pub(super) async fn records(
    context: &Context,
    kind: &str,
    endpoint: &str,
    limit: u32,
) -> Result<Vec<Record>> {
    let prefix = format!("{endpoint}/");
    let scan = Scan {
        kind: kind.to_owned(),
        after: Some(prefix.clone()),
        limit,
    };
    let mut records = context.scan(&scan).await?;
    records.retain(|record| record.key.starts_with(&prefix));
    Ok(records)
}

/// Writes an endpoint and its route.
///
/// # Errors
/// `INVALID_ARGUMENT` for one endpoint too many, and those of the store.
pub(super) fn write(tx: &mut Transaction<'_>, endpoint: &Endpoint) -> Attempt<()> {
    tx.record(KIND, &endpoint.id)?;
    tx.put_record(endpoint.to_record())?;
    set_route(tx, &endpoint.id, Some(endpoint.route()))
}

/// Enters a change of an endpoint into the audit log. Its key has no random bits of the call: a secret may be made of
/// them.
pub(super) fn enter(
    tx: &mut Transaction<'_>,
    kind: &str,
    id: &str,
    describe: impl FnOnce(&mut Object<'_>),
) {
    let at = tx.now();
    let mut data = Entry::properties(kind, at, Some(id));
    describe(&mut data);
    let entry = Entry {
        at,
        data: data.to_json(),
    };
    tx.put_record_expecting(entry.to_record(), Expect::Any);
}

fn set_route(tx: &mut Transaction<'_>, id: &str, route: Option<Route>) -> Attempt<()> {
    let record = tx.record(route::KIND, route::KEY)?;
    let mut routes = Routes::read_record(record.as_ref())?;
    let before = routes.clone();
    routes.set(id, route);
    if routes.routes.len() > MAX_ENDPOINTS as usize {
        let problem = format!("a store has at most {MAX_ENDPOINTS} endpoints");
        return Err(Error::invalid("id", problem).into());
    }
    // Without routes there is no record, as changes expect it.
    match routes.routes.is_empty() {
        _ if routes == before => Ok(()),
        true => tx.remove_record(route::KIND, route::KEY),
        false => tx.put_record(routes.to_record()),
    }
}

fn checked_events(events: Option<&Vec<Text>>) -> Result<Option<Vec<String>>> {
    let Some(events) = events else {
        return Ok(None);
    };
    let known = WebhookEvent::ALL.map(WebhookEvent::as_str);
    let is_known = |event: &Text| known.contains(&event.as_str());
    if events.is_empty() || !events.iter().all(is_known) {
        let problem = format!("expected one or more of `{}`", known.join("`, `"));
        return Err(Error::invalid("events", problem));
    }
    Ok(Some(events.iter().map(Text::to_string).collect()))
}

fn checked_names(
    tx: &Transaction<'_>,
    what: &str,
    names: Option<&Vec<Text>>,
) -> Result<Option<Vec<String>>> {
    let Some(names) = names else {
        return Ok(None);
    };
    if names.is_empty() || names.len() > MAX_NAMES {
        return Err(Error::invalid(what, "expected 1 to 100 names"));
    }
    for name in names {
        tx.limits().label(what, Some(name))?;
    }
    Ok(Some(names.iter().map(Text::to_string).collect()))
}
