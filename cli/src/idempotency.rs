//! Fingerprints of calls with an idempotency key. A repeated call has the same key and the same
//! fingerprint, whether it comes from this command or from another host. So a fingerprint is made from
//! the properties that another host sends, by name, as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use tenure_core::Json;
use tenure_core::agent::params::AgentCreateParams;
use tenure_core::session::params::StartParams;
use tenure_core::value::fingerprint::Fingerprint;

/// The properties of a call, in the order of their names.
#[derive(Default)]
struct Properties(BTreeMap<&'static str, Json>);

impl Properties {
    /// Adds a property, if it is given.
    fn add(mut self, name: &'static str, value: Option<&impl Serialize>) -> Self {
        if let Some(value) = value {
            self.0.insert(name, Json::of(value));
        }
        self
    }

    /// The fingerprint of an operation with these properties.
    fn fingerprint(&self, operation: &str) -> Fingerprint {
        let mut text = String::new();
        for (name, value) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}\n{}", value.as_str());
        }
        Fingerprint::of(operation, text)
    }
}

/// The fingerprint of a `start`.
pub(crate) fn of_start(params: &StartParams) -> Fingerprint {
    if params.idempotency_key.is_none() {
        return Fingerprint::default();
    }
    Properties::default()
        .add("task", Some(&params.task))
        .add("mode", Some(&params.mode))
        .add("id", params.id.as_ref())
        .add("userId", params.user_id.as_ref())
        .add("channelId", params.channel_id.as_ref())
        .add("workspace", params.workspace.as_ref())
        .add("maxIterations", params.max_iterations.as_ref())
        .add("context", params.context.as_ref())
        .add("metadata", params.metadata.as_ref())
        .add("paused", params.paused.as_ref())
        .add("pauseReason", params.pause_reason.as_ref())
        .add("parentId", params.parent_id.as_ref())
        .fingerprint("start")
}

/// The fingerprint of an `agentCreate`.
pub(crate) fn of_agent_create(params: &AgentCreateParams) -> Fingerprint {
    if params.idempotency_key.is_none() {
        return Fingerprint::default();
    }
    Properties::default()
        .add("agentName", Some(&params.agent_name))
        .add("purpose", params.purpose.as_ref())
        .add("metadata", params.metadata.as_ref())
        .add("id", params.id.as_ref())
        .add("maxIterations", params.max_iterations.as_ref())
        .fingerprint("agentCreate")
}
