//! The history of a session: what is recorded, how it is read, and that user data is stored
//! unchanged.

use serde_json::{Value, json};

use crate::support::{World, iso};

/// JSON that changes when it is parsed into values and printed again.
const HOSTILE: &[&str] = &[
    r#"{}"#,
    r#"{"a":1e400,"b":-0,"c":-0.0,"d":12345678901234567890123,"e":0.10,"f":1E+2}"#,
    r#"{"\ud800":"\udc00","":{"":[]},"__proto__":{"constructor":1},"toString":null}"#,
    r#"{"a":1,"a":2,"b":{"c":1,"c":2}}"#,
    r#"{"text":"\u0000\u001f\u2028 \ud83d\ude00 😀 \/ \" \\"}"#,
    "{ \"spaced\" : [ 1 ,\t2 ,\n3 ] }",
    r#"{"10":0,"9":0,"z":0,"a":0}"#,
];

fn nested(levels: usize) -> String {
    format!(
        r#"{{"a":{}{}}}"#,
        "[".repeat(levels - 1),
        "]".repeat(levels - 1)
    )
}

#[test]
fn event_data_is_stored_unchanged() {
    let world = World::default();
    let id = world.start(json!({"id": "s"}));
    let mut texts: Vec<String> = HOSTILE.iter().map(|&text| text.to_owned()).collect();
    texts.push(nested(128));
    for text in &texts {
        for kind in ["note", "tool_call", "learning", "pause"] {
            let params = format!(r#"{{"id":"{id}","type":"{kind}","data":{text}}}"#);
            world.raw("addEvent", &params).unwrap();
            let page = world.raw("get", r#"{"id":"s","history":1}"#).unwrap().value;
            assert!(
                page.ends_with(&format!(r#""data":{text}}}]}}"#)),
                "{kind} {text}: {page}"
            );
            if kind == "pause" {
                world.ok("resume", json!({"id": id}));
            }
        }
        let params = format!(r#"{{"id":"{id}","data":{text}}}"#);
        world.raw("incrementIteration", &params).unwrap();
        let page = world.raw("context", r#"{"id":"s"}"#).unwrap().value;
        assert!(
            page.ends_with(&format!(r#""data":{text}}}]}}"#)),
            "{text}: {page}"
        );
        let params = format!(r#"{{"id":"{id}","tool":"t","args":{text},"result":{text}}}"#);
        let recorded = world.raw("recordToolCall", &params);
        if *text == nested(128) {
            assert_eq!(
                recorded.unwrap_err().code(),
                "TOO_DEEP",
                "args are one level deeper"
            );
        } else {
            recorded.unwrap();
            let page = world.raw("get", r#"{"id":"s","history":1}"#).unwrap().value;
            let data = format!(r#""data":{{"tool":"t","args":{text},"result":{text}}}}}]}}"#);
            assert!(page.ends_with(&data), "{text}: {page}");
        }
    }
}

#[test]
fn context_and_metadata_are_stored_unchanged() {
    for text in HOSTILE {
        let world = World::default();
        let params =
            format!(r#"{{"id":"s","task":"t","mode":"m","context":{text},"metadata":{text}}}"#);
        world.raw("start", &params).unwrap();
        let head = world
            .raw("get", r#"{"id":"s","history":"none"}"#)
            .unwrap()
            .value;
        assert!(head.contains(&format!(
            r#""context":{text},"metadata":{text},"version":1"#
        )));
        world.start(json!({"id": "r"}));
        let params = format!(r#"{{"id":"r","context":{text},"replace":true}}"#);
        let head = world.raw("updateContext", &params).unwrap().value;
        assert!(head.contains(&format!(r#""context":{text},"#)), "{head}");
    }
}

#[test]
fn a_merge_replaces_complete_properties() {
    let world = World::default();
    let context = r#"{"a":1e400,"b":{"deep":-0},"\ud800":1}"#;
    let params = format!(r#"{{"id":"s","task":"t","mode":"m","context":{context}}}"#);
    world.raw("start", &params).unwrap();
    let patch = r#"{"id":"s","context":{"c":0.10,"\ud800":"\udc00","b":{"x":1}}}"#;
    let head = world.raw("updateContext", patch).unwrap().value;
    let merged = r#""context":{"a":1e400,"b":{"x":1},"\ud800":"\udc00","c":0.10},"#;
    assert!(head.contains(merged), "{head}");
    let head = world
        .raw("update", r#"{"id":"s","context":{"a":null}}"#)
        .unwrap()
        .value;
    assert!(
        head.contains(r#""context":{"a":null,"b":"#),
        "null is a value of the user's: {head}"
    );
}

#[test]
fn lone_surrogates_and_nul_in_plain_text_are_replaced() {
    let world = World::default();
    let params = r#"{"id":"s","task":"cut \ud83d","mode":"m\u0000","userId":"\udc00u"}"#;
    world.raw("start", params).unwrap();
    let session = world.session("s");
    assert_eq!(session["task"], "cut \u{fffd}");
    assert_eq!(session["mode"], "m\u{fffd}");
    assert_eq!(session["userId"], "\u{fffd}u");
    world
        .raw("fail", r#"{"id":"s","error":"\ud800\u0000\ud83d\ude00"}"#)
        .unwrap();
    assert_eq!(world.session("s")["error"], "\u{fffd}\u{fffd}\u{1f600}");
}

#[test]
fn events_have_the_data_that_bots_expect() {
    let world = World::default();
    let id = world.start(json!({}));
    let event = |operation: &str, params: Value| {
        let mut all = params;
        all["id"] = json!(id);
        world.ok(operation, all);
        let event = world.last_event(&id);
        (event["type"].clone(), event["data"].clone())
    };
    let tool = json!({"tool": "bash", "args": {"command": "ls"}, "result": {"exitCode": 0}});
    assert_eq!(
        event("recordToolCall", tool.clone()),
        (json!("tool_call"), tool)
    );
    assert_eq!(
        event("recordToolCall", json!({"tool": "bash"})),
        (
            json!("tool_call"),
            json!({"tool": "bash", "args": {}, "result": null})
        )
    );
    assert_eq!(
        event(
            "recordToolCall",
            json!({"tool": "t", "args": [1], "result": "text"})
        ),
        (
            json!("tool_call"),
            json!({"tool": "t", "args": [1], "result": "text"})
        )
    );
    let learned = json!({"insight": "so", "expertiseFile": "developer.md"});
    assert_eq!(
        event("recordLearning", learned.clone()),
        (json!("learning"), learned)
    );
    assert_eq!(
        event("recordLearning", json!({"insight": "so"})),
        (json!("learning"), json!({"insight": "so"}))
    );
    assert_eq!(
        event(
            "addEvent",
            json!({"type": "custom_event", "data": {"customField": "value"}})
        ),
        (json!("custom_event"), json!({"customField": "value"}))
    );
    assert_eq!(
        event("addEvent", json!({"type": "bare"})),
        (json!("bare"), json!({}))
    );
}

#[test]
fn tools_are_listed_once_in_the_order_of_their_first_use() {
    let world = World::default();
    let id = world.start(json!({"metadata": {"model": "m", "toolsUsed": ["git"]}}));
    for tool in ["bash", "git", "bash", "ls", "bash"] {
        world.ok("recordToolCall", json!({"id": id, "tool": tool}));
    }
    world.ok(
        "addEvent",
        json!({"id": id, "type": "tool_call", "data": {"tool": "wc"}}),
    );
    world.ok(
        "addEvent",
        json!({"id": id, "type": "tool_call", "data": {"tool": "ls"}}),
    );
    world.ok(
        "addEvent",
        json!({"id": id, "type": "tool_call", "data": {"no": "tool"}}),
    );
    let session = world.session(&id);
    assert_eq!(
        session["metadata"],
        json!({"model": "m", "toolsUsed": ["git", "bash", "ls", "wc"]})
    );
    let session = world.session(&world.start(json!({})));
    assert!(session.get("metadata").is_none());
}

#[test]
fn tools_used_keeps_existing_items() {
    let world = World::default();
    let params = r#"{"id":"s","task":"t","mode":"m","metadata":{"toolsUsed":[{"name":"x","cost":1e400},"a"]}}"#;
    world.raw("start", params).unwrap();
    world.ok("recordToolCall", json!({"id": "s", "tool": "b"}));
    world.ok("recordToolCall", json!({"id": "s", "tool": "a"}));
    let head = world
        .raw("get", r#"{"id":"s","history":"none"}"#)
        .unwrap()
        .value;
    let kept = r#""metadata":{"toolsUsed":[{"name":"x","cost":1e400},"a","b"]},"#;
    assert!(head.contains(kept), "{head}");
}

#[test]
fn sequence_numbers_are_consecutive_whatever_the_clock_shows() {
    let world = World::default();
    let id = world.start(json!({}));
    for step in [5, -100, 0, 100] {
        world.pass(step);
        world.ok("addEvent", json!({"id": id, "type": "note"}));
    }
    let session = world.session(&id);
    let history = session["history"].as_array().unwrap();
    let sequences: Vec<u64> = history
        .iter()
        .map(|e| e["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
    assert_eq!(history[2]["timestamp"], json!(iso(world.now() - 100)));
    assert_eq!(session["eventCount"], 5);
    assert_eq!(session["updatedAt"], history[4]["timestamp"]);
}

#[test]
fn get_returns_the_requested_part_of_the_history() {
    let world = World::default();
    let id = world.start(json!({}));
    let events: Vec<Value> = (0..249)
        .map(|n| json!({"type": "note", "data": {"n": n}}))
        .collect();
    world.ok("addEvents", json!({"id": id, "events": events}));
    let history = |history: Value| {
        let session = world.ok("get", json!({"id": id, "history": history}));
        assert_eq!(session["eventCount"], 250);
        let history = session["history"].as_array().unwrap().clone();
        let last = history
            .last()
            .map(|event| event["sequence"].as_u64().unwrap());
        (history.len(), last)
    };
    assert_eq!(history(Value::Null), (100, Some(250)));
    assert_eq!(history(json!("all")), (250, Some(250)));
    assert_eq!(history(json!("none")), (0, None));
    assert_eq!(history(json!(0)), (0, None));
    assert_eq!(history(json!(7)), (7, Some(250)));
    assert_eq!(history(json!(4_000_000_000_u32)), (250, Some(250)));
    for wrong in [json!("some"), json!(-1), json!(1.5), json!([]), json!(true)] {
        let params = json!({"id": id, "history": wrong});
        assert_eq!(world.code("get", params), "INVALID_ARGUMENT");
    }
}

#[test]
fn events_are_read_page_by_page() {
    let world = World::default();
    let id = world.start(json!({}));
    for _ in 0..24 {
        world.ok("incrementIteration", json!({"id": id}));
    }
    let mut after = json!(0);
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    loop {
        let page = world.ok("events", json!({"id": id, "after": after, "limit": 10}));
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(
            items
                .iter()
                .map(|event| event["sequence"].as_u64().unwrap()),
        );
        match page.get("nextAfter") {
            Some(next) => after = next.clone(),
            None => break,
        }
    }
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(seen, (1..=25).collect::<Vec<u64>>());
    let page = |params: Value| {
        let mut all = params;
        all["id"] = json!(id);
        world.ok("events", all)
    };
    assert_eq!(page(json!({"after": 25})), json!({"items": []}));
    assert_eq!(page(json!({"after": u64::MAX})), json!({"items": []}));
    assert_eq!(
        page(json!({"after": 20, "limit": 5})).get("nextAfter"),
        None
    );
    for limit in [0, 1001] {
        let params = json!({"id": id, "limit": limit});
        assert_eq!(world.code("events", params), "INVALID_ARGUMENT");
    }
}

#[test]
fn the_context_for_an_agent_has_exactly_nine_keys() {
    let world = World::default();
    let id = world.start(json!({"workspace": "/src", "context": {"a": 1}, "userId": "u"}));
    for _ in 0..12 {
        world.ok("incrementIteration", json!({"id": id}));
    }
    let context = world.ok("context", json!({"id": id}));
    let keys: Vec<&str> = context
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = [
        "sessionId",
        "task",
        "mode",
        "workspace",
        "status",
        "iterations",
        "maxIterations",
        "context",
        "recentHistory",
    ];
    expected.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(context["sessionId"], json!(id));
    assert_eq!(context["workspace"], "/src");
    assert_eq!(context["iterations"], 12);
    assert_eq!(context["context"], json!({"a": 1}));
    let recent = context["recentHistory"].as_array().unwrap();
    assert_eq!(recent.len(), 10);
    assert_eq!(recent[9]["sequence"], 13);
    let bare = world.start(json!({}));
    let context = world.ok("context", json!({"id": bare}));
    assert_eq!(context.as_object().unwrap().len(), 9);
    assert_eq!(context["workspace"], Value::Null);
}

#[test]
fn update_sets_and_clears_descriptive_properties() {
    let world = World::default();
    let id = world.start(json!({"userId": "u", "channelId": "c", "workspace": "w"}));
    world.pass(3);
    let head = world.ok(
        "update",
        json!({
            "id": id, "task": "new", "mode": "review", "workspace": null, "userId": "v",
            "context": {"a": 1}, "metadata": {"model": "x"}
        }),
    );
    assert_eq!(head["task"], "new");
    assert_eq!(head["mode"], "review");
    assert!(head.get("workspace").is_none());
    assert_eq!(head["userId"], "v");
    assert_eq!(head["channelId"], "c");
    assert_eq!(head["context"], json!({"a": 1}));
    assert_eq!(head["metadata"], json!({"model": "x"}));
    assert_eq!(head["version"], 2);
    assert_eq!(
        head["eventCount"], 2,
        "the change of the context alone is recorded"
    );
    assert_eq!(head["updatedAt"], json!(iso(world.now())));
    world.pass(3);
    let same = world.ok(
        "update",
        json!({"id": id, "task": "new", "metadata": {"model": "x"}}),
    );
    assert_eq!(same, head, "an update that changes nothing writes nothing");
}

#[test]
fn properties_are_removed_from_the_context_before_others_are_merged() {
    let world = World::default();
    let id = world.start(json!({"context": {"a": 1, "b": {"c": 2}, "d": 3}}));
    let params = json!({"id": id, "context": {"b": {"e": 4}, "d": 5}, "unset": ["a", "d", "none"]});
    let head = world.ok("updateContext", params);
    assert_eq!(head["context"], json!({"b": {"e": 4}, "d": 5}));
    let both = json!({"id": id, "context": {}, "unset": ["b"], "replace": true});
    assert_eq!(world.code("updateContext", both), "INVALID_ARGUMENT");
    let many = vec!["x"; 1001];
    let many = json!({"id": id, "context": {}, "unset": many});
    assert_eq!(world.code("updateContext", many), "INVALID_ARGUMENT");
    assert_eq!(world.session(&id)["context"], head["context"]);
}

#[test]
fn a_context_has_as_many_recent_events_as_are_asked_for() {
    let world = World::default();
    let id = world.start(json!({}));
    for _ in 0..20 {
        world.ok("addEvent", json!({"id": id, "type": "note"}));
    }
    for (recent, count) in [
        (Value::Null, 10),
        (json!(0), 0),
        (json!(5), 5),
        (json!(1000), 21),
    ] {
        let context = world.ok("context", json!({"id": id, "recent": recent}));
        let events = context["recentHistory"].as_array().unwrap();
        assert_eq!(events.len(), count, "{recent}");
        let last = events.last().map(|event| event["sequence"].clone());
        assert!(last.is_none_or(|last| last == 21));
    }
    assert_eq!(
        world.code("context", json!({"id": id, "recent": 1001})),
        "INVALID_ARGUMENT"
    );
}

#[test]
fn a_session_may_belong_to_another_one() {
    let world = World::default();
    let parent = world.start(json!({}));
    let id = world.start(json!({"parentId": parent}));
    assert_eq!(world.session(&id)["parentId"], parent);
    let children = world.ok("list", json!({"parentId": parent}));
    assert_eq!(children["items"][0]["id"], id);
    let wrong = json!({"task": "t", "mode": "m", "parentId": "../a"});
    assert_eq!(world.code("start", wrong), "INVALID_ID");
}

#[test]
fn the_stack_of_an_error_is_kept_without_its_secrets() {
    let world = World::default();
    let id = world.start(json!({}));
    let stack = "Error: e\n    at login (password=hunter2secret)";
    let head = world.ok("fail", json!({"id": id, "error": "e", "stack": stack}));
    assert_eq!(head["error"], "e");
    let data = world.last_event(&id)["data"].clone();
    assert_eq!(data["error"], "e");
    let kept = data["stack"].as_str().unwrap();
    assert!(
        kept.starts_with("Error: e") && !kept.contains("hunter2secret"),
        "{kept}"
    );
}
