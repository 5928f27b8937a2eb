//! The store passes the conformance kit with each durability.

use std::sync::Mutex;

use crate::common::Place;
use tenure_core::{Lift, Result, Store};
use tenure_sqlite::{Durability, SqliteOptions, SqliteStore};

/// A separate database, which is opened as often as a case needs.
fn fixture(durability: Durability) -> impl Fn() -> Result<Box<dyn Store>> {
    let place = Place::new();
    move || {
        let options = SqliteOptions {
            durability,
            ..SqliteOptions::default()
        };
        tenure_testkit::store(Lift(Mutex::new(SqliteStore::open(&place.file(), options)?)))
    }
}

mod normal {
    tenure_testkit::conformance!(super::fixture(super::Durability::Normal));
}

mod full {
    tenure_testkit::conformance!(super::fixture(super::Durability::Full));
}
