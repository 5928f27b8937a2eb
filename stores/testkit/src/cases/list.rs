//! The sessions that match a list query, and their order, one rule at a time. `properties` tests
//! combinations.

use tenure_core::store::filter::{Direction, OrderBy, Trash};
use tenure_core::store::{Expect, ListQuery};
use tenure_core::stored::slot::SlotPhase;
use tenure_core::{Filter, Head, Order, Status, Store, Timestamp};

use crate::check::{Check, same};
use crate::fixture::Run;
use crate::generate;
use crate::sample::{
    apply, at, create, create_with, events, everything, full_head, head, id, ids, least_head, list,
    of_sessions, put, query, remove,
};

pub(crate) const ORDERS: [Order; 4] = [
    Order {
        by: OrderBy::CreatedAt,
        direction: Direction::Desc,
    },
    Order {
        by: OrderBy::CreatedAt,
        direction: Direction::Asc,
    },
    Order {
        by: OrderBy::UpdatedAt,
        direction: Direction::Desc,
    },
    Order {
        by: OrderBy::UpdatedAt,
        direction: Direction::Asc,
    },
];

pub(crate) async fn an_empty_store_lists_nothing(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    for order in ORDERS {
        let all = ListQuery {
            order,
            ..query(everything(), 10)
        };
        let page = list(&*store, &all).await?;
        same("the heads", &page.heads, &Vec::new())?;
        same("whether more follow", &page.more, &false)?;
    }
    create(&*store, &[head("s")]).await?;
    apply(&*store, &of_sessions(vec![remove(Expect::Present, "s")])).await?;
    means(&*store, everything(), &[]).await
}

pub(crate) async fn listed_heads_have_every_field(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let least = create_with(&*store, &least_head("least"), Vec::new()).await?;
    let full = create_with(&*store, &full_head("full"), events(1, 3)).await?;
    let page = list(&*store, &query(everything(), 10)).await?;
    same("the heads", &page.heads, &vec![full.clone(), least.clone()])?;
    // A list contains the last committed state.
    let changed = Head {
        version: 8,
        task: "another".to_owned(),
        event_count: 4,
        ..full
    };
    let change = put(Expect::Version { version: 7 }, &changed, 3, events(4, 4));
    apply(&*store, &of_sessions(vec![change])).await?;
    let page = list(&*store, &query(everything(), 10)).await?;
    same("the heads", &page.heads, &vec![changed, least])
}

pub(crate) async fn every_property_of_a_filter_is_applied(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let full = full_head("full");
    create(&*store, &[full.clone(), least_head("least"), head("plain")]).await?;
    let only_full = [
        Filter {
            user_id: full.user_id.clone(),
            ..everything()
        },
        Filter {
            channel_id: full.channel_id.clone(),
            ..everything()
        },
        Filter {
            mode: Some(full.mode.clone()),
            ..everything()
        },
        Filter {
            status: Some(vec![Status::Abandoned]),
            ..everything()
        },
        Filter {
            task_ids: Some(vec!["another".to_owned(), "task".to_owned()]),
            ..everything()
        },
        Filter {
            slot_phase: Some(vec![SlotPhase::Verify]),
            ..everything()
        },
        Filter {
            model: Some("a model".to_owned()),
            ..everything()
        },
        Filter {
            parent_id: full.parent_id.clone(),
            ..everything()
        },
        Filter {
            created_after: Some(full.created_at),
            ..everything()
        },
        Filter {
            updated_after: Some(full.updated_at),
            ..everything()
        },
        Filter {
            min_iterations: Some(full.iterations),
            ..everything()
        },
        Filter {
            text: Some("break".to_owned()),
            ..everything()
        },
        Filter {
            trash: Trash::Only,
            ..everything()
        },
    ];
    for filter in only_full {
        means(&*store, filter, &["full"]).await?;
    }
    let before = Filter {
        created_before: Some(at(1_767_895_530_000)),
        ..everything()
    };
    means(&*store, before, &["plain", "least"]).await?;
    let before = Filter {
        updated_before: Some(at(0)),
        ..everything()
    };
    means(&*store, before, &["least"]).await?;
    let most = Filter {
        max_iterations: Some(full.iterations - 1),
        ..everything()
    };
    means(&*store, most, &["plain", "least"]).await?;
    // All properties must match.
    let both = Filter {
        user_id: full.user_id,
        mode: Some("developer".to_owned()),
        ..everything()
    };
    means(&*store, both, &[]).await?;
    let several = Filter {
        status: Some(vec![Status::Abandoned, Status::Active, Status::Abandoned]),
        ..everything()
    };
    means(&*store, several, &["full", "plain", "least"]).await?;
    // A missing text is different from an empty text.
    let empty = Filter {
        user_id: Some(String::new()),
        ..everything()
    };
    means(&*store, empty, &[]).await?;
    let empty = Filter {
        mode: Some(String::new()),
        ..everything()
    };
    means(&*store, empty, &["least"]).await
}

pub(crate) async fn text_is_found_ignoring_ascii_case(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let tasks = [
        ("a", "Fix the PARSER"),
        ("b", "ÄPFEL schälen"),
        ("c", "0 \u{212a} is cold"),
        ("d", ""),
    ];
    create_tasks(&*store, &tasks).await?;
    for (text, expected) in [
        ("fix", &["a"][..]),
        ("FIX THE p", &["a"]),
        ("parser", &["a"]),
        ("parsers", &[]),
        ("pfel", &["b"]),
        ("äpfel", &[]),
        ("ÄPFEL", &["b"]),
        ("SCHäLEN", &["b"]),
        // In Unicode, the Kelvin sign is a capital k.
        ("k", &[]),
        ("\u{212a}", &["c"]),
        ("", &["d", "c", "b", "a"]),
    ] {
        finds(&*store, text, expected).await?;
    }
    // Only the task is searched; names must be equal.
    let users = Filter {
        user_id: Some("USER".to_owned()),
        ..everything()
    };
    means(&*store, users, &[]).await
}

pub(crate) async fn text_is_taken_literally(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let tasks = [
        ("a", "100% done"),
        ("b", "100 done"),
        ("c", "snake_case"),
        ("d", "snakeXcase"),
        ("e", "a*b?[c]"),
        ("f", "back\\slash and 'quotes' \"twice\""),
        ("g", "line\nbreak and 🦀"),
    ];
    create_tasks(&*store, &tasks).await?;
    for (text, expected) in [
        ("%", &["a"][..]),
        ("0%", &["a"]),
        ("1%d", &[]),
        ("_", &["c"]),
        ("E_C", &["c"]),
        ("*", &["e"]),
        ("a*", &["e"]),
        ("?", &["e"]),
        ("[c]", &["e"]),
        (".", &[]),
        ("^", &[]),
        ("\\", &["f"]),
        ("'", &["f"]),
        ("''", &[]),
        ("\"twice\"", &["f"]),
        ("\n", &["g"]),
        ("e\nb", &["g"]),
        ("🦀", &["g"]),
        (" ", &["g", "f", "b", "a"]),
    ] {
        finds(&*store, text, expected).await?;
    }
    Ok(())
}

pub(crate) async fn an_empty_list_of_statuses_matches_nothing(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &[head("a"), full_head("b")]).await?;
    let none = Filter {
        status: Some(Vec::new()),
        ..everything()
    };
    means(&*store, none, &[]).await?;
    let all = Filter {
        status: Some(Status::ALL.to_vec()),
        ..everything()
    };
    means(&*store, all, &["b", "a"]).await
}

pub(crate) async fn bounds_of_time_are_inclusive(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let heads = [("a", 10), ("b", 20), ("c", 30)].map(|(name, millis)| Head {
        created_at: at(millis),
        updated_at: at(millis + 1000),
        ..head(name)
    });
    create(&*store, &heads).await?;
    for (after, before, expected) in [
        (Some(20), None, &["c", "b"][..]),
        (Some(21), None, &["c"]),
        (None, Some(20), &["b", "a"]),
        (None, Some(19), &["a"]),
        (Some(20), Some(20), &["b"]),
        (Some(30), Some(10), &[]),
        (Some(31), None, &[]),
    ] {
        let created = Filter {
            created_after: after.map(at),
            created_before: before.map(at),
            ..everything()
        };
        means(&*store, created, expected).await?;
        let updated = Filter {
            updated_after: after.map(|millis| at(millis + 1000)),
            updated_before: before.map(|millis| at(millis + 1000)),
            ..everything()
        };
        means(&*store, updated, expected).await?;
    }
    Ok(())
}

pub(crate) async fn bounds_of_iterations_are_inclusive(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    // Numbers with different lengths are ordered wrongly if they are compared as text.
    let heads = [("a", 0), ("b", 9), ("c", 10), ("d", u32::MAX)].map(|(name, iterations)| Head {
        iterations,
        ..head(name)
    });
    create(&*store, &heads).await?;
    for (least, most, expected) in [
        (Some(0), None, &["d", "c", "b", "a"][..]),
        (Some(9), None, &["d", "c", "b"]),
        (Some(10), None, &["d", "c"]),
        (Some(u32::MAX), None, &["d"]),
        (None, Some(0), &["a"]),
        (None, Some(9), &["b", "a"]),
        (None, Some(u32::MAX), &["d", "c", "b", "a"]),
        (Some(9), Some(10), &["c", "b"]),
        (Some(10), Some(9), &[]),
    ] {
        let filter = Filter {
            min_iterations: least,
            max_iterations: most,
            ..everything()
        };
        means(&*store, filter, expected).await?;
    }
    Ok(())
}

pub(crate) async fn the_trash_is_listed_separately(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    // The time 0 is an ordinary time.
    let thrown = [("b", at(0)), ("c", at(5))].map(|(name, time)| Head {
        deleted_at: Some(time),
        ..head(name)
    });
    create(&*store, &[head("a")]).await?;
    create(&*store, &thrown).await?;
    let with = |trash: Trash| Filter {
        trash,
        ..Filter::default()
    };
    means(&*store, with(Trash::Exclude), &["a"]).await?;
    means(&*store, with(Trash::Only), &["c", "b"]).await?;
    means(&*store, with(Trash::Include), &["c", "b", "a"]).await?;
    let restored = Head {
        version: 2,
        ..head("b")
    };
    let change = put(Expect::Version { version: 1 }, &restored, 0, Vec::new());
    apply(&*store, &of_sessions(vec![change])).await?;
    means(&*store, with(Trash::Exclude), &["b", "a"]).await?;
    means(&*store, with(Trash::Only), &["c"]).await
}

pub(crate) async fn times_at_the_ends_of_the_calendar_are_ordered(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    // Numbers with different lengths and signs are ordered wrongly if they are compared as text.
    let times = [
        Timestamp::MIN,
        at(-1000),
        at(-1),
        at(0),
        at(9),
        at(10),
        at(99),
        Timestamp::MAX,
    ];
    let heads: Vec<Head> = times
        .into_iter()
        .zip(["f", "c", "h", "a", "g", "b", "e", "d"])
        .map(|(time, name)| Head {
            created_at: time,
            updated_at: time,
            ..head(name)
        })
        .collect();
    create(&*store, &heads).await?;
    let mut expected = vec!["f", "c", "h", "a", "g", "b", "e", "d"];
    for order in ORDERS {
        let all = ListQuery {
            order,
            ..query(everything(), 10)
        };
        expected.sort_by_key(|name| heads.iter().position(|head| head.id == id(name)));
        if order.direction == Direction::Desc {
            expected.reverse();
        }
        let page = list(&*store, &all).await?;
        same(
            &format!("the sessions in order {order:?}"),
            &ids(&page.heads),
            &expected,
        )?;
    }
    Ok(())
}

pub(crate) async fn ties_are_ordered_by_the_bytes_of_ids(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    // Ids are ordered by their bytes; a collation for a language orders them differently.
    let sorted = [
        "0", "1", "10", "2", "A", "A-b", "A.b", "A_b", "B", "Z", "a", "a-b", "a.b", "aB", "a_b",
        "ab", "b",
    ];
    let mut shuffled = sorted;
    generate::shuffle(&mut fastrand::Rng::with_seed(1), &mut shuffled);
    create(&*store, &shuffled.map(head)).await?;
    for order in ORDERS {
        let mut expected = sorted.to_vec();
        if order.direction == Direction::Desc {
            expected.reverse();
        }
        let all = ListQuery {
            order,
            ..query(everything(), 100)
        };
        let page = list(&*store, &all).await?;
        same(
            &format!("the sessions in order {order:?}"),
            &ids(&page.heads),
            &expected,
        )?;
        for (place, name) in expected.iter().enumerate() {
            let rest = ListQuery {
                after: Some(order.position(&head(name))),
                ..all.clone()
            };
            let page = list(&*store, &rest).await?;
            same(
                &format!("the sessions after {name}"),
                &ids(&page.heads),
                &expected[place + 1..].to_vec(),
            )?;
        }
    }
    Ok(())
}

/// Checks which sessions match a filter, newest first.
async fn means(store: &dyn Store, filter: Filter, expected: &[&str]) -> Check {
    let what = format!("the sessions of {filter:?}");
    let page = list(store, &query(filter, 100)).await?;
    same(&what, &ids(&page.heads), &expected.to_vec())
}

async fn finds(store: &dyn Store, text: &str, expected: &[&str]) -> Check {
    let filter = Filter {
        text: Some(text.to_owned()),
        ..everything()
    };
    means(store, filter, expected).await
}

/// Creates a session for each task. All have the same time, so the last name is listed first.
async fn create_tasks(store: &dyn Store, tasks: &[(&str, &str)]) -> Check {
    let heads: Vec<Head> = tasks
        .iter()
        .map(|(name, task)| Head {
            task: (*task).to_owned(),
            ..head(name)
        })
        .collect();
    create(store, &heads).await
}
