//! The checks of recorded histories.

use std::collections::BTreeMap;

use tenure_histories::{Model, Operation, Verdict, check};

use super::{Append, KEYS, Keyed};

/// How many steps a check of one key may take: a thousand times as many as it takes otherwise.
const MOST_STEPS: u64 = 20_000_000;

/// The history of each key.
pub(super) fn by_key<I, O>(
    history: Vec<Operation<Keyed<I>, O>>,
) -> BTreeMap<u64, Vec<Operation<I, O>>> {
    let mut keys: BTreeMap<u64, Vec<Operation<I, O>>> = BTreeMap::new();
    for Operation {
        input: (key, input),
        called,
        returned,
    } in history
    {
        keys.entry(key).or_default().push(Operation {
            input,
            called,
            returned,
        });
    }
    keys
}

/// Checks that the history of each key is linearizable.
pub(super) fn is_linearizable<M: Model>(
    what: &str,
    model: &M,
    history: Vec<Operation<Keyed<M::Input>, M::Output>>,
) {
    let keys = by_key(history);
    assert_eq!(keys.len() as u64, KEYS, "{what}");
    for (key, history) in keys {
        match check(model, &history, MOST_STEPS) {
            Verdict::Linearizable => {}
            verdict => panic!("{what} {key}: {verdict:?}\n{history:#?}"),
        }
    }
}

/// Checks the appends to a log against the numbers in it, with their sequence numbers.
pub(super) fn is_appended_once(history: &[Operation<Append, u64>], stored: &[(u64, u64)]) {
    let mut places: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (number, sequence) in stored {
        places.entry(*number).or_default().push(*sequence);
    }
    for Operation {
        input, returned, ..
    } in history
    {
        let found = places.remove(&input.number).unwrap_or_default();
        match returned {
            Some((_, sequence)) => assert_eq!(found, [*sequence], "{input:?}"),
            None => assert!(
                found.len() <= 1 && !input.is_repeated,
                "{input:?}: {found:?}"
            ),
        }
    }
    // What was refused for want of a connection is not there.
    assert!(
        places.is_empty(),
        "{places:?} were not acknowledged, and not unknown"
    );
    // An append that was called after another one had returned follows it.
    for first in history {
        let Some((returned, sequence)) = first.returned else {
            continue;
        };
        for second in history.iter().filter(|second| second.called > returned) {
            if let Some((_, later)) = second.returned {
                assert!(sequence < later, "{first:?} {second:?}");
            }
        }
    }
}
