//! The commands `tenure lease`: one winner, whoever asks at once, and for as long as its process runs.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::common::{Ended, Place, plain};
use serde_json::Value;
use snapbox::data::Inline;
use snapbox::{Assert, IntoData, str};

const NO: i32 = 1;
const MISUSED: i32 = 2;

#[track_caller]
fn held(printed: impl IntoData, snapshot: Inline) {
    let assert = Assert::new().normalize_paths(false);
    assert.action_env("SNAPSHOTS").eq(printed, snapshot);
}

/// A process that runs until it is dropped.
struct Running(Child);

impl Running {
    fn new() -> Self {
        // It ends with the tests, too.
        Self(
            Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn lease(place: &Place, args: &[&str]) -> Ended {
    place.run(&[&["lease"], args].concat())
}

/// The token of a lease that is had.
fn token(place: &Place, args: &[&str]) -> u64 {
    place.says(&[&["lease"], args].concat()).parse().unwrap()
}

#[test]
fn a_lease_is_held_by_the_process_that_runs_the_command() {
    let place = Place::new();
    assert_eq!(token(&place, &["acquire", "deploy"]), 1);
    assert_eq!(token(&place, &["acquire", "deploy"]), 1);
    assert_eq!(token(&place, &["renew", "deploy", "--token", "1"]), 1);
    let other = Running::new();
    let refused = lease(&place, &["acquire", "deploy", "--owner-pid", &other.pid()]);
    assert_eq!((refused.code, &*refused.out), (NO, ""));
    let own = format!(", process {} on ", std::process::id());
    assert!(refused.err.contains(&own), "{}", refused.err);
    let refused = lease(&place, &["release", "deploy", "--owner-pid", &other.pid()]);
    assert_eq!(refused.code, NO);
    // It is held however long ago it was renewed.
    let later = [
        "acquire",
        "deploy",
        "--owner-pid",
        &other.pid(),
        "--now",
        "2026-01-09T00:00:00Z",
    ];
    assert_eq!(lease(&place, &later).code, NO);

    assert_eq!(
        place.says(&["lease", "release", "deploy", "--token", "1"]),
        "deploy is released"
    );
    assert_eq!(
        token(&place, &["acquire", "deploy", "--owner-pid", &other.pid()]),
        2
    );
    assert_eq!(lease(&place, &["renew", "deploy", "--token", "1"]).code, NO);
}

#[test]
fn what_a_process_held_that_has_ended_is_free() {
    let place = Place::new();
    let owner = Running::new();
    let pid = owner.pid();
    assert_eq!(
        token(
            &place,
            &["acquire", "deploy", "--owner-pid", &pid, "--for", "1d"]
        ),
        1
    );
    drop(owner);
    let refused = lease(&place, &["acquire", "deploy", "--owner-pid", &pid]);
    assert_eq!(refused.code, MISUSED, "{}", refused.err);
    assert!(lease(&place, &["list"]).out.contains("\tstale\t"));
    assert_eq!(token(&place, &["acquire", "deploy"]), 2);
}

#[test]
fn a_name_holds_until_the_time_runs_out() {
    let place = Place::new();
    let ask = |name: &str, now: &str| {
        let now = format!("2026-01-08T18:{now}Z");
        lease(
            &place,
            &[
                "acquire", "nightly", "--holder", name, "--for", "30s", "--now", &now,
            ],
        )
    };
    assert_eq!(ask("ci-1", "00:00").out, "1\n");
    let refused = ask("ci-2", "00:29.999");
    assert_eq!(refused.code, NO);
    let why = "tenure: nightly is held by ci-1, until 2026-01-08T18:00:30.000Z\n";
    assert_eq!(refused.err, why);
    assert_eq!(ask("ci-2", "00:30").out, "2\n");
    assert_eq!(
        lease(&place, &["release", "nightly", "--holder", "ci-1"]).code,
        NO
    );
    let released = lease(&place, &["release", "nightly", "--holder", "ci-2"]);
    assert_eq!(
        (released.code, &*released.out),
        (0, "nightly is released\n")
    );
    let again = lease(&place, &["release", "nightly", "--holder", "ci-2"]);
    assert_eq!(
        (again.code, &*again.err),
        (0, "tenure: nobody held nightly\n")
    );
}

#[test]
fn of_twenty_that_ask_at_once_one_wins() {
    let place = Place::new();
    let scale: f64 = std::env::var("TENURE_TEST_SCALE").map_or(0.1, |scale| scale.parse().unwrap());
    let rounds = (50.0 * scale).ceil() as u64;
    for round in 1..=rounds {
        let asked: Vec<_> = (0..20)
            .map(|number| {
                let name = format!("{round}.{number}");
                let args = ["lease", "acquire", "deploy", "--holder", &name];
                place.command(&args).spawn().unwrap()
            })
            .collect();
        let ended: Vec<_> = asked
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .collect();
        let won: Vec<_> = ended
            .iter()
            .filter(|ended| ended.status.code() == Some(0))
            .collect();
        assert_eq!(won.len(), 1, "{ended:?}");
        assert_eq!(
            String::from_utf8_lossy(&won[0].stdout),
            format!("{round}\n")
        );
        assert!(
            ended
                .iter()
                .all(|ended| matches!(ended.status.code(), Some(0 | NO)))
        );
        assert_eq!(lease(&place, &["clear", "--force"]).out, "1 lease taken\n");
    }
}

#[test]
fn the_commands_of_a_shell_have_one_owner_and_its_end_frees_what_it_held() {
    let place = Place::new();
    let shell = |script: &str| {
        let mut command = place.command(&[]);
        let tenure = command.get_program().to_owned();
        let mut shell = Command::new("sh");
        shell
            .args(["-ec", script])
            .env_clear()
            .env("tenure", tenure)
            .env("PATH", "/usr/bin:/bin");
        shell
            .env("XDG_RUNTIME_DIR", place.folder.path())
            .current_dir(place.folder.path());
        command = shell;
        crate::common::ended(command)
    };
    let ended = shell(
        "token=$($tenure lease acquire deploy)
         $tenure lease renew deploy --token $token
         $tenure lease list | cut -f1,2,7
         # A subshell that is no process of its own for long has to name the owner.
         ($tenure lease release deploy; true) || true
         (export TENURE_OWNER_PID=$$; true; $tenure lease release deploy; true)
         $tenure lease acquire deploy",
    );
    assert_eq!(ended.out, "1\ndeploy\theld\t*\ndeploy is released\n2\n");
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(shell("$tenure lease acquire deploy").out, "3\n");
}

#[test]
fn leases_are_the_machines_unless_the_command_names_a_store() {
    let place = Place::new();
    // The variable, which is set here, says where sessions are kept.
    assert_eq!(token(&place, &["acquire", "deploy"]), 1);
    assert!(place.folder.path().join("tenure/registry.db").exists());
    assert!(!place.folder.path().join("tenure.db").exists());
    let store = place.url();
    assert_eq!(
        token(
            &place,
            &["acquire", "deploy", "--store", &store, "--holder", "a"]
        ),
        1
    );
    assert_eq!(
        place
            .says(&["lease", "list", "--store", &store])
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_list_that_no_terminal_reads_is_a_line_for_each_lease() {
    let place = Place::new();
    token(&place, &["acquire", "a", "--holder", "ci-1", "--for", "1h"]);
    token(
        &place,
        &[
            "acquire",
            "b\tc",
            "--holder",
            "ci-2",
            "--now",
            "2026-01-08T18:00:00Z",
        ],
    );
    token(&place, &["acquire", "d"]);
    lease(&place, &["release", "d"]);
    held(
        lease(&place, &["list", "--holder", "ci-1"]).out,
        str![[r#"
a	held	ci-1	-	no VM	2026-01-08T19:05:30.000Z	*
b c	stale	ci-2	-	no VM	2026-01-08T18:00:30.000Z	-

"#]],
    );
    assert_eq!(
        lease(&place, &["list", "--state", "released"])
            .out
            .lines()
            .count(),
        1
    );
    assert_eq!(
        lease(&place, &["list", "--prefix", "b"])
            .out
            .lines()
            .count(),
        1
    );
    let json = place.says(&["lease", "list", "--json", "--limit", "1"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["items"][0]["key"], &json["nextCursor"]),
        (&"a".into(), &"a".into())
    );
}

#[test]
fn a_list_on_a_terminal_is_a_table_that_fits() {
    let place = Place::new();
    let long = "build:the-nightly-build-of-everything-that-there-is";
    token(
        &place,
        &[
            "acquire",
            long,
            "--holder",
            "ci-1.the-runner-of-the-week",
            "--for",
            "1h",
        ],
    );
    token(
        &place,
        &[
            "acquire",
            "deploy",
            "--holder",
            "ci-2",
            "--now",
            "2026-01-08T18:00:00Z",
        ],
    );
    let args = ["lease", "list", "--holder", "ci-1.the-runner-of-the-week"];
    let shown = plain(&place.on_terminal(&args));
    held(
        &shown,
        str![[r#"
   LEASE                           STATE  HOLDER            PID  TOKEN  LEFT
*  build:the-nightly-build-of-ev…  held   ci-1.the-runner…  -    1      1h
   deploy                          stale  ci-2              -    1      -

"#]],
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    let nothing = Place::new().on_terminal(&["lease", "list"]);
    assert_eq!(plain(&nothing), "Nothing is held.\n");
}

#[test]
fn leases_are_taken_from_their_holders_only_when_that_is_meant() {
    let place = Place::new();
    for key in ["a:1", "a:2", "b"] {
        token(&place, &["acquire", key]);
    }
    let refused = lease(&place, &["clear"]);
    assert_eq!(refused.code, MISUSED);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(
        lease(&place, &["clear", "--force", "--prefix", "a:"]).out,
        "2 leases taken\n"
    );
    assert_eq!(lease(&place, &["list"]).out.lines().count(), 1);
    assert_eq!(lease(&place, &["clear", "--force"]).out, "1 lease taken\n");
    assert_eq!(token(&place, &["acquire", "b"]), 2);
}

#[test]
fn json_is_the_operations_result_and_the_exit_code_says_the_same() {
    let place = Place::new();
    let asked = |args: &[&str]| {
        let ended = lease(&place, &[args, &["--json"]].concat());
        let json: Value = serde_json::from_str(&ended.out).unwrap();
        (ended.code, json["outcome"].as_str().unwrap().to_owned())
    };
    let is = |code: i32, outcome: &str| (code, outcome.to_owned());
    assert_eq!(asked(&["acquire", "k", "--holder", "a"]), is(0, "acquired"));
    assert_eq!(asked(&["acquire", "k", "--holder", "a"]), is(0, "renewed"));
    assert_eq!(asked(&["acquire", "k", "--holder", "b"]), is(NO, "held"));
    assert_eq!(
        asked(&["renew", "k", "--holder", "a", "--token", "2"]),
        is(NO, "lost")
    );
    assert_eq!(
        asked(&["release", "k", "--holder", "b"]),
        is(NO, "not_owner")
    );
    assert_eq!(asked(&["release", "k", "--holder", "a"]), is(0, "released"));
    assert_eq!(asked(&["release", "k", "--holder", "a"]), is(0, "not_held"));
}

#[test]
fn what_there_is_can_be_counted() {
    let place = Place::new();
    token(&place, &["acquire", "a"]);
    token(
        &place,
        &[
            "acquire",
            "b",
            "--holder",
            "x",
            "--now",
            "2026-01-08T18:00:00Z",
        ],
    );
    place.says(&["vm", "register", "m", "--zone", "z"]);
    let stats: Value = serde_json::from_str(&place.says(&["lease", "stats", "--json"])).unwrap();
    assert_eq!(
        stats["leases"],
        serde_json::json!({"held": 3, "stale": 1, "released": 0})
    );
    assert_eq!((&stats["sessions"], &stats["vms"]), (&1.into(), &1.into()));
    assert_eq!(stats["own"]["pid"], std::process::id());
    assert_eq!(stats["own"]["vmId"], "m");
    let shown = place.says(&["lease", "stats", "--holder", "x"]);
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.contains("host"))
        .collect();
    held(
        shown.join("\n"),
        str![[r#"
Sessions      1
VMs           1
Orphans       0
Leases        3 held, 1 stale, 0 released
Own session   x
  process     -
  VM          no VM
"#]],
    );
}

#[test]
fn what_is_said_about_a_lease_is_kept_to_the_letter() {
    let place = Place::new();
    let file = place.folder.path().join("data.json");
    fs::write(&file, r#"{"b":1e400,"a":[1,2]}"#).unwrap();
    let data = format!("@{}", file.display());
    token(&place, &["acquire", "k", "--data", &data]);
    let json = place.says(&["lease", "list", "--json"]);
    assert!(json.contains(r#""data":{"b":1e400,"a":[1,2]}"#), "{json}");
    assert_eq!(
        lease(&place, &["acquire", "k", "--data", "{"]).code,
        MISUSED
    );
}

#[test]
fn the_help_of_the_group_fits_a_page() {
    held(
        lease(&Place::new(), &["--help"]).out,
        str![[r#"
Hold something, so that nobody else does the same work

Usage: tenure lease [OPTIONS] <COMMAND>

Commands:
  acquire  Hold something, or hold it longer, and print the lease's token
  renew    Hold something longer
  release  Give back what is held
  list     List who holds what, and which sessions run
  stats    Count what is held, and show what one owns oneself
  sweep    See to virtual machines whose owners have ended
  clear    Take leases from whoever holds them

Options:
  -h, --help  Print help

Global options:
      --store <URL>        Where sessions are kept: sqlite:FILE, file:FOLDER or
                           registry: [env: TENURE_STORE]
      --json               Print results as JSON, for programs
      --now <TIME>         Act as if it were this moment, such as
                           2026-01-08T18:05:30Z
      --models <NAME,...>  The models that there are: the sessions of others
                           take no changes [env: TENURE_MODELS]

The owner is the process that runs the command: a shell, a script or an agent.
It holds for as long as it runs, and what it held is free when it has ended. In
a subshell, name the owner: --owner-pid $$, or export TENURE_OWNER_PID=$$. An
owner on another machine, or --holder NAME, holds until the time runs out.

Examples:
  token=$(tenure lease acquire deploy --for 10m) || exit
  tenure lease renew deploy --token $token
  tenure lease release deploy --token $token
  tenure lease list
  tenure lease sweep --exec 'gcloud compute instances delete {vmId} --quiet'

"#]],
    );
    held(
        lease(&Place::new(), &["acquire", "--help"]).out,
        str![[r#"
Hold something, or hold it longer, and print the lease's token

Usage: tenure lease acquire [OPTIONS] <KEY>

Arguments:
  <KEY>  What to hold: any text

Options:
      --for <TIME>       For how long, where the owner cannot be seen to run:
                         30s by default
      --data <JSON>      What to say about it: a JSON object, @FILE, or - for
                         standard input
      --owner-pid <PID>  The process that owns it; by default the one that runs
                         this command [env: TENURE_OWNER_PID]
      --session <UUID>   The owner's session, if its process has given itself
                         one [env: TENURE_OWNER_SESSION]
      --holder <NAME>    A name that owns it instead of a process, until the
                         time runs out
  -h, --help             Print help

Global options:
      --store <URL>        Where sessions are kept: sqlite:FILE, file:FOLDER or
                           registry: [env: TENURE_STORE]
      --json               Print results as JSON, for programs
      --now <TIME>         Act as if it were this moment, such as
                           2026-01-08T18:05:30Z
      --models <NAME,...>  The models that there are: the sessions of others
                           take no changes [env: TENURE_MODELS]

The exit code is 1 if somebody else has it. The token grows with each owner:
whatever is guarded can refuse one that is smaller than one it has seen.

Examples:
  tenure lease acquire deploy || echo "somebody else deploys"
  tenure lease acquire deploy --for 10m --data '{"commit":"3f2a"}'
  tenure lease acquire nightly --holder ci-1234 --for 2h
  tenure lease acquire deploy --owner-pid $$

"#]],
    );
}
