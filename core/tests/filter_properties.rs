//! Properties of orders, cursors and filters: orders are total, a cursor encodes its position, the
//! pages of a list contain every session once, and a filter matches if each of its properties
//! matches.

use std::cmp::Ordering;

use proptest::prelude::*;
use tenure_core::store::ListQuery;
use tenure_core::store::filter::{Direction, OrderBy, Trash};
use tenure_core::stored::agent::Agent;
use tenure_core::stored::slot::{Slot, SlotPhase};
use tenure_core::{Filter, Head, Order, Phase, Position, SessionId, Status, Timestamp};

fn order() -> impl Strategy<Value = Order> {
    (any::<bool>(), any::<bool>()).prop_map(|(by_update, ascending)| Order {
        by: if by_update {
            OrderBy::UpdatedAt
        } else {
            OrderBy::CreatedAt
        },
        direction: if ascending {
            Direction::Asc
        } else {
            Direction::Desc
        },
    })
}

fn id() -> impl Strategy<Value = SessionId> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,127}".prop_map(|id| SessionId::parse(&id).unwrap())
}

/// An id from a small set, so that equal ids occur.
fn short_id() -> impl Strategy<Value = SessionId> {
    "[aB1][.-]?[aB1]?".prop_map(|id| SessionId::parse(&id).unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis(),
        -1i64..3,
        Just(Timestamp::MIN.as_millis()),
        Just(Timestamp::MAX.as_millis()),
    ]
    .prop_map(|millis| Timestamp::from_millis(millis).unwrap())
}

fn iterations() -> impl Strategy<Value = u32> + Clone {
    prop::sample::select(vec![0, 1, 1, 2, u32::MAX])
}

fn text() -> impl Strategy<Value = String> {
    "[aAbBkK%_äÄßſ\u{212a} ]{0,6}"
}

fn some<T: std::fmt::Debug + Clone>(
    of: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.3, of)
}

fn status() -> impl Strategy<Value = Status> + Clone {
    prop::sample::select(Status::ALL.to_vec())
}

fn phase() -> impl Strategy<Value = Phase> + Clone {
    prop::sample::select(Phase::ALL.to_vec())
}

fn slot_phase() -> impl Strategy<Value = SlotPhase> + Clone {
    prop::sample::select(SlotPhase::ALL.to_vec())
}

fn slot() -> impl Strategy<Value = Slot> + Clone {
    ("[tT]?", slot_phase(), "[mM]?").prop_map(|(task_id, phase, model)| Slot {
        task_id,
        phase,
        model,
        details: None,
    })
}

fn head() -> impl Strategy<Value = Head> {
    let name = || some("[aA]?");
    let names = (name(), name(), "[aA]?", some("[aB]"));
    let numbers = (time(), time(), some(time().boxed()), iterations());
    let states = (status(), some(phase()), some(slot()));
    (short_id(), names, text(), states, numbers).prop_map(|(id, names, task, states, numbers)| {
        let (user_id, channel_id, mode, parent) = names;
        let mut head: Head = serde_json::from_str(HEAD).unwrap();
        head.id = id;
        head.user_id = user_id;
        head.channel_id = channel_id;
        head.mode = mode;
        head.parent_id = parent.map(|id| SessionId::parse(&id).unwrap());
        head.task = task;
        head.status = states.0;
        head.agent = states.1.map(|phase| {
            Box::new(Agent {
                phase,
                ..Agent::default()
            })
        });
        head.slot = states.2.map(Box::new);
        (
            head.created_at,
            head.updated_at,
            head.deleted_at,
            head.iterations,
        ) = numbers;
        head
    })
}

/// Heads with different ids.
pub(crate) fn heads() -> impl Strategy<Value = Vec<Head>> {
    prop::collection::vec(head(), 0..30).prop_map(|mut heads| {
        heads.sort_by(|a, b| a.id.cmp(&b.id));
        heads.dedup_by(|a, b| a.id == b.id);
        heads
    })
}

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let names = (some("[aA]?"), some("[aA]?"), some("[aA]?"), some("[aB]"));
    let statuses = some(prop::collection::vec(status(), 0..4).boxed());
    let bound = || some(time().boxed());
    let bounds = (bound(), bound(), bound(), bound());
    let numbers = (some(iterations()), some(iterations()));
    let trash = prop::sample::select(vec![Trash::Exclude, Trash::Only, Trash::Include]);
    let slots = (
        some(prop::collection::vec("[tT]?", 0..3)),
        some(prop::collection::vec(slot_phase(), 0..3)),
        some("[mM]?"),
    );
    let phases = some(prop::collection::vec(phase(), 0..4).boxed());
    (
        names,
        (statuses, phases),
        (bounds, numbers),
        some(text().boxed()),
        (trash, slots),
    )
        .prop_map(
            |(names, (status, phase), (bounds, numbers), text, (trash, slots))| Filter {
                user_id: names.0,
                channel_id: names.1,
                mode: names.2,
                parent_id: names.3.map(|id| SessionId::parse(&id).unwrap()),
                status,
                phase,
                task_ids: slots.0,
                slot_phase: slots.1,
                model: slots.2,
                created_after: bounds.0,
                created_before: bounds.1,
                updated_after: bounds.2,
                updated_before: bounds.3,
                min_iterations: numbers.0,
                max_iterations: numbers.1,
                text,
                trash,
            },
        )
}

pub(crate) fn query(filter: Filter, order: Order, limit: u32) -> ListQuery {
    ListQuery {
        filter,
        order,
        after: None,
        offset: 0,
        limit,
        max_bytes: u64::MAX,
    }
}

proptest! {
    #[test]
    fn a_cursor_is_decoded_to_its_position(at in time(), id in id(), order in order()) {
        let position = Position { at, id };
        let cursor = position.to_cursor(order);
        prop_assert_eq!(Position::from_cursor(&cursor, order).unwrap(), position);
        prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_graphic()), "{}", cursor);
    }

    #[test]
    fn a_cursor_is_refused_for_another_order(at in time(), id in id(), a in order(), b in order()) {
        let cursor = Position { at, id }.to_cursor(a);
        match Position::from_cursor(&cursor, b) {
            Ok(_) => prop_assert_eq!(a, b),
            Err(error) => {
                prop_assert_ne!(a, b);
                prop_assert_eq!(error.code(), "INVALID_CURSOR");
            }
        }
    }

    #[test]
    fn an_invalid_cursor_is_refused(
        text in prop_oneof![any::<String>(), "[cu][ad]\\.[-+0-9]{0,20}\\.[a./\\-]{0,5}"],
        order in order(),
    ) {
        match Position::from_cursor(&text, order) {
            // A number has several spellings, which encode the same position.
            Ok(position) => {
                let cursor = position.to_cursor(order);
                prop_assert_eq!(Position::from_cursor(&cursor, order).unwrap(), position);
            }
            Err(error) => prop_assert_eq!(error.code(), "INVALID_CURSOR"),
        }
    }

    #[test]
    fn an_order_is_total(a in head(), b in head(), c in head(), order in order()) {
        prop_assert_eq!(order.compare(&a, &b), order.compare(&b, &a).reverse());
        prop_assert_eq!(order.compare(&a, &a), Ordering::Equal);
        let mut sorted = [&a, &b, &c];
        sorted.sort_by(|a, b| order.compare(a, b));
        for (before, after) in [(0, 1), (1, 2), (0, 2)] {
            prop_assert!(order.compare(sorted[before], sorted[after]).is_le());
        }
        // Sessions are equal in the order only if their ids and times are equal.
        let same = order.position(&a) == order.position(&b);
        prop_assert_eq!(order.compare(&a, &b).is_eq(), same);
        let other = Order {
            direction: match order.direction {
                Direction::Asc => Direction::Desc,
                Direction::Desc => Direction::Asc,
            },
            ..order
        };
        prop_assert_eq!(other.compare(&a, &b), order.compare(&b, &a));
    }

    #[test]
    fn the_pages_of_a_list_contain_every_session_once(
        heads in heads(),
        filter in filter(),
        order in order(),
        limit in 1u32..8,
        max_bytes in prop_oneof![Just(0), Just(5), Just(u64::MAX)],
    ) {
        let whole = query(filter.clone(), order, u32::MAX).page(&heads);
        prop_assert!(!whole.more);
        prop_assert!(whole.heads.iter().is_sorted_by(|a, b| order.compare(a, b).is_lt()));
        let meant = heads.iter().filter(|head| filter.matches(head)).count();
        prop_assert_eq!(whole.heads.len(), meant);

        let mut next = query(filter, order, limit);
        next.max_bytes = max_bytes;
        let mut found: Vec<Head> = Vec::new();
        loop {
            let page = next.page(&heads);
            prop_assert!(page.heads.len() <= limit as usize);
            prop_assert!(!page.heads.is_empty() || !page.more);
            next.after = page.heads.last().map(|head| order.position(head));
            found.extend(page.heads);
            if !page.more {
                break;
            }
        }
        prop_assert_eq!(found, whole.heads);
    }

    #[test]
    fn an_offset_skips_that_number_of_sessions(
        heads in heads(),
        order in order(),
        offset in 0usize..40,
        limit in 1u32..40,
    ) {
        let filter = Filter { trash: Trash::Include, ..Filter::default() };
        let whole = query(filter.clone(), order, u32::MAX).page(&heads).heads;
        let mut skipping = query(filter, order, limit);
        skipping.offset = offset as u64;
        let page = skipping.page(&heads);
        let rest: Vec<Head> = whole.into_iter().skip(offset).collect();
        prop_assert_eq!(page.more, rest.len() > limit as usize);
        let expected: Vec<Head> = rest.into_iter().take(limit as usize).collect();
        prop_assert_eq!(page.heads, expected);
    }

    #[test]
    fn a_filter_matches_if_each_of_its_properties_matches(filter in filter(), head in head()) {
        let none = || Filter { trash: Trash::Include, ..Filter::default() };
        let f = filter.clone();
        let properties = [
            Filter { user_id: f.user_id, ..none() },
            Filter { channel_id: f.channel_id, ..none() },
            Filter { mode: f.mode, ..none() },
            Filter { status: f.status, ..none() },
            Filter { phase: f.phase, ..none() },
            Filter { task_ids: f.task_ids, ..none() },
            Filter { slot_phase: f.slot_phase, ..none() },
            Filter { model: f.model, ..none() },
            Filter { parent_id: f.parent_id, ..none() },
            Filter { created_after: f.created_after, ..none() },
            Filter { created_before: f.created_before, ..none() },
            Filter { updated_after: f.updated_after, ..none() },
            Filter { updated_before: f.updated_before, ..none() },
            Filter { min_iterations: f.min_iterations, ..none() },
            Filter { max_iterations: f.max_iterations, ..none() },
            Filter { text: f.text, ..none() },
            Filter { trash: f.trash, ..none() },
        ];
        let all = properties.iter().all(|property| property.matches(&head));
        prop_assert_eq!(filter.matches(&head), all);
        prop_assert!(none().matches(&head));
    }

    #[test]
    fn search_text_is_compared_by_characters(task in text(), part in text()) {
        let mut head: Head = serde_json::from_str(HEAD).unwrap();
        head.task.clone_from(&task);
        let filter = Filter { text: Some(part.clone()), ..Filter::default() };
        let task: Vec<char> = task.chars().collect();
        let part: Vec<char> = part.chars().collect();
        let same = |(a, b): (&char, &char)| a.eq_ignore_ascii_case(b);
        let found = (0..=task.len()).any(|start| {
            let rest = &task[start..];
            rest.len() >= part.len() && rest.iter().zip(&part).all(same)
        });
        prop_assert_eq!(filter.matches(&head), found);
    }

    #[test]
    fn search_text_of_any_length_is_found_as_its_lower_case_is(
        task in "[abAB\u{212a}]{0,300}",
        ends in any::<(prop::sample::Index, prop::sample::Index)>(),
        changed in any::<Option<prop::sample::Index>>(),
    ) {
        let mut head: Head = serde_json::from_str(HEAD).unwrap();
        head.task.clone_from(&task);
        // A part of the task in the other case, of which a letter may be another.
        let letters: Vec<char> = task.chars().collect();
        let (one, other) = (ends.0.index(letters.len() + 1), ends.1.index(letters.len() + 1));
        let mut part = letters[one.min(other)..one.max(other)].to_vec();
        if let Some(changed) = changed.filter(|_| !part.is_empty()) {
            let at = changed.index(part.len());
            part[at] = 'k';
        }
        let part: String = part.iter().map(char::to_ascii_uppercase).collect();
        let found = task.to_ascii_lowercase().contains(&part.to_ascii_lowercase());
        let filter = Filter { text: Some(part), ..Filter::default() };
        prop_assert_eq!(filter.matches(&head), found);
    }
}

/// The required properties of a stored head.
const HEAD: &str = r#"{
    "id": "s", "version": 1, "mode": "", "task": "", "status": "active", "createdAt": 0,
    "updatedAt": 0, "iterations": 0, "maxIterations": 1, "context": "{}", "eventCount": 0
}"#;
