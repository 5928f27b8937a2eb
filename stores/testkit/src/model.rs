//! A simple model of a store, and random operations that must have the same results over a store
//! and over the model. The model implements the requirements of [`Store`] with little code, and
//! shares none with any store.

use std::collections::BTreeMap;

use fastrand::Rng;
use tenure_core::store::feed::{FedChange, FeedQuery};
use tenure_core::store::{Expect, Loaded, RecordChange, Scan, SessionChange, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, Event, Head, History, Position, SessionId, Store};

use crate::check::{Check, holds, same};
use crate::counted::aggregate;
use crate::fixture::Run;
use crate::generate;
use crate::sample::everything;
use crate::sample::{apply, at, id, json, list, query, remove, unset};

/// The number of operations in a sequence.
const STEPS: u32 = 120;

/// Few sessions and records, so that several operations concern the same ones.
const IDS: &[&str] = &["a", "A", "a.b", "a-b", "constructor", "s1", "s10", "s2"];
const KINDS: &[&str] = &["lease", "Lease", "key"];
const KEYS: &[&str] = &["", "k", "K", "k%", "k_", "🦀", "\u{ffff}", "a/b:c"];

#[derive(Default)]
struct Model {
    sessions: BTreeMap<String, Loaded>,
    records: BTreeMap<(String, String), Record>,
    /// The changes since the beginning of the sequence.
    feed: Vec<FedChange>,
    /// The position of the newest change.
    newest: u64,
}

/// Empties the store, runs a sequence of random operations over it, and returns it. A persistent
/// store is closed and reopened during the sequence.
pub(crate) async fn run_sequence(
    run: &Run<'_>,
    mut store: Box<dyn Store>,
    seed: u64,
) -> Check<Box<dyn Store>> {
    let mut rng = Rng::with_seed(seed);
    clear(&*store).await?;
    let mut model = Model::default();
    if store.capabilities().feed {
        model.newest = store
            .feed(&FeedQuery {
                after: None,
                limit: 1,
            })
            .await?
            .newest;
    }
    for step in 0..STEPS {
        if rng.u8(0..20) == 0 {
            store = run.reopen(store).await?;
        }
        step_of(&mut rng, &*store, &mut model)
            .await
            .map_err(|failure| failure.within(format!("step {step}")))?;
    }
    Ok(store)
}

async fn step_of(rng: &mut Rng, store: &dyn Store, model: &mut Model) -> Check {
    match rng.u8(0..11) {
        0..=4 => {
            let changes = model.random_changes(rng);
            let ended = store.commit(&changes).await?;
            let allowed = model.conflicts(&changes);
            if allowed.is_empty() {
                same(&format!("the end of {changes:?}"), &ended, &Commit::Applied)?;
                model.apply(changes);
            } else {
                holds(
                    allowed.contains(&ended),
                    format!("{ended:?} is none of {allowed:?} after {changes:?}"),
                )?;
            }
        }
        5 | 6 => {
            let id = random_id(rng);
            let window = match rng.u8(0..4) {
                0 => History::None,
                1 => History::Last {
                    count: rng.u32(0..6),
                },
                2 => History::After {
                    sequence: rng.u64(0..8),
                    limit: rng.u32(0..6),
                },
                _ => History::All,
            };
            let found = store.load(&id, window).await?;
            same(
                &format!("{window:?} of {id}"),
                &found,
                &model.load(&id, window),
            )?;
        }
        7 => {
            let heads: Vec<Head> = model
                .sessions
                .values()
                .map(|loaded| loaded.head.clone())
                .collect();
            let mut query = generate::query(rng, &heads);
            query.after = query.after.or_else(|| {
                let at = at(rng.i64(0..5));
                let id = random_id(rng);
                rng.bool().then_some(Position { at, id })
            });
            let what = format!("the page of {query:?}");
            same(&what, &store.list(&query).await?, &query.page(&heads))?;
            let filter = generate::tally_filter(rng);
            aggregate(store, &filter, generate::aggregate(rng), &heads).await?;
        }
        8 => {
            let (kind, key) = (random(rng, KINDS), random(rng, KEYS));
            let found = store.record(&kind, &key).await?;
            let expected = model.records.get(&(kind, key)).cloned();
            same("a record", &found, &expected)?;
        }
        9 => check_feed(rng, store, model).await?,
        _ => {
            let scan = Scan {
                kind: random(rng, KINDS),
                after: rng.bool().then(|| random(rng, KEYS)),
                limit: rng.u32(1..10),
            };
            let found = store.scan(&scan).await?;
            let expected: Vec<Record> = model
                .records
                .values()
                .filter(|record| record.kind == scan.kind)
                .filter(|record| scan.after.as_ref().is_none_or(|after| record.key > *after))
                .take(scan.limit as usize)
                .cloned()
                .collect();
            same(&format!("the records of {scan:?}"), &found, &expected)?;
        }
    }
    Ok(())
}

/// Checks a random part of the feed, if the store keeps one.
async fn check_feed(rng: &mut Rng, store: &dyn Store, model: &Model) -> Check {
    if !store.capabilities().feed {
        return Ok(());
    }
    let began = model.newest - model.feed.len() as u64;
    let query = FeedQuery {
        after: Some(rng.u64(began..=model.newest)),
        limit: rng.u32(1..20),
    };
    let page = store.feed(&query).await?;
    same("the newest position", &page.newest, &model.newest)?;
    let changes = model.feed.iter().cloned();
    let expected: Vec<FedChange> = changes
        .filter(|change| Some(change.position) > query.after)
        .take(query.limit as usize)
        .collect();
    same(
        &format!("the changes of {query:?}"),
        &page.changes,
        &expected,
    )
}

impl Model {
    fn load(&self, id: &SessionId, window: History) -> Option<Loaded> {
        let stored = self.sessions.get(id.as_str())?;
        let all = stored.events.iter().cloned();
        let events: Vec<Event> = match window {
            History::None => Vec::new(),
            History::All => all.collect(),
            History::Last { count } => {
                let skipped = stored.events.len().saturating_sub(count as usize);
                all.skip(skipped).collect()
            }
            History::After { sequence, limit } => all
                .filter(|event| event.sequence > sequence)
                .take(limit as usize)
                .collect(),
        };
        Some(Loaded {
            head: stored.head.clone(),
            events,
        })
    }

    /// The conflicts that may refuse these changes; empty if they must apply.
    fn conflicts(&self, changes: &Changes) -> Vec<Commit> {
        let met = |expect: Expect, current: Option<u64>| match expect {
            Expect::Absent => current.is_none(),
            Expect::Present => current.is_some(),
            Expect::Version { version } => current == Some(version),
            Expect::Any => true,
        };
        let mut conflicts = Vec::new();
        for change in &changes.sessions {
            let current = self.version(&change.id);
            if !met(change.expect, current) {
                let id = change.id.clone();
                conflicts.push(Commit::SessionConflict { id, current });
            }
        }
        for change in &changes.records {
            let current = self.record_version(&change.kind, &change.key);
            if !met(change.expect, current) {
                conflicts.push(Commit::RecordConflict {
                    record_kind: change.kind.clone(),
                    key: change.key.clone(),
                    current,
                });
            }
        }
        conflicts
    }

    fn apply(&mut self, changes: Changes) {
        for change in changes.feed() {
            self.newest += 1;
            if change.ends_history {
                let of_session = |fed: &&mut FedChange| fed.key == change.key;
                for fed in self.feed.iter_mut().filter(of_session) {
                    fed.events = None;
                }
            }
            self.feed.push(FedChange {
                position: self.newest,
                kind: change.kind,
                key: change.key,
                events: change.events,
            });
        }
        for change in changes.sessions {
            let name = change.id.as_str().to_owned();
            match change.write {
                SessionWrite::Put {
                    head,
                    replace_history,
                    events,
                    ..
                } => {
                    let mut history = match self.sessions.remove(&name) {
                        Some(stored) if !replace_history => stored.events,
                        _ => Vec::new(),
                    };
                    history.extend(events);
                    let loaded = Loaded {
                        head: *head,
                        events: history,
                    };
                    self.sessions.insert(name, loaded);
                }
                SessionWrite::Delete => {
                    self.sessions.remove(&name);
                    self.records
                        .retain(|_, record| record.owner.as_ref() != Some(&change.id));
                }
            }
        }
        for change in changes.records {
            let place = (change.kind, change.key);
            match change.record {
                Some(record) => self.records.insert(place, record),
                None => self.records.remove(&place),
            };
        }
    }

    fn version(&self, id: &SessionId) -> Option<u64> {
        Some(self.sessions.get(id.as_str())?.head.version)
    }

    fn record_version(&self, kind: &str, key: &str) -> Option<u64> {
        let place = (kind.to_owned(), key.to_owned());
        Some(self.records.get(&place)?.version)
    }

    /// Random changes to a few different sessions and records.
    fn random_changes(&self, rng: &mut Rng) -> Changes {
        let mut changes = Changes::default();
        for _ in 0..generate::below(rng, 4) {
            let id = random_id(rng);
            if changes.sessions.iter().all(|change| change.id != id) {
                changes.sessions.push(self.random_session_change(rng, id));
            }
        }
        let removed = |id: &SessionId| {
            changes
                .sessions
                .iter()
                .any(|change| change.id == *id && matches!(change.write, SessionWrite::Delete))
        };
        let made = changes
            .sessions
            .iter()
            .filter(|change| !matches!(change.write, SessionWrite::Delete))
            .map(|change| change.id.clone());
        let stored = self.sessions.values().map(|loaded| loaded.head.id.clone());
        // A record is owned only by a session that exists after the commit.
        let owners: Vec<SessionId> = stored.filter(|id| !removed(id)).chain(made).collect();
        for _ in 0..generate::below(rng, 3) {
            let (kind, key) = (random(rng, KINDS), random(rng, KEYS));
            let named = |change: &RecordChange| change.kind == kind && change.key == key;
            if changes.records.iter().any(named) {
                continue;
            }
            let current = self.record_version(&kind, &key);
            let record = (rng.u8(0..4) > 0).then(|| Record {
                kind: kind.clone(),
                key: key.clone(),
                version: current.unwrap_or(0) + 1,
                expires_at: rng.bool().then(|| at(rng.i64(0..1000))),
                owner: generate::one_of(rng, &owners)
                    .filter(|_| rng.bool())
                    .cloned(),
                body: format!("body {}", rng.u16(..)),
            });
            changes.records.push(RecordChange {
                expect: random_expectation(rng, current),
                kind,
                key,
                record,
            });
        }
        changes
    }

    fn random_session_change(&self, rng: &mut Rng, id: SessionId) -> SessionChange {
        let current = self.version(&id);
        let expect = random_expectation(rng, current);
        if rng.u8(0..6) == 0 {
            return SessionChange {
                id,
                expect,
                write: SessionWrite::Delete,
            };
        }
        let replace_history = rng.u8(0..5) == 0;
        let stored = self.sessions.get(id.as_str());
        let existing = stored.map_or(0, |stored| stored.head.event_count);
        let existing = if replace_history { 0 } else { existing };
        let events: Vec<Event> = (1..=rng.u64(0..4))
            .map(|number| Event {
                sequence: existing + number,
                timestamp: at(rng.i64(0..1000)),
                kind: random(rng, &["start", "tool_call", "custom"]),
                data: json(format!(r#"{{"n":{}}}"#, rng.u16(..))),
            })
            .collect();
        let head = Head {
            version: current.unwrap_or(0) + 1,
            event_count: existing + events.len() as u64,
            ..generate::random_head(rng, id.clone())
        };
        SessionChange {
            id,
            expect,
            write: SessionWrite::Put {
                head: Box::new(head),
                change: expect.change(),
                replace_history,
                events,
            },
        }
    }
}

/// Mostly the current state, so that most commits apply.
fn random_expectation(rng: &mut Rng, current: Option<u64>) -> Expect {
    match (rng.u8(0..12), current) {
        (0, _) => Expect::Absent,
        (1, _) => Expect::Present,
        (2, _) => Expect::Version {
            version: rng.u64(0..6),
        },
        (3 | 4, _) => Expect::Any,
        (_, Some(version)) => Expect::Version { version },
        (_, None) => Expect::Absent,
    }
}

fn random(rng: &mut Rng, of: &[&str]) -> String {
    generate::one_of(rng, of)
        .copied()
        .unwrap_or_default()
        .to_owned()
}

fn random_id(rng: &mut Rng) -> SessionId {
    id(&random(rng, IDS))
}

/// Removes every session, and every record of the model's kinds.
async fn clear(store: &dyn Store) -> Check {
    let page = list(store, &query(everything(), 100)).await?;
    let mut changes = Changes {
        sessions: page
            .heads
            .iter()
            .map(|head| remove(Expect::Present, head.id.as_str()))
            .collect(),
        records: Vec::new(),
    };
    for kind in KINDS {
        for key in KEYS {
            changes.records.push(unset(Expect::Any, kind, key));
        }
    }
    apply(store, &changes).await
}
