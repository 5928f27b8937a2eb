//! What the tests of the operations share: a world with a clock of its own, in which operations are
//! called by name with JSON parameters, as every host calls them.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use tenure_core::agent::analytics::AgentStatsParams;
use tenure_core::agent::params::*;
use tenure_core::agent::resume::ShouldResumeParams;
use tenure_core::apps::dedup::params::*;
use tenure_core::apps::folders::ImportFileParams;
use tenure_core::apps::hooks::{HookPreDelegateParams, HookSubagentStopParams};
use tenure_core::audit::params::*;
use tenure_core::lease::params::{LeaseAcquireParams, LeaseClearParams};
use tenure_core::session::params::*;
use tenure_core::session::replies::Done;
use tenure_core::slot::params::*;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::json::Object;
use tenure_core::value::properties::Params;
use tenure_core::{
    Environment, Error, Json, Lift, Limits, MemoryStore, NO_HOST, Result, Service, Store, Timestamp,
};

/// 2026-01-08T18:05:30.000Z: where clocks begin.
pub(crate) const NOON: i64 = 1_767_895_530_000;

/// The result of an operation and what the outside world is told, as the JSON texts that cross to a
/// host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) value: String,
    pub(crate) notices: String,
}

/// The end of a future that waits for nothing.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the operation waits for something"),
    }
}

/// Calls an operation by its name.
pub(crate) async fn call(
    service: Service<'_>,
    now: Timestamp,
    entropy: u128,
    name: &str,
    params: &str,
) -> Result<Said> {
    let environment = Environment {
        now,
        entropy: entropy.to_le_bytes(),
        fingerprint: fingerprint(name, params),
        host: &NO_HOST,
    };
    macro_rules! operations {
        ($($name:literal => $method:ident($params:ty),)*) => {
            match name {
                $($name => {
                    let params = <$params>::read(name, params)?;
                    said(service.$method(&environment, params).await?)
                })*
                _ => panic!("there is no operation {name}"),
            }
        };
    }
    operations! {
        "start" => start(StartParams),
        "get" => get(GetParams),
        "update" => update(UpdateParams),
        "pause" => pause(PauseParams),
        "resume" => resume(ResumeParams),
        "complete" => complete(CompleteParams),
        "fail" => fail(FailParams),
        "abandon" => abandon(AbandonParams),
        "addEvent" => add_event(AddEventParams),
        "addEvents" => add_events(AddEventsParams),
        "incrementIteration" => increment_iteration(IncrementIterationParams),
        "recordToolCall" => record_tool_call(RecordToolCallParams),
        "recordLearning" => record_learning(RecordLearningParams),
        "recordUsage" => record_usage(RecordUsageParams),
        "updateContext" => update_context(UpdateContextParams),
        "context" => context(IdParams),
        "events" => events(EventsParams),
        "list" => list(ListParams),
        "stats" => stats(StatsParams),
        "delete" => delete(IdParams),
        "trash" => trash(ChangeOnly),
        "restore" => restore(ChangeOnly),
        "cleanup" => cleanup(CleanupParams),
        "cleanupRecords" => cleanup_records(CleanupRecordsParams),
        "purge" => purge(PurgeParams),
        "trashMany" => trash_many(ManyParams),
        "restoreMany" => restore_many(ManyParams),
        "deleteMany" => delete_many(ManyParams),
        "export" => export(IdParams),
        "import" => import(ImportParams),
        "override" => overrule(OverrideParams),
        "save" => save(SaveParams),
        "fork" => fork(ForkParams),
        "startInSlot" => start_in_slot(StartInSlotParams),
        "startInSlots" => start_in_slots(StartInSlotsParams),
        "latestSession" => latest_session(LatestSessionParams),
        "slots" => slots(SlotsParams),
        "slotPhase" => slot_phase(SlotPhaseParams),
        "isResumable" => is_resumable(IdParams),
        "progress" => progress(IdParams),
        "duration" => duration(IdParams),
        "agentCreate" => agent_create(AgentCreateParams),
        "agentUpdate" => agent_update(AgentUpdateParams),
        "agentGet" => agent_get(AgentGetParams),
        "agentFinalize" => agent_finalize(AgentFinalizeParams),
        "agentList" => agent_list(AgentListParams),
        "shouldResume" => should_resume(ShouldResumeParams),
        "requestApproval" => request_approval(RequestApprovalParams),
        "approve" => approve(ApprovalParams),
        "deny" => deny(ApprovalParams),
        "agentCleanup" => agent_cleanup(AgentCleanupParams),
        "agentStats" => agent_stats(AgentStatsParams),
        "hookPreDelegate" => hook_pre_delegate(HookPreDelegateParams),
        "leaseClear" => lease_clear(LeaseClearParams),
        "leaseAcquire" => lease_acquire(LeaseAcquireParams),
        "hookSubagentStop" => hook_subagent_stop(HookSubagentStopParams),
        "dedupCheck" => dedup_check(DedupCheckParams),
        "dedupRegister" => dedup_register(DedupRegisterParams),
        "dedupAdmit" => dedup_admit(DedupAdmitParams),
        "dedupCleanup" => dedup_cleanup(DedupCleanupParams),
        "dedupAudit" => dedup_audit(DedupAuditParams),
        "dedupList" => dedup_list(DedupListParams),
        "dedupClear" => dedup_clear(DedupClearParams),
        "auditLog" => audit_log(AuditLogParams),
        "auditDay" => audit_day(AuditDayParams),
        "auditPurge" => audit_purge(AuditPurgeParams),
        "importFile" => import_file(ImportFileParams),
    }
}

fn said<T: serde::Serialize>(done: Done<T>) -> Result<Said> {
    Ok(Said {
        value: serde_json::to_string(&done.value).unwrap(),
        notices: serde_json::to_string(&done.notices).unwrap(),
    })
}

/// As a host makes it: of the parameters without what may differ between a call and its repeat.
fn fingerprint(name: &str, params: &str) -> Fingerprint {
    let json = Json::parse(params.to_owned()).unwrap_or_default();
    let mut members = Object::parse(&json);
    members.remove("idempotencyKey");
    members.remove("ifVersion");
    Fingerprint::of(name, members.to_json().as_str())
}

/// How much of a long test runs: 0.1 is a quick test, 1 a thorough one.
pub(crate) fn scale() -> f64 {
    let scale = std::env::var("TENURE_TEST_SCALE").ok();
    scale.and_then(|scale| scale.parse().ok()).unwrap_or(0.1)
}

/// A time, as answers show it.
pub(crate) fn iso(millis: i64) -> String {
    Timestamp::from_millis(millis).unwrap().to_string()
}

/// A store, a clock and the operations.
pub(crate) struct World<S = Lift<MemoryStore>> {
    pub(crate) store: S,
    pub(crate) limits: Limits,
    now: Cell<i64>,
    calls: Cell<u128>,
}

impl Default for World {
    fn default() -> Self {
        Self::over(Lift(MemoryStore::default()))
    }
}

impl<S: Store> World<S> {
    /// A world over this store.
    pub(crate) fn over(store: S) -> Self {
        Self {
            store,
            limits: Limits::default(),
            now: Cell::new(NOON),
            calls: Cell::new(0),
        }
    }

    /// The same world with other limits.
    pub(crate) fn with_limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = self.limits;
        change(&mut limits);
        Self { limits, ..self }
    }

    /// The present.
    pub(crate) fn now(&self) -> i64 {
        self.now.get()
    }

    /// Lets time pass; also backwards.
    pub(crate) fn pass(&self, millis: i64) {
        self.now.set(self.now.get() + millis);
    }

    /// Calls an operation with parameters as text.
    pub(crate) fn raw(&self, name: &str, params: &str) -> Result<Said> {
        self.calls.set(self.calls.get() + 1);
        ready(call(
            Service::new(&self.store, &self.limits),
            Timestamp::from_millis(self.now.get()).unwrap(),
            // Multiplied so that the last digits of ids differ widely.
            self.calls
                .get()
                .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
            name,
            params,
        ))
    }

    /// Calls an operation.
    pub(crate) fn call(&self, name: &str, params: Value) -> Result<Said> {
        self.raw(name, &params.to_string())
    }

    /// The result of an operation that succeeds.
    pub(crate) fn ok(&self, name: &str, params: Value) -> Value {
        let said = self.call(name, params.clone());
        let said = said.unwrap_or_else(|error| panic!("{name} {params}: {error}"));
        serde_json::from_str(&said.value).unwrap()
    }

    /// What the outside world is told by an operation that succeeds.
    pub(crate) fn notices(&self, name: &str, params: Value) -> Value {
        let said = self.call(name, params.clone());
        let said = said.unwrap_or_else(|error| panic!("{name} {params}: {error}"));
        serde_json::from_str(&said.notices).unwrap()
    }

    /// The error of an operation that fails.
    pub(crate) fn error(&self, name: &str, params: Value) -> Error {
        match self.call(name, params.clone()) {
            Ok(said) => panic!("{name} {params} succeeds: {}", said.value),
            Err(error) => error,
        }
    }

    /// The code of the error of an operation that fails.
    pub(crate) fn code(&self, name: &str, params: Value) -> &'static str {
        self.error(name, params).code()
    }

    /// The id of a new session: task `task`, mode `developer`, and what is given.
    pub(crate) fn start(&self, params: Value) -> String {
        let mut all = json!({"task": "task", "mode": "developer"});
        all.as_object_mut()
            .unwrap()
            .extend(params.as_object().unwrap().clone());
        self.ok("start", all)["id"].as_str().unwrap().to_owned()
    }

    /// A session with its whole history.
    pub(crate) fn session(&self, id: &str) -> Value {
        self.ok("get", json!({"id": id, "history": "all"}))
    }

    /// A session's last event.
    pub(crate) fn last_event(&self, id: &str) -> Value {
        self.ok("get", json!({"id": id, "history": 1}))["history"][0].clone()
    }

    /// A session as text.
    pub(crate) fn export(&self, id: &str) -> String {
        let text = self.ok("export", json!({"id": id}));
        text.as_str().unwrap().to_owned()
    }
}
