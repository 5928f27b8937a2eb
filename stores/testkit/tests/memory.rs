//! The memory store passes every case for its capabilities.

use tenure_core::{Lift, MemoryStore};

tenure_testkit::conformance!(|| tenure_testkit::store(Lift(MemoryStore::default())));
