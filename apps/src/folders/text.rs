//! The common parts of the readers of files: reading values from JSON with errors that name the
//! property, and the items that they return.

use tenure_core::audit::entry::Entry;
use tenure_core::error::{Error, Result};
use tenure_core::session::portable::Portable;
use tenure_core::stored::lease::Lease;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::properties::{Property, well_formed};
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};

/// An item of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A session with its history.
    Session(Box<Portable>),
    /// A lease.
    Lease(Box<Lease>),
    /// An entry of the audit log.
    Entry(Entry),
}

/// A lease with its first token.
pub(super) fn first_lease(
    key: String,
    holder: String,
    since: Timestamp,
    length: Millis,
    data: &Json,
) -> Lease {
    Lease {
        key,
        holder,
        process: None,
        acquired_at: since,
        renewed_at: since,
        expires_at: Some(since.plus(length)),
        token: 1,
        released: false,
        disposable: false,
        data: data.clone(),
    }
}

/// The commit of a lock, from the name of its file.
pub(super) fn commit_of(name: &str) -> Option<&str> {
    name.strip_prefix("recent_pr_")?.strip_suffix(".lock")
}

/// The text as a JSON object.
pub(super) fn object(text: &str) -> Result<Json> {
    let json = Json::parse(text)?;
    json.require_object("text")?;
    Ok(json)
}

/// The texts of the values of a JSON list.
pub(super) fn list(what: &str, text: &str) -> Result<Vec<Json>> {
    Vec::read(what, well_formed(what, text)?)
}

/// A required property of type string.
pub(super) fn text_of(object: &Object<'_>, key: &str) -> Result<String> {
    let missing = || Error::invalid(key, "expected a text");
    Ok(Text::from(object.text(key).ok_or_else(missing)?).into_string())
}

/// The value of the first of these properties that is a time.
pub(super) fn time_of(object: &Object<'_>, keys: &[&str]) -> Option<Timestamp> {
    keys.iter().find_map(|key| time(object.get(key)?))
}

/// Reads a time from JSON text: as text in any of the forms that [`Timestamp`] reads, with UTC
/// meant where it does not say, or as a number of seconds or of milliseconds since 1970.
pub(super) fn time(json: &str) -> Option<Timestamp> {
    /// As seconds this is the year 5138, and as milliseconds 1973.
    const SECONDS: f64 = 1e11;
    if let Ok(number) = f64::read("time", json) {
        let millis = if number.abs() < SECONDS {
            number * 1000.0
        } else {
            number
        };
        // A float-to-integer cast saturates, and the ends are outside of the calendar.
        return Timestamp::from_millis(millis.round() as i64).ok();
    }
    let text = Text::read("time", json).ok()?;
    let text = text.as_str().trim();
    Timestamp::parse(text)
        .or_else(|_| Timestamp::parse(&format!("{}Z", text.replacen(' ', "T", 1))))
        .ok()
}
