//! Counting the sessions of a store again, to compare the result with the counts that it keeps.

use tenure_bridge::Options;
use tenure_core::Result;
use tenure_core::store::Problem;

use crate::open::{Lifetime, open_registry, open_sqlite};
use crate::place::Place;

/// Which counts that the store of a URL keeps for statistics are wrong. `mend` replaces them. Stores that
/// keep none, and stores that do not exist, have no wrong ones.
///
/// # Errors
/// Those of the store.
pub fn recount(url: &str, options: &Options, mend: bool) -> Result<Vec<Problem>> {
    let store = match Place::of(url)? {
        Some(Place::Sqlite(path)) if path.exists() => open_sqlite(&path, options, Lifetime::Brief)?,
        Some(Place::Registry(path)) if path.exists() => {
            open_registry(&path, options, Lifetime::Brief)?
        }
        _ => return Ok(Vec::new()),
    };
    store.recount(mend)
}
