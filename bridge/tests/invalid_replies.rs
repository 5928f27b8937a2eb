//! Stores of the host that send invalid replies. The operation ends with an error that has a code.
//! It does not panic, loop endlessly or stay pending.

use crate::support::{Host, Parsed, Random, call, code, examples, populated, read, scaled};
use serde_json::{Value, json};

/// Texts that are invalid as a reply to any request. The large ones are last.
fn invalid_replies() -> Vec<String> {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let open = "{\"ok\":".repeat(100_000);
    let mut texts: Vec<String> = [
        "",
        " ",
        "nul",
        "null",
        "NaN",
        "undefined",
        "Infinity",
        "7",
        "true",
        "\"text\"",
        "[",
        "[]",
        "[null]",
        "[null,null]",
        "{",
        "{\"ok\"",
        "{\"ok\":}",
        "{\"ok\":NaN}",
        "{\"ok\":undefined}",
        "{\"ok\":null} trailing",
        "{\"ok\":7}",
        "{\"ok\":-1e400}",
        "{\"ok\":true}",
        "{\"ok\":\"text\"}",
        "{\"ok\":\"\\ud800\"}",
        "{\"ok\":[]}",
        "{\"ok\":[[],[]]}",
        "{\"ok\":{}}",
        "{\"ok\":{\"head\":null}}",
        "{\"ok\":{\"kind\":\"unknown\"}}",
        "{\"ok\":1,\"ok\":2}",
        "{\"error\":7}",
        "{\"error\":\"text\"}",
        "{\"error\":[7]}",
        "{\"error\":{\"code\":7}}",
        "{\"error\":{\"message\":[]}}",
        "\u{feff}{\"ok\":null}",
        "{\"ok\":\"a\nb\"}",
    ]
    .iter()
    .map(|&text| text.to_owned())
    .collect();
    texts.push(format!("{{\"ok\":{deep}}}"));
    texts.push(format!("{{\"ok\":{{\"head\":{deep}}}}}"));
    texts.push(format!("{{\"error\":{deep}}}"));
    texts.push(format!("{{\"ok\":\"{}\"}}", "x".repeat(2_000_000)));
    texts.push("x".repeat(1_000_000));
    texts.push(deep);
    texts.push(open);
    texts
}

#[test]
fn an_invalid_reply_is_reported_as_a_misbehaving_store() {
    let texts = invalid_replies();
    for (name, params) in examples() {
        let text = params.to_string();
        // The invalid reply replaces the first reply, the second, and so on.
        for turn in 0.. {
            let host = populated();
            let mut turns = 0;
            host.run(call(name, &text), |_, _, reply| {
                turns += 1;
                reply
            });
            if turn >= turns {
                break;
            }
            // For large texts only the method of the store matters, so a few operations suffice.
            let few = ["get", "list", "addEvent", "start"].contains(&name);
            for invalid in texts.iter().filter(|text| few || text.len() < 100) {
                let host = populated();
                let mut method = String::new();
                let answer = host.run(call(name, &text), |at, request, reply| {
                    if at != turn {
                        return reply;
                    }
                    method.clone_from(&request.method);
                    invalid.clone()
                });
                let shown: String = invalid.chars().take(60).collect();
                // An empty list is a valid reply to a scan.
                if method == "scan" && invalid == r#"{"ok":[]}"# {
                    continue;
                }
                // The last commit of a cleanup is its entry in the audit log, for which a full disk may
                // have no room. A hook's host is answered with a message.
                let is_entry = name == "agentCleanup" && method == "commit" && turn + 1 == turns;
                if is_entry || (name == "hookEvent" && answer.contains("systemMessage")) {
                    continue;
                }
                assert_eq!(
                    error_code(&answer).as_deref(),
                    Some("STORE_MISBEHAVED"),
                    "{name}, reply {turn} to {method}, {shown}: {answer}"
                );
                assert!(answer.len() < 4096, "the error does not repeat the reply");
                assert_eq!(host.engine.pending(), 0);
            }
            if params.get("maxAge").is_some() {
                break;
            }
        }
    }
}

/// The error code in an answer. Hooks, and bulk operations of which only one session failed, have
/// it inside the result.
fn error_code(answer: &str) -> Option<String> {
    if let Parsed::Ok(value) = read(answer) {
        let value: Value = serde_json::from_str(&value).ok()?;
        let parts = value.as_array().or(value["refused"].as_array());
        let of_store = |part: &Value| {
            let code = part["code"].as_str()?;
            code.starts_with("STORE_").then(|| code.to_owned())
        };
        if let Some(code) = parts.and_then(|parts| parts.iter().find_map(of_store)) {
            return Some(code);
        }
        let details = value.get("output")?.get("details")?;
        let said = details.get("audit").or(details.get("code"))?;
        return said.as_str().map(str::to_owned);
    }
    code(answer)
}

/// The error code of a call when `alter` modifies the replies to a method.
fn code_of_altered_replies(
    name: &str,
    params: &Value,
    method: &str,
    alter: &dyn Fn(&mut Value),
) -> Option<String> {
    let host = populated();
    host.ok(
        "addEvent",
        json!({"id": "s", "type": "note", "idempotencyKey": "known"}),
    );
    let text = params.to_string();
    let answer = host.run(call(name, &text), |_, request, reply| {
        if request.method != method {
            return reply;
        }
        let mut reply: Value = serde_json::from_str(&reply).unwrap();
        alter(&mut reply["ok"]);
        reply.to_string()
    });
    assert_eq!(host.engine.pending(), 0);
    code(&answer)
}

/// The name of an alteration, and the alteration.
type Alteration = (&'static str, fn(&mut Value));

#[test]
fn an_invalid_session_is_detected() {
    let alterations: &[Alteration] = &[
        ("another id", |ok| ok["head"]["id"] = json!("other")),
        ("an id that none can have", |ok| {
            ok["head"]["id"] = json!("../s")
        }),
        ("no id", |ok| {
            drop(ok["head"].as_object_mut().unwrap().remove("id"))
        }),
        ("no head", |ok| {
            drop(ok.as_object_mut().unwrap().remove("head"))
        }),
        ("no version", |ok| {
            drop(ok["head"].as_object_mut().unwrap().remove("version"))
        }),
        ("a version that is text", |ok| {
            ok["head"]["version"] = json!("4")
        }),
        ("a negative version", |ok| ok["head"]["version"] = json!(-4)),
        ("half a version", |ok| ok["head"]["version"] = json!(4.5)),
        ("the largest version", |ok| {
            ok["head"]["version"] = json!(u64::MAX)
        }),
        ("a version that JavaScript cannot count", |ok| {
            ok["head"]["version"] = json!(1_u64 << 53);
        }),
        ("more events than there are", |ok| {
            ok["head"]["eventCount"] = json!(9)
        }),
        ("fewer events than there are", |ok| {
            ok["head"]["eventCount"] = json!(3)
        }),
        ("the most events", |ok| {
            ok["head"]["eventCount"] = json!(u64::MAX)
        }),
        ("an unknown status", |ok| {
            ok["head"]["status"] = json!("running")
        }),
        ("no status", |ok| ok["head"]["status"] = Value::Null),
        ("a context that is no text", |ok| {
            ok["head"]["context"] = json!({})
        }),
        ("a context that is no JSON", |ok| {
            ok["head"]["context"] = json!("{")
        }),
        ("a context that is no object", |ok| {
            ok["head"]["context"] = json!("[]")
        }),
        ("metadata that are no JSON", |ok| {
            ok["head"]["metadata"] = json!("nonsense")
        }),
        ("metadata that are no object", |ok| {
            ok["head"]["metadata"] = json!("7")
        }),
        ("a time that is none", |ok| {
            ok["head"]["createdAt"] = json!("yesterday")
        }),
        ("a time beyond the calendar", |ok| {
            ok["head"]["updatedAt"] = json!(1e300)
        }),
        ("negative iterations", |ok| {
            ok["head"]["iterations"] = json!(-1)
        }),
        ("too many iterations", |ok| {
            ok["head"]["maxIterations"] = json!(1_u64 << 32)
        }),
        ("a task that is no text", |ok| ok["head"]["task"] = json!(7)),
        ("no task", |ok| ok["head"]["task"] = Value::Null),
        ("usage that is no number", |ok| {
            ok["head"]["usage"]["costNanos"] = json!("much")
        }),
    ];
    for (what, alter) in alterations {
        for (name, params) in [
            ("get", json!({"id": "s", "history": 2})),
            ("pause", json!({"id": "s"})),
            (
                "addEvent",
                json!({"id": "s", "type": "note", "idempotencyKey": "new"}),
            ),
            ("context", json!({"id": "s"})),
            ("export", json!({"id": "s"})),
            ("fork", json!({"id": "s"})),
        ] {
            // The number of events is checked only where events are requested.
            if matches!(name, "pause" | "addEvent") && what.ends_with("than there are") {
                continue;
            }
            let found = code_of_altered_replies(name, &params, "load", alter);
            assert_eq!(found.as_deref(), Some("STORE_MISBEHAVED"), "{what}, {name}");
        }
    }
}

#[test]
fn an_invalid_history_is_detected() {
    fn events(ok: &mut Value) -> &mut Vec<Value> {
        ok["events"].as_array_mut().unwrap()
    }
    let alterations: &[Alteration] = &[
        ("no events", |ok| events(ok).clear()),
        ("no list of events", |ok| {
            drop(ok.as_object_mut().unwrap().remove("events"))
        }),
        ("events that are no list", |ok| ok["events"] = json!({})),
        ("one event less", |ok| drop(events(ok).pop())),
        ("one event more", |ok| {
            let mut more = events(ok)[0].clone();
            more["sequence"] = json!(6);
            events(ok).push(more);
        }),
        ("the first event missing", |ok| drop(events(ok).remove(0))),
        ("an event twice", |ok| {
            let first = events(ok)[0].clone();
            events(ok)[1] = first;
        }),
        ("the wrong order", |ok| events(ok).reverse()),
        ("a gap", |ok| events(ok)[1]["sequence"] = json!(7)),
        ("a number of nought", |ok| {
            events(ok)[0]["sequence"] = json!(0)
        }),
        ("a number that is text", |ok| {
            events(ok)[0]["sequence"] = json!("4")
        }),
        ("no number", |ok| {
            drop(events(ok)[0].as_object_mut().unwrap().remove("sequence"))
        }),
        ("data that are no text", |ok| {
            events(ok)[0]["data"] = json!({})
        }),
        ("data that are no JSON", |ok| {
            events(ok)[0]["data"] = json!("{")
        }),
        ("no data", |ok| events(ok)[0]["data"] = Value::Null),
        ("no type", |ok| {
            drop(events(ok)[0].as_object_mut().unwrap().remove("type"))
        }),
        ("no time", |ok| events(ok)[0]["timestamp"] = Value::Null),
        ("an event that is none", |ok| events(ok)[0] = json!(7)),
        ("the largest numbers", |ok| {
            ok["head"]["eventCount"] = json!(u64::MAX);
            let count = events(ok).len() as u64;
            for (event, number) in events(ok).iter_mut().zip(0..) {
                event["sequence"] = json!(u64::MAX - count + 1 + number);
            }
        }),
    ];
    for (what, alter) in alterations {
        for (name, params) in [
            ("get", json!({"id": "s", "history": 2})),
            ("events", json!({"id": "s", "after": 2, "limit": 2})),
            ("context", json!({"id": "s"})),
            ("export", json!({"id": "s"})),
            ("fork", json!({"id": "s", "atSequence": 3})),
        ] {
            let found = code_of_altered_replies(name, &params, "load", alter);
            assert_eq!(found.as_deref(), Some("STORE_MISBEHAVED"), "{what}, {name}");
        }
    }
}

#[test]
fn an_invalid_page_is_detected() {
    fn heads(ok: &mut Value) -> &mut Vec<Value> {
        ok["heads"].as_array_mut().unwrap()
    }
    let alterations: &[Alteration] = &[
        ("nothing", |ok| *ok = Value::Null),
        ("no heads", |ok| {
            drop(ok.as_object_mut().unwrap().remove("heads"))
        }),
        ("heads that are no list", |ok| ok["heads"] = json!({})),
        ("a head that is none", |ok| heads(ok)[0] = json!("s")),
        ("a head without an id", |ok| {
            heads(ok)[0]["id"] = Value::Null
        }),
        ("a head of an impossible version", |ok| {
            heads(ok)[0]["version"] = json!(u64::MAX)
        }),
        ("a head of impossibly many events", |ok| {
            heads(ok)[0]["eventCount"] = json!(u64::MAX)
        }),
        ("a head twice", |ok| {
            let first = heads(ok)[0].clone();
            heads(ok).push(first);
        }),
        ("no order", |ok| {
            for id in ["zzz", "b"] {
                let mut other = heads(ok)[0].clone();
                other["id"] = json!(id);
                heads(ok).push(other);
            }
        }),
        ("a session in the trash", |ok| {
            heads(ok)[0]["deletedAt"] = json!(5)
        }),
        ("an empty page with more to come", |ok| {
            heads(ok).clear();
            ok["more"] = json!(true);
        }),
        ("more that is no truth", |ok| ok["more"] = json!("yes")),
        ("problems that are no list", |ok| {
            ok["problems"] = json!("none")
        }),
        ("more than were asked for", |ok| {
            let head = heads(ok)[0].clone();
            for n in 0..2000 {
                let mut head = head.clone();
                head["id"] = json!(format!("a{:04}", 2000 - n));
                heads(ok).push(head);
            }
        }),
    ];
    for (what, alter) in alterations {
        for (name, params) in [
            ("list", json!({"status": "active", "limit": 3})),
            ("list", json!({"status": "active"})),
            ("stats", json!({"status": "active"})),
            ("cleanup", json!({"maxAge": 0, "status": "active"})),
        ] {
            let found = code_of_altered_replies(name, &params, "list", alter);
            assert_eq!(found.as_deref(), Some("STORE_MISBEHAVED"), "{what}, {name}");
        }
    }
}

#[test]
fn unfiltered_heads_are_validated_like_pages() {
    fn heads(ok: &mut Value) -> &mut Vec<Value> {
        ok["ordered"].as_array_mut().unwrap()
    }
    let alterations: &[Alteration] = &[
        ("heads that are no list", |ok| ok["ordered"] = json!({})),
        ("a head that is none", |ok| heads(ok)[0] = json!("s")),
        ("a head of an impossible version", |ok| {
            heads(ok)[0]["version"] = json!(u64::MAX)
        }),
        ("a head twice", |ok| {
            let first = heads(ok)[0].clone();
            heads(ok).push(first);
        }),
        ("the wrong order", |ok| heads(ok).reverse()),
        ("nothing with more to come", |ok| {
            heads(ok).clear();
            ok["more"] = json!(true);
        }),
        ("more that is no truth", |ok| ok["more"] = json!("yes")),
        ("problems that are no list", |ok| {
            ok["problems"] = json!("none")
        }),
        // The first reply may also be a page; the second must have the form of the first.
        ("the same once more", |ok| ok["more"] = json!(true)),
    ];
    for (what, alter) in alterations {
        for (name, params) in [
            ("list", json!({"trash": "include"})),
            ("list", json!({"status": "paused"})),
            ("stats", json!({"userId": "nobody"})),
            ("cleanup", json!({"maxAge": 0, "status": "paused"})),
        ] {
            let mut host = populated();
            host.batch = Some(3);
            let text = params.to_string();
            let mut first: Option<Value> = None;
            let answer = host.run(call(name, &text), |_, _, reply| {
                let mut reply: Value = serde_json::from_str(&reply).unwrap();
                let ok = first.get_or_insert_with(|| reply["ok"].clone());
                alter(ok);
                reply["ok"] = ok.clone();
                reply.to_string()
            });
            assert_eq!(
                code(&answer).as_deref(),
                Some("STORE_MISBEHAVED"),
                "{what}, {name} {params}"
            );
        }
    }
    for later in [
        json!({"heads": [], "more": false}),
        json!({"all": []}),
        json!({}),
        Value::Null,
    ] {
        let mut host = populated();
        host.batch = Some(1);
        let answer = host.run(call("list", "{}"), |turn, _, reply| match turn {
            0 => reply,
            _ => json!({"ok": later}).to_string(),
        });
        assert_eq!(
            code(&answer).as_deref(),
            Some("STORE_MISBEHAVED"),
            "{later}"
        );
    }
}

#[test]
fn a_page_from_before_its_cursor_is_detected() {
    let host = populated();
    let mut page = String::new();
    let first = host.run(call("list", r#"{"limit":1}"#), |_, _, reply| {
        page.clone_from(&reply);
        reply
    });
    let first: Value = serde_json::from_str(&first).unwrap();
    let params = json!({"limit": 1, "cursor": first["ok"]["nextCursor"]}).to_string();
    // The page before the cursor, which would make a caller loop.
    let again = host.run(call("list", &params), |_, _, _| page.clone());
    assert_eq!(code(&again).as_deref(), Some("STORE_MISBEHAVED"));
    for name in ["stats", "cleanup"] {
        let params = if name == "stats" {
            "{}"
        } else {
            r#"{"maxAge":0,"dryRun":true}"#
        };
        let mut pages = 0;
        let mut same: Option<Value> = None;
        let answer = host.run(call(name, params), |_, _, reply| {
            pages += 1;
            let mut reply: Value = serde_json::from_str(&reply).unwrap();
            match &same {
                Some(heads) => reply["ok"]["heads"] = heads.clone(),
                None => same = Some(reply["ok"]["heads"].clone()),
            }
            reply["ok"]["more"] = json!(true);
            reply.to_string()
        });
        assert_eq!(code(&answer).as_deref(), Some("STORE_MISBEHAVED"), "{name}");
        assert_eq!(pages, 2);
    }
}

#[test]
fn an_invalid_record_is_detected() {
    let alterations: &[Alteration] = &[
        ("another kind", |ok| ok["kind"] = json!("lease")),
        ("another key", |ok| ok["key"] = json!("s/other")),
        ("no key", |ok| ok["key"] = Value::Null),
        ("no version", |ok| ok["version"] = json!("1")),
        ("an owner that none can be", |ok| {
            ok["owner"] = json!("../s")
        }),
        ("no body", |ok| {
            drop(ok.as_object_mut().unwrap().remove("body"))
        }),
        ("a body that is no text", |ok| ok["body"] = json!({})),
        ("a body of nonsense", |ok| ok["body"] = json!("nonsense")),
        ("a body of something else", |ok| ok["body"] = json!("{}")),
        ("numbers that cannot be", |ok| {
            let body = ok["body"].as_str().unwrap();
            let mut body: Value = serde_json::from_str(body).unwrap();
            body["first"] = json!(u64::MAX);
            ok["body"] = json!(body.to_string());
        }),
        ("numbers in the wrong order", |ok| {
            let body = ok["body"].as_str().unwrap();
            let mut body: Value = serde_json::from_str(body).unwrap();
            body["first"] = json!(9);
            ok["body"] = json!(body.to_string());
        }),
        ("a session that none can be", |ok| {
            let body = ok["body"].as_str().unwrap();
            let mut body: Value = serde_json::from_str(body).unwrap();
            body["session"] = json!("../s");
            ok["body"] = json!(body.to_string());
        }),
        ("a list", |ok| *ok = json!([ok.clone()])),
    ];
    for (what, alter) in alterations {
        let params = json!({"id": "s", "type": "note", "idempotencyKey": "known"});
        let found = code_of_altered_replies("addEvent", &params, "record", alter);
        assert_eq!(found.as_deref(), Some("STORE_MISBEHAVED"), "{what}");
    }
    for (what, alter) in alterations {
        let host = Host::default();
        let params = r#"{"task":"t","mode":"m","idempotencyKey":"k"}"#;
        host.perform(call("start", params));
        let answer = host.run(call("start", params), |_, request, reply| {
            if request.method != "record" {
                return reply;
            }
            let mut reply: Value = serde_json::from_str(&reply).unwrap();
            alter(&mut reply["ok"]);
            reply.to_string()
        });
        assert_eq!(code(&answer).as_deref(), Some("STORE_MISBEHAVED"), "{what}");
    }
}

#[test]
fn an_invalid_result_of_a_commit_is_detected() {
    let alterations: &[Alteration] = &[
        ("nothing", |ok| *ok = Value::Null),
        ("a truth", |ok| *ok = json!(true)),
        ("no kind", |ok| *ok = json!({})),
        ("another kind", |ok| ok["kind"] = json!("Applied")),
        ("a kind that is no text", |ok| ok["kind"] = json!(1)),
        ("a conflict of no session", |ok| {
            ok["kind"] = json!("sessionConflict")
        }),
        ("a conflict of no record", |ok| {
            ok["kind"] = json!("recordConflict")
        }),
        ("a conflict of an impossible session", |ok| {
            *ok = json!({"kind": "sessionConflict", "id": "../s"});
        }),
    ];
    for (what, alter) in alterations {
        for (name, params) in [
            ("pause", json!({"id": "s"})),
            (
                "start",
                json!({"task": "t", "mode": "m", "idempotencyKey": "k"}),
            ),
            ("delete", json!({"id": "s"})),
            ("import", examples_of("import")),
            ("cleanup", json!({"maxAge": 0})),
        ] {
            let found = code_of_altered_replies(name, &params, "commit", alter);
            assert_eq!(found.as_deref(), Some("STORE_MISBEHAVED"), "{what}, {name}");
        }
    }
}

fn examples_of(operation: &str) -> Value {
    let example = examples().into_iter().find(|(name, _)| *name == operation);
    example.unwrap().1
}

#[test]
fn a_commit_that_always_conflicts_ends() {
    for conflict in [
        json!({"kind": "sessionConflict", "id": "s", "current": 9}),
        json!({"kind": "recordConflict", "recordKind": "lease", "key": "k", "current": null}),
    ] {
        for (name, params) in examples() {
            let host = populated();
            let text = params.to_string();
            let answer = host.run(call(name, &text), |_, request, reply| {
                if request.method == "commit" {
                    json!({"ok": conflict}).to_string()
                } else {
                    reply
                }
            });
            if let Parsed::Error(code) = read(&answer) {
                let allowed = [
                    "STORE_BUSY",
                    "SESSION_EXISTS",
                    "SESSION_NOT_FOUND",
                    "INVALID_TRANSITION",
                    "INVALID_PHASE",
                    "INVALID_CURSOR",
                    // A save with an expected version, and a conflict on something that was not
                    // written.
                    "VERSION_CONFLICT",
                    "STORE_MISBEHAVED",
                    // No run of the job was claimed.
                    "LEASE_LOST",
                ];
                // The call of the sample was not started.
                let unknown_call = name == "finishToolCall" && code == "INVALID_ARGUMENT";
                assert!(
                    allowed.contains(&code.as_str()) || unknown_call,
                    "{name}: {answer}"
                );
            }
            assert_eq!(host.engine.pending(), 0);
        }
    }
}

#[test]
fn the_error_of_a_store_is_returned() {
    for (reply, expected, says) in [
        (
            r#"{"error":{"code":"STORAGE_FULL","message":"no room"}}"#,
            "STORAGE_FULL",
            "no room",
        ),
        (
            r#"{"error":{"code":"STORE_UNAVAILABLE","message":"gone"}}"#,
            "STORE_UNAVAILABLE",
            "gone",
        ),
        (
            r#"{"error":{"message":"it broke"}}"#,
            "STORE_FAILED",
            "it broke",
        ),
        (
            r#"{"error":{"code":"SQLITE_BUSY","message":"it broke"}}"#,
            "STORE_FAILED",
            "it broke",
        ),
        (
            r#"{"error":{"code":"INTERNAL","message":"mine"}}"#,
            "STORE_FAILED",
            "mine",
        ),
        (
            r#"{"error":{"message":"cut \ud83d"}}"#,
            "STORE_FAILED",
            "cut \u{fffd}",
        ),
        (r#"{"error":{}}"#, "STORE_FAILED", "did not say why"),
        (
            r#"{"ok":null,"error":{"message":"both"}}"#,
            "STORE_FAILED",
            "both",
        ),
        (
            r#"{"ok":7,"error":{"message":"both"}}"#,
            "STORE_FAILED",
            "both",
        ),
    ] {
        // Some operations make no request to the store, and `hookEvent` says in its reply what failed.
        let silent = ["slotPhase", "vmCommand", "hookEvent", "webhookAddresses"];
        let asking = |(name, _): &(&str, Value)| !silent.contains(name);
        for (name, params) in examples().into_iter().filter(asking) {
            let host = populated();
            let text = params.to_string();
            let answer = host.run(call(name, &text), |_, _, _| reply.to_owned());
            assert_eq!(
                error_code(&answer).as_deref(),
                Some(expected),
                "{name}: {answer}"
            );
            assert!(answer.contains(says), "{name}: {answer}");
            assert_eq!(host.engine.pending(), 0);
        }
    }
}

#[test]
fn a_session_that_a_store_reports_as_corrupt_can_be_deleted_or_replaced() {
    let corrupt = r#"{"error":{"code":"CORRUPT_SESSION","message":"bad bytes"}}"#;
    for (name, params, expected) in [
        ("get", json!({"id": "s"}), Some("CORRUPT_SESSION")),
        ("pause", json!({"id": "s"}), Some("CORRUPT_SESSION")),
        ("delete", json!({"id": "s"}), None),
        ("import", examples_of("import"), None),
    ] {
        let host = populated();
        let text = params.to_string();
        let answer = host.run(call(name, &text), |_, request, reply| {
            if request.method == "load" {
                corrupt.to_owned()
            } else {
                reply
            }
        });
        assert_eq!(code(&answer).as_deref(), expected, "{name}: {answer}");
    }
}

/// Modifies a value at a random place: removes a property or replaces a value.
fn alter(random: &mut Random, value: &mut Value) {
    let others = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("s"),
        json!("{}"),
        json!("../x"),
        json!([]),
        json!({}),
        json!([[]]),
    ];
    match value {
        Value::Object(properties) if !properties.is_empty() && !random.once_in(4) => {
            let key = properties
                .keys()
                .nth(random.below(properties.len()))
                .unwrap()
                .clone();
            if random.once_in(6) {
                properties.remove(&key);
            } else {
                alter(random, &mut properties[&key]);
            }
        }
        Value::Array(items) if !items.is_empty() && !random.once_in(4) => {
            let index = random.below(items.len());
            match random.below(6) {
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                2 => items.reverse(),
                _ => alter(random, &mut items[index]),
            }
        }
        Value::String(text) if text.starts_with('{') && !random.once_in(4) => {
            if let Ok(mut inner) = serde_json::from_str(text) {
                alter(random, &mut inner);
                *text = inner.to_string();
            }
        }
        _ => *value = random.one_of(&others).clone(),
    }
}

#[test]
fn an_altered_reply_never_causes_an_internal_error() {
    let examples = examples();
    for seed in 0..scaled(20_000.0) {
        let mut random = Random(seed as u64);
        let host = populated();
        let (name, mut params) = random.one_of(&examples).clone();
        if random.once_in(2) {
            params.as_object_mut().unwrap().remove("cursor");
        }
        let text = params.to_string();
        let answer = host.run(call(name, &text), |turn, _, reply| {
            if turn > 20 || random.once_in(3) {
                return reply;
            }
            let mut reply: Value = serde_json::from_str(&reply).unwrap();
            alter(&mut random, &mut reply);
            reply.to_string()
        });
        if let Parsed::Error(code) = read(&answer) {
            assert_ne!(code, "INTERNAL", "seed {seed}, {name}: {answer}");
        }
        assert_eq!(host.engine.pending(), 0);
    }
}
