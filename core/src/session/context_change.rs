//! What the history says of a change of the context: the new values in `set`, the values before in `was`,
//! and in `changed` the names of properties whose values are too large to be recorded. A property in
//! `set` and not in `was` is new, one in `was` and not in `set` was removed.

use std::collections::BTreeSet;

use crate::value::json::{Json, Object};
use crate::value::limits::Limits;

/// The largest value that is recorded by default, in bytes of its JSON.
const SMALL: usize = 4 << 10;

/// What is recorded of a change of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordChange {
    /// Values of up to 4 KiB, and the names of others.
    #[default]
    Small,
    /// All values.
    All,
    /// Nothing: no event is appended.
    None,
}

crate::word_properties! {
    RecordChange: "small" => Small, "all" => All, "none" => None;
}

#[cfg(feature = "ts")]
crate::value::ts::declare_as!(RecordChange, "\"small\" | \"all\" | \"none\"");

/// The data of the event about a change from `before` to `after`; nothing if they are the same.
pub(super) fn data(
    before: &Json,
    after: &Json,
    record: RecordChange,
    limits: &Limits,
) -> Option<Json> {
    let largest = match record {
        RecordChange::Small => SMALL,
        RecordChange::All => usize::MAX,
        RecordChange::None => return None,
    };
    let (before, after) = (Object::parse(before), Object::parse(after));
    let mut set = after.clone();
    set.retain(|key, value| before.value_of(key) != Some(value));
    let mut was = before.clone();
    was.retain(|key, value| after.value_of(key) != Some(value));
    let recorded = said(set.clone(), was.clone(), largest);
    // An object with many values may be too large for an event, or one level too deep.
    let fits = recorded
        .as_ref()
        .is_none_or(|data| limits.data(data).is_ok());
    if fits { recorded } else { said(set, was, 0) }
}

fn said<'a>(mut set: Object<'a>, mut was: Object<'a>, largest: usize) -> Option<Json> {
    let both = set.by_key().chain(was.by_key());
    let large = both.filter(|(_, value)| value.len() > largest);
    let large: BTreeSet<Vec<u8>> = large.map(|(key, _)| key.to_vec()).collect();
    let mut data = Object::default();
    for (name, values) in [("set", &mut set), ("was", &mut was)] {
        values.retain(|key, _| !large.contains(key));
        if !values.is_empty() {
            data.set(name, &values.to_json());
        }
    }
    if !large.is_empty() {
        let names = large.iter().map(|key| String::from_utf8_lossy(key));
        data.set("changed", &names.collect::<Vec<_>>());
    }
    (!data.is_empty()).then(|| data.to_json())
}
