//! A clock that jumps: an hour back, ten years ahead, and back again. What is stored keeps its order, whatever
//! the times say, in SQLite as in memory.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::common::operations::operate;
use crate::common::{Place, scaled};
use serde_json::{Value, json};
use tenure_core::{MemoryStore, SyncStore};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const YEAR: i64 = 365 * 24 * HOUR;
/// 2026-01-08T18:05:30.000Z.
const START: i64 = 1_767_895_530_000;

/// A store, and the clock of those who call its operations.
struct World<'s> {
    store: &'s dyn SyncStore,
    now: Cell<i64>,
    calls: Cell<u128>,
}

impl World<'_> {
    fn ok(&self, name: &str, params: &Value) -> Value {
        let calls = self.calls.get() + 1;
        self.calls.set(calls);
        let entropy = calls.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let reply = operate(
            self.store,
            self.now.get(),
            entropy,
            name,
            &params.to_string(),
        );
        let reply = reply.unwrap_or_else(|error| panic!("{name} {params}: {error}"));
        serde_json::from_str(&reply).unwrap()
    }

    fn outcome(&self, name: &str, params: &Value) -> String {
        self.ok(name, params)["outcome"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Sets the clock to about the right time, an hour back or ten years ahead.
    fn jump(&self, random: &mut fastrand::Rng) {
        let jump = [0, 0, -HOUR, 10 * YEAR][random.usize(0..4)];
        self.now.set(START + jump + random.i64(0..MINUTE));
    }

    fn pass(&self, millis: i64) {
        self.now.set(self.now.get() + millis);
    }

    /// The ids of a list, which is read in pages while the clock jumps.
    fn listed(&self, order: &str, direction: &str, random: &mut fastrand::Rng) -> Vec<String> {
        let now = self.now.get();
        let mut ids = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let mut params =
                json!({"orderBy": order, "direction": direction, "limit": 3, "trash": "include"});
            if !cursor.is_null() {
                params["cursor"] = cursor;
            }
            let page = self.ok("list", &params);
            ids.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| text(&item["id"])),
            );
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
            self.jump(random);
        }
        self.now.set(now);
        ids
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Runs a test over memory and over SQLite.
fn in_each_store(test: impl Fn(&World<'_>)) {
    let place = Place::new();
    let (memory, sqlite) = (MemoryStore::default(), place.open());
    for store in [&memory as &dyn SyncStore, &sqlite] {
        test(&World {
            store,
            now: Cell::new(START),
            calls: Cell::new(0),
        });
    }
    assert_eq!(sqlite.recount(false).unwrap(), []);
}

#[test]
fn events_lists_and_the_feed_keep_their_order_over_500_jumps_of_the_clock() {
    in_each_store(|world| {
        let mut random = fastrand::Rng::with_seed(51);
        // In the order of the commits: the session, and the number of its last event.
        let mut commits: Vec<(String, u64)> = Vec::new();
        let mut counts = [0; 8];
        let mut updated = [(); 8].map(|()| String::new());
        for step in 0..scaled(500).max(100) {
            world.jump(&mut random);
            let session = random.usize(0..counts.len());
            let id = format!("s{session}");
            let params = json!({"id": id, "type": "note", "data": {"step": step}});
            if counts[session] == 0 {
                world.ok("start", &json!({"id": id, "task": "t", "mode": "m"}));
            } else if random.u8(0..4) == 0 {
                world.ok("pause", &json!({"id": id}));
                counts[session] += 1;
                commits.push((id.clone(), counts[session]));
                world.jump(&mut random);
                world.ok("resume", &json!({"id": id}));
            } else {
                world.ok("addEvent", &params);
            }
            counts[session] += 1;
            let head = world.ok("get", &json!({"id": id}));
            // The times are texts of one length.
            let (created, now) = (text(&head["createdAt"]), text(&head["updatedAt"]));
            assert!(now >= created && now >= updated[session], "{head}");
            updated[session] = now;
            commits.push((id, counts[session]));
        }

        for (session, count) in counts.iter().enumerate() {
            let id = format!("s{session}");
            assert!(world.ok("duration", &json!({"id": id})).is_u64());
            let page = world.ok("events", &json!({"id": id, "limit": 1000}));
            let events = page["items"].as_array().unwrap();
            let numbers = events
                .iter()
                .map(|event| event["sequence"].as_u64().unwrap());
            assert!(numbers.eq(1..=*count), "{id}");
            let steps = events
                .iter()
                .filter_map(|event| event["data"]["step"].as_u64());
            assert!(steps.is_sorted(), "{id}");
            for event in events.iter().filter(|event| event["type"] == "resume") {
                assert!(event["data"]["pausedDuration"].is_u64(), "{event}");
            }
        }

        let changes = world.ok("changesSince", &json!({"position": 0, "limit": 1000}));
        let changes = changes["items"].as_array().unwrap();
        let found = changes.iter().map(|change| {
            let events = change["events"].as_array().unwrap();
            let last = events.last().unwrap()["sequence"].as_u64().unwrap();
            (text(&change["id"]), last)
        });
        assert!(found.eq(commits.iter().cloned()));
        let positions = changes
            .iter()
            .map(|change| change["position"].as_u64().unwrap());
        assert!(positions.eq(1..=commits.len() as u64));

        for order in ["createdAt", "updatedAt"] {
            let mut ids = world.listed(order, "asc", &mut random);
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), counts.len());
            ids.reverse();
            assert_eq!(world.listed(order, "desc", &mut random), ids, "{order}");
        }
    });
}

#[test]
fn a_lease_is_neither_stolen_nor_eternal_when_the_clock_jumps_an_hour_back() {
    in_each_store(|world| {
        let acquire =
            |holder: &str| json!({"key": "k", "holder": holder, "leaseDurationMs": MINUTE});
        assert_eq!(world.outcome("leaseAcquire", &acquire("a")), "acquired");
        world.pass(-HOUR);
        assert_eq!(world.outcome("leaseAcquire", &acquire("b")), "held");
        world.pass(MINUTE - 1);
        assert_eq!(world.outcome("leaseAcquire", &acquire("b")), "held");
        world.pass(1);
        assert_eq!(world.outcome("leaseAcquire", &acquire("b")), "acquired");
        let late = json!({"key": "k", "holder": "a", "token": 1});
        assert_eq!(world.outcome("leaseRenew", &late), "lost");
        // Ten years later it has expired, and is acquired with a greater token.
        world.pass(10 * YEAR);
        let acquired = world.ok("leaseAcquire", &acquire("c"));
        assert_eq!(acquired["outcome"], "acquired");
        assert_eq!(acquired["lease"]["token"], 3);
    });
}

#[test]
fn a_slot_and_the_trash_are_the_same_after_the_clock_has_jumped() {
    in_each_store(|world| {
        let slot = json!({"taskId": "t", "phase": "plan", "model": "m", "task": "t", "mode": "m"});
        let first = world.ok("startInSlot", &slot);
        assert_eq!(first["outcome"], "created");
        let id = text(&first["session"]["id"]);
        world.ok("start", &json!({"id": "trashed", "task": "t", "mode": "m"}));
        world.ok("trash", &json!({"id": "trashed"}));
        let purge = json!({"olderThan": "30d"});
        for jump in [-HOUR, 10 * YEAR, -10 * YEAR] {
            world.pass(jump);
            let again = world.ok("startInSlot", &slot);
            assert_eq!(
                (&again["outcome"], text(&again["session"]["id"])),
                (&json!("existing"), id.clone())
            );
            if jump > 0 {
                continue;
            }
            // It has not been in the trash for 30 days.
            world.ok("purge", &purge);
            let list = world.ok("list", &json!({"trash": "only"}));
            assert_eq!(list["items"].as_array().unwrap().len(), 1);
        }
        world.pass(10 * YEAR);
        world.ok("purge", &purge);
        let list = world.ok("list", &json!({"trash": "only"}));
        assert_eq!(list["items"].as_array().unwrap().len(), 0);
    });
}
