//! The feed: the changes of all commits, in their order, each with a position.

use tenure_core::store::feed::{ChangeKind, EventRange, FedChange, FeedPage, FeedQuery};
use tenure_core::store::{Expect, RecordChange, SessionChange, SessionWrite};
use tenure_core::{Changes, Commit, Head, Store};

use crate::check::{Check, same};
use crate::fixture::Run;
use crate::sample::{apply, create, events, head, of_sessions, put, record, remove};

/// The changes after a position, and what there is of the feed.
async fn after(store: &dyn Store, position: u64) -> Check<FeedPage> {
    let query = FeedQuery {
        after: Some(position),
        limit: 1000,
    };
    Ok(store.feed(&query).await?)
}

fn fed(position: u64, kind: ChangeKind, key: &str, events: Option<(u64, u64)>) -> FedChange {
    FedChange {
        position,
        kind,
        key: key.to_owned(),
        events: events.map(|(first, last)| EventRange { first, last }),
    }
}

fn newer(name: &str, version: u64) -> Head {
    Head {
        version,
        ..head(name)
    }
}

pub(crate) async fn an_empty_feed_begins_at_zero(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    same("the feed", &after(&*store, 0).await?, &FeedPage::default())?;
    apply(&*store, &Changes::default()).await?;
    same(
        "the feed after an empty commit",
        &after(&*store, 0).await?,
        &FeedPage::default(),
    )
}

pub(crate) async fn every_change_has_the_next_position(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("b"), head("a")]).await?;
    let version = |version| Expect::Version { version };
    let mut trashed = put(version(1), &newer("a", 2), 0, events(1, 3));
    if let SessionWrite::Put { change, .. } = &mut trashed.write {
        *change = ChangeKind::Trashed;
    }
    let changes = Changes {
        sessions: vec![trashed, remove(Expect::Any, "b")],
        records: vec![RecordChange::put(Expect::Absent, record("lease", "k"))],
    };
    apply(&*store, &changes).await?;
    let expected = FeedPage {
        changes: vec![
            fed(1, ChangeKind::Created, "b", None),
            fed(2, ChangeKind::Created, "a", None),
            fed(3, ChangeKind::Trashed, "a", Some((1, 3))),
            fed(4, ChangeKind::Deleted, "b", None),
            fed(5, ChangeKind::Lease, "k", None),
        ],
        kept_after: 0,
        newest: 5,
    };
    same("the feed", &after(&*store, 0).await?, &expected)
}

pub(crate) async fn of_records_only_leases_and_audit_entries_are_fed(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let put = |kind| RecordChange::put(Expect::Any, record(kind, "k"));
    let removed = |kind: &str| RecordChange {
        kind: kind.to_owned(),
        key: "k".to_owned(),
        expect: Expect::Present,
        record: None,
    };
    let of_records = |records| Changes {
        sessions: Vec::new(),
        records,
    };
    let written = vec![put("lease"), put("key"), put("audit"), put("slot")];
    apply(&*store, &of_records(written)).await?;
    // A record that is written as it was read guards another change.
    let guarded = RecordChange::put(Expect::Version { version: 1 }, record("lease", "k"));
    apply(&*store, &of_records(vec![guarded])).await?;
    let removals = vec![removed("lease"), removed("audit"), removed("slot")];
    apply(&*store, &of_records(removals)).await?;
    let expected = vec![
        fed(1, ChangeKind::Lease, "k", None),
        fed(2, ChangeKind::Audit, "k", None),
        fed(3, ChangeKind::Lease, "k", None),
    ];
    same("the changes", &after(&*store, 0).await?.changes, &expected)
}

pub(crate) async fn a_refused_commit_feeds_nothing(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("a")]).await?;
    let changes = of_sessions(vec![
        put(
            Expect::Version { version: 1 },
            &newer("a", 2),
            0,
            Vec::new(),
        ),
        put(Expect::Present, &head("b"), 0, Vec::new()),
    ]);
    let refused = store.commit(&changes).await?;
    same(
        "the commit was applied",
        &(refused == Commit::Applied),
        &false,
    )?;
    let expected = vec![fed(1, ChangeKind::Created, "a", None)];
    same("the changes", &after(&*store, 0).await?.changes, &expected)
}

pub(crate) async fn the_feed_is_read_in_parts(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let heads: Vec<Head> = (0..25).map(|number| head(&format!("s{number}"))).collect();
    create(&*store, &heads).await?;
    let mut position = 0;
    let mut keys = Vec::new();
    loop {
        let query = FeedQuery {
            after: Some(position),
            limit: 4,
        };
        let page = store.feed(&query).await?;
        same("the newest position", &page.newest, &25)?;
        if let Some(first) = page.changes.first() {
            same("the first position", &first.position, &(position + 1))?;
        }
        let Some(last) = page.changes.last() else {
            break;
        };
        same(
            "the size of a part",
            &page.changes.len(),
            &4.min(25 - position as usize),
        )?;
        position = last.position;
        keys.extend(page.changes.into_iter().map(|change| change.key));
    }
    let expected: Vec<String> = heads.iter().map(|head| head.id.to_string()).collect();
    same("the sessions", &keys, &expected)?;
    let query = FeedQuery {
        after: None,
        limit: 4,
    };
    let ends = FeedPage {
        newest: 25,
        ..FeedPage::default()
    };
    same("the ends of the feed", &store.feed(&query).await?, &ends)
}

pub(crate) async fn events_of_a_history_that_has_ended_are_not_named(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let of = |changes| of_sessions(vec![changes]);
    for name in ["replaced", "removed"] {
        apply(
            &*store,
            &of(put(Expect::Absent, &head(name), 0, events(1, 2))),
        )
        .await?;
    }
    let mut replaced = put(Expect::Present, &newer("replaced", 2), 0, events(1, 2));
    if let SessionWrite::Put {
        replace_history, ..
    } = &mut replaced.write
    {
        *replace_history = true;
    }
    apply(&*store, &of(replaced)).await?;
    apply(&*store, &of(remove(Expect::Present, "removed"))).await?;
    let again: SessionChange = put(Expect::Absent, &head("removed"), 0, events(1, 2));
    apply(&*store, &of(again)).await?;
    let expected = vec![
        fed(1, ChangeKind::Created, "replaced", None),
        fed(2, ChangeKind::Created, "removed", None),
        fed(3, ChangeKind::Updated, "replaced", Some((1, 2))),
        fed(4, ChangeKind::Deleted, "removed", None),
        fed(5, ChangeKind::Created, "removed", Some((1, 2))),
    ];
    same("the changes", &after(&*store, 0).await?.changes, &expected)
}

pub(crate) async fn positions_go_on_after_reopening(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("a"), head("b")]).await?;
    let changes = of_sessions(vec![
        remove(Expect::Present, "a"),
        remove(Expect::Present, "b"),
    ]);
    apply(&*store, &changes).await?;
    let store = run.reopen(store).await?;
    create(&*store, &[head("c")]).await?;
    let expected = FeedPage {
        changes: vec![
            fed(4, ChangeKind::Deleted, "b", None),
            fed(5, ChangeKind::Created, "c", None),
        ],
        kept_after: 0,
        newest: 5,
    };
    same("the feed", &after(&*store, 3).await?, &expected)
}

pub(crate) async fn changes_of_two_handles_are_in_one_order(run: &Run<'_>) -> Check {
    let stores = [run.open().await?, run.open().await?];
    for number in 0..10 {
        let name = format!("s{number}");
        create(&*stores[number % 2], &[head(&name)]).await?;
    }
    let expected: Vec<String> = (0..10).map(|number| format!("s{number}")).collect();
    for store in &stores {
        let changes = after(&**store, 0).await?.changes;
        let keys: Vec<String> = changes.into_iter().map(|change| change.key).collect();
        same("the sessions", &keys, &expected)?;
    }
    Ok(())
}
