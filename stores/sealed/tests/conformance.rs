//! Encrypted stores are stores like others: SQLite with its feed, its transactions and its counts. About 6 s at scale 0.1.

use std::sync::Mutex;

use tenure_core::{Lift, Result, Store};
use tenure_sealed::Sealed;
use tenure_sqlite::{SqliteOptions, SqliteStore};

use crate::support::seal;

tenure_testkit::conformance!(in_sqlite());

fn in_sqlite() -> impl Fn() -> Result<Box<dyn Store>> {
    let folder = tempfile::tempdir().unwrap();
    move || {
        let store =
            SqliteStore::open(&folder.path().join("sessions.db"), SqliteOptions::default())?;
        tenure_testkit::store(Lift(Mutex::new(Sealed::over(
            store,
            seal(&[("k", 1)], true),
        )?)))
    }
}
