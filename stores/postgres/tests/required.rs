//! What all commits of a handle require, whatever they change. Under 1 s.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tenure_core::store::{Changes, Expect, Record, RecordChange, SessionWrite};
use tenure_core::{Commit, Head, History, Store};
use tenure_postgres::Required;
use tenure_store_support::{head, id, put, put_change, remove};

use crate::common::{Schema, block_on};

const KIND: &str = "required";

fn record(version: u64) -> Record {
    Record {
        kind: KIND.to_owned(),
        key: "k".to_owned(),
        version,
        expires_at: None,
        owner: None,
        body: "{}".to_owned(),
    }
}

fn of_records(records: Vec<RecordChange>) -> Changes {
    Changes {
        records,
        ..Changes::default()
    }
}

fn version_of(name: &str, version: u64) -> Head {
    Head {
        version,
        ..head(name)
    }
}

/// Commits of each form: one statement or several, that insert, change, replace and remove.
fn commits() -> Vec<Changes> {
    let other = Record {
        key: "other".to_owned(),
        kind: "other".to_owned(),
        ..record(1)
    };
    let put_other = RecordChange::put(Expect::Any, other);
    let mut replaced = put_change(version_of("a", 2), Expect::Any, Vec::new());
    if let SessionWrite::Put {
        replace_history, ..
    } = &mut replaced.write
    {
        *replace_history = true;
    }
    let at = Expect::Version {
        version: head("a").version,
    };
    vec![
        put(head("new"), Expect::Absent, Vec::new()),
        put(version_of("a", 2), at, Vec::new()),
        Changes {
            sessions: vec![replaced],
            ..Changes::default()
        },
        remove("a"),
        of_records(vec![put_other.clone()]),
        Changes {
            records: vec![put_other],
            sessions: vec![
                put_change(version_of("a", 2), Expect::Any, Vec::new()),
                put_change(head("b"), Expect::Absent, Vec::new()),
            ],
        },
    ]
}

#[test]
fn a_commit_changes_nothing_when_what_the_handle_requires_is_not_there() {
    block_on(async {
        let schema = Schema::new();
        let other = schema.open().await.unwrap();
        let write = |record| async {
            let changes = of_records(vec![RecordChange::put(Expect::Any, record)]);
            assert_eq!(other.commit(&changes).await.unwrap(), Commit::Applied);
        };
        let start = put(head("a"), Expect::Absent, Vec::new());
        other.commit(&start).await.unwrap();

        let without = schema.open().await.unwrap();
        without.require(Box::new(|| Some(Required::NoRecord { kind: KIND })));
        let version = Arc::new(AtomicU64::new(0));
        let at = schema.open().await.unwrap();
        let required = Arc::clone(&version);
        at.require(Box::new(move || {
            let version = required.load(Ordering::Relaxed);
            (version > 0).then(|| Required::Record {
                kind: KIND,
                key: "k".to_owned(),
                version,
            })
        }));
        let touch = put(head("a"), Expect::Any, Vec::new());
        assert_eq!(without.commit(&touch).await.unwrap(), Commit::Applied);
        assert_eq!(at.commit(&touch).await.unwrap(), Commit::Applied);

        write(record(1)).await;
        version.store(1, Ordering::Relaxed);
        assert_eq!(at.commit(&touch).await.unwrap(), Commit::Applied);
        write(record(2)).await;
        let conflict = |current| Commit::RecordConflict {
            record_kind: KIND.to_owned(),
            key: "k".to_owned(),
            current,
        };
        let before = other.load(&id("a"), History::None).await.unwrap();
        for changes in commits() {
            let committed = without.commit(&changes).await.unwrap();
            assert_eq!(committed, conflict(Some(2)), "{changes:?}");
            let committed = at.commit(&changes).await.unwrap();
            assert_eq!(committed, conflict(Some(2)), "{changes:?}");
        }
        let gone = of_records(vec![RecordChange {
            kind: KIND.to_owned(),
            key: "k".to_owned(),
            expect: Expect::Present,
            record: None,
        }]);
        other.commit(&gone).await.unwrap();
        assert_eq!(at.commit(&touch).await.unwrap(), conflict(None));
        assert_eq!(without.commit(&touch).await.unwrap(), Commit::Applied);
        assert_eq!(
            other.load(&id("a"), History::None).await.unwrap(),
            before,
            "nothing was changed"
        );
        for name in ["b", "new"] {
            assert_eq!(other.load(&id(name), History::None).await.unwrap(), None);
        }
    });
}
