//! Archives of sessions, with the keys of a store, for callers that wait.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tenure_archive::{Archive, ArchiveError, ArchiveOptions, Batch};
use tenure_bridge::Options;
use tenure_core::work::job::{ExportedPart, Verified};
use tenure_core::{Millis, Timestamp};
use tokio::time::timeout;

use crate::encryption::seal_of;
use crate::local::random_bits;
use crate::runtime::RuntimeThread;

/// How often it is asked whether the work is to stop.
const PAUSE: Duration = Duration::from_millis(100);
/// The time that work has to end by itself when it is to stop. A service that does not answer takes longer.
const GRACE: Duration = Duration::from_secs(3);

/// Opens an archive. What is archived is encrypted with the keys of these options, if they have any.
///
/// # Errors
/// `INVALID_ARGUMENT` for an address that is none of an archive, and those of reading the keys.
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
/// Those of [`open_archive`], and `INVALID_ARGUMENT` for a folder that does not exist.
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

/// Why work on an archive has not come to its end.
#[derive(Debug)]
pub enum Unfinished {
    /// It had to stop.
    Stopped,
    /// It has failed.
    Failed(ArchiveError),
}

impl From<ArchiveError> for Unfinished {
    fn from(error: ArchiveError) -> Self {
        Self::Failed(error)
    }
}

/// The output of work that may have to stop. If it has to, and the work does not end soon, what it has begun counts for nothing.
async fn until_stopped<T>(
    stops: &dyn Fn() -> bool,
    work: impl Future<Output = Result<T, ArchiveError>>,
) -> Result<T, Unfinished> {
    let mut work = pin!(work);
    while !stops() {
        if let Ok(ended) = timeout(PAUSE, &mut work).await {
            return Ok(ended?);
        }
    }
    match timeout(GRACE, work).await {
        Ok(ended) => Ok(ended?),
        Err(_) => Err(Unfinished::Stopped),
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
    /// `INVALID_ARGUMENT` for an address that is none of an archive, and `STORE_UNAVAILABLE` if the system starts no thread.
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

    /// Adds a part of a session to the batch, unless the work is to stop.
    ///
    /// # Errors
    /// Those of the archive, and that it had to stop.
    pub fn add(&mut self, part: ExportedPart, stops: &dyn Fn() -> bool) -> Result<(), Unfinished> {
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => {
                let [a, b, c, d, e, f, g, h, ..] = random_bits().map_err(ArchiveError::from)?;
                self.opened()?.batch([a, b, c, d, e, f, g, h])
            }
        };
        let added = until_stopped(stops, batch.add(part));
        let added = self.runtime.handle().block_on(added);
        self.batch = Some(batch).filter(|_| !matches!(added, Err(Unfinished::Stopped)));
        added
    }

    /// Ends the batch, unless the work is to stop: what it has stored was read back, and is listed. Without a batch, the archive is opened.
    ///
    /// # Errors
    /// Those of the archive, and that it had to stop.
    pub fn finish(
        &mut self,
        now: Timestamp,
        stops: &dyn Fn() -> bool,
    ) -> Result<Verified, Unfinished> {
        match self.batch.take() {
            Some(batch) => {
                let finished = until_stopped(stops, batch.finish(now));
                self.runtime.handle().block_on(finished)
            }
            None => {
                self.opened()?;
                Ok(Verified::default())
            }
        }
    }

    /// Drops a batch that was not ended: what it has stored counts for nothing.
    pub fn discard(&mut self) {
        self.batch = None;
    }

    /// Removes what was archived this long ago, unless the work is to stop. Returns the number of sessions.
    ///
    /// # Errors
    /// Those of the archive, and that it had to stop.
    pub fn thin(
        &mut self,
        age: Millis,
        now: Timestamp,
        stops: &dyn Fn() -> bool,
    ) -> Result<u64, Unfinished> {
        let runtime = Arc::clone(&self.runtime);
        let thinned = until_stopped(stops, self.opened()?.thin(age, now));
        Ok(runtime.handle().block_on(thinned)?.sessions)
    }
}
