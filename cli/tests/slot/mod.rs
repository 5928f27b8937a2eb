//! The commands `tenure slot`, as scripts and people at terminals run them.

mod json;
mod meeting;
mod starting;
#[cfg(target_os = "linux")]
mod terminal;

use crate::common::{Ended, Place};
use serde_json::Value;
use snapbox::data::Inline;
use snapbox::{Assert, IntoData};

const NO: i32 = 1;
const MISUSED: i32 = 2;

/// Holds what is printed to a snapshot. `SNAPSHOTS=overwrite` writes snapshots anew.
#[track_caller]
fn held(printed: impl IntoData, snapshot: Inline) {
    let assert = Assert::new().normalize_paths(false);
    assert.action_env("SNAPSHOTS").eq(printed, snapshot);
}

/// Starts a session of task T1 in its slot for planning.
fn plan(place: &Place, model: &str, more: &[&str]) -> Ended {
    place.run(
        &[
            &["slot", "start", "T1", "plan", "Plan it", "--model", model],
            more,
        ]
        .concat(),
    )
}

/// A place where the model opus plans T1, in the session `old`.
fn planned() -> Place {
    let place = Place::new();
    assert_eq!(plan(&place, "opus", &["--id", "old"]).code, 0);
    place
}

/// The session in the slot for planning T1.
fn planner(place: &Place) -> String {
    let latest = place.says(&["slot", "show", "T1", "plan", "--json"]);
    let latest: Value = serde_json::from_str(&latest).unwrap();
    latest["session"]["id"].as_str().unwrap().to_owned()
}

fn status(place: &Place, id: &str) -> String {
    let session: Value = serde_json::from_str(&place.says(&["show", id, "--json"])).unwrap();
    session["status"].as_str().unwrap().to_owned()
}

/// What commands print, one after the other.
fn transcript(place: &Place, commands: &[&[&str]]) -> String {
    let mut told = String::new();
    for args in commands {
        let Ended { code, out, err } = place.run(args);
        told += &format!("$ tenure {}\n{out}{err}[{code}]\n", args.join(" "));
    }
    told
}

#[test]
fn shells_complete_the_commands_for_slots_and_the_trash() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.says(&["completions", shell]);
        for word in ["slot", "on-model-change", "export-old", "purge", "archive"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}
