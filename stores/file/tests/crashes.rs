//! The process dies, power is lost, or the disk is full at any step of any write: every remaining
//! file is complete. The disk is simulated, so that a fault can occur at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::common::simulated_disk::{Fault, SimulatedDisk};
use crate::common::{changes_after, event, head, id, list, put_change, record, scaled, set};
use fastrand::Rng;
use tenure_core::store::feed::{ChangeKind, EventRange, FedChange};
use tenure_core::store::{Commit, Expect, Loaded, RecordChange, Scan, SessionChange, SessionWrite};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Error, History, Json, MemoryStore, SessionId, SyncStore};
use tenure_file::{Durability, FileOptions, FileStore};

/// Few ids, so that writes concern the same sessions.
const IDS: [&str; 4] = ["a", "b", "c", "d"];
const KEYS: [&str; 6] = ["k", "l", "a/x", "a/y", "b/x", "c/x"];
/// The feed follows leases.
const KIND: &str = "lease";
const COMMITS: usize = 14;

/// The contents of a store.
#[derive(Clone, PartialEq)]
struct Snapshot {
    sessions: BTreeMap<String, Loaded>,
    records: BTreeMap<String, Record>,
    /// The feed from its beginning; `None` if some of it is lost.
    feed: Option<Vec<Gist>>,
}

/// A change in the feed without its position: those of commits that were not applied are left out.
type Gist = (ChangeKind, String, Option<EventRange>);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Loaded { head, events }) in &self.sessions {
            write!(f, "{name}@{}+{} ", head.version, events.len())?;
        }
        for record in self.records.values() {
            let owner = record.owner.as_ref().map_or("nobody", SessionId::as_str);
            write!(f, "{}@{} of {owner} ", record.key, record.version)?;
        }
        match &self.feed {
            Some(feed) => write!(f, "after {} changes ", feed.len()),
            None => write!(f, "after lost changes "),
        }
    }
}

impl Snapshot {
    /// The contents of a store. Checks that all ways to read it agree.
    fn of(store: &dyn SyncStore) -> Self {
        let mut sessions = BTreeMap::new();
        for name in IDS {
            if let Some(loaded) = store.load(&id(name), History::All).unwrap() {
                sessions.insert(name.to_owned(), loaded);
            }
        }
        let page = list(store);
        assert_eq!(page.problems, []);
        let listed: BTreeMap<String, _> = page
            .heads
            .into_iter()
            .map(|head| (head.id.to_string(), head))
            .collect();
        let loaded: BTreeMap<String, _> = sessions
            .iter()
            .map(|(name, loaded)| (name.clone(), loaded.head.clone()))
            .collect();
        assert_eq!(listed, loaded);
        let mut records = BTreeMap::new();
        for key in KEYS {
            if let Some(record) = store.record(KIND, key).unwrap() {
                records.insert(key.to_owned(), record);
            }
        }
        let scan = Scan {
            kind: KIND.to_owned(),
            after: None,
            limit: 100,
        };
        let scanned: BTreeMap<String, Record> = store
            .scan(&scan)
            .unwrap()
            .into_iter()
            .map(|record| (record.key.clone(), record))
            .collect();
        assert_eq!(scanned, records);
        let gist = |change: FedChange| (change.kind, change.key, change.events);
        let feed = changes_after(store, 0);
        Self {
            sessions,
            records,
            feed: feed.map(|feed| feed.into_iter().map(gist).collect()),
        }
    }

    /// As another snapshot, except that changes of the feed may be lost.
    fn is_as(&self, other: &Self, may_be_lost: bool) -> bool {
        let feed = match self.feed.is_none() && may_be_lost {
            true => None,
            false => other.feed.clone(),
        };
        *self
            == Self {
                feed,
                ..other.clone()
            }
    }

    /// Removes a session, as a commit does.
    fn remove(&mut self, name: &str) {
        self.sessions.remove(name);
        self.records
            .retain(|_, record| record.owner != Some(id(name)));
        if let Some(feed) = &mut self.feed {
            for (.., events) in feed.iter_mut().filter(|(_, key, _)| key == name) {
                *events = None;
            }
            feed.push((ChangeKind::Deleted, name.to_owned(), None));
        }
    }

    /// A session and the records that it owns.
    fn session(&self, name: &str) -> (Option<&Loaded>, Vec<&Record>) {
        let owned = self.records.values().filter(|record| {
            record
                .owner
                .as_ref()
                .is_some_and(|owner| owner.as_str() == name)
        });
        (self.sessions.get(name), owned.collect())
    }
}

/// Random changes to the contents: most to one session, some to several sessions.
fn random_changes(rng: &mut Rng, now: &Snapshot, number: usize) -> Changes {
    let mut changes = Changes::default();
    let mut names = IDS.to_vec();
    rng.shuffle(&mut names);
    let several = [1, 1, 1, 2, 3][rng.usize(0..5)];
    let mut owners: BTreeSet<&str> = now.sessions.keys().map(String::as_str).collect();
    for name in names.into_iter().take(several) {
        let there = now.sessions.get(name);
        let write = if there.is_some() && rng.u8(0..4) == 0 {
            owners.remove(name);
            SessionChange {
                id: id(name),
                expect: Expect::Present,
                write: SessionWrite::Delete,
            }
        } else {
            owners.insert(name);
            let kept = there.map_or(0, |loaded| loaded.head.event_count);
            let mut head = there.map_or_else(|| head(name), |loaded| loaded.head.clone());
            let expect = match there {
                Some(_) => Expect::Version {
                    version: head.version,
                },
                None => Expect::Absent,
            };
            // Every commit writes different data.
            head.version = 1000 + number as u64;
            head.event_count = kept + 1;
            head.context = Json::parse(&format!("{{\"commit\":{number}}}")).unwrap();
            put_change(head, expect, vec![event(kept + 1, &number.to_string())])
        };
        changes.sessions.push(write);
    }
    let mut keys = KEYS.to_vec();
    rng.shuffle(&mut keys);
    for key in keys.into_iter().take(rng.usize(0..3)) {
        let owners: Vec<&str> = owners.iter().copied().collect();
        let owner = rng.choice(&owners).copied().filter(|_| rng.u8(0..4) > 0);
        let change = set(record(KIND, key, owner, number as u64));
        changes.records.push(RecordChange {
            record: change.record.filter(|_| rng.u8(0..4) > 0),
            ..change
        });
    }
    changes
}

/// A sequence of commits, and the contents before and after each.
#[derive(Clone)]
struct Sequence {
    commits: Vec<Changes>,
    /// One more than the number of commits.
    snapshots: Vec<Snapshot>,
}

impl Sequence {
    fn random(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let model = MemoryStore::default();
        let mut sequence = Self {
            commits: Vec::new(),
            snapshots: vec![Snapshot::of(&model)],
        };
        for number in 0..COMMITS {
            let changes = random_changes(&mut rng, sequence.snapshots.last().unwrap(), number);
            assert_eq!(model.commit(&changes).unwrap(), Commit::Applied);
            sequence.commits.push(changes);
            sequence.snapshots.push(Snapshot::of(&model));
        }
        sequence
    }

    /// Runs `test` for every step of the disk during the sequence.
    fn at_every_step(&self, durability: Durability, mut test: impl FnMut(&Step<'_>)) {
        let sim = SimulatedDisk::new();
        for (number, changes) in self.commits.iter().enumerate() {
            let disk = sim.fork();
            let store = open_for(number, &sim, durability);
            crate::common::apply(&store, changes);
            for at in disk.steps()..sim.steps() {
                test(&Step {
                    sim: disk.fork(),
                    changes,
                    number,
                    at,
                    before: &self.snapshots[number],
                    after: &self.snapshots[number + 1],
                });
            }
            assert_eq!(Snapshot::of(&store), self.snapshots[number + 1]);
        }
    }
}

/// A step of the disk, before which a fault occurs.
struct Step<'s> {
    /// The disk before the commit that this step is a part of.
    sim: SimulatedDisk,
    changes: &'s Changes,
    /// The number of acknowledged commits before it.
    number: usize,
    at: u64,
    before: &'s Snapshot,
    after: &'s Snapshot,
}

impl Step<'_> {
    /// Commits the changes with this fault. Returns whether the commit was acknowledged.
    fn commit(&self, durability: Durability, fault: Fault) -> Result<(), Error> {
        let store = open_for(self.number, &self.sim, durability);
        self.sim.set_fault(fault);
        let commit = store.commit(self.changes)?;
        assert_eq!(commit, Commit::Applied);
        Ok(())
    }

    /// Checks that the commit was applied completely or not at all, and completely if it was
    /// acknowledged.
    fn check_complete(&self, found: &Snapshot, acknowledged: bool) {
        assert!(
            found == self.after || (found == self.before && !acknowledged),
            "{self}, acknowledged: {acknowledged}: {found:?}"
        );
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} in commit {}, from {:?}to {:?}",
            self.at, self.number, self.before, self.after
        )
    }
}

fn sequences() -> impl Iterator<Item = Sequence> {
    (0..u64::from(scaled(5))).map(Sequence::random)
}

const DURABILITIES: [Durability; 2] = [Durability::Normal, Durability::Full];

fn open(sim: &SimulatedDisk, durability: Durability) -> FileStore<SimulatedDisk> {
    let options = FileOptions {
        durability,
        ..FileOptions::default()
    };
    FileStore::over(sim.clone(), options).unwrap()
}

/// Opens the store for a commit. Some commits begin a new segment of the log, since they change how many
/// changes are kept.
fn open_for(
    number: usize,
    sim: &SimulatedDisk,
    durability: Durability,
) -> FileStore<SimulatedDisk> {
    let options = FileOptions {
        durability,
        keep_changes: (number % 3 == 2).then_some(1000 + number as u64),
        ..FileOptions::default()
    };
    FileStore::over(sim.clone(), options).unwrap()
}

/// Checks that no temporary or removed file is left.
fn is_tidy(sim: &SimulatedDisk) {
    assert_eq!(sim.names(".tenure/gone"), [""; 0]);
    let mut own = sim.names(".tenure");
    own.retain(|name| name != "next.json");
    assert!(own.len() <= 5, "{own:?}");
}

/// Performs another write, which completes an unfinished one and changes nothing else.
fn write_once_more(store: &FileStore<SimulatedDisk>, sim: &SimulatedDisk) {
    let mut expected = Snapshot::of(store);
    crate::common::apply(
        store,
        &crate::common::put(head("e"), Expect::Absent, Vec::new()),
    );
    crate::common::apply(store, &crate::common::remove("e"));
    if let Some(feed) = &mut expected.feed {
        feed.push((ChangeKind::Created, "e".to_owned(), None));
        feed.push((ChangeKind::Deleted, "e".to_owned(), None));
    }
    assert_eq!(Snapshot::of(store), expected);
    is_tidy(sim);
}

#[test]
fn a_process_that_dies_at_any_step_loses_no_acknowledged_commit() {
    for (sequence, durability) in sequences().flat_map(|s| DURABILITIES.map(|d| (s.clone(), d))) {
        sequence.at_every_step(durability, |step| {
            let ended = step.commit(durability, Fault::Death(step.at));
            step.sim.set_fault(Fault::None);
            let store = open(&step.sim, durability);
            step.check_complete(&Snapshot::of(&store), ended.is_ok());
            write_once_more(&store, &step.sim);
        });
    }
}

#[test]
fn full_durability_loses_no_acknowledged_commit_when_power_fails_at_any_step() {
    let mut rng = Rng::with_seed(1);
    for sequence in sequences() {
        sequence.at_every_step(Durability::Full, |step| {
            let ended = step.commit(Durability::Full, Fault::Death(step.at));
            step.sim.set_fault(Fault::None);
            let seen = changes_after(&open(&step.sim, Durability::Full), 0).unwrap();
            step.sim.lose_power(&mut rng);
            let store = open(&step.sim, Durability::Full);
            step.check_complete(&Snapshot::of(&store), ended.is_ok());
            write_once_more(&store, &step.sim);
            // What a watch has seen before may not have happened, but no position is assigned again.
            let changes = changes_after(&store, 0).unwrap();
            for before in &seen {
                let same = changes.iter().find(|now| now.position == before.position);
                assert!(
                    same.is_none_or(|now| (now.kind, &now.key) == (before.kind, &before.key)),
                    "{step}: {before:?} and {same:?}"
                );
            }
        });
    }
}

#[test]
fn normal_durability_keeps_every_session_complete_when_power_fails_at_any_step() {
    let mut rng = Rng::with_seed(2);
    for sequence in sequences() {
        sequence.at_every_step(Durability::Normal, |step| {
            let _ = step.commit(Durability::Normal, Fault::Death(step.at));
            step.sim.lose_power(&mut rng);
            let store = open(&step.sim, Durability::Normal);
            is_some_past(&sequence, step, &Snapshot::of(&store));
            write_once_more(&store, &step.sim);
        });
    }
}

/// Checks that each session is in some earlier state, and each commit to several sessions was
/// applied completely or not at all.
fn is_some_past(sequence: &Sequence, step: &Step<'_>, found: &Snapshot) {
    for name in IDS {
        // From the last commit that wrote several files on, which all waited for the disk.
        let since = (0..step.number)
            .rev()
            .find(|&commit| {
                let sessions = &sequence.commits[commit].sessions;
                sessions.len() > 1 && sessions.iter().any(|change| change.id == id(name))
            })
            .map_or(0, |commit| commit + 1);
        let pasts = &sequence.snapshots[since..=step.number + 1];
        assert!(
            pasts
                .iter()
                .any(|past| past.session(name) == found.session(name)),
            "{step}: {name} never was as in {found:?}, but as in {pasts:?}"
        );
    }
    if step.changes.sessions.len() > 1 {
        let written: BTreeSet<bool> = step
            .changes
            .sessions
            .iter()
            .map(|change| change.id.as_str())
            .filter(|name| step.before.session(name) != step.after.session(name))
            .map(|name| found.session(name) == step.after.session(name))
            .collect();
        assert!(written.len() <= 1, "{step}: half a commit: {found:?}");
    }
}

#[test]
fn a_full_disk_at_any_step_loses_no_commit() {
    for (sequence, durability) in sequences().flat_map(|s| DURABILITIES.map(|d| (s.clone(), d))) {
        sequence.at_every_step(durability, |step| {
            for fault in [Fault::FullOnce(step.at), Fault::Full(step.at)] {
                fill_up(step, durability, fault);
            }
        });
    }
}

fn fill_up(step: &Step<'_>, durability: Durability, fault: Fault) {
    let step = &Step {
        sim: step.sim.fork(),
        ..*step
    };
    let ended = step.commit(durability, fault);
    let store = open(&step.sim, durability);
    let found = Snapshot::of(&store);
    // What frees space must not fail because the log has none.
    let may_be_lost = step.changes.makes_room() && matches!(fault, Fault::Full(_));
    match ended.as_ref().map_err(Error::code) {
        Ok(()) => assert!(found.is_as(step.after, may_be_lost), "{step}: {found:?}"),
        Err("STORAGE_FULL") => assert_eq!(&found, step.before, "{step}"),
        Err("OUTCOME_UNKNOWN") => step.check_complete(&found, false),
        Err(other) => panic!("{step}: {other}"),
    }
    // The disk has space again.
    step.sim.set_fault(Fault::None);
    if &found == step.before {
        crate::common::apply(&store, step.changes);
    }
    let found = Snapshot::of(&store);
    assert!(found.is_as(step.after, may_be_lost), "{step}: {found:?}");
    write_once_more(&store, &step.sim);
}

#[test]
fn a_session_can_be_removed_on_a_full_disk_whatever_is_pending() {
    let (mut removed, mut refused) = (0, 0);
    for sequence in sequences() {
        sequence.at_every_step(Durability::Normal, |step| {
            let full = Fault::FullUntilRemoval(step.at);
            let ended = step.commit(Durability::Normal, full);
            let found = Snapshot::of(&open(&step.sim, Durability::Normal));
            for name in found.sessions.keys() {
                let sim = step.sim.fork();
                let store = open(&sim, Durability::Normal);
                if let Err(error) = store.commit(&crate::common::remove(name)) {
                    // Before anything is synced, nothing can be removed to free space.
                    assert_eq!(error.code(), "STORAGE_FULL", "{step}");
                    assert_eq!(sim.names(name), [""; 0], "{step} ended in {ended:?}");
                    assert_eq!(Snapshot::of(&store), found, "{step}");
                    refused += 1;
                    continue;
                }
                removed += 1;
                let mut left = found.clone();
                left.remove(name);
                let after = Snapshot::of(&store);
                assert!(after.is_as(&left, true), "{step}: {after:?}");
                sim.set_fault(Fault::None);
                write_once_more(&store, &sim);
            }
        });
    }
    assert!(
        removed > 10 * refused,
        "{removed} removed, {refused} refused"
    );
}
