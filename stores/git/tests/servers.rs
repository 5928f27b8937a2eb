//! Repositories on servers: credentials, unreachable servers, and broken connections.

use std::path::Path;

use tenure_core::store::Expect;
use tenure_core::{Commit, Error, Store};
use tenure_git::{GitOptions, GitStore};
use tenure_store_support::{given_path, process_of, succeed};

use crate::common::http::{Pushes, Server};
use crate::common::{Remote, apply, block_on, commit, git, open, read, record, scan, set, unset};

const HEADER: &str = "basic c29tZWJvZHk6c2VjcmV0";

/// A remote behind a server, and a checkout of it with the password, like that of a CI job.
fn served_remote() -> (Remote, Server, tempfile::TempDir) {
    let remote = Remote::new();
    let server = Server::new(remote.folder.path(), Some(HEADER));
    let checkout = tempfile::tempdir().unwrap();
    let url = format!("{}/remote.git", server.address);
    git(checkout.path(), &["init", "--quiet"]);
    git(checkout.path(), &["remote", "add", "origin", &url]);
    let key = format!("http.{}/.extraheader", server.address);
    let value = format!("AUTHORIZATION: {HEADER}");
    git(checkout.path(), &["config", &key, &value]);
    (remote, server, checkout)
}

fn open_in(folder: &Path, place: &str, timeout_ms: u64) -> GitStore {
    let options = GitOptions {
        timeout_ms,
        folder: Some(folder.to_owned()),
    };
    block_on(GitStore::open(place, &options)).unwrap()
}

fn a_lease() -> tenure_core::store::RecordChange {
    set(Expect::Absent, record("lease", "k", 1, "{}"))
}

fn unavailable(error: &Error, words: &str) {
    assert_eq!(error.code(), "STORE_UNAVAILABLE", "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_server_is_reached_with_the_settings_of_a_checkout() {
    let (remote, server, checkout) = served_remote();
    let url = format!("{}/remote.git", server.address);
    for place in ["origin", &url] {
        let store = open_in(checkout.path(), place, 60_000);
        apply(&store, vec![a_lease()]);
        assert_eq!(read(&store, "lease", "k").unwrap().unwrap().body, "{}");
        assert_eq!(scan(&store, "lease").len(), 1);
        apply(
            &store,
            vec![unset(Expect::Version { version: 1 }, "lease", "k")],
        );
        assert_eq!(remote.refs().len(), 0);
    }
    // Without a password the call fails, and does not ask for one.
    let elsewhere = tempfile::tempdir().unwrap();
    let store = open_in(elsewhere.path(), &url, 60_000);
    unavailable(
        &read(&store, "lease", "k").unwrap_err(),
        "could not read Username",
    );
}

#[test]
fn settings_of_the_environment_override_those_of_a_checkout() {
    let (remote, server, checkout) = served_remote();
    let key = format!("http.{}/.extraheader", server.address);
    // A second header is refused, as by common hosts; an empty value removes the earlier ones.
    git(
        checkout.path(),
        &["config", &key, "AUTHORIZATION: basic bm9ib2R5"],
    );
    let mut command = std::process::Command::new("env");
    command
        .current_dir(checkout.path())
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", &key)
        .env("GIT_CONFIG_VALUE_0", "")
        .env("GIT_CONFIG_KEY_1", &key)
        .env("GIT_CONFIG_VALUE_1", format!("AUTHORIZATION: {HEADER}"));
    succeed(process_of(
        command,
        "servers::writes_to_origin",
        checkout.path(),
    ));
    assert_eq!(remote.refs().len(), 1);
}

#[test]
#[ignore = "a process of another test"]
fn writes_to_origin() {
    apply(&open_in(&given_path(), "origin", 60_000), vec![a_lease()]);
}

#[test]
fn a_push_without_permission_names_the_permission() {
    let (remote, server, checkout) = served_remote();
    let store = open_in(checkout.path(), "origin", 60_000);
    server.set(Pushes::Denied);
    assert_eq!(read(&store, "lease", "k").unwrap(), None);
    let error = commit(&store, vec![a_lease()]).unwrap_err();
    unavailable(&error, "contents: write");
    assert_eq!(remote.refs().len(), 0);
}

#[test]
fn a_push_that_is_applied_without_a_reply_is_recognized() {
    let (remote, server, checkout) = served_remote();
    let store = open_in(checkout.path(), "origin", 60_000);
    server.set(Pushes::Unanswered);
    apply(&store, vec![a_lease()]);
    assert_eq!((remote.refs().len(), server.pushes()), (1, 1));
    server.set(Pushes::Unanswered);
    apply(&store, vec![unset(Expect::Present, "lease", "k")]);
    assert_eq!((remote.refs().len(), server.pushes()), (0, 2));
}

#[test]
fn a_push_that_is_dropped_is_retried() {
    let (remote, server, checkout) = served_remote();
    let store = open_in(checkout.path(), "origin", 60_000);
    server.set(Pushes::Dropped);
    apply(&store, vec![a_lease()]);
    assert_eq!(remote.refs().len(), 1);
    assert!(server.pushes() > 1);
}

#[test]
fn a_push_that_is_applied_late_is_recognized() {
    let (remote, server, checkout) = served_remote();
    let store = open_in(checkout.path(), "origin", 60_000);
    server.set(Pushes::Late);
    apply(&store, vec![a_lease()]);
    assert_eq!((remote.refs().len(), server.pushes()), (1, 2));
    server.set(Pushes::Late);
    apply(&store, vec![unset(Expect::Present, "lease", "k")]);
    assert_eq!((remote.refs().len(), server.pushes()), (0, 4));
}

#[test]
fn a_push_without_a_reply_ends_at_its_timeout_with_an_unknown_outcome() {
    let (remote, server, checkout) = served_remote();
    let store = open_in(checkout.path(), "origin", 5_000);
    assert_eq!(read(&store, "lease", "k").unwrap(), None);
    server.set(Pushes::Stuck);
    let error = commit(&store, vec![a_lease()]).unwrap_err();
    assert_eq!(error.code(), "OUTCOME_UNKNOWN", "{error}");
    assert_eq!(remote.refs().len(), 0);
    server.set(Pushes::Applied);
    apply(&store, vec![a_lease()]);
}

#[test]
fn a_repository_that_does_not_exist_is_unavailable() {
    let nowhere = tempfile::tempdir().unwrap();
    let path = nowhere.path().join("none.git");
    let gone = format!("file://{}", path.display());
    // No server listens on this port, because it was released.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = format!("http://someone:secret@{port}/a.git?token=secret");
    for (place, words) in [
        (path.to_str().unwrap(), "none.git"),
        (&gone, "none.git"),
        (&server, "connect"),
    ] {
        let store = open(place);
        for error in [
            read(&store, "lease", "k").unwrap_err(),
            block_on(crate::common::scan_all(&store, "lease")).unwrap_err(),
            commit(&store, vec![a_lease()]).unwrap_err(),
        ] {
            unavailable(&error, words);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

#[test]
fn a_push_that_the_server_declines_is_an_error_with_its_reason() {
    let remote = Remote::new();
    let hook = remote.path().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho no refs of yours here >&2\nexit 1\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let error = commit(&remote.store(), vec![a_lease()]).unwrap_err();
    unavailable(&error, "no refs of yours here");
    assert_eq!(remote.refs().len(), 0);
}

#[test]
fn a_server_without_atomic_pushes_is_an_error() {
    let remote = Remote::new();
    git(
        &remote.path(),
        &["config", "receive.advertiseAtomic", "false"],
    );
    let error = commit(&remote.store(), vec![a_lease()]);
    unavailable(&error.unwrap_err(), "atomic");
    assert_eq!(remote.refs().len(), 0);
}

#[test]
fn a_ref_without_records_is_an_error() {
    let remote = Remote::new();
    let store = remote.store();
    apply(&store, vec![a_lease()]);
    let name = remote.refs()[0].split(' ').next().unwrap().to_owned();
    let tree = git(
        &remote.path(),
        &["hash-object", "-t", "tree", "-w", "/dev/null"],
    );
    let arguments = [
        "-c",
        "user.name=x",
        "-c",
        "user.email=x",
        "commit-tree",
        "-m",
        "x",
        tree.trim(),
    ];
    let commit_id = git(&remote.path(), &arguments);
    git(&remote.path(), &["update-ref", &name, commit_id.trim()]);
    for error in [
        read(&store, "lease", "k").unwrap_err(),
        commit(&store, vec![a_lease()]).unwrap_err(),
    ] {
        assert_eq!(error.code(), "STORE_MISBEHAVED");
        assert!(error.to_string().contains(&name), "{error}");
    }
}

#[test]
fn sessions_are_refused_with_a_place_to_keep_them() {
    let store = Remote::new().store();
    let id = tenure_store_support::id("a");
    for error in [
        block_on(store.load(&id, tenure_core::History::None)).unwrap_err(),
        block_on(store.commit(&tenure_store_support::remove("a"))).unwrap_err(),
    ] {
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        assert!(error.to_string().contains("sqlite:"), "{error}");
    }
    assert_eq!(commit(&store, Vec::new()).unwrap(), Commit::Applied);
}
