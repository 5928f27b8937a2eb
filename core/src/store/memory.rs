//! The memory store: the reference for what a store does, for tests and for sessions that need not
//! outlive the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
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
    sessions: BTreeMap<SessionId, (Head, Vec<Event>)>,
    records: BTreeMap<(String, String), Record>,
}

impl SyncStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let state = self.state();
        Ok(state.sessions.get(id).map(|(head, events)| Loaded {
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
            let current = state.sessions.get(&change.id).map(|(head, _)| head.version);
            if !change.expect.allows(current) {
                return Ok(Commit::SessionConflict {
                    id: change.id.clone(),
                    current,
                });
            }
        }
        for change in &changes.records {
            let key = (change.kind.clone(), change.key.clone());
            let current = state.records.get(&key).map(|record| record.version);
            if !change.expect.allows(current) {
                let (record_kind, key) = key;
                return Ok(Commit::RecordConflict {
                    record_kind,
                    key,
                    current,
                });
            }
        }
        for change in &changes.sessions {
            match &change.write {
                SessionWrite::Put {
                    head,
                    replace_history,
                    events,
                } => {
                    let stored = state
                        .sessions
                        .entry(change.id.clone())
                        .or_insert_with(|| (head.as_ref().clone(), Vec::new()));
                    stored.0 = head.as_ref().clone();
                    if *replace_history {
                        stored.1.clear();
                    }
                    stored.1.extend_from_slice(events);
                }
                SessionWrite::Delete => {
                    state.sessions.remove(&change.id);
                    state
                        .records
                        .retain(|_, record| record.owner.as_ref() != Some(&change.id));
                }
            }
        }
        for change in &changes.records {
            let key = (change.kind.clone(), change.key.clone());
            match &change.record {
                Some(record) => state.records.insert(key, record.clone()),
                None => state.records.remove(&key),
            };
        }
        Ok(Commit::Applied)
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let state = self.state();
        Ok(query.page(state.sessions.values().map(|(head, _)| head)))
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let key = (kind.to_owned(), key.to_owned());
        Ok(self.state().records.get(&key).cloned())
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
