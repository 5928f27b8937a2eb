//! Calls of operations: what the server answers is what the bridge answers.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tenure_bridge::{Answer, Call, TABLE, answer};
use tenure_core::work::operation::{Access, Group};
use tenure_core::{Error, NoHost};
use tenure_host::Executor;

use crate::support::{Connection, Running, environment, head, json as json_headers, open, options};

/// Every operation with its sample call. No session is held, so that a token would be refused first.
fn samples() -> Vec<(&'static str, Value)> {
    let sample = |operation: &'static tenure_core::work::operation::AnyOperation| {
        let mut params: Value = serde_json::from_str(operation.signature.sample()).unwrap();
        let properties = params.as_object_mut().unwrap();
        if matches!(operation.group, Group::Sessions | Group::Agents) {
            properties.remove("token");
        }
        // These are refused beside ids.
        if properties.contains_key("ids") {
            properties.remove("limit");
            properties.remove("cursor");
        }
        (operation.name(), params)
    };
    TABLE.iter().filter(is_for_clients).map(sample).collect()
}

/// Whether clients may call an operation. A server records its metrics itself.
fn is_for_clients(operation: &&'static tenure_core::work::operation::AnyOperation) -> bool {
    operation.group != Group::Metrics || operation.access == Access::Read
}

/// The answer of the bridge.
fn bridged(executor: &Executor, name: &str, params: &str, (now, bits): (f64, String)) -> Answer {
    let call = Call {
        name,
        params,
        now,
        entropy: tenure_bridge::entropy(now, Some(&bits), getrandom_is_not_used).unwrap(),
        host: Arc::new(NoHost),
        answers: None,
        trace: None,
    };
    match call.invocation(Arc::default()) {
        Ok(invocation) => answer::of(executor.run(invocation)),
        Err(error) => answer::error(&error),
    }
}

fn getrandom_is_not_used(_: &mut [u8]) -> Result<(), String> {
    Err("the bits are given".to_owned())
}

fn without_reference(answer: &str) -> Value {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    if let Some(details) = answer.pointer_mut("/error/details") {
        details.as_object_mut().unwrap().remove("reference");
    }
    answer
}

/// Every operation is called over a store, by the server and by the bridge.
fn answers_are_those_of_the_bridge(served: Executor, direct: &Executor) {
    let running = Running::over(served, options());
    let environment = environment();
    let mut succeeded = 0;
    let sessions = ["s", "t", "a"].map(|id| ("start", json!({"id": id, "task": "t", "mode": "m"})));
    let mut connection = Connection::to(running.address());
    for (name, params) in sessions.into_iter().chain(samples()).chain(samples()) {
        let params = params.to_string();
        let path = format!("/v1/{name}");
        let host = running.host();
        connection.write(head("POST", &path, &host, &json_headers(), params.len()) + &params);
        let reply = connection.reply().unwrap();
        let expected = bridged(direct, name, &params, environment());
        let code = without_reference(&expected)["error"]["code"]
            .as_str()
            .map(str::to_owned);
        match code.and_then(|code| Error::class_of(&code)) {
            None => {
                assert_eq!((reply.status, &reply.body), (200, &expected), "{name}");
                succeeded += 1;
            }
            Some(class) => {
                assert_eq!(reply.status, class.http_status(), "{name}: {expected}");
                assert_eq!(
                    without_reference(&reply.body),
                    without_reference(&expected),
                    "{name}"
                );
            }
        }
    }
    assert!(succeeded > 60, "{succeeded}");
}

#[test]
fn calls_over_a_store_in_memory_answer_what_the_bridge_answers() {
    answers_are_those_of_the_bridge(open("memory:"), &open("memory:"));
}

#[test]
fn calls_over_sqlite_answer_what_the_bridge_answers() {
    let folder = TempDir::new().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    answers_are_those_of_the_bridge(open(&url("a.db")), &open(&url("b.db")));
}

#[test]
fn user_data_keeps_its_text() {
    let running = Running::new();
    let context = r#"{"b":1e400,"a":"\ud800","b2": [ 1.0 ],"__proto__":{}}"#;
    let params = format!(r#"{{"id":"s","task":"t","mode":"m","context":{context}}}"#);
    running.call("start", &params);
    let reply = running.call("get", r#"{"id":"s"}"#);
    assert!(
        reply
            .body
            .contains(r#""b":1e400,"a":"\ud800","b2": [ 1.0 ],"__proto__":{}"#),
        "{reply:?}"
    );
}

#[test]
fn notices_are_passed_on() {
    let running = Running::new();
    running.ok("start", r#"{"id":"s","task":"t","mode":"m"}"#);
    let reply = running.call("pause", r#"{"id":"s"}"#).json();
    let notice = reply["notices"][0].as_str().unwrap();
    assert!(notice.contains(r#""event":"pause""#), "{notice}");
}

#[test]
fn a_client_answers_the_questions_about_models() {
    let running = Running::new();
    let start = r#"{"taskId":"T","phase":"plan","task":"t","mode":"m","id":"s","model":"opus"}"#;
    let call = |answers: &str| {
        let headers = [&json_headers()[..], &[("tenure-models", answers)]].concat();
        running.request("POST", "/v1/startInSlot", &headers, start)
    };
    let asked = call(r#"{"available":[],"missing":[]}"#);
    assert_eq!(asked.status, 200, "{asked:?}");
    assert_eq!(asked.json(), json!({"ask": {"models": ["opus"]}}));
    let missing = call(r#"{"available":[],"missing":["opus"]}"#);
    assert_eq!(missing.failure(), (422, "MODEL_MISSING".to_owned()));
    let started = call(r#"{"available":["opus"],"missing":[]}"#);
    assert_eq!(started.status, 200, "{started:?}");
    let refused = call("no JSON");
    assert_eq!(refused.failure(), (400, "INVALID_ARGUMENT".to_owned()));
    assert_eq!(refused.json()["error"]["details"]["what"], "tenure-models");
}

#[test]
fn what_is_no_call_is_refused() {
    let running = Running::new();
    let refused = [
        ("nothing", "{}", "UNKNOWN_OPERATION"),
        ("list/", "{}", "UNKNOWN_OPERATION"),
        ("../list", "{}", "UNKNOWN_OPERATION"),
        ("list", "[]", "INVALID_ARGUMENT"),
        ("list", "no JSON", "INVALID_ARGUMENT"),
        ("list", r#"{"unknown":1}"#, "INVALID_ARGUMENT"),
        ("pause", "", "INVALID_ARGUMENT"),
    ];
    for (name, params, code) in refused {
        assert_eq!(
            running.call(name, params).failure(),
            (400, code.to_owned()),
            "{name} {params}"
        );
    }
    let unknown = running.call("strat", "{}").json();
    let message = unknown["error"]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "there is no operation named \"strat\"; GET /v1/openapi.json lists the operations"
    );
    assert_eq!(running.call("list", "").status, 200);
    let mut request = head("POST", "/v1/list", &running.host(), &json_headers(), 1).into_bytes();
    request.push(0xff);
    assert_eq!(
        running.raw(request).failure(),
        (400, "INVALID_ARGUMENT".to_owned())
    );
}

#[test]
fn the_server_tells_its_version_and_what_its_store_can_do() {
    let about = Running::new().get("/v1").json();
    assert_eq!(about["ok"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["ok"]["readOnly"], false);
    assert!(about["ok"].get("models").is_none());
    assert_eq!(about["ok"]["capabilities"]["feed"], true);
    assert!(about["ok"]["capabilities"].is_object());
}

#[test]
fn the_description_is_served() {
    let reply = Running::new().get("/v1/openapi.json");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, tenure_server::openapi::text());
    assert_eq!(reply.json()["openapi"], "3.1.0");
}

/// Some examples name what an empty store has not; none is a call that no server performs.
#[test]
fn no_example_of_the_description_is_malformed() {
    let running = Running::new();
    let description: Value = serde_json::from_str(tenure_server::openapi::text()).unwrap();
    let refused = TABLE.iter().filter(is_for_clients).filter_map(|operation| {
        let name = operation.name();
        let request = &description["paths"][format!("/v1/{name}")]["post"]["requestBody"];
        let example = &request["content"]["application/json"]["example"];
        let reply = running.call(name, &example.to_string());
        // It forks at an event that the session has not.
        let is_of_another_store = name == "fork";
        (reply.status == 400 && !is_of_another_store).then(|| format!("{name}: {}", reply.body))
    });
    assert_eq!(refused.collect::<Vec<_>>(), Vec::<String>::new());
}
