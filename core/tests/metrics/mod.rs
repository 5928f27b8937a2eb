//! Metrics across handles: each records what it has counted, and nothing is lost or counted twice when handles end,
//! when their records are added to the total, and when a handle comes back whose record was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_core::store::{Changes, Expect, RecordChange, Store};
use tenure_core::stored::record::Record;
use tenure_core::{Host, Lift, Limits, Liveness, MemoryStore, Process, Timestamp};

use crate::support::{NOON, call_as, call_of, ready};

const MINUTE: i64 = 60_000;

/// A machine whose processes end when a test says so.
#[derive(Debug)]
struct Machine {
    process: Process,
    dead: Arc<Mutex<Vec<String>>>,
}

impl Host for Machine {
    fn process(&self) -> Option<&Process> {
        Some(&self.process)
    }

    fn liveness(&self, process: &Process) -> Liveness {
        let dead = self.dead.lock().unwrap();
        match dead.iter().any(|dead| dead == process.session.as_str()) {
            true => Liveness::Dead,
            false => Liveness::Unknown,
        }
    }
}

/// A store with a clock, and handles that count.
struct World {
    store: Lift<MemoryStore>,
    now: i64,
    calls: u128,
    dead: Arc<Mutex<Vec<String>>>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            store: Lift(MemoryStore::default()),
            now: 0,
            calls: 0,
            dead: Arc::default(),
        }
    }
}

impl World {
    fn ok(&mut self, process: &str, name: &str, params: &Value) -> Value {
        let host = Machine {
            process: Process {
                session: process.into(),
                ..Process::default()
            },
            dead: Arc::clone(&self.dead),
        };
        self.calls += 1;
        let now = Timestamp::from_millis(NOON + self.now).unwrap();
        let call = call_of(Arc::new(host), now, self.calls, &Limits::default());
        let reply = ready(call_as(&self.store, call, name, &params.to_string()));
        let reply = reply.unwrap_or_else(|error| panic!("{name} {params}: {error}"));
        serde_json::from_str(&reply.value).unwrap()
    }

    /// Records a counter; the outcome.
    fn record(&mut self, instance: &str, count: u64, known: bool, ended: bool) -> String {
        let params =
            json!({"instance": instance, "own": own(count), "known": known, "ended": ended});
        let reply = self.ok(instance, "metricsRecord", &params);
        reply["outcome"].as_str().unwrap().to_owned()
    }

    fn fold(&mut self) -> u64 {
        self.ok("reader", "metricsFold", &json!({}))["folded"]
            .as_u64()
            .unwrap()
    }

    fn metrics(&mut self, params: Value) -> Value {
        self.ok("reader", "metrics", &params)
    }

    fn count(&mut self) -> u64 {
        count(&self.metrics(json!({"derive": false})))
    }

    fn kill(&self, process: &str) {
        self.dead.lock().unwrap().push(process.to_owned());
    }
}

fn own(count: u64) -> Value {
    json!({"counts": {"counters": {"slotStarts": {"created": count}}},
        "process": {"name": "host:1", "cpuUs": count}})
}

fn count(metrics: &Value) -> u64 {
    metrics["counts"]["counters"]["slotStarts"]["created"]
        .as_u64()
        .unwrap_or(0)
}

#[test]
fn the_counts_of_all_handles_are_added_up() {
    let mut world = World::default();
    assert_eq!(world.record("a", 3, false, false), "recorded");
    assert_eq!(world.record("b", 4, false, false), "recorded");
    assert_eq!(world.record("a", 5, true, false), "recorded");
    let metrics = world.metrics(json!({}));
    assert_eq!((count(&metrics), &metrics["handles"]), (9, &json!(2)));
    assert_eq!(metrics["isIncomplete"], false);
    assert_eq!(metrics["derived"]["sessions"]["active"], 0);
    // Both handles are of one process.
    assert_eq!(metrics["processes"].as_array().unwrap().len(), 1);
    assert_eq!(metrics["processes"][0]["cpuUs"], 5);
}

#[test]
fn a_process_that_was_started_again_under_its_name_is_the_later_one() {
    let mut world = World::default();
    // The test's process uses as much CPU time as it has counted.
    world.record("before", 9, false, false);
    world.now = 1000;
    world.record("after", 5, false, false);
    let metrics = world.metrics(json!({"derive": false}));
    // Both are counted, and only one still runs.
    assert_eq!((count(&metrics), &metrics["handles"]), (14, &json!(2)));
    assert_eq!(metrics["processes"].as_array().unwrap().len(), 1);
    assert_eq!(metrics["processes"][0]["cpuUs"], 5);
}

#[test]
fn what_the_asking_handle_says_counts_instead_of_its_record() {
    let mut world = World::default();
    world.record("a", 3, false, false);
    let metrics = world.metrics(json!({"instance": "a", "own": own(8), "derive": false}));
    assert_eq!((count(&metrics), &metrics["handles"]), (8, &json!(1)));
    assert_eq!(metrics["derived"], Value::Null);
}

#[test]
fn what_the_asking_handle_has_recorded_is_not_counted_twice_when_its_record_is_gone() {
    let mut world = World::default();
    world.record("a", 100, false, false);
    let asks = json!({"instance": "a", "own": own(101), "recorded": own(100), "derive": false});
    assert_eq!(count(&world.metrics(asks.clone())), 101);
    world.now = 15 * MINUTE;
    assert_eq!(world.fold(), 1);
    // The total has the 100.
    assert_eq!(count(&world.metrics(asks)), 101);
    assert_eq!(world.record("a", 101, true, false), "folded");
    assert_eq!(world.record("a", 1, false, false), "recorded");
    assert_eq!(world.count(), 101);
}

#[test]
fn the_counts_of_a_handle_that_ends_are_kept() {
    let mut world = World::default();
    world.record("a", 3, false, false);
    assert_eq!(world.record("a", 5, true, true), "recorded");
    assert_eq!(world.record("b", 2, false, true), "recorded");
    let metrics = world.metrics(json!({"derive": false}));
    assert_eq!((count(&metrics), &metrics["handles"]), (7, &json!(0)));
    // A last record that is repeated is not added again.
    assert_eq!(world.record("a", 5, true, true), "folded");
    assert_eq!(world.count(), 7);
}

#[test]
fn the_record_of_a_process_that_has_ended_is_added_to_the_total_at_once() {
    let mut world = World::default();
    world.record("a", 3, false, false);
    world.record("b", 4, false, false);
    assert_eq!(world.fold(), 0);
    world.kill("a");
    assert_eq!(world.fold(), 1);
    let metrics = world.metrics(json!({"derive": false}));
    assert_eq!((count(&metrics), &metrics["handles"]), (7, &json!(1)));
}

#[test]
fn a_record_of_an_unknown_process_is_added_after_a_quarter_of_an_hour() {
    let mut world = World::default();
    world.record("a", 3, false, false);
    world.now = 15 * MINUTE - 1;
    assert_eq!(world.fold(), 0);
    world.now += 1;
    assert_eq!(world.fold(), 1);
    assert_eq!(world.count(), 3);
    // The machine was suspended. The handle records what it has counted since.
    assert_eq!(world.record("a", 5, true, false), "folded");
    assert_eq!(world.record("a", 2, false, false), "recorded");
    assert_eq!(world.count(), 5);
}

impl World {
    /// Writes a record as another version might, in the form that `change` makes of it.
    fn change(&self, key: &str, change: impl Fn(&str) -> String) {
        let found = ready(self.store.record("metrics", key)).unwrap().unwrap();
        let version = found.version;
        let change = RecordChange {
            kind: "metrics".to_owned(),
            key: key.to_owned(),
            expect: Expect::Version { version },
            record: Some(Record {
                body: change(&found.body),
                version: version + 1,
                ..found
            }),
        };
        let changes = Changes {
            records: vec![change],
            ..Changes::default()
        };
        ready(self.store.commit(&changes)).unwrap();
    }

    fn body(&self, key: &str) -> Option<String> {
        ready(self.store.record("metrics", key))
            .unwrap()
            .map(|record| record.body)
    }
}

#[test]
fn what_the_connections_of_a_process_have_counted_is_kept_when_one_of_its_handles_is_closed() {
    let mut world = World::default();
    let record = |world: &mut World,
                  process: &str,
                  handle: &str,
                  number: u64,
                  ended: bool,
                  others: bool| {
        let pool =
            json!({"max": 10, "failures": number, "waits": {"counts": [number], "sumUs": number}});
        let own = json!({"process": {"name": "host:1", "pool": pool}});
        let params = json!({"instance": handle, "own": own, "ended": ended, "others": others});
        world.ok(process, "metricsRecord", &params);
    };
    let pool = |world: &mut World| {
        let metrics = world.metrics(json!({"derive": false}));
        let pool = &metrics["processes"][0]["pool"];
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        assert_eq!(pool["failures"], pool["waits"]["sumUs"]);
        assert_eq!(pool["failures"], pool["waits"]["counts"][0]);
        (
            number(&metrics["handles"]),
            number(&pool["max"]),
            number(&pool["failures"]),
        )
    };
    record(&mut world, "p", "a", 55, false, false);
    record(&mut world, "p", "b", 300, false, true);
    assert_eq!(pool(&mut world), (2, 20, 355));
    record(&mut world, "p", "b", 301, true, true);
    assert_eq!(pool(&mut world), (1, 10, 356));
    record(&mut world, "p", "c", 4, false, true);
    record(&mut world, "p", "a", 55, true, true);
    assert_eq!(pool(&mut world), (1, 10, 360));
    // As long as a handle of the process records.
    world.now = 20 * MINUTE;
    record(&mut world, "p", "c", 5, false, true);
    assert_eq!(world.fold(), 0);
    assert_eq!(pool(&mut world), (1, 10, 361));
    record(&mut world, "p", "c", 5, true, false);
    assert_eq!(pool(&mut world), (0, 0, 0));
    assert_eq!(world.body("process/host:1"), None);
    // Another process of the name does not get what one has left that was killed.
    record(&mut world, "p", "d", 7, false, true);
    record(&mut world, "p", "e", 8, true, true);
    world.kill("p");
    record(&mut world, "q", "f", 9, false, true);
    assert_eq!(pool(&mut world), (2, 10, 9));
    record(&mut world, "q", "g", 1, true, true);
    assert_eq!(pool(&mut world), (2, 10, 10));
    world.kill("q");
    assert_eq!(world.fold(), 3);
    assert_eq!(world.body("process/host:1"), None);
}

#[test]
fn counts_of_a_newer_version_are_kept() {
    let mut world = World::default();
    world.record("a", 3, false, false);
    world.change("handle/a", |body| {
        body.replace(
            r#""slotStarts":{"#,
            r#""newFamily":{"x":77},"slotStarts":{"newWord":5,"#,
        )
    });
    // The metrics have the families that are known.
    let counters = &world.metrics(json!({}))["counts"]["counters"];
    assert_eq!(
        *counters,
        json!({"slotStarts": {"created": 3, "newWord": 5}})
    );
    world.kill("a");
    assert_eq!(world.fold(), 1);
    world.record("b", 2, false, true);
    let total: Value = serde_json::from_str(&world.body("0").unwrap()).unwrap();
    let expected = json!({"newFamily": {"x": 77}, "slotStarts": {"created": 5, "newWord": 5}});
    assert_eq!(total["counters"], expected);
}

#[test]
fn a_total_that_only_a_newer_version_can_read_is_left_alone() {
    for newer in [
        r#"{"v":2}"#,
        r#"{"counters":{},"histograms":{},"more":{}}"#,
        "[]",
    ] {
        let mut world = World::default();
        world.record("a", 3, false, true);
        world.change("0", |_| newer.to_owned());
        world.record("b", 4, false, false);
        world.record("c", 5, false, false);
        world.record("c", 6, true, true);
        world.kill("b");
        world.kill("c");
        assert_eq!(world.fold(), 0);
        assert_eq!(world.body("0").unwrap(), newer);
        let metrics = world.metrics(json!({"derive": false}));
        assert_eq!(
            (count(&metrics), &metrics["isIncomplete"]),
            (10, &json!(true))
        );
    }
}

#[test]
fn a_record_that_only_a_newer_version_can_read_is_left_alone() {
    for newer in [
        "{}",
        r#"{"at":1,"own":{"counts":{"counters":{},"histograms":{},"more":1}}}"#,
    ] {
        let mut world = World::default();
        world.record("a", 3, false, false);
        world.change("handle/a", |_| newer.to_owned());
        world.kill("a");
        world.now = 20 * MINUTE;
        assert_eq!(world.fold(), 0);
        assert_eq!(world.body("handle/a").unwrap(), newer);
        assert_eq!(world.metrics(json!({}))["isIncomplete"], true);
    }
}

#[test]
fn invalid_records_are_refused() {
    let world = World::default();
    for params in [
        json!({"instance": "", "own": {}}),
        json!({"instance": "a/b", "own": {}}),
        json!({"instance": "a".repeat(65), "own": {}}),
        json!({"instance": "a", "own": {"counts": {"counters": {"slotStarts": {"created": -1}}}}}),
        json!({"instance": "a", "own": {"counts": 1}}),
        json!({"instance": "a", "own": own(u64::MAX)}),
        json!({"instance": "a", "own": {"storeBytes": 1_u64 << 53}}),
        json!({"instance": "a", "own": {"process": {"pool": {"waits": {"counts": [1_u64 << 53], "sumUs": 0}}}}}),
    ] {
        let now = Timestamp::from_millis(NOON).unwrap();
        let call = call_of(Arc::new(tenure_core::NoHost), now, 1, &Limits::default());
        let reply = ready(call_as(
            &world.store,
            call,
            "metricsRecord",
            &params.to_string(),
        ));
        assert_eq!(reply.unwrap_err().code(), "INVALID_ARGUMENT", "{params}");
    }
}

#[test]
fn only_words_of_tenure_are_recorded() {
    let mut world = World::default();
    let own = json!({"counts": {"counters": {"slotStarts": {"created": 1, "text of a user": 2, "": 3}, "new": {"a": 1},
        "operations": {"/": 1, "start/": 1, "text.1/ok": 1, "start/ok": 1}}}});
    world.ok("a", "metricsRecord", &json!({"instance": "a", "own": own}));
    let metrics = world.metrics(json!({"derive": false}));
    let expected = json!({"operations": {"start/ok": 1}, "slotStarts": {"created": 1}});
    assert_eq!(metrics["counts"]["counters"], expected);
    // A process without a name is not shown.
    assert_eq!(metrics["processes"], json!([]));
}

/// What happens to a store.
#[derive(Debug, Clone)]
enum Step {
    /// A handle counts so many.
    Count(usize, u64),
    Record(usize),
    Close(usize),
    Kill(usize),
    Wait(i64),
    Fold,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let handle = 0..4_usize;
    let step = prop_oneof![
        4 => (handle.clone(), 1..9_u64).prop_map(|(handle, number)| Step::Count(handle, number)),
        4 => handle.clone().prop_map(Step::Record),
        1 => handle.clone().prop_map(Step::Close),
        1 => handle.prop_map(Step::Kill),
        2 => (0..20 * MINUTE).prop_map(Step::Wait),
        3 => Just(Step::Fold),
    ];
    prop::collection::vec(step, 0..60)
}

/// A handle, as its meter keeps it.
#[derive(Default)]
struct Handle {
    counted: u64,
    folded: u64,
    recorded: Option<u64>,
    is_gone: bool,
}

proptest! {
    #[test]
    fn what_was_recorded_is_counted_once(steps in steps()) {
        let mut world = World::default();
        let mut handles: HashMap<usize, Handle> = HashMap::new();
        let mut before = 0;
        for step in steps {
            match step {
                Step::Count(number, more) => {
                    let handle = handles.entry(number).or_default();
                    handle.counted += if handle.is_gone { 0 } else { more };
                }
                Step::Record(number) | Step::Close(number) => {
                    let handle = handles.entry(number).or_default();
                    if handle.is_gone {
                        continue;
                    }
                    let name = format!("h{number}");
                    handle.is_gone = matches!(step, Step::Close(_));
                    let ended = handle.is_gone;
                    let known = handle.recorded.is_some();
                    let own = handle.counted - handle.folded;
                    if world.record(&name, own, known, ended) == "folded" {
                        handle.folded += handle.recorded.take().unwrap();
                        let own = handle.counted - handle.folded;
                        prop_assert_eq!(world.record(&name, own, false, ended), "recorded");
                        handle.recorded = Some(own);
                    } else {
                        handle.recorded = Some(own);
                    }
                }
                Step::Kill(number) => {
                    world.kill(&format!("h{number}"));
                    handles.entry(number).or_default().is_gone = true;
                }
                Step::Wait(millis) => world.now += millis,
                Step::Fold => {
                    world.fold();
                }
            }
            let expected = handles.values().map(|handle| handle.folded + handle.recorded.unwrap_or(0));
            let count = world.count();
            prop_assert_eq!(count, expected.sum::<u64>());
            prop_assert!(count >= before, "a counter has gone back");
            before = count;
        }
    }
}
