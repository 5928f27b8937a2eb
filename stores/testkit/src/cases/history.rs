//! Events keep every field, and windows of the history contain the right events.

use tenure_core::store::feed::ChangeKind;
use tenure_core::store::{Expect, SessionChange, SessionWrite};
use tenure_core::{Event, Head, History, Store, Timestamp};

use crate::check::{Check, same};
use crate::fixture::Run;
use crate::sample::{
    MAX_SAFE, apply, at, create_with, event, events, head, is_stored, json, load, of_sessions, put,
};

pub(crate) async fn every_field_of_an_event_is_stored(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let stored = vec![
        Event {
            timestamp: Timestamp::MIN,
            kind: String::new(),
            data: json("{}"),
            ..event(1)
        },
        Event {
            timestamp: Timestamp::MAX,
            kind: "Grüße 🦀 ' \" \\".to_owned(),
            data: json("null"),
            ..event(2)
        },
        Event {
            timestamp: Timestamp::default(),
            kind: "custom".to_owned(),
            data: json(r#"["any",{"JSON":1.50}]"#),
            ..event(3)
        },
    ];
    let head = create_with(&*store, &head("s"), stored.clone()).await?;
    is_stored(&*store, &head, &stored).await
}

pub(crate) async fn without_history_only_the_head_is_loaded(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    shows(&*store, "empty", 0, History::None, &[]).await?;
    shows(&*store, "s", 3, History::None, &[]).await
}

pub(crate) async fn the_last_events_are_loaded(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for (count, expected) in [
        (0, events(1, 0)),
        (1, events(12, 12)),
        (3, events(10, 12)),
        (11, events(2, 12)),
        (12, events(1, 12)),
        (13, events(1, 12)),
        (u32::MAX, events(1, 12)),
    ] {
        shows(&*store, "s", 12, History::Last { count }, &expected).await?;
        shows(&*store, "empty", 0, History::Last { count }, &[]).await?;
    }
    Ok(())
}

pub(crate) async fn the_events_after_a_number_are_loaded(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for (sequence, limit, expected) in [
        (0, 0, events(1, 0)),
        (0, 1, events(1, 1)),
        (0, 12, events(1, 12)),
        (0, u32::MAX, events(1, 12)),
        (5, 0, events(1, 0)),
        (5, 3, events(6, 8)),
        (9, 3, events(10, 12)),
        (9, 4, events(10, 12)),
        (11, 1, events(12, 12)),
        (12, 1, events(1, 0)),
        (13, 5, events(1, 0)),
        (MAX_SAFE, u32::MAX, events(1, 0)),
    ] {
        let history = History::After { sequence, limit };
        shows(&*store, "s", 12, history, &expected).await?;
        shows(&*store, "empty", 0, history, &[]).await?;
    }
    Ok(())
}

pub(crate) async fn the_whole_history_is_loaded(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    shows(&*store, "empty", 0, History::All, &[]).await?;
    shows(&*store, "one", 1, History::All, &events(1, 1)).await?;
    shows(&*store, "many", 1500, History::All, &events(1, 1500)).await
}

pub(crate) async fn appends_of_many_commits_keep_their_order(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut stored = create_with(&*store, &head("s"), events(1, 2)).await?;
    let mut count = 2;
    // More than 9, 10 and 100 events: numbers that are compared as text are ordered wrongly there.
    for added in [1, 0, 7, 1, 3, 40, 60] {
        let next = Head {
            version: stored.version + 1,
            ..stored.clone()
        };
        let expect = Expect::Version {
            version: stored.version,
        };
        let change = put(expect, &next, count, events(count + 1, count + added));
        apply(&*store, &of_sessions(vec![change])).await?;
        count += added;
        stored = Head {
            event_count: count,
            ..next
        };
        is_stored(&*store, &stored, &events(1, count)).await?;
    }
    let last = load(&*store, "s", History::Last { count: 20 }).await?;
    same("the last events", &last.events, &events(count - 19, count))
}

pub(crate) async fn events_are_ordered_by_number_not_by_time(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let backwards: Vec<Event> = (1..=20)
        .map(|sequence| Event {
            timestamp: at(1_767_895_530_000 - (sequence as i64) * 1000),
            ..event(sequence)
        })
        .collect();
    let head = create_with(&*store, &head("s"), backwards.clone()).await?;
    is_stored(&*store, &head, &backwards).await?;
    let last = load(&*store, "s", History::Last { count: 2 }).await?;
    same("the last events", &last.events, &backwards[18..].to_vec())
}

pub(crate) async fn a_put_without_events_keeps_the_history(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create_with(&*store, &head("s"), events(1, 5)).await?;
    let next = Head {
        version: 2,
        task: "another".to_owned(),
        event_count: 5,
        ..head("s")
    };
    let change = put(Expect::Version { version: 1 }, &next, 5, Vec::new());
    apply(&*store, &of_sessions(vec![change])).await?;
    is_stored(&*store, &next, &events(1, 5)).await
}

pub(crate) async fn replacing_a_history_removes_and_renumbers_it(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create_with(&*store, &head("other"), events(1, 3)).await?;
    create_with(&*store, &head("s"), events(1, 9)).await?;
    for (version, count) in [(1, 4), (2, 12), (3, 0), (4, 2)] {
        let replacement: Vec<Event> = (1..=count)
            .map(|sequence| Event {
                kind: format!("replaced in {version}"),
                ..event(sequence)
            })
            .collect();
        let next = Head {
            version: version + 1,
            event_count: count,
            ..head("s")
        };
        let change = SessionChange {
            id: next.id.clone(),
            expect: Expect::Version { version },
            write: SessionWrite::Put {
                head: Box::new(next.clone()),
                change: ChangeKind::Updated,
                replace_history: true,
                events: replacement.clone(),
            },
        };
        apply(&*store, &of_sessions(vec![change])).await?;
        is_stored(&*store, &next, &replacement).await?;
        let last = load(&*store, "s", History::Last { count: 1 }).await?;
        let expected = replacement.last().cloned().into_iter().collect();
        same("the last event", &last.events, &expected)?;
    }
    let next = Head {
        version: 6,
        event_count: 3,
        ..head("s")
    };
    let change = put(Expect::Version { version: 5 }, &next, 2, events(3, 3));
    apply(&*store, &of_sessions(vec![change])).await?;
    let after = History::After {
        sequence: 2,
        limit: 9,
    };
    same(
        "the appended event",
        &load(&*store, "s", after).await?.events,
        &events(3, 3),
    )?;
    let other = load(&*store, "other", History::All).await?;
    same("the other session's history", &other.events, &events(1, 3))
}

pub(crate) async fn histories_of_sessions_with_similar_ids_do_not_mix(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let names = ["a", "a.", "a.1", "a-1", "a_1", "a1", "A", "a.0", "aa", "b"];
    let of = |name: &str| -> Vec<Event> {
        let named = |event: Event| Event {
            data: json(format!(r#"{{"of":"{name}"}}"#)),
            ..event
        };
        events(1, 12).into_iter().map(named).collect()
    };
    for name in names {
        create_with(&*store, &head(name), of(name)).await?;
    }
    for name in names {
        let loaded = load(&*store, name, History::All).await?;
        same("the history", &loaded.events, &of(name))?;
        let last = load(&*store, name, History::Last { count: 3 }).await?;
        same("the last events", &last.events, &of(name)[9..].to_vec())?;
    }
    Ok(())
}

pub(crate) async fn head_and_history_are_consistent(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create_with(&*store, &head("s"), Vec::new()).await?;
    for count in 1..=30 {
        let next = Head {
            version: count + 1,
            ..head("s")
        };
        let change = put(
            Expect::Version { version: count },
            &next,
            count - 1,
            events(count, count),
        );
        apply(&*store, &of_sessions(vec![change])).await?;
        let loaded = load(&*store, "s", History::Last { count: 1 }).await?;
        same("the version", &loaded.head.version, &(count + 1))?;
        same("the number of events", &loaded.head.event_count, &count)?;
        same("the last event", &loaded.events, &events(count, count))?;
    }
    Ok(())
}

/// Checks the result of a window for a session with this number of events, which is created if it
/// does not exist.
async fn shows(
    store: &dyn Store,
    name: &str,
    count: u64,
    window: History,
    expected: &[Event],
) -> Check {
    let mut stored = head(name);
    stored.event_count = count;
    if store.load(&stored.id, History::None).await?.is_none() {
        create_with(store, &stored, events(1, count)).await?;
    }
    let loaded = load(store, name, window).await?;
    let what = |part: &str| format!("the {part} of {window:?} of {count} events");
    same(&what("head"), &loaded.head, &stored)?;
    same(&what("events"), &loaded.events, &expected.to_vec())
}
