//! Encrypted stores: nothing of a session is readable in their files, and every command says which key is missing. Under 3 s.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::common::{Place, bare, output_of};
use crate::webhooks::receiver;

/// A word in all texts of the session.
const SECRET: &str = "xyzzyplugh";

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// The files of a folder that contain a text, byte by byte.
fn containing(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut files = files(folder);
    files.retain(|path| {
        let bytes = fs::read(path).unwrap();
        let mut parts = bytes.windows(text.len());
        parts.any(|part| part == text.as_bytes())
    });
    files
}

/// A place with keys, and an encrypted store.
struct Encrypted {
    place: Place,
    store: String,
}

impl Encrypted {
    fn new(scheme: &str) -> Self {
        let place = Place::new();
        let key = |name: &str, byte: &str| {
            fs::write(place.folder.path().join(name), byte.repeat(32) + "\n").unwrap();
        };
        key("old", "01");
        key("new", "02");
        fs::create_dir(place.folder.path().join("data")).unwrap();
        let path = place.folder.path().join("data/store").display().to_string();
        let store = format!("{scheme}:{path}");
        Self { place, store }
    }

    fn data(&self) -> PathBuf {
        self.place.folder.path().join("data")
    }

    /// Runs a command with keys, which must succeed.
    fn run(&self, keys: &str, args: &[&str]) -> String {
        let given = ["--store", &self.store, "--encryption-key", keys];
        self.place.run_ok(&[args, &given].concat())
    }

    /// The exit code and the message of a command that fails.
    fn refused(&self, keys: &str, args: &[&str]) -> (i32, String) {
        let mut command = self.place.command(args);
        command.env("TENURE_STORE", &self.store);
        command.env("TENURE_ENCRYPTION_KEY", keys);
        let output = output_of(command);
        (output.code, output.out + &output.err)
    }
}

/// A session whose texts all contain the word.
fn work(store: &Encrypted, keys: &str) {
    let run = |args: &[&str]| store.run(keys, args);
    let data = format!(r#"{{"note":"{SECRET}"}}"#);
    // Nothing listens there, so what is posted waits in the store.
    let headers = format!(r#"{{"x-secret":"{SECRET}"}}"#);
    let url = format!("http://127.0.0.1:9/{SECRET}");
    run(&["webhooks", "add", &url, "--id", "w", "--headers", &headers]);
    run(&["start", SECRET, "--mode", "m", "--id", "a"]);
    run(&["event", "add", "a", "note", &data]);
    run(&["context", "set", "a", &format!("branch={SECRET}")]);
    run(&["tool", "a", "read", "--args", &data, "--result", &data]);
    run(&["pause", "a", "--reason", SECRET]);
    run(&["resume", "a"]);
    run(&["complete", "a", SECRET]);
    run(&["start", SECRET, "--mode", "m", "--id", "b"]);
    run(&["fail", "b", SECRET]);
}

#[test]
fn nothing_of_a_session_is_readable_in_a_store_and_its_backup() {
    for scheme in ["sqlite", "file"] {
        let store = Encrypted::new(scheme);
        let key = "old=file:old";
        work(&store, key);
        let backup = store.data().join("backup").display().to_string();
        store.run(key, &["backup", &backup]);
        assert_eq!(containing(&store.data(), SECRET), Vec::<PathBuf>::new());
        assert!(!containing(&store.data(), "tenure1").is_empty());
        let shown = store.run(key, &["export", "a"]);
        assert!(shown.matches(SECRET).count() >= 5, "{shown}");
        let found = store.run(key, &["list", "--text", "XYZZY", "--json"]);
        assert!(found.contains(r#""id":"a""#) && found.contains(r#""id":"b""#));
        store.run(key, &["check"]);
        // The backup is encrypted with the same key.
        let copy = format!("{scheme}:{backup}");
        let args = ["show", "a", "--store", &copy, "--encryption-key", key];
        assert!(store.place.run_ok(&args).contains(SECRET));
        let args = ["show", "a", "--store", &copy];
        assert_eq!(store.place.run(&args).code, 3);
    }
}

#[test]
fn every_command_says_which_key_is_missing() {
    let store = Encrypted::new("sqlite");
    work(&store, "old=file:old");
    let key = "01".repeat(32);
    for (keys, code, message) in [
        ("", 3, "it is encrypted with the key \"old\"; give that"),
        (
            "new=file:new",
            3,
            "it is encrypted with the key \"old\", which was not given",
        ),
        (
            "old=file:new",
            3,
            "is not the key \"old\" that it is encrypted with",
        ),
        (
            "old=file:nowhere",
            3,
            "the encryption key \"old\" cannot be read from nowhere",
        ),
        (
            "old=env:NOWHERE",
            3,
            "is not in the environment variable NOWHERE",
        ),
        ("old=command:false", 3, "cannot be had from false"),
        ("old=command:", 3, "has an empty command"),
        (
            "old=command:echo short",
            3,
            "is no key: expected 32 random bytes",
        ),
        ("o d=file:old", 2, "expected the id of a key"),
        ("old=file:old,old=file:new", 2, "each with an id of its own"),
        (&key, 2, "expected ID=file:PATH"),
        (&format!("old={key}"), 2, "expected ID=file:PATH"),
        (&format!("old=hex:{key}"), 2, "expected ID=file:PATH"),
    ] {
        for command in [&["list"][..], &["start", "t", "--mode", "m"], &["check"]] {
            let (found, shown) = store.refused(keys, command);
            assert_eq!(found, code, "{keys}: {shown}");
            assert!(shown.contains(message), "{keys}: {shown}");
            assert!(!shown.contains(&key), "{shown}");
        }
    }
    let list = store.refused("old=command:cat old", &["list"]);
    assert_eq!(list.0, 0, "{}", list.1);
}

#[test]
fn a_key_is_rotated_while_the_store_is_used() {
    for scheme in ["sqlite", "file"] {
        let store = Encrypted::new(scheme);
        work(&store, "old=file:old");
        let exported = store.run("old=file:old", &["export", "a"]);
        let both = "new=file:new,old=file:old";
        let rotated = store.run(both, &["rotate-key"]);
        assert!(
            rotated.contains("the store no longer needs the key old"),
            "{rotated}"
        );
        assert_eq!(store.run("new=file:new", &["export", "a"]), exported);
        let again = store.run("new=file:new", &["rotate-key", "--json"]);
        assert!(again.contains(r#""rewritten":0"#), "{again}");
        let (code, shown) = store.refused("old=file:old", &["list"]);
        assert_eq!((code, shown.contains("\"new\"")), (3, true), "{shown}");
        assert_eq!(containing(&store.data(), SECRET), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_plain_store_is_encrypted_by_a_rotation() {
    let store = Encrypted::new("file");
    store.place.run_ok(&[
        "start",
        SECRET,
        "--mode",
        "m",
        "--id",
        "a",
        "--store",
        &store.store,
    ]);
    // It is read as it is until then.
    assert!(store.run("k=file:old", &["show", "a"]).contains(SECRET));
    store.run("k=file:old", &["rotate-key"]);
    assert_eq!(containing(&store.data(), SECRET), Vec::<PathBuf>::new());
    assert!(store.run("k=file:old", &["show", "a"]).contains(SECRET));
}

#[test]
fn a_copy_with_a_key_is_encrypted() {
    let store = Encrypted::new("sqlite");
    let plain = store.place.url();
    store.place.run_ok(&[
        "start", SECRET, "--mode", "m", "--id", "a", "--store", &plain,
    ]);
    let mut command = bare(store.place.folder.path(), &["copy", &plain, &store.store]);
    command.env("TENURE_ENCRYPTION_KEY", "k=file:old");
    let output = output_of(command);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(containing(&store.data(), SECRET), Vec::<PathBuf>::new());
    assert!(store.run("k=file:old", &["show", "a"]).contains(SECRET));
}

#[test]
fn stores_without_user_data_take_no_key() {
    let store = Encrypted::new("sqlite");
    let mut command = store
        .place
        .command(&["lease", "acquire", "k", "--holder", "x"]);
    command.env("TENURE_ENCRYPTION_KEY", "k=file:nowhere");
    let output = output_of(command);
    assert_eq!(output.code, 0, "{output:?}");
    let args = [
        "lease",
        "list",
        "--encryption-key",
        "k=file:old",
        "--store",
        "registry:",
    ];
    let output = store.place.run(&args);
    assert_eq!(output.code, 2);
    assert!(
        output.err.contains("this store has no such option"),
        "{output:?}"
    );
    let args = ["rotate-key", "--store", &store.place.url()];
    assert_eq!(store.place.run(&args).code, 2);
}

/// What waits for webhooks and does not decrypt, or says nothing, is named, and stops no other.
#[test]
fn damaged_records_are_named() {
    let store = Encrypted::new("sqlite");
    let keys = "old=file:old";
    let (url, count) = receiver(&[]);
    store.run(keys, &["webhooks", "add", &url, "--id", "w"]);
    for id in ["a", "b", "c"] {
        store.run(keys, &["start", SECRET, "--mode", "m", "--id", id]);
    }
    let path = store.data().join("store");
    let damage = |statement: &str| {
        let changed = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(changed.execute(statement, []).unwrap(), 1, "{statement}");
    };
    damage(
        "UPDATE records SET body = (SELECT body FROM records WHERE kind = 'webhookDelivery' AND key LIKE 'w/b/%') \
         WHERE kind = 'webhookDelivery' AND key LIKE 'w/a/%'",
    );
    damage("UPDATE records SET body = '{}' WHERE kind = 'webhookDelivery' AND key LIKE 'w/c/%'");
    for command in [&["check"][..], &["rotate-key"]] {
        let (code, shown) = store.refused("new=file:new,old=file:old", command);
        assert_eq!(code, 1, "{shown}");
        for id in ["a", "c"] {
            assert!(
                shown.contains(&format!("webhookDelivery w/{id}/")),
                "{shown}"
            );
        }
        assert!(!shown.contains("no longer needs"), "{shown}");
    }
    let keys = "new=file:new,old=file:old";
    let delivered = store.run(keys, &["webhooks", "deliver", "--allow-private"]);
    assert_eq!(delivered, "1 delivered, 0 to be repeated, 0 failed");
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let failed = store.run(keys, &["webhooks", "failed"]);
    assert_eq!(
        failed.matches("its record is damaged").count(),
        2,
        "{failed}"
    );
    let rotated = store.run(keys, &["rotate-key"]);
    assert!(rotated.contains("no longer needs the key old"), "{rotated}");
}
