//! The memory store passes every case that is about it.

use tenure_core::{Lift, MemoryStore};

tenure_testkit::conformance!(|| tenure_testkit::store(Lift(MemoryStore::default())));
