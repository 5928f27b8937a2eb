//! A change applies exactly if the current state meets its expectation.

use tenure_core::store::Expect;
use tenure_core::{Commit, Head, History, Store};

use crate::check::{Check, holds, same};
use crate::fixture::Run;
use crate::sample::{
    apply, create, create_with, events, full_head, head, id, is_absent, is_recorded, is_stored,
    load, of_records, of_sessions, put, record, refuse, remove, set, unset,
};

/// Every expectation, with whether it is met if there is nothing, and by version 5.
const EXPECTATIONS: [(Expect, bool, bool); 8] = [
    (Expect::Absent, true, false),
    (Expect::Present, false, true),
    (Expect::Any, true, true),
    (Expect::Version { version: 5 }, false, true),
    (Expect::Version { version: 4 }, false, false),
    (Expect::Version { version: 6 }, false, false),
    (Expect::Version { version: 0 }, false, false),
    (Expect::Version { version: 50 }, false, false),
];

pub(crate) async fn a_session_is_written_only_as_expected(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for (number, (expect, allows_nothing, allows_five)) in EXPECTATIONS.into_iter().enumerate() {
        for (name, there, allowed) in [
            ("absent", false, allows_nothing),
            ("five", true, allows_five),
        ] {
            let name = format!("{name}{number}");
            let before = session_at_five(&*store, &name, there).await?;
            let after = Head {
                version: 6,
                event_count: before.event_count + 1,
                ..full_head(&name)
            };
            let count = after.event_count;
            let change = put(expect, &after, before.event_count, events(count, count));
            let ended = store.commit(&of_sessions(vec![change])).await?;
            check_session_end(&ended, expect, &name, there, allowed)?;
            if allowed {
                is_stored(&*store, &after, &events(1, count)).await?;
            } else if there {
                is_stored(&*store, &before, &events(1, before.event_count)).await?;
            } else {
                is_absent(&*store, &name).await?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn a_session_is_removed_only_as_expected(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for (number, (expect, allows_nothing, allows_five)) in EXPECTATIONS.into_iter().enumerate() {
        for (name, there, allowed) in [
            ("absent", false, allows_nothing),
            ("five", true, allows_five),
        ] {
            let name = format!("{name}{number}");
            let before = session_at_five(&*store, &name, there).await?;
            let ended = store
                .commit(&of_sessions(vec![remove(expect, &name)]))
                .await?;
            check_session_end(&ended, expect, &name, there, allowed)?;
            if there && !allowed {
                is_stored(&*store, &before, &events(1, before.event_count)).await?;
            } else {
                is_absent(&*store, &name).await?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn a_record_is_written_only_as_expected(run: &Run<'_>) -> Check {
    records_change_only_as_expected(run, true).await
}

pub(crate) async fn a_record_is_removed_only_as_expected(run: &Run<'_>) -> Check {
    records_change_only_as_expected(run, false).await
}

async fn records_change_only_as_expected(run: &Run<'_>, write: bool) -> Check {
    let store = run.open().await?;
    for (number, (expect, allows_nothing, allows_five)) in EXPECTATIONS.into_iter().enumerate() {
        for (name, there, allowed) in [
            ("absent", false, allows_nothing),
            ("five", true, allows_five),
        ] {
            let key = format!("{name}{number}");
            let mut before = record("kind", &key);
            before.version = 5;
            if there {
                apply(
                    &*store,
                    &of_records(vec![set(Expect::Absent, before.clone())]),
                )
                .await?;
            }
            let mut after = before.clone();
            after.version = 6;
            after.body = "changed".to_owned();
            let change = if write {
                set(expect, after.clone())
            } else {
                unset(expect, "kind", &key)
            };
            let ended = store.commit(&of_records(vec![change])).await?;
            let expected = if allowed {
                Commit::Applied
            } else {
                Commit::RecordConflict {
                    record_kind: "kind".to_owned(),
                    key: key.clone(),
                    current: there.then_some(5),
                }
            };
            same(
                &format!("the end of a commit that expects {expect:?}"),
                &ended,
                &expected,
            )?;
            let left = match (allowed, write, there) {
                (true, true, _) => Some(after),
                (true, false, _) | (false, _, false) => None,
                (false, _, true) => Some(before),
            };
            same("the record", &store.record("kind", &key).await?, &left)?;
        }
    }
    Ok(())
}

pub(crate) async fn a_stale_version_of_a_session_never_applies(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("s")]).await?;
    for version in 2..=12 {
        let next = Head {
            version,
            ..head("s")
        };
        for stale in (0..version + 3).filter(|stale| *stale != version - 1) {
            let change = put(Expect::Version { version: stale }, &next, 0, Vec::new());
            let conflict = Commit::SessionConflict {
                id: id("s"),
                current: Some(version - 1),
            };
            refuse(&*store, &of_sessions(vec![change]), &conflict).await?;
        }
        let fresh = Expect::Version {
            version: version - 1,
        };
        apply(
            &*store,
            &of_sessions(vec![put(fresh, &next, 0, Vec::new())]),
        )
        .await?;
    }
    let loaded = load(&*store, "s", History::All).await?;
    same("the version", &loaded.head.version, &12)
}

pub(crate) async fn a_stale_version_of_a_record_never_applies(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    apply(
        &*store,
        &of_records(vec![set(Expect::Absent, record("lease", "k"))]),
    )
    .await?;
    for version in 2..=12 {
        let mut next = record("lease", "k");
        next.version = version;
        for stale in (0..version + 3).filter(|stale| *stale != version - 1) {
            let change = set(Expect::Version { version: stale }, next.clone());
            let conflict = Commit::RecordConflict {
                record_kind: "lease".to_owned(),
                key: "k".to_owned(),
                current: Some(version - 1),
            };
            refuse(&*store, &of_records(vec![change]), &conflict).await?;
        }
        let fresh = Expect::Version {
            version: version - 1,
        };
        apply(&*store, &of_records(vec![set(fresh, next.clone())])).await?;
        is_recorded(&*store, &next).await?;
    }
    Ok(())
}

pub(crate) async fn a_conflict_names_the_current_version(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("a"), full_head("b"), head("c")]).await?;
    // One of several changes is refused. The conflict names it with its current version.
    let changes = of_sessions(vec![
        put(Expect::Version { version: 1 }, &head("a"), 0, Vec::new()),
        put(Expect::Version { version: 3 }, &head("b"), 0, Vec::new()),
        remove(Expect::Present, "c"),
    ]);
    let conflict = Commit::SessionConflict {
        id: id("b"),
        current: Some(7),
    };
    refuse(&*store, &changes, &conflict).await?;
    // If several changes are refused, the conflict names any of them.
    let changes = of_sessions(vec![
        put(Expect::Absent, &head("a"), 0, Vec::new()),
        remove(Expect::Present, "d"),
    ]);
    let ended = store.commit(&changes).await?;
    let of_a = Commit::SessionConflict {
        id: id("a"),
        current: Some(1),
    };
    let of_d = Commit::SessionConflict {
        id: id("d"),
        current: None,
    };
    holds(
        ended == of_a || ended == of_d,
        format!("neither of the two refused sessions is named: {ended:?}"),
    )
}

pub(crate) async fn expectations_are_about_the_state_before_the_commit(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut lease = record("lease", "k");
    lease.owner = Some(id("s"));
    let mut changes = of_sessions(vec![put(Expect::Absent, &head("s"), 0, Vec::new())]);
    changes.records.push(set(Expect::Absent, lease.clone()));
    apply(&*store, &changes).await?;
    // Removing the session removes the record, but the version of the record is checked before.
    let mut freed = lease.clone();
    freed.version = 2;
    freed.owner = None;
    let mut changes = of_sessions(vec![remove(Expect::Version { version: 1 }, "s")]);
    changes
        .records
        .push(set(Expect::Version { version: 1 }, freed.clone()));
    apply(&*store, &changes).await?;
    is_absent(&*store, "s").await?;
    is_recorded(&*store, &freed).await
}

/// Creates a session at version 5 with two events, unless it is to be absent. Returns its head.
async fn session_at_five(store: &dyn Store, name: &str, there: bool) -> Check<Head> {
    let at_five = Head {
        version: 5,
        ..head(name)
    };
    if there {
        create_with(store, &at_five, events(1, 2)).await
    } else {
        Ok(at_five)
    }
}

fn check_session_end(
    ended: &Commit,
    expect: Expect,
    name: &str,
    there: bool,
    allowed: bool,
) -> Check {
    let expected = if allowed {
        Commit::Applied
    } else {
        Commit::SessionConflict {
            id: id(name),
            current: there.then_some(5),
        }
    };
    same(
        &format!("the end of a commit that expects {expect:?}"),
        ended,
        &expected,
    )
}
