//! A quick hash of the words of metrics. All of them are Tenure's own, so that nobody can choose some that collide.

use std::hash::Hasher;

/// An odd number with about as many ones as zeros.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes words, eight bytes at a time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WordHasher(u64);

impl WordHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words
            .iter()
            .for_each(|word| self.add(u64::from_le_bytes(*word)));
        let rest = rest
            .iter()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte));
        self.add(rest);
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use tenure_bridge::TABLE;

    use super::WordHasher;

    #[test]
    fn operations_and_outcomes_have_distinct_hashes() {
        let build = BuildHasherDefault::<WordHasher>::default();
        let mut hashes = HashSet::new();
        for operation in TABLE.iter() {
            for outcome in [
                "ok",
                "asked",
                "invalid",
                "not_found",
                "conflict",
                "refused",
                "store",
            ] {
                let hash = build.hash_one(("operations", [operation.name(), outcome]));
                // The table takes its place from the low bits, and seven more from the high ones.
                assert!(hashes.insert(hash), "{} {outcome}", operation.name());
            }
        }
    }
}
