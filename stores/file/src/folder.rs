//! The store's folder: its lock, consistent reads, and the view of a job that holds the lock.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tenure_core::error::Cause;
use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{History, Result, SessionId, SyncStore};

use crate::disk::Disk;
use crate::failure::describe;
use crate::intent::Intent;
use crate::layout::{LOCK, OWN};
use crate::log::Log;
use crate::options::FileOptions;
use crate::session_file::Part;
use crate::view::View;
use crate::write::Writer;

const CAPABILITIES: Capabilities = Capabilities {
    persistent: true,
    shared: true,
    feed: true,
    reindents: true,
    records_only: false,
};

/// Attempts at a read of several files, which is repeated when several files were written
/// meanwhile. After the last attempt the read takes the lock, so that no other process writes.
const ATTEMPTS: u32 = 8;

/// A store's folder, without its lock.
#[derive(Debug, Clone)]
pub(crate) struct Folder<D> {
    pub(crate) disk: D,
    pub(crate) options: FileOptions,
    pub(crate) log: Arc<Log>,
}

impl<D: Disk> Folder<D> {
    /// Runs a whole operation while holding the folder's lock. Waits for the lock up to the busy
    /// timeout.
    pub(crate) fn transaction<R>(&self, job: impl FnOnce(&dyn SyncStore) -> R) -> Result<R> {
        let _held = self.lock()?;
        Ok(job(&Unit::of(self)))
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
                // Another program is removing the folder.
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                tried => tried.map_err(|error| describe(&self.disk, "commit", LOCK, &error))?,
            };
            if let Some(held) = tried {
                return Ok(held);
            }
            let waited = start.elapsed();
            if waited >= timeout {
                return Err(Cause::StoreUnavailable {
                    problem: format!(
                        "{}: other writers held their lock for longer than the busy timeout of {} ms",
                        self.disk.place(LOCK),
                        self.options.busy_timeout_ms
                    ),
                }.into());
            }
            // Jitter from the clock keeps waiting processes from retrying at the same time.
            let odd = Duration::from_nanos(u64::from(waited.subsec_nanos()) % 97 * 500);
            std::thread::sleep((pause + odd).min(timeout - waited));
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Commits changes that the feed does not mention.
    pub(crate) fn commit_unseen(&self, changes: &Changes) -> Result<Commit> {
        let _held = self.lock()?;
        self.writer(false).commit(changes)
    }

    /// Writes, for a caller that holds the lock.
    fn writer(&self, is_fed: bool) -> Writer<'_, D> {
        Writer {
            disk: &self.disk,
            log: &self.log,
            durability: self.options.durability,
            is_fed,
        }
    }

    fn view(&self, method: &'static str) -> Result<View<'_, D>> {
        View::new(&self.disk, method)
    }

    /// Reads several files, and repeats the read if a write of several files was applied meanwhile.
    fn read_consistently<T>(
        &self,
        method: &'static str,
        read: impl Fn(&View<'_, D>) -> Result<T>,
    ) -> Result<T> {
        let mut view = self.view(method)?;
        for _ in 0..ATTEMPTS {
            let result = read(&view);
            let after = self.view(method)?;
            if after.number() == view.number() {
                return result;
            }
            view = after;
        }
        let _held = self.lock()?;
        read(&self.view(method)?)
    }
}

impl<D: Disk> SyncStore for Folder<D> {
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
        self.read_consistently("list", |view| view.list(query))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.read_consistently("record", |view| view.record(kind, key))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.read_consistently("scan", |view| view.scan(scan))
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.read_consistently("tally", |view| view.tally(filter, aggregate))
            .map(Some)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        let read = self.log.feed(&self.disk, query);
        read.map_err(|failed| failed.explain(&self.disk, "feed"))
    }
}

/// The store for a job that holds the folder's lock.
struct Unit<'f, D> {
    folder: &'f Folder<D>,
    /// The intent, which nobody else changes meanwhile.
    intent: RefCell<Option<Intent>>,
}

impl<'f, D: Disk> Unit<'f, D> {
    fn of(folder: &'f Folder<D>) -> Self {
        Self {
            folder,
            intent: RefCell::default(),
        }
    }

    fn view(&self, method: &'static str) -> Result<View<'f, D>> {
        let disk = &self.folder.disk;
        if let Some(intent) = &*self.intent.borrow() {
            return Ok(View::with(disk, intent.clone(), method));
        }
        let view = View::new(disk, method)?;
        *self.intent.borrow_mut() = Some(view.intent.clone());
        Ok(view)
    }
}

impl<D: Disk> SyncStore for Unit<'_, D> {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        load(&self.view("load")?, id, history)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.intent.take();
        self.folder.writer(true).commit(changes)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.view("list")?.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.view("record")?.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.view("scan")?.scan(scan)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.view("tally")?.tally(filter, aggregate).map(Some)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.folder.feed(query)
    }
}

fn load<D: Disk>(view: &View<'_, D>, id: &SessionId, history: History) -> Result<Option<Loaded>> {
    let part = match history {
        History::None => Part::Head,
        _ => Part::All,
    };
    let Some(file) = view.readable(id, part)? else {
        return Ok(None);
    };
    let mut events = file.events;
    match history.range(file.head.event_count) {
        None => events.clear(),
        // Sequence numbers are consecutive and start at 1.
        Some((first, last)) => {
            events.truncate(usize::try_from(last).unwrap_or(usize::MAX));
            events.drain(..usize::try_from(first - 1).unwrap_or(0).min(events.len()));
        }
    }
    Ok(Some(Loaded {
        head: file.head,
        events,
    }))
}
