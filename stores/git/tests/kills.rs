//! A process that is killed during a write leaves a complete commit or none, and blocks no other
//! process.

use std::io::Write;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use fastrand::Rng;
use tenure_core::store::Expect;
use tenure_store_support::{given_path, process_of, scaled};

use crate::common::{Remote, apply, open, read, record, scan, set};

const KEYS: [&str; 3] = ["a", "b", "c"];

#[test]
fn after_a_kill_all_refs_of_a_commit_are_moved_or_none() {
    let mut rng = Rng::with_seed(23);
    for round in 0..scaled(30) {
        let remote = Remote::new();
        let mut command = Command::new("env");
        // The temporary folders are removed with the repository.
        command.env("TMPDIR", remote.folder.path());
        let mut writer = process_of(command, "kills::writes_until_it_is_killed", &remote.path());
        sleep(Duration::from_millis(rng.u64(50..700)));
        writer.kill().unwrap();
        let out = writer.wait_with_output().unwrap();
        let out = String::from_utf8(out.stdout).unwrap();
        let mut reported = out.lines().filter_map(|line| line.strip_prefix("wrote "));
        let reported: u64 = reported.next_back().map_or(0, |last| last.parse().unwrap());
        let version = final_version(&remote);
        // The git of the killed process may have completed another commit.
        assert!(
            (reported..=reported + 1).contains(&version),
            "round {round}: {reported}, then {version}"
        );
        let store = remote.store();
        for key in KEYS {
            let expect = match version {
                0 => Expect::Absent,
                version => Expect::Version { version },
            };
            apply(
                &store,
                vec![set(expect, record("lease", key, version + 1, "after"))],
            );
        }
    }
}

/// The version of all records when no write is in progress.
fn final_version(remote: &Remote) -> u64 {
    let mut before = None;
    for _ in 0..200 {
        let versions: Vec<u64> = KEYS
            .iter()
            .map(|key| {
                let record = read(&remote.store(), "lease", key).unwrap();
                record.map_or(0, |record| record.version)
            })
            .collect();
        let entries = scan(&remote.store(), "audit").len() as u64;
        let same = versions.iter().all(|version| *version == entries);
        if same && before == Some(entries) {
            return entries;
        }
        before = same.then_some(entries);
        sleep(Duration::from_millis(25));
    }
    panic!("the refs stay at different versions: {:?}", remote.refs());
}

#[test]
#[ignore = "a process of another test"]
fn writes_until_it_is_killed() {
    let store = open(given_path().to_str().unwrap());
    for version in 1.. {
        let expect = match version {
            1 => Expect::Absent,
            _ => Expect::Version {
                version: version - 1,
            },
        };
        let entry = format!("2026-01-08T00:00:00.000Z/{version}");
        let mut changes = vec![set(Expect::Any, record("audit", &entry, 1, ""))];
        for key in KEYS {
            changes.push(set(expect, record("lease", key, version, "")));
        }
        apply(&store, changes);
        println!("wrote {version}");
        std::io::stdout().flush().unwrap();
    }
}
