//! The parameters and replies of the operations on leases.

use serde::Serialize;

use crate::declare_params;
use crate::lease::decision::Outcome;
use crate::stored::lease::{Lease, State};
use crate::value::json::Json;
use crate::value::process::{Host, Process};
use crate::value::text::Text;
use crate::value::time::Timestamp;

declare_params! {
    /// A lease to acquire.
    pub struct LeaseAcquireParams {
        /// The key of the lease: any text of 1 to 512 bytes.
        pub key: Text,
        /// The name of the holder; by default the calling process. A process holds the lease for as
        /// long as it runs, any other holder until the lease expires.
        pub holder: Option<Text>,
        /// The duration in milliseconds. By default 30,000, or the current duration if the holder renews
        /// its own lease.
        pub lease_duration_ms: Option<u64>,
        /// The holder's data, a JSON object; `{}` by default.
        pub data: Option<Json>,
        /// Refuse the current holder too, instead of renewing its lease; `false` by default.
        pub once: Option<bool>,
    }

    /// A lease to renew.
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct LeaseRenewParams {
        /// The key of the lease.
        pub key: Text,
        /// The name of the holder; by default the calling process.
        pub holder: Option<Text>,
        /// The fencing token that `leaseAcquire` returned.
        pub token: u64,
        /// The duration in milliseconds, counted from now. By default the current duration.
        pub lease_duration_ms: Option<u64>,
        /// The holder's new data, a JSON object; by default the current data.
        pub data: Option<Json>,
    }

    /// A lease to release.
    pub struct LeaseReleaseParams {
        /// The key of the lease.
        pub key: Text,
        /// The name of the holder; by default the calling process.
        pub holder: Option<Text>,
        /// The fencing token that `leaseAcquire` returned; by default the token is not compared.
        pub token: Option<u64>,
    }

    /// A lease to transfer.
    pub struct LeaseTransferParams {
        /// The key of the lease.
        pub key: Text,
        /// The name of the current holder; by default the calling process.
        pub holder: Option<Text>,
        /// The fencing token that `leaseAcquire` returned.
        pub token: u64,
        /// The new holder: the session id of a registered process, or any other name.
        pub to: Text,
        /// The duration in milliseconds, counted from now. By default the current duration.
        pub lease_duration_ms: Option<u64>,
    }

    /// A lease to get.
    pub struct LeaseGetParams {
        /// The key of the lease.
        pub key: Text,
    }

    /// Which leases to list.
    pub struct LeaseListParams {
        /// Only leases whose keys start with this prefix.
        pub prefix: Option<Text>,
        /// Only leases in this state; by default all that were not released.
        pub state: Option<State>,
        /// The greatest number of leases in the page: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous page.
        pub cursor: Option<Text>,
    }

    /// Which leases to release, regardless of their holders.
    pub struct LeaseClearParams {
        /// Only leases whose keys start with this prefix; by default all.
        pub prefix: Option<Text>,
    }
}

crate::word_properties! {
    State: "held" => Held, "stale" => Stale, "released" => Released;
}

/// A lease and its state at the time of the call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// The key of the lease.
    pub key: String,
    /// The name of the holder, or of the last one.
    pub holder: String,
    /// The holder's process; absent if the holder is no process.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Its state.
    pub state: State,
    /// Whether the calling process holds it.
    pub mine: bool,
    /// The fencing token. It is greater with each holder; a guarded resource refuses a write that
    /// carries a smaller one than it has seen.
    pub token: u64,
    /// When the holder acquired it.
    pub acquired_at: Timestamp,
    /// When the holder last renewed it.
    pub renewed_at: Timestamp,
    /// When it expires, unless it is renewed or its holder is a running process; `null` for never.
    pub expires_at: Option<Timestamp>,
    /// The holder's data, a JSON object.
    pub data: Json,
}

impl LeaseView {
    /// A lease with its state at `now`.
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

/// The outcome of a request for a lease.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct LeaseOutcome {
    /// The outcome: `acquired`, `renewed`, or `held` by another holder; `lost` if the caller no longer
    /// holds the lease; `released`, `not_owner` or `not_held`; `transferred`.
    pub outcome: Outcome,
    /// The current lease; `null` if there never was one.
    pub lease: Option<LeaseView>,
}

/// A page of leases, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct LeasePage {
    /// The leases.
    pub items: Vec<LeaseView>,
    /// The `cursor` of the next page; absent on the last page. A page may have fewer items than
    /// `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The result of releasing leases regardless of their holders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LeaseCleared {
    /// The number of leases that were released.
    pub released: u64,
}
