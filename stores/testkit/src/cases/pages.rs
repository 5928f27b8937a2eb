//! A list can be read page by page: every session once, whatever is written in between.

use tenure_core::store::{Expect, ListQuery};
use tenure_core::{Filter, Head, Store};

use crate::cases::list::ORDERS;
use crate::check::{Check, holds, same};
use crate::fixture::Run;
use crate::generate;
use crate::sample::everything;
use crate::sample::{apply, at, create, head, id, ids, json, list, of_sessions, query, remove};

pub(crate) async fn pages_cover_every_session_once(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut rng = fastrand::Rng::with_seed(2);
    let heads = generate::heads(&mut rng, run.sessions(120));
    create(&*store, &heads).await?;
    for order in ORDERS {
        for (filter, limit) in [
            (everything(), 1),
            (everything(), 7),
            (Filter::default(), 10),
        ] {
            let first = ListQuery {
                order,
                ..query(filter, limit)
            };
            let whole = ListQuery {
                limit: 1000,
                ..first.clone()
            };
            let expected = whole.page(&heads).heads;
            let found = read_pages(&*store, first).await?;
            same(
                &format!("the pages in order {order:?}"),
                &ids(&found),
                &ids(&expected),
            )?;
        }
    }
    Ok(())
}

pub(crate) async fn pages_are_complete_while_sessions_are_added(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut rng = fastrand::Rng::with_seed(3);
    let mut names: Vec<String> = Vec::new();
    // There are few different times, so that new sessions have the position at which a page ends.
    let mut grow = |rng: &mut fastrand::Rng, count: usize| -> Vec<Head> {
        let grown = (0..count).map(|_| {
            let letter = generate::letter(rng);
            names.push(format!("{letter}{}", names.len()));
            Head {
                created_at: at(rng.i64(0..5)),
                updated_at: at(rng.i64(0..5)),
                ..head(names.last().map_or("s", String::as_str))
            }
        });
        grown.collect()
    };
    for order in ORDERS {
        let before = list(&*store, &query(everything(), 1000)).await?.heads;
        let added = grow(&mut rng, 20);
        create(&*store, &added).await?;
        let mut there = before;
        there.extend(added);
        let mut found: Vec<Head> = Vec::new();
        let mut next = ListQuery {
            order,
            ..query(everything(), 6)
        };
        loop {
            let page = list(&*store, &next).await?;
            found.extend(page.heads.iter().cloned());
            holds(found.len() < 1000, "the pages do not end")?;
            let Some(last) = page.heads.last().filter(|_| page.more) else {
                break;
            };
            next.after = Some(order.position(last));
            create(&*store, &grow(&mut rng, 2)).await?;
        }
        let ordered = found.windows(2).all(|pair| match pair {
            [a, b] => order.compare(a, b).is_lt(),
            _ => true,
        });
        holds(ordered, "a page repeats a session or goes back")?;
        for head in &there {
            let times = found.iter().filter(|found| found.id == head.id).count();
            same(&format!("how often {} is listed", head.id), &times, &1)?;
        }
    }
    Ok(())
}

pub(crate) async fn a_page_can_begin_after_a_removed_session(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let heads = ["a", "b", "c", "d"].map(head);
    create(&*store, &heads).await?;
    for (order, expected) in ORDERS.into_iter().zip([["a"], ["d"], ["a"], ["d"]]) {
        let gone = if expected == ["a"] { "b" } else { "c" };
        apply(&*store, &of_sessions(vec![remove(Expect::Any, gone)])).await?;
        let rest = ListQuery {
            order,
            after: Some(order.position(&head(gone))),
            ..query(everything(), 10)
        };
        let page = list(&*store, &rest).await?;
        same(
            "the sessions after one that is gone",
            &ids(&page.heads),
            &expected.to_vec(),
        )?;
    }
    Ok(())
}

pub(crate) async fn an_offset_skips_sessions(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    create(&*store, &["a", "b", "c", "d", "e"].map(head)).await?;
    let sorted = ["e", "d", "c", "b", "a"];
    for offset in [0, 1, 3, 4, 5, 6, 1_000_000] {
        for limit in [1, 2, 5, 10] {
            let skipping = ListQuery {
                offset,
                ..query(everything(), limit)
            };
            let page = list(&*store, &skipping).await?;
            let rest = sorted.get(offset as usize..).unwrap_or_default();
            let expected = rest.get(..limit as usize).unwrap_or(rest);
            let what = format!("the page of {limit} at {offset}");
            same(&what, &ids(&page.heads), &expected.to_vec())?;
            same(
                "whether more follow",
                &page.more,
                &(rest.len() > limit as usize),
            )?;
        }
    }
    // The offset starts at the position of the cursor, and counts matching sessions.
    let both = ListQuery {
        after: Some(tenure_core::Order::default().position(&head("d"))),
        offset: 1,
        ..query(everything(), 10)
    };
    same(
        "the page",
        &ids(&list(&*store, &both).await?.heads),
        &vec!["b", "a"],
    )
}

pub(crate) async fn more_is_true_exactly_if_sessions_follow(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let heads: Vec<Head> = ["a", "b", "c", "d", "e", "f"]
        .into_iter()
        .enumerate()
        .map(|(number, name)| Head {
            mode: ["even", "odd"][number % 2].to_owned(),
            ..head(name)
        })
        .collect();
    create(&*store, &heads).await?;
    let odd = Filter {
        mode: Some("odd".to_owned()),
        ..everything()
    };
    for (filter, count) in [(everything(), 6), (odd, 3)] {
        for limit in 1..=8 {
            let page = list(&*store, &query(filter.clone(), limit)).await?;
            same(
                "the length of the page",
                &page.heads.len(),
                &limit.min(count).try_into().unwrap_or(0),
            )?;
            let what = format!("whether more than {limit} of {count} follow");
            same(&what, &page.more, &(limit < count))?;
        }
    }
    let none = Filter {
        mode: Some("none".to_owned()),
        ..everything()
    };
    let page = list(&*store, &query(none, 1)).await?;
    same("whether more than nothing follows", &page.more, &false)?;
    let largest = list(&*store, &query(everything(), u32::MAX)).await?;
    same("the length of the largest page", &largest.heads.len(), &6)
}

pub(crate) async fn a_page_may_end_early_but_is_never_empty(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let heads: Vec<Head> = (0..12)
        .map(|number| Head {
            context: json(format!(r#"{{"a":"{}"}}"#, "x".repeat(number * 1000))),
            ..head(&format!("s{}", number * 7 % 12))
        })
        .collect();
    create(&*store, &heads).await?;
    for max_bytes in [0, 1, 1000, 5000, 20_000, 1 << 20] {
        let mut found: Vec<Head> = Vec::new();
        let mut next = ListQuery {
            max_bytes,
            ..query(everything(), 8)
        };
        loop {
            let page = list(&*store, &next).await?;
            let bytes: u64 = page.heads.iter().map(Head::user_bytes).sum();
            holds(
                !page.heads.is_empty(),
                "a page is empty though sessions follow",
            )?;
            holds(
                page.heads.len() == 8 || !page.more || bytes > max_bytes,
                format!("a page ends after {bytes} of {max_bytes} bytes though more follow"),
            )?;
            next.after = page.heads.last().map(|last| next.order.position(last));
            found.extend(page.heads);
            holds(found.len() <= heads.len(), "the pages do not end")?;
            if !page.more {
                break;
            }
        }
        let whole = query(everything(), 100).page(&heads).heads;
        same(
            &format!("the pages of {max_bytes} bytes"),
            &ids(&found),
            &ids(&whole),
        )?;
    }
    // A session is listed whatever its size, and a page that ends at the byte limit is not the last
    // one.
    let smallest = ListQuery {
        max_bytes: 0,
        ..query(everything(), 1)
    };
    same(
        "the length of the page",
        &list(&*store, &smallest).await?.heads.len(),
        &1,
    )?;
    same("an id", &heads[0].id, &id("s0"))
}

/// Reads all pages of a list.
async fn read_pages(store: &dyn Store, mut next: ListQuery) -> Check<Vec<Head>> {
    let mut found: Vec<Head> = Vec::new();
    loop {
        let page = list(store, &next).await?;
        holds(
            !page.more || page.heads.len() == next.limit as usize,
            "a page is short though more follow",
        )?;
        next.after = page.heads.last().map(|last| next.order.position(last));
        found.extend(page.heads);
        holds(found.len() < 1000, "the pages do not end")?;
        if !page.more {
            return Ok(found);
        }
    }
}
