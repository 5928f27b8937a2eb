//! Rotation: values that the current key has not encrypted are encrypted with it, page by page, while others use the store. Each step is
//! one commit that changes no session, only how it is stored, so that it may be interrupted after any of them.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tenure_core::store::feed::ChangeKind;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use tenure_core::store::{
    Answer, Changes, Commit, Expect, ListQuery, Loaded, Page, Record, RecordChange, Scan,
    SessionChange, SessionWrite,
};
use tenure_core::value::limits::MAX_PAGE_BYTES;
use tenure_core::{Error, Event, Head, History, Result, SessionId, Store};
use tenure_store_transaction::{Rewrite, TransactionStore};

use crate::marks::{self, IN_USE, is_mark_conflict};
use crate::seal::Seal;
use crate::store::{Sealed, SealedAsync};
use crate::value::SEALED_KINDS;

/// The sessions of a page.
const SESSIONS: u32 = 100;
/// The events that one commit rewrites.
const EVENTS: u32 = 200;
/// The attempts for a session that others write to.
const ATTEMPTS: u32 = 5;

/// Oldest first: sessions that are added meanwhile come last, and are encrypted with the current key.
const ORDER: Order = Order {
    by: OrderBy::CreatedAt,
    direction: Direction::Asc,
};

/// The names of sessions and records with problems that are kept.
const MOST_PROBLEMS: usize = 100;

/// A rotation of a store, and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotation {
    /// The sessions that were read.
    pub sessions: u64,
    /// The heads, events and records that were encrypted again.
    pub rewritten: u64,
    /// The sessions that other writers have changed at each attempt; the next rotation finds them again.
    pub busy: u64,
    /// The number of sessions and records that cannot be read, or do not decrypt.
    pub failed: u64,
    /// The ids of the first hundred of these sessions, and the kinds and keys of the records.
    pub problems: Vec<String>,
    /// The ids of the keys that the store no longer needs, at the end of a rotation that has left out nothing.
    pub retired: Vec<String>,
    /// Whether it has ended.
    pub is_done: bool,
    /// The last session of the page before.
    after: Option<Position>,
}

impl Rotation {
    fn note_problem(&mut self, id: String) {
        self.failed += 1;
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(id);
        }
    }
}

/// Commits to an asynchronous store without a word in its feed.
pub type CommitUnseen = Box<dyn Fn(Changes) -> Answer<'static, Commit> + Send + Sync>;

/// The store below, of either kind.
trait Below {
    async fn list(&self, query: &ListQuery) -> Result<Page>;
    async fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>>;
    async fn scan(&self, scan: &Scan) -> Result<Vec<Record>>;
    /// Commits without a word in the feed.
    async fn commit(&self, changes: Changes) -> Result<Commit>;
    /// Writes a part of a session, if the store can.
    async fn rewrite(&self, rewrite: &Rewrite) -> Result<Option<Commit>>;
}

/// A synchronous store: its futures are ready.
struct Now<'s, S>(&'s S);

impl<S: TransactionStore> Below for Now<'_, S> {
    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.0.list(query)
    }

    async fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.0.load(id, history)
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.0.scan(scan)
    }

    async fn commit(&self, changes: Changes) -> Result<Commit> {
        match changes.sessions.is_empty() {
            // The feed mentions no such records.
            true => self.0.commit(&changes),
            false => self.0.commit_unseen(&changes),
        }
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Result<Option<Commit>> {
        self.0.rewrite(rewrite)
    }
}

struct Later<'s>(&'s dyn Store, &'s CommitUnseen);

impl Below for Later<'_> {
    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.0.list(query).await
    }

    async fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.0.load(id, history).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.0.scan(scan).await
    }

    async fn commit(&self, changes: Changes) -> Result<Commit> {
        self.1(changes).await
    }

    async fn rewrite(&self, _: &Rewrite) -> Result<Option<Commit>> {
        Ok(None)
    }
}

/// Rotates the next page of a store. The records follow the last session.
///
/// # Errors
/// Those of the store. The rotation may go on from where it was.
pub fn rotate<S: TransactionStore>(store: &Sealed<S>, rotation: Rotation) -> Result<Rotation> {
    let below = Now(store.below());
    let rotated = pin!(page(&below, store.seal(), rotation));
    match rotated.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(rotated) => rotated,
        Poll::Pending => Err(Error::internal("a synchronous store has to be waited for")),
    }
}

/// As [`rotate`], over an asynchronous store.
///
/// # Errors
/// Those of the store.
pub async fn rotate_async(
    store: &SealedAsync,
    commit: &CommitUnseen,
    rotation: Rotation,
) -> Result<Rotation> {
    page(&Later(store.below(), commit), store.seal(), rotation).await
}

async fn page(below: &impl Below, seal: &Seal, mut rotation: Rotation) -> Result<Rotation> {
    mark(below, seal).await?;
    if rotation.after.is_none() {
        replace_others(below, seal).await?;
    }
    let query = ListQuery {
        filter: Filter {
            trash: Trash::Include,
            ..Filter::default()
        },
        order: ORDER,
        after: rotation.after.take(),
        offset: 0,
        limit: SESSIONS,
        max_bytes: MAX_PAGE_BYTES,
    };
    let page = below.list(&query).await?;
    let last = page.heads.last().filter(|_| page.more);
    rotation.after = last.map(|head| ORDER.position(head));
    for problem in page.problems {
        rotation.note_problem(problem.id);
    }
    for head in page.heads {
        rotation.sessions += 1;
        let id = head.id.clone();
        match session(below, seal, head).await {
            Ok(Some(rewritten)) => rotation.rewritten += rewritten,
            Ok(None) => rotation.busy += 1,
            Err(error) if error.is_corrupt_session() => rotation.note_problem(id.to_string()),
            Err(error) => return Err(error),
        }
    }
    if rotation.after.is_none() {
        for kind in SEALED_KINDS {
            records(below, seal, kind, &mut rotation).await?;
        }
        if rotation.busy == 0 && rotation.failed == 0 {
            rotation.retired = retire(below, seal).await?;
        }
        rotation.is_done = true;
    }
    Ok(rotation)
}

/// Writes the record of the current key before something is encrypted with it. A key that was replaced before is in use again.
async fn mark(below: &impl Below, seal: &Seal) -> Result<()> {
    loop {
        let records = below.scan(&marks::all()).await?;
        seal.check_keys(&records)?;
        let own = records.iter().find(|record| record.key == seal.current());
        let expect = match own.map(|record| record.version) {
            Some(IN_USE) => return Ok(()),
            Some(version) => Expect::Version { version },
            None => Expect::Absent,
        };
        // Until it is written, commits do not require it.
        seal.note_unmarked();
        match commit_one(below, seal.mark(expect)?).await? {
            Commit::Applied => {
                seal.note_marked();
                return Ok(());
            }
            commit if is_mark_conflict(&commit) => {}
            _ => return Err(Error::internal("the record of a key was not written")),
        }
    }
}

/// Marks the other keys as replaced, so that nothing more is encrypted with them.
async fn replace_others(below: &impl Below, seal: &Seal) -> Result<()> {
    for record in below.scan(&marks::all()).await? {
        if record.key != seal.current()
            && let Some(change) = marks::replacing(record)
        {
            // If another process has changed it meanwhile, it is replaced, too.
            commit_one(below, change).await?;
        }
    }
    Ok(())
}

/// Marks the keys as retired with which nothing is encrypted any longer. Returns their ids. A key whose use began
/// during the rotation is left.
async fn retire(below: &impl Below, seal: &Seal) -> Result<Vec<String>> {
    let mut retired = Vec::new();
    for record in below.scan(&marks::all()).await? {
        let key = record.key.clone();
        if key != seal.current()
            && let Some(change) = marks::retiring(record)
            && commit_one(below, change).await? == Commit::Applied
        {
            retired.push(key);
        }
    }
    Ok(retired)
}

async fn commit_one(below: &impl Below, change: RecordChange) -> Result<Commit> {
    let changes = Changes {
        records: vec![change],
        ..Changes::default()
    };
    below.commit(changes).await
}

/// The outcome of an attempt to write values in place.
enum Rewriting {
    Applied,
    /// Another writer has changed the session.
    Conflict,
    /// The store writes whole sessions alone.
    Unsupported,
}

/// Rotates a session, as it is stored. The number of values, or `None` if others wrote to it at each attempt.
async fn session(below: &impl Below, seal: &Seal, mut head: Head) -> Result<Option<u64>> {
    let id = head.id.clone();
    let mut rewritten = 0;
    let mut conflicts = 0;
    while seal.is_head_old(&mut head) {
        let mut plain = head.clone();
        seal.open_head(&mut plain)?;
        match apply(below, seal, &id, Some(plain), Vec::new(), head.version).await? {
            Rewriting::Applied => {
                rewritten += 1;
                break;
            }
            Rewriting::Unsupported => return whole(below, seal, &id).await,
            Rewriting::Conflict => conflicts += 1,
        }
        match below.load(&id, History::None).await? {
            // It was deleted.
            None => return Ok(Some(rewritten)),
            Some(_) if conflicts == ATTEMPTS => return Ok(None),
            Some(loaded) => head = loaded.head,
        }
    }
    let mut sequence = 0;
    loop {
        let history = History::After {
            sequence,
            limit: EVENTS,
        };
        let Some(loaded) = below.load(&id, history).await? else {
            return Ok(Some(rewritten));
        };
        let Some(last) = loaded.events.last().map(|event| event.sequence) else {
            return Ok(Some(rewritten));
        };
        let is_old = |event: &Event| seal.is_event_old(event);
        let mut old: Vec<Event> = loaded.events.into_iter().filter(is_old).collect();
        if !old.is_empty() {
            for event in &mut old {
                seal.open_event(&id, event)?;
            }
            let count = old.len() as u64;
            // Events never change, but a history may be replaced: then the version differs, and the part is read again.
            match apply(below, seal, &id, None, old, loaded.head.version).await? {
                Rewriting::Applied => rewritten += count,
                Rewriting::Unsupported => return whole(below, seal, &id).await,
                Rewriting::Conflict if conflicts == ATTEMPTS => return Ok(None),
                Rewriting::Conflict => {
                    conflicts += 1;
                    continue;
                }
            }
        }
        sequence = last;
    }
}

/// Encrypts values and writes them in place of those that are there, unless the session has changed.
async fn apply(
    below: &impl Below,
    seal: &Seal,
    id: &SessionId,
    head: Option<Head>,
    events: Vec<Event>,
    version: u64,
) -> Result<Rewriting> {
    let rewrite = Rewrite {
        id: id.clone(),
        version,
        head: head.map(Box::new),
        events,
    };
    let sealed = seal.sealed_rewrite(&rewrite)?;
    Ok(match below.rewrite(&sealed).await? {
        Some(Commit::Applied) => Rewriting::Applied,
        Some(_) => Rewriting::Conflict,
        None => Rewriting::Unsupported,
    })
}

/// Rotates a session in one commit, with its history, in a store that cannot do it in parts.
async fn whole(below: &impl Below, seal: &Seal, id: &SessionId) -> Result<Option<u64>> {
    for _ in 0..ATTEMPTS {
        let Some(Loaded {
            mut head,
            mut events,
        }) = below.load(id, History::All).await?
        else {
            return Ok(Some(0));
        };
        let old = events
            .iter()
            .filter(|event| seal.is_event_old(event))
            .count() as u64;
        let old = old + u64::from(seal.is_head_old(&mut head));
        if old == 0 {
            return Ok(Some(0));
        }
        seal.open_head(&mut head)?;
        for event in &mut events {
            seal.open_event(id, event)?;
        }
        let version = head.version;
        let changes = Changes {
            sessions: vec![SessionChange {
                id: id.clone(),
                expect: Expect::Version { version },
                write: SessionWrite::Put {
                    head: Box::new(head),
                    change: ChangeKind::Updated,
                    replace_history: true,
                    events,
                },
            }],
            ..Changes::default()
        };
        if below.commit(seal.sealed(&changes)?.0).await? == Commit::Applied {
            return Ok(Some(old));
        }
    }
    Ok(None)
}

/// Rotates the records of a kind.
async fn records(
    below: &impl Below,
    seal: &Seal,
    kind: &str,
    rotation: &mut Rotation,
) -> Result<()> {
    let mut after = None;
    loop {
        let scan = Scan {
            kind: kind.to_owned(),
            after,
            limit: SESSIONS,
        };
        let page = below.scan(&scan).await?;
        let Some(last) = page.last().map(|record| record.key.clone()) else {
            return Ok(());
        };
        for mut record in page {
            if !seal.is_record_old(&record) {
                continue;
            }
            if seal.open_record(&mut record).is_err() {
                rotation.note_problem(format!("{kind} {}", record.key));
                continue;
            }
            seal.seal_record(&mut record)?;
            let expect = Expect::Version {
                version: record.version,
            };
            let changes = Changes {
                records: vec![RecordChange::put(expect, record)],
                ..Changes::default()
            };
            // One that has changed meanwhile was encrypted with the current key.
            if below.commit(changes).await? == Commit::Applied {
                rotation.rewritten += 1;
            }
        }
        after = Some(last);
    }
}
