//! The rules that a store applies, for stores that the host provides. A store in Rust calls the same
//! functions of the core directly. Numbers cross as those of JavaScript, and `NaN` stands for none.

use tenure_core::Head;
use tenure_core::store::{Expect, History};

/// Whether a stored version meets the precondition of a change: the `kind` of an [`Expect`], with its
/// version if it has one. `None` for an unknown precondition.
pub fn allows(kind: &str, version: f64, stored: f64) -> Option<bool> {
    let expect = match kind {
        "absent" => Expect::Absent,
        "present" => Expect::Present,
        "version" => Expect::Version {
            version: whole(version)?,
        },
        "any" => Expect::Any,
        _ => return None,
    };
    Some(expect.allows(whole(stored)))
}

/// The first and the last sequence number of a part of a history with `event_count` events; an empty
/// list if it has no event. The part is the `kind` of a [`History`], with its count or sequence number
/// as `value` and its limit. `None` for an unknown part.
pub fn range_of(kind: &str, value: f64, limit: f64, event_count: f64) -> Option<Vec<f64>> {
    let history = match kind {
        "none" => History::None,
        "all" => History::All,
        "last" => History::Last {
            count: least(value)?,
        },
        "after" => History::After {
            sequence: whole(value)?,
            limit: least(limit)?,
        },
        _ => return None,
    };
    let range = history.range(whole(event_count)?);
    Some(range.map_or_else(Vec::new, |(first, last)| vec![first as f64, last as f64]))
}

/// The properties of a head that hold user data, as paths, separated by spaces. To pass heads in
/// JSON, only to have them counted, would cost as much as to list them.
pub fn user_data() -> String {
    Head::USER_DATA.join(" ")
}

/// A number of JavaScript that counts something. A float-to-integer cast saturates.
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0).then_some(number as u64)
}

fn least(number: f64) -> Option<u32> {
    (number >= 0.0).then_some(number as u32)
}
