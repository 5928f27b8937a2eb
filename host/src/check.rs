//! The check of what a store keeps beside its sessions and records.

use std::path::Path;

use tenure_bridge::Options;
use tenure_core::Result;
pub use tenure_sqlite::Checked;
use tenure_sqlite::{SqliteStore, damage_of};

use crate::open::{Lifetime, open_file, open_registry, open_sqlite};
use crate::place::Place;

/// Checks the file of a SQLite store, the counts that it keeps for statistics, its index of tasks, and its feed, or the feed
/// of a file store. `repair` repairs what can be repaired. Other stores keep none of that, and stores that do not exist have no problems.
///
/// # Errors
/// Those of the store.
pub fn check(url: &str, options: &Options, repair: bool) -> Result<Checked> {
    match Place::of(url)? {
        Some(Place::Sqlite(path)) if path.exists() => {
            let store = open_sqlite(&path, options, Lifetime::Brief);
            check_sqlite(&path, store, repair)
        }
        Some(Place::Registry(path)) if path.exists() => {
            let store = open_registry(&path, options, Lifetime::Brief);
            check_sqlite(&path, store, repair)
        }
        Some(Place::File(path)) if path.exists() => {
            let found = open_file(&path, options)?.check(repair)?;
            Ok(Checked::of(found, repair))
        }
        _ => Ok(Checked::default()),
    }
}

/// Checks a SQLite store. Damage to its file says more than that it cannot be opened.
fn check_sqlite(path: &Path, store: Result<SqliteStore>, repair: bool) -> Result<Checked> {
    store
        .and_then(|store| store.check(repair))
        .or_else(|error| {
            let damage = damage_of(path);
            if damage.is_file_damaged() {
                return Ok(damage);
            }
            Err(error)
        })
}
