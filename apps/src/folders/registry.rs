//! The readers of the files of virtual machines: `jarvis_vm_registry.json`, an object with an entry for each
//! process, which may own a machine, and `jarvis_session_<pid>.json` and `jarvis_global_session.json`, one
//! entry each. An entry becomes a lease that its session holds.

use crate::machines::model::vm_key;
use tenure_core::error::{Error, Result};
use tenure_core::stored::lease::Lease;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::process::Process;
use tenure_core::value::text::Text;
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

/// The lease of an entry, which may be a file of its own.
pub(super) fn lease(entry: &str) -> Result<Item> {
    let data: Json = object(entry)?;
    let entry = Object::parse(&data);
    let session = text_of(&entry, "session_id")?;
    let since = time_of(&entry, &["registered_at", "created_at"])
        .ok_or_else(|| Error::invalid("registered_at", "expected seconds since 1970"))?;
    let key = match entry.text("vm_id") {
        Some(vm) => vm_key(&vm),
        None => Lease::process_key(&session),
    };
    // Whether the process still runs is not known: its entry does not say when its machine was started.
    let process = entry.read("pid").map(|pid| Process {
        session: Text::from(session.as_str()),
        pid: Some(pid),
        hostname: entry.text("hostname").map(Text::from),
        ..Process::default()
    });
    let lease = Lease {
        process,
        ..first_lease(key, session, since, DURATION, &data)
    };
    Ok(Item::Lease(Box::new(lease)))
}

/// Whether a file is that of a process, by its name.
pub(super) fn is_process_file(name: &str) -> bool {
    let pid = name.strip_prefix("jarvis_session_");
    let pid = pid.and_then(|rest| rest.strip_suffix(".json"));
    name == "jarvis_global_session.json"
        || pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
}
