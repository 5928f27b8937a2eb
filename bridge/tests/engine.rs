//! Operations over a store of the host: they have the same results as over other stores, run
//! concurrently, and leave nothing pending.

use std::sync::Arc;

use crate::support::{
    Host, NOON, Parsed, Random, call, code, examples, need, perform_sync, populated, read, samples,
    scaled,
};
use serde_json::{Value, json};
use tenure_bridge::{Call, TABLE};
use tenure_core::store::feed::FeedQuery;
use tenure_core::store::filter::Trash;
use tenure_core::store::{ListQuery, SyncStore};
use tenure_core::{Filter, History, MemoryStore, NoHost, Order, SessionId};

#[test]
fn every_operation_has_an_example_with_every_property() {
    let store = MemoryStore::default();
    assert_eq!(samples().len(), TABLE.iter().count());
    for (operation, params) in samples() {
        let name = operation.name();
        let mut more = params.clone();
        more["?"] = json!(1);
        let answer = perform_sync(&store, call(name, &more.to_string()));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let said = answer["error"]["message"].as_str().unwrap();
        let known = said
            .split("expected ")
            .nth(1)
            .unwrap_or_else(|| panic!("{name}: {said}"));
        let mut known: Vec<&str> = known.split(", ").map(|key| key.trim_matches('`')).collect();
        known.sort_unstable();
        let mut properties: Vec<&String> = params.as_object().unwrap().keys().collect();
        properties.sort_unstable();
        assert_eq!(properties, known, "{name}");
    }
}

/// Operations that commit in several steps.
const SEVERAL_COMMITS: [&str; 4] = ["cleanup", "purge", "cleanupRecords", "startInSlots"];

/// A value for a property: the one of the example, or a random one.
fn varied(random: &mut Random, key: &str, example: &Value) -> Value {
    let ids = ["s", "s", "s", "t", "done", "nobody", "../x"];
    match key {
        "id" | "newId" | "parentId" => json!(random.one_of(&ids)),
        "ifVersion" => json!(random.below(6)),
        "token" => json!(random.below(4)),
        "holder" | "to" => json!(random.one_of(&["h", "i"])),
        "idempotencyKey" => json!(random.one_of(&["k", "l", ""])),
        "type" => {
            json!(random.one_of(&["note", "pause", "resume", "complete", "timeout", "start"]))
        }
        "cursor" => Value::Null,
        "maxIterations" | "addIterations" => json!(random.below(5)),
        "history" => random
            .one_of(&[json!("all"), json!("none"), json!(2)])
            .clone(),
        "trash" => json!(random.one_of(&["include", "exclude", "only"])),
        "status" => random
            .one_of(&[json!("active"), json!(["completed", "paused"])])
            .clone(),
        "context" | "data" | "metadata" => random
            .one_of(&[
                json!({}),
                json!({"a": {"b": [1]}}),
                json!({"tool": "x", "cost": 1}),
                json!([]),
            ])
            .clone(),
        _ => example.clone(),
    }
}

#[test]
fn every_operation_gives_the_same_result_over_the_hosts_store() {
    let examples = examples();
    for seed in 0..scaled(300.0) {
        let mut random = Random(seed as u64);
        let host = Host {
            batch: random.once_in(2).then(|| 1 + random.below(5)),
            ..Host::default()
        };
        let store = MemoryStore::default();
        for step in 0..60 {
            let (name, example) = match random.below(4) {
                0 => examples[0].clone(),
                _ => random.one_of(&examples).clone(),
            };
            let mut params = json!({});
            for (key, value) in example.as_object().unwrap() {
                let needed = [
                    "id",
                    "task",
                    "mode",
                    "type",
                    "events",
                    "tool",
                    "insight",
                    "text",
                    "key",
                    "holder",
                    "token",
                    "to",
                    "vmId",
                    "zone",
                    "components",
                    "success",
                    "ids",
                    "starts",
                ];
                let needed =
                    needed.contains(&key.as_str()) || key == "maxAge" || key == "olderThan";
                if needed && !random.once_in(50) || random.once_in(4) {
                    params[key] = varied(&mut random, key, value);
                }
            }
            let params = params.to_string();
            let call = Call {
                name,
                params: &params,
                now: NOON + random.below(5000) as f64,
                entropy: (step as u128 + 1)
                    .wrapping_mul(u128::MAX / 61)
                    .to_le_bytes()
                    .into(),
                host: Arc::new(NoHost),
                answers: None,
                trace: None,
            };
            let expected = perform_sync(&store, call.clone());
            let driven = host.perform(call);
            assert_eq!(
                driven, expected,
                "seed {seed}, step {step}: {name} {params}"
            );
            assert_eq!(host.engine.pending(), 0);
        }
        assert_eq!(
            format!("{:?}", host.memory),
            format!("{store:?}"),
            "seed {seed}"
        );
        let whole = FeedQuery {
            after: Some(0),
            limit: u32::MAX,
        };
        assert_eq!(host.memory.feed(&whole), store.feed(&whole), "seed {seed}");
    }
}

#[test]
fn hostile_json_passes_through_the_hosts_store_unchanged() {
    let host = Host::default();
    let data = r#"{"\ud800":"\udc00","a":1e400,"b":-0,"":12345678901234567890,"a":"\u0000"}"#;
    let start = format!(r#"{{"id":"s","task":"t","mode":"m","context":{data},"metadata":{data}}}"#);
    host.perform(call("start", &start));
    let add = format!(r#"{{"id":"s","type":"note","data":{data}}}"#);
    host.perform(call("addEvent", &add));
    let answer = host.perform(call("get", r#"{"id":"s","history":1}"#));
    assert!(
        answer.contains(&format!(r#""context":{data},"metadata":{data},"#)),
        "{answer}"
    );
    assert!(answer.contains(&format!(r#""data":{data}}}]"#)), "{answer}");
}

#[test]
fn the_error_of_a_cancelled_operation_shows_whether_it_may_have_written() {
    for (name, params) in examples() {
        // Cancels at the first request, at the second request, and so on.
        for turns in 0.. {
            let host = populated();
            let before = format!("{:?}", host.memory);
            let text = params.to_string();
            let mut answer = host.engine.start(call(name, &text));
            for _ in 0..turns {
                if let Parsed::Need(request) = read(&answer) {
                    answer = host.engine.resume(request.operation, host.reply(&request));
                }
            }
            let Parsed::Need(request) = read(&answer) else {
                break;
            };
            assert_eq!(host.engine.pending(), 1);
            let cancelled = host.engine.cancel(request.operation);
            let expected = match request.method.as_str() {
                "commit" => "OUTCOME_UNKNOWN",
                _ => "STORE_TIMEOUT",
            };
            assert_eq!(
                code(&cancelled).unwrap(),
                expected,
                "{name} at {}",
                request.method
            );
            assert_eq!(host.engine.pending(), 0);
            // A late reply has no effect.
            let late = host.engine.resume(request.operation, host.reply(&request));
            assert!(code(&late).is_some());
            assert!(code(&host.engine.cancel(request.operation)).is_some());
            assert_eq!(host.engine.pending(), 0);
            if expected == "STORE_TIMEOUT" && name == "startInSlot" {
                // It may hold a lease, which expires, but it has not started a session.
                let id = SessionId::parse("new").unwrap();
                let started = host.memory.load(&id, History::None).unwrap();
                assert_eq!(started, None, "{name} reported that nothing was written");
            } else if expected == "STORE_TIMEOUT" && !SEVERAL_COMMITS.contains(&name) {
                let after = format!("{:?}", host.memory);
                assert_eq!(after, before, "{name} reported that nothing was written");
            }
        }
    }
}

#[test]
fn a_cancelled_write_can_be_repeated_with_its_idempotency_key() {
    let host = populated();
    let params = r#"{"id":"s","type":"note","idempotencyKey":"k"}"#;
    // The store performs the commit, but its reply is lost.
    let mut answer = host.engine.start(call("addEvent", params));
    loop {
        let request = need(&answer);
        let reply = host.reply(&request);
        if request.method == "commit" {
            assert_eq!(
                code(&host.engine.cancel(request.operation)).unwrap(),
                "OUTCOME_UNKNOWN"
            );
            break;
        }
        answer = host.engine.resume(request.operation, reply);
    }
    let again = host.perform(call("addEvent", params));
    assert!(again.contains(r#""replayed":true"#), "{again}");
    assert_eq!(host.ok("get", json!({"id": "s"}))["eventCount"], 5);
}

#[test]
fn operations_may_run_concurrently() {
    for seed in 0..scaled(200.0) {
        let mut random = Random(seed as u64);
        let host = populated();
        let params: Vec<String> = (0..8)
            .map(|n| format!(r#"{{"id":"s","type":"note","data":{{"n":{n}}}}}"#))
            .collect();
        let mut waiting: Vec<_> = params
            .iter()
            .map(|params| need(&host.engine.start(call("addEvent", params))))
            .collect();
        let mut numbers: Vec<usize> = waiting
            .iter()
            .map(|request| request.operation as usize)
            .collect();
        numbers.dedup();
        assert_eq!(numbers.len(), 8, "each has a number of its own");
        while !waiting.is_empty() {
            assert_eq!(host.engine.pending(), waiting.len());
            let request = waiting.swap_remove(random.below(waiting.len()));
            let answer = host.engine.resume(request.operation, host.reply(&request));
            match read(&answer) {
                Parsed::Need(request) => waiting.push(request),
                Parsed::Ok(_) => {}
                Parsed::Error(code) => panic!("{code}"),
            }
        }
        assert_eq!(host.engine.pending(), 0);
        let session = host.ok("get", json!({"id": "s", "history": 8}));
        let mut added: Vec<u64> = session["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["data"]["n"].as_u64().unwrap())
            .collect();
        added.sort_unstable();
        assert_eq!(added, (0..8).collect::<Vec<u64>>());
    }
}

#[test]
fn an_operation_can_be_started_while_another_is_pending() {
    let host = populated();
    let outer = need(&host.engine.start(call("pause", r#"{"id":"s"}"#)));
    // The host's store starts another operation before it replies.
    let inner = host.ok("addEvent", json!({"id": "s", "type": "note"}));
    assert_eq!(inner["version"], 5);
    let mut answer = host.engine.resume(outer.operation, host.reply(&outer));
    while let Parsed::Need(request) = read(&answer) {
        answer = host.engine.resume(request.operation, host.reply(&request));
    }
    assert!(answer.contains(r#""status":"paused""#), "{answer}");
    assert_eq!(host.engine.pending(), 0);
}

#[test]
fn a_reply_to_an_unknown_operation_is_an_error() {
    let host = populated();
    for operation in [0, 1, 7, u32::MAX] {
        assert!(code(&host.engine.resume(operation, r#"{"ok":null}"#.to_owned())).is_some());
        assert!(code(&host.engine.cancel(operation)).is_some());
    }
    let waiting = need(&host.engine.start(call("get", r#"{"id":"s"}"#)));
    assert!(code(&host.engine.cancel(waiting.operation + 1)).is_some());
    assert_eq!(host.engine.pending(), 1);
    let answer = host.engine.resume(waiting.operation, host.reply(&waiting));
    assert!(matches!(read(&answer), Parsed::Ok(_)));
}

#[test]
fn an_operation_refused_for_its_parameters_makes_no_request() {
    let host = Host::default();
    for (name, params, expected) in [
        ("nothing", "{}", "UNKNOWN_OPERATION"),
        ("", "", "UNKNOWN_OPERATION"),
        ("get", "", "INVALID_ARGUMENT"),
        ("get", r#"{"id":"../x"}"#, "INVALID_ID"),
        (
            "start",
            r#"{"task":"t","mode":"m","context":[]}"#,
            "INVALID_ARGUMENT",
        ),
    ] {
        assert_eq!(
            code(&host.engine.start(call(name, params))).unwrap(),
            expected
        );
        assert_eq!(host.engine.pending(), 0);
    }
}

#[test]
fn the_core_can_filter_and_order_all_heads_of_a_store() {
    let host = populated();
    for params in [
        r#"{"limit":1,"direction":"asc"}"#,
        r#"{"status":"completed"}"#,
        r#"{"trash":"only"}"#,
        r#"{"offset":1,"orderBy":"updatedAt"}"#,
        "{}",
    ] {
        let paged = host.perform(call("list", params));
        let left = host.run(call("list", params), |_, _, _| {
            let everything = ListQuery {
                filter: Filter {
                    trash: Trash::Include,
                    ..Filter::default()
                },
                order: Order::default(),
                after: None,
                offset: 0,
                limit: 100,
                max_bytes: u64::MAX,
            };
            let mut heads = host.memory.list(&everything).unwrap().heads;
            heads.reverse();
            json!({"ok": {"all": heads}}).to_string()
        });
        assert_eq!(left, paged, "{params}");
    }
}

#[test]
fn the_core_can_filter_the_ordered_heads_of_a_store() {
    for seed in 0..scaled(150.0) {
        let mut random = Random(seed as u64);
        let mut host = Host::default();
        // Some pages have so much data that they end before their limit.
        let (number, size, turns) = match seed {
            3 => (11, 900_000, 1),
            _ => (random.below(40), 0, 8),
        };
        for n in 0..number {
            let user = random.one_of(&["u", "v"]);
            let context = json!({ "x": "x".repeat(size) });
            let start = json!({
                "id": format!("s{n}"), "task": "t", "mode": "m", "userId": user, "context": context
            });
            let now = NOON + random.below(20) as f64;
            let params = start.to_string();
            let started = host.perform(Call {
                now,
                ..call("start", &params)
            });
            assert!(matches!(read(&started), Parsed::Ok(_)));
            if random.once_in(4) {
                host.ok("trash", json!({"id": format!("s{n}")}));
            }
        }
        for turn in 0..turns {
            let mut params = json!({
                "limit": if turn == 0 { 50 } else { 1 + random.below(12) },
                "direction": random.one_of(&["asc", "desc"]),
                "orderBy": random.one_of(&["createdAt", "updatedAt"]),
                "trash": random.one_of(&["include", "exclude", "only"]),
                "offset": random.below(4),
            });
            if random.once_in(2) {
                params["userId"] = json!("u");
            }
            // Reads all pages of the list.
            loop {
                let text = params.to_string();
                let mut requests = Vec::new();
                host.batch = None;
                let paged = host.perform(call("list", &text));
                let batch = 1 + random.below(15);
                host.batch = Some(batch);
                let filtered = host.run(call("list", &text), |_, request, reply| {
                    requests.push(request.params.clone());
                    reply
                });
                assert_eq!(filtered, paged, "seed {seed}: {text}");
                assert!(requests.len() <= number / batch + 1, "{requests:?}");
                let Parsed::Ok(page) = read(&paged) else {
                    panic!("{paged}");
                };
                let page: Value = serde_json::from_str(&page).unwrap();
                match page.get("nextCursor") {
                    Some(cursor) if !cursor.is_null() => params["cursor"] = cursor.clone(),
                    _ => break,
                }
                params["offset"] = json!(0);
            }
        }
        let stats = host.ok("stats", json!({"trash": "include"}));
        assert_eq!(stats["total"], number);
    }
}

#[test]
fn the_core_requests_larger_batches_when_few_heads_match() {
    let host = Host::default();
    for n in 0..300 {
        host.ok(
            "start",
            json!({"id": format!("s{n:03}"), "task": "t", "mode": "m", "userId": format!("u{}", n % 100)}),
        );
    }
    let mut limits = Vec::new();
    let params = r#"{"userId":"u7","limit":10}"#;
    let answer = host.run(call("list", params), |_, request, _| {
        let params: Value = serde_json::from_str(&request.params).unwrap();
        let query: ListQuery = serde_json::from_value(params["query"].clone()).unwrap();
        limits.push(query.limit);
        json!({"ok": host.ordered(&query, query.limit as usize)}).to_string()
    });
    assert_eq!(limits, [10, 20, 40, 80, 160]);
    let Parsed::Ok(page) = read(&answer) else {
        panic!("{answer}");
    };
    let page: Value = serde_json::from_str(&page).unwrap();
    let ids: Vec<&Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["id"])
        .collect();
    assert_eq!(ids, ["s207", "s107", "s007"]);
}

#[test]
fn a_session_that_moves_while_a_page_is_read_is_in_it_once() {
    let mut host = populated();
    host.batch = Some(1);
    let params = r#"{"orderBy":"updatedAt","direction":"asc"}"#;
    let answer = host.run(call("list", params), |turn, _, reply| {
        if turn == 0 {
            // The session is in the first batch, and the update moves it to the end of the list.
            let first: Value = serde_json::from_str(&reply).unwrap();
            assert_eq!(first["ok"]["ordered"][0]["id"], "done");
            let params = r#"{"id":"done","task":"later"}"#;
            let moved = perform_sync(
                &host.memory,
                Call {
                    now: NOON + 1000.0,
                    ..call("update", params)
                },
            );
            assert!(moved.starts_with("{\"ok\":"), "{moved}");
        }
        reply
    });
    assert_eq!(answer.matches(r#""id":"done""#).count(), 1, "{answer}");
    assert_eq!(answer.matches(r#""id":"s""#).count(), 1, "{answer}");
}
