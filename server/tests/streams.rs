//! Streams of changes: each change once and in order, also across connections.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tenure_bridge::{Options, answer};
use tenure_core::error::Cause;
use tenure_host::Local;
use tenure_server::ServerLimits;
use tenure_server::log::Format;

use crate::support::{Events, Running, json, limited, open, options, scaled};

fn start(running: &Running, id: &str) {
    let params = format!(r#"{{"id":"{id}","task":"t","mode":"m","userId":"{id}"}}"#);
    running.ok("start", &params);
}

#[test]
fn a_change_is_an_event_with_its_position() {
    let running = Running::new();
    start(&running, "before");
    let mut events = Events::connect(&running, "/v1/watch", &[]);
    let first = events.next().unwrap();
    assert_eq!((first.id, first.data.as_str()), (Some(1), ""));
    start(&running, "s");
    let event = events.next().unwrap();
    assert_eq!((event.id, event.kind.as_str()), (Some(2), "change"));
    let change: serde_json::Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(change["position"], 2);
    assert_eq!(change["kind"], "created");
    assert_eq!(change["session"]["id"], "s");
    let read = running.ok("changesSince", r#"{"position":1}"#);
    assert_eq!(change, read["items"][0]);
}

#[test]
fn a_stream_begins_where_its_client_says() {
    let running = Running::new();
    for id in ["a", "b", "c"] {
        start(&running, id);
    }
    let ids = |path: &str, headers: &[(&str, &str)], count: usize| -> Vec<String> {
        let mut events = Events::connect(&running, path, headers);
        let changes = (0..count).map(|_| events.change().unwrap());
        changes
            .map(|change| change["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("/v1/watch?from=0", &[], 3), ["a", "b", "c"]);
    assert_eq!(ids("/v1/watch?from=2", &[], 1), ["c"]);
    assert_eq!(ids("/v1/watch", &[("last-event-id", "1")], 2), ["b", "c"]);
    assert_eq!(ids("/v1/watch?from=0", &[("last-event-id", "2")], 1), ["c"]);
    let filter = "%7B%22userId%22%3A%22b%22%7D";
    assert_eq!(
        ids(&format!("/v1/watch?from=0&filter={filter}"), &[], 1),
        ["b"]
    );
}

#[test]
fn what_is_no_watch_is_refused_before_the_stream() {
    let running = Running::new();
    for (path, status, code) in [
        ("/v1/watch?from=x", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?from=-1", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?from=", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?filter=x", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?filter=%7B", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?filter=[]", 400, "INVALID_ARGUMENT"),
        (
            "/v1/watch?filter=%7B%22position%22:1%7D",
            400,
            "INVALID_ARGUMENT",
        ),
        (
            "/v1/watch?filter=%7B%22unknown%22:1%7D",
            400,
            "INVALID_ARGUMENT",
        ),
        ("/v1/watch?filter=%ff", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?positions=false", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?other=1", 400, "INVALID_ARGUMENT"),
        ("/v1/watch?from=9", 404, "POSITION_EXPIRED"),
    ] {
        assert_eq!(
            running.get(path).failure(),
            (status, code.to_owned()),
            "{path}"
        );
    }
    let wrong = running.get("/v1/watch?filter=%7B").json();
    assert_eq!(wrong["error"]["details"]["what"], "filter");
    let headers = [crate::support::bearer(), ("last-event-id", "x")];
    let reply = running.request("GET", "/v1/watch", &headers, "");
    assert_eq!(reply.failure(), (400, "INVALID_ARGUMENT".to_owned()));
}

#[test]
fn a_store_without_a_feed_has_no_stream() {
    let folder = TempDir::new().unwrap();
    let repository = folder.path().display().to_string();
    let mut made = Command::new("git");
    let made = made.args(["init", "--bare", "--quiet", &repository]);
    assert!(made.status().unwrap().success());
    // It is asynchronous, too.
    let running = Running::over(open(&format!("git:{repository}")), options());
    let lease = r#"{"key":"k","holder":"h","leaseDurationMs":60000}"#;
    assert_eq!(running.ok("leaseAcquire", lease)["outcome"], "acquired");
    assert_eq!(
        running.get("/v1/watch").failure(),
        (400, "NO_FEED".to_owned())
    );
}

#[test]
fn an_idle_stream_says_that_it_is_alive_and_where_it_is() {
    let running = Running::with(limited(ServerLimits {
        heartbeat: Duration::from_millis(20),
        ..ServerLimits::default()
    }));
    let mut events = Events::connect(&running, "/v1/watch?filter=%7B%22userId%22:%22x%22%7D", &[]);
    let mut next = |from: u64| loop {
        let event = events.next().unwrap();
        if event.comment && event.id == Some(from) {
            break event;
        }
    };
    assert_eq!(next(0).kind, "");
    start(&running, "s");
    // A change that the filter does not select is passed, too.
    assert_eq!(next(1).data, "");
}

#[test]
fn a_stream_of_positions_has_no_data() {
    let running = Running::new();
    start(&running, "a");
    let mut events = Events::connect(&running, "/v1/watch?positions=true", &[]);
    assert_eq!(events.next().unwrap().id, Some(1));
    start(&running, "b");
    let event = events.next().unwrap();
    assert_eq!(
        (event.id, event.kind.as_str(), event.data.as_str()),
        (Some(2), "", "")
    );
}

#[test]
fn a_stream_ends_after_its_time() {
    let running = Running::with(limited(ServerLimits {
        stream_time: Duration::from_millis(20),
        ..ServerLimits::default()
    }));
    let mut events = Events::connect(&running, "/v1/watch", &[]);
    while events.next().is_some() {}
}

#[test]
fn changes_of_other_processes_are_streamed() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let running = Running::over(open(&url), options());
    let mut events = Events::connect(&running, "/v1/watch", &[]);
    let other = Local::open(&url, &Options::default()).unwrap();
    other.perform("start", r#"{"id":"s","task":"t","mode":"m"}"#, 0.0);
    assert_eq!(events.change().unwrap()["id"], "s");
}

#[test]
fn a_stream_that_is_behind_or_whose_store_fails_says_so() {
    for (cause, kind) in [
        (
            Cause::PositionExpired {
                after: 1,
                kept_after: 5,
                newest: 9,
            },
            "lagged",
        ),
        (
            Cause::StoreUnavailable {
                problem: "the disk is gone".to_owned(),
            },
            "failed",
        ),
    ] {
        let failure = answer::error(&cause.into());
        let running = Running::interposed(options(), Format::Json, move |call| {
            let is_behind = call.params.contains(r#""position":1,"#);
            is_behind.then(|| failure.clone())
        });
        let mut events = Events::connect(&running, "/v1/watch?from=0", &[]);
        start(&running, "s");
        assert_eq!(events.change().unwrap()["position"], 1);
        start(&running, "t");
        let event = events.next().unwrap();
        assert_eq!(event.kind, kind);
        let error: serde_json::Value = serde_json::from_str(&event.data).unwrap();
        match kind {
            "lagged" => assert_eq!(error["details"]["newest"], 9),
            _ => assert!(
                running
                    .logged()
                    .contains(error["details"]["reference"].as_str().unwrap())
            ),
        }
        assert_eq!(events.next(), None);
    }
}

/// A client that is disconnected at random, and connects again with the last id that it has received, gets
/// every change once and in order, while others write.
#[test]
fn a_client_that_connects_again_misses_nothing_and_gets_nothing_twice() {
    let seed = 20_260_108;
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..scaled(20.0) {
        let running = Arc::new(Running::new());
        let writes = 120;
        let writer = {
            let (running, mut random) = (Arc::clone(&running), random.fork());
            thread::spawn(move || {
                for number in 0..writes {
                    let id = format!("s{}", random.u32(..8));
                    let (operation, params) = match random.u32(..4) {
                        0 => ("start", format!(r#"{{"id":"{id}","task":"t","mode":"m"}}"#)),
                        1 => ("delete", format!(r#"{{"id":"{id}"}}"#)),
                        2 => (
                            "leaseAcquire",
                            format!(
                                r#"{{"key":"k{number}","holder":"h","leaseDurationMs":60000}}"#
                            ),
                        ),
                        _ => (
                            "addEvent",
                            format!(
                                r#"{{"id":"{id}","type":"note","data":{{"a":
 1}}}}"#
                            ),
                        ),
                    };
                    running.request("POST", &format!("/v1/{operation}"), &json(), &params);
                }
                running.ok("start", r#"{"id":"last","task":"t","mode":"m"}"#);
            })
        };
        let mut received = Vec::new();
        let mut last_id = "0".to_owned();
        'connections: loop {
            let headers = [("last-event-id", last_id.as_str())];
            let mut events = Events::connect(&running, "/v1/watch", &headers);
            let mut next_id = last_id.clone();
            for _ in 0..random.usize(1..20) {
                let event = events.next().unwrap();
                if let Some(id) = event.id {
                    next_id = id.to_string();
                }
                if event.kind == "change" {
                    let change: serde_json::Value = serde_json::from_str(&event.data).unwrap();
                    let is_last = change["id"] == "last";
                    received.push(change["position"].as_u64().unwrap());
                    if is_last {
                        break 'connections;
                    }
                }
            }
            last_id = next_id;
        }
        writer.join().unwrap();
        let newest = running.ok("changesSince", "{}")["position"]
            .as_u64()
            .unwrap();
        let expected: Vec<u64> = (1..=newest).collect();
        assert_eq!(received, expected, "seed {seed}");
    }
}
