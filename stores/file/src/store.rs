//! A handle on a file store.

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tenure_core::error::Cause;
use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Problem, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};
use tenure_permissions::FileMode;
use tenure_store_transaction::{Attempt, Done, Job, TransactionStore};

use crate::disk::{Disk, Os};
use crate::failure::describe;
use crate::folder::Folder;
use crate::log::Log;
use crate::options::FileOptions;
use crate::queue::Queue;

/// A handle on a file store, for one thread at a time. Any number of handles, in any number of
/// processes, may share a folder.
pub struct FileStore<D: Disk = Os> {
    folder: Folder<D>,
    queue: Queue,
    /// Whether a transaction of this handle is running.
    inside: Cell<bool>,
}

/// A handle may move to another thread.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<FileStore>();
};

impl<D: Disk> fmt::Debug for FileStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("folder", &self.folder.disk.place(""))
            .field("options", &self.folder.options)
            .finish_non_exhaustive()
    }
}

impl FileStore {
    /// Opens the store in the folder at `path`. The folder and its parents are created if they do
    /// not exist. Nothing else is written before the first commit, so a read-only folder can be
    /// opened.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the folder cannot be created or read, and `STORAGE_FULL`.
    pub fn open(path: &Path, options: FileOptions) -> Result<Self> {
        let disk = Os::new(path, options.file_mode).map_err(|error| Cause::StoreUnavailable {
            problem: format!("{:?}: {error}", path.display().to_string()),
        })?;
        Self::over(disk, options)
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.disk.base()
    }

    /// The permissions of new files.
    pub(crate) fn file_mode(&self) -> FileMode {
        self.folder.options.file_mode
    }
}

impl<D: Disk> FileStore<D> {
    /// Opens the store on the given disk.
    ///
    /// # Errors
    /// Those of [`FileStore::open`].
    pub fn over(disk: D, options: FileOptions) -> Result<Self> {
        disk.make_base()
            .map_err(|error| describe(&disk, "open", "", &error))?;
        disk.list("")
            .map_err(|error| describe(&disk, "open", "", &error))?;
        Ok(Self {
            folder: Folder {
                log: Arc::new(Log::new(options.keep_changes)),
                disk,
                options,
            },
            queue: Queue::default(),
            inside: Cell::new(false),
        })
    }

    /// Runs a whole operation while no other handle writes. It waits for other writers up to the
    /// busy timeout. Each commit of the job is stored when it returns, whatever the job does
    /// afterwards.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the wait exceeded the busy timeout or the folder cannot be written
    /// to, and `STORAGE_FULL`. The job did not run then. The errors of the job itself are a part of
    /// its result.
    pub fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        let _inside = self.enter()?;
        self.folder.transaction(job)
    }

    /// Runs nothing: a write always waits for the disk, so it is left to the queue.
    pub fn try_transaction<R, J>(&self, job: J) -> Attempt<R, J>
    where
        J: FnOnce(&dyn SyncStore) -> R,
    {
        Attempt::Busy(job)
    }

    /// Waits until every job in the queue of this handle is done. Inside a transaction of this
    /// handle, for which the jobs wait, it returns immediately.
    pub fn drain(&self) {
        if !self.inside.get() {
            self.queue.drain();
        }
    }

    /// See [`Log::check`].
    pub(crate) fn check_log(&self, repair: bool) -> Result<Vec<Problem>> {
        let Folder { disk, log, .. } = &self.folder;
        log.check(disk, repair)
            .map_err(|failed| failed.explain(disk, "check"))
    }

    /// Marks a transaction as running. A second one on this handle would wait for the first one
    /// forever, so it is refused.
    fn enter(&self) -> Result<Inside<'_>> {
        if self.inside.replace(true) {
            return Err(Error::internal(
                "a job started a transaction on its own handle",
            ));
        }
        Ok(Inside(&self.inside))
    }
}

impl<D: Disk + Clone + Send + 'static> FileStore<D> {
    /// Queues a whole operation. Jobs run in the order of the calls on the thread of the handle,
    /// each as a [`transaction`](Self::transaction). `done` receives the result of a job. It is
    /// always called: on that thread, or on the calling thread if the thread cannot be started.
    /// Dropping the handle waits for the jobs in its queue.
    pub fn enqueue(&self, job: Job, done: Done) {
        self.queue.push(&self.folder, job, done);
    }
}

struct Inside<'s>(&'s Cell<bool>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<D: Disk> SyncStore for FileStore<D> {
    fn capabilities(&self) -> Capabilities {
        self.folder.capabilities()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.folder.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.transaction(|store| store.commit(changes))?
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.folder.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.folder.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.folder.scan(scan)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.folder.tally(filter, aggregate)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.folder.feed(query)
    }
}

impl<D: Disk + Clone + Send + 'static> TransactionStore for FileStore<D> {
    fn run(&self, job: &mut dyn FnMut(&dyn SyncStore)) -> Result<()> {
        self.transaction(job)
    }

    fn try_run(&self, _job: &mut dyn FnMut(&dyn SyncStore)) -> Result<bool> {
        Ok(false)
    }

    fn enqueue(&self, job: Job, done: Done) {
        self.enqueue(job, done);
    }

    fn drain(&self) {
        self.drain();
    }

    fn commit_unseen(&self, changes: &Changes) -> Result<Commit> {
        let _inside = self.enter()?;
        self.folder.commit_unseen(changes)
    }
}
