//! Helpers for the tests: real repositories, and records.

pub(crate) mod http;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tenure_core::store::{Expect, RecordChange, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, Result, Store};
use tenure_git::{GitOptions, GitStore};

/// A bare repository in a temporary folder, as the remote.
pub(crate) struct Remote {
    pub(crate) folder: TempDir,
}

impl Remote {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("remote.git");
        git(
            folder.path(),
            &["init", "--quiet", "--bare", path.to_str().unwrap()],
        );
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    pub(crate) fn store(&self) -> GitStore {
        open(self.path().to_str().unwrap())
    }

    /// The refs of the store, each with its commit.
    pub(crate) fn refs(&self) -> Vec<String> {
        let format = "--format=%(refname) %(objectname)";
        let refs = git(&self.path(), &["for-each-ref", format]);
        refs.lines().map(str::to_owned).collect()
    }
}

/// Runs a future to its end, on a runtime with one thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    runtime.block_on(future)
}

pub(crate) fn open(place: &str) -> GitStore {
    block_on(GitStore::open(place, &GitOptions::default())).unwrap()
}

/// Runs git, which must succeed. Returns its output.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn record(kind: &str, key: &str, version: u64, body: &str) -> Record {
    Record {
        kind: kind.to_owned(),
        key: key.to_owned(),
        version,
        expires_at: None,
        owner: None,
        body: body.to_owned(),
    }
}

pub(crate) fn set(expect: Expect, record: Record) -> RecordChange {
    RecordChange::put(expect, record)
}

pub(crate) fn unset(expect: Expect, kind: &str, key: &str) -> RecordChange {
    RecordChange {
        kind: kind.to_owned(),
        key: key.to_owned(),
        expect,
        record: None,
    }
}

pub(crate) fn changes(records: Vec<RecordChange>) -> Changes {
    Changes {
        sessions: Vec::new(),
        records,
    }
}

/// Commits changes, which must apply.
pub(crate) fn apply(store: &GitStore, records: Vec<RecordChange>) {
    assert_eq!(commit(store, records).unwrap(), Commit::Applied);
}

pub(crate) fn commit(store: &GitStore, records: Vec<RecordChange>) -> Result<Commit> {
    block_on(store.commit(&changes(records)))
}

pub(crate) fn read(store: &GitStore, kind: &str, key: &str) -> Result<Option<Record>> {
    block_on(store.record(kind, key))
}

/// All records of a kind.
pub(crate) async fn scan_all(store: &GitStore, kind: &str) -> Result<Vec<Record>> {
    let scan = Scan {
        kind: kind.to_owned(),
        after: None,
        limit: 1_000_000,
    };
    store.scan(&scan).await
}

pub(crate) fn scan(store: &GitStore, kind: &str) -> Vec<Record> {
    block_on(scan_all(store, kind)).unwrap()
}
