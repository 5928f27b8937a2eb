//! The values of sessions that a distribution is made of: of each group of sessions those of each measure.

use serde::Serialize;

use crate::store::key;
use crate::store::rows::Rows;
use crate::stored::head::{Head, Usage};

/// By what sessions are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// By mode.
    Mode,
    /// By model: the one of the slot, or without a slot the one in the metadata.
    Model,
    /// By user.
    User,
}

crate::word_properties! {
    GroupBy: "mode" => Mode, "model" => Model, "user" => User;
}

/// The values of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The iterations that it has used.
    pub iterations: u32,
    /// What it has used.
    pub usage: Usage,
    /// How long it ran until it ended for good, in milliseconds.
    pub duration: Option<u64>,
}

impl Measured {
    /// Those of a session.
    pub fn of(head: &Head) -> Self {
        Self {
            iterations: head.iterations,
            usage: head.usage,
            duration: head.final_duration(),
        }
    }
}

/// The values of the sessions of a group.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// The mode, the model or the user that they share; `None` for those without one, and for all sessions.
    pub name: Option<String>,
    /// The iterations that they have used, one number for each session.
    pub iterations: Vec<u64>,
    /// Their durations in milliseconds, of those that have ended for good.
    pub durations: Vec<u64>,
    /// Their costs in billionths, one number for each session.
    pub costs: Vec<u64>,
    /// Their tokens, one number for each session.
    pub tokens: Vec<u64>,
}

impl Values {
    fn add(&mut self, measured: Measured) {
        self.iterations.push(measured.iterations.into());
        self.durations.extend(measured.duration);
        self.costs.push(measured.usage.cost_nanos);
        self.tokens.push(measured.usage.total_tokens());
    }
}

/// A store counts sessions in any order.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |values: &Self| {
            let measures = [
                &values.iterations,
                &values.durations,
                &values.costs,
                &values.tokens,
            ];
            measures.map(|numbers| {
                let mut numbers = numbers.clone();
                numbers.sort_unstable();
                numbers
            })
        };
        self.name == other.name && sorted(self) == sorted(other)
    }
}

impl Eq for Values {}

/// Adds the values of a session to those of a group, which is added if there is none.
pub(super) fn add_to(groups: &mut Rows<Values>, name: Option<&str>, measured: Measured) {
    let key = key::of_name(name);
    let place = groups.place(&key).unwrap_or_else(|| {
        groups.insert(
            key,
            Values {
                name: name.map(str::to_owned),
                ..Values::default()
            },
        )
    });
    if let Some(values) = groups.at_mut(place) {
        values.add(measured);
    }
}
