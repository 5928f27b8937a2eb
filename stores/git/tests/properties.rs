//! Random writes and reads through several handles have the same results as over the memory store.

use fastrand::Rng;
use tenure_core::store::{Expect, RecordChange, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Commit, MemoryStore, Store, SyncStore, Timestamp};
use tenure_store_support::scaled;

use crate::common::{Remote, block_on, changes, read, record};

/// Keys of a kind whose records have separate refs, and keys of the log, where the entries of a day
/// share refs. One of these does not begin with a day.
const KEYS: &[(&str, &str)] = &[
    ("lease", "a"),
    ("lease", "A"),
    ("lease", "pr:abc"),
    ("lease", ""),
    ("audit", "2026-01-08T00:00:00.000Z/1"),
    ("audit", "2026-01-08T00:00:00.000Z/2"),
    ("audit", "2026-01-08T23:59:59.999Z/3"),
    ("audit", "2026-01-09T00:00:00.000Z/1"),
    ("audit", "2025-12-31T12:00:00.000Z/1"),
    ("audit", "2026 is no day"),
];
const HANDLES: usize = 3;

#[test]
fn changes_through_several_handles_have_the_results_of_the_memory_store() {
    let mut rng = Rng::with_seed(17);
    let remote = Remote::new();
    let memory = MemoryStore::default();
    let mut handles: Vec<_> = (0..HANDLES).map(|_| remote.store()).collect();
    let mut applied = 0;
    let steps = scaled(800);
    for step in 0..steps {
        let turn = rng.usize(0..HANDLES);
        if rng.u8(0..10) == 0 {
            handles[turn] = remote.store();
        }
        let store = &handles[turn];
        match rng.u8(0..4) {
            0 | 1 => {
                let changes = changes(some_changes(&mut rng, &memory));
                let expected = memory.commit(&changes).unwrap();
                let ended = block_on(store.commit(&changes)).unwrap();
                assert_eq!(ended, expected, "step {step}: {changes:?}");
                applied += u32::from(expected == Commit::Applied);
            }
            2 => {
                let (kind, key) = KEYS[rng.usize(0..KEYS.len())];
                let expected = memory.record(kind, key).unwrap();
                assert_eq!(
                    read(store, kind, key).unwrap(),
                    expected,
                    "step {step}: {key}"
                );
            }
            _ => {
                let scan = some_scan(&mut rng);
                let expected = memory.scan(&scan).unwrap();
                assert_eq!(
                    block_on(store.scan(&scan)).unwrap(),
                    expected,
                    "step {step}: {scan:?}"
                );
            }
        }
    }
    assert!(
        applied > steps / 10,
        "only {applied} of {steps} steps wrote something"
    );
}

fn some_changes(rng: &mut Rng, memory: &MemoryStore) -> Vec<RecordChange> {
    let mut keys = KEYS.to_vec();
    rng.shuffle(&mut keys);
    keys.truncate(rng.usize(0..4));
    let change = |(kind, key): (&str, &str)| {
        let current = memory.record(kind, key).unwrap().map(|it| it.version);
        let written = (rng.u8(0..3) > 0).then(|| Record {
            expires_at: rng.bool().then_some(Timestamp::MAX),
            ..record(
                kind,
                key,
                rng.u64(0..4),
                &format!("{{\"é\":\"{}\"}}", rng.u8(..)),
            )
        });
        RecordChange {
            kind: kind.to_owned(),
            key: key.to_owned(),
            expect: match rng.u8(0..10) {
                0 => Expect::Absent,
                1 => Expect::Present,
                2 => Expect::Version {
                    version: rng.u64(0..4),
                },
                3 | 4 => Expect::Any,
                // The present version, so that most commits apply.
                _ => current.map_or(Expect::Absent, |version| Expect::Version { version }),
            },
            record: written,
        }
    };
    keys.into_iter().map(change).collect()
}

fn some_scan(rng: &mut Rng) -> Scan {
    let (kind, _) = KEYS[rng.usize(0..KEYS.len())];
    let (_, after) = KEYS[rng.usize(0..KEYS.len())];
    let after = match rng.u8(0..3) {
        0 => None,
        1 => Some(after.to_owned()),
        _ => after.get(..10).map(str::to_owned),
    };
    Scan {
        kind: kind.to_owned(),
        after,
        limit: rng.u32(1..5),
    }
}
