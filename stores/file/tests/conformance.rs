//! The store passes the conformance kit with each durability.

use std::sync::Mutex;

use tenure_core::{Lift, Result, Store};
use tenure_file::{Durability, FileOptions, FileStore};

/// A separate folder, which is opened as often as a case needs.
fn fixture(durability: Durability) -> impl Fn() -> Result<Box<dyn Store>> {
    let folder = tempfile::tempdir().unwrap();
    move || {
        let options = FileOptions {
            durability,
            ..FileOptions::default()
        };
        tenure_testkit::store(Lift(Mutex::new(FileStore::open(
            &folder.path().join("sessions"),
            options,
        )?)))
    }
}

mod normal {
    tenure_testkit::conformance!(super::fixture(super::Durability::Normal));
}

mod full {
    tenure_testkit::conformance!(super::fixture(super::Durability::Full));
}
