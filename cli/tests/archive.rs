//! `tenure archive`: what `purge` has archived in a folder or a bucket is listed, read, restored to the byte, verified and removed. Under 6 s.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tenure_core::Timestamp;

use crate::common::{CommandOutput, Place, output_of};

const SECRET: &str = "xyzzyplugh";

/// A place with sessions in the trash, and the exports of these.
fn trashed(count: usize) -> (Place, Vec<String>) {
    let place = Place::new();
    let mut exports = Vec::new();
    for number in 0..count {
        let id = format!("S{number}");
        place.run_ok(&["start", SECRET, "--mode", "m", "--id", &id, "--user", "ann"]);
        place.run_ok(&["event", "add", &id, "note", r#"{"a":[1e400,"é"]}"#]);
        place.run_ok(&["trash", &id]);
        exports.push(place.run_ok(&["export", &id]));
    }
    (place, exports)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// A command with an archive, and the variables with which it finds the servers of object storage.
fn command(place: &Place, archive: &str, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.env("TENURE_ARCHIVE", archive);
    let is_of_service = |name: &str| {
        let prefixes = ["AWS_", "AZURE_", "AZURITE_", "GCE_", "GOOGLE_"];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    command.envs(env::vars().filter(|(name, _)| is_of_service(name)));
    command
}

fn run(place: &Place, archive: &str, args: &[&str]) -> CommandOutput {
    output_of(command(place, archive, args))
}

fn run_ok(place: &Place, archive: &str, args: &[&str]) -> String {
    let output = run(place, archive, args);
    assert_eq!(output.code, 0, "{args:?}: {output:?}");
    output.out.trim_end().to_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The archives of a place: a folder, and the buckets that can be had.
fn archives(place: &Place) -> Vec<String> {
    let buckets = env::var("TENURE_TEST_BUCKETS").expect(
        "TENURE_TEST_BUCKETS is not set; run `node scripts/buckets.mjs cargo test -p tenure-cli`",
    );
    let folder = place.folder.path().join("archive");
    let name = place.folder.path().file_name().unwrap().to_string_lossy();
    let in_bucket = |bucket: &str| {
        let (scheme, _) = bucket.split_once(':').unwrap();
        format!("{bucket}/{name}-{scheme}")
    };
    let mut archives = vec![format!("file:{}", folder.display())];
    archives.extend(buckets.split_ascii_whitespace().map(in_bucket));
    archives
}

#[test]
fn a_purged_session_is_listed_read_and_restored_to_the_byte() {
    let (place, exports) = trashed(3);
    for archive in archives(&place) {
        let purge = [
            "purge",
            "--older-than",
            "0s",
            "--archive",
            &archive,
            "--compress",
        ];
        let purged = run(&place, &archive, &purge);
        assert_eq!(purged.code, 0, "{purged:?}");
        assert_eq!(place.run_ok(&["list", "--trash", "include"]), "");
        let listed = json(&run_ok(&place, &archive, &["archive", "list", "--json"]));
        let items = listed["items"].as_array().unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0]["about"]["userId"], "ann");
        assert_eq!(items[0]["compression"], "gzip");
        assert_eq!(
            run_ok(&place, &archive, &["archive", "list"])
                .lines()
                .count(),
            3
        );
        let verified = run_ok(&place, &archive, &["archive", "verify", "--json"]);
        assert_eq!(json(&verified)["sessions"], 3);
        for (number, export) in exports.iter().enumerate() {
            let id = format!("S{number}");
            assert_eq!(&run_ok(&place, &archive, &["archive", "get", &id]), export);
            run_ok(&place, &archive, &["archive", "restore", &id]);
            assert_eq!(&place.run_ok(&["export", &id]), export);
        }
        let again = run(&place, &archive, &["archive", "restore", "S0"]);
        assert_eq!(again.code, 1, "{again:?}");
        run_ok(&place, &archive, &["archive", "restore", "S0", "--replace"]);
        // A changed session is another version, beside the first.
        place.run_ok(&["restore", "S0"]);
        place.run_ok(&["event", "add", "S0", "note", "{}"]);
        place.run_ok(&["trash", "S0"]);
        let changed = place.run_ok(&["export", "S0"]);
        let purge = ["purge", "S0", "--archive", &archive];
        assert_eq!(run(&place, &archive, &purge).code, 0);
        assert_eq!(run_ok(&place, &archive, &["archive", "get", "S0"]), changed);
        let version = items.iter().find(|item| item["id"] == "S0").unwrap()["version"].to_string();
        let first = ["archive", "get", "S0", "--version", &version];
        assert_eq!(run_ok(&place, &archive, &first), exports[0]);
        assert_eq!(run(&place, &archive, &["archive", "get", "nobody"]).code, 1);
        // What is old is removed.
        let thin = ["archive", "thin", "--older-than", "365d", "--json"];
        assert_eq!(json(&run_ok(&place, &archive, &thin))["sessions"], 0);
        // The clock of the service counts, too, which says seconds.
        let ahead = [&thin[..], &["--now", "9000-01-01T00:00:00Z"]].concat();
        let refused = run(&place, &archive, &ahead);
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.out.contains("nothing was removed"), "{refused:?}");
        thread::sleep(Duration::from_millis(2500));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::from_millis(now.as_millis() as i64)
            .unwrap()
            .to_string();
        let thin = [
            "archive",
            "thin",
            "--older-than",
            "1s",
            "--json",
            "--now",
            &now,
        ];
        assert_eq!(json(&run_ok(&place, &archive, &thin))["sessions"], 4);
        assert_eq!(run_ok(&place, &archive, &["archive", "list"]), "");
        place.run_ok(&["rm", "--permanent", "S1", "S2"]);
        for export in &exports {
            let imported = place.run_with(&["import", "-"], export);
            assert_eq!(imported.code, 0, "{imported:?}");
        }
    }
}

#[test]
fn an_archive_is_encrypted_with_the_keys_of_the_command() {
    let (place, exports) = trashed(1);
    let folder = place.folder.path().join("archive");
    let archive = format!("file:{}", folder.display());
    fs::write(place.folder.path().join("key"), "01".repeat(32)).unwrap();
    let key = ["--encryption-key", "k=file:key"];
    let purge = ["purge", "S0", "--archive", &archive];
    assert_eq!(run(&place, &archive, &[&purge[..], &key].concat()).code, 0);
    for path in files(&folder) {
        let bytes = fs::read(&path).unwrap();
        let is_readable = bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes());
        assert!(!is_readable, "{}", path.display());
    }
    let get = ["archive", "get", "S0"];
    let refused = run(&place, &archive, &get);
    assert_eq!(
        (refused.code, refused.err.contains("no key was given")),
        (3, true)
    );
    assert_eq!(
        run_ok(&place, &archive, &[&get[..], &key].concat()),
        exports[0]
    );
}

#[test]
fn damage_is_found_and_a_session_that_cannot_be_archived_stays() {
    let (place, _) = trashed(2);
    let folder = place.folder.path().join("archive");
    let archive = format!("file:{}", folder.display());
    assert_eq!(
        run(&place, &archive, &["purge", "S0", "--archive", &archive]).code,
        0
    );
    let object = files(&folder.join("sessions")).remove(0);
    fs::write(&object, "{}").unwrap();
    let verified = run(&place, &archive, &["archive", "verify"]);
    assert_eq!(verified.code, 1);
    assert!(
        verified.out.contains("is not what was archived"),
        "{verified:?}"
    );
    let get = run(&place, &archive, &["archive", "get", "S0"]);
    assert_eq!(get.code, 3);
    assert!(get.err.starts_with("tenure: sessions/_s0/"), "{get:?}");
    let get = run(&place, &archive, &["archive", "get", "S0", "--json"]);
    assert!(get.out.contains(r#""code":"ARCHIVE_DAMAGED""#), "{get:?}");
    // A file in the place of the folder of the sessions.
    fs::remove_dir_all(folder.join("sessions")).unwrap();
    fs::write(folder.join("sessions"), "").unwrap();
    let purged = run(&place, &archive, &["purge", "S1", "--archive", &archive]);
    assert_eq!((purged.code, &*purged.out), (3, ""), "{purged:?}");
    assert!(purged.err.contains("S1 was not removed"), "{purged:?}");
    assert_eq!(
        place.run_ok(&["list", "--trash", "only"]).lines().count(),
        1
    );
}
