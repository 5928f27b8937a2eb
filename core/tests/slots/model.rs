//! Random operations on sessions in a few slots, compared with a model of the occupants.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{World, scale};

#[derive(Debug, Clone)]
enum Step {
    Start {
        slot: usize,
        model: usize,
        on_model_change: &'static str,
        rerun: bool,
        replace: bool,
        /// Confirms the session that was last looked up in the slot.
        confirms: bool,
        locking: &'static str,
    },
    /// Looks up a slot.
    Look(usize),
    /// An operation on the started session with this index.
    Change(&'static str, usize),
}

const SLOTS: [(&str, &str); 3] = [("t", "plan"), ("t", "run"), ("u", "plan")];
const MODELS: [&str; 2] = ["a", "b"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let start = (
        0..SLOTS.len(),
        0..MODELS.len(),
        prop::sample::select(vec!["confirm", "replace", "reject"]),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(vec!["optimistic", "pessimistic"]),
    )
        .prop_map(
            |(slot, model, on_model_change, rerun, replace, confirms, locking)| Step::Start {
                slot,
                model,
                on_model_change,
                rerun,
                replace,
                confirms,
                locking,
            },
        );
    let change = prop::sample::select(vec![
        "complete",
        "fail",
        "abandon",
        "trash",
        "restore",
        "delete",
        "import",
        "fork",
        "addEvent",
        "override",
        "save",
        "saveNew",
        "importFile",
    ]);
    prop::collection::vec(
        prop_oneof![
            4 => start,
            2 => (0..SLOTS.len()).prop_map(Step::Look),
            4 => (change, 0..12usize).prop_map(|(name, of)| Step::Change(name, of)),
        ],
        0..40,
    )
}

/// A session in the model.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    slot: usize,
    model: usize,
    status: &'static str,
    version: u64,
    trashed: bool,
}

/// The expected outcome of a start, computed without the code of the core.
fn expected(there: Option<&Known>, step: &Step, seen: Option<&(String, u64)>) -> &'static str {
    let Step::Start {
        model,
        on_model_change,
        rerun,
        replace,
        ..
    } = step
    else {
        panic!("{step:?} starts nothing");
    };
    let Some(there) = there else {
        return "created";
    };
    if !["active", "completed"].contains(&there.status) {
        return "replaced";
    }
    let fits = seen.map(|(id, version)| *id == there.id && *version == there.version);
    if there.model == *model {
        return match fits {
            _ if there.status == "completed" && *rerun && !replace => "replaced",
            _ if !replace => "existing",
            Some(true) => "replaced",
            Some(false) => "busy",
            None => "needs_confirmation",
        };
    }
    match (*on_model_change, fits) {
        ("reject", _) => "rejected",
        (_, Some(false)) => "busy",
        ("replace", _) | (_, Some(true)) => "replaced",
        _ => "needs_confirmation",
    }
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = World::default();
    let mut known: Vec<Known> = Vec::new();
    let mut seen: [Option<(String, u64)>; 3] = [None, None, None];
    for (number, step) in steps.iter().enumerate() {
        world.pass(1);
        match step {
            Step::Look(slot) => {
                let there = known.iter().find(|one| one.slot == *slot && !one.trashed);
                seen[*slot] = there.map(|there| (there.id.clone(), there.version));
            }
            Step::Start {
                slot,
                model,
                on_model_change,
                rerun,
                replace,
                confirms,
                locking,
            } => {
                let confirmed = seen[*slot].as_ref().filter(|_| *confirms);
                let there = known
                    .iter()
                    .position(|one| one.slot == *slot && !one.trashed);
                let outcome = expected(there.map(|at| &known[at]), step, confirmed);
                let id = format!("s{number}");
                let confirm = confirmed.map(|(id, version)| json!({"id": id, "version": version}));
                let (task, phase) = SLOTS[*slot];
                let answer = world.ok(
                    "startInSlot",
                    json!({
                        "id": id, "taskId": task, "phase": phase, "model": MODELS[*model],
                        "task": "", "mode": "m", "onModelChange": on_model_change,
                        "rerun": rerun, "replace": replace, "confirm": confirm, "locking": locking
                    }),
                );
                prop_assert_eq!(&answer["outcome"], outcome, "{:?}", step);
                prop_assert!(!answer["message"].as_str().unwrap().is_empty());
                if outcome == "replaced" {
                    let old = &mut known[there.unwrap()];
                    prop_assert_eq!(&answer["replaced"]["id"], &old.id);
                    old.trashed = true;
                    old.version += 1;
                    if old.status == "active" {
                        old.status = "abandoned";
                    }
                }
                if outcome == "replaced" || outcome == "created" {
                    known.push(Known {
                        id,
                        slot: *slot,
                        model: *model,
                        status: "active",
                        version: 1,
                        trashed: false,
                    });
                }
            }
            Step::Change(name @ ("saveNew" | "importFile"), of) => {
                import_copy(&world, &mut known, name, *of, number)?;
            }
            Step::Change(name, of) => change(&world, &mut known, name, *of)?,
        }
        check(&world, &known)?;
    }
    Ok(())
}

fn change(
    world: &World,
    known: &mut Vec<Known>,
    name: &'static str,
    of: usize,
) -> Result<(), TestCaseError> {
    let Some(one) = known.get(of).cloned() else {
        return Ok(());
    };
    let taken = known
        .iter()
        .any(|other| other.slot == one.slot && !other.trashed && other.id != one.id);
    let params = match name {
        "import" => json!({"text": world.export(&one.id)}),
        "addEvent" => json!({"id": one.id, "type": "note"}),
        "override" => json!({"id": one.id, "updates": {"task": one.version.to_string()}}),
        "save" => json!({"text": world.export(&one.id).replace("\"m\"", "\"n\"")}),
        _ => json!({"id": one.id}),
    };
    let reply = world.call(name, params);
    let kept = &mut known[of];
    match name {
        "delete" => {
            prop_assert!(reply.is_ok());
            known.remove(of);
        }
        "trash" => {
            prop_assert!(reply.is_ok());
            kept.version += u64::from(!one.trashed);
            kept.trashed = true;
        }
        "restore" if one.trashed && taken => {
            prop_assert_eq!(reply.unwrap_err().code(), "SLOT_TAKEN");
        }
        "restore" => {
            prop_assert!(reply.is_ok());
            kept.version += u64::from(one.trashed);
            kept.trashed = false;
        }
        "import" => {
            prop_assert!(reply.is_ok());
            kept.version += 1;
        }
        "fork" => prop_assert!(reply.is_ok()),
        _ if one.trashed => {
            prop_assert_eq!(reply.unwrap_err().code(), "SESSION_DELETED");
        }
        "override" | "save" => {
            let reply: Value = serde_json::from_str(&reply.unwrap().value).unwrap();
            kept.version = reply["version"].as_u64().unwrap();
        }
        _ if one.status != "active" => prop_assert!(reply.is_err()),
        _ => {
            prop_assert!(reply.is_ok());
            kept.version += 1;
            kept.status = match name {
                "complete" => "completed",
                "fail" => "failed",
                "abandon" => "abandoned",
                _ => "active",
            };
        }
    }
    Ok(())
}

/// Imports or saves a copy of a session, as from another store, which claims the same slot.
fn import_copy(
    world: &World,
    known: &mut Vec<Known>,
    name: &'static str,
    of: usize,
    number: usize,
) -> Result<(), TestCaseError> {
    let Some(one) = known.get(of).cloned() else {
        return Ok(());
    };
    let id = format!("s{number}");
    let mut text: Value = serde_json::from_str(&world.export(&one.id)).unwrap();
    text["id"] = json!(id);
    text["deletedAt"] = Value::Null;
    let text = text.to_string();
    let taken = known
        .iter()
        .any(|other| other.slot == one.slot && !other.trashed);
    let came = match name {
        "saveNew" => {
            let reply = world.call("save", json!({"text": text}));
            let code = reply.as_ref().err().map(|error| error.code());
            prop_assert_eq!(code, taken.then_some("SLOT_TAKEN"));
            reply.is_ok()
        }
        _ => {
            let path = format!("sessions/{id}/session.json");
            let reply = world.ok("importFile", json!({"path": path, "text": text}));
            let problems = reply["problems"].as_array().unwrap().len();
            prop_assert_eq!(problems, usize::from(taken), "{}", reply);
            reply["written"] == 1
        }
    };
    prop_assert_eq!(came, !taken);
    if came {
        let version = world.session(&id)["version"].as_u64().unwrap();
        known.push(Known {
            id,
            version,
            trashed: false,
            ..one
        });
    }
    Ok(())
}

/// Checks that all slots and sessions agree with the model.
fn check(world: &World, known: &[Known]) -> Result<(), TestCaseError> {
    let slots = world.ok("slots", json!({"taskIds": ["t", "u"]}));
    let mut seen: Vec<(&Value, &Value)> = Vec::new();
    for slot in slots.as_array().unwrap() {
        seen.push((&slot["session"]["id"], &slot["session"]["version"]));
    }
    let mut all: Vec<(Value, Value)> = Vec::new();
    for (number, (task, phase)) in SLOTS.iter().enumerate() {
        let there: Vec<&Known> = known
            .iter()
            .filter(|one| one.slot == number && !one.trashed)
            .collect();
        prop_assert!(there.len() <= 1, "{:?}", there);
        let latest = world.ok("latestSession", json!({"taskId": task, "phase": phase}));
        let id = there.first().map(|one| json!(one.id)).unwrap_or_default();
        prop_assert_eq!(&latest["session"]["id"], &id);
        all.extend(there.iter().map(|one| (json!(one.id), json!(one.version))));
    }
    // The record of a slot names its occupant, whichever operation claimed the slot.
    let many = ["t", "u", "v", "w", "x"];
    prop_assert_eq!(world.ok("slots", json!({"taskIds": many})), slots.clone());
    let all: Vec<(&Value, &Value)> = all.iter().map(|(id, version)| (id, version)).collect();
    prop_assert_eq!(seen, all);
    for one in known {
        let session = world.session(&one.id);
        prop_assert_eq!(&session["status"], one.status);
        prop_assert_eq!(session["deletedAt"].is_string(), one.trashed);
    }
    Ok(())
}

#[test]
fn every_sequence_of_operations_leaves_each_slot_with_the_session_of_the_model() {
    let cases = (scale() * 2000.0).ceil() as u32;
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in steps())| run(steps)?);
}
