//! Input that is too large or too deeply nested, and the error for it.

use serde_json::{Value, json};

use crate::support::World;

fn small() -> World {
    World::default().with_limits(|limits| {
        limits.max_data_bytes = 100;
        limits.max_context_bytes = 120;
        limits.max_task_bytes = 20;
        limits.max_text_bytes = 30;
        limits.max_label_bytes = 10;
        limits.max_depth = 4;
        limits.max_batch = 3;
    })
}

fn long(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// An object with this number of bytes.
fn object(bytes: usize) -> Value {
    let object = json!({"a": long(bytes - 8)});
    assert_eq!(object.to_string().len(), bytes);
    object
}

/// An object with this number of levels.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({"a": inner}))
}

#[test]
fn each_input_has_a_limit_that_the_error_names() {
    let world = small();
    let id = world.start(json!({}));
    // The operation, its parameters, the property with the value, the name of the value in the
    // error, and the limit.
    let cases = [
        ("start", json!({"mode": "m"}), "task", "task", 20),
        ("start", json!({"task": "t"}), "mode", "mode", 10),
        (
            "start",
            json!({"task": "t", "mode": "m"}),
            "userId",
            "userId",
            10,
        ),
        (
            "start",
            json!({"task": "t", "mode": "m"}),
            "channelId",
            "channelId",
            10,
        ),
        (
            "start",
            json!({"task": "t", "mode": "m"}),
            "workspace",
            "workspace",
            10,
        ),
        (
            "start",
            json!({"task": "t", "mode": "m", "paused": true}),
            "pauseReason",
            "reason",
            30,
        ),
        ("update", json!({"id": id}), "task", "task", 20),
        ("update", json!({"id": id}), "mode", "mode", 10),
        ("update", json!({"id": id}), "userId", "userId", 10),
        ("update", json!({"id": id}), "channelId", "channelId", 10),
        ("update", json!({"id": id}), "workspace", "workspace", 10),
        ("fork", json!({"id": id}), "task", "task", 20),
        ("pause", json!({"id": id}), "reason", "reason", 30),
        ("complete", json!({"id": id}), "result", "result", 30),
        ("fail", json!({"id": id}), "error", "error", 30),
        ("abandon", json!({"id": id}), "reason", "reason", 30),
        ("addEvent", json!({"id": id}), "type", "type", 10),
        ("recordToolCall", json!({"id": id}), "tool", "tool", 10),
    ];
    for (operation, params, property, what, limit) in cases {
        let mut over = params.clone();
        over[property] = json!(long(limit + 1));
        let error = world.error(operation, over);
        assert_eq!(error.code(), "TOO_LARGE", "{operation} {property}");
        let details: Value = serde_json::to_value(error.details()).unwrap();
        assert_eq!(
            details,
            json!({"what": what, "actual": limit + 1, "limit": limit})
        );
        if params.get("id").is_some() {
            assert_eq!(world.session(&id)["version"], 1, "{operation} {property}");
        }
    }
    // Values at the limit are accepted.
    for (operation, params, property, _, limit) in [
        ("start", json!({"mode": "m"}), "task", "", 20),
        ("update", json!({"id": id}), "mode", "", 10),
    ] {
        let mut full = params;
        full[property] = json!(long(limit));
        world.ok(operation, full);
    }
}

#[test]
fn objects_have_limits_of_size_and_depth() {
    let world = small();
    let id = world.start(json!({}));
    let start = json!({"task": "t", "mode": "m"});
    let cases = [
        ("start", start.clone(), "context", "context", 120),
        ("start", start, "metadata", "metadata", 120),
        ("update", json!({"id": id}), "context", "context", 120),
        ("update", json!({"id": id}), "metadata", "metadata", 120),
        (
            "updateContext",
            json!({"id": id}),
            "context",
            "context",
            120,
        ),
        (
            "updateContext",
            json!({"id": id, "replace": true}),
            "context",
            "context",
            120,
        ),
        ("fork", json!({"id": id}), "context", "context", 120),
        (
            "addEvent",
            json!({"id": id, "type": "note"}),
            "data",
            "data",
            100,
        ),
        (
            "addEvent",
            json!({"id": id, "type": "pause"}),
            "data",
            "data",
            100,
        ),
        (
            "addEvent",
            json!({"id": id, "type": "complete"}),
            "data",
            "data",
            100,
        ),
        ("incrementIteration", json!({"id": id}), "data", "data", 100),
    ];
    for (operation, params, property, what, limit) in cases {
        let with = |value: Value| {
            let mut params = params.clone();
            params[property] = value;
            world.error(operation, params)
        };
        let error = with(object(limit + 1));
        let details: Value = serde_json::to_value(error.details()).unwrap();
        assert_eq!(error.code(), "TOO_LARGE", "{operation} {property}");
        assert_eq!(
            details,
            json!({"what": what, "actual": limit + 1, "limit": limit})
        );
        let error = with(nested(5));
        let details: Value = serde_json::to_value(error.details()).unwrap();
        assert_eq!(error.code(), "TOO_DEEP", "{operation} {property}");
        assert_eq!(details, json!({"what": what, "limit": 4}));
        for no_object in [json!([]), json!("{}"), json!(1), json!(true)] {
            assert_eq!(
                with(no_object).code(),
                "INVALID_ARGUMENT",
                "{operation} {property}"
            );
        }
        assert_eq!(world.session(&id)["version"], 1, "{operation} {property}");
    }
    world.ok(
        "addEvent",
        json!({"id": id, "type": "note", "data": object(100)}),
    );
    world.ok(
        "addEvent",
        json!({"id": id, "type": "note", "data": nested(4)}),
    );
    world.ok("updateContext", json!({"id": id, "context": object(120)}));
    world.ok("updateContext", json!({"id": id, "context": nested(4)}));
}

#[test]
fn limits_apply_to_properties_that_grow_gradually() {
    let world = small();
    let id = world.start(json!({"context": {"a": long(90)}}));
    let grown = json!({"id": id, "context": {"b": long(30)}});
    assert_eq!(world.code("updateContext", grown), "TOO_LARGE");
    for n in 0.. {
        let tool = json!({"id": id, "tool": format!("tool {n}")});
        if let Err(error) = world.call("recordToolCall", tool) {
            assert_eq!(error.code(), "TOO_LARGE");
            assert!(error.to_string().starts_with("metadata is "), "{error}");
            break;
        }
        assert!(n < 100);
    }
    let call = json!({"id": id, "tool": "t", "args": {"a": long(50)}, "result": long(50)});
    assert_eq!(
        world.code("recordToolCall", call),
        "TOO_LARGE",
        "args and result count together"
    );
    let learned = json!({"id": id, "insight": long(101)});
    assert_eq!(world.code("recordLearning", learned), "TOO_LARGE");
}

#[test]
fn the_number_of_events_in_a_batch_is_limited() {
    let world = small();
    let id = world.start(json!({}));
    let batch = |count: usize| json!({"id": id, "events": vec![json!({"type": "n"}); count]});
    world.ok("addEvents", batch(3));
    for count in [0, 4] {
        assert_eq!(world.code("addEvents", batch(count)), "INVALID_ARGUMENT");
    }
}

#[test]
fn deeply_nested_json_is_refused_without_recursion() {
    let world = World::default();
    world.start(json!({"id": "s"}));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (operation, params) in [
        (
            "addEvent",
            format!(r#"{{"id":"s","type":"note","data":{{"a":{deep}}}}}"#),
        ),
        (
            "recordToolCall",
            format!(r#"{{"id":"s","tool":"t","args":{deep}}}"#),
        ),
        (
            "recordToolCall",
            format!(r#"{{"id":"s","tool":"t","result":{deep}}}"#),
        ),
        (
            "updateContext",
            format!(r#"{{"id":"s","context":{{"a":{deep}}}}}"#),
        ),
    ] {
        assert_eq!(
            world.raw(operation, &params).unwrap_err().code(),
            "TOO_DEEP"
        );
    }
    for params in [
        format!(r#"{{"id":{deep}}}"#),
        format!(r#"{{"id":"s","more":{deep}}}"#),
        deep,
    ] {
        assert_eq!(
            world.raw("pause", &params).unwrap_err().code(),
            "INVALID_ARGUMENT"
        );
    }
}

#[test]
fn an_error_does_not_repeat_a_large_input() {
    let world = World::default();
    world.start(json!({"id": "s"}));
    let huge = long(200_000);
    for (operation, params) in [
        (
            "start",
            json!({"task": "t", "mode": "m", "maxIterations": huge}),
        ),
        ("start", json!({"task": "t", "mode": "m", "id": huge})),
        ("pause", json!({"id": "s", huge.as_str(): 1})),
        ("list", json!({"status": huge})),
        ("list", json!({"status": [huge]})),
        ("list", json!({"createdAfter": huge})),
        ("list", json!({"orderBy": huge})),
        ("list", json!({"cursor": huge})),
        ("cleanup", json!({"maxAge": huge})),
        ("get", json!({"id": "s", "history": huge})),
        ("pause", json!({"id": "s", "idempotencyKey": huge})),
        (
            "import",
            json!({"text": json!({"id": "s", "status": huge}).to_string()}),
        ),
        (
            "addEvents",
            json!({"id": "s", "events": [{"type": "t", huge.as_str(): 1}]}),
        ),
    ] {
        let error = world.error(operation, params);
        let text = serde_json::to_string(&error).unwrap();
        assert!(text.len() < 4096, "{operation}: {} bytes", text.len());
    }
}
