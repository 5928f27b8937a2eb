//! Who gets a lease: the one function that decides it, for virtual machines, sessions, slots and the
//! windows of runs alike. It is told what is kept, what is asked, the time and whether the holder
//! runs, and says what comes of it and what is to be kept then. What it says holds if nothing else
//! has been written meanwhile, which the store makes sure of.
//!
//! A token belongs to one holding of a lease, from its beginning to its end. It grows with each, and
//! never becomes smaller, so that what a holder of before still writes can be told and refused.

use crate::lease::model::{Lease, State};
use crate::value::json::Json;
use crate::value::process::{Liveness, Process};
use crate::value::time::{Millis, Timestamp};

/// For how long a lease is given to somebody who does not say.
pub const DEFAULT_LENGTH: Millis = Millis(30_000);

/// Who may hold a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name. That of a process is its session.
    pub name: String,
    /// The process, where it is one.
    pub process: Option<Process>,
}

impl Holder {
    /// The calling process as a holder.
    pub fn of(process: &Process) -> Self {
        Self {
            name: process.session.as_str().to_owned(),
            process: Some(process.clone()),
        }
    }

    /// Whether it is the one that a lease names.
    fn is_of(&self, lease: &Lease) -> bool {
        self.name == lease.holder && self.process == lease.process
    }
}

/// What is asked of a lease.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// To hold it.
    Acquire {
        /// Who.
        holder: Holder,
        /// For how long.
        length: Option<Millis>,
        /// What to say about it. Without, a new holder says nothing, and one that has it keeps what
        /// it said.
        data: Option<Json>,
        /// Whether even the one that holds it is refused, and one that let it run out begins anew:
        /// for work that is to be done once, and not by two who have the same name.
        once: bool,
    },
    /// To hold it for longer.
    Renew {
        /// Who holds it.
        holder: String,
        /// The token that the holder got.
        token: u64,
        /// For how long from now; as long as before, without.
        length: Option<Millis>,
        /// What to say about it now; as before, without.
        data: Option<Json>,
    },
    /// To give it back.
    Release {
        /// Who holds it.
        holder: String,
        /// The token that the holder got; whichever it is, without.
        token: Option<u64>,
    },
    /// To hand it to somebody else.
    Transfer {
        /// Who holds it.
        holder: String,
        /// The token that the holder got.
        token: u64,
        /// Who is to hold it.
        to: Holder,
        /// For how long from now; as long as before, without.
        length: Option<Millis>,
    },
    /// To take it from whoever holds it.
    Clear,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "LeaseOutcomeKind"))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is now held by who asked.
    Acquired,
    /// Who asked held it already, and holds it longer.
    Renewed,
    /// Somebody else holds it.
    Held,
    /// Who asked holds it no more.
    Lost,
    /// It was given back.
    Released,
    /// Who asked is not the one who holds it.
    NotOwner,
    /// Nobody held it.
    NotHeld,
    /// It is now held by the one that was named.
    Transferred,
}

/// What came of a request, and the lease as it is to be kept from now on; nothing where it stays as
/// it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What came of it.
    pub outcome: Outcome,
    /// What to keep.
    pub write: Option<Lease>,
}

impl Decision {
    fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            write: None,
        }
    }

    fn write(outcome: Outcome, lease: Lease) -> Self {
        Self {
            outcome,
            write: Some(lease),
        }
    }
}

/// Decides about the lease of `key`: `kept` is what is kept of it, and `liveness` what is known of
/// the process that holds it.
pub fn decide(
    key: &str,
    kept: Option<&Lease>,
    request: &Request,
    now: Timestamp,
    liveness: Liveness,
) -> Decision {
    match request {
        Request::Acquire {
            holder,
            length,
            data,
            once,
        } => match kept {
            Some(lease) if !once && !lease.released && holder.is_of(lease) => Decision::write(
                Outcome::Renewed,
                renewed(lease, now, *length, data.as_ref()),
            ),
            Some(lease) if lease.state(now, liveness) == State::Held => {
                Decision::nothing(Outcome::Held)
            }
            _ => {
                let length = length.unwrap_or(DEFAULT_LENGTH);
                let data = data.clone().unwrap_or_default();
                let lease = begun(key, kept, holder, now, Some(length), data);
                Decision::write(Outcome::Acquired, lease)
            }
        },
        Request::Renew {
            holder,
            token,
            length,
            data,
        } => match of_holder(kept, holder, *token) {
            Some(lease) => Decision::write(
                Outcome::Renewed,
                renewed(lease, now, *length, data.as_ref()),
            ),
            None => Decision::nothing(Outcome::Lost),
        },
        Request::Transfer {
            holder,
            token,
            to,
            length,
        } => match of_holder(kept, holder, *token) {
            Some(lease) => {
                let length = length.or(lease.length());
                let lease = begun(key, kept, to, now, length, lease.data.clone());
                Decision::write(Outcome::Transferred, lease)
            }
            None => Decision::nothing(Outcome::Lost),
        },
        Request::Release { holder, token } => match kept.filter(|lease| !lease.released) {
            None => Decision::nothing(Outcome::NotHeld),
            Some(lease)
                if lease.holder != *holder || token.is_some_and(|token| token != lease.token) =>
            {
                Decision::nothing(Outcome::NotOwner)
            }
            Some(lease) => Decision::write(Outcome::Released, released(lease)),
        },
        Request::Clear => match kept.filter(|lease| !lease.released) {
            None => Decision::nothing(Outcome::NotHeld),
            Some(lease) => Decision::write(Outcome::Released, released(lease)),
        },
    }
}

/// The lease, if who asks has held it without a break since it got the token. One that ran out and
/// that nobody took is still its own.
fn of_holder<'l>(kept: Option<&'l Lease>, holder: &str, token: u64) -> Option<&'l Lease> {
    kept.filter(|lease| !lease.released && lease.holder == holder && lease.token == token)
}

fn begun(
    key: &str,
    kept: Option<&Lease>,
    holder: &Holder,
    now: Timestamp,
    length: Option<Millis>,
    data: Json,
) -> Lease {
    Lease {
        key: key.to_owned(),
        holder: holder.name.clone(),
        process: holder.process.clone(),
        acquired_at: now,
        renewed_at: now,
        expires_at: length.map(|length| now.plus(length)),
        token: kept.map_or(0, |lease| lease.token).saturating_add(1),
        released: false,
        disposable: false,
        data,
    }
}

fn renewed(lease: &Lease, now: Timestamp, length: Option<Millis>, data: Option<&Json>) -> Lease {
    // Counted from the latest time that was seen: a clock that was set back shortens nothing that
    // the holder was promised.
    let renewed_at = now.max(lease.renewed_at);
    let length = length.or(lease.length());
    Lease {
        renewed_at,
        expires_at: length.map(|length| renewed_at.plus(length)),
        data: data.unwrap_or(&lease.data).clone(),
        ..lease.clone()
    }
}

fn released(lease: &Lease) -> Lease {
    Lease {
        released: true,
        ..lease.clone()
    }
}
