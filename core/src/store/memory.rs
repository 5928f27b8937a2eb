//! The memory store: the reference for what a store does, for tests and for sessions that need not
//! outlive the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::store::filter::Filter;
use crate::store::rows::Rows;
use crate::store::tally::Tally;
use crate::store::{
    Capabilities, Changes, Commit, History, ListQuery, Loaded, Page, Scan, SessionWrite, SyncStore,
};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::record::Record;
use crate::value::id::SessionId;

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
        for change in &changes.sessions {
            let id = change.id.as_str();
            match &change.write {
                SessionWrite::Put {
                    head,
                    replace_history,
                    events,
                } => match state.sessions.get_mut(id) {
                    Some((stored, history)) => {
                        *stored = head.as_ref().clone();
                        if *replace_history {
                            history.clear();
                        }
                        history.extend_from_slice(events);
                    }
                    None => {
                        let session = (head.as_ref().clone(), events.clone());
                        state.sessions.insert(id.to_owned(), session);
                    }
                },
                SessionWrite::Delete => {
                    state.sessions.remove(id);
                    let records = state.records.values_in_any_order();
                    let owned: Vec<String> = records
                        .filter(|record| record.owner.as_ref() == Some(&change.id))
                        .map(|record| record_key(&record.kind, &record.key))
                        .collect();
                    for key in &owned {
                        state.records.remove(key);
                    }
                }
            }
        }
        for change in &changes.records {
            let key = record_key(&change.kind, &change.key);
            match &change.record {
                Some(record) => state.records.insert(key, record.clone()),
                None => state.records.remove(&key),
            }
        }
        Ok(Commit::Applied)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let state = self.state();
        // In the order of their ids sessions are nearly sorted by time.
        Ok(query.page(state.sessions.values().map(|(head, _)| head)))
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
