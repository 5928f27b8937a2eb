//! Who owns which virtual machine. A process registers itself as a lease on its own name, and a
//! machine as a lease that it holds; what is said about both is the leases' data, whose form is laid
//! down here. A machine whose owner has ended is an orphan until somebody has seen to it: it is taken
//! for as long as that lasts, and goes back to being an orphan if that fails.

use std::collections::BTreeMap;

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::lease::decision::Holder;
use tenure_core::lease::model::{Lease, State};
use tenure_core::value::json::{Json, Object};
use tenure_core::value::process::{Host, Process};
use tenure_core::value::properties::{Params, Properties};
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};

/// For how long a registration counts after it was last renewed, where its process cannot be seen.
pub const LENGTH: Millis = Millis(12 * 60 * 60 * 1000);
/// For how long an orphan is given to somebody who sees to it, where that one cannot be seen.
pub const CLAIM_LENGTH: Millis = Millis(5 * 60 * 1000);

declare_params! {
    /// The process to register.
    pub struct ProcessRegisterParams {
        /// The name of another holder than the calling process.
        pub holder: Option<Text>,
    }

    /// A virtual machine to own.
    pub struct VmRegisterParams {
        /// The machine: any text of 1 to 509 bytes.
        pub vm_id: Text,
        /// Where it runs.
        pub zone: Text,
        /// What runs on it.
        pub components: Vec<Text>,
        /// Anything else about it.
        pub metadata: Option<Json>,
        /// The name of another owner than the calling process.
        pub holder: Option<Text>,
    }

    /// Whose virtual machine.
    pub struct VmMineParams {
        /// The name of another owner than the calling process.
        pub holder: Option<Text>,
    }

    /// A virtual machine that is no longer there.
    pub struct VmUnregisterParams {
        /// The machine; by default the one that the owner has.
        pub vm_id: Option<Text>,
        /// The name of another owner than the calling process.
        pub holder: Option<Text>,
    }

    /// Which of the sessions that run.
    pub struct ActiveSessionsParams {
        /// How many at most: 1 to 10,000, which is the default.
        pub limit: Option<u32>,
        /// Only those whose ids come after this one.
        pub after: Option<Text>,
    }

    /// What to clean up of the registry.
    pub struct StaleCleanupParams {
        /// Only say what would go.
        pub dry_run: Option<bool>,
    }

    /// Which orphans.
    pub struct OrphansParams {
        /// How many at most: 1 to 1,000, which is the default.
        pub limit: Option<u32>,
        /// Only those whose ids come after this one.
        pub after: Option<Text>,
    }

    /// An orphan to see to.
    pub struct OrphanClaimParams {
        /// The machine.
        pub vm_id: Text,
        /// Who sees to it; the calling process by default.
        pub holder: Option<Text>,
        /// After how long somebody else may, if this one is no process that is seen to run;
        /// 5 minutes by default.
        pub lease_duration_ms: Option<Millis>,
    }

    /// An orphan that was seen to.
    pub struct OrphanDoneParams {
        /// The machine.
        pub vm_id: Text,
        /// The token that came with the claim.
        pub token: u64,
        /// Whether it is gone. If not, it is an orphan again.
        pub success: bool,
    }
}

/// What becomes of a virtual machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum VmStatus {
    /// Its owner has it.
    Active,
    /// Its owner has ended.
    Orphaned,
    /// Its owner has ended, and somebody sees to it.
    Sweeping,
    /// Nobody owns it.
    Released,
}

/// A virtual machine and who owns it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct VmView {
    /// The machine.
    pub vm_id: String,
    /// Where it runs.
    pub zone: String,
    /// What runs on it.
    pub components: Vec<Text>,
    /// Anything else about it.
    pub metadata: Json,
    /// When its owner registered it first.
    pub registered_at: Timestamp,
    /// What becomes of it.
    pub status: VmStatus,
    /// The session of its owner, or of the last one that it had.
    pub holder: String,
    /// The process that this is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Grows with each owner, and with each that sees to it as an orphan.
    pub token: u64,
}

/// A session that runs: a process that is registered, and the virtual machine that it has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ActiveSession {
    /// The session.
    pub session_id: String,
    /// The number of its process, where it is one.
    pub pid: Option<u32>,
    /// The name of its machine, where it is known.
    pub hostname: Option<Text>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Whether it is the calling process.
    pub mine: bool,
    /// The virtual machine that it has.
    pub vm: Option<VmView>,
}

/// The sessions that run, by their names.
pub type ActiveSessions = BTreeMap<String, ActiveSession>;

/// What a cleanup of the registry has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StaleCleanup {
    /// How many sessions this call removed, or would; not those that another call was faster with.
    pub removed: u64,
    /// The first 1,000 of them.
    pub sessions: Vec<String>,
    /// How many virtual machines are orphans now.
    pub orphans: u64,
}

/// Whether an orphan may be seen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ClaimOutcome {
    /// By who asked, and nobody else.
    Acquired,
    /// Somebody sees to it already, or its owner is there.
    Held,
    /// It is nobody's, and nothing is to be done.
    NotHeld,
}

/// The answer to who wants to see to an orphan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct OrphanClaim {
    /// Whether it may.
    pub outcome: ClaimOutcome,
    /// What `orphanDone` needs; `null` unless it may.
    pub token: Option<u64>,
    /// The machine; `null` where there never was one.
    pub vm: Option<VmView>,
}

/// What became of an orphan that was seen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OrphanOutcome {
    /// It is gone from the registry.
    Released,
    /// It is an orphan again.
    Orphaned,
    /// Somebody else had taken over before; nothing was changed.
    Lost,
}

/// What became of an orphan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct OrphanDone {
    /// What became of it.
    pub outcome: OrphanOutcome,
}

/// The owner that an orphan had, as its lease keeps it while somebody sees to it.
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

/// The member of a machine's data in which the owner of before is kept.
const FORMER: &str = "formerOwner";

/// The key under which a virtual machine is held.
pub fn vm_key(vm: &str) -> String {
    format!("vm:{vm}")
}

/// The virtual machine that is held under a key.
pub fn vm_of_key(key: &str) -> Option<&str> {
    key.strip_prefix("vm:")
}

/// What a process says about itself: the machine that it has.
pub fn process_data(vm: Option<&str>) -> Json {
    let mut data = Object::default();
    if let Some(vm) = vm {
        data.set("vmId", vm);
    }
    data.to_json()
}

/// The machine that a process says it has.
pub fn vm_of(process: &Lease) -> Option<String> {
    Object::parse(&process.data).text("vmId")
}

/// What is said about a machine. Its owner may say it again, and it stays registered since then.
pub fn vm_data(params: &VmRegisterParams, owned: Option<&Lease>, now: Timestamp) -> Json {
    let since = owned.map_or(now, registered_at);
    let mut data = Object::default();
    data.set("zone", &params.zone);
    data.set("components", &params.components);
    data.set("metadata", &params.metadata.clone().unwrap_or_default());
    data.set("registeredAt", &since);
    data.to_json()
}

/// Whether somebody sees to a machine as an orphan, or did so last.
pub fn is_claimed(vm: &Lease) -> bool {
    former(vm).is_some()
}

/// What is said about a machine while somebody sees to it: who owned it, too.
pub fn claimed_data(vm: &Lease) -> Json {
    let mut data = Object::parse(&vm.data);
    // One that was claimed before keeps the owner that it had.
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

/// A claimed machine as the orphan that it was; its token stays as high as it is.
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

/// Whether a holder owns a machine: it has not only claimed it.
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
    /// What becomes of a machine, by the state of its lease.
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
    /// What the lease of a machine says now.
    pub fn new(vm: Lease, now: Timestamp, host: &dyn Host) -> Self {
        let status = VmStatus::of(&vm, vm.state(now, vm.liveness(host)));
        // Whoever sees to it does not own it.
        let vm = orphaned(vm);
        let data = Object::parse(&vm.data);
        let metadata = data.get("metadata").map(str::to_owned);
        let metadata = metadata.and_then(|text| Json::parse(text).ok());
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
    /// A session by one of its leases: on its own name, or on its machine.
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
