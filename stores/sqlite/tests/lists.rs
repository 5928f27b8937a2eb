//! Lists and counts of many sessions agree with the core's reference. They use other indexes than
//! those of few sessions.

use crate::common::{Place, head, id, scaled, start, time};
use fastrand::Rng;
use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy, Trash};
use tenure_core::store::tally::{Aggregate, GroupBy, Tally};
use tenure_core::stored::agent::Agent;
use tenure_core::stored::head::Usage;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Head, Phase, Status, SyncStore};
use tenure_sqlite::SqliteOptions;

/// Enough sessions that every kind of filter has many matches, and few.
const SESSIONS: usize = 6000;
const SPAN: i64 = 2000;

fn one_of<T: Clone>(random: &mut Rng, values: &[T]) -> T {
    values[random.usize(0..values.len())].clone()
}

/// A value from a set in which some are frequent and some rare.
fn name(random: &mut Rng, of: &str) -> String {
    let spread = one_of(random, &[1, 1, 4, 400]);
    format!("{of}{}", random.u32(0..spread))
}

fn status(random: &mut Rng) -> Status {
    if random.u32(0..4) > 0 {
        Status::Completed
    } else {
        one_of(random, &Status::ALL)
    }
}

fn phase(random: &mut Rng) -> Phase {
    if random.u32(0..4) > 0 {
        Phase::Executing
    } else {
        one_of(random, &Phase::ALL)
    }
}

fn slot_phase(random: &mut Rng) -> SlotPhase {
    if random.u32(0..9) > 0 {
        SlotPhase::Run
    } else {
        one_of(random, &SlotPhase::ALL)
    }
}

/// Up to three values, or up to twelve.
fn several<T>(random: &mut Rng, value: impl Fn(&mut Rng) -> T) -> Option<Vec<T>> {
    let most = one_of(random, &[4, 13]);
    Some((0..random.u32(0..most)).map(|_| value(random)).collect())
}

fn sessions(random: &mut Rng) -> Vec<Head> {
    (0..SESSIONS)
        .map(|n| {
            let created = random.i64(0..SPAN);
            let mut head = head(&format!(
                "{}-{n}",
                one_of(random, &["a", "B", "c.d", "C_d"])
            ));
            head.created_at = time(created);
            head.updated_at = time(created + random.i64(0..SPAN));
            head.user_id = random.bool().then(|| name(random, "user"));
            head.channel_id = random.bool().then(|| name(random, "channel"));
            head.mode = name(random, "mode");
            head.status = status(random);
            head.parent_id = random.bool().then(|| id(&name(random, "parent")));
            head.agent = random.bool().then(|| {
                Box::new(Agent {
                    phase: phase(random),
                    ..Agent::default()
                })
            });
            head.slot = random.bool().then(|| {
                Box::new(Slot {
                    task_id: name(random, "task"),
                    phase: slot_phase(random),
                    model: name(random, "model"),
                    details: None,
                })
            });
            head.deleted_at = (random.u32(0..9) == 0).then(|| time(0));
            head.task = one_of(random, &["Fix the BUG", "fix", "Größe", "100%_", ""]).to_owned();
            head.iterations = iterations(random);
            head.usage = Usage {
                prompt_tokens: random.u64(..),
                completion_tokens: random.u64(0..1000),
                cost_nanos: random.u64(0..1 << 53),
            };
            head
        })
        .collect()
}

fn iterations(random: &mut Rng) -> u32 {
    let any = random.u32(..);
    one_of(random, &[any, 0, 1, 5, 5, u32::MAX])
}

fn filter(random: &mut Rng) -> Filter {
    let mut filter = Filter {
        trash: one_of(
            random,
            &[Trash::Exclude, Trash::Exclude, Trash::Include, Trash::Only],
        ),
        ..Filter::default()
    };
    for _ in 0..random.u32(0..4) {
        let at = Some(time(random.i64(-10..2 * SPAN)));
        match random.u32(0..17) {
            0 => filter.user_id = Some(name(random, "user")),
            1 => filter.channel_id = Some(name(random, "channel")),
            2 => filter.mode = Some(name(random, "mode")),
            3 => filter.status = several(random, status),
            4 => filter.parent_id = Some(id(&name(random, "parent"))),
            5 => filter.created_after = at,
            6 => filter.created_before = at,
            7 => filter.updated_after = at,
            8 => filter.updated_before = at,
            9 => filter.phase = several(random, phase),
            10 => filter.phase = Some(Phase::ALL.to_vec()),
            11 => filter.task_ids = several(random, |random| name(random, "task")),
            12 => filter.slot_phase = several(random, slot_phase),
            13 => filter.model = Some(name(random, "model")),
            14 => filter.min_iterations = Some(iterations(random)),
            15 => filter.max_iterations = Some(iterations(random)),
            _ => filter.text = Some(one_of(random, &["bug", "FIX", "GRÖSSE", "%", ""]).to_owned()),
        }
    }
    filter
}

#[test]
fn lists_and_counts_of_many_sessions_agree_with_the_reference() {
    for text_index in [None, Some(true)] {
        lists_and_counts_agree(&SqliteOptions {
            text_index,
            ..SqliteOptions::default()
        });
    }
}

fn lists_and_counts_agree(options: &SqliteOptions) {
    let mut random = Rng::with_seed(7);
    let place = Place::new();
    let store = place.open_with(options.clone());
    let sessions = sessions(&mut random);
    store
        .transaction(|store| sessions.iter().for_each(|head| start(store, head.clone())))
        .unwrap();
    for _ in 0..scaled(1000) {
        let order = Order {
            by: one_of(&mut random, &[OrderBy::CreatedAt, OrderBy::UpdatedAt]),
            direction: one_of(&mut random, &[Direction::Asc, Direction::Desc]),
        };
        let after = &sessions[random.usize(0..SESSIONS)];
        let query = ListQuery {
            filter: filter(&mut random),
            order,
            after: random.bool().then(|| order.position(after)),
            offset: if random.bool() { 0 } else { random.u64(0..200) },
            limit: one_of(&mut random, &[1, 10, 100]),
            max_bytes: if random.bool() {
                u64::MAX
            } else {
                random.u64(0..500)
            },
        };
        let (page, expected) = (store.list(&query).unwrap(), query.page(&sessions));
        assert!(page == expected, "{query:?}");
        let users = one_of(&mut random, &[0, 1, 2, u32::MAX]);
        let by = one_of(&mut random, &[None, Some(GroupBy::Model)]);
        for aggregate in [Aggregate::Counts { users }, Aggregate::Values { by }] {
            let mut counted = Tally::new(aggregate);
            sessions
                .iter()
                .filter(|head| query.filter.matches(head))
                .for_each(|head| counted.count(head));
            let tally = store.tally(&query.filter, aggregate).unwrap().unwrap();
            assert!(tally == counted.complete(), "{:?}", query.filter);
        }
    }
}
