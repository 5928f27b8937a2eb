//! A delivery: one change that is to be posted to one endpoint. A commit writes it together with the
//! change. It has a *wake record*, whose key begins with a time: from then on the delivery may be claimed. A
//! deliverer that claims the delivery moves the wake record to the end of its claim, so that a deliverer
//! that dies leaves it to the next one.
//!
//! The deliveries of a session to an ordered endpoint are a lane: only the first of them is claimed. A wake
//! record then stands for its lane. It may be removed without a claim if the first delivery of the lane has a
//! wake record of its own, because who ends that delivery leaves one for the rest of the lane.

use serde::Serialize;

use crate::error::{Cause, Error, Result};
use crate::stored::record::Record;
use crate::value::json::Json;
use crate::value::properties::{Properties, Stored};
use crate::value::time::Timestamp;

/// The kind of the records that store deliveries.
pub const KIND: &str = "webhookDelivery";
/// The kind of wake records.
pub const WAKE: &str = "webhookWake";
/// The kind of the records that store deliveries that have failed for good.
pub const FAILED: &str = "webhookFailed";

/// What separates the parts of keys. The ids of endpoints and sessions do not contain it.
const SEPARATOR: char = '/';

/// A delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The id of the endpoint.
    pub endpoint: String,
    /// The id of the session.
    pub session: String,
    /// Its place among the deliveries of the session, as text of a fixed length.
    pub place: String,
    /// The id of the message, the same for all endpoints. Receivers tell repeats by it.
    pub message: String,
    /// The event.
    pub event: String,
    /// When the change was made.
    pub created_at: Timestamp,
    /// What is posted, to the byte.
    pub payload: String,
    /// How many attempts have failed.
    pub attempts: u32,
    /// The key of its own wake record. A delivery that nobody has claimed yet has none that is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake: Option<String>,
    /// The claim of the deliverer that posts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// When the last attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// The status of the response to it, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// Why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Stored for Delivery {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            endpoint: properties.get("endpoint")?,
            session: properties.get("session")?,
            place: properties.get("place")?,
            message: properties.get("message")?,
            event: properties.take("event"),
            created_at: properties.take("created_at"),
            payload: properties.get("payload")?,
            attempts: properties.take("attempts"),
            wake: properties.take("wake"),
            claim: properties.take("claim"),
            failed_at: properties.take("failed_at"),
            status: properties.take("status"),
            problem: properties.take("problem"),
        })
    }
}

impl Delivery {
    /// The place of a change of a session, given when the session was created, the version that the change has made and its
    /// number among the changes of the commit. An id may be used again, by a session whose versions begin at 1 again.
    pub fn place(created_at: Timestamp, version: u64, number: usize) -> String {
        format!("{}.{version:016x}.{number:04x}", time(created_at))
    }

    /// The key of the record that stores it.
    pub fn key(&self) -> String {
        let parts = [
            &*self.endpoint,
            &*self.session,
            &*self.place,
            &*self.message,
        ];
        parts.join("/")
    }

    /// The key of a wake record of it at a time.
    pub fn wake_key(&self, at: Timestamp) -> String {
        let at = time(at);
        let parts = [
            &*self.endpoint,
            &*at,
            &*self.session,
            &*self.place,
            &*self.message,
        ];
        parts.join("/")
    }

    /// The key of the record that stores it when it has failed for good, at a time.
    pub fn failed_key(&self, at: Timestamp) -> String {
        self.wake_key(at)
    }

    /// A wake record of it at a time. No other delivery has one with this key.
    pub fn wake_record(&self, at: Timestamp) -> Record {
        record(WAKE, self.wake_key(at), "{}".to_owned())
    }

    /// The wake record for the rest of its lane, which who ends it leaves. Its key is no other's, so that a
    /// deliverer that has read another one does not remove it.
    pub fn lane_wake_record(&self, at: Timestamp) -> Record {
        record(WAKE, self.wake_key(at) + "/end", "{}".to_owned())
    }

    /// The record that stores it.
    pub fn to_record(&self) -> Record {
        record(KIND, self.key(), Json::of(self).as_str().to_owned())
    }

    /// The record that stores it when it has failed for good: it is kept until `until`.
    pub fn to_failed_record(&self, at: Timestamp, until: Timestamp) -> Record {
        Record {
            expires_at: Some(until),
            ..record(
                FAILED,
                self.failed_key(at),
                Json::of(self).as_str().to_owned(),
            )
        }
    }

    /// Reads the delivery that a record stores.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` if the record is no delivery.
    pub fn read_record(record: &Record) -> Result<Self> {
        Stored::read("delivery", &record.body).map_err(|error: Error| {
            Cause::StoreMisbehaved {
                method: "record".to_owned(),
                problem: format!("the delivery {:?} is invalid: {error}", record.key),
            }
            .into()
        })
    }
}

fn record(kind: &str, key: String, body: String) -> Record {
    Record {
        kind: kind.to_owned(),
        key,
        version: 1,
        expires_at: None,
        owner: None,
        body,
    }
}

/// A time as text that sorts as times do.
fn time(at: Timestamp) -> String {
    format!("{:016}", at.as_millis().max(0))
}

/// The parts of the key of a wake record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WakeKey<'k> {
    /// The id of the endpoint.
    pub endpoint: &'k str,
    /// The time from which on the delivery may be claimed, in milliseconds since 1970.
    pub at: u64,
    /// The id of the session.
    pub session: &'k str,
    /// The place and the id of the message.
    rest: &'k str,
}

impl<'k> WakeKey<'k> {
    /// The parts of a key; `None` for a key of another form.
    pub fn parse(key: &'k str) -> Option<Self> {
        let (endpoint, rest) = key.split_once(SEPARATOR)?;
        let (at, rest) = rest.split_once(SEPARATOR)?;
        let (session, rest) = rest.split_once(SEPARATOR)?;
        let at = at.parse().ok()?;
        Some(Self {
            endpoint,
            at,
            session,
            rest,
        })
    }

    /// The key of the delivery itself.
    pub fn delivery(&self) -> String {
        [self.endpoint, self.session, self.rest].join("/")
    }

    /// The beginning of the keys of the deliveries in its lane.
    pub fn lane(&self) -> String {
        [self.endpoint, self.session, ""].join("/")
    }
}
