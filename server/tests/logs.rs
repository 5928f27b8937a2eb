//! The logs of a server: each unexpected error has a reference, and no secret is logged.

use serde_json::Value;
use tenure_bridge::answer;
use tenure_core::error::Cause;
use tenure_server::log::Format;

use crate::support::{Running, TOKEN, bearer, head, json, options};

/// A server whose store fails for some sessions.
fn failing(format: Format) -> Running {
    Running::interposed(options(), format, |call| {
        if call.params.contains("unavailable") {
            let problem = "the disk is gone".to_owned();
            return Some(answer::error(&Cause::StoreUnavailable { problem }.into()));
        }
        assert!(!call.params.contains("panics"), "a defect");
        None
    })
}

#[test]
fn an_unexpected_error_has_a_reference_that_is_in_the_log() {
    let running = failing(Format::Json);
    for (id, status, code) in [
        ("unavailable", 503, "STORE_UNAVAILABLE"),
        ("panics", 500, "INTERNAL"),
    ] {
        let reply = running.call("get", &format!(r#"{{"id":"{id}"}}"#));
        assert_eq!(reply.failure(), (status, code.to_owned()));
        let reference = reply.json()["error"]["details"]["reference"].clone();
        assert_eq!(reference.as_str().unwrap().len(), 12);
        let lines = running.logged();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found: Vec<Value> = lines
            .filter(|line| line["reference"] == reference)
            .collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["level"], "error");
        assert_eq!(found[0]["operation"], "get");
        assert_eq!(found[0]["code"], code);
    }
    let expected = running.call("get", r#"{"id":"../s"}"#).json();
    assert_eq!(expected["error"]["code"], "INVALID_ID");
    assert_eq!(expected["error"]["details"].get("reference"), None);
}

#[test]
fn every_request_is_a_line() {
    let running = Running::new();
    running.call("list", "{}");
    running.get("/nothing/private");
    let lines = running.logged();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["message"], "listening");
    assert_eq!(
        (&lines[1]["route"], &lines[1]["status"]),
        (&"list".into(), &200.into())
    );
    assert_eq!(
        (&lines[2]["route"], &lines[2]["status"]),
        (&"not found".into(), &404.into())
    );
    assert!(!running.logged().contains("private"));
}

#[test]
fn no_token_no_query_and_no_text_of_a_user_is_logged() {
    for format in [Format::Human, Format::Json] {
        let running = failing(format);
        let cookie = format!("tenure_session_{}={TOKEN}", running.port());
        for (method, path, headers) in [
            ("GET", format!("/?token={TOKEN}"), vec![]),
            ("GET", "/?token=wrong-s3cret".to_owned(), vec![]),
            ("GET", format!("/v1/watch?token={TOKEN}"), vec![bearer()]),
            ("GET", "/v1?q=query-s3cret".to_owned(), vec![bearer()]),
            (
                "GET",
                format!("/{TOKEN}"),
                vec![("cookie", cookie.as_str())],
            ),
            ("POST", format!("/v1/{TOKEN}"), vec![bearer()]),
            (
                "POST",
                "/v1/list".to_owned(),
                vec![("authorization", "Bearer wrong-s3cret")],
            ),
            (
                "S3CRET",
                "/v1/list".to_owned(),
                vec![("cookie", cookie.as_str())],
            ),
        ] {
            running.request(method, &path, &headers, "");
        }
        running.call("start", r#"{"id":"s","task":"task-s3cret","mode":"m"}"#);
        running.call("get", r#"{"id":"unavailable","trash":"s3cret"}"#);
        running.raw(head("GET", "/", "s3cret.example", &json(), 0));
        let logged = running.logged();
        assert!(logged.lines().count() > 10, "{logged}");
        assert!(!logged.to_lowercase().contains("s3cret"), "{logged}");
    }
}
