//! The commands `tenure vm`, and the sweep that sees to the machines whose owners have ended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

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

fn vm(place: &Place, args: &[&str]) -> Ended {
    place.run(&[&["vm"], args].concat())
}

/// Registers machines for processes that have ended.
fn orphan(place: &Place, machines: &[(&str, &str)]) {
    for (id, zone) in machines {
        let mut process = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = process.id().to_string();
        let owner = ["--owner-pid", &pid, "--now", crate::common::NOW, "--", id];
        let args = [&["vm", "register", "--zone", zone], &owner[..]].concat();
        let registered = place.run(&args);
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(registered.code, 0, "{}", registered.err);
    }
}

/// A program that writes each of its arguments on a line of a file, and ends with a code.
struct Program {
    path: String,
    log: std::path::PathBuf,
}

impl Program {
    fn new(place: &Place, code: i32) -> Self {
        let path = place.folder.path().join(format!("program-{code}"));
        let log = place.folder.path().join(format!("log-{code}"));
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\necho said\nexit {code}\n",
            log.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        Self { path, log }
    }

    fn told(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}

#[test]
fn an_owner_has_one_machine_and_says_what_is_on_it() {
    let place = Place::new();
    assert_eq!(vm(&place, &["show"]).code, NO);
    let register = ["register", "m-1", "--zone", "us-central1-a"];
    let said = [
        "--component",
        "voice",
        "--component",
        "vision",
        "--metadata",
        r#"{"n":1e400}"#,
    ];
    assert_eq!(
        vm(&place, &[&register[..], &said].concat()).out,
        "m-1 is registered\n"
    );
    let shown = vm(&place, &["show"]).out;
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.contains("Session"))
        .collect();
    held(
        shown.join("\n"),
        str![[r#"
m-1  active

  Zone          us-central1-a
  Components    voice, vision
  Metadata      {"n":1e400}
  Registered    2026-01-08T18:05:30.000Z
"#]],
    );
    let second = vm(&place, &["register", "m-2", "--zone", "z"]);
    assert_eq!((second.code, &*second.out), (NO, ""));
    assert!(
        second.err.contains("m-2 is not registered"),
        "{}",
        second.err
    );
    // The same machine again only says anew what is on it.
    assert_eq!(
        vm(&place, &[&register[..], &["--component", "ml"]].concat()).code,
        0
    );
    let json: Value = serde_json::from_str(&place.says(&["vm", "show", "--json"])).unwrap();
    assert_eq!(json["components"], serde_json::json!(["ml"]));

    assert_eq!(vm(&place, &["unregister", "m-2"]).code, NO);
    assert_eq!(vm(&place, &["unregister", "m-1", "--json"]).out, "true\n");
    assert_eq!(vm(&place, &["unregister"]).code, NO);
    assert_eq!(vm(&place, &["register", "m-2", "--zone", "z"]).code, 0);
}

#[test]
fn the_session_of_a_process_can_be_named() {
    let place = Place::new();
    let session = "5f0c0000-0000-4000-8000-000000000000";
    let args = ["register", "m-1", "--zone", "z", "--session", session];
    assert_eq!(vm(&place, &args).code, 0);
    // For others the process goes by a name of its own.
    assert_eq!(vm(&place, &["show"]).code, NO);
    let json = place.says(&["vm", "show", "--session", session, "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["holder"], &json["status"]),
        (&session.into(), &"active".into())
    );
    assert_eq!(json["process"]["pid"], std::process::id());
}

#[test]
fn a_list_stars_ones_own_and_says_who_has_no_machine() {
    let place = Place::new();
    assert_eq!(vm(&place, &["register", "m-1", "--zone", "z"]).code, 0);
    orphan(&place, &[("m-2", "z")]);
    let lines = place.says(&["lease", "list"]);
    let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let mut lines: Vec<_> = lines.lines().map(fields).collect();
    lines.sort_by_key(|fields| fields[4].clone());
    let told: Vec<_> = lines
        .iter()
        .map(|line| (&line[0][..2], &*line[1], &*line[4], &*line[6]))
        .collect();
    let own = ("held", "m-1", "*");
    let gone = ("stale", "m-2", "-");
    let of = |kind, (state, vm, star)| (kind, state, vm, star);
    assert_eq!(
        told,
        [of("pr", own), of("vm", own), of("pr", gone), of("vm", gone)]
    );
    assert!(lines[0][2].len() == 8 && lines[0][3] == std::process::id().to_string());

    assert_eq!(vm(&place, &["unregister"]).code, 0);
    let shown = plain(&place.on_terminal(&["lease", "list"]));
    let mine = shown.lines().find(|line| line.starts_with('*')).unwrap();
    assert!(mine.ends_with("no VM"), "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn an_orphan_is_listed_until_the_command_succeeds() {
    let place = Place::new();
    orphan(&place, &[("m-1", "a"), ("m-2", "b")]);
    assert_eq!(vm(&place, &["register", "mine", "--zone", "c"]).code, 0);
    let sweep = |args: &[&str]| place.run(&[&["lease", "sweep"], args].concat());
    let listed = "m-1\torphaned\ta\t2026-01-08T18:05:30.000Z\n\
                  m-2\torphaned\tb\t2026-01-08T18:05:30.000Z\n";
    let ended = sweep(&[]);
    assert_eq!((ended.code, &*ended.out), (NO, listed));

    let failing = Program::new(&place, 3);
    let exec = format!("{} {{vmId}} --zone={{zone}}", failing.path);
    let ended = sweep(&["--exec", &exec]);
    assert_eq!((ended.code, &*ended.out), (NO, listed));
    assert_eq!(failing.told(), ["m-1", "--zone=a", "m-2", "--zone=b"]);
    assert!(ended.err.contains("m-1 is left: "), "{}", ended.err);
    assert_eq!(sweep(&["--exec", "/no/such/program {vmId}"]).code, NO);

    let program = Program::new(&place, 0);
    let exec = format!("{} {{vmId}}", program.path);
    let ended = sweep(&["--exec", &exec]);
    // What the program prints is not what the sweep has come to.
    assert_eq!((ended.code, &*ended.out), (0, "m-1 is gone\nm-2 is gone\n"));
    assert_eq!(ended.err, "said\nsaid\n");
    assert_eq!(program.told(), ["m-1", "m-2"]);
    let ended = sweep(&["--exec", &exec, "--json"]);
    assert_eq!(
        (ended.code, &*ended.out),
        (0, "{\"swept\":[],\"remaining\":[]}\n")
    );
    // Whoever runs keeps what it has.
    assert_eq!(vm(&place, &["show"]).code, 0);
    // Only what is gone is in the audit log, once.
    let log = place.says(&["audit", "--kind", "lease.sweep", "--store", "registry:"]);
    let subjects = log.lines().map(|line| line.split('\t').nth(2).unwrap());
    let mut subjects: Vec<&str> = subjects.collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["vm:m-1", "vm:m-2"]);
}

#[test]
fn nothing_in_a_name_is_obeyed() {
    let place = Place::new();
    let evil = "m; touch evil $(touch evil) 'a' \"b\" {zone}";
    orphan(&place, &[(evil, "two words"), ("--all", "z")]);
    let program = Program::new(&place, 0);
    let exec = format!("'{}' {{vmId}} \"zone {{zone}}\"", program.path);
    let ended = place.run(&["lease", "sweep", "--exec", &exec]);
    assert_eq!(program.told(), [evil, "zone two words"]);
    assert!(!place.folder.path().join("evil").exists());
    // One that would be taken for an option is left to people.
    assert_eq!(ended.code, NO);
    assert!(
        ended
            .out
            .ends_with("--all\torphaned\tz\t2026-01-08T18:05:30.000Z\n"),
        "{}",
        ended.out
    );
}

#[test]
fn a_command_that_cannot_be_meant_is_not_run() {
    let place = Place::new();
    orphan(&place, &[("m-1", "z")]);
    for exec in ["true", "", "delete '{vmId}", "delete {vmID}"] {
        let ended = place.run(&["lease", "sweep", "--exec", exec]);
        assert_eq!(ended.code, MISUSED, "{exec}: {}", ended.err);
    }
}

#[test]
fn two_sweeps_at_once_see_to_each_orphan_once() {
    let place = Place::new();
    let names: Vec<String> = (0..8).map(|number| format!("m-{number}")).collect();
    let machines: Vec<_> = names.iter().map(|name| (name.as_str(), "z")).collect();
    orphan(&place, &machines);
    let program = Program::new(&place, 0);
    let exec = format!("{} {{vmId}}", program.path);
    let sweeps: Vec<_> = (0..3)
        .map(|_| {
            place
                .command(&["lease", "sweep", "--exec", &exec])
                .spawn()
                .unwrap()
        })
        .collect();
    let mut gone = Vec::new();
    for sweep in sweeps {
        let output = sweep.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        gone.extend(
            out.lines()
                .filter_map(|line| Some(line.strip_suffix(" is gone")?.to_owned())),
        );
    }
    gone.sort();
    let mut told = program.told();
    told.sort();
    assert_eq!((&gone, &told), (&names, &names));
    assert_eq!(place.run(&["lease", "sweep"]).code, 0);
}

#[test]
fn the_help_of_the_group_fits_a_page() {
    held(
        vm(&Place::new(), &["--help"]).out,
        str![[r#"
Own a virtual machine, so that it is not forgotten when its owner ends

Usage: tenure vm [OPTIONS] <COMMAND>

Commands:
  register    Register a machine as the owner's, or say anew what is on it
  show        Show the owner's machine
  unregister  Say that the owner's machine is gone

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
When it ends without `vm unregister`, the machine is an orphan, which `tenure
lease sweep` sees to. In a subshell, name the owner: --owner-pid $$

Examples:
  tenure vm register builder-7 --zone us-central1-a --component voice
  tenure vm show
  gcloud compute instances delete builder-7 --quiet && tenure vm unregister

"#]],
    );
    held(
        Place::new().run(&["lease", "sweep", "--help"]).out,
        str![[r#"
See to virtual machines whose owners have ended

Usage: tenure lease sweep [OPTIONS]

Options:
      --exec <COMMAND>  The command that removes a machine; without, they are
                        only listed
  -h, --help            Print help

Global options:
      --store <URL>        Where sessions are kept: sqlite:FILE, file:FOLDER or
                           registry: [env: TENURE_STORE]
      --json               Print results as JSON, for programs
      --now <TIME>         Act as if it were this moment, such as
                           2026-01-08T18:05:30Z
      --models <NAME,...>  The models that there are: the sessions of others
                           take no changes [env: TENURE_MODELS]

The command is run once for each machine, without a shell. It is parted into
words once, at white space that no quotes surround; then {vmId}, {zone} and
{session} are replaced within words, so that nothing in a name is obeyed. For
pipes and the like, pass them on: --exec 'sh -c "del \"$1\"" sh {vmId}'

A machine is taken off the registry when its command exits with 0. The exit code
is 1 while any are left. What the command prints goes to standard error.

Examples:
  tenure lease sweep
  tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'
  */10 * * * * tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'

"#]],
    );
}
