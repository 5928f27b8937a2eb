//! Properties of deliveries, whatever happens in whatever order: sessions change, deliverers claim, die and
//! settle late, receivers fail and are gone, endpoints are disabled, deliveries are repeated by hand. In the
//! end everything has arrived, each message under one id, and of a session in order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_core::Store;
use tenure_core::store::Scan;
use tenure_core::stored::delivery;

use crate::support::{World, ready, scale};

use super::{add, claim, header, settle};

const ENDPOINTS: [(&str, bool); 2] = [("ordered", true), ("any", false)];
const SESSIONS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
enum Step {
    /// Moves a session on.
    Change(usize),
    /// Lets time pass, in seconds.
    Pass(u32),
    /// A deliverer claims.
    Claim(u32),
    /// A claim is settled with a status; without one its deliverer has died.
    Settle(usize, Option<u32>),
    /// An endpoint is enabled or disabled.
    Enable(usize, bool),
    /// What has failed is attempted again, or what waits is attempted at once.
    Redeliver(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![Just(200), Just(500), Just(429), Just(301), Just(410)];
    prop_oneof![
        4 => (0..SESSIONS.len()).prop_map(Step::Change),
        2 => prop_oneof![0..60_u32, 0..200_000_u32].prop_map(Step::Pass),
        4 => (1..5_u32).prop_map(Step::Claim),
        4 => (any::<usize>(), proptest::option::weighted(0.9, status))
            .prop_map(|(claim, status)| Step::Settle(claim, status)),
        1 => (0..ENDPOINTS.len(), any::<bool>()).prop_map(|(at, on)| Step::Enable(at, on)),
        1 => (0..ENDPOINTS.len(), any::<bool>()).prop_map(|(at, waits)| Step::Redeliver(at, waits)),
    ]
}

/// What was made and has arrived.
#[derive(Default)]
struct Log {
    /// The payloads that each enabled endpoint is to get.
    queued: BTreeMap<&'static str, Vec<String>>,
    /// The payloads that have arrived, with their ids, in their order.
    arrived: BTreeMap<String, Vec<(String, String)>>,
}

fn is_enabled(world: &World, id: &str) -> bool {
    world.ok("webhookList", json!({"id": id}))["items"][0]["disabledAt"].is_null()
}

fn change(world: &World, log: &mut Log, id: &str) {
    let session = world.ok("get", json!({"id": id}));
    let (operation, params) = match session["status"].as_str() {
        None => ("start", json!({"id": id, "task": "t", "mode": "m"})),
        Some("active") => ("pause", json!({"id": id})),
        Some(_) => ("resume", json!({"id": id})),
    };
    let enabled = ENDPOINTS.map(|(endpoint, _)| (endpoint, is_enabled(world, endpoint)));
    let reply = world.call(operation, params).unwrap();
    // Texts, so that they are compared to the byte.
    let notices: Vec<Box<serde_json::value::RawValue>> =
        serde_json::from_str(&reply.notices).unwrap();
    for (endpoint, is_enabled) in enabled {
        if is_enabled {
            let payloads = log.queued.entry(endpoint).or_default();
            payloads.extend(notices.iter().map(|notice| notice.get().to_owned()));
        }
    }
}

fn arrive(log: &mut Log, claim: &Value) {
    let endpoint = claim["endpoint"].as_str().unwrap().to_owned();
    let body = claim["body"].as_str().unwrap().to_owned();
    let id = header(claim, "webhook-id").to_owned();
    log.arrived.entry(endpoint).or_default().push((body, id));
}

fn count(world: &World, kind: &str) -> usize {
    let scan = Scan {
        kind: kind.to_owned(),
        after: None,
        limit: 10_000,
    };
    ready(world.store.scan(&scan)).unwrap().len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases((200.0 * scale()) as u32 + 20))]

    #[test]
    fn everything_arrives_under_one_id_and_in_order(steps in proptest::collection::vec(step(), 1..120)) {
        let world = World::default();
        for (id, ordered) in ENDPOINTS {
            add(&world, id, json!({"ordered": ordered}));
        }
        let mut log = Log::default();
        let mut claims: Vec<Value> = Vec::new();
        let mut has_failed = false;
        for step in steps {
            match step {
                Step::Change(at) => change(&world, &mut log, SESSIONS[at]),
                Step::Pass(seconds) => world.pass(i64::from(seconds) * 1000),
                Step::Claim(limit) => claims.extend(claim(&world, limit)),
                Step::Settle(at, status) => {
                    if claims.is_empty() {
                        continue;
                    }
                    let claimed = claims.remove(at % claims.len());
                    if let Some(status) = status {
                        if status == 200 {
                            arrive(&mut log, &claimed);
                        }
                        let settled = settle(&world, &claimed, status);
                        has_failed |= settled["failed"] != 0;
                    }
                }
                Step::Enable(at, enabled) => {
                    world.ok("webhookUpdate", json!({"id": ENDPOINTS[at].0, "enabled": enabled}));
                }
                Step::Redeliver(at, waits) => {
                    let id = ENDPOINTS[at].0;
                    let params = json!({"endpoint": id, "waiting": waits});
                    let redelivered = world.call("webhookRedeliver", params);
                    prop_assert_eq!(redelivered.is_ok(), is_enabled(&world, id));
                }
            }
        }
        // From now on everything works.
        for (id, _) in ENDPOINTS {
            world.ok("webhookUpdate", json!({"id": id, "enabled": true}));
            world.ok("webhookRedeliver", json!({"endpoint": id}));
        }
        for _ in 0..200 {
            world.pass(30 * 3_600_000);
            for claimed in claim(&world, 64) {
                arrive(&mut log, &claimed);
                settle(&world, &claimed, 200);
            }
        }
        prop_assert_eq!(count(&world, delivery::KIND), 0);
        prop_assert_eq!(count(&world, delivery::WAKE), 0);
        prop_assert_eq!(count(&world, delivery::FAILED), 0);
        for (endpoint, ordered) in ENDPOINTS {
            let queued = log.queued.remove(endpoint).unwrap_or_default();
            let arrived = log.arrived.remove(endpoint).unwrap_or_default();
            let bodies: BTreeSet<&str> = arrived.iter().map(|(body, _)| &**body).collect();
            let expected: BTreeSet<&str> = queued.iter().map(|body| &**body).collect();
            prop_assert_eq!(bodies, expected);
            // Two changes may have one text, and then have two ids; a repeat has the id of the first.
            let ids: BTreeSet<&str> = arrived.iter().map(|(_, id)| &**id).collect();
            prop_assert_eq!(ids.len(), queued.len());
            if !ordered || has_failed {
                continue;
            }
            for session in SESSIONS {
                let of_session = |body: &&str| body.contains(&format!(r#""id":"{session}""#));
                let mut seen = BTreeSet::new();
                let firsts = arrived.iter().filter(|(_, id)| seen.insert(id.as_str()));
                let firsts: Vec<&str> =
                    firsts.map(|(body, _)| &**body).filter(of_session).collect();
                let wanted: Vec<&str> =
                    queued.iter().map(|body| &**body).filter(of_session).collect();
                prop_assert_eq!(firsts, wanted);
            }
        }
    }
}
