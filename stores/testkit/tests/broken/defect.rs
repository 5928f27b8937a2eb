//! The memory store with one of several realistic defects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tenure_core::store::feed::{Change, FedChange, FeedPage, FeedQuery};
use tenure_core::store::filter::{Direction, Trash};
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{Capabilities, Expect, ListQuery, Loaded, Page, Scan, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{
    Changes, Commit, Error, Event, Filter, Head, History, Json, Lift, MemoryStore, Order,
    SessionId, SyncStore,
};
use tenure_testkit::{Fixture, store};

type Result<T> = std::result::Result<T, Error>;

/// The defect of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    DropsTheVersionCheck,
    AppliesThePartBeforeAConflict,
    WritesRecordsBeforeItChecksSessions,
    SortsTiesTheSameWayInBothDirections,
    IgnoresLast,
    IgnoresAfter,
    LosesTheCompareAndSetOfRecords,
    KeepsTheRecordsOfRemovedSessions,
    KeepsTheEventsOfRemovedSessions,
    ReprintsJson,
    SearchesCaseSensitively,
    SearchesByUnicodeCase,
    SearchesByPattern,
    SaysMoreWhenAPageIsFull,
    NeverSaysMore,
    SkipsTheRestOfATie,
    RepeatsPagesForEver,
    ForgetsOffsets,
    CountsOffsetsFromTheStart,
    ReturnsEmptyPagesOfLargeSessions,
    MatchesEveryStatusWhenNoneIsGiven,
    ExcludesBounds,
    FoldsTheCaseOfIds,
    SortsKeysByUtf16,
    ScansFromTheKeyOn,
    DropsExpiredRecords,
    NamesNoVersionInConflicts,
    AppendsWhenItShouldReplace,
    SumsInFloats,
    CountsTheTrash,
    MeasuresSessionsThatHaveNotEnded,
    RefusesToRemoveNothing,
    StoresEmptyTextAsNone,
    CutsLongText,
    ForgetsOnReopening,
    CachesHeads,
    FeedsRefusedCommits,
    FeedsFromTheStart,
    FeedsEachCommitOnce,
    NamesEventsOfEndedHistories,
}

/// Handles on a memory store with a defect.
struct Broken {
    defect: Defect,
    store: Arc<MemoryStore>,
    /// Owners that the defect hides from the store.
    owners: Arc<Mutex<BTreeMap<(String, String), SessionId>>>,
    /// Events that the defect fails to remove.
    unremoved_events: Arc<Mutex<BTreeMap<SessionId, Vec<Event>>>>,
    /// Heads that this handle has read.
    cache: Mutex<BTreeMap<SessionId, Head>>,
    /// The feed that some defects have in place of the store's.
    fed: Arc<Mutex<Vec<Change>>>,
}

impl Broken {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn all_heads(&self) -> Result<Vec<Head>> {
        let all = ListQuery {
            filter: Filter {
                trash: Trash::Include,
                ..Filter::default()
            },
            order: Order::default(),
            after: None,
            offset: 0,
            limit: u32::MAX,
            max_bytes: u64::MAX,
        };
        Ok(self.store.list(&all)?.heads)
    }

    fn id(&self, id: &SessionId) -> SessionId {
        if self.has(Defect::FoldsTheCaseOfIds) {
            SessionId::parse(&id.as_str().to_ascii_lowercase()).unwrap_or_else(|_| id.clone())
        } else {
            id.clone()
        }
    }

    fn on_read(&self, record: Record) -> Option<Record> {
        if self.has(Defect::DropsExpiredRecords)
            && record.expires_at.is_some_and(|at| at.as_millis() < 1000)
        {
            return None;
        }
        let owners = self.owners.lock().unwrap();
        let owner = owners
            .get(&(record.kind.clone(), record.key.clone()))
            .cloned();
        Some(Record {
            owner: owner.or(record.owner.clone()),
            ..record
        })
    }

    /// The changes with the defect.
    fn distorted(&self, changes: &Changes) -> Changes {
        let mut changes = changes.clone();
        for change in &mut changes.sessions {
            change.id = self.id(&change.id);
            if self.has(Defect::DropsTheVersionCheck)
                && matches!(change.expect, Expect::Version { .. })
            {
                change.expect = Expect::Present;
            }
            if let SessionWrite::Put {
                head,
                replace_history,
                events,
                ..
            } = &mut change.write
            {
                if self.has(Defect::AppendsWhenItShouldReplace) {
                    *replace_history = false;
                }
                if self.has(Defect::StoresEmptyTextAsNone) {
                    head.user_id = head.user_id.take().filter(|text| !text.is_empty());
                }
                if self.has(Defect::CutsLongText) {
                    head.task = head.task.chars().take(30).collect();
                }
                if self.has(Defect::ReprintsJson) {
                    head.context = reprinted(&head.context);
                    for event in events {
                        event.data = reprinted(&event.data);
                    }
                }
            }
        }
        for change in &mut changes.records {
            if self.has(Defect::LosesTheCompareAndSetOfRecords)
                && matches!(change.expect, Expect::Version { .. })
            {
                change.expect = Expect::Any;
            }
            if self.has(Defect::KeepsTheRecordsOfRemovedSessions)
                && let Some(record) = &mut change.record
            {
                let place = (record.kind.clone(), record.key.clone());
                match record.owner.take() {
                    Some(owner) => self.owners.lock().unwrap().insert(place, owner),
                    None => self.owners.lock().unwrap().remove(&place),
                };
            }
        }
        changes
    }

    /// Applies changes one by one, and stops at the first conflict.
    fn commit_in_parts(&self, changes: Changes) -> Result<Commit> {
        let mut parts: Vec<Changes> = Vec::new();
        for change in changes.sessions {
            parts.push(Changes {
                sessions: vec![change],
                records: Vec::new(),
            });
        }
        let records = changes.records.into_iter().map(|change| Changes {
            sessions: Vec::new(),
            records: vec![change],
        });
        if self.has(Defect::WritesRecordsBeforeItChecksSessions) {
            parts.splice(0..0, records);
        } else {
            parts.extend(records);
        }
        for part in parts {
            let ended = self.store.commit(&part)?;
            if ended != Commit::Applied {
                return Ok(ended);
            }
        }
        Ok(Commit::Applied)
    }
}

impl SyncStore for Broken {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            persistent: true,
            shared: true,
            feed: true,
            reindents: false,
            records_only: false,
        }
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let window = match history {
            History::Last { .. } if self.has(Defect::IgnoresLast) => History::All,
            History::After { limit, .. } if self.has(Defect::IgnoresAfter) => {
                History::After { sequence: 0, limit }
            }
            window => window,
        };
        let mut loaded = self.store.load(&self.id(id), window)?;
        if let Some(loaded) = &mut loaded {
            if self.has(Defect::CachesHeads) {
                let mut cache = self.cache.lock().unwrap();
                loaded.head = cache
                    .entry(id.clone())
                    .or_insert(loaded.head.clone())
                    .clone();
            }
            if let Some(unremoved_events) = self.unremoved_events.lock().unwrap().get(id)
                && window == History::All
            {
                loaded.events.splice(0..0, unremoved_events.iter().cloned());
            }
        }
        Ok(loaded)
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        for change in &changes.sessions {
            self.cache.lock().unwrap().remove(&change.id);
            if self.has(Defect::KeepsTheEventsOfRemovedSessions)
                && matches!(change.write, SessionWrite::Delete)
                && let Some(loaded) = self.store.load(&change.id, History::All)?
            {
                self.unremoved_events
                    .lock()
                    .unwrap()
                    .insert(change.id.clone(), loaded.events);
            }
            if self.has(Defect::RefusesToRemoveNothing)
                && change.expect == Expect::Any
                && matches!(change.write, SessionWrite::Delete)
                && self.store.load(&change.id, History::None)?.is_none()
            {
                return Ok(Commit::SessionConflict {
                    id: change.id.clone(),
                    current: None,
                });
            }
        }
        let changes = self.distorted(changes);
        let in_parts = self.has(Defect::AppliesThePartBeforeAConflict)
            || self.has(Defect::WritesRecordsBeforeItChecksSessions);
        let ended = if in_parts {
            self.commit_in_parts(changes.clone())?
        } else {
            self.store.commit(&changes)?
        };
        if ended == Commit::Applied || self.has(Defect::FeedsRefusedCommits) {
            let count = match self.defect {
                Defect::FeedsEachCommitOnce => 1,
                _ => usize::MAX,
            };
            let fed = changes.feed().into_iter().take(count);
            self.fed.lock().unwrap().extend(fed);
        }
        Ok(match ended {
            Commit::SessionConflict { id, .. } if self.has(Defect::NamesNoVersionInConflicts) => {
                Commit::SessionConflict { id, current: None }
            }
            ended => ended,
        })
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut heads = self.all_heads()?;
        let mut query = query.clone();
        let order = query.order;
        let text = query.filter.text.clone().unwrap_or_default();
        match self.defect {
            Defect::SearchesCaseSensitively => heads.retain(|head| head.task.contains(&text)),
            Defect::SearchesByUnicodeCase => {
                query.filter.text = None;
                heads.retain(|head| head.task.to_lowercase().contains(&text.to_lowercase()));
            }
            Defect::SearchesByPattern => {
                query.filter.text = None;
                let parts: Vec<String> = text
                    .to_ascii_lowercase()
                    .split('%')
                    .map(str::to_owned)
                    .collect();
                heads.retain(|head| {
                    let task = head.task.to_ascii_lowercase();
                    let found = parts.iter().try_fold(task.as_str(), |rest, part| {
                        rest.find(part.as_str())
                            .and_then(|at| rest.get(at + part.len()..))
                    });
                    found.is_some()
                });
            }
            Defect::MatchesEveryStatusWhenNoneIsGiven => {
                query.filter.status = query.filter.status.filter(|list| !list.is_empty());
            }
            Defect::ExcludesBounds => {
                let after = query.filter.created_after;
                let least = query.filter.min_iterations;
                heads.retain(|head| {
                    after.is_none_or(|after| head.created_at > after)
                        && least.is_none_or(|least| head.iterations > least)
                });
            }
            Defect::SkipsTheRestOfATie => {
                if let Some(after) = query.after.clone() {
                    heads.retain(|head| order.position(head).at != after.at);
                }
            }
            Defect::RepeatsPagesForEver => query.after = None,
            Defect::ForgetsOffsets => query.offset = 0,
            Defect::CountsOffsetsFromTheStart if query.offset > 0 => query.after = None,
            _ => {}
        }
        let mut page = query.page(&heads);
        match self.defect {
            Defect::SortsTiesTheSameWayInBothDirections => {
                page.heads.sort_by(|a, b| {
                    let (a, b) = (order.position(a), order.position(b));
                    let by_time = match order.direction {
                        Direction::Asc => a.at.cmp(&b.at),
                        Direction::Desc => b.at.cmp(&a.at),
                    };
                    by_time.then_with(|| a.id.cmp(&b.id))
                });
            }
            Defect::SaysMoreWhenAPageIsFull => {
                page.more = page.heads.len() == query.limit as usize;
            }
            Defect::NeverSaysMore => page.more = false,
            Defect::RepeatsPagesForEver => page.more = !page.heads.is_empty(),
            Defect::ReturnsEmptyPagesOfLargeSessions => {
                let mut bytes = 0;
                let count = page.heads.len();
                page.heads.retain(|head| {
                    bytes += head.user_bytes();
                    bytes <= query.max_bytes
                });
                page.more |= page.heads.len() < count;
            }
            _ => {}
        }
        Ok(page)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        Ok(self
            .store
            .record(kind, key)?
            .and_then(|record| self.on_read(record)))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let all = Scan {
            kind: scan.kind.clone(),
            after: None,
            limit: u32::MAX,
        };
        let mut records = self.store.scan(&all)?;
        if self.has(Defect::SortsKeysByUtf16) {
            records.sort_by_key(|record| record.key.encode_utf16().collect::<Vec<u16>>());
        }
        let inclusive = self.has(Defect::ScansFromTheKeyOn);
        Ok(records
            .into_iter()
            .filter(|record| match &scan.after {
                Some(after) if inclusive => record.key >= *after,
                Some(after) => record.key > *after,
                None => true,
            })
            .filter_map(|record| self.on_read(record))
            .take(scan.limit as usize)
            .collect())
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        match self.defect {
            Defect::FeedsRefusedCommits
            | Defect::FeedsEachCommitOnce
            | Defect::NamesEventsOfEndedHistories => Ok(feed_of(&self.fed.lock().unwrap(), query)),
            Defect::FeedsFromTheStart => self.store.feed(&FeedQuery {
                after: query.after.map(|_| 0),
                limit: query.limit,
            }),
            _ => self.store.feed(query),
        }
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        let mut tally = Tally::new(aggregate);
        let mut filter = filter.clone();
        match self.defect {
            // The default implementation counts by reading pages, and must detect the defect.
            Defect::RepeatsPagesForEver => return Ok(None),
            Defect::CountsTheTrash => filter.trash = Trash::Include,
            _ => {}
        }
        let mut heads = self.all_heads()?;
        if self.has(Defect::MeasuresSessionsThatHaveNotEnded) {
            for head in &mut heads {
                head.finalized_at.get_or_insert(head.updated_at);
            }
        }
        let meant: Vec<&Head> = heads.iter().filter(|head| filter.matches(head)).collect();
        if !self.has(Defect::SumsInFloats) {
            meant.iter().for_each(|head| tally.count(head));
            return Ok(Some(tally.complete()));
        }
        let kind = |head: &Head| {
            (
                head.status,
                head.mode.clone(),
                head.model().map(Cow::into_owned),
            )
        };
        let mut prompts: BTreeMap<_, f64> = BTreeMap::new();
        for head in &meant {
            *prompts.entry(kind(head)).or_default() += head.usage.prompt_tokens as f64;
        }
        for head in meant {
            let mut head = head.clone();
            // The first one has those of all.
            head.usage.prompt_tokens = prompts.remove(&kind(&head)).unwrap_or(0.0) as u64;
            tally.count(&head);
        }
        Ok(Some(tally.complete()))
    }
}

/// The feed of these changes.
fn feed_of(changes: &[Change], query: &FeedQuery) -> FeedPage {
    let after = query.after.unwrap_or(u64::MAX);
    FeedPage {
        changes: (1..)
            .zip(changes)
            .filter(|(position, _)| *position > after)
            .map(|(position, change)| FedChange {
                position,
                kind: change.kind,
                key: change.key.clone(),
                events: change.events,
            })
            .take(query.limit as usize)
            .collect(),
        kept_after: 0,
        newest: changes.len() as u64,
    }
}

fn reprinted(json: &Json) -> Json {
    match serde_json::from_str::<serde_json::Value>(json.as_str()) {
        Ok(value) => Json::of(&value),
        Err(_) => json.clone(),
    }
}

/// Handles on one store with a defect.
pub(crate) fn fixture(defect: Defect) -> impl Fixture {
    let memory = Arc::new(MemoryStore::default());
    let owners = Arc::default();
    let unremoved_events = Arc::default();
    let fed = Arc::default();
    move || {
        let forgets = defect == Defect::ForgetsOnReopening;
        store(Lift(Broken {
            defect,
            store: if forgets {
                Arc::default()
            } else {
                Arc::clone(&memory)
            },
            owners: Arc::clone(&owners),
            unremoved_events: Arc::clone(&unremoved_events),
            cache: Mutex::default(),
            fed: Arc::clone(&fed),
        }))
    }
}
