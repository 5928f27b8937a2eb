//! A hint: what a handle has seen of its store. It saves requests, and decides nothing: what follows from it is
//! expected by the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A hint, which the calls of a handle share. Two handles with the same options are equal, whatever they have seen.
#[derive(Debug, Clone, Default)]
pub struct Hint(Arc<AtomicBool>);

impl Hint {
    /// What was seen last.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes what was seen.
    pub fn set(&self, seen: bool) {
        self.0.store(seen, Ordering::Relaxed);
    }
}

impl PartialEq for Hint {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hint {}
