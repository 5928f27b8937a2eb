//! The command `tenure metrics`: text for Prometheus, and the same as JSON.

use serde_json::Value;

use crate::common::Place;

const USAGE: i32 = 2;

/// A place with a paused session, and an agent that has failed.
fn place() -> Place {
    let place = Place::new();
    let store = place.store();
    store.perform(
        "start",
        r#"{"id":"a","task":"t","mode":"m","paused":true}"#,
        0.0,
    );
    store.perform("agentCreate", r#"{"id":"b","agentName":"n"}"#, 0.0);
    store.perform("agentFinalize", r#"{"id":"b","outcome":"failed"}"#, 5000.0);
    place
}

#[test]
fn metrics_of_sessions_and_agents_are_printed_for_prometheus() {
    let text = place().run_ok(&["metrics"]);
    for line in [
        "# TYPE tenure_sessions gauge",
        r#"tenure_sessions{status="paused"} 1.0"#,
        r#"tenure_sessions{status="failed"} 1.0"#,
        r#"tenure_agents{phase="failed"} 1.0"#,
        "tenure_agent_error_ratio 1.0",
        "tenure_agent_duration_p95_seconds 5.0",
        "tenure_metrics_handles 0.0",
        "# TYPE tenure_store_size_bytes gauge",
        "tenure_slot_retries_total 0.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
}

#[test]
fn metrics_are_printed_in_openmetrics() {
    let text = place().run_ok(&["metrics", "--format", "openmetrics"]);
    assert!(text.trim_end().ends_with("# EOF"), "{text}");
}

#[test]
fn metrics_are_printed_as_json() {
    let place = place();
    let metrics: Value = serde_json::from_str(&place.run_ok(&["metrics", "--json"])).unwrap();
    assert_eq!(metrics["derived"]["sessions"]["paused"], 1);
    let recorded = place.run_ok(&["metrics", "--json", "--recorded"]);
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    assert_eq!(recorded["derived"], Value::Null);
    let refused = place.run(&["metrics", "--json", "--format", "openmetrics"]);
    assert_eq!(refused.code, USAGE, "{refused:?}");
}

#[test]
fn metrics_create_no_store() {
    let place = Place::new();
    let missing = place.run(&["metrics"]);
    assert_ne!(missing.code, 0, "{missing:?}");
    assert!(
        std::fs::read_dir(place.folder.path())
            .unwrap()
            .next()
            .is_none()
    );
}
