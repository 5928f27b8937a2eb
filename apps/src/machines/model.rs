//! The registry of virtual machines and their owners. The registration of a process is a lease on its
//! own name, and that of a machine is a lease that its owner holds; this module defines the leases'
//! data. A machine whose owner has ended is an orphan until it is cleaned up: a caller claims it for
//! the cleanup, and it is an orphan again if the cleanup fails.

use std::collections::BTreeMap;

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::lease::decision::Holder;
use tenure_core::stored::lease::{Lease, State};
use tenure_core::value::json::{Json, Object};
use tenure_core::value::process::{Host, Process};
use tenure_core::value::properties::{Params, Properties};
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};

/// The duration of a registration from its last renewal, for a process whose liveness is unknown:
/// 12 hours.
pub const REGISTRATION_DURATION: Millis = Millis(12 * 60 * 60 * 1000);
/// The duration of the claim of an orphan, for a holder whose liveness is unknown: 5 minutes.
pub const CLAIM_DURATION: Millis = Millis(5 * 60 * 1000);

declare_params! {
    /// A process to register.
    pub struct ProcessRegisterParams {
        /// The name of the holder; by default the calling process.
        pub holder: Option<Text>,
    }

    /// A virtual machine to register.
    pub struct VmRegisterParams {
        /// The id of the machine: any text of 1 to 509 bytes.
        pub vm_id: Text,
        /// The zone of the machine.
        pub zone: Text,
        /// The components that run on the machine.
        pub components: Vec<Text>,
        /// Metadata of the machine, a JSON object; `{}` by default.
        pub metadata: Option<Json>,
        /// The name of the owner; by default the calling process.
        pub holder: Option<Text>,
    }

    /// The owner of a virtual machine.
    pub struct VmMineParams {
        /// The name of the owner; by default the calling process.
        pub holder: Option<Text>,
    }

    /// A virtual machine to unregister.
    pub struct VmUnregisterParams {
        /// The id of the machine; by default the owner's machine.
        pub vm_id: Option<Text>,
        /// The name of the owner; by default the calling process.
        pub holder: Option<Text>,
    }

    /// Which active sessions to list.
    pub struct ActiveSessionsParams {
        /// The greatest number of sessions: 1 to 10,000, 10,000 by default.
        pub limit: Option<u32>,
        /// Only sessions whose ids sort after this one.
        pub after: Option<Text>,
    }

    /// The cleanup of the registry.
    pub struct StaleCleanupParams {
        /// Report what would be removed, and remove nothing; `false` by default.
        pub dry_run: Option<bool>,
    }

    /// Which orphans to list.
    pub struct OrphansParams {
        /// The greatest number of orphans: 1 to 1,000, 1,000 by default.
        pub limit: Option<u32>,
        /// Only machines whose ids sort after this one.
        pub after: Option<Text>,
    }

    /// An orphan to claim.
    pub struct OrphanClaimParams {
        /// The id of the machine.
        pub vm_id: Text,
        /// The name of the claimer; by default the calling process.
        pub holder: Option<Text>,
        /// The duration of the claim in milliseconds, unless the claimer is a running process; 300,000 by
        /// default.
        pub lease_duration_ms: Option<u64>,
    }

    /// The command that removes a virtual machine.
    pub struct VmCommandParams {
        /// The program and its arguments, with the placeholders `{vmId}`, `{zone}` and `{session}`.
        pub command: Vec<Text>,
        /// The id of the machine.
        pub vm_id: Text,
        /// The zone of the machine.
        pub zone: Text,
        /// The session id of its owner, or of its last one.
        pub session: Text,
    }

    /// The end of a claim.
    pub struct OrphanDoneParams {
        /// The id of the machine.
        pub vm_id: Text,
        /// The fencing token that `orphanClaim` returned.
        pub token: u64,
        /// Whether the machine was removed. If not, it is an orphan again.
        pub success: bool,
    }
}

/// The status of a virtual machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum VmStatus {
    /// Its owner holds it.
    Active,
    /// Its owner has ended.
    Orphaned,
    /// Its owner has ended, and it is claimed for cleanup.
    Sweeping,
    /// It has no owner.
    Released,
}

/// A virtual machine and its owner.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct VmView {
    /// The id of the machine.
    pub vm_id: String,
    /// The zone of the machine.
    pub zone: String,
    /// The components that run on the machine.
    pub components: Vec<Text>,
    /// Metadata of the machine, a JSON object.
    pub metadata: Json,
    /// When its owner first registered it.
    pub registered_at: Timestamp,
    /// Its status.
    pub status: VmStatus,
    /// The session id of its owner, or of its last one.
    pub holder: String,
    /// The owner's process; absent if the owner is no process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The fencing token: greater with each owner and each claim.
    pub token: u64,
}

/// An active session: a registered process and the virtual machine that it owns.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ActiveSession {
    /// The id of the session.
    pub session_id: String,
    /// The PID of its process; `null` if it is no process.
    pub pid: Option<u32>,
    /// The host name of its machine; `null` if it is not known.
    pub hostname: Option<Text>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Whether it is the calling process.
    pub mine: bool,
    /// The virtual machine that it owns; `null` if it owns none.
    pub vm: Option<VmView>,
}

/// The active sessions by id.
pub type ActiveSessions = BTreeMap<String, ActiveSession>;

/// The result of a cleanup of the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StaleCleanup {
    /// The number of registrations that this call removed, or would remove.
    pub removed: u64,
    /// The ids of the first 1,000 removed sessions.
    pub sessions: Vec<String>,
    /// The number of orphaned virtual machines.
    pub orphans: u64,
}

/// The outcome of claiming an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ClaimOutcome {
    /// The caller has claimed it.
    Acquired,
    /// It is claimed by another caller, or its owner has not ended.
    Held,
    /// It has no owner and needs no cleanup.
    NotHeld,
}

/// The result of claiming an orphan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct OrphanClaim {
    /// The outcome.
    pub outcome: ClaimOutcome,
    /// The fencing token for `orphanDone`; `null` unless the outcome is `acquired`.
    pub token: Option<u64>,
    /// The machine; `null` if there never was one.
    pub vm: Option<VmView>,
}

/// The outcome of ending a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OrphanOutcome {
    /// The machine has no owner any more.
    Released,
    /// The machine is an orphan again.
    Orphaned,
    /// The claim had ended before; nothing was changed.
    Lost,
}

/// The result of ending a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct OrphanDone {
    /// The outcome.
    pub outcome: OrphanOutcome,
}

/// The last owner of an orphan, which the data of its lease stores while it is claimed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Former {
    holder: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process>,
    acquired_at: Timestamp,
    renewed_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl Params for Former {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            holder: properties.take("holder"),
            process: properties.take("process"),
            acquired_at: properties.take("acquired_at"),
            renewed_at: properties.take("renewed_at"),
            expires_at: properties.take("expires_at"),
        }
    }
}

/// The property of a machine's data for the last owner.
const FORMER: &str = "formerOwner";

/// The key of a virtual machine's lease.
pub fn vm_key(vm: &str) -> String {
    format!("vm:{vm}")
}

/// The id of the virtual machine whose lease has this key.
pub fn vm_of_key(key: &str) -> Option<&str> {
    key.strip_prefix("vm:")
}

/// The data of a process's lease: the id of the machine that it owns.
pub fn process_data(vm: Option<&str>) -> Json {
    let mut data = Object::default();
    if let Some(vm) = vm {
        data.set("vmId", vm);
    }
    data.to_json()
}

/// The id of the machine in the data of a process's lease.
pub fn vm_of(process: &Lease) -> Option<String> {
    Object::parse(&process.data).text("vmId")
}

/// The data of a machine's lease. If its owner registers it again, `registeredAt` stays.
pub fn vm_data(params: &VmRegisterParams, owned: Option<&Lease>, now: Timestamp) -> Json {
    let since = owned.map_or(now, registered_at);
    let mut data = Object::default();
    data.set("zone", &params.zone);
    data.set("components", &params.components);
    data.set("metadata", &params.metadata.clone().unwrap_or_default());
    data.set("registeredAt", &since);
    data.to_json()
}

/// Whether a machine is in this zone.
pub fn is_in_zone(vm: &Lease, zone: &Text) -> bool {
    Object::parse(&vm.data).text("zone").as_deref() == Some(zone.as_str())
}

/// Whether the current or last holder of a machine claimed it as an orphan.
pub fn is_claimed(vm: &Lease) -> bool {
    former(vm).is_some()
}

/// The data of a claimed machine's lease: its data, and its last owner.
pub fn claimed_data(vm: &Lease) -> Json {
    let mut data = Object::parse(&vm.data);
    // A machine that was claimed before keeps its last owner.
    if former(vm).is_none() {
        data.set(
            FORMER,
            &Former {
                holder: vm.holder.as_str().into(),
                process: vm.process.clone(),
                acquired_at: vm.acquired_at,
                renewed_at: vm.renewed_at,
                expires_at: vm.expires_at,
            },
        );
    }
    data.to_json()
}

/// A claimed machine as the orphan that it was before; its token does not decrease.
pub fn orphaned(vm: Lease) -> Lease {
    let Some(former) = former(&vm) else {
        return vm;
    };
    let mut data = Object::parse(&vm.data);
    data.remove(FORMER);
    Lease {
        data: data.to_json(),
        holder: former.holder.into_string(),
        process: former.process,
        acquired_at: former.acquired_at,
        renewed_at: former.renewed_at,
        expires_at: former.expires_at,
        ..vm
    }
}

/// Whether a holder owns a machine, and has not claimed it as an orphan.
pub fn owns(holder: &Holder, vm: &Lease) -> bool {
    !vm.released && vm.holder == holder.name && vm.process == holder.process && !is_claimed(vm)
}

fn former(vm: &Lease) -> Option<Former> {
    let data = Object::parse(&vm.data);
    Former::read(FORMER, data.get(FORMER)?).ok()
}

fn registered_at(vm: &Lease) -> Timestamp {
    Object::parse(&vm.data)
        .read("registeredAt")
        .unwrap_or(vm.acquired_at)
}

impl VmStatus {
    /// The status of a machine whose lease is in this state.
    pub fn of(vm: &Lease, state: State) -> Self {
        match state {
            State::Released => Self::Released,
            State::Stale => Self::Orphaned,
            State::Held if is_claimed(vm) => Self::Sweeping,
            State::Held => Self::Active,
        }
    }
}

impl VmView {
    /// A machine by its lease, with its status at `now`.
    pub fn new(vm: Lease, now: Timestamp, host: &dyn Host) -> Self {
        let status = VmStatus::of(&vm, vm.state(now, vm.liveness(host)));
        // The claimer of an orphan does not own it.
        let vm = orphaned(vm);
        let data = Object::parse(&vm.data);
        let metadata = data.get("metadata").map(str::to_owned);
        let metadata = metadata.and_then(|text| Json::parse(&text).ok());
        Self {
            vm_id: vm_of_key(&vm.key).unwrap_or(&vm.key).to_owned(),
            zone: data.text("zone").unwrap_or_default(),
            components: data.read("components").unwrap_or_default(),
            metadata: metadata.filter(Json::is_object).unwrap_or_default(),
            registered_at: registered_at(&vm),
            status,
            token: vm.token,
            holder: vm.holder.clone(),
            process: vm.process.clone(),
        }
    }
}

impl ActiveSession {
    /// A session by one of its leases: its registration, or its machine's.
    pub fn new(lease: &Lease, host: &dyn Host) -> Self {
        let process = lease.process.as_ref();
        Self {
            session_id: lease.holder.clone(),
            pid: process.and_then(|process| process.pid),
            hostname: process.and_then(|process| process.hostname.clone()),
            created_at: lease.acquired_at,
            mine: process.is_some() && process == host.process(),
            vm: None,
        }
    }
}
