//! The parameters and replies of the operations on webhooks.

use serde::Serialize;
use tenure_core::Json;
use tenure_core::declare_params;
use tenure_core::stored::delivery::Delivery;
use tenure_core::value::address::shown;
use tenure_core::value::properties::Patch;
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};

use super::endpoint::Endpoint;

declare_params! {
    /// An endpoint to add.
    pub struct WebhookAddParams {
        /// Its id: 1 to 64 letters, digits, `.`, `_` or `-`. By default one is made.
        pub id: Option<Text>,
        /// The URL that deliveries are posted to, `https:` or `http:`.
        pub url: Text,
        /// Only these events: `"start"`, `"pause"`, `"resume"`, `"complete"`, `"error"`, `"timeout"` or
        /// `"abandoned"`. By default all.
        pub events: Option<Vec<Text>>,
        /// Only sessions of these modes; by default all.
        pub modes: Option<Vec<Text>>,
        /// Only sessions of these users; by default all.
        pub users: Option<Vec<Text>>,
        /// Additional headers: an object of names and values. No list shows their values.
        pub headers: Option<Json>,
        /// The secret that signs deliveries: `whsec_` and 24 to 64 bytes in base64. By default one is
        /// made, and returned.
        pub secret: Option<Text>,
        /// Deliver the changes of a session in order, the next one when the one before has arrived or has
        /// failed for good; `true` by default. It cannot be changed later.
        pub ordered: Option<bool>,
        /// The timeout of an attempt, in milliseconds: 1 to 60,000; 10,000 by default.
        pub timeout_ms: Option<u64>,
        /// Deliver the event `abandoned` as an `error` with the reason `"abandoned"`; `false` by default.
        pub abandoned_as_error: Option<bool>,
        /// Change the endpoint if there is one with this id, instead of failing; `false` by default. Its
        /// secret stays as it is, unless a `secret` is given, and so does its order. If it is disabled, it stays so,
        /// unless its URL changes.
        pub replace: Option<bool>,
    }

    /// What to change of an endpoint. What is left out stays as it is.
    pub struct WebhookUpdateParams {
        /// Its id.
        pub id: Text,
        /// Its new URL.
        pub url: Option<Text>,
        /// Its events; `null` for all.
        #[cfg_attr(feature = "ts", ts(optional, as = "Option<Option<Vec<Text>>>"))]
        pub events: Patch<Vec<Text>>,
        /// Its modes; `null` for all.
        #[cfg_attr(feature = "ts", ts(optional, as = "Option<Option<Vec<Text>>>"))]
        pub modes: Patch<Vec<Text>>,
        /// Its users; `null` for all.
        #[cfg_attr(feature = "ts", ts(optional, as = "Option<Option<Vec<Text>>>"))]
        pub users: Patch<Vec<Text>>,
        /// Its additional headers, in place of all of them.
        pub headers: Option<Json>,
        /// The timeout of an attempt, in milliseconds.
        pub timeout_ms: Option<u64>,
        /// Enable it, or disable it. What is queued for a disabled endpoint waits; further changes are not
        /// queued.
        pub enabled: Option<bool>,
    }

    /// An endpoint.
    #[derive(Serialize)]
    pub struct WebhookParams {
        /// Its id.
        pub id: Text,
    }

    /// An endpoint whose secret is replaced.
    pub struct WebhookRotateParams {
        /// Its id.
        pub id: Text,
        /// The new secret; by default one is made, and returned.
        pub secret: Option<Text>,
        /// How long deliveries are signed by the former secret, too: milliseconds or text such as
        /// `"24h"`; `"24h"` by default.
        pub keep_for: Option<Millis>,
    }

    /// Which endpoints to list.
    pub struct WebhookListParams {
        /// Only the endpoint of this id; by default all.
        pub id: Option<Text>,
    }

    /// What to claim.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct WebhookClaimParams {
        /// The greatest number of deliveries: 1 to 64.
        pub limit: u32,
        /// Claim no further delivery once the payloads of those that are claimed have this many bytes.
        pub max_bytes: u64,
        /// Only deliveries to this endpoint; by default to all.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub endpoint: Option<Text>,
        /// No deliveries to these endpoints: their share is in flight.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub skip: Option<Vec<Text>>,
        /// One delivery to each of these endpoints, at most: they did not answer the last time.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub silent: Option<Vec<Text>>,
    }

    /// How claimed deliveries have ended.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct WebhookSettleParams {
        /// One for each delivery; at most 64.
        pub results: Vec<WebhookResult>,
    }

    /// How one claimed delivery has ended: with a status, or a problem.
    #[derive(Serialize, PartialEq, Eq)]
    #[serde(rename_all = "camelCase")]
    pub struct WebhookResult {
        /// The `key` of the claim.
        pub key: Text,
        /// The `claim` of the claim.
        pub claim: Text,
        /// The status of the response.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub status: Option<u32>,
        /// The header `retry-after` of the response.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub retry_after: Option<Text>,
        /// The beginning of the response's body, if it was no delivery.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub answer: Option<Text>,
        /// Why there was no response.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub problem: Option<Text>,
    }

    /// Which failed deliveries to list.
    pub struct WebhookFailedParams {
        /// Only deliveries to this endpoint; by default to all.
        pub endpoint: Option<Text>,
        /// The greatest number in the page: 1 to 100, 50 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous page.
        pub cursor: Option<Text>,
    }

    /// Which failed deliveries to attempt again, or to drop: those of the keys, or all of an endpoint. With `waiting`, which to attempt at
    /// once. Without `drop`, a disabled endpoint is refused.
    pub struct WebhookRedeliverParams {
        /// The `key` of each delivery.
        pub keys: Option<Vec<Text>>,
        /// Only those that have failed at this endpoint; without `keys` all of them.
        pub endpoint: Option<Text>,
        /// Drop them, and do not attempt them again; `false` by default.
        pub drop: Option<bool>,
        /// Instead of what has failed for good, attempt at once what waits at the `endpoint` for its next attempt, beginning
        /// with the first attempt again; `false` by default.
        pub waiting: Option<bool>,
    }

    /// Addresses to which the name of a host leads.
    pub struct WebhookAddressesParams {
        /// The addresses.
        pub addresses: Vec<Text>,
    }
}

tenure_core::nested_properties!(WebhookResult);

/// An endpoint, without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: String,
    /// Its URL, without a query.
    pub url: String,
    /// Its events; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Its modes; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modes: Option<Vec<String>>,
    /// Its users; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// The names of its additional headers.
    pub headers: Vec<String>,
    /// Whether the deliveries of a session are in order.
    pub ordered: bool,
    /// The timeout of an attempt, in milliseconds.
    pub timeout_ms: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was disabled; absent if it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// Why it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    /// When the oldest delivery that waits may be attempted next; absent if none waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// In a list, the number of deliveries that have not arrived yet, up to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u32>,
    /// `true` if there are more than 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_waiting: Option<bool>,
    /// In a list, why the last attempt of what waits has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_problem: Option<String>,
}

impl From<&Endpoint> for WebhookEndpoint {
    fn from(endpoint: &Endpoint) -> Self {
        let route = &endpoint.route;
        let names = endpoint.headers.iter().map(|(name, _)| name.clone());
        Self {
            id: endpoint.id.clone(),
            url: shown(&endpoint.url),
            events: route.events.clone(),
            modes: route.modes.clone(),
            users: route.users.clone(),
            headers: names.collect(),
            ordered: route.ordered,
            timeout_ms: endpoint.timeout_ms,
            created_at: endpoint.created_at,
            disabled_at: endpoint.disabled_at,
            disabled_because: endpoint.disabled_because.clone(),
            next_attempt_at: None,
            waiting: None,
            more_waiting: None,
            last_problem: None,
        }
    }
}

/// An endpoint that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
pub struct WebhookAdded {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// Its secret, if it is new. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The endpoints of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookEndpoints {
    /// All of them, in the order of their ids.
    pub items: Vec<WebhookEndpoint>,
}

/// An endpoint that was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookRemoved {
    /// Whether there was one.
    pub removed: bool,
    /// The number of deliveries to it that were dropped.
    pub dropped: u64,
}

/// A header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookHeader {
    /// Its name, in lower case.
    pub name: Text,
    /// Its value.
    pub value: Text,
}

/// A delivery that was claimed, ready to be posted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WebhookClaim {
    /// The key of the delivery.
    pub key: Text,
    /// The claim, with which it is settled.
    pub claim: Text,
    /// The id of the endpoint.
    pub endpoint: Text,
    /// The URL to post to.
    pub url: Text,
    /// The headers, with the signatures.
    pub headers: Vec<WebhookHeader>,
    /// The text to post.
    pub body: Text,
    /// The timeout of the attempt, in milliseconds.
    pub timeout_ms: u64,
}

/// The deliveries that were claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WebhookClaims {
    /// They are the caller's until their timeouts have passed, and half a minute more.
    pub claims: Vec<WebhookClaim>,
    /// Whether there may be more now.
    pub more: bool,
    /// The time until the next delivery may be claimed, in milliseconds; absent if none waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_in_ms: Option<u64>,
}

/// What has become of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookSettled {
    /// The number that have arrived.
    pub delivered: u64,
    /// The number that are attempted again.
    pub retried: u64,
    /// The number that have failed for good.
    pub failed: u64,
    /// The endpoints that were disabled, because they have answered 410.
    pub disabled: Vec<String>,
}

/// A delivery that has failed for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WebhookFailure {
    /// Its key.
    pub key: String,
    /// The id of the message.
    pub message: String,
    /// The id of the endpoint.
    pub endpoint: String,
    /// The id of the session.
    pub session: String,
    /// The event.
    pub event: String,
    /// When the change was made.
    pub created_at: Timestamp,
    /// When the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// How many attempts there were.
    pub attempts: u32,
    /// The status of the last response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// Why the last attempt failed: the status with the beginning of the answer, or why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When it is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Timestamp>,
}

impl WebhookFailure {
    /// A delivery that has failed, of the record with this key.
    pub fn of(key: &str, delivery: Delivery, kept_until: Option<Timestamp>) -> Self {
        Self {
            key: key.to_owned(),
            message: delivery.message,
            endpoint: delivery.endpoint,
            session: delivery.session,
            event: delivery.event,
            created_at: delivery.created_at,
            failed_at: delivery.failed_at,
            attempts: delivery.attempts,
            status: delivery.status,
            problem: delivery.problem,
            kept_until,
        }
    }
}

/// A page of deliveries that have failed for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WebhookFailures {
    /// The deliveries, by endpoint and then by time.
    pub items: Vec<WebhookFailure>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The number of deliveries that are attempted again or at once, or were dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookRedelivered {
    /// The number.
    pub deliveries: u64,
}

/// The addresses to which may be posted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WebhookAddresses {
    /// Those of the given ones that are public.
    pub allowed: Vec<Text>,
    /// What to say where none is.
    pub problem: Text,
}

tenure_core::read_replies! {
    WebhookHeader { name, value }
    WebhookClaim { key, claim, endpoint, url, headers, body, timeout_ms }
    WebhookClaims { claims, more, next_in_ms }
    WebhookSettled { delivered, retried, failed, disabled }
}
