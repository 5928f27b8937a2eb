//! A word of metrics as a key: a name of Tenure's own, which is compared by where it stands in memory. A word that stands in
//! several places is several keys.

use std::hash::{Hash, Hasher};
use std::ptr;

/// An odd number with about as many ones as zeros.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word(pub(super) &'static str);

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

impl Eq for Word {}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.as_ptr().addr());
    }
}

/// A quick hash of words. Nobody can choose some that collide.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0.rotate_left(5) ^ number as u64).wrapping_mul(MULTIPLIER);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use tenure_apps::metrics::families::{OPERATIONS, Words};
    use tenure_bridge::TABLE;

    use super::{Word, WordHasher};

    #[test]
    fn operations_and_outcomes_have_distinct_hashes() {
        let build = BuildHasherDefault::<WordHasher>::default();
        let mut hashes = HashSet::new();
        let [_, Words::Of(outcomes)] = OPERATIONS.words else {
            panic!("the outcomes are known");
        };
        for operation in TABLE.iter() {
            for outcome in *outcomes {
                let words = [OPERATIONS.id, operation.name(), outcome].map(Word);
                let [family, labels @ ..] = words;
                let hash = build.hash_one((family, labels));
                // The table takes its place from the low bits, and seven more from the high ones.
                assert!(hashes.insert(hash), "{} {outcome}", operation.name());
            }
        }
    }
}
