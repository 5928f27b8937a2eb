//! The commands `tenure dedup` and `tenure audit`, as the steps of a CI job run them.

use std::fs;
use std::process::Command;

use crate::common::{CommandOutput, Place, output_of};
use serde_json::{Value, json};

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const STORE: i32 = 3;
const SHA: &str = "abc12345def67890";
const KEY: &str = "my-workflow-push-abc12345";

/// The command as a step of a run, at a time of the day.
fn step(place: &Place, run: &str, time: &str, args: &[&str]) -> Command {
    let now = format!("2026-01-08T{time}Z");
    let mut command = place.command(&[&["dedup"], args, &["--now", &now]].concat());
    command.env("GITHUB_RUN_ID", run);
    command
}

fn check(place: &Place, time: &str, event: &str) -> CommandOutput {
    let args = ["check", event, "My Workflow", SHA, "9"];
    output_of(step(place, "9", time, &args))
}

fn admit(place: &Place, run: &str, time: &str, more: &[&str]) -> CommandOutput {
    let args = [&["admit", "push", "My Workflow", SHA], more].concat();
    output_of(step(place, run, time, &args))
}

/// Whether the printed decision skips the run.
#[track_caller]
fn skips(output: &CommandOutput) -> bool {
    let lines: Vec<&str> = output.out.lines().collect();
    assert_eq!(lines.len(), 3, "{output:?}");
    assert!(lines[0].starts_with("SESSION_KEY="), "{output:?}");
    assert!(lines[2].starts_with("REASON="), "{output:?}");
    match lines[1] {
        "SKIP_EXECUTION=true" => true,
        "SKIP_EXECUTION=false" => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_check_prints_the_decision_and_adds_it_to_the_outputs() {
    let place = Place::with_empty_store();
    let output = place.folder.path().join("output");
    fs::write(&output, "before=1\n").unwrap();
    let with_output = |args: &[&str]| {
        let mut command = step(&place, "1", "18:05:30", args);
        command.env("GITHUB_OUTPUT", &output);
        output_of(command)
    };
    let first = with_output(&["check", "push", "My Workflow", SHA, "1"]);
    assert_eq!(first.code, 0);
    assert_eq!(
        first.out,
        format!(
            "SESSION_KEY={KEY}\nSKIP_EXECUTION=false\nREASON={KEY} is not blocked by another run\n"
        )
    );
    with_output(&["register", KEY, "push", "My Workflow", "1", SHA]);
    let second = with_output(&["check", "push", "My Workflow", SHA, "2"]);
    assert_eq!((second.code, skips(&second)), (0, true));
    let outputs = fs::read_to_string(&output).unwrap();
    let lines: Vec<&str> = outputs.lines().collect();
    assert_eq!(lines.len(), 10, "{outputs}");
    assert_eq!(
        lines[..3],
        [
            "before=1",
            &*format!("session_key={KEY}"),
            "skip_execution=false"
        ]
    );
    assert_eq!(lines[8], "skip_execution=true");
    assert!(
        lines[9].starts_with("reason=run 1 has my-workflow"),
        "{outputs}"
    );
}

#[test]
fn a_workflow_name_cannot_add_an_output() {
    let place = Place::new();
    let output = place.folder.path().join("output");
    let name = "a\nskip_execution=true\r\nb";
    let mut command = step(&place, "1", "18:05:30", &["check", "push", name, "x\ny=z"]);
    command.env("GITHUB_OUTPUT", &output);
    assert!(!skips(&output_of(command)));
    let outputs = fs::read_to_string(&output).unwrap();
    assert_eq!(outputs.lines().count(), 3, "{outputs}");
    assert_eq!(outputs.matches("\nskip_execution=").count(), 1, "{outputs}");
}

#[test]
fn a_run_blocks_duplicates_for_its_window() {
    let place = Place::new();
    let args = ["register", KEY, "push", "My Workflow", "1", SHA];
    assert!(!skips(&output_of(step(&place, "1", "18:00:00", &args))));
    assert!(skips(&check(&place, "18:04:59.999", "push")));
    assert!(!skips(&check(&place, "18:05:00", "push")));
    let late = [
        "register",
        KEY,
        "push",
        "My Workflow",
        "2",
        SHA,
        "--exit-code",
    ];
    assert_eq!(
        output_of(step(&place, "2", "18:04:00", &late)).code,
        REFUSED
    );
}

#[test]
fn a_pull_request_blocks_pushes_of_its_commit_for_an_hour() {
    let place = Place::new();
    let args = ["admit", "pull_request", "Other", SHA, "1"];
    assert!(!skips(&output_of(step(&place, "1", "18:00:00", &args))));
    let skipped = check(&place, "18:59:59", "push");
    assert!(skips(&skipped), "{skipped:?}");
    assert!(
        skipped
            .out
            .contains("of a pull request has commit abc12345"),
        "{skipped:?}"
    );
    assert!(!skips(&check(&place, "18:59:59", "schedule")));
    assert!(!skips(&check(&place, "19:00:00", "push")));
}

#[test]
fn windows_and_symmetry_can_be_given() {
    let place = Place::new();
    let lengths = [
        "--window",
        "1m",
        "--keep",
        "2m",
        "--pr-window",
        "3m",
        "--symmetric",
    ];
    assert!(!skips(&admit(&place, "1", "18:00:00", &lengths)));
    assert!(skips(&admit(&place, "2", "18:01:59", &[])));
    let pull_request = ["check", "pull_request", "My Workflow", SHA, "--symmetric"];
    let at = |time: &str| skips(&output_of(step(&place, "3", time, &pull_request)));
    assert!(at("18:02:59"));
    assert!(!at("18:03:00"));
    assert!(!skips(&admit(&place, "2", "18:02:00", &[])));
}

#[test]
fn the_ref_of_the_job_tells_tags_apart() {
    let place = Place::new();
    let on = |git_ref: &str, run: &str, more: &[&str]| {
        let mut args = vec!["admit", "push", "My Workflow", SHA];
        args.extend(more);
        let mut command = step(&place, run, "18:00:00", &args);
        command.env("GITHUB_REF", git_ref);
        output_of(command)
    };
    assert!(!skips(&on("refs/heads/main", "1", &[])));
    let tag = on("refs/tags/v1.0", "2", &[]);
    assert!(!skips(&tag));
    assert!(
        tag.out
            .starts_with(&format!("SESSION_KEY={KEY}:refs/tags/v1.0\n"))
    );
    assert!(skips(&on("refs/tags/v1.0", "3", &[])));
    assert!(skips(&on("refs/heads/next", "4", &[])));
    let by_ref = ["--by", "ref"];
    assert!(!skips(&on("refs/heads/next", "5", &by_ref)));
    let given = ["--ref", "refs/heads/last", "--by", "ref"];
    assert!(!skips(&on("refs/heads/next", "6", &given)));
    assert!(skips(&on("refs/tags/v2", "7", &["--by", "commit"])));
    assert_eq!(on("", "8", &by_ref).code, USAGE);
    // GitHub names the branch that such a pull request is for.
    let event = "pull_request_target";
    let args = ["check", event, "My Workflow", SHA, "--by", "ref"];
    let mut command = step(&place, "9", "18:00:00", &args);
    command.env("GITHUB_REF", "refs/heads/main");
    assert_eq!(output_of(command).code, USAGE);
}

#[test]
fn the_exit_code_reports_a_duplicate_only_on_request() {
    let place = Place::new();
    assert_eq!(admit(&place, "1", "18:00:00", &["--exit-code"]).code, 0);
    assert_eq!(admit(&place, "2", "18:00:00", &[]).code, 0);
    let no = admit(&place, "2", "18:00:00", &["--exit-code"]);
    assert_eq!((no.code, skips(&no)), (REFUSED, true));
    for wrong in [
        &["admit", "push", "w", SHA, "1", "--window", "soon"][..],
        &["admit", "push", "w", SHA, "1", "--key", "vm:1"],
        &["admit", "push", "w"],
        &["register", "a\nb", "push", "w", "1", SHA],
        &["cleanup", ""],
        &["audit", KEY, "push", "w", "1", SHA, "perhaps", "success"],
        &["clear"],
        &["log", "--date", "yesterday"],
    ] {
        let CommandOutput { code, out, .. } = output_of(step(&place, "1", "18:00:00", wrong));
        assert_eq!((code, out.as_str()), (USAGE, ""), "{wrong:?}");
    }
}

#[test]
fn a_job_is_admitted_when_the_store_is_unavailable() {
    let place = Place::new();
    let file = place.folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let url = format!("sqlite:{}/tenure.db", file.display());
    let output = place.folder.path().join("output");
    let with_store = |args: &[&str]| {
        let mut command = step(&place, "1", "18:00:00", args);
        command
            .env("TENURE_STORE", &url)
            .env("GITHUB_OUTPUT", &output);
        output_of(command)
    };
    let asked = [
        &["check", "push", "My Workflow", SHA][..],
        &["admit", "push", "My Workflow", SHA],
        &["register", KEY, "push", "My Workflow", "1", SHA],
    ];
    for args in asked {
        let open = with_store(args);
        assert_eq!((open.code, skips(&open)), (0, false), "{args:?}");
        assert!(
            open.out.starts_with(&format!("SESSION_KEY={KEY}\n")),
            "{open:?}"
        );
        assert!(open.out.contains("the store is unavailable"), "{open:?}");
        let asked = with_store(&[args, &["--exit-code"]].concat());
        assert_eq!((asked.code, skips(&asked)), (STORE, false), "{args:?}");
        let json = with_store(&[args, &["--json"]].concat());
        let said: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(said["reason"], "store_unavailable");
    }
    let outputs = fs::read_to_string(&output).unwrap();
    assert_eq!(
        outputs.matches("skip_execution=false").count(),
        9,
        "{outputs}"
    );
    for args in [
        &["cleanup", KEY][..],
        &["audit", KEY, "push", "w", "1", SHA, "true", "success"],
    ] {
        let after = with_store(args);
        assert_eq!((after.code, after.out.as_str()), (0, ""), "{args:?}");
        assert!(after.err.contains("the store is unavailable"), "{after:?}");
        assert_eq!(with_store(&[args, &["--exit-code"]].concat()).code, STORE);
    }
}

#[test]
fn one_of_several_concurrent_processes_is_admitted() {
    let place = Place::new();
    for round in 0..3 {
        let sha = format!("commit-{round}");
        let spawn = |run: u32| {
            let args = ["admit", "push", "w", &sha, "--key", &sha];
            step(&place, &run.to_string(), "18:00:00", &args)
                .spawn()
                .unwrap()
        };
        let running: Vec<_> = (0..12).map(spawn).collect();
        let on = running
            .into_iter()
            .map(|child| child.wait_with_output().unwrap());
        let on = on.map(|output| String::from_utf8(output.stdout).unwrap());
        let on = on.filter(|out| out.contains("SKIP_EXECUTION=false"));
        assert_eq!(on.count(), 1);
    }
}

#[test]
fn a_person_frees_a_key_and_a_job_without_a_run_does_not() {
    let place = Place::new();
    admit(&place, "1", "18:05:00", &["--keep", "6h"]);
    let cleanup = |name: &str, value: &str| {
        let mut command = place.command(&["dedup", "cleanup", KEY]);
        command.env(name, value);
        output_of(command)
    };
    assert_eq!(cleanup("CI", "true").code, USAGE);
    assert!(skips(&admit(&place, "2", "18:05:30", &[])));
    let freed = cleanup("CI", "");
    assert_eq!(
        (freed.code, &*freed.out),
        (0, "my-workflow-push-abc12345 has ended\n")
    );
    assert!(!skips(&admit(&place, "2", "18:05:30", &[])));
}

#[test]
fn truth_is_read_as_programs_print_it_and_the_day_is_written_at_once() {
    let place = Place::new();
    let audit = |run: &str, executed: &str, more: &[&str]| {
        let args = ["audit", KEY, "push", "w", run, SHA, executed, "success"];
        let time = format!("18:00:0{run}");
        output_of(step(&place, run, &time, &[&args[..], more].concat()))
    };
    for (run, executed) in [("1", "True"), ("2", "TRUE"), ("3", "False")] {
        assert_eq!(audit(run, executed, &[]).code, 0, "{executed}");
    }
    let folder = place.folder.path().join("audit");
    let out = ["--out", folder.to_str().unwrap()];
    let written = audit("4", "false", &out);
    let path = folder.join("session_audit_20260108.json");
    assert_eq!(written.out, format!("{}\n", path.display()));
    let runs: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let executed: Vec<_> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["executed"])
        .collect();
    assert_eq!(executed, [true, true, false, false]);
    // A folder that cannot be written to does not fail the job.
    let file = place.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let out = ["--out", file.to_str().unwrap()];
    let failed = audit("5", "true", &out);
    assert_eq!((failed.code, &*failed.out), (0, ""));
    assert!(failed.err.contains("file"), "{failed:?}");
    assert_eq!(
        audit("6", "true", &[&out[..], &["--exit-code"]].concat()).code,
        STORE
    );
}

#[test]
fn a_run_can_end_only_itself() {
    let place = Place::new();
    admit(&place, "1", "18:00:00", &["--keep", "6h"]);
    let cleanup = |run: &str, time: &str, more: &[&str]| {
        output_of(step(&place, run, time, &[&["cleanup", KEY], more].concat()))
    };
    let other = cleanup("2", "19:00:00", &[]);
    assert_eq!((other.code, other.out.as_str()), (0, ""));
    assert!(other.err.contains("belongs to another run"), "{other:?}");
    assert_eq!(cleanup("2", "19:00:00", &["--exit-code"]).code, REFUSED);
    assert_eq!(
        cleanup("1", "19:00:00", &["--run-attempt", "2", "--exit-code"]).code,
        REFUSED
    );
    assert!(skips(&admit(&place, "2", "19:00:00", &[])));
    let own = cleanup("2", "19:00:00", &["--run-id", "1"]);
    assert_eq!(own.out, format!("{KEY} has ended\n"));
    assert!(!skips(&admit(&place, "2", "19:00:00", &[])));
    let early = cleanup("2", "19:01:00", &[]);
    let said = "has ended; its window goes on until 2026-01-08T19:05:00.000Z\n";
    assert_eq!(early.out, format!("{KEY} {said}"));
}

#[test]
fn the_log_of_a_day_is_the_array_of_the_daily_audit_files() {
    let place = Place::new();
    for (run, executed) in [("1", "true"), ("2", "false"), ("3", "false"), ("4", "true")] {
        let args = [
            "audit",
            KEY,
            "push",
            "My Workflow",
            run,
            SHA,
            executed,
            "success",
        ];
        assert_eq!(
            output_of(step(&place, run, &format!("18:00:0{run}.123"), &args)).code,
            0
        );
    }
    let log = |args: &[&str]| output_of(step(&place, "1", "20:00:00", &[&["log"], args].concat()));
    let json: Value = serde_json::from_str(&log(&["--json"]).out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
    assert!(json.as_array().unwrap().contains(&json!({
        "session_key": KEY, "timestamp": "2026-01-08T18:00:02.123000Z", "event_type": "push",
        "workflow": "My Workflow", "run_id": "2", "commit_sha": "abc12345", "executed": false,
        "job_status": "success", "duplicate_prevented": true
    })));
    let counted = log(&["--prevented", "--count"]);
    assert_eq!(counted.out, "2\n");
    assert_eq!(counted.err, "tenure: 2 of 4 runs prevented: 50 % saved\n");
    assert_eq!(log(&["--prevented"]).out.lines().count(), 2);
    assert_eq!(log(&["--date", "2026-01-07"]).out, "");
    assert_eq!(log(&["--date", "2026-01-07", "--json"]).out, "[]\n");
    let folder = place.folder.path().join("audit");
    log(&["--out", folder.to_str().unwrap()]);
    let file = fs::read_to_string(folder.join("session_audit_20260108.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap(), json);
    // An import of the file restores the same log.
    let other = Place::new();
    other.run(&["import", folder.to_str().unwrap()]);
    let again = output_of(step(&other, "1", "20:00:00", &["log", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&again.out).unwrap(), json);
}

#[test]
fn jq_reads_the_daily_audit_files() {
    let place = Place::new();
    for (run, executed) in [("1", "true"), ("2", "false"), ("3", "false")] {
        let args = [
            "audit", KEY, "push", "a \"b\"", run, SHA, executed, "success",
        ];
        let time = format!("18:00:0{run}");
        assert_eq!(output_of(step(&place, run, &time, &args)).code, 0);
    }
    let written = output_of(step(&place, "1", "20:00:00", &["log", "--out", "audit"]));
    assert_eq!(written.out, "audit/session_audit_20260108.json\n");
    let jq = |filter: &str| {
        let mut jq = Command::new("jq");
        jq.args(["-c", filter, "audit/session_audit_20260108.json"]);
        jq.current_dir(place.folder.path());
        let CommandOutput { code, out, err } = output_of(jq);
        assert_eq!((code, &*err), (0, ""), "{filter}");
        out
    };
    let all: Vec<Value> = serde_json::from_str(&jq(".")).unwrap();
    assert_eq!(all.len(), 3);
    let prevented = "[.[] | select(.duplicate_prevented == true)] | length";
    assert_eq!(jq(prevented), "2\n");
    assert_eq!(jq("[.[] | length] | unique"), "[9]\n");
    assert_eq!(jq("map(.run_id)"), "[\"1\",\"2\",\"3\"]\n");
}

#[test]
fn runs_are_listed_and_cleared() {
    let place = Place::new();
    admit(&place, "1", "18:00:00", &[]);
    let at = |time: &str, args: &[&str]| output_of(step(&place, "1", time, args)).out;
    let line = "1\t2026-01-08T18:00:00.000Z\t2026-01-08T18:10:00.000Z";
    assert_eq!(at("18:00:00", &["list"]), format!("{KEY}\t{line}\theld\n"));
    assert_eq!(at("18:00:00", &["clear", "--ended"]), "0 keys cleared\n");
    assert_eq!(at("18:10:00", &["list"]), "");
    assert_eq!(
        at("18:10:00", &["list", "--all"]),
        format!("{KEY}\t{line}\tstale\n")
    );
    assert_eq!(at("18:10:00", &["clear", "--ended"]), "1 key cleared\n");
    admit(&place, "2", "18:00:00", &[]);
    assert_eq!(
        at("18:00:00", &["clear", "--force", "--prefix", "my-"]),
        "1 key cleared\n"
    );
    assert!(!skips(&check(&place, "18:00:00", "push")));
}

#[test]
fn the_audit_log_is_filtered_and_purged() {
    let place = Place::new();
    admit(&place, "1", "18:00:00", &[]);
    admit(&place, "2", "18:00:01", &[]);
    let id = place.run_ok(&["agent", "create", "--agent", "builder"]);
    place.run_ok(&["agent", "finalize", &id, "completed"]);
    let lines = |args: &[&str]| place.run(&[&["audit"], args].concat()).out.lines().count();
    assert_eq!(lines(&[]), 3);
    assert_eq!(lines(&["--kind", "dedup"]), 2);
    assert_eq!(lines(&["--subject", &id]), 1);
    assert_eq!(lines(&["--before", "2026-01-08T18:00:01Z"]), 1);
    assert_eq!(lines(&["--after", "2026-01-08T18:00:02Z"]), 1);
    let page = place.run(&["audit", "--limit", "1"]);
    let cursor = page.err.trim().rsplit(' ').next().unwrap();
    assert_eq!(lines(&["--cursor", cursor]), 2);
    let first = page.out.split('\t').collect::<Vec<_>>();
    assert_eq!(
        first[..3],
        ["2026-01-08T18:00:00.000Z", "dedup.decision", KEY]
    );
    let newest = place.run(&["audit", "--reverse", "--limit", "1"]);
    assert!(newest.out.contains("\tagent.finalization\t"), "{newest:?}");
    let cursor = newest.err.trim().rsplit(' ').next().unwrap();
    assert_eq!(lines(&["--reverse", "--cursor", cursor]), 2);
    let both = ["--kind", "dedup.decision", "--subject", KEY];
    assert_eq!(lines(&both), 2);
    let within = [
        "--after",
        "2026-01-08T18:00:01Z",
        "--before",
        "2026-01-08T18:05:30Z",
    ];
    assert_eq!(lines(&[&both[..], &within].concat()), 1);
    assert_eq!(lines(&["--kind", "dedup.", "--subject", &id]), 0);
    assert_eq!(lines(&["--kind", "ded"]), 0);
    assert_eq!(place.run(&["audit", "--after", "soon"]).code, USAGE);
    let purge = ["audit", "--purge", "5m", "--dry-run"];
    assert_eq!(place.run_ok(&purge), "2 entries would be removed");
    assert_eq!(place.run_ok(&purge[..3]), "2 entries removed");
    assert_eq!(lines(&[]), 1);
}

#[test]
fn expired_records_are_cleaned_up() {
    let place = Place::new();
    admit(&place, "1", "18:00:00", &[]);
    let at = |now: &str, more: &[&str]| {
        let args = [&["cleanup", "--records", "--now", now], more].concat();
        let CommandOutput { code, out, err } = place.run(&args);
        assert_eq!(code, 0, "{err}");
        (out, err)
    };
    let nothing = "tenure: 0 runs and 0 entries of the audit log removed\n";
    assert_eq!(at("2026-01-08T18:05:00Z", &[]).1, nothing);
    let plan = at("2026-01-09T18:00:00Z", &["--keep-audit", "1d", "--dry-run"]);
    let said = "tenure: 1 run and 1 entry of the audit log would be removed\n";
    assert_eq!(plan.1, said);
    let json = at("2026-01-09T18:00:00Z", &["--json"]).0;
    assert_eq!(json, "{\"runs\":1,\"entries\":0,\"dryRun\":false}\n");
    let late = at("2027-01-08T18:00:00Z", &[]).1;
    assert_eq!(
        late,
        "tenure: 0 runs and 1 entry of the audit log removed\n"
    );
    for args in [
        &["cleanup"][..],
        &["cleanup", "--max-age", "1d", "--keep-audit", "1d"],
        &["cleanup", "--max-age", "1d", "--records"],
    ] {
        assert_eq!(place.run(args).code, USAGE, "{args:?}");
    }
}

#[test]
fn the_self_test_uses_a_temporary_store() {
    let place = Place::new();
    let said = place.run_ok(&["dedup", "self-test"]);
    assert_eq!(
        said.lines().filter(|line| line.starts_with("ok: ")).count(),
        8
    );
    assert!(!place.folder.path().join("tenure.db").exists());
}
