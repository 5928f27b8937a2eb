//! What an executor counts: each operation once, over every kind of store, on whatever thread it runs.

use std::sync::{Arc, mpsc};

use serde_json::json;
use tenure_apps::metrics::counts::Counts;
use tenure_bridge::{Answer, Call, Options, entropy};
use tenure_core::NoHost;
use tenure_core::work::execution::Invocation;
use tenure_host::{Executor, Lifetime, Place, Started};

fn open(url: &str) -> Executor {
    let place = Place::of(url).unwrap().unwrap();
    Executor::open(place, &Options::default(), Lifetime::Long).unwrap()
}

fn invocation(name: &str, params: &str) -> Invocation {
    let now = 1_767_895_530_000.0;
    let call = Call {
        name,
        params,
        now,
        entropy: entropy(now, None, getrandom::fill).unwrap(),
        host: Arc::new(NoHost),
        answers: None,
        trace: None,
    };
    call.invocation(Arc::default()).unwrap()
}

/// Starts an operation as an asynchronous caller does, and waits for its answer.
fn started(executor: &Executor, name: &str, params: &str) -> Answer {
    match executor.start(invocation(name, params)) {
        Started::Ended(answer) => answer,
        Started::Deferred(deferred) => {
            let (done, answer) = mpsc::channel();
            deferred.run(move |answer| done.send(answer).unwrap());
            answer.recv().unwrap()
        }
    }
}

fn operations(counts: &Counts) -> Vec<(&str, u64)> {
    let found = counts.counters.get("operations").into_iter().flatten();
    found
        .map(|(labels, number)| (labels.as_str(), *number))
        .collect()
}

#[test]
fn each_operation_is_counted_once_over_every_kind_of_store() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("a.db").display());
    let file = format!("file:{}", folder.path().join("sessions").display());
    for url in ["memory:", &sqlite, &file] {
        let executor = open(url);
        let start = |id: &str| json!({"id": id, "task": "t", "mode": "m"}).to_string();
        executor.run(invocation("start", &start("a"))).unwrap();
        started(&executor, "start", &start("b"));
        started(&executor, "start", &start("b"));
        started(&executor, "trash", r#"{"id":"a"}"#);
        started(&executor, "list", "{}");
        started(&executor, "changesSince", r#"{"position":0}"#);
        started(&executor, "metrics", "{}");
        let counts = executor.own().counts;
        let expected = [
            ("list/ok", 1),
            ("start/conflict", 1),
            ("start/ok", 2),
            ("trash/ok", 1),
        ];
        assert_eq!(operations(&counts), expected, "{url}");
        let durations = &counts.histograms["operationDuration"];
        assert_eq!(durations["start"].count(), 3, "{url}");
        executor.close();
    }
}

#[test]
fn the_size_of_a_database_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let executor = open(&format!("sqlite:{}", folder.path().join("a.db").display()));
    executor
        .run(invocation("start", r#"{"task":"t","mode":"m"}"#))
        .unwrap();
    assert!(executor.own().store_bytes.unwrap() > 4096);
    assert_eq!(open("memory:").own().store_bytes, None);
}

#[test]
fn the_size_of_a_store_of_files_is_measured_in_the_background() {
    let folder = tempfile::tempdir().unwrap();
    let executor = open(&format!(
        "file:{}",
        folder.path().join("sessions").display()
    ));
    let task = "t".repeat(5000);
    let start = json!({"task": task, "mode": "m"}).to_string();
    executor.run(invocation("start", &start)).unwrap();
    // A machine that is busy measures later.
    let bytes = std::iter::repeat_with(|| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        executor.store_bytes()
    });
    let measured = bytes.take(2000).flatten().next();
    assert!(measured.unwrap() > 5000, "{measured:?}");
}

#[test]
fn what_was_recorded_is_read_as_text() {
    let executor = open("memory:");
    executor
        .run(invocation("start", r#"{"task":"t","mode":"m"}"#))
        .unwrap();
    let params = executor.meter().to_record(&executor.own(), false).unwrap();
    let answer = started(&executor, "metricsRecord", &params);
    assert!(answer.contains(r#""outcome":"recorded""#), "{answer}");
    let answer = started(&executor, "metrics", "{}");
    let metrics = tenure_host::metrics::metrics_of(&answer).unwrap();
    let text = tenure_host::metrics::text(&metrics, Default::default()).unwrap();
    let line = r#"tenure_operations_total{operation="start",outcome="ok"} 1.0"#;
    assert!(text.lines().any(|found| found == line), "{text}");
    assert!(
        text.contains("\ntenure_sessions{status=\"active\"} 1.0\n"),
        "{text}"
    );
}
