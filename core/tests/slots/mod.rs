//! Slots: the outcomes of starting a session in a slot, the other operations that claim a slot, and
//! lookups. Concurrent starts are tested in `leases`.

mod lookup;
mod missing_models;
mod model;
mod model_questions;
mod restore_import_fork;
mod starting;

use crate::support::World;
use serde_json::{Value, json};

/// The result of starting a session in the slot `plan` of the task `t`.
fn start(world: &World, model: &str, more: Value) -> Value {
    world.ok("startInSlot", params(model, more))
}

fn params(model: &str, more: Value) -> Value {
    let mut params = json!({
        "taskId": "t", "phase": "plan", "model": model, "task": "work", "mode": "developer"
    });
    let properties = params.as_object_mut().unwrap();
    properties.extend(more.as_object().unwrap().clone());
    params
}

/// The id of the session in that slot; `None` if the slot is free.
fn in_slot(world: &World) -> Option<String> {
    let found = world.ok("latestSession", json!({"taskId": "t", "phase": "plan"}));
    found["session"]["id"].as_str().map(str::to_owned)
}

fn id(answer: &Value) -> &str {
    answer["session"]["id"].as_str().unwrap()
}
