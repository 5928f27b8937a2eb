//! Rows in memory: found by their keys, and listed in the order of them.

use std::fmt;

use crate::store::places::Places;

/// Rows in the order of their keys. Keys are kept with places of rows, not with rows, so that the code
/// is the same for rows of all types.
#[derive(Clone)]
pub(crate) struct Rows<T> {
    places: Places,
    rows: Vec<Option<Box<T>>>,
    /// The places without a row.
    free: Vec<usize>,
}

/// As a map: where a row is kept depends on what was kept before.
impl<T: fmt::Debug> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.places.iter().map(|(key, _)| key).zip(self.values()))
            .finish()
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            places: Places::default(),
            rows: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Rows<T> {
    /// The row with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.at(self.place(key)?)
    }

    /// The rows in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        let rows = self.places.iter().map(|(_, place)| self.rows.get(*place));
        rows.filter_map(|row| row?.as_deref())
    }

    /// The number of places, with those without a row.
    pub(crate) fn places(&self) -> usize {
        self.rows.len()
    }

    /// Visits the rows with keys after one, in the order of their keys, until `visit` returns `false`.
    pub(crate) fn visit(&self, after: &str, visit: &mut dyn FnMut(&T) -> bool) {
        self.places.visit(Some(after), false, &mut |_, place| {
            self.at(place).is_none_or(&mut *visit)
        });
    }

    /// The rows in any order, which is quicker.
    pub(crate) fn values_in_any_order(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().flatten().map(Box::as_ref)
    }

    /// The row with this key and its place, to be changed.
    pub(crate) fn found_mut(&mut self, key: &str) -> Option<(usize, &mut T)> {
        let place = self.place(key)?;
        Some((place, self.at_mut(place)?))
    }

    /// The place of the row with this key.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key)
    }

    /// The row of a place.
    pub(crate) fn at(&self, place: usize) -> Option<&T> {
        self.rows.get(place)?.as_deref()
    }

    /// The row of a place, to be changed.
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut T> {
        self.rows.get_mut(place)?.as_deref_mut()
    }

    /// Adds a row, or puts it in the place of the one with this key. Returns the place, which is the row's
    /// until it is removed.
    pub(crate) fn insert(&mut self, key: String, row: T) -> usize {
        let known = self.places.get(&key);
        let place = known.or_else(|| self.free.pop()).unwrap_or(self.rows.len());
        self.put(place, row);
        if known.is_none() {
            self.places.insert(key, place);
        }
        place
    }

    /// Puts a row into a place.
    pub(super) fn put(&mut self, place: usize, row: T) {
        let row = Some(Box::new(row));
        match self.rows.get_mut(place) {
            Some(at) => *at = row,
            None => self.rows.push(row),
        }
    }

    /// Adds keys that are not there, with new places that have no rows yet, so that there are `places`.
    pub(super) fn reserve(&mut self, places: usize, keys: impl Iterator<Item = (String, usize)>) {
        self.rows.resize_with(places, || None);
        for (key, place) in keys {
            self.places.insert(key, place);
        }
    }

    /// Removes the row with this key.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Some(place) = self.places.remove(key)
            && let Some(row) = self.rows.get_mut(place)
        {
            *row = None;
            self.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn rows_are_in_the_order_of_their_keys_whatever_was_removed() {
        let mut rows = Rows::default();
        for (key, row) in [("b", 2), ("a", 1), ("d", 4)] {
            rows.insert(key.to_owned(), row);
        }
        rows.remove("a");
        rows.remove("a");
        rows.insert("c".to_owned(), 3);
        rows.insert("b".to_owned(), 20);
        assert!(rows.values().eq(&[20, 3, 4]));
        assert_eq!((rows.get("a"), rows.get("c")), (None, Some(&3)));
        assert_eq!(
            rows.rows.len(),
            3,
            "the place of a removed row is used again"
        );
    }
}
