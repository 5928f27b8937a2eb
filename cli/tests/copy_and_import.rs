//! `tenure copy`, `export`, `import` and `check`: moving sessions between stores, and damaged stores.

use std::fs;

use crate::common::Place;

/// A store with a few sessions.
fn populated_place() -> Place {
    let place = Place::new();
    for id in ["a", "b", "c"] {
        place.run_ok(&["start", "t", "--id", id, "--context", "{ \"n\": 1e400 }"]);
    }
    place.run_ok(&["pause", "b"]);
    place.run_ok(&["complete", "c", "done"]);
    place
}

fn file_store(place: &Place) -> String {
    format!("file:{}", place.folder.path().join("sessions").display())
}

#[test]
fn a_copy_is_identical_and_can_be_repeated() {
    let place = populated_place();
    let (from, to) = (place.url(), file_store(&place));
    let copied = place.run_ok(&["copy", &from, &to]);
    assert_eq!(
        copied,
        "3 sessions and 0 records copied, 0 unchanged, 0 differ"
    );
    let again = place.run_ok(&["copy", &from, &to]);
    assert_eq!(
        again,
        "0 sessions and 0 records copied, 3 unchanged, 0 differ"
    );
    assert_eq!(
        place.run_ok(&["list", "--store", &to]),
        place.run_ok(&["list", "--store", &from])
    );
}

#[test]
fn a_copy_into_the_same_store_is_refused_however_its_path_is_written() {
    let place = populated_place();
    let folder = place.folder.path();
    let store = folder.join("a.db");
    place.run_ok(&["start", "t", "--store", "sqlite:./a.db"]);
    let absolute = format!("sqlite:{}", store.display());
    let mut urls = vec!["sqlite:./a.db", "sqlite:a.db", "sqlite:.//a.db", &absolute];
    if cfg!(unix) {
        std::os::unix::fs::symlink(&store, folder.join("link.db")).unwrap();
        urls.push("sqlite:link.db");
    }
    for from in &urls {
        for to in &urls {
            let output = place.run(&["copy", from, to]);
            assert_eq!(output.code, 2, "{from} {to}");
            assert!(output.err.contains("other than FROM"), "{}", output.err);
        }
    }
    // A refused copy of a store that does not exist creates nothing.
    assert_eq!(place.run(&["copy", "sqlite:b.db", "sqlite:./b.db"]).code, 2);
    assert!(!folder.join("b.db").exists());
}

#[test]
fn a_copy_reports_differences_and_overwrites_them_on_request() {
    let place = populated_place();
    let (from, to) = (place.url(), file_store(&place));
    place.run_ok(&["copy", &from, &to]);
    place.run_ok(&["fail", "a", "here", "--store", &to]);
    let output = place.run(&["copy", &from, &to]);
    assert_eq!(output.code, 1);
    assert!(
        output.out.contains("session a: newer in the target"),
        "{}",
        output.out
    );
    let json = place.run(&["copy", &from, &to, "--json"]);
    assert!(json.out.contains(r#""differing":1"#), "{}", json.out);
    assert_eq!(place.run(&["copy", &from, &to, "--overwrite"]).code, 0);
    assert!(
        place
            .run_ok(&["show", "a", "--store", &to])
            .contains("active")
    );
    assert_eq!(place.run(&["copy", &from, &from]).code, 2);
}

#[test]
fn an_exported_session_is_imported_unchanged() {
    let place = populated_place();
    let other = Place::new();
    let text = place.run_ok(&["export", "b"]);
    let file = place.folder.path().join("b.json");
    let path = file.display().to_string();
    place.run_ok(&["export", "b", "-o", &path]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text.clone() + "\n");
    assert_eq!(other.run_with(&["import", "-"], &text).code, 0);
    assert_eq!(other.run_ok(&["export", "b"]), text);
    let third = Place::new();
    third.run_ok(&["import", &path]);
    assert_eq!(third.run_ok(&["export", "b"]), text);
}

#[test]
fn a_large_session_is_exported_in_parts_and_imported_unchanged() {
    let place = Place::with_large_session();
    let answer = place.store().perform("export", r#"{"id":"a"}"#, 0.0);
    let quoted = answer.strip_prefix(r#"{"ok":"#).unwrap();
    let quoted = quoted.strip_suffix('}').unwrap();
    let text: String = serde_json::from_str(quoted).unwrap();
    assert!(text.len() > 20_000_000);
    assert!(place.run_ok(&["export", "a"]) == text);
    assert!(place.run_ok(&["export", "a", "--json"]) == quoted);
    let path = place.folder.path().join("a.json").display().to_string();
    assert_eq!(place.run_ok(&["export", "a", "-o", &path, "--json"]), "");
    assert!(fs::read_to_string(&path).unwrap() == text.clone() + "\n");
    let other = Place::new();
    other.run_ok(&["import", &path]);
    assert!(other.run_ok(&["export", "a"]) == text);
    assert_eq!(place.run(&["export", "b", "-o", &path]).code, 1);
    assert!(fs::read_to_string(&path).unwrap() == text + "\n");
}

#[test]
fn a_file_with_a_session_in_each_line_is_imported() {
    let place = populated_place();
    let exported = ["a", "b"].map(|id| place.run_ok(&["export", id]));
    // As a download of the web UI is: lines, which may end in a carriage return.
    let lines = exported
        .clone()
        .map(|session| session.replace('\n', " "))
        .join("\r\n\n");
    let path = place.folder.path().join("sessions.jsonl");
    fs::write(&path, &lines).unwrap();
    let other = Place::with_empty_store();
    let imported = other.run_ok(&["import", &path.display().to_string()]);
    assert!(imported.starts_with("2 sessions imported"), "{imported}");
    assert_eq!(["a", "b"].map(|id| other.run_ok(&["export", id])), exported);

    fs::write(&path, lines + "\n{").unwrap();
    let failed = other.run(&["import", &path.display().to_string()]);
    assert_eq!(failed.code, 2);
    assert!(
        failed.err.contains("sessions.jsonl, line 4: "),
        "{failed:?}"
    );
}

#[test]
fn a_folder_without_files_to_import_is_refused_unless_it_is_empty() {
    let place = populated_place();
    let folder = place.folder.path().join("exported");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.display().to_string();
    assert!(place.run_ok(&["import", &path]).starts_with("0 sessions"));
    fs::write(folder.join("a.json"), place.run_ok(&["export", "a"])).unwrap();
    let refused = place.run(&["import", &path]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("/exported/*.json"), "{refused:?}");
}

#[test]
fn a_folder_of_another_program_is_imported_and_unreadable_files_are_reported() {
    let place = populated_place();
    let folder = place.folder.path().join("left");
    for id in ["a", "b"] {
        let session = place.run_ok(&["export", id]);
        fs::create_dir_all(folder.join(id)).unwrap();
        fs::write(folder.join(id).join("session.json"), session).unwrap();
    }
    fs::create_dir_all(folder.join("broken")).unwrap();
    fs::write(folder.join("broken/session.json"), "{").unwrap();
    fs::write(folder.join("notes.txt"), "no session").unwrap();
    let path = folder.display().to_string();

    let other = Place::with_empty_store();
    let planned = other.run(&["import", &path, "--dry-run"]);
    assert!(
        planned.out.contains("2 sessions would be imported"),
        "{}",
        planned.out
    );
    assert_eq!(other.run_ok(&["list"]), "");
    let output = other.run(&["import", &path]);
    assert_eq!(output.code, 1);
    assert!(output.out.contains("2 sessions imported"), "{}", output.out);
    assert!(output.err.contains("broken"), "{}", output.err);
    let again = other.run(&["import", &path, "--json"]).out;
    assert!(
        again.contains(r#""sessions":{"written":0,"unchanged":2,"newer":0}"#),
        "{again}"
    );
    assert_eq!(
        other.run_ok(&["export", "b"]),
        place.run_ok(&["export", "b"])
    );
}

#[test]
fn a_check_reports_unreadable_sessions_which_can_be_removed() {
    let place = populated_place();
    let store = file_store(&place);
    place.run_ok(&["copy", &place.url(), &store]);
    assert_eq!(
        place.run_ok(&["check", "--store", &store]),
        "3 sessions and 0 records read, no problems"
    );
    let broken = place.folder.path().join("sessions/b/session.json");
    fs::write(&broken, "{").unwrap();
    let output = place.run(&["check", "--store", &store]);
    assert_eq!(output.code, 1);
    assert!(output.out.starts_with("b  "), "{}", output.out);
    assert!(output.out.ends_with("1 problem\n"), "{}", output.out);
    let listed = place.run(&["list", "--store", &store]);
    assert_eq!(listed.code, 0, "the other sessions are listed");
    assert!(listed.err.contains("b"), "{}", listed.err);
    place.run_ok(&["rm", "--permanent", "b", "--store", &store]);
    place.run_ok(&["check", "--store", &store]);
}

#[test]
fn a_check_finds_wrong_counts_and_repairs_them() {
    let place = populated_place();
    let database = place.folder.path().join("tenure.db");
    let damage = "UPDATE counts SET sessions = sessions + 1";
    let damaged = rusqlite::Connection::open(&database).unwrap();
    damaged.execute_batch(damage).unwrap();
    drop(damaged);
    let total = || {
        let stats = place.run_ok(&["stats", "--json"]);
        stats.split(',').next().unwrap().to_owned()
    };
    assert_ne!(total(), r#"{"total":3"#);
    let output = place.run(&["check"]);
    assert_eq!(output.code, 1);
    assert!(output.out.starts_with("statistics  "), "{}", output.out);
    let mode = output.out.split_once("the counts").unwrap().1;
    let line = format!(
        "repaired  statistics  the counts{}",
        mode.lines().next().unwrap()
    );
    let repaired = place.run_ok(&["check", "--repair"]);
    assert!(repaired.starts_with(&line), "{repaired}");
    assert!(repaired.ends_with("1 problem repaired"), "{repaired}");
    assert_eq!(total(), r#"{"total":3"#);
    assert_eq!(
        place.run_ok(&["check", "--repair"]),
        "3 sessions and 0 records read, no problems"
    );
}

#[test]
fn a_check_that_cannot_read_everything_says_so_whatever_counts_are_wrong() {
    let place = populated_place();
    let database = place.folder.path().join("tenure.db");
    let damaged = rusqlite::Connection::open(&database).unwrap();
    let damage = "UPDATE counts SET sessions = sessions + 1; DROP TABLE records";
    damaged.execute_batch(damage).unwrap();
    drop(damaged);
    let output = place.run(&["check"]);
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.err.contains("records"), "{}", output.err);
}

#[test]
fn a_check_names_the_lost_pages_of_a_file_and_what_to_do() {
    let place = populated_place();
    let database = place.folder.path().join("tenure.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    let whole = std::fs::read(&database).unwrap();
    let mut found = 0;
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0);
        std::fs::write(&database, damaged).unwrap();
        let output = place.run(&["check"]);
        match output.code {
            // A page that is not used.
            0 => assert!(output.out.starts_with("3 sessions"), "{}", output.out),
            // Also of the schema, which is needed to open the file.
            code => {
                assert_eq!(code, 1, "page {page}: {output:?}");
                assert!(output.out.starts_with("file  "), "{}", output.out);
                assert!(output.out.contains("restore the file"), "{}", output.out);
                assert!(!output.err.contains("tenure check"), "{}", output.err);
                found += 1;
            }
        }
    }
    assert!(found > 5, "{found}");
    let mut damaged = whole;
    damaged[100..3000].fill(b'x');
    std::fs::write(&database, damaged).unwrap();
    let output = place.run(&["check", "--store", "sqlite:./tenure.db"]);
    assert_eq!(output.code, 1, "{output:?}");
    let start = format!("file  {}: ", database.display());
    assert!(output.out.starts_with(&start), "{}", output.out);
}

#[test]
fn a_damaged_index_of_tasks_is_found_and_replaced() {
    let place = Place::new();
    place.run_ok(&["start", "Fix the build"]);
    let database = place.folder.path().join("tenure.db");
    let options = tenure_sqlite::SqliteOptions {
        text_index: Some(true),
        ..tenure_sqlite::SqliteOptions::default()
    };
    tenure_sqlite::SqliteStore::open(&database, options)
        .unwrap()
        .close();
    assert_eq!(
        place.run_ok(&["check"]),
        "1 session and 0 records read, no problems"
    );
    let damaged = rusqlite::Connection::open(&database).unwrap();
    damaged.execute_batch("DELETE FROM texts_data").unwrap();
    drop(damaged);
    let output = place.run(&["check"]);
    assert_eq!(output.code, 1);
    assert!(output.out.starts_with("texts  "), "{}", output.out);
    let repaired = place.run_ok(&["check", "--repair", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&repaired).unwrap();
    assert_eq!(report["repaired"][0]["id"], "texts", "{repaired}");
    assert_eq!(report["problems"], serde_json::json!([]), "{repaired}");
    assert_eq!(
        place.run_ok(&["check"]),
        "1 session and 0 records read, no problems"
    );
}

#[test]
fn a_check_finds_a_damaged_log_of_a_file_store() {
    let place = Place::new();
    let folder = place.folder.path().join("sessions");
    let store = format!("file:{}", folder.display());
    place.run_ok(&["start", "t", "--id", "a", "--store", &store]);
    let log = folder.join(".tenure/changes/newest.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace("created", "creat")).unwrap();
    let output = place.run(&["check", "--store", &store]);
    assert_eq!(output.code, 1);
    assert!(output.out.contains("newest.jsonl"), "{}", output.out);
    let repaired = place.run_ok(&["check", "--repair", "--store", &store]);
    assert!(repaired.ends_with("1 problem repaired"), "{repaired}");
    place.run_ok(&["check", "--store", &store]);
}

#[cfg(unix)]
#[test]
fn a_check_finds_a_damaged_change_and_lets_a_watch_go_on() {
    let place = populated_place();
    let database = place.folder.path().join("tenure.db");
    let damage = "UPDATE changes SET kind = 'x' WHERE position = 2";
    let damaged = rusqlite::Connection::open(&database).unwrap();
    damaged.execute_batch(damage).unwrap();
    drop(damaged);
    let refusal = |from: &str| {
        let output = place.run(&["watch", "-n", "2", "--from", from]);
        assert_ne!(output.code, 0);
        assert!(output.err.contains("are not kept"), "{}", output.err);
        output.out
    };
    // What is before it is shown first.
    assert_eq!(refusal("0").lines().count(), 1);
    assert_eq!(refusal("1"), "");
    let output = place.run(&["check"]);
    assert_eq!(output.code, 1);
    assert!(
        output.out.starts_with("feed  the change at position 2"),
        "{}",
        output.out
    );
    let repaired = place.run_ok(&["check", "--repair"]);
    assert!(repaired.ends_with("1 problem repaired"), "{repaired}");
    assert_eq!(
        place.run_ok(&["check"]),
        "3 sessions and 0 records read, no problems"
    );
    assert_eq!(refusal("0"), "");
    assert!(
        place
            .run_ok(&["watch", "-n", "1", "--from", "2"])
            .starts_with("3\t")
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_copy_can_be_repeated() {
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};

    let place = Place::new();
    let store = place.store();
    for number in 0..300 {
        let start = format!(r#"{{"id":"s{number}","task":"t","mode":"m"}}"#);
        store.perform("start", &start, 0.0);
    }
    let (from, to) = (place.url(), file_store(&place));
    for millis in [1, 4, 16, 64] {
        let child = place.command(&["copy", &from, &to]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let _ = kill_process(Pid::from_child(&child), Signal::INT);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(130) => assert!(said.contains("run the same command to continue"), "{said}"),
            // The copy was faster, or the signal arrived before it listened.
            Some(0) | None => assert_eq!(said, ""),
            Some(code) => panic!("{code}: {said}"),
        }
    }
    let copied = place.run_ok(&["copy", &from, &to]);
    assert!(copied.ends_with(" 0 differ"), "{copied}");
    assert_eq!(
        place.run_ok(&["list", "--store", &to]),
        place.run_ok(&["list", "--store", &from])
    );
}

/// Reading a FIFO waits for a writer, and `/dev/zero` has no end.
#[cfg(unix)]
#[test]
fn only_regular_files_of_a_limited_size_are_read() {
    use std::fs::File;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let place = Place::new();
    let fifo = place.folder.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    for path in [fifo.to_str().unwrap(), "/dev/zero"] {
        let argument = format!("@{path}");
        for args in [
            &["import", path][..],
            &["start", "t", "--context", &argument],
        ] {
            let output = place.run(args);
            assert_eq!(output.code, 2, "{args:?}: {output:?}");
            assert!(output.err.contains("not a regular file"), "{output:?}");
        }
    }
    let imported = place.folder.path().join("imported/one");
    std::fs::create_dir_all(&imported).unwrap();
    let session = imported.join("session.json");
    mknodat(CWD, &session, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let folder = imported.parent().unwrap().to_str().unwrap();
    let output = place.run(&["import", folder]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.err.contains("not a regular file"), "{output:?}");
    for suffix in ["-journal", "-wal", "-shm"] {
        let beside = place.folder.path().join(format!("beside.db{suffix}"));
        mknodat(CWD, &beside, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let url = format!("sqlite:{}/beside.db", place.folder.path().display());
        let output = place.run(&["start", "t", "--store", &url]);
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.err.contains("not a regular file"), "{output:?}");
        std::fs::remove_file(beside).unwrap();
    }
    let mut endless = place.command(&["start", "t", "--context", "-"]);
    endless.stdin(File::open("/dev/zero").unwrap());
    let output = crate::common::output_of(endless);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        output.err.contains("larger than 67108864 bytes"),
        "{output:?}"
    );
}
