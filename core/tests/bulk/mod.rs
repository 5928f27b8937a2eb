//! Bulk operations. Each session gets the result of the single operation, even when another process
//! writes in between, and a batch of sessions is one commit. The audit entries of removed sessions
//! are tested here, too.

mod audit_entries;
mod concurrent_writes;
mod purging;
mod record_cleanup;
mod starts;
mod trash_restore_delete;

use crate::support::World;
use serde_json::{Value, json};
use tenure_core::Store;

/// All readable state: the sessions with their histories, the slots, and the audit log.
fn visible_state<S: Store>(world: &World<S>) -> Value {
    let listed = world.ok("list", json!({"trash": "include", "limit": 1000}));
    let sessions = listed["items"].as_array().unwrap().iter();
    let sessions: Vec<String> = sessions
        .map(|session| world.export(session["id"].as_str().unwrap()))
        .collect();
    let slots = world.ok("slots", json!({"taskIds": ["t", "u"]}));
    json!({"sessions": sessions, "slots": slots, "entries": entries(world)})
}

/// The entries of the audit log. Those of one millisecond are in no order, as the random bits of
/// these calls are in none.
fn entries<S: Store>(world: &World<S>) -> Value {
    let mut entries = world.ok("auditLog", json!({"limit": 1000}))["items"].take();
    entries
        .as_array_mut()
        .unwrap()
        .sort_by_key(|entry| (entry["at"].to_string(), entry.to_string()));
    entries
}

/// The ids in a list of ids, or in a list of refusals.
fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item.as_str().or_else(|| item["id"].as_str()).unwrap())
        .collect()
}
