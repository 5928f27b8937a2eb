//! The commands `tenure slot`, with and without a terminal.

mod concurrent;
mod json;
mod starting;
#[cfg(target_os = "linux")]
mod terminal;

use crate::common::{CommandOutput, Place};
use serde_json::Value;

const REFUSED: i32 = 1;
const USAGE: i32 = 2;

/// Starts a session in the slot T1/plan.
fn plan(place: &Place, model: &str, more: &[&str]) -> CommandOutput {
    place.run(
        &[
            &["slot", "start", "T1", "plan", "Plan it", "--model", model],
            more,
        ]
        .concat(),
    )
}

/// A place where the session `old`, with the model opus, is in the slot T1/plan.
fn place_with_planner() -> Place {
    let place = Place::new();
    assert_eq!(plan(&place, "opus", &["--id", "old"]).code, 0);
    place
}

/// The id of the session in the slot T1/plan.
fn planner(place: &Place) -> String {
    let latest = place.run_ok(&["slot", "show", "T1", "plan", "--json"]);
    let latest: Value = serde_json::from_str(&latest).unwrap();
    latest["session"]["id"].as_str().unwrap().to_owned()
}

fn status(place: &Place, id: &str) -> String {
    let session: Value = serde_json::from_str(&place.run_ok(&["show", id, "--json"])).unwrap();
    session["status"].as_str().unwrap().to_owned()
}

/// The transcript of several commands.
fn transcript(place: &Place, commands: &[&[&str]]) -> String {
    let mut transcript = String::new();
    for args in commands {
        let CommandOutput { code, out, err } = place.run(args);
        transcript += &format!("$ tenure {}\n{out}{err}[{code}]\n", args.join(" "));
    }
    transcript
}

#[test]
fn shells_complete_the_commands_for_slots_and_the_trash() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run_ok(&["completions", shell]);
        for word in ["slot", "on-model-change", "export-old", "purge", "archive"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}
