//! Archives of sessions, with the keys of a store, for callers that wait.

use std::fmt;
use std::sync::Arc;

use tenure_archive::{Archive, ArchiveError, ArchiveOptions, Batch};
use tenure_bridge::Options;
use tenure_core::error::Cause;
use tenure_core::work::job::{ExportedPart, JobError, Verified};
use tenure_core::{Error, Millis, Timestamp};

use crate::encryption::seal_of;
use crate::local::random_bits;
use crate::runtime::RuntimeThread;

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

/// The core's error for one of an archive. The core has no codes of archives.
pub fn archive_error(error: ArchiveError) -> Error {
    match error {
        ArchiveError::Core(error) => error,
        ArchiveError::NotFound { id, .. } => Cause::SessionNotFound { id }.into(),
        ArchiveError::Unsupported { problem, .. } => Error::invalid("archive", problem),
        error => Cause::StoreUnavailable {
            problem: error.to_string(),
        }
        .into(),
    }
}

/// The error of a job whose archive has failed. It has the code of the archive.
pub(crate) fn job_error(error: ArchiveError) -> JobError {
    match error {
        ArchiveError::Core(error) => error.into(),
        error => JobError::Driver(error.to_driver_error()),
    }
}

/// An archive that is being filled, a batch at a time. The thread that fills it must not be the runtime's.
pub struct Filling {
    /// The archive, once it could be opened.
    archive: Option<Archive>,
    address: String,
    compress: bool,
    options: Options,
    batch: Option<Batch>,
    runtime: Arc<RuntimeThread>,
}

impl fmt::Debug for Filling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filling").finish_non_exhaustive()
    }
}

impl Filling {
    /// Opens an archive, as [`open_archive`] does.
    ///
    /// # Errors
    /// Those of [`open_archive`], and `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn open(address: &str, compress: bool, options: &Options) -> Result<Self, ArchiveError> {
        let mut filling = Self::open_later(address, compress, options)?;
        filling.opened()?;
        Ok(filling)
    }

    /// Opens an archive when it is needed, and again when that has failed.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE` for an address that is none of an archive, and `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn open_later(
        address: &str,
        compress: bool,
        options: &Options,
    ) -> Result<Self, ArchiveError> {
        let mut filling = Self {
            archive: None,
            address: address.to_owned(),
            compress,
            options: options.clone(),
            batch: None,
            runtime: RuntimeThread::shared()?,
        };
        match filling.opened() {
            Err(error @ ArchiveError::Unsupported { .. }) => Err(error),
            _ => Ok(filling),
        }
    }

    fn opened(&mut self) -> Result<&Archive, ArchiveError> {
        match &mut self.archive {
            Some(archive) => Ok(archive),
            missing => {
                let archive = open_archive(&self.address, self.compress, &self.options)?;
                Ok(missing.insert(archive))
            }
        }
    }

    /// Adds a part of a session to the batch.
    ///
    /// # Errors
    /// Those of the archive.
    pub fn add(&mut self, part: ExportedPart) -> Result<(), ArchiveError> {
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => {
                let [a, b, c, d, e, f, g, h, ..] = random_bits()?;
                self.opened()?.batch([a, b, c, d, e, f, g, h])
            }
        };
        let added = self.runtime.handle().block_on(batch.add(part));
        self.batch = Some(batch);
        added
    }

    /// Ends the batch: what it has stored was read back, and is listed. Without a batch, the archive is opened.
    ///
    /// # Errors
    /// Those of the archive.
    pub fn finish(&mut self, now: Timestamp) -> Result<Verified, ArchiveError> {
        match self.batch.take() {
            Some(batch) => self.runtime.handle().block_on(batch.finish(now)),
            None => self.opened().map(|_| Verified::default()),
        }
    }

    /// Drops a batch that was not ended: what it has stored counts for nothing.
    pub fn discard(&mut self) {
        self.batch = None;
    }

    /// Removes what was archived this long ago. Returns the number of sessions.
    ///
    /// # Errors
    /// Those of the archive.
    pub fn thin(&mut self, age: Millis, now: Timestamp) -> Result<u64, ArchiveError> {
        let runtime = Arc::clone(&self.runtime);
        let thinned = self.opened()?.thin(age, now);
        Ok(runtime.handle().block_on(thinned)?.sessions)
    }
}
