//! `tenure jobs`: one process runs a job at a time, each run is reported, and what has failed is listed, retried and dropped. Under 4 s.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tenure_apps::scheduled::ScheduledParams;
use tenure_bridge::Options;
use tenure_core::work::job::{JobResult, Step, StepReply};
use tenure_core::{Millis, Timestamp};
use tenure_host::{Filling, JobNews, Local, ScheduledHost, run_scheduled, this_host};

use crate::common::{Place, bare, make_old, output_of};

/// Sessions in the trash.
fn trashed(ids: &[&str]) -> Place {
    let place = Place::with_empty_store();
    for id in ids {
        place.run_ok(&["start", "t", "--mode", "m", "--id", id]);
        place.run_ok(&["trash", id]);
    }
    place
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Performs an operation at a time, in milliseconds.
fn perform(place: &Place, name: &str, params: &str, now: f64) -> Value {
    let answer = place.store().perform(name, params, now);
    json(&answer)["ok"].clone()
}

/// The arguments of a run that archives what is in the trash.
fn run_into(archive: &str) -> [&str; 7] {
    [
        "jobs",
        "run",
        "--once",
        "--purge-after",
        "0s",
        "--archive",
        archive,
    ]
}

const DAY: f64 = 86_400_000.0;
/// 2026-01-08T18:05:30Z, the clock override of the tests.
const NOW: f64 = 1_767_895_530_000.0;

#[test]
fn a_run_archives_removes_and_is_reported() {
    let place = trashed(&["a", "b"]);
    let exported = place.run_ok(&["export", "a"]);
    let archive = format!("file:{}", place.folder.path().join("old").display());
    let run = run_into(&archive);
    let report = json(&place.run_ok(&[&run[..], &["--json"]].concat()));
    assert_eq!(report["outcome"], "done");
    assert_eq!(
        (&report["archived"], &report["removed"]),
        (&2.into(), &2.into())
    );
    assert!(report["bytes"].as_u64().unwrap() > 200);
    let get = ["archive", "get", "a", "--archive", &archive];
    assert_eq!(place.run_ok(&get), exported);
    let jobs = json(&place.run_ok(&["jobs", "list", "--json"]));
    assert_eq!(
        (&jobs[0]["job"], &jobs[0]["phase"]),
        (&"archive".into(), &"idle".into())
    );
    assert_eq!(jobs[0]["report"]["removed"], 2);
    let log = place.run_ok(&["audit", "--kind", "job.run", "--json"]);
    assert_eq!(json(&log)["items"].as_array().unwrap().len(), 1);
    // Later the archive is thinned by the same job. Its service is this machine's folder, whose files are old then.
    make_old(&place.folder.path().join("old/manifests"));
    let keep = [
        "--json",
        "--keep-archive",
        "1d",
        "--now",
        "2026-01-20T00:00:00Z",
    ];
    let later = [&run[..], &keep].concat();
    assert_eq!(json(&place.run_ok(&later))["thinned"], 2);
}

#[test]
fn a_host_that_was_asleep_runs_once_and_says_so() {
    let place = trashed(&["a"]);
    // The job is seen for the first time three days ago.
    let claim = r#"{"job":"archive"}"#;
    let seen = perform(&place, "jobClaim", claim, NOW - 3.0 * DAY);
    assert_eq!(seen["outcome"], "wait");
    let mut command = place.command(&["jobs", "run", "--purge-after", "0s"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(line.contains("archive done, late, 2 missed; "), "{line}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // What is asked for is not late.
    let run = ["jobs", "run", "--once", "--purge-after", "0s"];
    let again = json(&place.run_ok(&[&run[..], &["--json"]].concat()));
    assert_eq!(
        (&again["missed"], &again["isLate"]),
        (&0.into(), &false.into())
    );
}

#[test]
fn one_of_two_processes_runs_a_job_and_the_other_goes_on_after_its_end() {
    let place = trashed(&["a"]);
    let claim = perform(&place, "jobClaim", r#"{"job":"archive","now":true}"#, NOW);
    assert_eq!(claim["outcome"], "run");
    let run = ["jobs", "run", "--once", "--purge-after", "0s", "--json"];
    let held = place.run(&run);
    assert_eq!(
        (held.code, json(&held.out)["outcome"].as_str()),
        (1, Some("held"))
    );
    let holder = claim["holder"].as_str().unwrap();
    assert_eq!(json(&held.out)["holder"], holder);
    assert_eq!(
        place.run(&run[..5]).err,
        format!("tenure: archive held; another process runs it: {holder}\n")
    );
    // Its process has ended without a word; five minutes later its lease has expired.
    let later = [&run[..], &["--now", "2026-01-08T18:10:30Z"]].concat();
    let report = json(&place.run_ok(&later));
    assert_eq!(
        (&report["outcome"], &report["resumes"]),
        (&"done".into(), &true.into())
    );
    assert_eq!(report["attempt"], 2);
}

#[test]
fn a_job_that_waits_ends_at_an_interrupt() {
    let place = trashed(&[]);
    let mut command: Command = place.command(&["jobs", "run", "--max-age", "30d", "--json"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(
        line,
        "tenure: the job runs next at 2026-01-09T03:00:00.000Z\n"
    );
    // It has seen the job, and waits for its time.
    while place.run_ok(&["jobs", "list"]).is_empty() {}
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(143));
    let claim = perform(&place, "jobClaim", r#"{"job":"archive","now":true}"#, NOW);
    assert_eq!(claim["outcome"], "run");
}

#[test]
fn failed_sessions_are_listed_retried_and_dropped() {
    let place = trashed(&["a", "b", "c"]);
    let letters = r#"{"job":"archive","ids":["a","b"],"codes":["ARCHIVE_FAILED","ARCHIVE_FAILED"],"messages":["no","no"],"attempts":4}"#;
    perform(&place, "deadLetterAdd", letters, NOW);
    let listed = place.run_ok(&["jobs", "failed"]);
    assert_eq!(listed.lines().count(), 2);
    let archive = format!("file:{}", place.folder.path().join("old").display());
    let run = [&run_into(&archive)[..], &["--json"]].concat();
    let output = place.run(&run);
    let report = json(&output.out);
    assert_eq!(
        (output.code, &report["removed"], &report["leftAlone"]),
        (0, &1.into(), &2.into())
    );
    let said = "tenure: 2 failed sessions left alone; to have the next run take them again: tenure jobs retry archive --all\n";
    assert!(output.err.ends_with(said), "{output:?}");
    let retried = place.run(&["jobs", "retry", "archive", "a"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(place.run(&["jobs", "retry", "archive", "a"]).code, 1);
    assert_eq!(json(&place.run(&run).out)["removed"], 1);
    let dropped = place.run(&["jobs", "drop", "archive", "b"]);
    assert_eq!((dropped.code, &*dropped.out), (0, "b\n"), "{dropped:?}");
    assert_eq!(place.run_ok(&["jobs", "failed"]), "");
    assert_eq!(place.run_ok(&["list", "--trash", "include"]), "");
}

/// Runs a job in this process, where retries are not waited for.
struct Hasty {
    store: Local,
    slept: Duration,
}

impl ScheduledHost for Hasty {
    fn run(&mut self, step: &dyn Step) -> JobResult<StepReply> {
        let (operation, params) = (step.operation(), step.params());
        let reply = self
            .store
            .run_any(operation, params, self.now(), this_host())?;
        Ok(step.reply(reply)?)
    }

    fn now(&self) -> Timestamp {
        let slept = i64::try_from(self.slept.as_millis()).unwrap();
        Timestamp::from_millis(NOW as i64 + slept).unwrap()
    }

    fn stops(&self) -> bool {
        false
    }

    fn sleep(&mut self, time: Duration) {
        self.slept += time;
    }

    fn notify(&mut self, _: JobNews) {}
}

#[test]
fn all_failed_sessions_of_a_job_are_retried_at_once() {
    let place = trashed(&["a", "b", "c"]);
    for (job, id) in [("archive", "a"), ("archive", "b"), ("archive2", "c")] {
        let letter = format!(
            r#"{{"job":"{job}","ids":["{id}"],"codes":["C"],"messages":["m"],"attempts":4}}"#
        );
        place.store().perform("deadLetterAdd", &letter, 0.0);
    }
    let retried = place.run_ok(&["jobs", "retry", "archive", "--all", "--json"]);
    assert_eq!(retried, r#"{"retried":2}"#);
    let left = place.run_ok(&["jobs", "failed"]);
    assert!(left.starts_with("archive2\tc\t"), "{left}");
    assert_eq!(left.lines().count(), 1);
}

#[test]
fn a_session_that_could_not_be_archived_is_archived_after_a_retry() {
    let place = trashed(&["a", "b"]);
    let exported = place.run_ok(&["export", "b"]);
    let folder = place.folder.path().join("old");
    let archive = format!("file:{}", folder.display());
    // A file in the place of the folder of its objects.
    std::fs::create_dir_all(folder.join("sessions")).unwrap();
    std::fs::write(folder.join("sessions/b"), "").unwrap();
    let mut hasty = Hasty {
        store: place.store(),
        slept: Duration::ZERO,
    };
    let params = ScheduledParams {
        job: "archive".into(),
        once: Some(true),
        purge_after: Some(Millis(0)),
        ..ScheduledParams::default()
    };
    let filling = Filling::open(&archive, false, &Options::default()).unwrap();
    let report = run_scheduled(params, Some(filling), &mut hasty).unwrap();
    assert_eq!((report.outcome, report.removed), ("done", 1));
    assert_eq!((report.errors, report.dead_letters), (1, 1));
    // After 1, 5 and 15 minutes.
    assert!(hasty.slept >= Duration::from_secs(21 * 60));
    drop(hasty);

    let listed = place.run_ok(&["jobs", "failed"]);
    assert!(listed.starts_with("archive\tb\t2026-01-08T18:"), "{listed}");
    std::fs::remove_file(folder.join("sessions/b")).unwrap();
    let run = [&run_into(&archive)[..], &["--json"]].concat();
    assert_eq!(json(&place.run(&run).out)["removed"], 0);
    assert_eq!(place.run(&["jobs", "retry", "archive", "b"]).code, 0);
    let retried = json(&place.run_ok(&run));
    assert_eq!(
        (
            &retried["archived"],
            &retried["removed"],
            &retried["errors"]
        ),
        (&1.into(), &1.into(), &0.into())
    );
    let get = ["archive", "get", "b", "--archive", &archive];
    assert_eq!(place.run_ok(&get), exported);
    assert_eq!(place.run_ok(&["jobs", "failed"]), "");
}

/// Damages the stored context of a session.
fn damage(place: &Place, id: &str) {
    let database = rusqlite::Connection::open(place.folder.path().join("tenure.db")).unwrap();
    let damage = "UPDATE sessions SET context = '{bad' WHERE id = ?";
    assert_eq!(database.execute(damage, [id]).unwrap(), 1);
}

#[test]
fn a_session_that_cannot_be_read_is_an_error_and_then_a_dead_letter() {
    let archive = format!("file:{}", Place::new().folder.path().join("old").display());
    for run in [&run_into(&archive)[..], &run_into(&archive)[..5]] {
        let place = trashed(&["a", "b", "c"]);
        place.run_ok(&["start", "t", "--mode", "m", "--id", "active"]);
        damage(&place, "b");
        // It is not due.
        damage(&place, "active");
        let run = [run, &["--batch", "1", "--json"]].concat();
        let ran = place.run(&run);
        let report = json(&ran.out);
        let counts = |report: &Value| {
            ["removed", "errors", "deadLetters", "leftAlone"].map(|name| report[name].as_u64())
        };
        assert_eq!(counts(&report), [2, 1, 1, 0].map(Some), "{report}");
        assert_eq!((ran.code, &report["outcome"]), (1, &"done".into()));
        assert_eq!(report["unreadable"].as_array().unwrap().len(), 1);
        assert_eq!(report["unreadable"][0]["id"], "b");
        assert_eq!(report["unreadable"][0]["code"], "CORRUPT_SESSION");
        assert!(
            ran.err.contains("tenure: b could not be processed: "),
            "{}",
            ran.err
        );
        let letters = place.run_ok(&["jobs", "failed"]);
        assert!(letters.starts_with("archive\tb\t"), "{letters}");
        assert!(letters.contains("CORRUPT_SESSION"), "{letters}");
        assert_eq!(letters.lines().count(), 1);
        // It is left alone until a person has looked.
        let again = place.run(&run);
        let report = json(&again.out);
        assert_eq!((again.code, counts(&report)), (0, [0, 0, 0, 1].map(Some)));
        assert_eq!(place.run(&["jobs", "retry", "archive", "b"]).code, 0);
        assert_eq!(place.run(&run).code, 1);
    }
}

#[test]
fn an_unreadable_session_that_may_not_be_due_is_an_error_alone() {
    let place = Place::new();
    let store = format!("file:{}", place.folder.path().join("sessions").display());
    place.run_ok(&["start", "t", "--mode", "m", "--id", "a", "--store", &store]);
    let file = place.folder.path().join("sessions/a/session.json");
    std::fs::write(&file, "{bad").unwrap();
    let run = [
        "jobs",
        "run",
        "--once",
        "--max-age",
        "0s",
        "--store",
        &store,
        "--json",
    ];
    for _ in 0..2 {
        let ran = place.run(&run);
        let report = json(&ran.out);
        assert_eq!(ran.code, 1);
        assert_eq!(
            (
                &report["errors"],
                &report["deadLetters"],
                &report["unreadable"][0]["id"]
            ),
            (&1.into(), &0.into(), &"a".into()),
            "{report}"
        );
    }
}

#[test]
fn an_interrupt_ends_a_run_whose_archive_does_not_answer() {
    let place = trashed(&["a"]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let run = run_into("s3://bucket/a");
    let purge = ["purge", "--archive", "s3://bucket/a", "--older-than", "0s"];
    for args in [&run[..], &purge] {
        let mut command = place.command(args);
        command
            .env(
                "AWS_ENDPOINT",
                format!("http://{}", silent.local_addr().unwrap()),
            )
            .envs([
                ("AWS_ALLOW_HTTP", "true"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "tests"),
                ("AWS_SECRET_ACCESS_KEY", "tests"),
            ]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        // It waits for an answer from now on.
        let _connection = silent.accept().unwrap();
        let began = Instant::now();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143), "{args:?}");
        // A request that gets no answer is abandoned after 30 s, and sent again.
        assert!(began.elapsed() < Duration::from_secs(20), "{args:?}");
        // Nothing was removed.
        place.run_ok(&["restore", "a"]);
        place.run_ok(&["trash", "a"]);
    }
    let claim = perform(&place, "jobClaim", r#"{"job":"archive","now":true}"#, NOW);
    assert_eq!(claim["outcome"], "run");
}

#[test]
fn an_archive_that_is_away_makes_no_dead_letters() {
    let place = trashed(&["a", "b"]);
    let folder = place.folder.path().join("old");
    let archive = format!("file:{}", folder.display());
    std::fs::create_dir(&folder).unwrap();
    // A file in the place of the folder of all sessions.
    std::fs::write(folder.join("sessions"), "").unwrap();
    let run = [&run_into(&archive)[..], &["--json"]].concat();
    let output = place.run(&run);
    assert_eq!(output.code, 3, "{output:?}");
    let report = json(&output.out);
    assert_eq!(
        (
            &report["outcome"],
            &report["errors"],
            &report["deadLetters"]
        ),
        (&"failed".into(), &0.into(), &0.into())
    );
    let error = report["error"].as_str().unwrap();
    assert!(
        error.starts_with("ARCHIVE_FAILED: the archive is unavailable: "),
        "{error}"
    );
    assert_eq!(place.run_ok(&["jobs", "failed"]), "");
    std::fs::remove_file(folder.join("sessions")).unwrap();
    assert_eq!(json(&place.run_ok(&run))["removed"], 2);
}

#[test]
fn a_command_gets_the_alert() {
    let place = trashed(&["a"]);
    let archive = place.folder.path().join("old");
    // The folder of the manifests cannot be written: the run fails, and nothing is removed.
    std::fs::create_dir(&archive).unwrap();
    std::fs::write(archive.join("manifests"), "").unwrap();
    let archive = format!("file:{}", archive.display());
    let run = run_into(&archive);
    let args = [&run[..], &["--alert", "sh -c 'cat > alerted'"]].concat();
    let output = output_of(place.command(&args));
    assert_eq!(output.code, 3, "{output:?}");
    let alert = std::fs::read_to_string(place.folder.path().join("alerted")).unwrap();
    assert_eq!(json(&alert)["reason"], "failed", "{alert}");
    assert!(
        output
            .err
            .contains("tenure: alert: failed: the run has failed at attempt 1: ")
    );
    std::fs::write(place.folder.path().join("none"), "").unwrap();
    for (command, said) in [
        ("false", "has failed: exit status: 1"),
        ("./none", "cannot be run: Permission denied"),
    ] {
        let output = place.run(&[&run[..], &["--alert", command]].concat());
        let said = format!("tenure: the command of --alert {said}");
        assert!(output.err.contains(&said), "{output:?}");
    }
    assert_eq!(
        place.run_ok(&["list", "--trash", "only"]).lines().count(),
        1
    );
    // Neither does a run begin without the address of an archive.
    let nowhere = ["jobs", "run", "--once", "--max-age", "1d"];
    let nowhere = [
        &nowhere[..],
        &["--archive", "nowhere", "--alert", "tee again"],
    ]
    .concat();
    assert_eq!(place.run(&nowhere).code, 2);
    let alert = std::fs::read_to_string(place.folder.path().join("again")).unwrap();
    assert!(alert.contains("is no archive"), "{alert}");
}

#[test]
fn a_run_whose_archive_cannot_be_opened_is_reported_as_any_that_has_failed() {
    let place = trashed(&["a"]);
    let folder = place.folder.path().join("old");
    std::fs::write(&folder, "").unwrap();
    let archive = format!("file:{}", folder.display());
    let run = [&run_into(&archive)[..], &["--json"]].concat();
    let output = place.run(&[&run[..], &["--alert", "tee alerted"]].concat());
    assert_eq!(output.code, 3, "{output:?}");
    let alert = std::fs::read_to_string(place.folder.path().join("alerted")).unwrap();
    let error = format!("ARCHIVE_FAILED: the archive {archive} cannot be opened: ");
    assert!(alert.contains(&error), "{alert}");
    let log = json(&place.run_ok(&["audit", "--kind", "job.run", "--json"]));
    let report = &log["items"][0]["data"]["report"];
    assert_eq!(report["outcome"], "failed", "{log}");
    assert!(report["error"].as_str().unwrap().starts_with(&error));
    // The next run opens it again.
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(json(&place.run_ok(&run))["removed"], 1);
}

#[test]
fn a_command_for_alerts_that_hangs_ends_with_the_run() {
    let place = trashed(&["a"]);
    std::fs::write(place.folder.path().join("old"), "").unwrap();
    let archive = format!("file:{}", place.folder.path().join("old").display());
    let run = [&run_into(&archive)[..], &["--alert", "sleep 600"]].concat();
    let mut child = place.command(&run).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("tenure: alert: failed: ")));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert_eq!(rest[0], "tenure: the command of --alert was stopped");
}

#[test]
fn a_job_without_a_store_is_refused() {
    let here = tempfile::TempDir::new().unwrap();
    let mut command = bare(here.path(), &["jobs", "run", "--once", "--max-age", "1d"]);
    command.env("HOME", here.path());
    let output = output_of(command);
    assert_eq!(output.code, 3, "{output:?}");
    assert!(
        output
            .err
            .contains("no project here has a store; name one with --store"),
        "{output:?}"
    );
}

#[test]
fn a_run_whose_process_was_killed_is_continued_at_once() {
    let place = trashed(&["a", "b"]);
    let archive = format!("file:{}", place.folder.path().join("old").display());
    let run = [&run_into(&archive)[..], &["--json"]].concat();
    // It rests after its first session.
    let slow = [&run[..], &["--cpu-percent", "1"]].concat();
    let mut child = place.command(&slow).stdout(Stdio::null()).spawn().unwrap();
    while !json(&place.run_ok(&["jobs", "list", "--json"]))
        .as_array()
        .is_some_and(|jobs| jobs.iter().any(|job| job["phase"] == "running"))
    {}
    child.kill().unwrap();
    child.wait().unwrap();
    let report = json(&place.run_ok(&run));
    assert_eq!(
        (&report["outcome"], &report["resumes"], &report["attempt"]),
        (&"done".into(), &true.into(), &2.into())
    );
    assert_eq!(place.run_ok(&["list", "--trash", "include"]), "");
}
