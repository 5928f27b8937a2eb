//! A checkout provides the address of its remote, and is not changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tenure_core::store::Expect;
use tenure_git::{GitOptions, GitStore};
use tenure_store_support::{given_path, process_of, succeed};

use crate::common::{Remote, apply, block_on, git, read, record, set};

fn checkout(remote: &Remote) -> PathBuf {
    let path = remote.folder.path().join("checkout");
    git(remote.folder.path(), &["init", "--quiet", "checkout"]);
    // Git resolves the path against the top folder of the checkout.
    git(&path, &["remote", "add", "origin", "../remote.git"]);
    std::fs::create_dir(path.join("deep")).unwrap();
    path
}

fn open(folder: &Path, place: &str) -> tenure_core::Result<GitStore> {
    let options = GitOptions {
        folder: Some(folder.to_owned()),
        ..GitOptions::default()
    };
    block_on(GitStore::open(place, &options))
}

fn write_and_read(store: &GitStore) {
    apply(
        store,
        vec![set(Expect::Any, record("lease", "k", 1, "body"))],
    );
    assert_eq!(read(store, "lease", "k").unwrap().unwrap().body, "body");
}

/// Every file in a folder, with its content.
fn files(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => _ = found.insert(path.clone(), std::fs::read(&path).unwrap()),
        }
    }
}

#[test]
fn nothing_is_written_into_a_checkout() {
    let remote = Remote::new();
    let checkout = checkout(&remote);
    let all = || {
        let mut found = BTreeMap::new();
        files(&checkout, &mut found);
        found
    };
    let before = all();
    write_and_read(&open(&checkout, "origin").unwrap());
    write_and_read(&open(&checkout.join("deep"), "origin").unwrap());
    assert_eq!(all(), before);
    assert_eq!(remote.refs().len(), 1);
}

#[test]
fn a_path_is_relative_to_the_folder_of_the_caller() {
    let remote = Remote::new();
    let checkout = checkout(&remote);
    write_and_read(&open(&checkout.join("deep"), "../../remote.git").unwrap());
    write_and_read(&open(remote.folder.path(), "./remote.git").unwrap());
    write_and_read(&open(&remote.path(), ".").unwrap());
}

#[test]
fn the_address_for_pushes_is_read_from() {
    let remote = Remote::new();
    let checkout = checkout(&remote);
    git(&checkout, &["remote", "set-url", "origin", "/nowhere"]);
    git(
        &checkout,
        &["remote", "set-url", "--push", "origin", "../remote.git"],
    );
    write_and_read(&open(&checkout, "origin").unwrap());
    // Addresses that the checkout rewrites are rewritten here, too.
    let base = format!("url.{}/.insteadOf", remote.folder.path().display());
    git(&checkout, &["config", &base, "short:"]);
    write_and_read(&open(&checkout, "short:remote.git").unwrap());
}

#[test]
fn an_unknown_remote_is_unavailable() {
    let remote = Remote::new();
    let checkout = checkout(&remote);
    for folder in [&checkout, remote.folder.path()] {
        let error = open(folder, "upstream").unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(error.to_string().contains("\"upstream\""), "{error}");
    }
    let error = open(&checkout, "").unwrap_err();
    assert_eq!(error.code(), "UNSUPPORTED_STORE");
}

#[test]
fn no_address_is_interpreted_as_an_option_or_a_command() {
    let remote = Remote::new();
    let trace = remote.folder.path().join("trace");
    let touch = format!("touch {}", trace.display());
    for place in [
        format!("--upload-pack={touch};/x"),
        format!("ext::sh -c '{touch}'"),
        format!("./a;{touch}"),
        format!("$({touch})/x"),
        "x\ny/z".to_owned(),
    ] {
        let store = open(remote.folder.path(), &place).unwrap();
        let error = read(&store, "lease", "k").unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE", "{place}");
        assert!(!trace.exists(), "{place}");
    }
}

#[test]
fn a_git_hook_can_use_the_store() {
    let remote = Remote::new();
    let checkout = checkout(&remote);
    let folder = remote.folder.path().join("temporary");
    std::fs::create_dir(&folder).unwrap();
    let mut command = std::process::Command::new("env");
    command
        .current_dir(&checkout)
        .env("TMPDIR", &folder)
        // Git sets these variables for its hooks.
        .env("GIT_DIR", checkout.join(".git"))
        .env("GIT_INDEX_FILE", checkout.join(".git/index"))
        .env("GIT_QUARANTINE_PATH", checkout.join(".git/objects"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "remote.second.url")
        .env("GIT_CONFIG_VALUE_0", remote.path());
    succeed(process_of(
        command,
        "checkouts::writes_where_it_is",
        &checkout,
    ));
    assert_eq!(remote.refs().len(), 1);
    assert_eq!(git(&checkout, &["for-each-ref"]), "");
    // The temporary folders are removed.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
#[ignore = "a process of another test"]
fn writes_where_it_is() {
    assert!(given_path().is_dir());
    write_and_read(&crate::common::open("origin"));
}
