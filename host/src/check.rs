//! The check of what a store keeps beside its sessions and records.

use tenure_bridge::Options;
use tenure_core::Result;
pub use tenure_sqlite::Checked;

use crate::open::{Lifetime, open_file, open_registry, open_sqlite};
use crate::place::Place;

/// Checks the file of a SQLite store, the counts that it keeps for statistics, its index of tasks, and its feed, or the feed
/// of a file store. `repair` repairs what can be repaired. Other stores keep none of that, and stores that do not exist have no problems.
///
/// # Errors
/// Those of the store.
pub fn check(url: &str, options: &Options, repair: bool) -> Result<Checked> {
    let store = match Place::of(url)? {
        Some(Place::Sqlite(path)) if path.exists() => open_sqlite(&path, options, Lifetime::Brief)?,
        Some(Place::Registry(path)) if path.exists() => {
            open_registry(&path, options, Lifetime::Brief)?
        }
        Some(Place::File(path)) if path.exists() => {
            let found = open_file(&path, options)?.check(repair)?;
            return Ok(Checked::of(found, repair));
        }
        _ => return Ok(Checked::default()),
    };
    store.check(repair)
}
