//! Helpers for the tests of the bridge: a host with its own store, parameters for every operation,
//! and parsers of answers.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

use tenure_bridge::{Call, HostEngine, TABLE, perform};
use tenure_core::store::feed::FeedQuery;
use tenure_core::store::filter::Trash;
use tenure_core::store::{Capabilities, Changes, History, ListQuery, Scan, SyncStore};
use tenure_core::work::operation::{AnyOperation, Group};
use tenure_core::{Error, Filter, Limits, MemoryStore, NoHost, SessionId, Text};

/// 2026-01-08T18:05:30.000Z.
pub(crate) const NOON: f64 = 1_767_895_530_000.0;

/// A call at noon.
pub(crate) fn call<'a>(name: &'a str, params: &'a str) -> Call<'a> {
    Call {
        name,
        params,
        now: NOON,
        entropy: [7; 16].into(),
        host: Arc::new(NoHost),
        answers: None,
        trace: None,
    }
}

/// Performs an operation over a synchronous store.
pub(crate) fn perform_sync(store: &MemoryStore, call: Call<'_>) -> String {
    perform(store, Arc::default(), &call)
}

/// A request of an operation to the host's store.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) operation: u32,
    pub(crate) method: String,
    pub(crate) params: String,
}

/// A parsed answer of the bridge.
#[derive(Debug, Clone)]
pub(crate) enum Parsed {
    Ok(String),
    Error(String),
    Need(Request),
}

/// Parses an answer, which must be well-formed for every input.
pub(crate) fn read(answer: &str) -> Parsed {
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
        return Parsed::Ok(done.ok.get().to_owned());
    }
    if let Ok(Needed { need }) = serde_json::from_str(answer) {
        return Parsed::Need(Request {
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
    Parsed::Error(failed.error.code)
}

/// The code of an error answer.
pub(crate) fn code(answer: &str) -> Option<String> {
    match read(answer) {
        Parsed::Error(code) => Some(code),
        _ => None,
    }
}

/// The request in an answer that makes one.
pub(crate) fn need(answer: &str) -> Request {
    match read(answer) {
        Parsed::Need(request) => request,
        other => panic!("{other:?} is no request"),
    }
}

/// A host with its own store, and the engine that runs operations over it.
pub(crate) struct Host {
    pub(crate) engine: HostEngine,
    pub(crate) memory: MemoryStore,
    /// The number of heads in a batch, if the host leaves filtering to the core.
    pub(crate) batch: Option<usize>,
}

impl Default for Host {
    fn default() -> Self {
        let with_feed = Capabilities {
            feed: true,
            ..Capabilities::default()
        };
        Self {
            engine: HostEngine::new(Limits::default(), with_feed, 30_000),
            memory: MemoryStore::default(),
            batch: None,
        }
    }
}

impl Host {
    /// The reply of the host's store to a request.
    pub(crate) fn reply(&self, request: &Request) -> String {
        fn get<T: DeserializeOwned>(params: &str, key: &str) -> T {
            let properties: std::collections::BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(params).unwrap();
            serde_json::from_str(properties[key].get()).unwrap()
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
                match self.batch {
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
            "feed" => {
                let query: FeedQuery = get(params, "query");
                serde_json::to_string(&self.memory.feed(&query).unwrap())
            }
            "sleep" => Ok("null".to_owned()),
            other => panic!("no store has a method {other}"),
        };
        format!(r#"{{"ok":{}}}"#, ok.unwrap())
    }

    /// The next heads in the order of a query, without its filter.
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

    /// Runs an operation to its end. `alter` receives the index of each reply and may change the
    /// reply.
    pub(crate) fn run(
        &self,
        call: Call<'_>,
        mut alter: impl FnMut(usize, &Request, String) -> String,
    ) -> String {
        let name = call.name.to_owned();
        let mut answer = self.engine.start(call);
        for turn in 0.. {
            assert!(turn < 2000, "{name} asks for ever");
            let Parsed::Need(request) = read(&answer) else {
                break;
            };
            let reply = alter(turn, &request, self.reply(&request));
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
            Parsed::Ok(value) => serde_json::from_str(&value).unwrap(),
            other => panic!("{name} {params}: {other:?}"),
        }
    }
}

/// A host with a session `s` that has a few events, a completed session, and one in the trash.
pub(crate) fn populated() -> Host {
    let host = Host::default();
    let perform = |name: &str, params: Value| {
        let answer = perform_sync(&host.memory, call(name, &params.to_string()));
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

/// Every operation with the parameters of its sample call, which set every property.
pub(crate) fn samples() -> Vec<(&'static AnyOperation, Value)> {
    let sample = |operation: &'static AnyOperation| {
        let params = serde_json::from_str(operation.signature.sample());
        (operation, params.unwrap())
    };
    TABLE.iter().map(sample).collect()
}

/// As [`samples`], without the tokens of held sessions: nobody holds the sessions of these tests, and a
/// token would be refused before all else.
pub(crate) fn examples() -> Vec<(&'static str, Value)> {
    let without_token = |(operation, mut params): (&'static AnyOperation, Value)| {
        if matches!(operation.group, Group::Sessions | Group::Agents) {
            params.as_object_mut().unwrap().remove("token");
        }
        (operation.name(), without_exclusive(params))
    };
    samples().into_iter().map(without_token).collect()
}

/// A sample call without what is refused beside `ids`: it has every property.
pub(crate) fn without_exclusive(mut params: Value) -> Value {
    let properties = params.as_object_mut().unwrap();
    if properties.contains_key("ids") {
        for name in ["limit", "cursor"] {
            properties.remove(name);
        }
    }
    params
}

/// Pseudo-random numbers from a seed.
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

    /// Returns true with a probability of 1 in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The number of cases at the scale of this run: 0.1 is a quick test, 1 a thorough one.
pub(crate) fn scaled(count: f64) -> usize {
    let scale = std::env::var("TENURE_TEST_SCALE").ok();
    let scale: f64 = scale.and_then(|scale| scale.parse().ok()).unwrap_or(0.1);
    (count * scale).ceil() as usize
}
