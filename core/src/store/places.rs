//! The places of rows by their keys, in the order of the keys. It is no map of the standard library's:
//! the code of one has six times the size, which a browser loads before anything else.

use std::fmt;

/// The greatest number of keys in one run. A longer one is split.
const LONGEST: usize = 512;

/// Keys in order, each with a place: runs of keys, in which adding one moves few others.
#[derive(Clone, Default)]
pub(crate) struct Places {
    /// None of them is empty.
    runs: Vec<Vec<(String, usize)>>,
}

/// As the keys: a place depends on what was kept before.
impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(key, _)| key))
            .finish()
    }
}

impl Places {
    /// The place of a key.
    pub(crate) fn get(&self, key: &str) -> Option<usize> {
        let (run, found) = self.find(key);
        let (_, place) = self.runs.get(run)?.get(found.ok()?)?;
        Some(*place)
    }

    /// The keys and their places, in the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, usize)> {
        self.runs.iter().flatten()
    }

    /// Visits the keys after one, and their places, or of all, in their order or backwards, until
    /// `visit` returns `false`.
    pub(super) fn visit(
        &self,
        after: Option<&str>,
        backwards: bool,
        visit: &mut dyn FnMut(&str, usize) -> bool,
    ) {
        let (mut run, mut at) = match after {
            None if backwards => (self.runs.len(), 0),
            None => (0, 0),
            Some(key) => {
                let (run, found) = self.find(key);
                let skipped = usize::from(found.is_ok() && !backwards);
                (run, found.unwrap_or_else(|free| free) + skipped)
            }
        };
        loop {
            if backwards {
                while at == 0 {
                    let Some(earlier) = run.checked_sub(1) else {
                        return;
                    };
                    run = earlier;
                    at = self.runs.get(run).map_or(0, Vec::len);
                }
                at -= 1;
            }
            let Some(keys) = self.runs.get(run) else {
                return;
            };
            match keys.get(at) {
                Some((key, place)) if visit(key, *place) => at += usize::from(!backwards),
                Some(_) => return,
                None => (run, at) = (run + 1, 0),
            }
        }
    }

    /// The number of keys before one.
    pub(super) fn position(&self, key: &str) -> usize {
        let (run, found) = self.find(key);
        let earlier = self.runs.iter().take(run).map(Vec::len);
        earlier.sum::<usize>() + found.unwrap_or_else(|free| free)
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: String, place: usize) {
        let (at, found) = match self.runs.last() {
            // Keys that come in order are not searched for.
            Some(run) if run.last().is_some_and(|(last, _)| *last < key) => {
                (self.runs.len() - 1, Err(run.len()))
            }
            _ => self.find(&key),
        };
        let free = found.unwrap_or_else(|free| free);
        let Some(run) = self.runs.get_mut(at) else {
            self.runs.push(vec![(key, place)]);
            return;
        };
        if run.len() < LONGEST {
            run.insert(free, (key, place));
            return;
        }
        // Keys that come in order leave full runs behind.
        let half = LONGEST / 2;
        let split = if free > half + LONGEST / 3 {
            free
        } else {
            half
        };
        let mut second = run.split_off(split);
        match free.checked_sub(split) {
            Some(free) => second.insert(free, (key, place)),
            None => run.insert(free, (key, place)),
        }
        self.runs.insert(at + 1, second);
    }

    /// Removes a key, and returns its place.
    pub(super) fn remove(&mut self, key: &str) -> Option<usize> {
        let (at, found) = self.find(key);
        let found = found.ok()?;
        let run = self.runs.get_mut(at)?;
        let (_, place) = run.remove(found);
        if run.is_empty() {
            self.runs.remove(at);
        }
        Some(place)
    }

    /// The run that a key is in, and where in it; or where it would have to be added.
    fn find(&self, key: &str) -> (usize, Result<usize, usize>) {
        let begins_before = |run: &Vec<(String, usize)>| {
            let first = run.first();
            first.is_some_and(|(first, _)| first.as_str() <= key)
        };
        let at = self.runs.partition_point(begins_before).saturating_sub(1);
        let run = self.runs.get(at).map_or(&[][..], Vec::as_slice);
        (
            at,
            run.binary_search_by(|(known, _)| known.as_str().cmp(key)),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::{LONGEST, Places};

    proptest! {
        #[test]
        fn it_is_a_map_in_order(steps in prop::collection::vec((any::<bool>(), 0..3000_u32), 0..4000)) {
            let (mut places, mut model) = (Places::default(), BTreeMap::new());
            for (place, (adds, key)) in steps.into_iter().enumerate() {
                let key = key.to_string();
                prop_assert_eq!(places.get(&key), model.get(&key).copied());
                match model.entry(key.clone()) {
                    Entry::Vacant(free) => {
                        places.insert(key, *free.insert(place));
                    }
                    // Fewer are removed than are added, so that runs are split.
                    Entry::Occupied(known) if adds => {
                        prop_assert_eq!(places.remove(&key), Some(known.remove()));
                    }
                    Entry::Occupied(_) => {}
                }
            }
            let visited = |after: Option<&str>, backwards| {
                let mut visited = Vec::new();
                places.visit(after, backwards, &mut |_, place| {
                    visited.push(place);
                    visited.len() < 1000
                });
                visited
            };
            let places_of = |keys: &mut dyn Iterator<Item = (&String, &usize)>| {
                keys.take(1000).map(|(_, place)| *place).collect::<Vec<_>>()
            };
            for key in ["", "1", "15", "1500", "2999", "9", "x"] {
                let after = (Bound::Excluded(key.to_owned()), Bound::Unbounded);
                let mut before = model.range(..key.to_owned()).rev();
                prop_assert_eq!(visited(Some(key), false), places_of(&mut model.range(after)));
                prop_assert_eq!(visited(Some(key), true), places_of(&mut before));
            }
            prop_assert_eq!(visited(None, false), places_of(&mut model.iter()));
            prop_assert_eq!(visited(None, true), places_of(&mut model.iter().rev()));
            let all: Vec<_> = places.iter().cloned().collect();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn keys_in_order_fill_runs() {
        let mut places = Places::default();
        let keys = LONGEST * 10;
        // One key comes last always.
        places.insert("z".to_owned(), 0);
        (0..keys).for_each(|n| places.insert(format!("{n:05}"), n));
        assert!(places.runs.len() <= 12, "{}", places.runs.len());
        let room: usize = places.runs.iter().map(Vec::capacity).sum();
        assert!(room <= keys + 2 * LONGEST, "{room}");
    }

    #[test]
    fn no_run_is_longer_than_it_may_be_or_empty() {
        let mut places = Places::default();
        let key = |n: usize| format!("{:05}", n * 7919 % 10_007);
        (0..10_000).for_each(|n| places.insert(key(n), n));
        assert!(places.runs.iter().all(|run| run.len() <= LONGEST));
        assert!(places.runs.len() < 10_000 / (LONGEST / 4));
        for n in 0..10_000 {
            assert_eq!(places.remove(&key(n)), Some(n));
            assert!(places.runs.iter().all(|run| !run.is_empty()));
        }
        assert!(places.runs.is_empty());
        assert_eq!(places.remove("none"), None);
    }
}
