//! What the history says of a change of the context: the new values in `set`, the values before in `was`,
//! and in `changed` the names of properties whose values are too large to be recorded; no names, if those
//! are too many. A property in `set` and not in `was` is new, one in `was` and not in `set` was removed.

use serde::Serialize;

use crate::value::json::{Json, Object};
use crate::value::limits::Limits;

/// The largest value that is recorded by default, in bytes of its JSON.
const SMALL: usize = 4 << 10;

/// What is recorded of a change of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
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
    // An object with many values may be too large for an event, or one level too deep.
    let fits = |data: &Json| limits.data(data).is_ok();
    let recorded = said(&before, &after, largest)?;
    if fits(&recorded) {
        return Some(recorded);
    }
    let names = said(&before, &after, 0).filter(fits);
    names.or_else(|| {
        let mut unnamed = Object::default();
        unnamed.set("changed", &[(); 0]);
        Some(unnamed.to_json())
    })
}

fn said(before: &Object<'_>, after: &Object<'_>, largest: usize) -> Option<Json> {
    let mut data = Object::default();
    let mut changed: Vec<String> = Vec::new();
    for (name, of, other) in [("set", after, before), ("was", before, after)] {
        let values = of.picked(|key, value| {
            let theirs = other.value_of(key);
            let differs = theirs != Some(value);
            let is_large = value.len().max(theirs.map_or(0, str::len)) > largest;
            // One that both have is named once.
            if differs && is_large && (name == "set" || theirs.is_none()) {
                changed.push(String::from_utf8_lossy(key).into_owned());
            }
            differs && !is_large
        });
        if !values.is_empty() {
            data.set(name, &values.to_json());
        }
    }
    if !changed.is_empty() {
        data.set("changed", &changed);
    }
    (!data.is_empty()).then(|| data.to_json())
}
