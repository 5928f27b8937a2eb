//! A lease: its holder, its times, its fencing token, the record that stores it, and its state at a
//! given time. [`decision`](crate::lease::decision) decides who acquires one.

use serde::{Deserialize, Serialize};

use crate::error::{Cause, Error, Result};
use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::process::{Host, Liveness, Process};
use crate::value::properties::{Params, Properties};
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

/// The kind of the records that store leases.
pub const KIND: &str = "lease";

/// The greatest size of a key, in bytes.
pub const MAX_KEY_BYTES: usize = 512;

/// How far a time may be ahead of that of an operation: the clocks of machines differ a little, and an
/// operation may wait before it reads what others have written.
pub const CLOCK_DIFFERENCE: Millis = Millis(60_000);

/// The state of a lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "LeaseState"))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A holder has it; no other can acquire it.
    #[default]
    Held,
    /// Its holder has ended, or it has expired: any caller can acquire it.
    Stale,
    /// It was released: any caller can acquire it.
    Released,
}

/// The right of one holder to a key, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The key: any text of up to 512 bytes.
    pub key: String,
    /// The name of the holder, or of the last one.
    pub holder: String,
    /// The holder's process, if it is one. It holds the lease for as long as the host finds it alive.
    pub process: Option<Process>,
    /// When the holder acquired it.
    pub acquired_at: Timestamp,
    /// When the holder last renewed it.
    pub renewed_at: Timestamp,
    /// When it expires unless it is renewed; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The fencing token: greater than that of every previous holding, so that a late write of a
    /// previous holder is recognized.
    pub token: u64,
    /// Whether it was released. Its record stays, so that the next token is greater.
    pub released: bool,
    /// Whether its record may be removed once it has expired: no write is guarded by its token.
    pub disposable: bool,
    /// The holder's data: a JSON object.
    pub data: Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    holder: Text,
    acquired_at: Timestamp,
    renewed_at: Timestamp,
    token: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    released: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disposable: bool,
    data: Json,
}

impl Params for Body {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            holder: properties.take("holder"),
            acquired_at: properties.take("acquired_at"),
            renewed_at: properties.take("renewed_at"),
            token: properties.take("token"),
            process: properties.take("process"),
            released: properties.take_or("released", false),
            disposable: properties.take_or("disposable", false),
            data: properties.take("data"),
        }
    }
}

/// The beginning of the keys of leases that runners of sessions hold.
pub const SESSION_PREFIX: &str = "session:";

impl Lease {
    /// The key of a process's registration.
    pub fn process_key(session: &str) -> String {
        format!("process:{session}")
    }

    /// The key of the lease that the runner of a session holds.
    pub fn session_key(id: &SessionId) -> String {
        format!("{SESSION_PREFIX}{id}")
    }

    /// The record that stores it, at this version.
    pub fn to_record(&self, version: u64) -> Record {
        let body = Body {
            holder: self.holder.as_str().into(),
            acquired_at: self.acquired_at,
            renewed_at: self.renewed_at,
            token: self.token,
            process: self.process.clone(),
            released: self.released,
            disposable: self.disposable,
            data: self.data.clone().compact(),
        };
        Record {
            kind: KIND.to_owned(),
            key: self.key.clone(),
            version,
            expires_at: self.expires_at,
            owner: None,
            body: Json::of(&body).as_str().to_owned(),
        }
    }

    /// Reads the lease that a record stores.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` if the record is no lease.
    pub fn read(record: &Record) -> Result<Self> {
        let body = Body::read("lease", &record.body).map_err(|_| Cause::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!("the record {:?} is no valid lease", record.key),
        })?;
        Ok(Self {
            key: record.key.clone(),
            holder: body.holder.into_string(),
            process: body.process,
            acquired_at: body.acquired_at,
            renewed_at: body.renewed_at,
            expires_at: record.expires_at,
            token: body.token,
            released: body.released,
            disposable: body.disposable,
            data: body.data,
        })
    }

    /// Whether the process that holds it runs; unknown for a holder that is no process.
    pub fn liveness(&self, host: &dyn Host) -> Liveness {
        match &self.process {
            None => Liveness::Unknown,
            Some(process) if host.process() == Some(process) => Liveness::Alive,
            Some(process) => host.liveness(process),
        }
    }

    /// Its state, given the liveness of its holder. A running process holds its lease past the
    /// expiry, and an ended one holds nothing. If the liveness is unknown, the lease is held until it
    /// expires, unless a clock was ahead by more than its duration.
    pub fn state(&self, now: Timestamp, liveness: Liveness) -> State {
        let in_time = self.expires_at.is_none_or(|end| now < end);
        let latest = now.plus(self.duration().unwrap_or_default());
        let in_time = in_time && !(self.is_ahead(now) && self.renewed_at > latest);
        match liveness {
            _ if self.released => State::Released,
            Liveness::Alive => State::Held,
            Liveness::Unknown if in_time => State::Held,
            Liveness::Unknown | Liveness::Dead => State::Stale,
        }
    }

    /// Whether the clock that wrote it was ahead of this time, and it expires.
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        self.expires_at.is_some() && self.renewed_at > now.plus(CLOCK_DIFFERENCE)
    }

    /// Whether it is held, as far as a host can tell.
    pub fn is_held(&self, now: Timestamp, host: &dyn Host) -> bool {
        self.state(now, self.liveness(host)) == State::Held
    }

    /// The error for a caller that is not the holder of a session's lease.
    pub fn refusal(&self, id: &SessionId) -> Error {
        let process = self.process.as_ref();
        let hostname = process.and_then(|process| process.hostname.as_ref());
        Cause::SessionHeld {
            id: id.to_string(),
            holder: self.holder.clone(),
            pid: process.and_then(|process| process.pid),
            hostname: hostname.map(Text::to_string),
        }
        .into()
    }

    /// Its duration, counted from the last renewal; `None` if it never expires.
    pub fn duration(&self) -> Option<Millis> {
        let end = self.expires_at?;
        Some(Millis(end.since(self.renewed_at)))
    }
}
