//! The memory store: the reference for what a store does, for tests and for sessions that need not
//! outlive the process.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::store::counts::{Counted, Counts, NOT_COUNTED};
use crate::store::feed::{Change, FedChange, FeedPage, FeedQuery};
use crate::store::filter::{Filter, OrderBy};
use crate::store::orders::Orders;
use crate::store::rows::Rows;
use crate::store::tally::Tally;
use crate::store::{
    Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Scan, SessionWrite, SyncStore,
};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::value::id::SessionId;

/// The number of changes that its feed keeps.
const FEED: usize = 10_000;

/// Keeps everything in memory, and nothing when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self {
            state: Mutex::new(self.state().clone()),
        }
    }
}

impl MemoryStore {
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

/// The key of a record among the rows of all. No kind contains NUL, so the records of a kind are in the
/// order of their keys.
fn record_key(kind: &str, key: &str) -> String {
    [kind, key].join("\0")
}

impl SyncStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            feed: true,
            ..Capabilities::default()
        }
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let state = self.state();
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
        let State {
            sessions,
            records,
            orders,
            feed,
            newest,
            counts,
        } = &mut *state;
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
        Ok(Commit::Applied)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let state = self.state();
        if query.order.by == OrderBy::UpdatedAt {
            let heads = state.sessions.values_in_any_order();
            return Ok(query.page(heads.map(|session| &session.head)));
        }
        // One more tells whether others follow.
        let most = query.offset.saturating_add(u64::from(query.limit) + 1);
        let mut heads = Vec::new();
        let filter = &query.filter;
        let (after, direction) = (query.after.as_ref(), query.order.direction);
        state.orders.visit(filter, after, direction, &mut |place| {
            let Some(Session { head, .. }) = state.sessions.at(place) else {
                return true;
            };
            if filter.matches(head) {
                heads.push(head);
            }
            (heads.len() as u64) < most
        });
        Ok(query.page_of(heads))
    }

    fn tally(&self, filter: &Filter, users: u32) -> Result<Option<Tally>> {
        let mut state = self.state();
        if let Some((user_id, mode)) = filter.user_and_mode() {
            return Ok(Some(state.counts.tally(user_id, mode, users)));
        }
        let mut tally = Tally::default();
        for Session { head, .. } in state.sessions.values_in_any_order() {
            if filter.matches(head) {
                tally.count(head);
            }
        }
        Ok(Some(tally.keep_users(users)))
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
