//! The commands `tenure trash`, `restore`, `rm` and `purge`: what is removed, kept and archived.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::{CommandOutput, NOW, Place};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const REFUSED: i32 = 1;
const USAGE: i32 = 2;

/// A place with sessions in the trash: `s0`, `s1` and so on, each an hour older there than the next.
fn trashed(count: usize) -> Place {
    let place = Place::new();
    let store = place.store();
    let now = tenure_core::Timestamp::parse(NOW).unwrap().as_millis() as f64;
    for number in 0..count {
        let then = now - ((count - number) * 3_600_000) as f64;
        let start = format!(r#"{{"id":"s{number}","task":"ünï","mode":"m"}}"#);
        store.perform("start", &start, then);
        store.perform("trash", &format!(r#"{{"id":"s{number}"}}"#), then);
    }
    place
}

/// The ids in the trash, oldest first.
fn trash(place: &Place) -> Vec<String> {
    let all = place.run_ok(&["list", "--trash", "only", "--reverse"]);
    let ids = all.lines().filter_map(|line| line.split('\t').next());
    ids.map(str::to_owned).collect()
}

/// The names of the files in a folder, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The exported session.
fn exported_session(place: &Place, id: &str) -> Value {
    let text: String = serde_json::from_str(&place.run_ok(&["export", id, "--json"])).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_purge_names_the_session_that_it_cannot_read() {
    for archive in [&[][..], &["--archive", "file:./old"]] {
        let place = trashed(3);
        let database = rusqlite::Connection::open(place.folder.path().join("tenure.db")).unwrap();
        let damage = "UPDATE sessions SET context = '{bad' WHERE id = 's1'";
        database.execute_batch(damage).unwrap();
        drop(database);
        let purge = [&["purge", "--older-than", "0s", "--json"][..], archive].concat();
        let purged = place.run(&purge);
        let result: Value = serde_json::from_str(&purged.out).unwrap();
        assert_eq!(result["ids"], json!(["s0", "s2"]), "{}", purged.err);
        assert_eq!(result["failed"].as_array().unwrap().len(), 1);
        assert_eq!(result["failed"][0]["id"], "s1");
        assert_eq!(result["failed"][0]["code"], "CORRUPT_SESSION");
        assert_ne!(purged.code, 0);
    }
}

#[test]
fn a_bulk_operation_reports_each_session() {
    let place = trashed(2);
    let run = |args: &[&str]| {
        let CommandOutput { code, out, err } = place.run(args);
        (code, out, err)
    };
    assert_eq!(
        run(&["restore", "s0", "nobody", "s1"]),
        (
            REFUSED,
            "s0 is restored\ns1 is restored\n".to_owned(),
            "tenure: there is no session nobody\n".to_owned()
        )
    );
    assert_eq!(run(&["trash", "s0", "s0"]).1, "s0 is in the trash\n");
    assert_eq!(run(&["rm", "s1"]).1, "s1 is in the trash\n");
    assert_eq!(trash(&place), ["s0", "s1"]);
    let (code, out, _) = run(&["rm", "--permanent", "s1", "../etc", "--json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, USAGE);
    assert_eq!(answer["done"], json!(["s1"]));
    assert_eq!(answer["refused"][0]["code"], "INVALID_ID");
    assert_eq!(trash(&place), ["s0"]);
}

#[test]
fn json_is_the_reply_of_the_operation() {
    let (place, other) = (trashed(3), trashed(3));
    let now = tenure_core::Timestamp::parse(NOW).unwrap().as_millis() as f64;
    for (args, operation, params) in [
        (
            &["restore", "s0", "nobody", "../etc"][..],
            "restoreMany",
            r#"{"ids":["s0","nobody","../etc"]}"#,
        ),
        (&["trash", "s0"], "trashMany", r#"{"ids":["s0"]}"#),
        (
            &["rm", "--permanent", "s0"],
            "deleteMany",
            r#"{"ids":["s0"]}"#,
        ),
        (
            &["purge", "--older-than", "0s", "--dry-run"],
            "purge",
            r#"{"olderThan":0,"dryRun":true}"#,
        ),
        (
            &["purge", "s1", "s2"],
            "purge",
            r#"{"olderThan":0,"ids":["s1","s2"]}"#,
        ),
    ] {
        let answer = other.store().perform(operation, params, now);
        let expected = answer
            .strip_prefix(r#"{"ok":"#)
            .and_then(|rest| rest.strip_suffix('}'));
        let printed = place.run(&[args, &["--json"]].concat()).out;
        assert_eq!(Some(printed.trim_end_matches('\n')), expected, "{args:?}");
    }
}

#[test]
fn many_ids_are_split_into_several_operations() {
    let place = Place::new();
    place.run_ok(&["start", "t", "--id", "last"]);
    let mut ids: Vec<String> = (0..1500).map(|number| format!("s{number}")).collect();
    ids.push("last".to_owned());
    let mut args = vec!["trash", "--json"];
    args.extend(ids.iter().map(String::as_str));
    let output = place.run(&args);
    assert_eq!((output.code, output.out.lines().count()), (REFUSED, 2));
    assert_eq!(trash(&place), ["last"]);
}

#[test]
fn sessions_that_are_old_enough_in_the_trash_are_purged() {
    let place = trashed(5);
    let purge = |more: &[&str]| place.run(&[&["purge", "--older-than", "3h"], more].concat());
    let plan = purge(&["--dry-run"]);
    assert_eq!((plan.code, &*plan.out), (0, "s0\ns1\ns2\n"));
    assert_eq!(
        plan.err,
        "tenure: 3 sessions would be permanently removed\n"
    );
    assert_eq!(trash(&place).len(), 5);
    place.run_ok(&[
        "start",
        "t",
        "--id",
        "kept",
        "--now",
        "2020-01-01T00:00:00Z",
    ]);
    let done = purge(&["--batch", "2"]);
    assert_eq!((done.code, &*done.out), (0, "s0\ns1\ns2\n"));
    assert_eq!(done.err, "tenure: 3 sessions permanently removed\n");
    assert_eq!(trash(&place), ["s3", "s4"]);
    assert!(place.run_ok(&["list"]).starts_with("kept\t"));
    let none: Value = serde_json::from_str(&purge(&["--json"]).out).unwrap();
    assert_eq!(
        none,
        json!({"removed": 0, "ids": [], "failed": [], "dryRun": false})
    );
}

#[test]
fn a_given_session_is_purged_if_it_is_in_the_trash() {
    let place = trashed(3);
    place.run_ok(&["start", "t", "--id", "kept"]);
    let plan = place.run(&["purge", "s1", "kept", "--dry-run"]);
    assert_eq!((plan.code, &*plan.out), (REFUSED, "s1\n"));
    let named = place.run(&["purge", "s1", "kept", "nobody"]);
    assert_eq!((named.code, &*named.out), (REFUSED, "s1\n"));
    for id in ["kept", "nobody"] {
        assert!(
            named
                .err
                .contains(&format!("tenure: {id} was not removed: ")),
            "{named:?}"
        );
    }
    let early = place.run(&["purge", "s0", "s2", "--older-than", "2h"]);
    assert_eq!((early.code, &*early.out), (REFUSED, "s0\n"));
    assert_eq!(trash(&place), ["s2"]);
    assert_eq!(place.run(&["purge"]).code, USAGE);
    assert_eq!(place.run(&["purge", "--older-than", "soon"]).code, USAGE);
    assert_eq!(place.run(&["purge", "s2", "--batch", "0"]).code, USAGE);
}

#[test]
fn a_large_session_is_archived_in_parts_beside_an_older_archive() {
    let place = Place::with_large_session();
    let before = place.run_ok(&["export", "a"]);
    let archive = place.folder.path().join("old").display().to_string();
    for names in [&["a.json"][..], &["a.2.json", "a.json"]] {
        if names.len() > 1 {
            let path = Path::new(&archive).join("a.json").display().to_string();
            place.run_ok(&["import", &path]);
            place.run_ok(&["restore", "a"]);
        }
        place.run_ok(&["trash", "a"]);
        let purged = place.run(&["purge", "a", "--archive", &archive]);
        assert_eq!((purged.code, purged.out.as_str()), (0, "a\n"));
        assert_eq!(files(Path::new(&archive)), names);
    }
    let path = Path::new(&archive).join("a.2.json").display().to_string();
    place.run_ok(&["import", &path]);
    place.run_ok(&["restore", "a"]);
    let restored = place.run_ok(&["export", "a"]);
    let history = |text: &str| text.split_once("\"history\":").unwrap().1.to_owned();
    assert!(history(&restored) == history(&before));
}

#[test]
fn no_version_of_a_session_is_lost_in_an_archive() {
    let place = trashed(1);
    let folder = place.folder.path().join("old");
    let archive = |name: &str| folder.join(name).display().to_string();
    let mut versions = Vec::new();
    for name in ["s0.json", "s0.2.json", "s0.3.json"] {
        versions.push(place.run_ok(&["export", "s0"]));
        assert_eq!(place.run(&["purge", "s0", "--archive", "old"]).code, 0);
        let written = fs::read_to_string(archive(name)).unwrap();
        assert_eq!(
            Some(written.trim_end()),
            versions.last().map(String::as_str)
        );
        place.run_ok(&["import", &archive(name)]);
        place.run_ok(&["restore", "s0"]);
        place.run_ok(&["event", "add", "s0", "note", "{}"]);
        place.run_ok(&["trash", "s0"]);
    }
    for (name, version) in ["s0.json", "s0.2.json", "s0.3.json"].iter().zip(&versions) {
        assert_eq!(
            fs::read_to_string(archive(name)).unwrap().trim_end(),
            version
        );
    }
    // What is there is not written again.
    place.run_ok(&["rm", "--permanent", "s0"]);
    place.run_ok(&["import", &archive("s0.2.json")]);
    assert_eq!(place.run(&["purge", "s0", "--archive", "old"]).code, 0);
    assert_eq!(files(&folder), ["s0.2.json", "s0.3.json", "s0.json"]);
}

#[test]
fn a_session_is_archived_before_it_is_removed() {
    let place = trashed(5);
    let before: Vec<Value> = (0..4)
        .map(|id| exported_session(&place, &format!("s{id}")))
        .collect();
    let exported = place.run_ok(&["export", "s0"]);
    let archive = place.folder.path().join("old/2026");
    let archive = archive.to_str().unwrap();
    let purge = [
        "purge",
        "--older-than",
        "2h",
        "--batch",
        "3",
        "--archive",
        archive,
    ];
    assert_eq!(place.run(&[&purge[..], &["--dry-run"]].concat()).code, 0);
    assert!(!Path::new(archive).exists());
    assert_eq!(place.run(&purge).code, 0);
    assert_eq!(trash(&place), ["s4"]);
    let archive = Path::new(archive);
    assert_eq!(files(archive), ["s0.json", "s1.json", "s2.json", "s3.json"]);
    let file = fs::read_to_string(archive.join("s0.json")).unwrap();
    assert_eq!(file.trim_end(), exported);
    for (number, before) in before.iter().enumerate() {
        let id = format!("s{number}");
        let file = archive.join(format!("{id}.json"));
        place.run_ok(&["import", file.to_str().unwrap()]);
        assert_eq!(exported_session(&place, &id), *before);
    }
}

#[test]
fn a_session_that_cannot_be_archived_is_not_removed() {
    let place = trashed(4);
    let archive = place.folder.path().join("old");
    fs::create_dir_all(archive.join("s1.json")).unwrap();
    // A file system that ignores case takes `S2.json` for this file.
    fs::write(archive.join("s2.json"), r#"{"id":"S2"}"#).unwrap();
    // The file of an earlier purge stays.
    fs::write(archive.join("s3.json"), r#"{"id":"s3"}"#).unwrap();
    let purge = [
        "purge",
        "--older-than",
        "0s",
        "--batch",
        "1",
        "--archive",
        "old",
    ];
    let output = place.run(&purge);
    assert_eq!(
        (output.code, &*output.out),
        (REFUSED, "s0\ns3\n"),
        "{output:?}"
    );
    for id in ["s1", "s2"] {
        assert!(
            output
                .err
                .contains(&format!("tenure: {id} was not removed: ")),
            "{output:?}"
        );
    }
    let end = "tenure: 2 sessions permanently removed, 2 could not be\n";
    assert!(output.err.ends_with(end), "{output:?}");
    assert_eq!(trash(&place), ["s1", "s2"]);
    assert_eq!(
        fs::read_to_string(archive.join("s2.json")).unwrap(),
        r#"{"id":"S2"}"#
    );
    assert_eq!(
        fs::read_to_string(archive.join("s3.json")).unwrap(),
        r#"{"id":"s3"}"#
    );
    assert!(
        fs::read_to_string(archive.join("s3.2.json"))
            .unwrap()
            .contains("deletedAt")
    );
    let answer: Value =
        serde_json::from_str(&place.run(&[&purge[..], &["--json"]].concat()).out).unwrap();
    assert_eq!(answer["removed"], 0);
    assert_eq!(answer["failed"][0]["id"], "s1");
    assert_eq!(answer["failed"][0]["code"], "FILE_UNWRITABLE");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_progress_and_then_the_removed_sessions() {
    let place = trashed(2);
    fs::create_dir_all(place.folder.path().join("old/s1.json")).unwrap();
    let shown = place.on_terminal(&["purge", "--older-than", "0s", "--archive", "old"]);
    let (progress, rest) = shown.rsplit_once("\r\x1b[K").unwrap();
    assert!(progress.contains("archived"), "{shown:?}");
    assert!(
        rest.starts_with("s0\ntenure: s1 was not removed: "),
        "{shown:?}"
    );
}

#[test]
fn an_archive_that_cannot_be_created_is_refused_before_anything_is_removed() {
    let place = trashed(1);
    fs::write(place.folder.path().join("file"), "").unwrap();
    let output = place.run(&["purge", "--older-than", "0s", "--archive", "file/old"]);
    assert_eq!(output.code, USAGE, "{output:?}");
    assert_eq!(trash(&place), ["s0"]);
}

#[test]
fn an_interrupted_purge_loses_nothing_and_can_be_repeated() {
    const ALL: usize = 150;
    let place = trashed(ALL);
    let archive = place.folder.path().join("old");
    let purge = [
        "purge",
        "--older-than",
        "0s",
        "--batch",
        "1",
        "--archive",
        "old",
    ];
    let files_without_others = || -> Vec<String> {
        let names = files(&archive).into_iter();
        names.filter(|name| !name.starts_with('.')).collect()
    };
    for (signal, millis) in [
        (Signal::INT, 8),
        (Signal::KILL, 8),
        (Signal::INT, 32),
        (Signal::KILL, 64),
    ] {
        let child = place.command(&purge).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let _ = kill_process(Pid::from_child(&child), signal);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(130) => assert!(said.contains("run the same command to continue"), "{said}"),
            // The purge was faster, was killed, or got the signal before it listened.
            Some(0) | None => {}
            Some(code) => panic!("{code}: {said}"),
        }
        let left = trash(&place);
        if left.len() == ALL {
            continue;
        }
        let kept = files_without_others();
        for number in 0..ALL {
            let id = format!("s{number}");
            assert!(
                left.contains(&id) || kept.contains(&format!("{id}.json")),
                "{id}"
            );
        }
    }
    assert_eq!(place.run(&purge).code, 0);
    assert!(trash(&place).is_empty());
    assert_eq!(files_without_others().len(), ALL);
    for name in files_without_others() {
        let file = archive.join(name);
        place.run_ok(&["import", file.to_str().unwrap()]);
    }
    assert_eq!(trash(&place).len(), ALL);
}
