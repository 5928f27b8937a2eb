//! Fingerprints of calls with an idempotency key. A repeated call has the same key and the same
//! fingerprint, whether it comes from this command or from another host. So a fingerprint is made from
//! the properties that another host sends, by name, as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use tenure_core::Json;
use tenure_core::agent::params::AgentCreateParams;
use tenure_core::session::params::{
    AddEventParams, FinishToolCallParams, IncrementIterationParams, RecordToolCallParams,
    RecordUsageParams, StartParams, StartToolCallParams, UpdateContextParams,
};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::properties::camel_case;

/// The properties of a call, in the order of their names.
#[derive(Default)]
struct Properties(BTreeMap<String, String>);

impl Properties {
    /// Adds a property, if it is given.
    fn add(mut self, field: &str, value: Option<&impl Serialize>) -> Self {
        if let Some(value) = value {
            let json = Json::of(value);
            // As JavaScript writes whole numbers.
            let text = json.as_str();
            let text = text.strip_suffix(".0").unwrap_or(text);
            self.0.insert(camel_case(field), text.to_owned());
        }
        self
    }

    /// The fingerprint of an operation with these properties.
    fn fingerprint(&self, operation: &str) -> Fingerprint {
        let mut text = String::new();
        for (name, value) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}\n{value}");
        }
        Fingerprint::of(operation, text)
    }
}

/// Parameters of a call that can be repeated.
pub(crate) trait Repeatable {
    /// The fingerprint of a call of an operation with these parameters.
    fn fingerprint(&self, operation: &str) -> Fingerprint;
}

/// Implements [`Repeatable`] for parameters: the properties that are always given, then those that may be
/// left out. The key itself, `ifVersion` and `token` may differ between a call and its repeat.
macro_rules! repeatable {
    ($($params:ident { $($given:ident)* $(; $($optional:ident)*)? })*) => {$(
        impl Repeatable for $params {
            fn fingerprint(&self, operation: &str) -> Fingerprint {
                if self.idempotency_key.is_none() {
                    return Fingerprint::default();
                }
                Properties::default()
                    $(.add(stringify!($given), Some(&self.$given)))*
                    $($(.add(stringify!($optional), self.$optional.as_ref()))*)?
                    .fingerprint(operation)
            }
        }
    )*};
}

repeatable! {
    StartParams {
        task mode;
        id user_id channel_id workspace max_iterations context metadata paused pause_reason parent_id
    }
    AgentCreateParams { agent_name; purpose metadata id max_iterations }
    AddEventParams { id r#type; data }
    IncrementIterationParams { id; data }
    RecordToolCallParams { id tool; args result }
    StartToolCallParams { id tool; args call_id }
    FinishToolCallParams { id call_id; result }
    RecordUsageParams { id; tokens cost }
    UpdateContextParams { id context; unset replace record }
}
