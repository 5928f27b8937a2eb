//! Webhooks that arrive: what a commit queues, who gets it, and when again.

mod endpoints;
mod job;
mod model;
mod outbox;
mod requests;
mod settling;

use serde_json::{Value, json};
use tenure_core::Store;

use crate::support::World;

/// A secret that receivers of the tests know.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How long a claim lasts with the default timeout, in milliseconds.
pub(super) const CLAIM: i64 = 40_000;

/// Adds an endpoint with these parameters.
pub(super) fn add(world: &World<impl Store>, id: &str, params: Value) {
    let mut all = json!({"id": id, "url": "https://example.com/hooks?key=1", "secret": SECRET});
    all.as_object_mut()
        .unwrap()
        .extend(params.as_object().unwrap().clone());
    world.ok("webhookAdd", all);
}

/// Claims what is due.
pub(super) fn claim(world: &World<impl Store>, limit: u32) -> Vec<Value> {
    let claims = world.ok("webhookClaim", json!({"limit": limit, "maxBytes": 1 << 20}));
    claims["claims"].as_array().unwrap().clone()
}

/// Settles a claim with a status.
pub(super) fn settle(world: &World<impl Store>, claim: &Value, status: u32) -> Value {
    settle_with(world, claim, json!({"status": status}))
}

/// Settles a claim with these properties of its result.
pub(super) fn settle_with(world: &World<impl Store>, claim: &Value, with: Value) -> Value {
    let mut result = json!({"key": claim["key"], "claim": claim["claim"]});
    result
        .as_object_mut()
        .unwrap()
        .extend(with.as_object().unwrap().clone());
    world.ok("webhookSettle", json!({"results": [result]}))
}

/// The value of a header of a claim.
pub(super) fn header<'c>(claim: &'c Value, name: &str) -> &'c str {
    let headers = claim["headers"].as_array().unwrap();
    let header = headers.iter().find(|header| header["name"] == name);
    header.unwrap()["value"].as_str().unwrap()
}

/// The event of a claim's payload.
pub(super) fn event(claim: &Value) -> String {
    let payload: Value = serde_json::from_str(claim["body"].as_str().unwrap()).unwrap();
    payload["event"].as_str().unwrap().to_owned()
}
