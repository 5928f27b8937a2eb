//! The commands `tenure vm`, and `tenure lease sweep`, which cleans up orphaned machines.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::common::{CommandOutput, Place, assert_snapshot, plain};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use snapbox::str;

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const TERMINATED: i32 = 143;

fn vm(place: &Place, args: &[&str]) -> CommandOutput {
    place.run(&[&["vm"], args].concat())
}

/// Registers machines whose owners have ended.
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

/// A program that appends its arguments to a file, one on each line, and exits with a code.
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

    fn arguments(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }
}

#[test]
fn an_owner_has_one_machine_and_can_update_its_registration() {
    let place = Place::new();
    assert_eq!(vm(&place, &["show"]).code, REFUSED);
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
    assert_snapshot(
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
    assert_eq!((second.code, &*second.out), (REFUSED, ""));
    assert!(
        second.err.contains("m-2 is not registered"),
        "{}",
        second.err
    );
    // Registering the same machine again updates it.
    assert_eq!(
        vm(&place, &[&register[..], &["--component", "ml"]].concat()).code,
        0
    );
    let json: Value = serde_json::from_str(&place.run_ok(&["vm", "show", "--json"])).unwrap();
    assert_eq!(json["components"], serde_json::json!(["ml"]));

    assert_eq!(vm(&place, &["unregister", "m-2"]).code, REFUSED);
    assert_eq!(vm(&place, &["unregister", "m-1", "--json"]).out, "true\n");
    assert_eq!(vm(&place, &["unregister"]).code, REFUSED);
    assert_eq!(vm(&place, &["register", "m-2", "--zone", "z"]).code, 0);
}

#[test]
fn the_session_of_a_process_can_be_given() {
    let place = Place::new();
    let session = "5f0c0000-0000-4000-8000-000000000000";
    let args = ["register", "m-1", "--zone", "z", "--session", session];
    assert_eq!(vm(&place, &args).code, 0);
    // Without the option, the process has a derived session id.
    assert_eq!(vm(&place, &["show"]).code, REFUSED);
    let json = place.run_ok(&["vm", "show", "--session", session, "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["holder"], &json["status"]),
        (&session.into(), &"active".into())
    );
    assert_eq!(json["process"]["pid"], std::process::id());
}

#[test]
fn a_list_marks_the_owners_leases_and_sessions_without_a_machine() {
    let place = Place::new();
    assert_eq!(vm(&place, &["register", "m-1", "--zone", "z"]).code, 0);
    orphan(&place, &[("m-2", "z")]);
    let lines = place.run_ok(&["lease", "list"]);
    let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let mut lines: Vec<_> = lines.lines().map(fields).collect();
    lines.sort_by_key(|fields| fields[4].clone());
    let fields: Vec<_> = lines
        .iter()
        .map(|line| (&line[0][..2], &*line[1], &*line[4], &*line[6]))
        .collect();
    let own = ("held", "m-1", "*");
    let orphaned = ("stale", "m-2", "-");
    let of = |kind, (state, vm, star)| (kind, state, vm, star);
    assert_eq!(
        fields,
        [
            of("pr", own),
            of("vm", own),
            of("pr", orphaned),
            of("vm", orphaned)
        ]
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
    let output = sweep(&[]);
    assert_eq!((output.code, &*output.out), (REFUSED, listed));

    let failing = Program::new(&place, 3);
    let exec = format!("{} {{vmId}} --zone={{zone}}", failing.path);
    let output = sweep(&["--exec", &exec]);
    assert_eq!((output.code, &*output.out), (REFUSED, listed));
    assert_eq!(failing.arguments(), ["m-1", "--zone=a", "m-2", "--zone=b"]);
    assert!(
        output.err.contains("m-1 was not removed: "),
        "{}",
        output.err
    );
    assert_eq!(sweep(&["--exec", "/no/such/program {vmId}"]).code, REFUSED);

    let program = Program::new(&place, 0);
    let exec = format!("{} {{vmId}}", program.path);
    let output = sweep(&["--exec", &exec]);
    // The output of the program goes to standard error.
    assert_eq!(
        (output.code, &*output.out),
        (0, "m-1 is removed\nm-2 is removed\n")
    );
    assert_eq!(output.err, "said\nsaid\n");
    assert_eq!(program.arguments(), ["m-1", "m-2"]);
    let output = sweep(&["--exec", &exec, "--json"]);
    assert_eq!(
        (output.code, &*output.out),
        (0, "{\"swept\":[],\"remaining\":[]}\n")
    );
    // A running owner keeps its machine.
    assert_eq!(vm(&place, &["show"]).code, 0);
    // The audit log holds one entry for each removed machine.
    let log = place.run_ok(&["audit", "--kind", "lease.sweep", "--store", "registry:"]);
    let subjects = log.lines().map(|line| line.split('\t').nth(2).unwrap());
    let mut subjects: Vec<&str> = subjects.collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["vm:m-1", "vm:m-2"]);
}

#[test]
fn a_name_is_never_executed() {
    let place = Place::new();
    let evil = "m; touch evil $(touch evil) 'a' \"b\" {zone}";
    orphan(&place, &[(evil, "two words"), ("--all", "z")]);
    let program = Program::new(&place, 0);
    let exec = format!("'{}' {{vmId}} \"zone {{zone}}\"", program.path);
    let output = place.run(&["lease", "sweep", "--exec", &exec]);
    assert_eq!(program.arguments(), [evil, "zone two words"]);
    assert!(!place.folder.path().join("evil").exists());
    // A name that would be parsed as an option is not passed to the command.
    assert_eq!(output.code, REFUSED);
    assert!(
        output
            .out
            .ends_with("--all\torphaned\tz\t2026-01-08T18:05:30.000Z\n"),
        "{}",
        output.out
    );
}

#[test]
fn an_invalid_command_template_is_refused() {
    let place = Place::new();
    orphan(&place, &[("m-1", "z")]);
    for exec in ["true", "", "delete '{vmId}", "delete {vmID}"] {
        let output = place.run(&["lease", "sweep", "--exec", exec]);
        assert_eq!(output.code, USAGE, "{exec}: {}", output.err);
    }
}

#[test]
fn concurrent_sweeps_clean_up_each_orphan_once() {
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
    let mut removed = Vec::new();
    for sweep in sweeps {
        let output = sweep.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        removed.extend(
            out.lines()
                .filter_map(|line| Some(line.strip_suffix(" is removed")?.to_owned())),
        );
    }
    removed.sort();
    let mut arguments = program.arguments();
    arguments.sort();
    assert_eq!((&removed, &arguments), (&names, &names));
    assert_eq!(place.run(&["lease", "sweep"]).code, 0);
}

#[test]
fn a_sweep_that_is_stopped_ends_after_its_machine() {
    let place = Place::new();
    orphan(&place, &[("m-1", "z"), ("m-2", "z")]);
    let [started, goes_on] = ["started", "goes-on"].map(|name| place.folder.path().join(name));
    let script = format!(
        "echo > '{}'; while [ ! -e '{}' ]; do sleep 0.01; done",
        started.display(),
        goes_on.display()
    );
    let exec = format!("sh -c \"{script}\" sh {{vmId}}");
    let mut sweep = place
        .command(&["lease", "sweep", "--exec", &exec])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !started.exists() {
        assert_eq!(sweep.try_wait().unwrap(), None);
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&sweep), Signal::TERM).unwrap();
    thread::sleep(Duration::from_millis(100));
    fs::write(goes_on, "").unwrap();
    assert_eq!(sweep.wait().unwrap().code(), Some(TERMINATED));
    let left = place.run(&["lease", "sweep"]);
    assert_eq!(left.code, REFUSED, "{left:?}");
    assert!(left.out.starts_with("m-2\torphaned\t"), "{left:?}");
    assert_eq!(left.out.lines().count(), 1, "{left:?}");
}

#[test]
fn the_help_matches_its_snapshot() {
    assert_snapshot(
        vm(&Place::new(), &["--help"]).out,
        str![[r#"
Register virtual machines, so that orphaned ones are found

Usage: tenure vm [OPTIONS] <COMMAND>

Commands:
  register    Register a machine to the owner, or update its registration
  show        Show the owner's machine
  unregister  Unregister the owner's machine

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

The owner is the process that runs the command: a shell, a script or an agent.
When it ends without `vm unregister`, its machine is an orphan, which `tenure
lease sweep` cleans up. In a subshell, name the owner: --owner-pid $$

Examples:
  tenure vm register builder-7 --zone us-central1-a --component voice
  tenure vm show
  gcloud compute instances delete builder-7 --quiet && tenure vm unregister

"#]],
    );
    assert_snapshot(
        Place::new().run(&["lease", "sweep", "--help"]).out,
        str![[r#"
Clean up orphaned virtual machines

Usage: tenure lease sweep [OPTIONS]

Options:
      --exec <COMMAND>      The command that removes a machine; without it,
                            orphans are only listed
      --timeout <DURATION>  The time that the command has for one machine
                            [default: 2m]
  -h, --help                Print help

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

The command is run once for each machine, without a shell. It is split into
arguments at unquoted white space; then {vmId}, {zone} and {session} are
replaced within arguments, so a name is never executed. For pipes, run a shell
and pass arguments to it: --exec 'sh -c "del \"$1\"" sh {vmId}'

A machine is removed from the registry when its command exits with 0. The exit
code is 1 while orphans remain. A command that takes longer than --timeout is
ended, and its machine stays an orphan. The output of the command goes to
standard error.

Examples:
  tenure lease sweep
  tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'
  */10 * * * * tenure lease sweep --exec 'delete-vm {vmId} --zone {zone}'

"#]],
    );
}
