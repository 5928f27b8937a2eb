//! What the tests of the bridge share: a host with a store of its own, parameters for every
//! operation, and readers of answers.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tenure_bridge::{Call, HostEngine, perform_now};
use tenure_core::store::filter::Trash;
use tenure_core::store::{Capabilities, Changes, History, ListQuery, Scan, SyncStore};
use tenure_core::{Error, Filter, Lift, Limits, MemoryStore, NO_HOST, SessionId, Text};

/// 2026-01-08T18:05:30.000Z.
pub(crate) const NOON: f64 = 1_767_895_530_000.0;

/// A call at noon.
pub(crate) fn call<'a>(name: &'a str, params: &'a str) -> Call<'a> {
    Call {
        name,
        params,
        now: NOON,
        entropy: [7; 16],
        host: &NO_HOST,
    }
}

/// A request of an operation to the host's store.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) operation: u32,
    pub(crate) method: String,
    pub(crate) params: String,
}

/// What crossed to the host.
#[derive(Debug, Clone)]
pub(crate) enum Crossed {
    Ok(String),
    Error(String),
    Need(Request),
}

/// Reads an answer, which has to be well-formed whatever came in.
pub(crate) fn read(answer: &str) -> Crossed {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Done<'a> {
        #[serde(borrow)]
        ok: &'a RawValue,
        #[serde(borrow, default)]
        notices: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Failed {
        error: Failure,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Failure {
        code: String,
        message: Text,
        details: serde_json::Map<String, Value>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Needed<'a> {
        #[serde(borrow)]
        need: Need<'a>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Need<'a> {
        operation: u32,
        method: String,
        #[serde(borrow)]
        params: &'a RawValue,
    }
    if let Ok(done) = serde_json::from_str::<Done<'_>>(answer) {
        for notice in &done.notices {
            let notice: String = serde_json::from_str(notice.get()).unwrap();
            serde_json::from_str::<&RawValue>(&notice).unwrap();
        }
        return Crossed::Ok(done.ok.get().to_owned());
    }
    if let Ok(Needed { need }) = serde_json::from_str(answer) {
        return Crossed::Need(Request {
            operation: need.operation,
            method: need.method,
            params: need.params.get().to_owned(),
        });
    }
    let shown: String = answer.chars().take(500).collect();
    let failed: Failed = serde_json::from_str(answer)
        .unwrap_or_else(|error| panic!("{shown} is no answer: {error}"));
    assert!(
        Error::CODES.contains(&failed.error.code.as_str()),
        "{shown}"
    );
    assert!(!failed.error.message.as_str().is_empty());
    drop(failed.error.details);
    Crossed::Error(failed.error.code)
}

/// The code of an answer that is an error.
pub(crate) fn code(answer: &str) -> Option<String> {
    match read(answer) {
        Crossed::Error(code) => Some(code),
        _ => None,
    }
}

/// The request of an answer that is one.
pub(crate) fn need(answer: &str) -> Request {
    match read(answer) {
        Crossed::Need(request) => request,
        other => panic!("{other:?} is no request"),
    }
}

/// A host with a store of its own, and the engine that runs operations over it.
pub(crate) struct Host {
    pub(crate) engine: HostEngine,
    pub(crate) memory: MemoryStore,
    /// How many heads it sends at a time if it leaves it to the core to pick from them.
    pub(crate) at_a_time: Option<usize>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            engine: HostEngine::new(Limits::default(), Capabilities::default(), 30_000),
            memory: MemoryStore::default(),
            at_a_time: None,
        }
    }
}

impl Host {
    /// The reply of the host's store to a request.
    pub(crate) fn reply(&self, request: &Request) -> String {
        fn get<T: DeserializeOwned>(params: &str, key: &str) -> T {
            let members: std::collections::BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(params).unwrap();
            serde_json::from_str(members[key].get()).unwrap()
        }
        let params = request.params.as_str();
        let ok = match request.method.as_str() {
            "load" => {
                let id: SessionId = get(params, "id");
                let history: History = get(params, "history");
                serde_json::to_string(&self.memory.load(&id, history).unwrap())
            }
            "commit" => {
                let changes: Changes = get(params, "changes");
                serde_json::to_string(&self.memory.commit(&changes).unwrap())
            }
            "list" => {
                let query: ListQuery = get(params, "query");
                match self.at_a_time {
                    Some(number) => serde_json::to_string(&self.ordered(&query, number)),
                    None => serde_json::to_string(&self.memory.list(&query).unwrap()),
                }
            }
            "record" => {
                let (kind, key): (String, String) = (get(params, "kind"), get(params, "key"));
                serde_json::to_string(&self.memory.record(&kind, &key).unwrap())
            }
            "scan" => {
                let scan: Scan = get(params, "scan");
                serde_json::to_string(&self.memory.scan(&scan).unwrap())
            }
            other => panic!("no store has a method {other}"),
        };
        format!(r#"{{"ok":{}}}"#, ok.unwrap())
    }

    /// The next heads in the order of a query, whether it means them or not.
    pub(crate) fn ordered(&self, query: &ListQuery, number: usize) -> Value {
        let everything = ListQuery {
            filter: Filter {
                trash: Trash::Include,
                ..Filter::default()
            },
            offset: 0,
            limit: number as u32,
            max_bytes: u64::MAX,
            ..query.clone()
        };
        let page = self.memory.list(&everything).unwrap();
        json!({"ordered": page.heads, "more": page.more})
    }

    /// Runs an operation to its end. `bend` may change a reply; it is told which one it is.
    pub(crate) fn run(
        &self,
        call: Call<'_>,
        mut bend: impl FnMut(usize, &Request, String) -> String,
    ) -> String {
        let mut answer = self.engine.start(call);
        for turn in 0.. {
            assert!(turn < 2000, "{} asks for ever", call.name);
            let Crossed::Need(request) = read(&answer) else {
                break;
            };
            let reply = bend(turn, &request, self.reply(&request));
            answer = self.engine.resume(request.operation, reply);
        }
        answer
    }

    /// Runs an operation to its end.
    pub(crate) fn perform(&self, call: Call<'_>) -> String {
        self.run(call, |_, _, reply| reply)
    }

    /// The result of an operation that succeeds.
    pub(crate) fn ok(&self, name: &str, params: Value) -> Value {
        let answer = self.perform(call(name, &params.to_string()));
        match read(&answer) {
            Crossed::Ok(value) => serde_json::from_str(&value).unwrap(),
            other => panic!("{name} {params}: {other:?}"),
        }
    }
}

/// A session `s` with a few events, one that is completed and one in the trash.
pub(crate) fn populated() -> Host {
    let host = Host::default();
    let perform = |name: &str, params: Value| {
        let store = Lift(&host.memory);
        let answer = perform_now(&store, &Limits::default(), call(name, &params.to_string()));
        assert!(answer.starts_with("{\"ok\":"), "{answer}");
    };
    for id in ["s", "done", "gone"] {
        perform(
            "start",
            json!({"id": id, "task": "t", "mode": "m", "maxIterations": 9}),
        );
    }
    for _ in 0..3 {
        perform("incrementIteration", json!({"id": "s"}));
    }
    perform("complete", json!({"id": "done"}));
    perform("trash", json!({"id": "gone"}));
    host
}

/// Every operation with parameters that have every member, all of them right.
pub(crate) fn examples() -> Vec<(&'static str, Value)> {
    let filter = json!({
        "userId": "u", "channelId": "c", "mode": "m", "status": ["active"], "phase": ["planning"],
        "parentId": "p", "taskIds": ["t"], "slotPhase": ["plan"], "model": "m",
        "createdAfter": 0, "createdBefore": "2030-01-01", "updatedAfter": 0,
        "updatedBefore": "2030-01-01T00:00:00Z", "text": "t", "trash": "include"
    });
    let with = |base: &Value, more: Value| {
        let mut all = base.clone();
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    let one = json!({"id": "s"});
    let anywhere = json!({"id": "s", "trash": "include"});
    let change = |more: Value| {
        with(
            &json!({"id": "s", "ifVersion": 4, "idempotencyKey": "k"}),
            more,
        )
    };
    let stamp = |there: Value| {
        json!([{
            "what": "session", "key": "s", "version": 1, "createdAt": 0, "events": 1,
            "head": "h", "history": null, "owner": null, "ownerHead": null, "there": there
        }])
        .to_string()
    };
    let page = stamp(json!({"unreadable": false, "events": 0, "history": "", "overwrite": false}));
    let wanted = stamp(json!({"unreadable": true, "events": 0, "history": "h", "overwrite": true}));
    let record = json!({"kind": "k", "key": "k", "version": 1, "body": ""});
    let chunk = json!([{"unreadable": true, "replace": true, "session": null, "record": record}]);
    let chunk = chunk.to_string();
    let imported = r#"{"id":"s","mode":"m","task":"t","status":"active","createdAt":0}"#;
    vec![
        (
            "start",
            json!({
                "task": "t", "mode": "m", "id": "new", "userId": "u", "channelId": "c",
                "workspace": "w", "maxIterations": 3, "context": {"a": 1}, "metadata": {"b": 2},
                "paused": true, "pauseReason": "r", "idempotencyKey": "k"
            }),
        ),
        ("get", with(&one, json!({"history": 2, "trash": "include"}))),
        (
            "update",
            change(json!({
                "task": "t", "mode": "m", "workspace": "w", "userId": "u", "channelId": null,
                "maxIterations": 10, "context": {"a": 1}, "metadata": {"b": 2}
            })),
        ),
        ("pause", change(json!({"reason": "r"}))),
        (
            "resume",
            change(json!({
                "addIterations": 1, "ifActive": "keep", "ifExhausted": "timeout", "holder": "h"
            })),
        ),
        (
            "complete",
            change(json!({"result": "r", "ifFinished": "keep"})),
        ),
        ("fail", change(json!({"error": "e", "ifFinished": "keep"}))),
        ("abandon", change(json!({"reason": "r"}))),
        (
            "addEvent",
            change(json!({"type": "note", "data": {"a": 1}})),
        ),
        (
            "addEvents",
            change(json!({"events": [{"type": "note", "data": {"a": 1}}]})),
        ),
        ("incrementIteration", change(json!({"data": {"a": 1}}))),
        (
            "recordToolCall",
            change(json!({"tool": "t", "args": [1], "result": 2})),
        ),
        (
            "recordLearning",
            change(json!({"insight": "i", "expertiseFile": "f"})),
        ),
        (
            "recordUsage",
            change(json!({"tokens": {"prompt": 1, "completion": 2}, "cost": 0.1})),
        ),
        (
            "updateContext",
            change(json!({"context": {"a": 1}, "replace": false})),
        ),
        ("context", anywhere.clone()),
        ("events", with(&one, json!({"after": 1, "limit": 2}))),
        (
            "list",
            with(
                &filter,
                json!({
                    "orderBy": "updatedAt", "direction": "asc", "limit": 2, "offset": 0,
                    "cursor": "ua.0.a"
                }),
            ),
        ),
        ("stats", filter),
        ("delete", anywhere.clone()),
        ("trash", change(json!({}))),
        ("restore", change(json!({}))),
        (
            "cleanup",
            json!({
                "maxAge": "0s", "measure": "created", "status": ["active", "completed"],
                "permanent": false, "dryRun": false
            }),
        ),
        ("cleanupRecords", json!({"keepAudit": 0, "dryRun": false})),
        (
            "purge",
            json!({
                "olderThan": 0, "ids": ["s", "t", "gone"], "limit": 2, "cursor": "ca.0.a",
                "dryRun": false
            }),
        ),
        ("trashMany", json!({"ids": ["s", "nobody", "../x", "done"]})),
        ("restoreMany", json!({"ids": ["s", "t", "nobody"]})),
        ("deleteMany", json!({"ids": ["t", "nobody"]})),
        ("export", anywhere.clone()),
        ("import", json!({"text": imported})),
        (
            "override",
            change(json!({"updates": {"status": "failed", "error": "e"}})),
        ),
        ("save", json!({"text": imported, "ifVersion": 1})),
        (
            "fork",
            with(
                &one,
                json!({
                    "newId": "f", "atSequence": 2, "task": "t", "maxIterations": 9,
                    "context": {"a": 1}
                }),
            ),
        ),
        ("isResumable", anywhere.clone()),
        ("progress", anywhere.clone()),
        ("duration", anywhere),
        ("copyPage", json!({"after": "ca.0.a", "whole": true})),
        ("copyCompare", json!({"page": page, "overwrite": true})),
        ("copyRead", json!({"wanted": wanted})),
        ("copyWrite", json!({"chunk": chunk})),
        ("importWanted", json!({"path": "a/b/session.json"})),
        (
            "importFile",
            json!({
                "path": "a/b/session.json", "text": imported, "modifiedAt": 0, "dryRun": false
            }),
        ),
        (
            "agentCreate",
            json!({
                "agentName": "a", "purpose": "p", "metadata": {"a": 1}, "id": "new",
                "maxIterations": 3, "idempotencyKey": "k"
            }),
        ),
        (
            "agentUpdate",
            change(json!({
                "phase": "planning", "metadata": {"a": 1}, "error": "e", "resumeReady": true,
                "summary": "s"
            })),
        ),
        ("agentGet", one.clone()),
        (
            "agentFinalize",
            change(json!({"outcome": "completed", "summary": "s"})),
        ),
        (
            "agentList",
            json!({
                "activeOnly": true, "resumable": true, "agentName": "a", "limit": 2,
                "cursor": "cd.0.a", "idle": "30m", "maxErrors": 3
            }),
        ),
        (
            "shouldResume",
            with(&one, json!({"idle": "30m", "maxErrors": 3})),
        ),
        ("agentCleanup", json!({"maxIdle": "0s", "dryRun": false})),
        (
            "agentStats",
            json!({"agentName": "a", "storage": true, "within": "1d"}),
        ),
        (
            "hookPreDelegate",
            json!({"input": r#"{"agent_id": "s"}"#, "idle": "30m", "maxErrors": 3}),
        ),
        ("hookSubagentStop", json!({"input": r#"{"agent_id": "s"}"#})),
        (
            "requestApproval",
            change(json!({"reason": "r", "metadata": {"a": 1}})),
        ),
        ("approve", change(json!({"by": "b", "reason": "r"}))),
        ("deny", change(json!({"by": "b", "reason": "r"}))),
        (
            "leaseAcquire",
            json!({
                "key": "k", "holder": "h", "leaseDurationMs": 1000, "data": {"a": 1}, "once": true
            }),
        ),
        (
            "leaseRenew",
            json!({
                "key": "k", "holder": "h", "token": 1, "leaseDurationMs": 1000,
                "data": {"a": 1}
            }),
        ),
        (
            "leaseRelease",
            json!({"key": "k", "holder": "h", "token": 1}),
        ),
        (
            "leaseTransfer",
            json!({
                "key": "k", "holder": "h", "token": 1, "to": "h", "leaseDurationMs": "1s"
            }),
        ),
        ("leaseGet", json!({"key": "k"})),
        (
            "leaseList",
            json!({"prefix": "k", "state": "held", "limit": 2, "cursor": "a"}),
        ),
        ("leaseClear", json!({"prefix": "k"})),
        ("processRegister", json!({"holder": "h"})),
        (
            "vmRegister",
            json!({
                "vmId": "v", "zone": "z", "components": ["c"], "metadata": {"a": 1},
                "holder": "h"
            }),
        ),
        ("vmMine", json!({"holder": "h"})),
        ("vmUnregister", json!({"vmId": "v", "holder": "h"})),
        ("activeSessions", json!({"limit": 2, "after": "a"})),
        ("staleCleanup", json!({"dryRun": false})),
        ("orphans", json!({"limit": 2, "after": "a"})),
        (
            "orphanClaim",
            json!({"vmId": "v", "holder": "h", "leaseDurationMs": 1000}),
        ),
        (
            "orphanDone",
            json!({"vmId": "v", "token": 1, "success": true}),
        ),
        (
            "dedupCheck",
            json!({
                "eventType": "push", "workflow": "w", "commitSha": "0123456789", "key": "run",
                "symmetric": true
            }),
        ),
        (
            "dedupRegister",
            json!({
                "key": "run", "eventType": "pull_request", "workflow": "w", "runId": "1",
                "runAttempt": 2, "commitSha": "0123456789", "window": "5m", "prWindow": "1h",
                "symmetric": true
            }),
        ),
        (
            "dedupAdmit",
            json!({
                "eventType": "push", "workflow": "w", "runId": "1", "runAttempt": 2,
                "commitSha": "0123456789", "key": "run", "window": "5m", "prWindow": "1h",
                "keep": "10m", "symmetric": true
            }),
        ),
        (
            "dedupCleanup",
            json!({"key": "run", "runId": "1", "runAttempt": 2}),
        ),
        (
            "dedupAudit",
            json!({
                "key": "run", "eventType": "push", "workflow": "w", "runId": "1",
                "runAttempt": 2, "commitSha": "0123456789", "executed": true,
                "jobStatus": "success"
            }),
        ),
        (
            "dedupList",
            json!({"prefix": "r", "ended": true, "limit": 2, "cursor": "a"}),
        ),
        ("dedupClear", json!({"prefix": "r", "ended": true})),
        (
            "auditLog",
            json!({
                "after": 0, "before": "2030-01-01", "kind": "dedup", "subject": "run",
                "limit": 2, "cursor": "2"
            }),
        ),
        (
            "auditDay",
            json!({"date": "2026-01-08", "limit": 2, "cursor": "2"}),
        ),
        ("auditPurge", json!({"olderThan": "30d", "dryRun": false})),
        (
            "startInSlot",
            json!({
                "taskId": "t", "phase": "plan",
                "model": {"name": "m", "version": "1", "params": {"a": 1}, "significant": ["a"]},
                "task": "t", "mode": "m", "id": "new", "userId": "u", "channelId": "c",
                "workspace": "w", "maxIterations": 3, "context": {"a": 1}, "metadata": {"b": 2},
                "paused": true, "pauseReason": "r", "onModelChange": "confirm",
                "confirm": {"id": "s", "version": 1}, "rerun": true, "exportOld": true,
                "locking": "pessimistic"
            }),
        ),
        (
            "startInSlots",
            json!({"starts": [
                {"taskId": "t", "phase": "run", "model": "a", "task": "t", "mode": "m"},
                {"taskId": "u", "phase": "run", "model": "a", "task": "t", "mode": "m", "id": "s"},
                {"taskId": "", "phase": "run", "model": "a", "task": "t", "mode": "m"}
            ]}),
        ),
        ("latestSession", json!({"taskId": "t", "phase": "run"})),
        ("slots", json!({"taskIds": ["t"]})),
        ("slotPhase", json!({"title": "Plan: t"})),
    ]
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// How much of a long test runs: 0.1 is a quick test, 1 a thorough one.
pub(crate) fn scaled(count: f64) -> usize {
    let scale = std::env::var("TENURE_TEST_SCALE").ok();
    let scale: f64 = scale.and_then(|scale| scale.parse().ok()).unwrap_or(0.1);
    (count * scale).ceil() as usize
}
