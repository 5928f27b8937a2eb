//! What the operations on leases take and answer.

use serde::Serialize;

use crate::declare_params;
use crate::error::Result;
use crate::lease::decision::Outcome;
use crate::lease::model::{Lease, State};
use crate::value::json::Json;
use crate::value::process::{Host, Process};
use crate::value::properties as members;
use crate::value::properties::Property;
use crate::value::text::Text;
use crate::value::time::{Millis, Timestamp};

declare_params! {
    /// A lease to hold.
    pub struct LeaseAcquireParams {
        /// What to hold: any text of 1 to 512 bytes.
        pub key: Text,
        /// Who is to hold it; the calling process by default. A process holds for as long as it
        /// runs, any other holder until the lease runs out.
        pub holder: Option<Text>,
        /// For how long; 30 seconds by default, and as long as before for who holds it already.
        pub lease_duration_ms: Option<Millis>,
        /// What to say about it; `{}` by default.
        pub data: Option<Json>,
        /// Whether even the one that holds it already is refused, as anybody else; `false` by default.
        pub once: Option<bool>,
    }

    /// A lease to hold for longer.
    pub struct LeaseRenewParams {
        /// What is held.
        pub key: Text,
        /// Who holds it; the calling process by default.
        pub holder: Option<Text>,
        /// The token that came with the lease.
        pub token: u64,
        /// For how long from now; as long as before by default.
        pub lease_duration_ms: Option<Millis>,
        /// What to say about it now; as before by default.
        pub data: Option<Json>,
    }

    /// A lease to give back.
    pub struct LeaseReleaseParams {
        /// What is held.
        pub key: Text,
        /// Who holds it; the calling process by default.
        pub holder: Option<Text>,
        /// The token that came with the lease; whichever it is by default.
        pub token: Option<u64>,
    }

    /// A lease to hand on.
    pub struct LeaseTransferParams {
        /// What is held.
        pub key: Text,
        /// Who holds it; the calling process by default.
        pub holder: Option<Text>,
        /// The token that came with the lease.
        pub token: u64,
        /// Who is to hold it: the session of a process that is registered, or any other name.
        pub to: Text,
        /// For how long from now; as long as before by default.
        pub lease_duration_ms: Option<Millis>,
    }

    /// One lease.
    pub struct LeaseGetParams {
        /// What is held.
        pub key: Text,
    }

    /// Which leases to list.
    pub struct LeaseListParams {
        /// Only those whose keys begin so.
        pub prefix: Option<Text>,
        /// Only those in this state; by default all that were not given back.
        pub state: Option<State>,
        /// How many at most: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
    }

    /// Which leases to take from their holders.
    pub struct LeaseClearParams {
        /// Only those whose keys begin so; by default all.
        pub prefix: Option<Text>,
    }
}

impl Property for State {
    fn read(name: &str, text: &str) -> Result<Self> {
        members::parse(name, text)
    }
}

/// A lease as it is at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// What is held.
    pub key: String,
    /// Who holds it, or held it last.
    pub holder: String,
    /// The process that this is, where it is one.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Whether it is held now.
    pub state: State,
    /// Whether it is the calling process that holds it.
    pub mine: bool,
    /// Grows with each holder: what is guarded refuses a write that carries a smaller one.
    pub token: u64,
    /// Since when.
    pub acquired_at: Timestamp,
    /// When the holder last said that it still does.
    pub renewed_at: Timestamp,
    /// When it runs out, unless it is renewed or held by a process that runs; `null` for never.
    pub expires_at: Option<Timestamp>,
    /// What the holder says about it.
    pub data: Json,
}

impl LeaseView {
    /// What a lease says now.
    pub fn new(lease: Lease, now: Timestamp, host: &dyn Host) -> Self {
        let state = lease.state(now, lease.liveness(host));
        Self {
            state,
            mine: state == State::Held
                && lease.process.is_some()
                && lease.process.as_ref() == host.process(),
            key: lease.key,
            holder: lease.holder,
            process: lease.process,
            token: lease.token,
            acquired_at: lease.acquired_at,
            renewed_at: lease.renewed_at,
            expires_at: lease.expires_at,
            data: lease.data,
        }
    }
}

/// What came of a request for a lease.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct LeaseOutcome {
    /// `acquired`, `renewed` or `held` by somebody else; `lost` for who holds it no more; `released`,
    /// `not_owner` or `not_held`; `transferred`.
    pub outcome: Outcome,
    /// The lease as it is now; `null` where there never was one.
    pub lease: Option<LeaseView>,
}

/// A part of the leases, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct LeasePage {
    /// The leases.
    pub items: Vec<LeaseView>,
    /// Where to go on, as `cursor`; absent at the end. A page may have fewer items than it could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Leases that were taken from their holders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LeaseCleared {
    /// How many.
    pub released: u64,
}
