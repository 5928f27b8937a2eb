//! Fork, export and import.

use serde_json::{Value, json};

use crate::support::{NOON, World, iso};

fn kinds(session: &Value) -> Vec<&str> {
    let history = session["history"].as_array().unwrap();
    history
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[test]
fn a_fork_is_a_new_session_with_the_history_of_its_parent() {
    let world = World::default();
    let parent = world.start(json!({
        "userId": "u", "channelId": "c", "workspace": "w", "maxIterations": 7,
        "context": {"a": 1}, "metadata": {"model": "m", "cost": 1, "tokens": {"prompt": 5}}
    }));
    world.ok("incrementIteration", json!({"id": parent}));
    world.ok("pause", json!({"id": parent, "reason": "later"}));
    let before = world.export(&parent);
    world.pass(100);
    let fork = world.ok("fork", json!({"id": parent, "context": {"b": 2}}));
    assert_eq!(world.export(&parent), before, "the parent is as it was");
    assert_eq!(fork["parentId"], json!(parent));
    assert_eq!(fork["status"], "active");
    assert_eq!(fork["version"], 1);
    assert_eq!(fork["createdAt"], json!(iso(world.now())));
    assert_eq!(
        fork["context"],
        json!({"a": 1, "b": 2}),
        "without what pausing put in"
    );
    assert_eq!(
        fork["metadata"],
        json!({"model": "m"}),
        "what it cost was the parent's"
    );
    for (property, value) in [("userId", "u"), ("channelId", "c"), ("workspace", "w")] {
        assert_eq!(fork[property], value);
    }
    assert_eq!(
        (&fork["iterations"], &fork["maxIterations"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(
        kinds(&fork),
        ["start", "iteration", "pause", "fork", "context_change"]
    );
    assert_eq!(
        fork["history"][3]["data"],
        json!({"parentId": parent, "atSequence": 3})
    );
    assert_eq!(
        fork["history"][0]["timestamp"],
        json!(iso(NOON)),
        "its past keeps its times"
    );
    let id = fork["id"].as_str().unwrap();
    assert_eq!(world.session(id), fork);
    let list = world.ok("list", json!({"parentId": parent}));
    assert_eq!(list["items"][0]["id"], json!(id));
    assert_eq!(
        world.ok("stats", json!({}))["usage"]["cost"],
        1.0,
        "no cost counts twice"
    );
}

#[test]
fn a_fork_may_start_at_an_earlier_event() {
    let world = World::default();
    let parent = world.start(json!({"maxIterations": 2}));
    world.ok("incrementIteration", json!({"id": parent}));
    world.ok("incrementIteration", json!({"id": parent}));
    world.ok("fail", json!({"id": parent, "error": "boom"}));
    let fork = |at: u64| world.ok("fork", json!({"id": parent, "atSequence": at}));
    let early = fork(2);
    assert_eq!(kinds(&early), ["start", "iteration", "fork"]);
    assert_eq!(early["iterations"], 1);
    assert!(early.get("error").is_none() && early.get("finalizedAt").is_none());
    let nothing = fork(0);
    assert_eq!(kinds(&nothing), ["fork"]);
    assert_eq!(nothing["history"][0]["sequence"], 1);
    assert_eq!(nothing["iterations"], 0);
    let all = fork(5);
    assert_eq!(
        kinds(&all),
        [
            "start",
            "iteration",
            "iteration",
            "timeout",
            "error",
            "fork"
        ]
    );
    let code = world.code("fork", json!({"id": parent, "atSequence": 6}));
    assert_eq!(code, "INVALID_ARGUMENT");
}

#[test]
fn a_fork_can_have_another_task_budget_and_context() {
    let world = World::default();
    let parent = world.start(json!({"maxIterations": 2}));
    world.ok("incrementIteration", json!({"id": parent}));
    world.ok("incrementIteration", json!({"id": parent}));
    let params = json!({"id": parent, "newId": "mine", "task": "again", "maxIterations": 9});
    let fork = world.ok("fork", params);
    assert_eq!(fork["id"], "mine");
    assert_eq!(fork["task"], "again");
    assert_eq!(fork["maxIterations"], 9);
    assert_eq!(world.ok("isResumable", json!({"id": "mine"})), true);
    let params = json!({"id": parent, "maxIterations": 1});
    assert_eq!(
        world.code("fork", params),
        "INVALID_ARGUMENT",
        "two are used"
    );
}

#[test]
fn a_long_history_is_copied_completely() {
    let world = World::default();
    let parent = world.start(json!({}));
    for _ in 0..3 {
        let events: Vec<Value> = (0..1000)
            .map(|n| json!({"type": "n", "data": {"n": n}}))
            .collect();
        world.ok("addEvents", json!({"id": parent, "events": events}));
    }
    let fork = world.ok("fork", json!({"id": parent, "newId": "f"}));
    assert_eq!(fork["eventCount"], 3002);
    let (parent, fork) = (world.session(&parent), world.session("f"));
    let of = |session: &Value| session["history"].as_array().unwrap()[..3001].to_vec();
    assert_eq!(of(&parent), of(&fork));
}

/// A session in which every property is set.
fn full_session(world: &World) -> String {
    let params = r#"{
        "id":"rich","task":"t \u2028 \ud83d\ude00","mode":"m","userId":"u","channelId":"c",
        "workspace":"/w","maxIterations":3,
        "context":{"a":1e400,"b":-0,"\ud800":"\udc00","":{"":[]},"__proto__":{"x":1},"a":2},
        "metadata":{"model":"x","cost":0.3,"tokens":{"prompt":7},"big":12345678901234567890}
    }"#;
    world.raw("start", params).unwrap();
    world.pass(11);
    let events = [
        r#"{"type":"\u00e9 note","data":{ "spaced" : 0.10 }}"#,
        r#"{"type":"tool_call","data":{"tool":"bash","x":"\udfff"}}"#,
        r#"{"type":"iteration","data":{"__proto__":null,"":0}}"#,
    ]
    .join(",");
    let params = format!(r#"{{"id":"rich","events":[{events}]}}"#);
    world.raw("addEvents", &params).unwrap();
    "rich".to_owned()
}

#[test]
fn export_and_import_keep_every_byte() {
    for (operation, params) in [
        ("pause", json!({"reason": "why"})),
        ("complete", json!({"result": "r"})),
        ("fail", json!({"error": "e"})),
        ("abandon", json!({"reason": "why"})),
        ("addEvent", json!({"type": "timeout"})),
        ("trash", json!({})),
        (
            "recordUsage",
            json!({"cost": 0.1, "tokens": {"prompt": 1, "completion": 2}}),
        ),
    ] {
        let world = World::default();
        let id = full_session(&world);
        world.pass(7);
        let mut all = params.clone();
        all["id"] = json!(id);
        world.call(operation, all).unwrap();
        let text = world.export(&id);
        let stats = world.ok("stats", json!({"trash": "include"}));
        world.ok("delete", json!({"id": id}));
        world.pass(1000);
        world.call("import", json!({"text": text})).unwrap();
        assert_eq!(world.export(&id), text, "after {operation}");
        assert_eq!(world.ok("stats", json!({"trash": "include"})), stats);
        let other = World::default();
        other.call("import", json!({"text": text})).unwrap();
        assert_eq!(other.export(&id), text);
    }
}

#[test]
fn a_pause_is_measured_across_export_and_import() {
    let world = World::default();
    let id = world.start(json!({"paused": true}));
    let text = world.export(&id);
    world.ok("delete", json!({"id": id}));
    world.ok("import", json!({"text": text}));
    world.pass(70);
    world.ok("resume", json!({"id": id}));
    assert_eq!(world.last_event(&id)["data"], json!({"pausedDuration": 70}));
}

#[test]
fn a_session_at_the_largest_limits_can_be_exported_and_imported() {
    let world = World::default().with_limits(|limits| limits.max_context_bytes = 100);
    let context = json!({"text": "x".repeat(89)});
    assert_eq!(context.to_string().len(), 100);
    let id = world.start(json!({"context": context}));
    world.ok("pause", json!({"id": id, "reason": "a long reason"}));
    let text = world.export(&id);
    world.ok("import", json!({"text": text}));
    world.ok("updateContext", json!({"id": id, "context": {"text": "y"}}));
}

#[test]
fn the_longest_texts_can_be_exported_and_imported() {
    let world = World::default().with_limits(|limits| {
        limits.max_text_bytes = 200;
        limits.max_data_bytes = 200;
    });
    // Each of these characters takes six bytes in JSON.
    let longest = "\u{1}".repeat(200);
    for (operation, property) in [
        ("complete", "result"),
        ("fail", "error"),
        ("abandon", "reason"),
        ("pause", "reason"),
    ] {
        let id = world.start(json!({}));
        world.ok(operation, json!({"id": id, property: longest}));
        let text = world.export(&id);
        world.ok("delete", json!({"id": id}));
        world.ok("import", json!({"text": text}));
        assert_eq!(world.export(&id), text, "{operation}");
    }
    // Resuming adds properties to the data of the event.
    let id = world.start(json!({}));
    let data = json!({"a": "x".repeat(192)});
    assert_eq!(data.to_string().len(), 200);
    world.ok(
        "addEvent",
        json!({"id": id, "type": "resume", "data": data}),
    );
    world.ok("import", json!({"text": world.export(&id)}));
}

#[test]
fn limits_apply_to_an_import() {
    let world = World::default().with_limits(|limits| {
        limits.max_label_bytes = 10;
        limits.max_text_bytes = 10;
        limits.max_data_bytes = 10;
        limits.max_task_bytes = 10;
    });
    let good = json!({"id": "s", "mode": "m", "task": "t", "status": "active", "createdAt": 0});
    let long = "x".repeat(11);
    for property in [
        "mode",
        "task",
        "userId",
        "channelId",
        "workspace",
        "result",
        "error",
    ] {
        let mut text = good.clone();
        text[property] = json!(long);
        let error = world.error("import", json!({"text": text.to_string()}));
        assert_eq!(error.code(), "TOO_LARGE");
        assert!(error.to_string().starts_with(property), "{error}");
    }
    for event in [
        json!({"timestamp": 0, "type": long}),
        json!({"timestamp": 0, "type": "t", "data": {"a": "x".repeat(2000)}}),
    ] {
        let mut text = good.clone();
        text["history"] = json!([event]);
        assert_eq!(
            world.code("import", json!({"text": text.to_string()})),
            "TOO_LARGE"
        );
    }
}

#[test]
fn a_plain_session_json_of_a_bot_is_imported() {
    let world = World::default();
    let text = r#"{
      "id": "session_abc123_xyz",
      "userId": "user123",
      "channelId": "channel456",
      "mode": "developer",
      "task": "Implement feature X",
      "status": "paused",
      "createdAt": "2025-06-01T10:00:00.000Z",
      "updatedAt": "2025-06-01T11:00:00.000Z",
      "iterations": 1,
      "maxIterations": 50,
      "context": { "priority": "high", "pausedAt": "2025-06-01T11:00:00.000Z",
                   "pauseReason": "User requested pause" },
      "history": [
        { "timestamp": "2025-06-01T10:00:00.000Z", "type": "start",
          "data": { "task": "Implement feature X", "mode": "developer" } },
        { "timestamp": "2025-06-01T10:30:00.000Z", "type": "iteration", "data": { "step": "a" } },
        { "timestamp": "2025-06-01T11:00:00.000Z", "type": "pause", "data": { "reason": "User requested pause" } }
      ],
      "metadata": {
        "model": "gpt", "timeout": 600, "enableLearning": true, "delegated": false,
        "blockedActions": [{ "action": "rm", "reason": "no" }], "toolsUsed": ["bash"],
        "cost": 0.25, "tokens": { "prompt": 100, "completion": 20, "total": 120 }
      }
    }"#;
    let head = world.ok("import", json!({"text": text}));
    assert_eq!(head["version"], 1);
    assert_eq!(head["eventCount"], 3);
    let session = world.session("session_abc123_xyz");
    let given: Value = serde_json::from_str(text).unwrap();
    for property in [
        "id",
        "userId",
        "channelId",
        "mode",
        "task",
        "status",
        "createdAt",
        "updatedAt",
        "iterations",
        "maxIterations",
        "context",
        "metadata",
    ] {
        assert_eq!(session[property], given[property], "{property}");
    }
    for (event, given) in session["history"]
        .as_array()
        .unwrap()
        .iter()
        .zip(given["history"].as_array().unwrap())
    {
        assert_eq!(event["timestamp"], given["timestamp"]);
        assert_eq!(event["type"], given["type"]);
        assert_eq!(event["data"], given["data"]);
    }
    assert_eq!(world.ok("stats", json!({}))["usage"]["cost"], 0.25);
    let head = world.ok("resume", json!({"id": "session_abc123_xyz"}));
    assert_eq!(head["context"], json!({"priority": "high"}));
    let event = world.last_event("session_abc123_xyz");
    assert_eq!(event["sequence"], 4);
    let paused = NOON - 1_748_775_600_000;
    assert_eq!(event["data"]["pausedDuration"], json!(paused));
}

#[test]
fn a_minimal_session_is_imported() {
    let world = World::default();
    let least = r#"{"id":"s","mode":"m","task":"t","status":"completed","createdAt":0}"#;
    let head = world.ok("import", json!({"text": least}));
    assert_eq!(head["createdAt"], "1970-01-01T00:00:00.000Z");
    assert_eq!(head["updatedAt"], head["createdAt"]);
    assert_eq!(head["finalizedAt"], head["createdAt"]);
    assert_eq!(head["maxIterations"], 100);
    assert_eq!(head["context"], json!({}));
    assert_eq!(head["eventCount"], 0);
}

#[test]
fn an_import_replaces_a_session_but_never_lowers_its_version() {
    let world = World::default();
    let id = world.start(json!({"id": "s"}));
    let early = world.export(&id);
    for _ in 0..4 {
        world.ok("addEvent", json!({"id": id, "type": "note"}));
    }
    let head = world.ok("import", json!({"text": early}));
    assert_eq!(head["version"], 6, "after 5, never 1 again");
    assert_eq!(head["eventCount"], 1);
    assert_eq!(world.session(&id)["history"].as_array().unwrap().len(), 1);
    let stale = json!({"id": id, "ifVersion": 5});
    assert_eq!(world.code("pause", stale), "VERSION_CONFLICT");
    let high = early.replace(r#""version":1"#, r#""version":40"#);
    assert_eq!(world.ok("import", json!({"text": high}))["version"], 40);
    assert_eq!(world.ok("import", json!({"text": high}))["version"], 41);
}

#[test]
fn an_imported_version_leaves_room_for_changes() {
    let world = World::default();
    let id = world.start(json!({}));
    let text = world
        .export(&id)
        .replace(r#""version":1"#, &format!(r#""version":{}"#, u64::MAX));
    let imported = world.ok("import", json!({"text": text}))["version"]
        .as_u64()
        .unwrap();
    let paused = world.ok("pause", json!({"id": id}))["version"]
        .as_u64()
        .unwrap();
    assert_eq!(paused, imported + 1);
    assert!(paused < 1 << 53, "JavaScript counts it exactly");
}

#[test]
fn an_invalid_session_is_not_imported() {
    let world = World::default();
    let good = json!({
        "id": "s", "mode": "m", "task": "t", "status": "active", "createdAt": 0,
        "history": [{"timestamp": 0, "type": "start", "data": {}}]
    });
    world.ok("import", json!({"text": good.to_string()}));
    let before = world.export("s");
    for (property, value) in [
        ("id", json!("../s")),
        ("id", json!(7)),
        ("mode", Value::Null),
        ("status", json!("running")),
        ("createdAt", json!("yesterday")),
        ("createdAt", json!(1e20)),
        ("iterations", json!(-1)),
        ("maxIterations", json!(1.5)),
        ("context", json!([])),
        ("context", json!("{}")),
        ("metadata", json!(1)),
        ("history", json!({})),
        ("history", json!([{"type": "a"}])),
        ("history", json!([{"type": "a", "timestamp": 0, "data": 5}])),
        ("history", json!([5])),
        ("parentId", json!("/")),
        ("version", json!(-1)),
    ] {
        let mut bad = good.clone();
        bad[property] = value.clone();
        let code = world.code("import", json!({"text": bad.to_string()}));
        let expected = if property == "id" && value.is_string() {
            "INVALID_ID"
        } else {
            "INVALID_ARGUMENT"
        };
        assert_eq!(code, expected, "{property} {value}");
        assert_eq!(world.export("s"), before);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "{", "[]", "null", "7", "\"s\"", &deep] {
        assert_eq!(
            world.code("import", json!({"text": text})),
            "INVALID_ARGUMENT"
        );
    }
    let unknown = good
        .to_string()
        .replacen('{', &format!(r#"{{"more":{deep},"#), 1);
    assert_eq!(
        world.code("import", json!({"text": unknown})),
        "TOO_DEEP",
        "it would be kept"
    );
    let hidden = good
        .to_string()
        .replacen("{}", &format!(r#"{{"a":{deep}}}"#), 1);
    assert_eq!(world.code("import", json!({"text": hidden})), "TOO_DEEP");
}
