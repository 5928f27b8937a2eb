//! Stores that are opened again, and stores that are open twice.

use tenure_core::store::{Expect, Scan};
use tenure_core::{Commit, Head, History, Store};

use crate::check::{Check, holds, same};
use crate::counted::counts;
use crate::fixture::Run;
use crate::generate;
use crate::sample::everything;
use crate::sample::{
    apply, create_with, events, full_head, head, id, ids, is_absent, is_recorded, is_stored, list,
    load, of_records, of_sessions, put, query, record, refuse, remove, set,
};

pub(crate) async fn written_data_exists_after_reopening(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let plain = create_with(&*store, &head("plain"), events(1, 3)).await?;
    let full = create_with(&*store, &full_head("full"), events(1, 20)).await?;
    create_with(&*store, &head("removed"), events(1, 3)).await?;
    apply(
        &*store,
        &of_sessions(vec![remove(Expect::Present, "removed")]),
    )
    .await?;
    let mut owned = record("kind", "k'%_🦀");
    owned.owner = Some(id("plain"));
    apply(
        &*store,
        &of_records(vec![set(Expect::Absent, owned.clone())]),
    )
    .await?;
    drop(store);

    let store = run.open().await?;
    is_stored(&*store, &plain, &events(1, 3)).await?;
    is_stored(&*store, &full, &events(1, 20)).await?;
    is_absent(&*store, "removed").await?;
    is_recorded(&*store, &owned).await?;
    let page = list(&*store, &query(everything(), 10)).await?;
    same("the list", &page.heads, &vec![full.clone(), plain.clone()])?;
    counts(&*store, everything(), &[full, plain]).await?;
    apply(
        &*store,
        &of_sessions(vec![remove(Expect::Present, "plain")]),
    )
    .await?;
    drop(store);

    let store = run.open().await?;
    is_absent(&*store, "plain").await?;
    same(
        "the record",
        &store.record(&owned.kind, &owned.key).await?,
        &None,
    )
}

pub(crate) async fn versions_are_checked_after_reopening(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create_with(&*store, &full_head("s"), events(1, 2)).await?;
    apply(
        &*store,
        &of_records(vec![set(Expect::Absent, record("lease", "k"))]),
    )
    .await?;
    drop(store);

    let store = run.open().await?;
    let next = Head {
        version: 8,
        ..full_head("s")
    };
    let conflict = Commit::SessionConflict {
        id: id("s"),
        current: Some(7),
    };
    for stale in [Expect::Absent, Expect::Version { version: 6 }] {
        let change = put(stale, &next, 2, events(3, 3));
        refuse(&*store, &of_sessions(vec![change]), &conflict).await?;
    }
    let conflict = Commit::RecordConflict {
        record_kind: "lease".to_owned(),
        key: "k".to_owned(),
        current: Some(1),
    };
    let change = set(Expect::Absent, record("lease", "k"));
    refuse(&*store, &of_records(vec![change]), &conflict).await?;
    let change = put(Expect::Version { version: 7 }, &next, 2, events(3, 3));
    apply(&*store, &of_sessions(vec![change])).await?;
    let loaded = load(&*store, "s", History::All).await?;
    same("the history", &loaded.events, &events(1, 3))
}

pub(crate) async fn a_store_can_be_reopened_repeatedly(run: &Run<'_>) -> Check {
    for count in 0..8 {
        let store = run.open().await?;
        if count == 0 {
            create_with(&*store, &head("s"), Vec::new()).await?;
        }
        let next = Head {
            version: count + 2,
            ..head("s")
        };
        let expect = Expect::Version { version: count + 1 };
        let change = put(expect, &next, count, events(count + 1, count + 1));
        apply(&*store, &of_sessions(vec![change])).await?;
    }
    let store = run.open().await?;
    let loaded = load(&*store, "s", History::All).await?;
    same("the history", &loaded.events, &events(1, 8))
}

pub(crate) async fn two_handles_see_each_others_writes(run: &Run<'_>) -> Check {
    let (one, two) = (run.open().await?, run.open().await?);
    let mut stored = create_with(&*one, &head("s"), events(1, 1)).await?;
    is_stored(&*two, &stored, &events(1, 1)).await?;
    for round in 0..8 {
        // Each handle writes twice in a row, so that the reader has read the state before the
        // second write.
        let (writer, reader) = if round % 4 < 2 {
            (&two, &one)
        } else {
            (&one, &two)
        };
        let count = stored.event_count;
        let next = Head {
            version: stored.version + 1,
            event_count: count + 1,
            iterations: round,
            ..stored.clone()
        };
        let expect = Expect::Version {
            version: stored.version,
        };
        let mut changes = of_sessions(vec![put(
            expect,
            &next,
            count,
            events(count + 1, count + 1),
        )]);
        let mut shared = record("kind", "k");
        shared.version = u64::from(round) + 1;
        changes.records.push(set(Expect::Any, shared.clone()));
        apply(&**writer, &changes).await?;
        is_stored(&**reader, &next, &events(1, count + 1)).await?;
        is_recorded(&**reader, &shared).await?;
        let page = list(&**reader, &query(everything(), 10)).await?;
        same("the list", &page.heads, &vec![next.clone()])?;
        counts(&**reader, everything(), std::slice::from_ref(&next)).await?;
        let scan = Scan {
            kind: "kind".to_owned(),
            after: None,
            limit: 10,
        };
        same("a scan", &reader.scan(&scan).await?, &vec![shared])?;
        stored = next;
    }
    apply(&*one, &of_sessions(vec![remove(Expect::Present, "s")])).await?;
    is_absent(&*two, "s").await?;
    let page = list(&*two, &query(everything(), 10)).await?;
    same("the list", &ids(&page.heads), &Vec::new())
}

pub(crate) async fn one_of_two_conflicting_handles_succeeds(run: &Run<'_>) -> Check {
    let (one, two) = (run.open().await?, run.open().await?);
    let seen = create_with(&*one, &head("s"), events(1, 1)).await?;
    same(
        "what both saw",
        &load(&*two, "s", History::None).await?.head,
        &seen,
    )?;
    let write = |task: &str| {
        let next = Head {
            version: 2,
            task: task.to_owned(),
            ..head("s")
        };
        let change = put(Expect::Version { version: 1 }, &next, 1, events(2, 2));
        of_sessions(vec![change])
    };
    apply(&*one, &write("first")).await?;
    let conflict = Commit::SessionConflict {
        id: id("s"),
        current: Some(2),
    };
    refuse(&*two, &write("second"), &conflict).await?;
    same(
        "the winner",
        &load(&*two, "s", History::None).await?.head.task.as_str(),
        &"first",
    )?;
    let take = of_records(vec![set(Expect::Absent, record("lease", "k"))]);
    apply(&*two, &take).await?;
    let conflict = Commit::RecordConflict {
        record_kind: "lease".to_owned(),
        key: "k".to_owned(),
        current: Some(1),
    };
    refuse(&*one, &take, &conflict).await
}

pub(crate) async fn all_appends_of_two_handles_are_stored(run: &Run<'_>) -> Check {
    let (one, two) = (run.open().await?, run.open().await?);
    create_with(&*one, &head("s"), Vec::new()).await?;
    let mut rng = fastrand::Rng::with_seed(4);
    let handles: [&dyn Store; 2] = [&*one, &*two];
    let mut seen = [1, 1];
    let mut refused = 0;
    let mut appended = 0;
    while appended < 40 {
        // Each handle writes based on its last read, and reads again only after a conflict.
        let mine = generate::below(&mut rng, 2);
        let (store, version) = (handles[mine], seen[mine]);
        let next = Head {
            version: version + 1,
            ..head("s")
        };
        let change = put(
            Expect::Version { version },
            &next,
            version - 1,
            events(version, version),
        );
        match store.commit(&of_sessions(vec![change])).await? {
            Commit::Applied => {
                seen[mine] = version + 1;
                appended += 1;
            }
            Commit::SessionConflict { .. } => {
                refused += 1;
                holds(refused < 1000, "a writer is refused without end")?;
                seen[mine] = load(store, "s", History::None).await?.head.version;
                holds(
                    seen[mine] > appended,
                    "a version is older than the writes before it",
                )?;
            }
            other => same("the end of a commit", &other, &Commit::Applied)?,
        }
    }
    holds(refused > 0, "no stale write was refused")?;
    for store in handles {
        let loaded = load(store, "s", History::All).await?;
        same("the history", &loaded.events, &events(1, 40))?;
    }
    Ok(())
}
