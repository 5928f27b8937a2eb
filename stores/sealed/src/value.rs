//! What of a head, an event and a record is encrypted, and the form of encrypted values. An encrypted text is a text, and
//! encrypted JSON is an object, since stores may parse what they keep.

use tenure_core::error::Cause;
use tenure_core::session::tool_calls;
use tenure_core::store::{Changes, Found, Loaded, SessionWrite};
use tenure_core::stored::agent::Agent;
use tenure_core::stored::record::Record;
use tenure_core::stored::{delivery, route};
use tenure_core::{Error, Event, Head, Json, Result, SessionId};
use tenure_store_transaction::Rewrite;

use crate::seal::{MARK, Place, Seal, is_key_id};

/// The kinds of the records whose bodies hold user data: tool calls that are not finished, what waits for an endpoint of
/// webhooks, the endpoints with their secrets, and what a job could not process. The bodies of other records hold ids, times and the names of holders.
pub const SEALED_KINDS: [&str; 5] = [
    tool_calls::KIND,
    delivery::KIND,
    delivery::FAILED,
    route::ENDPOINT_KIND,
    // Of the applications, which the crate does not know.
    "job-failure",
];

/// A value of user data.
enum Value<'h> {
    Text(&'h mut String),
    Json(&'h mut Json),
    /// The metadata, whose property `model` stays readable: filters and statistics read it.
    Metadata(&'h mut Json),
}

/// The user data of a head, by the paths of [`Head::USER_DATA`].
fn user_data(head: &mut Head) -> Vec<(&'static str, Value<'_>)> {
    let Head {
        task,
        context,
        result,
        result_data,
        error,
        metadata,
        agent,
        slot,
        ..
    } = head;
    let mut values = vec![
        ("task", Value::Text(task)),
        ("context", Value::Json(context)),
    ];
    values.extend(result.as_mut().map(|text| ("result", Value::Text(text))));
    values.extend(
        result_data
            .as_mut()
            .map(|json| ("resultData", Value::Json(json))),
    );
    values.extend(error.as_mut().map(|text| ("error", Value::Text(text))));
    values.extend(
        metadata
            .as_mut()
            .map(|json| ("metadata", Value::Metadata(json))),
    );
    if let Some(agent) = agent {
        let Agent {
            summary,
            last_error,
            ..
        } = &mut **agent;
        values.extend(
            summary
                .as_mut()
                .map(|text| ("agent.summary", Value::Text(text))),
        );
        let message = last_error.as_mut().map(|error| &mut error.message);
        values.extend(message.map(|text| ("agent.lastError.message", Value::Text(text))));
    }
    let details = slot.as_mut().and_then(|slot| slot.details.as_mut());
    values.extend(details.map(|json| ("slot.details", Value::Json(json))));
    values
}

/// The encrypted part of a value; `None` for another value.
fn sealed_value<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) => text
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_prefix(':')),
        Value::Json(json) | Value::Metadata(json) => sealed_part(json.as_str()),
    }
}

/// Whether a head has values that look encrypted. A user may have written such a value.
pub(crate) fn has_sealed_values(head: &mut Head) -> bool {
    let values = user_data(head);
    values
        .iter()
        .any(|(_, value)| sealed_value(value).is_some())
}

/// Whether the data of an event looks encrypted.
pub(crate) fn is_event_sealed(event: &Event) -> bool {
    sealed_part(event.data.as_str()).is_some()
}

/// Whether the body of a record looks encrypted.
pub(crate) fn is_record_sealed(record: &Record) -> bool {
    SEALED_KINDS.contains(&record.kind.as_str()) && sealed_part(&record.body).is_some()
}

impl Seal {
    /// Changes as the store below gets them, and whether they have encrypted values.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn sealed(&self, changes: &Changes) -> Result<(Changes, bool)> {
        let mut sealed = changes.clone();
        let mut seals = false;
        for change in &mut sealed.sessions {
            if let SessionWrite::Put { head, events, .. } = &mut change.write {
                seals = true;
                self.seal_head(head)?;
                for event in events {
                    self.seal_event(&change.id, event)?;
                }
            }
        }
        for change in &mut sealed.records {
            if let Some(record) = &mut change.record {
                seals |= self.seal_record(record)?;
            }
        }
        Ok((sealed, seals))
    }

    /// A rewrite as the store below gets it.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn sealed_rewrite(&self, rewrite: &Rewrite) -> Result<Rewrite> {
        let mut sealed = rewrite.clone();
        if let Some(head) = &mut sealed.head {
            self.seal_head(head)?;
        }
        for event in &mut sealed.events {
            self.seal_event(&rewrite.id, event)?;
        }
        Ok(sealed)
    }

    /// Decrypts a session.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`.
    pub(crate) fn opened(&self, mut loaded: Loaded) -> Result<Loaded> {
        self.open_head(&mut loaded.head)?;
        let id = &loaded.head.id;
        for event in &mut loaded.events {
            self.open_event(id, event)?;
        }
        Ok(loaded)
    }

    /// Decrypts records.
    pub(crate) fn opened_records(&self, records: Vec<Record>) -> Vec<Record> {
        let records = records.into_iter();
        records.map(|record| self.or_empty(record)).collect()
    }

    /// Decrypts a record. One that does not decrypt hides no other: it is found with an empty body, which no kind of record
    /// has, so that it is damaged for those who read it.
    fn or_empty(&self, mut record: Record) -> Record {
        if self.open_record(&mut record).is_err() {
            record.body = String::new();
        }
        record
    }

    /// Decrypts a record that is read by itself. The tool calls of a session are its own affair.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED`.
    pub(crate) fn opened_record(&self, mut record: Record) -> Result<Record> {
        match record.kind == tool_calls::KIND {
            true => self.open_record(&mut record).map(|()| record),
            false => Ok(self.or_empty(record)),
        }
    }

    /// Decrypts what a read has found. A session that does not decrypt is one that cannot be read.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` for the tool calls of a session.
    pub(crate) fn opened_found(&self, found: Found) -> Result<Found> {
        Ok(match found {
            Found::Session(Ok(Some(loaded))) => {
                Found::Session(self.opened(*loaded).map(|loaded| Some(Box::new(loaded))))
            }
            Found::Record(Some(record)) => Found::Record(Some(self.opened_record(record)?)),
            found => found,
        })
    }

    /// Decrypts what reads have found.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` for the tool calls of a session.
    pub(crate) fn opened_all(&self, found: Vec<Found>) -> Result<Vec<Found>> {
        let found = found.into_iter();
        found.map(|found| self.opened_found(found)).collect()
    }

    /// Encrypts the user data of a head.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn seal_head(&self, head: &mut Head) -> Result<()> {
        let id = head.id.clone();
        for (property, value) in user_data(head) {
            let place = Place::Head {
                id: id.as_str(),
                property,
            };
            match value {
                Value::Text(text) => *text = format!("{MARK}:{}", self.encrypt(place, text)?),
                Value::Json(json) => *json = self.seal_json(place, json, None)?,
                Value::Metadata(json) => {
                    let model = json.property("model").filter(|model| is_name(model));
                    *json = self.seal_json(place, json, model)?;
                }
            }
        }
        Ok(())
    }

    /// Decrypts the user data of a head.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`.
    pub(crate) fn open_head(&self, head: &mut Head) -> Result<()> {
        let id = head.id.clone();
        for (property, value) in user_data(head) {
            let place = Place::Head {
                id: id.as_str(),
                property,
            };
            let opened = match value {
                Value::Text(text) => self.open_text(place, text),
                Value::Json(json) | Value::Metadata(json) => self.open_json(place, json),
            };
            opened.map_err(|problem| corrupt(&id, property, &problem))?;
        }
        Ok(())
    }

    /// Encrypts the data of an event.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn seal_event(&self, id: &SessionId, event: &mut Event) -> Result<()> {
        event.data = self.seal_json(place_of_event(id, event), &event.data, None)?;
        Ok(())
    }

    /// Decrypts the data of an event.
    ///
    /// # Errors
    /// `CORRUPT_SESSION`.
    pub(crate) fn open_event(&self, id: &SessionId, event: &mut Event) -> Result<()> {
        let place = place_of_event(id, event);
        let opened = self.open_json(place, &mut event.data);
        opened.map_err(|problem| corrupt(id, &format!("event {}", event.sequence), &problem))
    }

    /// Encrypts the body of a record, if it is of a kind with user data. Whether it is.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(crate) fn seal_record(&self, record: &mut Record) -> Result<bool> {
        let has_data = SEALED_KINDS.contains(&record.kind.as_str());
        if has_data {
            let sealed = self.encrypt(place_of_record(record), &record.body)?;
            record.body = sealed_property(&sealed);
        }
        Ok(has_data)
    }

    /// Decrypts the body of a record.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED`.
    pub(crate) fn open_record(&self, record: &mut Record) -> Result<()> {
        if !SEALED_KINDS.contains(&record.kind.as_str()) {
            return Ok(());
        }
        let opened = match sealed_part(&record.body) {
            Some(sealed) => self.decrypt(place_of_record(record), sealed),
            None if self.is_strict() => Err(NOT_ENCRYPTED.to_owned()),
            None => return Ok(()),
        };
        record.body = opened.map_err(|problem| misplaced(record, &problem))?;
        Ok(())
    }

    /// Whether a head has a value that the current key has not encrypted.
    pub(crate) fn is_head_old(&self, head: &mut Head) -> bool {
        let values = user_data(head);
        values
            .iter()
            .any(|(_, value)| self.is_old(sealed_value(value)))
    }

    /// Whether the current key has not encrypted the data of an event.
    pub(crate) fn is_event_old(&self, event: &Event) -> bool {
        self.is_old(sealed_part(event.data.as_str()))
    }

    /// Whether the current key has not encrypted the body of a record.
    pub(crate) fn is_record_old(&self, record: &Record) -> bool {
        self.is_old(sealed_part(&record.body))
    }

    fn is_old(&self, sealed: Option<&str>) -> bool {
        let key = sealed
            .and_then(|sealed| sealed.split_once(':'))
            .map(|(key, _)| key);
        key != Some(self.current())
    }

    fn seal_json(&self, place: Place<'_>, json: &Json, model: Option<&str>) -> Result<Json> {
        let sealed = self.encrypt(place, json.as_str())?;
        Json::parse(&match model {
            Some(model) => format!(r#"{{"model":{model},"{MARK}":"{sealed}"}}"#),
            None => sealed_property(&sealed),
        })
    }

    fn open_text(&self, place: Place<'_>, text: &mut String) -> Result<(), String> {
        let sealed = text
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_prefix(':'));
        match sealed {
            Some(sealed) => *text = self.decrypt(place, sealed)?,
            None if self.is_strict() => return Err(NOT_ENCRYPTED.to_owned()),
            None => {}
        }
        Ok(())
    }

    fn open_json(&self, place: Place<'_>, json: &mut Json) -> Result<(), String> {
        match sealed_part(json.as_str()) {
            Some(sealed) => {
                let plain = self.decrypt(place, sealed)?;
                *json = Json::parse(&plain).map_err(|_| "is encrypted, and no JSON".to_owned())?;
            }
            None if self.is_strict() => return Err(NOT_ENCRYPTED.to_owned()),
            None => {}
        }
        Ok(())
    }
}

/// Encrypted JSON, as an object.
pub(crate) fn sealed_property(sealed: &str) -> String {
    format!(r#"{{"{MARK}":"{sealed}"}}"#)
}

const NOT_ENCRYPTED: &str = "is not encrypted, and the option `encryption.only` refuses that";

/// Whether the text of a value may be the name of a model, as [`Head::model`] reads it: a text of up to 256 bytes, each of which may be
/// escaped.
fn is_name(value: &str) -> bool {
    value.starts_with('"') && value.len() <= 2 + 6 * 256
}

/// The encrypted part of an encrypted JSON value; `None` for another value. A store may have changed the white space.
pub(crate) fn sealed_part(json: &str) -> Option<&str> {
    // Most values are one or the other, which their beginning shows: another value is not parsed.
    let begin = json
        .trim_ascii_start()
        .strip_prefix('{')?
        .trim_ascii_start();
    let name = begin.strip_prefix('"')?;
    if !name.starts_with(MARK) && !name.starts_with("model\"") {
        return None;
    }
    // A value is the last property.
    let end = json
        .trim_ascii_end()
        .strip_suffix('}')?
        .trim_ascii_end()
        .strip_suffix('"')?;
    let (rest, sealed) = end.rsplit_once('"')?;
    let rest = rest.trim_ascii_end().strip_suffix(':')?.trim_ascii_end();
    let key = sealed.split_once(':').map(|(key, _)| key)?;
    (rest.ends_with(&format!("\"{MARK}\"")) && is_key_id(key)).then_some(sealed)
}

fn place_of_event<'a>(id: &'a SessionId, event: &Event) -> Place<'a> {
    Place::Event {
        id: id.as_str(),
        sequence: event.sequence,
    }
}

fn place_of_record(record: &Record) -> Place<'_> {
    Place::Record {
        kind: &record.kind,
        key: &record.key,
    }
}

fn corrupt(id: &SessionId, what: &str, problem: &str) -> Error {
    Cause::CorruptSession {
        id: id.to_string(),
        problem: format!("its {what} {problem}"),
    }
    .into()
}

fn misplaced(record: &Record, problem: &str) -> Error {
    Cause::StoreMisbehaved {
        method: "record".to_owned(),
        problem: format!(
            "the record {:?} of kind {:?} {problem}",
            record.key, record.kind
        ),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encrypted_part_is_found_whatever_the_white_space() {
        for json in [
            r#"{"tenure1":"k:AAAA"}"#,
            " {\n  \"tenure1\": \"k:AAAA\"\n} ",
            r#"{"model":"opus \"4\"","tenure1":"k:AAAA"}"#,
            "{\"model\" : \"opus\" , \"tenure1\" : \"k:AAAA\" }",
        ] {
            assert_eq!(sealed_part(json), Some("k:AAAA"), "{json}");
        }
        for json in [
            "{}",
            "7",
            r#"{"tenure1":7}"#,
            r#"{"model":"opus"}"#,
            r#"{"model":"tenure1:k:AAAA"}"#,
            r#"{"tenure1":"no key"}"#,
            r#"{"other":"k:AAAA"}"#,
        ] {
            assert_eq!(sealed_part(json), None, "{json}");
        }
    }
}
