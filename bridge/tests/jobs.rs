//! Jobs as a host runs them: their needs and replies as JSON, and invalid replies.

use serde_json::{Value, json};
use tenure_bridge::{Jobs, TABLE};

use crate::support::without_exclusive;

/// Parses an answer.
fn parse(answer: &str) -> Value {
    serde_json::from_str(answer).unwrap()
}

fn start(jobs: &Jobs, name: &str, params: &str) -> Value {
    parse(&jobs.start(name, params, [7; 16]))
}

/// The code of an error answer.
fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("none")
}

#[test]
fn a_job_states_its_needs_one_at_a_time() {
    let jobs = Jobs::default();
    let answer = start(&jobs, "copy", r#"{"verify":false}"#);
    assert_eq!(
        answer,
        json!({"need": {"operation": 1, "method": "open", "params": {"store": "source"}}})
    );
    let answer = parse(&jobs.resume(1, r#"{"ok":"one"}"#, 0.0));
    assert_eq!(answer["need"]["params"], json!({"store": "target"}));
    let answer = parse(&jobs.resume(1, r#"{"ok":null}"#, 0.0));
    assert_eq!(answer["need"]["method"], "run");
    assert_eq!(answer["need"]["params"]["operation"], "copyPage");
    assert_eq!(answer["need"]["params"]["store"], "source");
    let page = r#"{"ok":{"page":"[]","sessions":0,"records":0,"problems":[]}}"#;
    let answer = parse(&jobs.resume(1, page, 0.0));
    assert_eq!(answer["need"]["params"]["operation"], "copyCompare");
    let answer = parse(&jobs.resume(1, r#"{"ok":{"same":0,"differences":[]}}"#, 0.0));
    assert_eq!(answer["ok"]["sessions"], 0);
    // The job has ended.
    assert_eq!(code(&parse(&jobs.resume(1, page, 0.0))), "INTERNAL");
}

#[test]
fn a_copy_between_stores_with_the_same_identity_is_refused() {
    let jobs = Jobs::default();
    start(&jobs, "copy", "{}");
    jobs.resume(1, r#"{"ok":"sqlite:/a.db"}"#, 0.0);
    let answer = parse(&jobs.resume(1, r#"{"ok":"sqlite:/a.db"}"#, 0.0));
    assert_eq!(answer["error"]["details"]["what"], "to");
    for (from, to) in [
        ("sqlite:a.db", "sqlite:./a.db"),
        ("file:././a", "file:a"),
        ("file:.//a", "file:a"),
    ] {
        let params = json!({"from": from, "to": to}).to_string();
        let answer = start(&jobs, "copy", &params);
        assert_eq!(code(&answer), "INVALID_ARGUMENT", "{from} {to}");
    }
    for (from, to) in [
        ("memory:", "memory:"),
        ("sqlite:a", "file:a"),
        ("sqlite:/a", "sqlite:a"),
    ] {
        let params = json!({"from": from, "to": to}).to_string();
        assert_eq!(start(&jobs, "copy", &params)["need"]["method"], "open");
    }
}

#[test]
fn an_error_of_the_host_is_returned_by_its_number() {
    let jobs = Jobs::default();
    start(&jobs, "copy", "{}");
    let error = r#"{"error":{"code":"X","message":"m","number":41}}"#;
    assert_eq!(jobs.resume(1, error, 0.0), r#"{"thrown":41}"#);
}

#[test]
fn unknown_jobs_and_parameters_are_refused() {
    let jobs = Jobs::default();
    for name in ["", "get", "nonsense", "__proto__"] {
        assert_eq!(
            code(&start(&jobs, name, "{}")),
            "UNKNOWN_OPERATION",
            "{name}"
        );
    }
    for job in TABLE.jobs() {
        for params in ["", "[]", "null", "7", r#"{"nonsense":1}"#, "\u{0}"] {
            let answer = start(&jobs, job.signature.name, params);
            assert_eq!(
                code(&answer),
                "INVALID_ARGUMENT",
                "{} {params}",
                job.signature.name
            );
        }
        let sample = serde_json::from_str(job.signature.sample()).unwrap();
        let params = without_exclusive(sample).to_string();
        let answer = start(&jobs, job.signature.name, &params);
        assert!(
            answer["need"].is_object(),
            "{}: {answer}",
            job.signature.name
        );
    }
}

#[test]
fn every_reply_of_a_host_has_a_well_formed_answer() {
    let replies = [
        "",
        "null",
        "7",
        "[]",
        "{}",
        "\u{0}",
        r#"{"ok":7}"#,
        r#"{"ok":[]}"#,
        r#"{"ok":{}}"#,
        r#"{"ok":"\ud800"}"#,
        r#"{"ok":{"page":"x"}}"#,
        r#"{"ok":[{"path":7}]}"#,
        r#"{"error":7}"#,
        r#"{"error":{}}"#,
        r#"{"error":{"code":"X","message":"m","number":-1}}"#,
    ];
    for job in TABLE.jobs() {
        for reply in replies {
            for elapsed in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
                let jobs = Jobs::default();
                start(&jobs, job.signature.name, job.signature.sample());
                for _ in 0..20 {
                    let answer = parse(&jobs.resume(1, reply, elapsed));
                    let parts = answer.as_object().unwrap();
                    assert_eq!(parts.len(), 1, "{} {reply}: {answer}", job.signature.name);
                    let known = ["need", "ok", "error", "thrown"];
                    assert!(known.iter().any(|part| parts.contains_key(*part)));
                    if !parts.contains_key("need") {
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn a_cancelled_job_is_unknown_and_its_number_is_not_reused() {
    let jobs = Jobs::default();
    start(&jobs, "copy", "{}");
    jobs.cancel(1);
    jobs.cancel(1);
    jobs.cancel(7);
    assert_eq!(
        code(&parse(&jobs.resume(1, r#"{"ok":null}"#, 0.0))),
        "INTERNAL"
    );
    assert_eq!(start(&jobs, "copy", "{}")["need"]["operation"], 2);
}
