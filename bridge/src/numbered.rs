//! Values that a host names by numbers: few at a time, so that a list finds them fast enough.

/// Values, each with its number.
#[derive(Debug)]
pub(crate) struct Numbered<T>(Vec<(u32, T)>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Numbered<T> {
    /// Adds a value with a number that none has.
    pub(crate) fn insert(&mut self, number: u32, value: T) {
        self.0.push((number, value));
    }

    /// The value of a number.
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let place = self.place(number)?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// Takes out the value of a number.
    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        let place = self.place(number)?;
        Some(self.0.swap_remove(place).1)
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, number: u32) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == number)
    }
}
