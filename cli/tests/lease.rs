//! The commands `tenure lease`: a lease has one holder, for as long as its process runs.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::common::{CommandOutput, Place, assert_snapshot, plain};
use serde_json::Value;
use snapbox::str;

const REFUSED: i32 = 1;
const USAGE: i32 = 2;

/// A process that runs until it is dropped.
struct Running(Child);

impl Running {
    fn new() -> Self {
        // It also ends with the tests, because its input closes.
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

fn lease(place: &Place, args: &[&str]) -> CommandOutput {
    place.run(&[&["lease"], args].concat())
}

/// The token of a lease that is acquired.
fn token(place: &Place, args: &[&str]) -> u64 {
    place.run_ok(&[&["lease"], args].concat()).parse().unwrap()
}

#[test]
fn a_lease_is_held_by_the_process_that_runs_the_command() {
    let place = Place::new();
    assert_eq!(token(&place, &["acquire", "deploy"]), 1);
    assert_eq!(token(&place, &["acquire", "deploy"]), 1);
    assert_eq!(token(&place, &["renew", "deploy", "--token", "1"]), 1);
    let other = Running::new();
    let refused = lease(&place, &["acquire", "deploy", "--owner-pid", &other.pid()]);
    assert_eq!((refused.code, &*refused.out), (REFUSED, ""));
    let own = format!(", process {} on ", std::process::id());
    assert!(refused.err.contains(&own), "{}", refused.err);
    let refused = lease(&place, &["release", "deploy", "--owner-pid", &other.pid()]);
    assert_eq!(refused.code, REFUSED);
    // The lease of a running process does not expire.
    let later = [
        "acquire",
        "deploy",
        "--owner-pid",
        &other.pid(),
        "--now",
        "2026-01-09T00:00:00Z",
    ];
    assert_eq!(lease(&place, &later).code, REFUSED);

    assert_eq!(
        place.run_ok(&["lease", "release", "deploy", "--token", "1"]),
        "deploy is released"
    );
    assert_eq!(
        token(&place, &["acquire", "deploy", "--owner-pid", &other.pid()]),
        2
    );
    assert_eq!(
        lease(&place, &["renew", "deploy", "--token", "1"]).code,
        REFUSED
    );
}

#[test]
fn the_leases_of_an_ended_process_are_free() {
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
    assert_eq!(refused.code, USAGE, "{}", refused.err);
    assert!(lease(&place, &["list"]).out.contains("\tstale\t"));
    assert_eq!(token(&place, &["acquire", "deploy"]), 2);
}

#[test]
fn a_lease_of_a_name_is_held_until_it_expires() {
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
    assert_eq!(refused.code, REFUSED);
    let why = "tenure: nightly is held by ci-1, until 2026-01-08T18:00:30.000Z\n";
    assert_eq!(refused.err, why);
    assert_eq!(ask("ci-2", "00:30").out, "2\n");
    assert_eq!(
        lease(&place, &["release", "nightly", "--holder", "ci-1"]).code,
        REFUSED
    );
    let released = lease(&place, &["release", "nightly", "--holder", "ci-2"]);
    assert_eq!(
        (released.code, &*released.out),
        (0, "nightly is released\n")
    );
    let again = lease(&place, &["release", "nightly", "--holder", "ci-2"]);
    assert_eq!(
        (again.code, &*again.err),
        (0, "tenure: nightly was not held\n")
    );
}

#[test]
fn one_of_twenty_concurrent_requests_wins() {
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
        let outputs: Vec<_> = asked
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .collect();
        let won: Vec<_> = outputs
            .iter()
            .filter(|output| output.status.code() == Some(0))
            .collect();
        assert_eq!(won.len(), 1, "{outputs:?}");
        assert_eq!(
            String::from_utf8_lossy(&won[0].stdout),
            format!("{round}\n")
        );
        assert!(
            outputs
                .iter()
                .all(|ended| matches!(ended.status.code(), Some(0 | REFUSED)))
        );
        assert_eq!(
            lease(&place, &["clear", "--force"]).out,
            "1 lease cleared\n"
        );
    }
}

#[test]
fn the_commands_of_a_shell_have_one_owner_and_its_end_frees_the_leases() {
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
            .env("XDG_STATE_HOME", place.folder.path().join("state"))
            .env("XDG_RUNTIME_DIR", place.folder.path().join("runtime"))
            .current_dir(place.folder.path());
        command = shell;
        crate::common::output_of(command)
    };
    let output = shell(
        "token=$($tenure lease acquire deploy)
         $tenure lease renew deploy --token $token
         $tenure lease list | cut -f1,2,7
         # A subshell that is no process of its own for long has to name the owner.
         ($tenure lease release deploy; true) || true
         (export TENURE_OWNER_PID=$$; true; $tenure lease release deploy; true)
         $tenure lease acquire deploy",
    );
    assert_eq!(output.out, "1\ndeploy\theld\t*\ndeploy is released\n2\n");
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(shell("$tenure lease acquire deploy").out, "3\n");
}

#[test]
fn leases_are_in_the_registry_unless_a_store_is_given() {
    let place = Place::new();
    // `TENURE_STORE`, which is set here, is the store of sessions only.
    assert_eq!(token(&place, &["acquire", "deploy"]), 1);
    assert!(
        place
            .folder
            .path()
            .join("state/tenure/registry.db")
            .exists()
    );
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
            .run_ok(&["lease", "list", "--store", &store])
            .lines()
            .count(),
        1
    );
}

#[test]
fn the_lease_of_a_session_is_in_the_store_of_the_session() {
    let place = Place::new();
    place.run_ok(&["start", "t", "--id", "s"]);
    let held = ["acquire", "session:s", "--holder", "runner", "--for", "1h"];
    let token = token(&place, &held).to_string();
    let refused = place.run(&["iterate", "s"]);
    assert_eq!(refused.code, REFUSED, "{refused:?}");
    assert_eq!(place.run(&["iterate", "s", "--token", &token]).code, 0);
    let more = ["session:s", "--token", &token, "--holder", "runner"];
    assert_eq!(lease(&place, &[&["renew"], &more[..]].concat()).code, 0);
    let released = lease(&place, &[&["release"], &more[..]].concat());
    assert_eq!(released.out, "session:s is released\n");
    assert_eq!(place.run(&["iterate", "s"]).code, 0);
}

#[test]
fn a_list_without_a_terminal_is_a_line_for_each_lease() {
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
    assert_snapshot(
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
    let json = place.run_ok(&["lease", "list", "--json", "--limit", "1"]);
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
    assert_snapshot(
        &shown,
        str![[r#"
   LEASE                           STATE  HOLDER            PID  TOKEN  LEFT
*  build:the-nightly-build-of-ev…  held   ci-1.the-runner…  -    1      1h
   deploy                          stale  ci-2              -    1      -

"#]],
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    let nothing = Place::new().on_terminal(&["lease", "list"]);
    assert_eq!(plain(&nothing), "No leases.\n");
}

#[test]
fn leases_are_cleared_only_with_force() {
    let place = Place::new();
    for key in ["a:1", "a:2", "b"] {
        token(&place, &["acquire", key]);
    }
    let refused = lease(&place, &["clear"]);
    assert_eq!(refused.code, USAGE);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(
        lease(&place, &["clear", "--force", "--prefix", "a:"]).out,
        "2 leases cleared\n"
    );
    assert_eq!(lease(&place, &["list"]).out.lines().count(), 1);
    assert_eq!(
        lease(&place, &["clear", "--force"]).out,
        "1 lease cleared\n"
    );
    assert_eq!(token(&place, &["acquire", "b"]), 2);
}

#[test]
fn json_is_the_reply_and_the_exit_code_agrees() {
    let place = Place::new();
    let asked = |args: &[&str]| {
        let output = lease(&place, &[args, &["--json"]].concat());
        let json: Value = serde_json::from_str(&output.out).unwrap();
        (output.code, json["outcome"].as_str().unwrap().to_owned())
    };
    let is = |code: i32, outcome: &str| (code, outcome.to_owned());
    assert_eq!(asked(&["acquire", "k", "--holder", "a"]), is(0, "acquired"));
    assert_eq!(asked(&["acquire", "k", "--holder", "a"]), is(0, "renewed"));
    assert_eq!(
        asked(&["acquire", "k", "--holder", "b"]),
        is(REFUSED, "held")
    );
    assert_eq!(
        asked(&["renew", "k", "--holder", "a", "--token", "2"]),
        is(REFUSED, "lost")
    );
    assert_eq!(
        asked(&["release", "k", "--holder", "b"]),
        is(REFUSED, "not_owner")
    );
    assert_eq!(asked(&["release", "k", "--holder", "a"]), is(0, "released"));
    assert_eq!(asked(&["release", "k", "--holder", "a"]), is(0, "not_held"));
}

#[test]
fn leases_machines_and_sessions_are_counted() {
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
    place.run_ok(&["vm", "register", "m", "--zone", "z"]);
    let stats: Value = serde_json::from_str(&place.run_ok(&["lease", "stats", "--json"])).unwrap();
    assert_eq!(
        stats["leases"],
        serde_json::json!({"held": 3, "stale": 1, "released": 0})
    );
    assert_eq!((&stats["sessions"], &stats["vms"]), (&1.into(), &1.into()));
    assert_eq!(stats["own"]["pid"], std::process::id());
    assert_eq!(stats["own"]["vmId"], "m");
    let shown = place.run_ok(&["lease", "stats", "--holder", "x"]);
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.contains("host"))
        .collect();
    assert_snapshot(
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
fn the_data_of_a_lease_is_stored_unchanged() {
    let place = Place::new();
    let file = place.folder.path().join("data.json");
    fs::write(&file, r#"{"b":1e400,"a":[1,2]}"#).unwrap();
    let data = format!("@{}", file.display());
    token(&place, &["acquire", "k", "--data", &data]);
    let json = place.run_ok(&["lease", "list", "--json"]);
    assert!(json.contains(r#""data":{"b":1e400,"a":[1,2]}"#), "{json}");
    assert_eq!(lease(&place, &["acquire", "k", "--data", "{"]).code, USAGE);
}

#[test]
fn the_help_matches_its_snapshot() {
    assert_snapshot(
        lease(&Place::new(), &["--help"]).out,
        str![[r#"
Acquire leases, so that two processes never do the same work

Usage: tenure lease [OPTIONS] <COMMAND>

Commands:
  acquire  Acquire or renew a lease, and print its token
  renew    Renew a lease
  release  Release a lease
  list     List leases and running sessions
  stats    Count leases, and show the owner's
  sweep    Clean up orphaned virtual machines
  clear    Take leases from their holders

Options:
  -h, --help  Print help

Global options:
      --store <URL>           The URL of the store: sqlite:FILE, file:DIR,
                              postgres://HOST/DB or registry: [env:
                              TENURE_STORE]
      --json                  Print replies as JSON
      --now <TIME>            Override the clock with this time, such as
                              2026-01-08T18:05:30Z
      --models <NAME,...>     The available models; sessions of other models
                              cannot be changed [env: TENURE_MODELS]
      --file-mode <BITS>      The permissions of new files, such as 640; 600 by
                              default [env: TENURE_FILE_MODE]
      --encryption-key <KEY>  The keys of an encrypted store: ID=file:PATH,
                              ID=env:NAME or ID=command:PROGRAM, the current one
                              first [env: TENURE_ENCRYPTION_KEY]

Leases are in the registry of this machine, which all stores share, unless
--store is given. The lease session:ID holds a session, and is in its store.

The owner is the process that runs the command: a shell, a script or an agent.
Its leases are held as long as it runs, and are free when it has ended. In a
subshell, name the owner: --owner-pid $$, or export TENURE_OWNER_PID=$$. The
leases of an owner on another machine, and of --holder NAME, expire.

Examples:
  token=$(tenure lease acquire deploy --for 10m) || exit
  tenure lease renew deploy --token $token
  tenure lease release deploy --token $token
  tenure lease list
  tenure lease sweep --exec 'gcloud compute instances delete {vmId} --quiet'

"#]],
    );
    assert_snapshot(
        lease(&Place::new(), &["acquire", "--help"]).out,
        str![[r#"
Acquire or renew a lease, and print its token

Usage: tenure lease acquire [OPTIONS] <KEY>

Arguments:
  <KEY>  The key of the lease: any text, or session:ID to hold a session

Options:
      --for <DURATION>   The lease duration, unless the owner is a process here:
                         30s by default
      --data <JSON>      Data of the lease: a JSON object, @FILE, or - for
                         standard input
      --owner-pid <PID>  The PID of the owner; by default the process that runs
                         this command [env: TENURE_OWNER_PID]
      --session <UUID>   The owner's session id, if its process registered one
                         [env: TENURE_OWNER_SESSION]
      --holder <NAME>    A name as the owner instead of a process; its lease
                         expires
  -h, --help             Print help

Global options:
      --store <URL>           The URL of the store: sqlite:FILE, file:DIR,
                              postgres://HOST/DB or registry: [env:
                              TENURE_STORE]
      --json                  Print replies as JSON
      --now <TIME>            Override the clock with this time, such as
                              2026-01-08T18:05:30Z
      --models <NAME,...>     The available models; sessions of other models
                              cannot be changed [env: TENURE_MODELS]
      --file-mode <BITS>      The permissions of new files, such as 640; 600 by
                              default [env: TENURE_FILE_MODE]
      --encryption-key <KEY>  The keys of an encrypted store: ID=file:PATH,
                              ID=env:NAME or ID=command:PROGRAM, the current one
                              first [env: TENURE_ENCRYPTION_KEY]

The exit code is 1 when another owner holds the lease. The token grows with each
owner. A protected resource can refuse a token smaller than one it has seen.

Examples:
  tenure lease acquire deploy || echo "another deployment is running"
  tenure lease acquire deploy --for 10m --data '{"commit":"3f2a"}'
  tenure lease acquire nightly --holder ci-1234 --for 2h
  tenure lease acquire deploy --owner-pid $$

"#]],
    );
}
