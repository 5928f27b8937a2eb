//! A handle on a store of files.

use std::cell::Cell;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Tally;
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};

use crate::disk::{Disk, Os};
use crate::failure::describe;
use crate::kept::Part;
use crate::layout::{LOCK, OWN};
use crate::options::FileOptions;
use crate::view::View;
use crate::write::Writer;

const CAPABILITIES: Capabilities = Capabilities {
    persistent: true,
    shared: true,
    reindents: true,
    records_only: false,
};

/// A reader of many files begins anew when several were written at once meanwhile; after so often
/// it keeps the writers out.
const ATTEMPTS: u32 = 8;

/// A handle on a store of files, for one thread at a time. Any number of handles, of any number of
/// processes, may share a folder.
pub struct FileStore<D: Disk = Os> {
    disk: D,
    options: FileOptions,
    /// A transaction of this handle is running.
    inside: Cell<bool>,
}

impl<D: Disk> fmt::Debug for FileStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("folder", &self.disk.place(""))
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl FileStore {
    /// Opens the store in the folder at `path`. The folder, and those it is in, are made if they do
    /// not exist. Nothing else is written before the first commit, and a folder that can only be
    /// read can be opened.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when there is no folder to be had, and `STORAGE_FULL`.
    pub fn open(path: &Path, options: FileOptions) -> Result<Self> {
        let disk = Os::new(path).map_err(|error| Error::StoreUnavailable {
            problem: format!("{:?}: {error}", path.display().to_string()),
        })?;
        Self::over(disk, options)
    }
}

impl<D: Disk> FileStore<D> {
    /// Opens the store on a disk of one's own.
    ///
    /// # Errors
    /// Those of [`FileStore::open`].
    pub fn over(disk: D, options: FileOptions) -> Result<Self> {
        disk.make_base()
            .map_err(|error| describe(&disk, "open", "", &error))?;
        disk.list("")
            .map_err(|error| describe(&disk, "open", "", &error))?;
        Ok(Self {
            disk,
            options,
            inside: Cell::new(false),
        })
    }

    /// Runs a whole operation while no other handle writes. It waits for others up to the busy
    /// timeout. Each commit of the job is kept when it returns, whatever becomes of the rest.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` when the wait was too long or the folder cannot be written to, and
    /// `STORAGE_FULL`; the job did not run then. The job's own failures are in its answer.
    pub fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        let _inside = self.enter()?;
        let _held = self.lock()?;
        Ok(job(&Unit(self)))
    }

    /// Notes that a transaction is running, which would wait for itself if it started another.
    fn enter(&self) -> Result<Inside<'_>> {
        if self.inside.replace(true) {
            return Err(Error::internal(
                "a job started a transaction on its own handle",
            ));
        }
        Ok(Inside(&self.inside))
    }

    fn lock(&self) -> Result<D::Held> {
        const SHORTEST: Duration = Duration::from_micros(50);
        const LONGEST: Duration = Duration::from_millis(5);
        let start = Instant::now();
        let timeout = Duration::from_millis(self.options.busy_timeout_ms.into());
        let mut pause = SHORTEST;
        loop {
            let tried = self
                .disk
                .make_base()
                .and_then(|()| self.disk.make_folder(OWN))
                .and_then(|()| self.disk.try_lock(LOCK));
            let tried = match tried {
                // Somebody is just removing the folder.
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                tried => tried.map_err(|error| describe(&self.disk, "commit", LOCK, &error))?,
            };
            if let Some(held) = tried {
                return Ok(held);
            }
            let waited = start.elapsed();
            if waited >= timeout {
                return Err(Error::StoreUnavailable {
                    problem: format!(
                        "{}: other writers held their lock for longer than the busy timeout of {} ms",
                        self.disk.place(LOCK),
                        self.options.busy_timeout_ms
                    ),
                });
            }
            // Waiters that fall into step would all wake at once; the clock's last digits differ.
            let odd = Duration::from_nanos(u64::from(waited.subsec_nanos()) % 97 * 500);
            std::thread::sleep((pause + odd).min(timeout - waited));
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn view(&self, method: &'static str) -> Result<View<'_, D>> {
        View::new(&self.disk, method)
    }

    /// Reads many files as of one moment, as far as writes of several files are concerned.
    fn steady<T>(
        &self,
        method: &'static str,
        read: impl Fn(&View<'_, D>) -> Result<T>,
    ) -> Result<T> {
        let mut view = self.view(method)?;
        for _ in 0..ATTEMPTS {
            let answer = read(&view);
            let after = self.view(method)?;
            if after.number() == view.number() {
                return answer;
            }
            view = after;
        }
        let _held = self.lock()?;
        read(&self.view(method)?)
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
        CAPABILITIES
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        load(&self.view("load")?, id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.transaction(|store| store.commit(changes))?
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.steady("list", |view| view.list(query))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.steady("record", |view| view.record(kind, key))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.steady("scan", |view| view.scan(scan))
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        self.steady("tally", |view| view.tally(filter)).map(Some)
    }
}

/// The store as a job sees it while the handle holds the lock.
struct Unit<'s, D: Disk>(&'s FileStore<D>);

impl<D: Disk> SyncStore for Unit<'_, D> {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.0.load(id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        let writer = Writer {
            disk: &self.0.disk,
            durability: self.0.options.durability,
        };
        writer.commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.0.view("list")?.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.0.view("record")?.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.0.view("scan")?.scan(scan)
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        self.0.view("tally")?.tally(filter).map(Some)
    }
}

fn load<D: Disk>(view: &View<'_, D>, id: &SessionId, history: History) -> Result<Option<Loaded>> {
    let part = match history {
        History::None => Part::Head,
        _ => Part::Whole,
    };
    let Some(kept) = view.readable(id, part)? else {
        return Ok(None);
    };
    let mut events = kept.events;
    match history.range(kept.head.event_count) {
        None => events.clear(),
        // Events are numbered from 1 without gaps.
        Some((first, last)) => {
            events.truncate(usize::try_from(last).unwrap_or(usize::MAX));
            events.drain(..usize::try_from(first - 1).unwrap_or(0).min(events.len()));
        }
    }
    Ok(Some(Loaded {
        head: kept.head,
        events,
    }))
}
