//! A lease: who holds what, since when and until when. Here is the form in which leases are kept as
//! records, and what one says at a given time; who gets one is decided in [`decision`].

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::process::{Host, Liveness, Process};
use crate::value::properties::{Params, Properties};
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

/// The kind of the records that leases are kept in.
pub const KIND: &str = "lease";

/// Bytes of a key at most.
pub const MAX_KEY_BYTES: usize = 512;

/// Whether a lease is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "LeaseState"))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Somebody holds it, and nobody else may have it.
    #[default]
    Held,
    /// Its holder has ended or let it run out: whoever asks may have it.
    Stale,
    /// Its holder has given it back.
    Released,
}

/// What someone holds for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is held: any text of up to 512 bytes.
    pub key: String,
    /// Who holds it, or held it last.
    pub holder: String,
    /// The process that this is, where it is one: then it holds for as long as it is seen to run.
    pub process: Option<Process>,
    /// Since when.
    pub acquired_at: Timestamp,
    /// When the holder last said that it still does.
    pub renewed_at: Timestamp,
    /// From when on it is free, unless it is renewed; never, without.
    pub expires_at: Option<Timestamp>,
    /// Grows with each holder, so that a late write of one before can be told.
    pub token: u64,
    /// Whether the holder has given it back. It is kept, so that its token goes on growing.
    pub released: bool,
    /// Whether its record may be removed once it has expired: nobody relies on its token.
    pub disposable: bool,
    /// What the holder says about it: the text of a JSON object.
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

impl Lease {
    /// The key under which a process holds its own name: its registration.
    pub fn process_key(session: &str) -> String {
        format!("process:{session}")
    }

    /// The key under which whoever runs a session holds it.
    pub fn session_key(id: &SessionId) -> String {
        format!("session:{id}")
    }

    /// The record that keeps it, at this version.
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

    /// Reads the lease that a record keeps.
    ///
    /// # Errors
    /// `STORE_MISBEHAVED` when it keeps none.
    pub fn read(record: &Record) -> Result<Self> {
        let body = Body::read("lease", &record.body).map_err(|_| Error::StoreMisbehaved {
            method: "record".to_owned(),
            problem: format!("the record of lease {:?} keeps none", record.key),
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

    /// Whether the process that holds it runs. Of a holder that is no process nothing is known.
    pub fn liveness(&self, host: &dyn Host) -> Liveness {
        match &self.process {
            None => Liveness::Unknown,
            Some(process) if host.process() == Some(process) => Liveness::Alive,
            Some(process) => host.liveness(process),
        }
    }

    /// Whether it is held, by what is known of its holder. A process that runs holds what it holds,
    /// however late it is; one that has ended holds nothing. Of the others the clock decides: they
    /// hold until the time has come, and a clock that was set back gives them the longer.
    pub fn state(&self, now: Timestamp, liveness: Liveness) -> State {
        let in_time = self.expires_at.is_none_or(|end| now < end);
        match liveness {
            _ if self.released => State::Released,
            Liveness::Alive => State::Held,
            Liveness::Unknown if in_time => State::Held,
            Liveness::Unknown | Liveness::Dead => State::Stale,
        }
    }

    /// Whether it is held, as far as a host can tell.
    pub fn is_held(&self, now: Timestamp, host: &dyn Host) -> bool {
        self.state(now, self.liveness(host)) == State::Held
    }

    /// For how long it was given when it was last renewed; for ever, without.
    pub fn length(&self) -> Option<Millis> {
        let end = self.expires_at?;
        Some(Millis(end.since(self.renewed_at)))
    }
}
