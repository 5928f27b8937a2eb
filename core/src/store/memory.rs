//! The memory store: the reference for what a store does, for tests and for sessions that need not
//! outlive the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::store::filter::{Direction, Filter, OrderBy};
use crate::store::places::Places;
use crate::store::rows::Rows;
use crate::store::tally::Tally;
use crate::store::{
    Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Scan, SessionWrite, SyncStore,
};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::value::id::SessionId;
use crate::value::time::Timestamp;

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

#[derive(Debug, Default, Clone)]
struct State {
    /// The sessions by their ids.
    sessions: Rows<(Head, Vec<Event>)>,
    /// The records by their [keys](record_key).
    records: Rows<Record>,
    /// The places of the sessions in the [order of their creation](created_key).
    created: Places,
}

/// The key of a session in the order of creation: that of the time, then of the ids.
fn created_key(at: Timestamp, id: &SessionId) -> String {
    // The times before 1970 come first.
    let at = at.as_millis().wrapping_sub(i64::MIN) as u64;
    format!("{at:016x}{id}")
}

/// The key of a record among the rows of all. No kind contains NUL, so the records of a kind are in the
/// order of their keys.
fn record_key(kind: &str, key: &str) -> String {
    [kind, key].join("\0")
}

impl SyncStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let state = self.state();
        Ok(state
            .sessions
            .get(id.as_str())
            .map(|(head, events)| Loaded {
                head: head.clone(),
                events: match history.range(head.event_count) {
                    None => Vec::new(),
                    // Events are numbered from 1 without gaps.
                    Some((first, last)) => events
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
            let current = current.map(|(head, _)| head.version);
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
            created,
        } = &mut *state;
        for change in &changes.sessions {
            let id = change.id.as_str();
            match &change.write {
                SessionWrite::Put {
                    head,
                    replace_history,
                    events,
                } => match sessions.get_mut(id) {
                    Some((stored, history)) => {
                        if stored.created_at != head.created_at {
                            let earlier = created_key(stored.created_at, &head.id);
                            if let Some(place) = created.remove(&earlier) {
                                let key = created_key(head.created_at, &head.id);
                                created.insert(key, place);
                            }
                        }
                        *stored = head.as_ref().clone();
                        if *replace_history {
                            history.clear();
                        }
                        history.extend_from_slice(events);
                    }
                    None => {
                        let session = (head.as_ref().clone(), events.clone());
                        let place = sessions.insert(id.to_owned(), session);
                        let key = created_key(head.created_at, &head.id);
                        created.insert(key, place);
                    }
                },
                SessionWrite::Delete => {
                    if let Some((head, _)) = sessions.get(id) {
                        let key = created_key(head.created_at, &head.id);
                        created.remove(&key);
                    }
                    sessions.remove(id);
                    let owned: Vec<String> = records
                        .values_in_any_order()
                        .filter(|record| record.owner.as_ref() == Some(&change.id))
                        .map(|record| record_key(&record.kind, &record.key))
                        .collect();
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
        Ok(Commit::Applied)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let state = self.state();
        if query.order.by == OrderBy::UpdatedAt {
            let heads = state.sessions.values_in_any_order();
            return Ok(query.page(heads.map(|(head, _)| head)));
        }
        let after = query.after.as_ref();
        let after = after.map(|after| created_key(after.at, &after.id));
        let backwards = query.order.direction == Direction::Desc;
        // One more tells whether others follow.
        let most = query.offset.saturating_add(u64::from(query.limit) + 1);
        let mut heads = Vec::new();
        state
            .created
            .visit(after.as_deref(), backwards, &mut |place| {
                if let Some((head, _)) = state.sessions.at(place)
                    && query.filter.matches(head)
                {
                    heads.push(head);
                }
                (heads.len() as u64) < most
            });
        Ok(query.page_of(heads))
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        let mut tally = Tally::default();
        for (head, _) in self.state().sessions.values_in_any_order() {
            if filter.matches(head) {
                tally.count(head);
            }
        }
        Ok(Some(tally))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        Ok(self.state().records.get(&record_key(kind, key)).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let state = self.state();
        let records = state.records.values();
        Ok(records
            .filter(|record| record.kind == scan.kind)
            .filter(|record| scan.after.as_ref().is_none_or(|after| record.key > *after))
            .take(scan.limit as usize)
            .cloned()
            .collect())
    }
}
