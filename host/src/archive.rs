//! Archives of sessions, with the keys of a store.

use tenure_archive::{Archive, ArchiveError, ArchiveOptions};
use tenure_bridge::Options;

use crate::encryption::seal_of;

/// Opens an archive. What is archived is encrypted with the keys of these options, if they have any.
///
/// # Errors
/// `UNSUPPORTED_STORE` for an address that is none of an archive, and those of reading the keys.
pub fn open_archive(
    address: &str,
    compress: bool,
    options: &Options,
) -> Result<Archive, ArchiveError> {
    let options = ArchiveOptions {
        compress,
        seal: seal_of(options)?,
        workers: None,
    };
    Archive::open(address, options)
}
