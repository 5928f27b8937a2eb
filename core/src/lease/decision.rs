//! The decision on a lease, for virtual machines, sessions, slots and the windows of runs alike. One
//! pure function takes the stored lease, the request, the time and the liveness of the holder's
//! process, and returns the outcome and the lease to write. The decision holds only if the stored
//! lease has not changed meanwhile: the commit expects the version that was read.
//!
//! A fencing token identifies one holding of a lease, from its acquisition to its end. Each holding has
//! a greater token than the one before, so a late write of a previous holder is recognized and refused.

use crate::stored::lease::{Lease, State};
use crate::value::json::Json;
use crate::value::process::{Liveness, Process};
use crate::value::time::{Millis, Timestamp};

/// The duration of a lease whose request names none: 30 seconds.
pub const DEFAULT_DURATION: Millis = Millis(30_000);

/// The holder of a lease: a process, or any other party with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name. The name of a process is the id of its session.
    pub name: String,
    /// The process, if the holder is one.
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

    /// Whether a lease names this holder.
    fn is_of(&self, lease: &Lease) -> bool {
        self.name == lease.holder && self.process == lease.process
    }
}

/// A request for a lease.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Acquire the lease, or renew it if the holder has it.
    Acquire {
        /// The new holder.
        holder: Holder,
        /// The duration; by default [`DEFAULT_DURATION`], or the current one in a renewal.
        duration: Option<Millis>,
        /// The holder's data; by default `{}`, or the current data in a renewal.
        data: Option<Json>,
        /// Refuse the current holder too, and start a new holding if its lease has expired: for work
        /// that must be done once, also by two callers of the same name.
        once: bool,
    },
    /// Extend the lease.
    Renew {
        /// The current holder.
        holder: String,
        /// The holder's fencing token.
        token: u64,
        /// The duration, counted from now; the current one by default.
        duration: Option<Millis>,
        /// The holder's data; the current data by default.
        data: Option<Json>,
    },
    /// Release the lease.
    Release {
        /// The current holder.
        holder: String,
        /// The holder's fencing token; without one, the lease is released whatever its token.
        token: Option<u64>,
    },
    /// Hand the lease to another holder.
    Transfer {
        /// The current holder.
        holder: String,
        /// The holder's fencing token.
        token: u64,
        /// The new holder.
        to: Holder,
        /// The duration, counted from now; the current one by default.
        duration: Option<Millis>,
    },
    /// Release the lease, regardless of its holder.
    Clear,
}

/// The outcome of a request for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "LeaseOutcomeKind"))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The caller holds the lease now.
    Acquired,
    /// The caller held the lease already and has extended it.
    Renewed,
    /// Another holder has the lease.
    Held,
    /// The caller no longer holds the lease.
    Lost,
    /// The lease was released.
    Released,
    /// The caller does not hold the lease; another holder does.
    NotOwner,
    /// The lease has no holder.
    NotHeld,
    /// The named holder has the lease now.
    Transferred,
}

/// The decision on a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// The lease to write, also of another holder; `None` if the stored one stays unchanged.
    pub write: Option<Lease>,
}

impl Decision {
    fn unchanged(outcome: Outcome) -> Self {
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

/// Decides on a request for the lease of `key`. `stored` is its stored lease, and `liveness` that of
/// the process that holds it.
pub fn decide(
    key: &str,
    stored: Option<&Lease>,
    request: &Request,
    now: Timestamp,
    liveness: Liveness,
) -> Decision {
    match request {
        Request::Acquire {
            holder,
            duration,
            data,
            once,
        } => match stored {
            Some(lease) if !once && !lease.released && holder.is_of(lease) => Decision::write(
                Outcome::Renewed,
                renewed(lease, now, *duration, data.as_ref()),
            ),
            // The clock that renewed it was ahead. It lasts for its own duration from now on. A call that
            // was held up for a while shortens nothing: to it, every renewal since then is ahead.
            Some(lease)
                if !lease.released && liveness == Liveness::Unknown && lease.is_ahead(now) =>
            {
                Decision::write(Outcome::Held, lasting(lease, now, lease.duration()))
            }
            Some(lease) if lease.state(now, liveness) == State::Held => {
                Decision::unchanged(Outcome::Held)
            }
            _ => {
                let duration = duration.unwrap_or(DEFAULT_DURATION);
                let data = data.clone().unwrap_or_default();
                let lease = begun(key, stored, holder, now, Some(duration), data);
                Decision::write(Outcome::Acquired, lease)
            }
        },
        Request::Renew {
            holder,
            token,
            duration,
            data,
        } => match of_holder(stored, holder, *token) {
            Some(lease) => Decision::write(
                Outcome::Renewed,
                renewed(lease, now, *duration, data.as_ref()),
            ),
            None => Decision::unchanged(Outcome::Lost),
        },
        Request::Transfer {
            holder,
            token,
            to,
            duration,
        } => match of_holder(stored, holder, *token) {
            Some(lease) => {
                let duration = duration.or(lease.duration());
                let lease = begun(key, stored, to, now, duration, lease.data.clone());
                Decision::write(Outcome::Transferred, lease)
            }
            None => Decision::unchanged(Outcome::Lost),
        },
        Request::Release { holder, token } => match stored.filter(|lease| !lease.released) {
            None => Decision::unchanged(Outcome::NotHeld),
            Some(lease)
                if lease.holder != *holder || token.is_some_and(|token| token != lease.token) =>
            {
                Decision::unchanged(Outcome::NotOwner)
            }
            Some(lease) => Decision::write(Outcome::Released, released(lease)),
        },
        Request::Clear => match stored.filter(|lease| !lease.released) {
            None => Decision::unchanged(Outcome::NotHeld),
            Some(lease) => Decision::write(Outcome::Released, released(lease)),
        },
    }
}

/// The lease, if the holder has held it without a break since it got the token. An expired lease that
/// no other holder has acquired still belongs to its holder.
fn of_holder<'l>(stored: Option<&'l Lease>, holder: &str, token: u64) -> Option<&'l Lease> {
    stored.filter(|lease| !lease.released && lease.holder == holder && lease.token == token)
}

fn begun(
    key: &str,
    stored: Option<&Lease>,
    holder: &Holder,
    now: Timestamp,
    duration: Option<Millis>,
    data: Json,
) -> Lease {
    Lease {
        key: key.to_owned(),
        holder: holder.name.clone(),
        process: holder.process.clone(),
        acquired_at: now,
        renewed_at: now,
        expires_at: duration.map(|duration| now.plus(duration)),
        token: stored.map_or(0, |lease| lease.token).saturating_add(1),
        released: false,
        disposable: false,
        data,
    }
}

fn renewed(lease: &Lease, now: Timestamp, duration: Option<Millis>, data: Option<&Json>) -> Lease {
    // Counted from the latest time that was recorded: a clock that was set back a little does not
    // shorten the duration that the holder was promised.
    let renewed_at = match lease.is_ahead(now) {
        true => now,
        false => now.max(lease.renewed_at),
    };
    Lease {
        data: data.unwrap_or(&lease.data).clone(),
        ..lasting(lease, renewed_at, duration.or(lease.duration()))
    }
}

fn lasting(lease: &Lease, renewed_at: Timestamp, duration: Option<Millis>) -> Lease {
    Lease {
        acquired_at: lease.acquired_at.min(renewed_at),
        renewed_at,
        expires_at: duration.map(|duration| renewed_at.plus(duration)),
        ..lease.clone()
    }
}

fn released(lease: &Lease) -> Lease {
    Lease {
        released: true,
        ..lease.clone()
    }
}
