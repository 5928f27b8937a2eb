//! How many requests of the store it takes to know where changes are delivered: none more while there are no
//! endpoints, and one more while there are.

use std::sync::Mutex;

use serde_json::json;
use tenure_core::store::{
    Answer, Capabilities, Changes, Commit, Found, ListQuery, Loaded, Page, Read, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::{History, Lift, MemoryStore, SessionId, Store};

use crate::support::World;

use super::{add, claim, event};

/// A store that notes the requests.
#[derive(Default)]
struct Noting {
    store: Lift<MemoryStore>,
    requests: Mutex<Vec<&'static str>>,
}

impl Noting {
    fn note(&self, request: &'static str) {
        self.requests.lock().unwrap().push(request);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

impl Store for Noting {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        self.note("load");
        self.store.load(id, history)
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        self.note("commit");
        self.store.commit(changes)
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        self.note("list");
        self.store.list(query)
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        self.note("record");
        self.store.record(kind, key)
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        self.note("scan");
        self.store.scan(scan)
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        self.note("read");
        self.store.read(reads)
    }
}

fn world() -> World<Noting> {
    World::over(Noting::default())
}

/// The requests of one call.
fn requests(world: &World<Noting>, name: &str, params: serde_json::Value) -> Vec<&'static str> {
    world.store.take();
    world.ok(name, params);
    world.store.take()
}

#[test]
fn without_endpoints_a_change_takes_no_further_request() {
    let world = world();
    let start = json!({"id": "s", "task": "t", "mode": "m"});
    assert_eq!(requests(&world, "start", start), ["commit"]);
    for name in ["pause", "resume"] {
        let expected = ["read", "commit"];
        assert_eq!(
            requests(&world, name, json!({"id": "s"})),
            expected,
            "{name}"
        );
    }
}

#[test]
fn with_endpoints_a_change_takes_one_more_after_the_first() {
    let world = world();
    add(&world, "bot", json!({}));
    let start = |id: &str| json!({"id": id, "task": "t", "mode": "m"});
    // It is refused, since it has expected that there are no endpoints.
    assert_eq!(
        requests(&world, "start", start("a")),
        ["commit", "read", "commit"]
    );
    assert_eq!(requests(&world, "start", start("b")), ["read", "commit"]);
    assert_eq!(
        requests(&world, "pause", json!({"id": "a"})),
        ["read", "read", "commit"]
    );
    assert_eq!(claim(&world, 8).len(), 2);
    // An append reports nothing.
    let note = json!({"id": "a", "type": "note"});
    assert_eq!(requests(&world, "addEvent", note), ["read", "commit"]);
    world.ok("webhookRemove", json!({"id": "bot"}));
    assert_eq!(requests(&world, "start", start("c")), ["read", "commit"]);
    assert_eq!(requests(&world, "start", start("d")), ["commit"]);
}

#[test]
fn an_endpoint_that_another_handle_has_added_is_noticed() {
    let world = world();
    world.start(json!({"id": "a"}));
    add(&world, "bot", json!({}));
    for name in ["pause", "resume"] {
        // As a handle that has not seen it.
        world.limits.has_routes.set(false);
        world.ok(name, json!({"id": "a"}));
    }
    let events: Vec<String> = std::iter::from_fn(|| {
        let claimed = claim(&world, 8).pop()?;
        super::settle(&world, &claimed, 200);
        Some(event(&claimed))
    })
    .collect();
    assert_eq!(events, ["pause", "resume"]);
}
