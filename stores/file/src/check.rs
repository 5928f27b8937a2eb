//! The check of what no session shows: the log of changes.

use tenure_core::Result;
use tenure_core::store::Problem;

use crate::disk::Disk;
use crate::store::FileStore;

impl<D: Disk> FileStore<D> {
    /// Checks the log of changes. `repair` lets readers of the feed begin after what is damaged. Returns
    /// what is or was wrong.
    ///
    /// # Errors
    /// Those of the store.
    pub fn check(&self, repair: bool) -> Result<Vec<Problem>> {
        match repair {
            true => self.transaction(|_| self.check_log(true))?,
            false => self.check_log(false),
        }
    }
}
