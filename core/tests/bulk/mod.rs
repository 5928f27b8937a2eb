//! Bulk operations: each session gets the result of the single operation, even when another process
//! writes in between, and as much as possible is one commit. The audit entries of removed sessions are
//! tested here, too.

mod entries;
mod many;
mod meeting;
mod purging;
mod records;
mod starts;

use crate::support::World;
use serde_json::{Value, json};
use tenure_core::Store;

/// Everything that is visible: the sessions with their histories, who is in which slot, and
/// what was entered into the audit log.
fn seen<S: Store>(world: &World<S>) -> Value {
    let listed = world.ok("list", json!({"trash": "include", "limit": 1000}));
    let sessions = listed["items"].as_array().unwrap().iter();
    let sessions: Vec<String> = sessions
        .map(|session| world.export(session["id"].as_str().unwrap()))
        .collect();
    let slots = world.ok("slots", json!({"taskIds": ["t", "u"]}));
    json!({"sessions": sessions, "slots": slots, "entries": entries(world)})
}

/// What the audit log says.
fn entries<S: Store>(world: &World<S>) -> Value {
    world.ok("auditLog", json!({"limit": 1000}))["items"].take()
}

/// The ids in a list of them, or of what was refused.
fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item.as_str().or_else(|| item["id"].as_str()).unwrap())
        .collect()
}
