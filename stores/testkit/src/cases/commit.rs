//! A commit is applied completely or not at all, and what is removed with a session.

use tenure_core::store::{Expect, RecordChange, Scan, SessionChange};
use tenure_core::{Changes, Commit, Filter, Head, History, Store};

use crate::check::{Check, same};
use crate::fixture::Run;
use crate::sample::{
    apply, create_with, events, full_head, head, id, ids, is_absent, is_recorded, is_stored, list,
    load, of_records, of_sessions, put, query, record, refuse, remove, set, unset,
};

pub(crate) async fn an_empty_commit_applies(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    apply(&*store, &Changes::default()).await?;
    create_with(&*store, &head("s"), events(1, 1)).await?;
    apply(&*store, &Changes::default()).await?;
    let loaded = load(&*store, "s", History::All).await?;
    same("the history", &loaded.events, &events(1, 1))
}

pub(crate) async fn one_commit_writes_many_sessions_and_records(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let name = |number: u32| format!("s{number}");
    let changes = Changes {
        sessions: (0..250)
            .map(|number| put(Expect::Absent, &head(&name(number)), 0, events(1, 3)))
            .collect(),
        records: (0..250)
            .map(|number| {
                let mut owned = record("key", &name(number));
                owned.owner = Some(id(&name(number)));
                set(Expect::Absent, owned)
            })
            .collect(),
    };
    apply(&*store, &changes).await?;
    for number in 0..250 {
        let loaded = load(&*store, &name(number), History::All).await?;
        same("the history", &loaded.events, &events(1, 3))?;
        let owned = store.record("key", &name(number)).await?;
        let owner = owned.and_then(|record| record.owner);
        same("the owner of the record", &owner, &Some(id(&name(number))))?;
    }
    // The sessions are removed in one commit, each with a record about it.
    let changes = Changes {
        sessions: (0..250)
            .map(|number| remove(Expect::Version { version: 1 }, &name(number)))
            .collect(),
        records: (0..250)
            .map(|number| set(Expect::Any, record("entry", &name(number))))
            .collect(),
    };
    apply(&*store, &changes).await?;
    for number in 0..250 {
        is_absent(&*store, &name(number)).await?;
        let owned = store.record("key", &name(number)).await?;
        same("the record of a session that is gone", &owned, &None)?;
        is_recorded(&*store, &record("entry", &name(number))).await?;
    }
    Ok(())
}

pub(crate) async fn a_refused_session_undoes_the_whole_commit(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let before = Before::make(&*store).await?;
    let refused: [(SessionChange, Option<u64>); 6] = [
        (put(Expect::Absent, &full_head("c"), 0, Vec::new()), Some(1)),
        (
            put(
                Expect::Version { version: 2 },
                &full_head("c"),
                2,
                events(3, 3),
            ),
            Some(1),
        ),
        (remove(Expect::Absent, "c"), Some(1)),
        (remove(Expect::Version { version: 9 }, "c"), Some(1)),
        (
            put(Expect::Present, &full_head("none"), 0, Vec::new()),
            None,
        ),
        (remove(Expect::Version { version: 1 }, "none"), None),
    ];
    for (change, current) in refused {
        let conflict = Commit::SessionConflict {
            id: change.id.clone(),
            current,
        };
        // The refused change is among changes that would apply: first, in between, and last.
        for place in 0..=Before::good().sessions.len() {
            let mut changes = Before::good();
            changes.sessions.insert(place, change.clone());
            refuse(&*store, &changes, &conflict).await?;
            before.is_unchanged(&*store).await?;
        }
    }
    apply(&*store, &Before::good()).await
}

pub(crate) async fn a_refused_record_undoes_the_whole_commit(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let before = Before::make(&*store).await?;
    let refused: [(RecordChange, Option<u64>); 6] = [
        (set(Expect::Absent, record("kind", "c")), Some(1)),
        (
            set(Expect::Version { version: 2 }, record("kind", "c")),
            Some(1),
        ),
        (unset(Expect::Absent, "kind", "c"), Some(1)),
        (unset(Expect::Version { version: 9 }, "kind", "c"), Some(1)),
        (set(Expect::Present, record("kind", "none")), None),
        (unset(Expect::Version { version: 1 }, "kind", "none"), None),
    ];
    for (change, current) in refused {
        let conflict = Commit::RecordConflict {
            record_kind: change.kind.clone(),
            key: change.key.clone(),
            current,
        };
        for place in 0..=Before::good().records.len() {
            let mut changes = Before::good();
            changes.records.insert(place, change.clone());
            refuse(&*store, &changes, &conflict).await?;
            before.is_unchanged(&*store).await?;
        }
    }
    apply(&*store, &Before::good()).await
}

pub(crate) async fn removing_a_session_removes_its_history_and_its_records(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let other = create_with(&*store, &head("other"), events(1, 2)).await?;
    create_with(&*store, &head("s"), events(1, 5)).await?;
    let owned = |kind: &str, key: &str, owner: Option<&str>| {
        let mut owned = record(kind, key);
        owned.owner = owner.map(id);
        owned
    };
    let goes = [
        owned("a", "1", Some("s")),
        owned("a", "2", Some("s")),
        owned("b", "1", Some("s")),
    ];
    let stays = [
        owned("a", "3", None),
        owned("a", "4", Some("other")),
        owned("b", "s", Some("other")),
        // A record whose key is the id of the session is not owned by it.
        owned("s", "s", None),
    ];
    let changes = goes
        .iter()
        .chain(&stays)
        .map(|record| set(Expect::Absent, record.clone()));
    apply(&*store, &of_records(changes.collect())).await?;
    apply(
        &*store,
        &of_sessions(vec![remove(Expect::Version { version: 1 }, "s")]),
    )
    .await?;
    is_absent(&*store, "s").await?;
    for record in &goes {
        same(
            "a record of the session",
            &store.record(&record.kind, &record.key).await?,
            &None,
        )?;
    }
    for record in &stays {
        is_recorded(&*store, record).await?;
    }
    is_stored(&*store, &other, &events(1, 2)).await?;
    let page = list(&*store, &query(Filter::default(), 10)).await?;
    same(
        "the sessions that are left",
        &ids(&page.heads),
        &vec!["other"],
    )?;
    let scan = Scan {
        kind: "a".to_owned(),
        after: None,
        limit: 10,
    };
    let keys: Vec<String> = store
        .scan(&scan)
        .await?
        .into_iter()
        .map(|record| record.key)
        .collect();
    same(
        "the records that are left",
        &keys,
        &vec!["3".to_owned(), "4".to_owned()],
    )
}

pub(crate) async fn a_session_and_its_record_are_removed_together(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create_with(&*store, &head("s"), events(1, 1)).await?;
    let mut lease = record("lease", "k");
    lease.owner = Some(id("s"));
    apply(&*store, &of_records(vec![set(Expect::Absent, lease)])).await?;
    let mut changes = of_sessions(vec![remove(Expect::Version { version: 1 }, "s")]);
    changes
        .records
        .push(unset(Expect::Version { version: 1 }, "lease", "k"));
    apply(&*store, &changes).await?;
    is_absent(&*store, "s").await?;
    same("the record", &store.record("lease", "k").await?, &None)
}

pub(crate) async fn a_session_that_is_created_again_has_no_history(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for round in 1..=3 {
        let first = create_with(&*store, &full_head("s"), events(1, 5 + round)).await?;
        is_stored(&*store, &first, &events(1, 5 + round)).await?;
        apply(&*store, &of_sessions(vec![remove(Expect::Present, "s")])).await?;
        let again = create_with(&*store, &head("s"), Vec::new()).await?;
        is_stored(&*store, &again, &[]).await?;
        let next = Head {
            version: 2,
            event_count: 1,
            ..head("s")
        };
        let change = put(Expect::Version { version: 1 }, &next, 0, events(1, 1));
        apply(&*store, &of_sessions(vec![change])).await?;
        is_stored(&*store, &next, &events(1, 1)).await?;
        apply(&*store, &of_sessions(vec![remove(Expect::Any, "s")])).await?;
    }
    Ok(())
}

pub(crate) async fn removing_something_unknown_succeeds(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for expect in [Expect::Absent, Expect::Any] {
        apply(&*store, &of_sessions(vec![remove(expect, "none")])).await?;
        apply(&*store, &of_records(vec![unset(expect, "kind", "none")])).await?;
    }
    is_absent(&*store, "none").await?;
    same("the record", &store.record("kind", "none").await?, &None)
}

/// A few sessions and records, and changes to them that would apply.
struct Before {
    heads: [Head; 3],
}

impl Before {
    async fn make(store: &dyn Store) -> Check<Self> {
        let [a, b, c] = ["a", "b", "c"].map(head);
        let heads = [
            create_with(store, &a, events(1, 2)).await?,
            create_with(store, &b, events(1, 2)).await?,
            create_with(store, &c, events(1, 2)).await?,
        ];
        let mut owned = record("kind", "b");
        owned.owner = Some(id("b"));
        let changes = of_records(vec![
            set(Expect::Absent, record("kind", "a")),
            set(Expect::Absent, owned),
            set(Expect::Absent, record("kind", "c")),
        ]);
        apply(store, &changes).await?;
        Ok(Self { heads })
    }

    /// Each kind of change: an append, a removal and a start; a write, a removal and a new record.
    fn good() -> Changes {
        let mut changed = record("kind", "a");
        changed.version = 2;
        changed.body = "changed".to_owned();
        Changes {
            sessions: vec![
                put(
                    Expect::Version { version: 1 },
                    &full_head("a"),
                    2,
                    events(3, 4),
                ),
                remove(Expect::Version { version: 1 }, "b"),
                put(Expect::Absent, &head("new"), 0, events(1, 1)),
            ],
            records: vec![
                set(Expect::Version { version: 1 }, changed),
                set(Expect::Absent, record("kind", "new")),
            ],
        }
    }

    async fn is_unchanged(&self, store: &dyn Store) -> Check {
        for head in &self.heads {
            is_stored(store, head, &events(1, 2)).await?;
        }
        for name in ["new", "none"] {
            is_absent(store, name).await?;
        }
        let page = list(store, &query(Filter::default(), 10)).await?;
        same("the number of sessions", &page.heads.len(), &3)?;
        let scan = Scan {
            kind: "kind".to_owned(),
            after: None,
            limit: 10,
        };
        let mut owned = record("kind", "b");
        owned.owner = Some(id("b"));
        let expected = vec![record("kind", "a"), owned, record("kind", "c")];
        same("the records", &store.scan(&scan).await?, &expected)
    }
}
