//! Exporting a session in parts, and what happens when it changes between two of them.

use serde_json::{Value, json};
use tenure_core::Result;

use crate::support::World;

/// A world with a session `a` whose text has `parts` parts and more.
fn world(parts: usize) -> World {
    let world = World::default();
    world.start(json!({"id": "a", "metadata": {"otherProperties": {"guildId": "g"}, "tokens": 3}}));
    for _ in 0..parts {
        append(&world, 10);
    }
    world
}

/// Appends events of almost 1 MB.
fn append(world: &World, count: usize) {
    let event = json!({"type": "note", "data": {"text": "x".repeat(1_000_000)}});
    world.ok(
        "addEvents",
        json!({"id": "a", "events": vec![event; count]}),
    );
}

/// The text of all parts, and their number. `between` is called before each but the first, with its
/// number.
fn parts(world: &World, mut between: impl FnMut(usize)) -> Result<(String, usize)> {
    let (mut text, mut count, mut after) = (String::new(), 0, Value::Null);
    loop {
        if count > 0 {
            between(count);
        }
        let params = match &after {
            Value::Null => json!({"id": "a"}),
            after => json!({"id": "a", "after": after}),
        };
        let reply = world.call("exportPart", params)?;
        let part: Value = serde_json::from_str(&reply.value).unwrap();
        let said = part["text"].as_str().unwrap();
        assert!(said.len() < 12_000_000);
        text.push_str(said);
        count += 1;
        after = part["next"].clone();
        if after.is_null() {
            return Ok((text, count));
        }
    }
}

#[test]
fn the_parts_of_a_large_session_are_the_text_of_its_export() {
    let world = world(3);
    let (text, count) = parts(&world, |_| {}).unwrap();
    assert!(count >= 4, "{count}");
    assert!(text == world.export("a"));
    assert!(text.ends_with(r#"],"guildId":"g"}"#));
}

#[test]
fn a_session_is_exported_as_it_was_when_its_export_began() {
    let world = world(3);
    let before = world.export("a");
    let (text, _) = parts(&world, |part| match part {
        1 => append(&world, 2),
        2 => drop(world.ok(
            "updateContext",
            json!({"id": "a", "context": {"new": true}}),
        )),
        3 => drop(world.ok("complete", json!({"id": "a", "result": "done"}))),
        _ => drop(world.ok("trash", json!({"id": "a"}))),
    })
    .unwrap();
    assert!(text == before);
    assert!(text != world.export("a"));
}

#[test]
fn an_export_fails_whose_session_is_replaced_or_removed() {
    let world = world(1);
    let text = world.export("a");
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["history"][1]["data"] = json!({"text": "another"});
    let code = |change: &dyn Fn()| {
        world.ok("import", json!({"text": text}));
        let exported = parts(&world, |part| {
            if part == 1 {
                change();
            }
        });
        exported.err().map(|error| error.code())
    };
    let import = |session: &Value| {
        world.ok("import", json!({"text": session.to_string()}));
    };
    assert_eq!(code(&|| import(&changed)), Some("VERSION_CONFLICT"));
    changed["history"].as_array_mut().unwrap().truncate(3);
    assert_eq!(code(&|| import(&changed)), Some("VERSION_CONFLICT"));
    // A history that was replaced by itself is the same history.
    assert_eq!(
        code(&|| drop(world.ok("import", json!({"text": text})))),
        None
    );
    let delete = || drop(world.ok("delete", json!({"id": "a"})));
    assert_eq!(code(&delete), Some("SESSION_NOT_FOUND"));
}

#[test]
fn a_text_that_is_no_cursor_is_refused() {
    let world = World::default();
    world.start(json!({"id": "a"}));
    for after in ["", "7", "{}", r#"{"version":1}"#] {
        let params = json!({"id": "a", "after": after});
        assert_eq!(
            world.code("exportPart", params),
            "INVALID_CURSOR",
            "{after}"
        );
    }
    assert_eq!(
        world.code("exportPart", json!({"id": "b"})),
        "SESSION_NOT_FOUND"
    );
    let params = json!({"id": "a", "trash": "only"});
    assert_eq!(world.code("exportPart", params), "SESSION_NOT_FOUND");
}
