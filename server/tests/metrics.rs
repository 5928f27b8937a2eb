//! `GET /metrics`: who may read it, its formats, and that it has what other handles have recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tenure_bridge::answer;
use tenure_core::error::Cause;
use tenure_server::ServerOptions;
use tenure_server::log::Format;

use crate::support::{Reply, Running, bearer, eventually, open, options};

fn scrape(running: &Running) -> String {
    let reply = running.get("/metrics");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

/// The value of a sample; `None` without it.
fn value(text: &str, sample: &str) -> Option<f64> {
    let mut lines = text.lines();
    let line = lines.find(|line| {
        line.strip_prefix(sample)
            .is_some_and(|rest| rest.starts_with(' '))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_scrape_needs_the_token_and_the_name_of_the_server() {
    let running = Running::new();
    let reply = running.request("GET", "/metrics", &[], "");
    assert_eq!(reply.failure(), (401, "UNAUTHORIZED".to_owned()));
    let request = "GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n";
    assert_eq!(running.raw(request).status, 403);
    let reply = running.request("POST", "/metrics", &[bearer()], "");
    assert_eq!(reply.status, 405, "{reply:?}");
    assert_eq!(running.get("/metrics").status, 200);
}

#[test]
fn a_scrape_counts_operations_and_sessions() {
    let running = Running::new();
    running.ok("start", r#"{"id":"a","task":"t","mode":"m"}"#);
    running.ok("complete", r#"{"id":"a","result":"r"}"#);
    assert_eq!(running.call("pause", r#"{"id":"a"}"#).status, 422);
    assert_eq!(running.call("pause", r#"{"id":"none"}"#).status, 404);
    let text = scrape(&running);
    for (sample, expected) in [
        (
            r#"tenure_operations_total{operation="start",outcome="ok"}"#,
            1.0,
        ),
        (
            r#"tenure_operations_total{operation="pause",outcome="refused"}"#,
            1.0,
        ),
        (
            r#"tenure_operations_total{operation="pause",outcome="not_found"}"#,
            1.0,
        ),
        (
            r#"tenure_operation_duration_seconds_count{operation="pause"}"#,
            2.0,
        ),
        (r#"tenure_sessions{status="completed"}"#, 1.0),
        ("tenure_metrics_handles", 1.0),
    ] {
        assert_eq!(value(&text, sample), Some(expected), "{sample} in {text}");
    }
}

#[test]
fn a_scrape_counts_the_outcomes_of_slots() {
    let running = Running::new();
    let start = |model: &str, change: &str, locking: &str| {
        let params = json!({"taskId": "t", "phase": "plan", "model": {"name": model}, "task": "t", "mode": "m",
            "onModelChange": change, "locking": locking});
        running.ok("startInSlot", &params.to_string())
    };
    start("a", "confirm", "optimistic");
    start("a", "confirm", "optimistic");
    start("b", "confirm", "optimistic");
    start("b", "replace", "pessimistic");
    running.ok("latestSession", r#"{"taskId":"t","phase":"plan"}"#);
    let text = scrape(&running);
    for (sample, expected) in [
        (r#"tenure_slot_starts_total{outcome="created"}"#, 1.0),
        (r#"tenure_slot_starts_total{outcome="existing"}"#, 1.0),
        (
            r#"tenure_slot_starts_total{outcome="needs_confirmation"}"#,
            1.0,
        ),
        (r#"tenure_slot_starts_total{outcome="replaced"}"#, 1.0),
        (
            r#"tenure_slot_replacements_total{reason="model_change"}"#,
            1.0,
        ),
        (
            r#"tenure_slot_replacement_duration_seconds_count{locking="pessimistic"}"#,
            1.0,
        ),
        ("tenure_slot_lock_acquisition_duration_seconds_count", 1.0),
        ("tenure_slot_lookup_duration_seconds_count", 1.0),
        ("tenure_slot_lock_contentions_total", 0.0),
    ] {
        assert_eq!(value(&text, sample), Some(expected), "{sample} in {text}");
    }
}

fn media_type(reply: &Reply) -> &str {
    reply.header("content-type").unwrap_or_default()
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for_first() {
    let running = Running::new();
    let reply = running.get("/metrics");
    assert!(
        media_type(&reply).starts_with("text/plain; version=0.0.4"),
        "{reply:?}"
    );
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let reply = running.request("GET", "/metrics", &[bearer(), ("accept", accept)], "");
    assert!(
        media_type(&reply).starts_with("application/openmetrics-text"),
        "{reply:?}"
    );
    assert!(reply.body.ends_with("# EOF\n"));
    let head = running.request("HEAD", "/metrics", &[bearer()], "");
    assert_eq!(head.status, 200);
}

#[test]
fn a_scrape_of_one_server_has_what_another_has_recorded() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let recording = || ServerOptions {
        records: true,
        ..options()
    };
    let first = Running::over(open(&url), recording());
    let second = Running::over(open(&url), recording());
    first.ok("start", r#"{"id":"a","task":"t","mode":"m"}"#);
    second.ok("start", r#"{"id":"b","task":"t","mode":"m"}"#);
    let started = r#"tenure_operations_total{operation="start",outcome="ok"}"#;
    // The last record of a server that is closed is added to the total.
    first.server.close();
    eventually("the counts of both are read", || {
        value(&scrape(&second), started) == Some(2.0)
    });
    let third = Running::over(open(&url), options());
    second.server.close();
    eventually("the total has both", || {
        value(&scrape(&third), started) == Some(2.0)
    });
}

#[test]
fn clients_do_not_record_metrics() {
    let running = Running::new();
    let own = json!({"counts": {"counters": {"slotStarts": {"created": 7}}}});
    for (name, params) in [
        ("metricsRecord", json!({"instance": "a", "own": own})),
        ("metricsFold", json!({})),
    ] {
        let reply = running.call(name, &params.to_string());
        assert_eq!(reply.failure(), (403, "FORBIDDEN".to_owned()), "{name}");
        let description = tenure_server::openapi::text();
        assert!(!description.contains(&format!("/v1/{name}")), "{name}");
    }
    assert_eq!(running.ok("metrics", "{}")["counts"]["counters"], json!({}));
}

#[test]
fn a_server_that_is_read_only_records_nothing() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let running = Running::over(
        open(&url),
        ServerOptions {
            records: true,
            read_only: true,
            ..options()
        },
    );
    running.ok("list", "{}");
    running.server.close();
    let other = Running::over(open(&url), options());
    let metrics: Value = other.ok("metrics", "{}");
    assert_eq!(metrics["handles"], 0, "{metrics}");
    assert_eq!(metrics["counts"], json!({"counters": {}, "histograms": {}}));
}

#[test]
fn the_counters_of_a_scraped_server_do_not_go_back_when_it_ends() {
    let started = r#"tenure_operations_total{operation="start",outcome="ok"}"#;
    let start = |id: &str| json!({"id": id, "task": "t", "mode": "m"}).to_string();
    for records in [false, true] {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let with = |records| ServerOptions {
            records,
            ..options()
        };
        let other = Running::over(open(&url), with(true));
        other.ok("start", &start("a"));
        assert_eq!(value(&scrape(&other), started), Some(1.0));
        let scraped = Running::over(open(&url), with(records));
        scraped.ok("start", &start("b"));
        // What it has counted is recorded before it is shown, or is not shown.
        let shown = value(&scrape(&scraped), started);
        assert_eq!(shown, Some(if records { 2.0 } else { 1.0 }));
        // Another server, as it would be after `kill -9`, shows the same.
        let after = Running::over(open(&url), with(false));
        assert_eq!(value(&scrape(&after), started), shown, "{records}");
    }
}

/// A server whose store is away, which each request of a scrape notices after so long; and the number of these.
fn away(notices_after: Duration) -> (Running, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let running = Running::interposed(options(), Format::Human, move |call| {
        if !call.operation.starts_with("metrics") {
            return None;
        }
        counted.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(notices_after);
        let problem = "the server is away".to_owned();
        Some(answer::error(&Cause::StoreUnavailable { problem }.into()))
    });
    (running, asked)
}

#[test]
fn a_scrape_asks_a_store_that_is_away_once() {
    let (running, asked) = away(Duration::ZERO);
    let reply = running.get("/metrics");
    assert_eq!(reply.failure(), (503, "STORE_UNAVAILABLE".to_owned()));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn scrapes_that_wait_for_one_that_fails_fail_with_it() {
    let (running, asked) = away(Duration::from_millis(300));
    std::thread::scope(|scope| {
        let scrapes = [(); 8].map(|()| scope.spawn(|| running.get("/metrics").failure()));
        for scrape in scrapes {
            assert_eq!(scrape.join().unwrap().1, "STORE_UNAVAILABLE");
        }
    });
    assert!(asked.load(Ordering::Relaxed) < 8, "{asked:?}");
}
