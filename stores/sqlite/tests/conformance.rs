//! The store passes the conformance kit with each durability, and with an index of texts.

use std::sync::Mutex;

use crate::common::Place;
use tenure_core::{Lift, Result, Store};
use tenure_sqlite::{Durability, SqliteOptions, SqliteStore};

/// A separate database, which is opened as often as a case needs.
fn fixture(options: SqliteOptions) -> impl Fn() -> Result<Box<dyn Store>> {
    let place = Place::new();
    move || {
        let store = SqliteStore::open(&place.file(), options.clone())?;
        tenure_testkit::store(Lift(Mutex::new(store)))
    }
}

mod normal {
    tenure_testkit::conformance!(super::fixture(super::SqliteOptions::default()));
}

mod full {
    tenure_testkit::conformance!(super::fixture(super::SqliteOptions {
        durability: super::Durability::Full,
        ..super::SqliteOptions::default()
    }));
}

mod with_index_of_texts {
    tenure_testkit::conformance!(super::fixture(super::SqliteOptions {
        text_index: Some(true),
        ..super::SqliteOptions::default()
    }));
}
