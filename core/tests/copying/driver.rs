//! Helpers for the tests of copying: stores with random contents, stores that fail or count their
//! reads, and a driver of the copy job.

use std::collections::BTreeSet;

use tenure_apps::copy::job::{COPY, CopyParams};
use tenure_apps::copy::kinds::RECORD_KINDS;
use tenure_apps::copy::model::{CopyDifference, Difference};
use tenure_core::error::Cause;
use tenure_core::store::filter::Trash;
use tenure_core::store::{Capabilities, ListQuery, Loaded, Page, Problem, Scan};
use tenure_core::stored::record::Record;
use tenure_core::value::json::Object;
use tenure_core::value::properties::Property;
use tenure_core::work::job::{JobError, JobReply, Need, Side};
use tenure_core::{
    Changes, Commit, Filter, History, Json, Limits, MemoryStore, Order, Result, SessionId, Store,
    SyncStore, Timestamp,
};

use crate::support::jobs::{run_job, run_step};
use crate::support::{NOON, Shared, World, call_at, ready, scale};

/// Pseudo-random numbers from a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    pub(crate) fn pick<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len() as u64) as usize]
    }
}

pub(crate) const DATA: &[&str] = &[
    "{}",
    r#"{"a":1e400}"#,
    r#"{ "a" : [ 1 , 2 ] }"#,
    r#"{"\ud800":"\udc00 x","n":12345678901234567890}"#,
];

/// Performs a random operation on one of a few sessions.
pub(crate) fn act(world: &World<impl Store>, random: &mut Random) {
    let id = random.pick(&["s1", "s2", "s3", "s4", "s5", "s6"]);
    let key = match random.below(3) {
        0 => format!(r#","idempotencyKey":"k{}""#, random.below(20)),
        _ => String::new(),
    };
    let data = random.pick(DATA);
    world.pass(random.below(3) as i64);
    let (name, params) = match random.below(12) {
        0..3 => (
            "start",
            format!(
                r#"{{"id":"{id}","task":"t\ud83d","mode":"m","context":{data},"metadata":{data}{key}}}"#
            ),
        ),
        3..7 => (
            "addEvent",
            format!(r#"{{"id":"{id}","type":"note","data":{data}{key}}}"#),
        ),
        7 => ("pause", format!(r#"{{"id":"{id}"{key}}}"#)),
        8 => ("complete", format!(r#"{{"id":"{id}"{key}}}"#)),
        9 => ("trash", format!(r#"{{"id":"{id}"}}"#)),
        10 => ("restore", format!(r#"{{"id":"{id}"}}"#)),
        _ if random.below(4) == 0 => ("delete", format!(r#"{{"id":"{id}"}}"#)),
        _ => (
            "updateContext",
            format!(r#"{{"id":"{id}","context":{data}{key}}}"#),
        ),
    };
    // Many operations are refused, which is expected.
    drop(world.raw(name, &params));
}

pub(crate) fn populated(random: &mut Random, actions: u64) -> World {
    let world = World::default();
    for _ in 0..actions {
        act(&world, random);
    }
    world
}

/// The contents of a store: sessions with their histories, and records.
pub(crate) type Contents = (Vec<Loaded>, Vec<Record>);

pub(crate) fn contents(store: &dyn Store) -> Contents {
    let query = ListQuery {
        filter: Filter {
            trash: Trash::Include,
            ..Filter::default()
        },
        order: Order::default(),
        after: None,
        offset: 0,
        limit: 100_000,
        max_bytes: u64::MAX,
    };
    let heads = ready(store.list(&query)).unwrap().heads;
    let sessions = heads
        .iter()
        .map(|head| ready(store.load(&head.id, History::All)).unwrap().unwrap())
        .collect();
    let records = RECORD_KINDS
        .iter()
        .flat_map(|kind| {
            let scan = Scan {
                kind: (*kind).to_owned(),
                after: None,
                limit: 100_000,
            };
            ready(store.scan(&scan)).unwrap()
        })
        .collect();
    (sessions, records)
}

/// The result of a copy.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Copied {
    pub(crate) sessions: u64,
    pub(crate) records: u64,
    pub(crate) same: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) left: Vec<CopyDifference>,
    pub(crate) differences: Vec<CopyDifference>,
}

impl Copied {
    /// The differences at the end of the copy.
    pub(crate) fn differing(&self) -> Vec<(&str, &str, Difference)> {
        self.differences
            .iter()
            .map(|one| (one.what.as_str(), one.key.as_str(), one.target))
            .collect()
    }
}

/// Runs a copy. `between` is called before each step.
pub(crate) fn copy(
    from: &dyn Store,
    to: &dyn Store,
    overwrite: bool,
    mut between: impl FnMut(),
) -> Result<Copied> {
    let limits = Limits::default();
    let params = CopyParams {
        overwrite: Some(overwrite),
        ..CopyParams::default()
    };
    let (mut left, mut is_verifying) = (Vec::new(), false);
    let result = run_job(&COPY, params, |need, _| match need {
        Need::Open(_) => Ok(JobReply::Opened(None)),
        Need::Run(step) => {
            between();
            let store = match step.store() {
                Side::Source => from,
                Side::Target => to,
            };
            is_verifying |= step.params_json().as_str().contains(r#""whole":true"#);
            let call = call_at(Timestamp::from_millis(NOON).unwrap(), 0, &limits);
            let (reply, json) = run_step(store, call, &*step)?;
            if !is_verifying {
                left.extend(differences_in(&json)?);
            }
            Ok(reply)
        }
        _ => panic!("a copy needs something else"),
    });
    match result {
        Ok(copied) => Ok(Copied {
            sessions: copied.sessions,
            records: copied.records,
            same: copied.same,
            problems: copied.problems,
            left,
            differences: copied.differences,
        }),
        Err(JobError::Core(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// The differences in a reply.
fn differences_in(reply: &Json) -> Result<Vec<CopyDifference>> {
    match Object::parse(reply).get("differences") {
        Some(differences) => Property::read("differences", differences),
        None => Ok(Vec::new()),
    }
}

pub(crate) fn copy_all(from: &dyn Store, to: &dyn Store) -> Copied {
    copy(from, to, false, || {}).unwrap()
}

pub(crate) fn seeds(count: f64) -> std::ops::Range<u64> {
    0..(count * scale()).ceil() as u64
}

/// A store that fails from one of its calls on, before or after that call has taken effect.
pub(crate) struct FailingStore<'s> {
    pub(crate) store: &'s MemoryStore,
    pub(crate) calls: Shared<u64>,
    pub(crate) fails_at: u64,
    pub(crate) after_work: bool,
}

impl FailingStore<'_> {
    fn call<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let call = self.calls.get();
        self.calls.set(call + 1);
        let gone = || {
            Cause::StoreUnavailable {
                problem: "pulled out".to_owned(),
            }
            .into()
        };
        if call > self.fails_at || (call == self.fails_at && !self.after_work) {
            return Err(gone());
        }
        let done = work();
        if call == self.fails_at {
            return Err(gone());
        }
        done
    }
}

impl SyncStore for FailingStore<'_> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        self.call(|| self.store.load(id, history))
    }
    fn commit(&self, changes: &Changes) -> Result<Commit> {
        self.call(|| self.store.commit(changes))
    }
    fn list(&self, query: &ListQuery) -> Result<Page> {
        self.call(|| self.store.list(query))
    }
    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.call(|| self.store.record(kind, key))
    }
    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.call(|| self.store.scan(scan))
    }
}

/// A store with unreadable sessions that counts the histories it reads.
#[derive(Default)]
pub(crate) struct CountingStore {
    pub(crate) store: MemoryStore,
    pub(crate) unreadable: Shared<BTreeSet<String>>,
    pub(crate) histories: Shared<u64>,
    pub(crate) kinds: Shared<BTreeSet<String>>,
}

impl SyncStore for CountingStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        if history != History::None {
            self.histories.set(self.histories.get() + 1);
        }
        if self.unreadable.borrow().contains(id.as_str()) {
            return Err(Cause::CorruptSession {
                id: id.to_string(),
                problem: "torn".to_owned(),
            }
            .into());
        }
        self.store.load(id, history)
    }
    fn commit(&self, changes: &Changes) -> Result<Commit> {
        // A change without a record may only expect that there is none.
        let written = changes
            .records
            .iter()
            .filter(|change| change.record.is_some());
        let kinds = written.map(|change| change.kind.clone());
        self.kinds.borrow_mut().extend(kinds);
        self.store.commit(changes)
    }
    fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut page = self.store.list(query)?;
        let unreadable = self.unreadable.borrow();
        page.heads
            .retain(|head| !unreadable.contains(head.id.as_str()));
        if query.after.is_none() {
            page.problems.extend(unreadable.iter().map(|id| Problem {
                id: id.clone(),
                problem: "torn".to_owned(),
            }));
        }
        Ok(page)
    }
    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.store.record(kind, key)
    }
    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.store.scan(scan)
    }
}
