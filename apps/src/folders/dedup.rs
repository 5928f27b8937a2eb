//! The readers of the files of a deduplication: `active_sessions/<key>.json` and
//! `recent_pr_<commit>.lock`, which become leases, and `audit/session_audit_<date>.json`, a list of
//! decisions. The first two have no fixed content; if they contain no time, that of the file counts.

use crate::dedup::run::{PULL_REQUEST_WINDOW, WINDOW, pull_request_key, short_commit};
use tenure_core::audit::entry::Entry;
use tenure_core::error::{Error, Result};
use tenure_core::stored::lease::Lease;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::time::Timestamp;

use super::text::{Item, commit_of, first_lease, list, object, time, time_of};

/// The properties that may contain the time.
const TIMES: &[&str] = &["timestamp", "created_at", "started_at", "registered_at"];

/// The lease of a run.
pub(super) fn active_session(
    name: &str,
    text: &str,
    modified_at: Option<Timestamp>,
) -> Result<Item> {
    let data = object(text)?;
    let entry = Object::parse(&data);
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let key = entry.text("session_key").unwrap_or_else(|| stem.to_owned());
    let since = or_of_file(time_of(&entry, TIMES), modified_at)?;
    Ok(disposable(first_lease(
        key,
        holder(&entry),
        since,
        WINDOW,
        &data,
    )))
}

/// The lease of a pull request.
pub(super) fn lock(name: &str, text: &str, modified_at: Option<Timestamp>) -> Result<Item> {
    let commit = commit_of(name).unwrap_or(name);
    let said = text.trim();
    let data = object(said).unwrap_or_else(|_| {
        let mut data = Object::default();
        data.set("text", said);
        data.to_json()
    });
    let entry = Object::parse(&data);
    let since = time_of(&entry, TIMES)
        .or_else(|| time(said))
        .or_else(|| time(Json::of(said).as_str()));
    Ok(disposable(first_lease(
        pull_request_key(short_commit(commit).as_deref().unwrap_or(commit)),
        holder(&entry),
        or_of_file(since, modified_at)?,
        PULL_REQUEST_WINDOW,
        &data,
    )))
}

/// The entries of a day.
pub(super) fn entries(text: &str) -> Result<Vec<Result<Item>>> {
    let entries: Vec<Json> = list("text", text)?;
    Ok(entries
        .into_iter()
        .zip(0..)
        .map(|(data, index)| {
            let at = time_of(&Object::parse(&data), &["timestamp"]);
            let problem = "expected a time in its `timestamp`";
            let at = at.ok_or_else(|| Error::invalid(format!("entry {index}"), problem))?;
            Ok(Item::Entry(Entry { at, data }))
        })
        .collect())
}

/// The run, where it is named.
fn holder(entry: &Object<'_>) -> String {
    let run = entry.text("run_id");
    let number = || entry.get("run_id").map(str::to_owned);
    run.or_else(number)
        .filter(|run| !matches!(run.as_str(), "" | "null"))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// A lease whose record may be removed once it has expired.
fn disposable(lease: Lease) -> Item {
    Item::Lease(Box::new(Lease {
        disposable: true,
        ..lease
    }))
}

fn or_of_file(time: Option<Timestamp>, modified_at: Option<Timestamp>) -> Result<Timestamp> {
    time.or(modified_at)
        .ok_or_else(|| Error::invalid("timestamp", "expected a time, in the file or of the file"))
}
