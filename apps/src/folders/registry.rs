//! The reader of a registry of virtual machines, `jarvis_vm_registry.json`: an object with an entry for
//! each process, which may own a machine. Each entry becomes a lease that its session holds.

use crate::machines::model::vm_key;
use tenure_core::error::{Error, Result};
use tenure_core::lease::model::Lease;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::time::Millis;

use super::text::{Item, first_lease, object, text_of, time_of};

/// The duration of an entry's lease, counted from its registration: 12 hours.
const DURATION: Millis = Millis(12 * 60 * 60 * 1000);

/// The leases of the entries; an invalid entry is an error of its own.
pub(super) fn leases(text: &str) -> Result<Vec<Result<Item>>> {
    let json = object(text)?;
    let registry = Object::parse(&json);
    Ok(registry
        .by_key()
        .map(|(key, entry)| {
            lease(entry).map_err(|error| {
                let key = String::from_utf8_lossy(key);
                Error::invalid(format!("entry {key:?}"), error.to_string())
            })
        })
        .collect())
}

fn lease(entry: &str) -> Result<Item> {
    let data: Json = object(entry)?;
    let entry = Object::parse(&data);
    let session = text_of(&entry, "session_id")?;
    let since = time_of(&entry, &["registered_at", "created_at"])
        .ok_or_else(|| Error::invalid("registered_at", "expected seconds since 1970"))?;
    let key = match entry.text("vm_id") {
        Some(vm) => vm_key(&vm),
        None => Lease::process_key(&session),
    };
    let lease = first_lease(key, session, since, DURATION, &data);
    Ok(Item::Lease(Box::new(lease)))
}
