//! Independent processes use one repository at the same time.

use std::collections::BTreeSet;

use tenure_core::Commit;
use tenure_core::store::Expect;
use tenure_store_support::{given_path, process, succeed};

use crate::common::{Remote, apply, commit, open, read, record, scan, set};

const PROCESSES: usize = 20;

#[test]
fn one_of_twenty_processes_acquires_a_key() {
    let remote = Remote::new();
    let processes: Vec<_> = (0..PROCESSES)
        .map(|_| process("concurrency::acquires_a_key", &remote.path()))
        .collect();
    let ended: Vec<String> = processes.into_iter().map(succeed).collect();
    let with = |word: &str| ended.iter().filter(|out| out.contains(word)).count();
    assert_eq!((with("acquired"), with("is held")), (1, PROCESSES - 1));
    assert_eq!(scan(&remote.store(), "lease").len(), 1);
    // Only the process that acquired the key has written an entry.
    assert_eq!(scan(&remote.store(), "audit").len(), 1);
}

#[test]
#[ignore = "a process of another test"]
fn acquires_a_key() {
    let store = open(given_path().to_str().unwrap());
    let taken = vec![
        // All processes write the same content, so only the repository can tell them apart.
        set(Expect::Absent, record("lease", "my-workflow", 1, "{}")),
        set(
            Expect::Any,
            record("audit", "2026-01-08T00:00:00.000Z/1", 1, "{}"),
        ),
    ];
    match commit(&store, taken).unwrap() {
        Commit::Applied => println!("acquired"),
        Commit::RecordConflict {
            current: Some(1), ..
        } => println!("is held"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn processes_with_different_keys_do_not_block_each_other() {
    let remote = Remote::new();
    let processes: Vec<_> = (0..PROCESSES / 2)
        .map(|_| process("concurrency::acquires_its_own_key", &remote.path()))
        .collect();
    let numbers: BTreeSet<String> = processes
        .into_iter()
        .map(|process| {
            let out = succeed(process);
            let line = out.lines().find_map(|line| line.strip_prefix("number "));
            line.unwrap().to_owned()
        })
        .collect();
    assert_eq!(numbers.len(), PROCESSES / 2);
    let store = remote.store();
    for kind in ["lease", "audit"] {
        let found: BTreeSet<String> = scan(&store, kind).into_iter().map(|it| it.body).collect();
        assert_eq!(found, numbers, "{kind}");
    }
    // Each lease has its own ref. The entries of a day share a few refs, which all processes have
    // moved.
    let refs = remote.refs();
    let of_log = refs.iter().filter(|name| name.contains("/audit/")).count();
    assert_eq!(refs.len() - of_log, PROCESSES / 2);
    assert!((1..=4).contains(&of_log), "{refs:?}");
}

#[test]
#[ignore = "a process of another test"]
fn acquires_its_own_key() {
    let store = open(given_path().to_str().unwrap());
    let number = std::process::id().to_string();
    let time = "2026-01-08T00:00:00.000Z";
    apply(
        &store,
        vec![
            set(Expect::Absent, record("lease", &number, 1, &number)),
            set(
                Expect::Any,
                record("audit", &format!("{time}/{number}"), 1, &number),
            ),
        ],
    );
    println!("number {number}");
}

#[test]
fn a_handle_with_cached_refs_decides_on_the_present_records() {
    let remote = Remote::new();
    let (one, other) = (remote.store(), remote.store());
    assert_eq!(read(&other, "lease", "k").unwrap(), None);
    apply(
        &one,
        vec![set(Expect::Absent, record("lease", "k", 1, "one"))],
    );
    let late = vec![set(Expect::Absent, record("lease", "k", 1, "other"))];
    let conflict = Commit::RecordConflict {
        record_kind: "lease".to_owned(),
        key: "k".to_owned(),
        current: Some(1),
    };
    assert_eq!(commit(&other, late).unwrap(), conflict);
    // A record that was read as missing can be removed.
    let third = remote.store();
    assert_eq!(read(&third, "lease", "l").unwrap(), None);
    apply(
        &one,
        vec![set(Expect::Absent, record("lease", "l", 1, "one"))],
    );
    apply(
        &third,
        vec![crate::common::unset(Expect::Any, "lease", "l")],
    );
    assert_eq!(read(&one, "lease", "l").unwrap(), None);
}

#[test]
fn a_push_that_is_refused_for_one_ref_moves_no_other() {
    let remote = Remote::new();
    let (one, other) = (remote.store(), remote.store());
    let version = |version| Expect::Version { version };
    apply(&one, vec![set(Expect::Absent, record("lease", "k", 1, ""))]);
    // The handle has read this record, and relies on its version.
    assert!(read(&other, "lease", "k").unwrap().is_some());
    apply(&one, vec![set(version(1), record("lease", "k", 2, ""))]);
    let late = vec![
        set(Expect::Absent, record("lease", "other", 1, "")),
        set(version(1), record("lease", "k", 2, "")),
    ];
    let conflict = Commit::RecordConflict {
        record_kind: "lease".to_owned(),
        key: "k".to_owned(),
        current: Some(2),
    };
    assert_eq!(commit(&other, late).unwrap(), conflict);
    assert_eq!(read(&one, "lease", "other").unwrap(), None);
}

#[test]
fn a_ref_is_removed_with_its_last_record() {
    let remote = Remote::new();
    let store = remote.store();
    let time = "2026-01-08T00:00:00.000Z/1";
    apply(
        &store,
        vec![
            set(Expect::Absent, record("lease", "k", 1, "")),
            set(Expect::Any, record("audit", time, 1, "")),
        ],
    );
    assert_eq!(remote.refs().len(), 2);
    apply(
        &store,
        vec![
            crate::common::unset(Expect::Version { version: 1 }, "lease", "k"),
            crate::common::unset(Expect::Any, "audit", time),
        ],
    );
    assert_eq!(remote.refs(), Vec::<String>::new());
}
