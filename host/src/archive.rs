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
    Archive::open(address, archive_options(compress, options)?)
}

/// Opens an archive that exists, to read from it with the keys of these options.
///
/// # Errors
/// Those of [`open_archive`], and `UNSUPPORTED_STORE` for a folder that does not exist.
pub fn open_existing_archive(address: &str, options: &Options) -> Result<Archive, ArchiveError> {
    Archive::open_existing(address, archive_options(false, options)?)
}

fn archive_options(compress: bool, options: &Options) -> Result<ArchiveOptions, ArchiveError> {
    Ok(ArchiveOptions {
        compress,
        seal: seal_of(options)?,
        workers: None,
    })
}
