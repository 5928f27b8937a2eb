//! The memory store: the reference for what a store does, for tests and for sessions that need not
//! outlive the process.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Cause, Error, Result};
use crate::store::counts::{Counted, Counts, NOT_COUNTED};
use crate::store::feed::{Change, ChangeKind, FedChange, FeedPage, FeedQuery};
use crate::store::filter::{Direction, Filter, OrderBy};
use crate::store::heads::{Block, Index};
use crate::store::orders::Orders;
use crate::store::packed::Packed;
use crate::store::rows::Rows;
use crate::store::tally::{Aggregate, Measured, Shared, Sums, Tally};
use crate::store::{
    Capabilities, Changes, Commit, Expect, History, ListQuery, Loaded, Page, Problem, Scan,
    SessionChange, SessionWrite, SyncStore, no_feed,
};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::value::id::SessionId;

/// The number of changes that its feed keeps.
const FEED: usize = 10_000;

/// As many times as many sessions as are loaded may be there for them to be added at once.
const FEW: usize = 128;

/// Keeps everything in memory, and nothing when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    /// Whether it mirrors the heads of another store.
    is_mirror: bool,
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self {
            state: Mutex::new(self.state().clone()),
            is_mirror: self.is_mirror,
        }
    }
}

impl MemoryStore {
    /// A mirror of the sessions of another store. It lists and counts sessions whose heads were
    /// [loaded](Self::load_heads). It has no histories and no records, and refuses writes.
    pub fn mirror() -> Self {
        Self {
            is_mirror: true,
            ..Self::default()
        }
    }

    /// Loads heads that [`encode`](crate::store::heads::encode) has made bytes of: in place of those of the
    /// same sessions that are there, and without the sessions that are gone. Returns the number of heads. A
    /// head is read when it is needed; one that cannot be read then is a problem of the list that needs it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for other bytes, `CORRUPT_SESSION` for a head that cannot be read and takes the
    /// place of another, `INTERNAL` for a store that is no mirror. Nothing is loaded then.
    pub fn load_heads(&self, bytes: Vec<u8>) -> Result<u64> {
        if !self.is_mirror {
            return Err(misused());
        }
        let (block, index) = Block::read(bytes)?;
        self.state().load_heads(block, index)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic is done while the state is half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default, Clone)]
struct State {
    /// The sessions by their ids.
    sessions: Rows<Session>,
    /// The records by their [keys](record_key).
    records: Rows<Record>,
    /// The orders in which sessions are listed.
    orders: Orders,
    /// The counts of the sessions.
    counts: Counts,
    /// The heads of sessions that have only a place among the sessions.
    packed: Packed,
    /// The newest changes.
    feed: VecDeque<Change>,
    /// The position of the newest change.
    newest: u64,
}

/// What is kept now, without the feed: several orders of commits lead to it.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("sessions", &self.sessions)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

/// What is counted so far.
struct Counting {
    tally: Tally,
    /// The sums of counted sessions by the places of their groups, which takes less time than finding the
    /// groups of a tally: those of all users, and those of each user. None where values are collected.
    sums: Vec<Sums>,
}

impl Counting {
    fn add(&mut self, counted: Counted, shared: Shared<'_>, measured: Measured) {
        let [kind, _, user, _] = counted;
        if self.sums.get(kind).is_none() {
            // A session in the trash is in no group.
            self.tally.count_session(shared, measured);
            return;
        }
        let of_session = Sums::of_session(measured);
        for place in [kind, user] {
            if let Some(sums) = self.sums.get_mut(place) {
                *sums = sums.plus(of_session);
            }
        }
    }
}

/// A session.
#[derive(Clone)]
struct Session {
    head: Head,
    events: Vec<Event>,
    /// The position of the change after which its history began.
    history_began: u64,
    counted: Counted,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session")
            .field(&self.head)
            .field(&self.events)
            .finish()
    }
}

impl State {
    fn load_heads(&mut self, block: Block, index: Index) -> Result<u64> {
        let number = index.heads.len() as u64;
        let is_there = |id: &SessionId| self.sessions.place(id.as_str()).is_some();
        // Sessions that are added at once get new places. A few among many get those that are free.
        let is_large = index.heads.len() * FEW >= self.sessions.places();
        if is_large && index.gone.is_empty() && !index.heads.iter().any(|head| is_there(&head.id)) {
            self.add_all(block, &index);
            return Ok(number);
        }
        let mut sessions = Vec::new();
        for head in index.heads {
            let head = Box::new(block.head(head.part)?);
            sessions.push(SessionChange {
                id: head.id.clone(),
                expect: Expect::Any,
                write: SessionWrite::Put {
                    head,
                    change: ChangeKind::Updated,
                    replace_history: true,
                    events: Vec::new(),
                },
            });
        }
        sessions.extend(index.gone.into_iter().map(|id| SessionChange {
            id,
            expect: Expect::Any,
            write: SessionWrite::Delete,
        }));
        for change in &sessions {
            if let Some(place) = self.sessions.place(change.id.as_str()) {
                self.unpack(place)?;
            }
        }
        self.apply(&Changes {
            sessions,
            ..Changes::default()
        });
        Ok(number)
    }

    /// Adds sessions that are not there, all at once.
    fn add_all(&mut self, block: Block, index: &Index) {
        let first = self.sessions.places();
        let [by_id, ..] = &index.orders;
        let ids = by_id
            .iter()
            .filter_map(|at| Some((index.heads.get(*at)?.id.to_string(), first + at)));
        self.sessions.reserve(first + index.heads.len(), ids);
        self.orders.add_all(&block, index, first);
        let kinds = block.kinds().count();
        let mut sums = vec![Sums::default(); kinds];
        for head in &index.heads {
            if let Some(sums) = sums.get_mut(head.kind) {
                *sums = sums.plus(Sums::of_session(head.measured));
            }
        }
        let mut counted = Vec::with_capacity(kinds);
        for ((kind, shared), sums) in block.kinds().enumerate().zip(sums) {
            counted.push(match sums.sessions() {
                1.. if !block.is_in_trash(kind) => self.counts.add_all(shared, sums),
                _ => NOT_COUNTED,
            });
        }
        let heads = index.heads.iter().map(|head| {
            let counted = counted.get(head.kind).copied();
            (head.part, counted.unwrap_or(NOT_COUNTED))
        });
        self.packed.add(block, first, heads);
    }

    /// Applies changes whose expectations are met.
    fn apply(&mut self, changes: &Changes) {
        let State {
            sessions,
            records,
            orders,
            feed,
            newest,
            counts,
            packed: _,
        } = self;
        for (change, position) in changes.sessions.iter().zip(*newest + 1..) {
            let id = change.id.as_str();
            match &change.write {
                SessionWrite::Put {
                    head,
                    replace_history,
                    events,
                    ..
                } => match sessions.found_mut(id) {
                    Some((place, session)) => {
                        let stored = &mut session.head;
                        orders.change(place, Some(stored), Some(head));
                        counts.change(&mut session.counted, Some(stored), Some(head));
                        *stored = head.as_ref().clone();
                        if *replace_history {
                            session.events.clear();
                            session.history_began = position;
                        }
                        session.events.extend_from_slice(events);
                    }
                    None => {
                        let mut counted = NOT_COUNTED;
                        counts.change(&mut counted, None, Some(head));
                        let session = Session {
                            head: head.as_ref().clone(),
                            events: events.clone(),
                            history_began: position,
                            counted,
                        };
                        let place = sessions.insert(id.to_owned(), session);
                        orders.change(place, None, Some(head));
                    }
                },
                SessionWrite::Delete => {
                    if let Some((place, session)) = sessions.found_mut(id) {
                        orders.change(place, Some(&session.head), None);
                        counts.change(&mut session.counted, Some(&session.head), None);
                    }
                    sessions.remove(id);
                    let mut owned = Vec::new();
                    records.visit("", &mut |record| {
                        if record.owner.as_ref() == Some(&change.id) {
                            owned.push(record_key(&record.kind, &record.key));
                        }
                        true
                    });
                    for key in &owned {
                        records.remove(key);
                    }
                }
            }
        }
        for change in &changes.records {
            let key = record_key(&change.kind, &change.key);
            match &change.record {
                Some(record) => {
                    records.insert(key, record.clone());
                }
                None => records.remove(&key),
            }
        }
        for change in changes.feed() {
            *newest += 1;
            if feed.len() == FEED {
                feed.pop_front();
            }
            feed.push_back(change);
        }
    }

    /// Whether the filter may select the session of a place. `true` for one whose head was needed before.
    fn may_match(&self, place: usize, filter: &Filter) -> bool {
        self.packed
            .known(place)
            .is_none_or(|(known, _)| known.is_selected_by(filter) != Some(false))
    }

    /// Counts the session of a place, if the filter selects it and it can be read.
    fn count(&mut self, place: usize, filter: &Filter, counting: &mut Counting) {
        if let Some((known, counted)) = self.packed.known(place) {
            match known.is_selected_by(filter) {
                Some(true) => return counting.add(counted, known.shared, known.measured),
                Some(false) => return,
                None => {}
            }
        }
        if self.unpack(place).is_err() {
            return;
        }
        let session = self.sessions.at(place);
        let Some(Session { head, counted, .. }) = session.filter(|of| filter.matches(&of.head))
        else {
            return;
        };
        match self.counts.shared(*counted) {
            // Finding the model in the metadata takes longer than all else.
            Some(shared) => {
                let user_id = head.user_id.as_deref();
                let shared = Shared { user_id, ..shared };
                counting.add(*counted, shared, Measured::of(head));
            }
            None => counting.tally.count(head),
        }
    }

    /// Makes a session of the head of a place that was loaded, if it was not needed before.
    fn unpack(&mut self, place: usize) -> Result<()> {
        if let Some((head, counted)) = self.packed.take(place)? {
            let session = Session {
                head,
                events: Vec::new(),
                history_began: 0,
                counted,
            };
            self.sessions.put(place, session);
        }
        Ok(())
    }

    /// Makes sessions of all heads that were loaded. Returns those that cannot be read.
    fn unpack_all(&mut self) -> Vec<Problem> {
        let places = 0..self.packed.places();
        places
            .filter_map(|place| self.unpack(place).err().map(problem))
            .collect()
    }
}

/// The error of a caller that takes one kind of store for another.
fn misused() -> Error {
    Error::internal("heads are loaded into a mirror, which has no histories and takes no writes")
}

/// A session that cannot be read, as a list shows it.
fn problem(error: Error) -> Problem {
    let id = match error.cause() {
        Cause::CorruptSession { id, .. } => id.clone(),
        _ => String::new(),
    };
    let problem = error.to_string();
    Problem { id, problem }
}

/// The key of a record among the rows of all. No kind contains NUL, so the records of a kind are in the
/// order of their keys.
fn record_key(kind: &str, key: &str) -> String {
    [kind, key].join("\0")
}

impl SyncStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            feed: !self.is_mirror,
            ..Capabilities::default()
        }
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let mut state = self.state();
        if self.is_mirror {
            if history != History::None {
                return Err(misused());
            }
            let place = state.sessions.place(id.as_str());
            place.map_or(Ok(()), |place| state.unpack(place))?;
        }
        Ok(state.sessions.get(id.as_str()).map(|session| Loaded {
            head: session.head.clone(),
            events: match history.range(session.head.event_count) {
                None => Vec::new(),
                // Events are numbered from 1 without gaps.
                Some((first, last)) => session
                    .events
                    .get(first as usize - 1..last as usize)
                    .unwrap_or_default()
                    .to_vec(),
            },
        }))
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        if self.is_mirror {
            return Err(misused());
        }
        let mut state = self.state();
        for change in &changes.sessions {
            let current = state.sessions.get(change.id.as_str());
            let current = current.map(|session| session.head.version);
            if !change.expect.allows(current) {
                return Ok(Commit::SessionConflict {
                    id: change.id.clone(),
                    current,
                });
            }
        }
        for change in &changes.records {
            let current = state.records.get(&record_key(&change.kind, &change.key));
            let current = current.map(|record| record.version);
            if !change.expect.allows(current) {
                return Ok(Commit::RecordConflict {
                    record_kind: change.kind.clone(),
                    key: change.key.clone(),
                    current,
                });
            }
        }
        state.apply(changes);
        Ok(Commit::Applied)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut state = self.state();
        if query.order.by == OrderBy::UpdatedAt {
            let problems = state.unpack_all();
            let heads = state.sessions.values_in_any_order();
            let page = query.page(heads.map(|session| &session.head));
            return Ok(Page { problems, ..page });
        }
        // One more tells whether others follow.
        let most = query.offset.saturating_add(u64::from(query.limit) + 1);
        let (mut places, mut problems) = (Vec::new(), Vec::new());
        let filter = &query.filter;
        let (after, direction) = (query.after.as_ref(), query.order.direction);
        // The orders stay as they are while heads are unpacked.
        let orders = std::mem::take(&mut state.orders);
        orders.visit(filter, after, direction, &mut |place| {
            if state.may_match(place, filter) {
                problems.extend(state.unpack(place).err().map(problem));
                let session = state.sessions.at(place);
                if session.is_some_and(|session| filter.matches(&session.head)) {
                    places.push(place);
                }
            }
            (places.len() as u64) < most
        });
        state.orders = orders;
        let sessions = places.iter().filter_map(|place| state.sessions.at(*place));
        let page = query.page_of(sessions.map(|session| &session.head).collect());
        Ok(Page { problems, ..page })
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        let mut state = self.state();
        if let (Aggregate::Counts { users }, Some((user_id, mode))) =
            (aggregate, filter.user_and_mode())
        {
            return Ok(Some(state.counts.tally(user_id, mode, users)));
        }
        let mut counting = Counting {
            tally: Tally::new(aggregate),
            sums: match aggregate {
                Aggregate::Counts { .. } => vec![Sums::default(); state.counts.places()],
                Aggregate::Values { .. } => Vec::new(),
            },
        };
        if Orders::narrow(filter) {
            // The orders stay as they are while heads are unpacked.
            let orders = std::mem::take(&mut state.orders);
            orders.visit(filter, None, Direction::Asc, &mut |place| {
                state.count(place, filter, &mut counting);
                true
            });
            state.orders = orders;
        } else {
            for place in 0..state.sessions.places() {
                state.count(place, filter, &mut counting);
            }
        }
        let Counting { mut tally, sums } = counting;
        state.counts.add_to(&mut tally, &sums);
        Ok(Some(tally.complete()))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        Ok(self.state().records.get(&record_key(kind, key)).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        // No key is before this one, not even the empty key.
        let mut after = scan.kind.clone();
        if let Some(key) = &scan.after {
            after = record_key(&scan.kind, key);
        }
        let mut found = Vec::new();
        self.state().records.visit(&after, &mut |record| {
            let is_meant = record.kind == scan.kind && (found.len() as u64) < scan.limit.into();
            if is_meant {
                found.push(record.clone());
            }
            is_meant
        });
        Ok(found)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        if self.is_mirror {
            return Err(no_feed());
        }
        let state = self.state();
        let kept_after = state.newest - state.feed.len() as u64;
        // How many come before the page.
        let before = query.after.map_or(usize::MAX, |after| {
            usize::try_from(after.saturating_sub(kept_after)).unwrap_or(usize::MAX)
        });
        let positions = kept_after + 1..;
        let changes = state.feed.iter().zip(positions).skip(before);
        let is_there = |change: &Change, position: u64| {
            let session = state.sessions.get(&change.key);
            session.is_some_and(|session| position >= session.history_began)
        };
        Ok(FeedPage {
            changes: changes
                .take(query.limit as usize)
                .map(|(change, position)| FedChange {
                    position,
                    kind: change.kind,
                    key: change.key.clone(),
                    events: change.events.filter(|_| is_there(change, position)),
                })
                .collect(),
            kept_after,
            newest: state.newest,
        })
    }
}
