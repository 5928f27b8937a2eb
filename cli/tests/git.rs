//! `tenure dedup` over a git store: jobs without a shared disk or database use the remote repository of
//! their checkouts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{CommandOutput, bare, output_of};
use tempfile::TempDir;

const JOBS: usize = 8;

/// A remote repository and its checkouts, as of jobs on different machines.
struct Hosted {
    folder: TempDir,
}

impl Hosted {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        git(folder.path(), &["init", "--quiet", "--bare", "remote.git"]);
        std::fs::create_dir(folder.path().join("temporary")).unwrap();
        Self { folder }
    }

    fn checkout(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        git(self.folder.path(), &["init", "--quiet", name]);
        let url = self.folder.path().join("remote.git");
        git(&path, &["remote", "add", "origin", url.to_str().unwrap()]);
        path
    }

    fn refs(&self) -> Vec<String> {
        let path = self.folder.path().join("remote.git");
        let refs = git(&path, &["for-each-ref", "--format=%(refname)"]);
        refs.lines().map(str::to_owned).collect()
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git").current_dir(folder).args(args).output();
    let output = output.unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The command in a checkout, at a time of the day.
fn command(checkout: &Path, time: &str, args: &[&str]) -> Command {
    let now = format!("2026-01-08T{time}Z");
    let mut command = bare(checkout, args);
    command.args(["--store", "git:origin", "--now", &now]);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.env("TMPDIR", checkout.with_file_name("temporary"));
    command
}

fn tenure(checkout: &Path, time: &str, args: &[&str]) -> CommandOutput {
    output_of(command(checkout, time, args))
}

fn admit(checkout: &Path, time: &str, event: &str, run: &str) -> CommandOutput {
    let args = ["dedup", "admit", event, "CI", "abc12345", run];
    tenure(checkout, time, &args)
}

fn skips(output: &CommandOutput) -> bool {
    assert_eq!((output.code, &*output.err), (0, ""), "{output:?}");
    output.out.contains("SKIP_EXECUTION=true")
}

#[test]
fn one_of_several_jobs_of_a_commit_is_admitted() {
    let hosted = Hosted::new();
    let jobs: Vec<_> = (0..JOBS)
        .map(|job| {
            let checkout = hosted.checkout(&format!("job{job}"));
            let run = job.to_string();
            let args = ["dedup", "admit", "push", "CI", "abc12345", &run];
            command(&checkout, "18:05:30", &args).spawn().unwrap()
        })
        .collect();
    let skipped = jobs
        .into_iter()
        .map(|job| job.wait_with_output().unwrap())
        .filter(|output| {
            assert!(output.status.success(), "{output:?}");
            String::from_utf8_lossy(&output.stdout).contains("SKIP_EXECUTION=true")
        })
        .count();
    assert_eq!(skipped, JOBS - 1);
    // The audit log holds the decision about each job.
    let checkout = hosted.checkout("reader");
    let log = tenure(&checkout, "18:06:00", &["audit", "--json"]);
    assert_eq!(log.out.matches("\"run_id\":").count(), JOBS, "{log:?}");
    // No temporary file is left.
    let left = std::fs::read_dir(hosted.folder.path().join("temporary"));
    assert_eq!(left.unwrap().count(), 0);
}

#[test]
fn a_run_is_skipped_within_the_window_and_keys_can_be_cleared() {
    let hosted = Hosted::new();
    let (one, other) = (hosted.checkout("one"), hosted.checkout("other"));
    assert!(!skips(&admit(&one, "18:00:00", "pull_request", "1")));
    // The pull request blocks the push of its commit, too.
    assert!(skips(&admit(&other, "18:01:00", "push", "2")));
    assert!(skips(&admit(&other, "18:01:00", "pull_request", "3")));
    let key = "ci-pull_request-abc12345";
    let cleaned = tenure(
        &one,
        "18:02:00",
        &["dedup", "cleanup", key, "--run-id", "1"],
    );
    assert_eq!(cleaned.code, 0, "{cleaned:?}");
    let args = [
        "dedup",
        "audit",
        key,
        "pull_request",
        "CI",
        "1",
        "abc12345",
        "true",
        "success",
    ];
    assert_eq!(tenure(&one, "18:02:00", &args).code, 0);
    assert!(!skips(&admit(&other, "18:06:00", "pull_request", "4")));

    let log = tenure(&other, "18:06:00", &["dedup", "log", "--json"]);
    assert!(log.out.contains("\"job_status\":\"success\""), "{log:?}");
    let list = tenure(&other, "18:06:00", &["dedup", "list"]);
    assert_eq!(list.out.lines().count(), 2, "{list:?}");
    let leases = || {
        hosted
            .refs()
            .iter()
            .filter(|name| name.contains("/lease/"))
            .count()
    };
    assert_eq!(leases(), 2);
    tenure(&one, "20:00:00", &["dedup", "clear", "--ended"]);
    assert_eq!(leases(), 0);
    let purge = ["audit", "--purge", "1h"];
    assert_eq!(tenure(&one, "23:00:00", &purge).code, 0);
    assert_eq!(hosted.refs(), Vec::<String>::new());
}

#[test]
fn a_job_is_admitted_with_a_reason_when_the_remote_is_unavailable() {
    let hosted = Hosted::new();
    let checkout = hosted.checkout("job");
    git(
        &checkout,
        &["remote", "set-url", "origin", "/nowhere/at/all.git"],
    );
    let output = admit(&checkout, "18:00:00", "push", "1");
    assert!(!skips(&output));
    assert!(output.out.contains("/nowhere/at/all.git"), "{output:?}");
    let args = [
        "dedup",
        "admit",
        "push",
        "CI",
        "abc12345",
        "1",
        "--exit-code",
    ];
    assert_eq!(tenure(&checkout, "18:00:00", &args).code, 3);
    // The same without a `git` program.
    let mut without = command(&checkout, "18:00:00", &args[..6]);
    without.env("PATH", hosted.folder.path());
    let without = crate::common::output_of(without);
    assert!(!skips(&without));
    assert!(without.out.contains("no program `git`"), "{without:?}");
}

#[test]
fn a_session_in_a_git_store_is_refused_with_the_supported_stores() {
    let hosted = Hosted::new();
    let checkout = hosted.checkout("job");
    for args in [&["list"][..], &["start", "a task", "--mode", "m"]] {
        let output = tenure(&checkout, "18:00:00", args);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.err.contains("sqlite:"), "{output:?}");
    }
}

#[test]
fn a_watch_is_refused_since_the_store_keeps_no_feed() {
    let hosted = Hosted::new();
    let output = tenure(&hosted.checkout("job"), "10:00:00", &["watch"]);
    assert_eq!(output.code, 2, "{output:?}");
    let problem = "this store keeps no feed of its changes";
    assert!(output.err.contains(problem), "{output:?}");
}
