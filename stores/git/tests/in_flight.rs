//! Many calls in flight on one handle: the number of connections, and the cleanup after a dropped
//! call.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tenure_apps::dedup::operations::DEDUP_ADMIT;
use tenure_apps::dedup::params::{DedupDecision, Reason};
use tenure_core::store::{Answer, Expect, RecordChange};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::work::call::Call;
use tenure_core::work::execution::{Execution, Timer, run_async, typed};
use tenure_core::{Commit, Millis, NoHost, Result, Store, Timestamp};
use tenure_git::{GitOptions, GitStore};
use tenure_store_support::{given_path, process_of, succeed};
use tokio::task::JoinSet;

use crate::common::http::{Pushes, Server};
use crate::common::{Remote, apply, block_on, changes, record, scan, set};

const CALLS: u32 = 64;
const DAY: &str = "2026-01-08T00:00:00.000Z";

/// A remote behind a server, and its address there.
fn served() -> (Remote, Server, String) {
    let remote = Remote::new();
    let server = Server::new(remote.folder.path(), None);
    let address = format!("{}/remote.git", server.address);
    (remote, server, address)
}

async fn open(address: &str) -> Arc<GitStore> {
    let store = GitStore::open(address, &GitOptions::default()).await;
    Arc::new(store.unwrap())
}

async fn commit(store: Arc<GitStore>, records: Vec<RecordChange>) -> Result<Commit> {
    store.commit(&changes(records)).await
}

/// An entry of the audit log. The entries of a day share a few refs.
fn entry(name: &str) -> RecordChange {
    set(
        Expect::Any,
        record("audit", &format!("{DAY}/{name}"), 1, name),
    )
}

fn lease(expect: Expect, key: &str, version: u64) -> RecordChange {
    set(expect, record("lease", key, version, key))
}

/// Waits until a condition is true.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// A timer on the clock of the runtime.
struct Clock;

impl Timer for Clock {
    fn sleep(&self, time: Millis) -> Answer<'_, ()> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(time.0)).await;
            Ok(())
        })
    }
}

/// Admits a run of a commit through a new handle, and returns the reason.
async fn admit(address: &str, event: &str, run: u32) -> Reason {
    let store = open(address).await;
    let params = format!(
        r#"{{"eventType":"{event}","workflow":"ci","commitSha":"abc12345","runId":"{run}"}}"#
    );
    let call = Call {
        now: Timestamp::from_millis(1_767_895_530_000).unwrap(),
        entropy: u128::from(run).to_le_bytes().into(),
        fingerprint: Fingerprint::default(),
        host: Arc::new(NoHost),
        limits: Arc::default(),
        trace: None,
        isolated: false,
    };
    let mut execution = Execution::new(&DEDUP_ADMIT, DEDUP_ADMIT.read(&params).unwrap(), call);
    let ended = run_async(&*store, &Clock, &mut execution).await;
    let decision: DedupDecision = typed(ended).unwrap().value;
    decision.reason
}

#[test]
fn admitting_a_run_needs_three_connections() {
    let (remote, server, address) = served();
    block_on(async {
        let mut connections = server.connections();
        for (event, run, reason) in [
            ("pull_request", 1, Reason::NewSession),
            ("pull_request", 2, Reason::ActiveSession),
            ("push", 3, Reason::PullRequestLock),
            ("schedule", 4, Reason::NewSession),
        ] {
            assert_eq!(admit(&address, event, run).await, reason);
            let before = std::mem::replace(&mut connections, server.connections());
            assert!(
                connections - before <= 3,
                "{event}: {connections} - {before}"
            );
        }
    });
    let refs = remote.refs();
    let leases = refs.iter().filter(|name| name.contains("/lease/"));
    assert_eq!(leases.count(), 3, "{refs:?}");
}

#[test]
fn reads_in_flight_share_a_connection() {
    let (_remote, server, address) = served();
    block_on(async {
        let store = open(&address).await;
        let taken = (0..CALLS / 2).map(|key| lease(Expect::Absent, &key.to_string(), 1));
        commit(Arc::clone(&store), taken.collect()).await.unwrap();
        let before = server.connections();
        let mut reads = JoinSet::new();
        for key in 0..CALLS {
            let store = Arc::clone(&store);
            let read = async move { store.record("lease", &key.to_string()).await };
            reads.spawn(async move { (key, read.await) });
        }
        while let Some(read) = reads.join_next().await {
            let (key, record) = read.unwrap();
            assert_eq!(record.unwrap().is_some(), key < CALLS / 2, "{key}");
        }
        // The fetch of the first read had started before the others.
        assert_eq!(server.connections() - before, 2);
    });
}

#[test]
fn a_ref_without_records_fails_only_the_reads_of_it() {
    let remote = Remote::new();
    let store = Arc::new(remote.store());
    apply(&store, vec![lease(Expect::Absent, "damaged", 1)]);
    let name = remote.refs()[0].split(' ').next().unwrap().to_owned();
    apply(&store, vec![lease(Expect::Absent, "sound", 1)]);
    let tree = crate::common::git(
        &remote.path(),
        &["hash-object", "-t", "tree", "-w", "/dev/null"],
    );
    let identity = ["-c", "user.name=x", "-c", "user.email=x"];
    let arguments = [&identity[..], &["commit-tree", "-m", "x", tree.trim()]].concat();
    let id = crate::common::git(&remote.path(), &arguments);
    crate::common::git(&remote.path(), &["update-ref", &name, id.trim()]);
    block_on(async {
        let mut reads = JoinSet::new();
        for number in 0..16 {
            let store = Arc::clone(&store);
            let key = if number % 2 == 0 { "damaged" } else { "sound" };
            reads.spawn(async move { (key, store.record("lease", key).await) });
        }
        while let Some(read) = reads.join_next().await {
            match read.unwrap() {
                ("sound", record) => assert_eq!(record.unwrap().unwrap().body, "sound"),
                (_, record) => assert_eq!(record.unwrap_err().code(), "STORE_MISBEHAVED"),
            }
        }
    });
}

#[test]
fn sixty_four_calls_are_in_flight_without_a_thread_each() {
    let remote = Remote::new();
    let process = process_of(
        std::process::Command::new("env"),
        "in_flight::makes_sixty_four_calls_at_once",
        &remote.path(),
    );
    succeed(process);
    let store = remote.store();
    // One call holds the shared key. The calls with a separate key each hold theirs.
    let quarter = CALLS as usize / 4;
    assert_eq!(scan(&store, "lease").len(), quarter + 1);
    assert_eq!(scan(&store, "audit").len(), quarter + 1);
}

#[test]
#[ignore = "a process of another test"]
fn makes_sixty_four_calls_at_once() {
    let path = given_path();
    block_on(async {
        let store = open(path.to_str().unwrap()).await;
        let threads = threads();
        let (mut own, mut same) = (JoinSet::new(), JoinSet::new());
        let (mut reads, mut scans) = (JoinSet::new(), JoinSet::new());
        for number in 0..CALLS / 4 {
            let name = number.to_string();
            let changes = vec![lease(Expect::Absent, &name, 1), entry(&name)];
            own.spawn(started(commit(Arc::clone(&store), changes)));
            let changes = vec![lease(Expect::Absent, "same", 1), entry("same")];
            same.spawn(started(commit(Arc::clone(&store), changes)));
            let reader = Arc::clone(&store);
            let read = async move { reader.record("lease", &name).await };
            reads.spawn(started(read));
            let scanner = Arc::clone(&store);
            let found = async move { crate::common::scan_all(&scanner, "lease").await };
            scans.spawn(started(found));
        }
        assert_eq!(self::threads(), threads);
        for committed in own.join_all().await {
            assert_eq!(committed.unwrap(), Commit::Applied);
        }
        let committed = same.join_all().await;
        let applied = committed.iter().filter(|it| **it == Ok(Commit::Applied));
        assert_eq!(applied.count(), 1);
        // A read sees the state before or after each write.
        for (number, found) in reads.join_all().await.into_iter().enumerate() {
            let body = found.unwrap().map(|record| record.body);
            assert!(body.is_none_or(|body| body == number.to_string()));
        }
        for found in scans.join_all().await {
            let keys: Vec<String> = found.unwrap().into_iter().map(|it| it.key).collect();
            assert!(keys.is_sorted() && keys.len() <= CALLS as usize / 4 + 1);
        }
    });
}

/// Starts a call: polls it once.
fn started<F: Future>(call: F) -> Pin<Box<F>> {
    let mut call = Box::pin(call);
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    call
}

/// The number of threads of this process, on systems that show it.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

#[test]
fn writes_of_one_handle_to_one_ref_take_turns() {
    let (remote, server, address) = served();
    block_on(async {
        let store = open(&address).await;
        commit(Arc::clone(&store), vec![lease(Expect::Absent, "k", 1)])
            .await
            .unwrap();
        let before = server.connections();
        let mut writes = JoinSet::new();
        for _ in 0..8 {
            let changes = vec![lease(Expect::Present, "k", 2)];
            writes.spawn(commit(Arc::clone(&store), changes));
        }
        for committed in writes.join_all().await {
            assert_eq!(committed.unwrap(), Commit::Applied);
        }
        // No write is refused because of another, or has to read again.
        assert_eq!(server.connections() - before, 8);
    });
    assert_eq!(remote.refs().len(), 1);
}

#[test]
fn a_read_completes_although_the_call_that_fetches_for_it_is_dropped() {
    let (_remote, server, address) = served();
    block_on(async {
        let store = open(&address).await;
        commit(Arc::clone(&store), vec![lease(Expect::Absent, "k", 1)])
            .await
            .unwrap();
        let before = server.connections();
        let read = |store: Arc<GitStore>| async move { store.record("lease", "k").await };
        let first = tokio::spawn(read(Arc::clone(&store)));
        until("the first read has begun", || server.connections() > before).await;
        let second = tokio::spawn(read(Arc::clone(&store)));
        let third = tokio::spawn(read(Arc::clone(&store)));
        tokio::task::yield_now().await;
        first.abort();
        second.abort();
        assert!(third.await.unwrap().unwrap().is_some());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_dropped_call_kills_its_git_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("env");
    command.env("TMPDIR", folder.path());
    succeed(process_of(
        command,
        "in_flight::drops_a_call",
        folder.path(),
    ));
}

#[test]
#[ignore = "a process of another test"]
fn drops_a_call() {
    let (remote, server, address) = served();
    let folder = given_path();
    let of_store = || -> Vec<PathBuf> {
        let all = std::fs::read_dir(&folder).unwrap();
        let all = all.map(|entry| entry.unwrap().path());
        let is_of_store = |path: &PathBuf| path.to_string_lossy().contains("tenure-git-");
        all.filter(is_of_store).collect()
    };
    let contents = |path: &Path| std::fs::read_dir(path).unwrap().count();
    block_on(async {
        let store = open(&address).await;
        assert_eq!(of_store().len(), 1);
        server.set(Pushes::Stuck);
        let taken = vec![lease(Expect::Absent, "k", 1)];
        let call = tokio::spawn(commit(Arc::clone(&store), taken.clone()));
        until("the push has begun", || server.pushes() == 1).await;
        // The push and its connection.
        assert!(gits(&address) >= 2);
        assert_eq!(contents(&of_store()[0]), 2);
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        until("git is gone", || gits(&address) == 0).await;
        // Only the folder of objects is left.
        assert_eq!(contents(&of_store()[0]), 1);
        assert_eq!(remote.refs().len(), 0);
        server.set(Pushes::Applied);
        let committed = commit(Arc::clone(&store), taken).await;
        assert_eq!(committed.unwrap(), Commit::Applied);
    });
    assert_eq!(remote.refs().len(), 1);
    assert_eq!(of_store().len(), 0);
}

/// The number of processes with this address in their environment.
fn gits(address: &str) -> usize {
    let has_address = |file: &PathBuf| {
        // An ended process has no environment.
        let environment = std::fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(address)
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let environments = processes.map(|process| process.path().join("environ"));
    environments.filter(has_address).count()
}

#[cfg(unix)]
#[test]
fn a_push_to_a_path_that_exceeds_its_timeout_is_applied_as_a_whole_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt;

    let remote = Remote::new();
    let hook = remote.path().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ntouch begun\nsleep 2\ntouch ended\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let options = GitOptions {
        timeout_ms: 1_000,
        ..GitOptions::default()
    };
    block_on(async {
        let place = remote.path();
        let store = GitStore::open(place.to_str().unwrap(), &options).await;
        let taken = vec![lease(Expect::Absent, "k", 1), entry("k")];
        let error = store.unwrap().commit(&changes(taken)).await.unwrap_err();
        assert_eq!(error.code(), "OUTCOME_UNKNOWN", "{error}");
        let done = |name: &str| remote.path().join(name).exists();
        assert!(done("begun"));
        until("the hook has ended", || done("ended")).await;
        until("both refs are moved", || remote.refs().len() == 2).await;
    });
}
