//! With `--json` a reading command prints the reply of its operation, byte for byte.

use crate::common::{NOW, Place};
use tenure_core::Timestamp;

/// Generates sessions from a fixed seed.
fn fill(place: &Place, random: &mut fastrand::Rng, count: usize) -> Vec<String> {
    let store = place.store();
    let mut ids = Vec::new();
    for number in 0..count {
        let id = format!("s{number}");
        let texts = [
            "plain",
            "ünï \\u202e",
            "quote \\\" and \\n line",
            "日本語 \\ud83d",
        ];
        let task = texts[random.usize(..texts.len())];
        let contexts = [
            "{}",
            r#"{"n":1e400,"deep":[[[]]]}"#,
            r#"{ "notices":[ 1 ], "a":"b" }"#,
        ];
        let context = contexts[random.usize(..contexts.len())];
        let (mode, now) = (random.u8(..3), f64::from(random.u32(..)));
        let start = format!(
            r#"{{"id":"{id}","task":"{task}","mode":"m{mode}","context":{context},"maxIterations":3}}"#
        );
        store.perform("start", &start, now);
        for _ in 0..random.u8(..6) {
            let operation = ["incrementIteration", "pause", "resume", "complete", "trash"];
            let operation = operation[random.usize(..operation.len())];
            store.perform(operation, &format!(r#"{{"id":"{id}"}}"#), now + 1000.0);
        }
        ids.push(id);
    }
    ids
}

#[test]
fn json_is_the_reply_of_the_operation() {
    let mut random = fastrand::Rng::with_seed(20260108);
    let place = Place::new();
    let ids = fill(&place, &mut random, 40);
    let now = Timestamp::parse(NOW).unwrap().as_millis() as f64;
    let check = |args: &[&str], operation: &str, params: &str| {
        let answer = place.store().perform(operation, params, now);
        let expected = answer
            .strip_prefix(r#"{"ok":"#)
            .and_then(|rest| rest.strip_suffix('}'));
        let printed = place.run(&[args, &["--json"]].concat()).out;
        assert_eq!(Some(printed.trim_end_matches('\n')), expected, "{args:?}");
    };
    for id in ids.iter().map(String::as_str).chain(["nobody"]) {
        check(
            &["show", id],
            "get",
            &format!(r#"{{"id":"{id}","history":10}}"#),
        );
    }
    for id in &ids {
        let (after, limit) = (random.u8(..4).to_string(), random.u8(1..9).to_string());
        check(
            &["events", id, "--after", &after, "-n", &limit],
            "events",
            &format!(r#"{{"id":"{id}","after":{after},"limit":{limit}}}"#),
        );
        check(&["export", id], "export", &format!(r#"{{"id":"{id}"}}"#));
    }
    check(&["list"], "list", "{}");
    check(
        &["list", "--trash", "include", "-n", "7"],
        "list",
        r#"{"trash":"include","limit":7}"#,
    );
    check(
        &[
            "list",
            "--status",
            "active,timeout",
            "--mode",
            "m1",
            "--by",
            "updated",
            "--reverse",
        ],
        "list",
        r#"{"status":["active","timeout"],"mode":"m1","orderBy":"updatedAt","direction":"asc"}"#,
    );
    check(&["stats", "--mode", "m2"], "stats", r#"{"mode":"m2"}"#);
    check(&["stats", "--users", "1"], "stats", r#"{"users":1}"#);
    check(&["stats", "--distribution"], "distribution", "{}");
    check(
        &["stats", "--by", "mode", "--groups", "1", "--mode", "m2"],
        "distribution",
        r#"{"by":"mode","groups":1,"mode":"m2"}"#,
    );
    check(
        &[
            "cleanup",
            "--max-age",
            "1d",
            "--dry-run",
            "--status",
            "active",
        ],
        "cleanup",
        r#"{"maxAge":"1d","dryRun":true,"status":["active"]}"#,
    );
}

#[test]
fn the_pages_of_a_list_contain_every_session_once() {
    let place = Place::new();
    let mut ids = fill(&place, &mut fastrand::Rng::with_seed(7), 25);
    #[derive(serde::Deserialize)]
    struct Page {
        items: Vec<Item>,
        #[serde(rename = "nextCursor")]
        next: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Item {
        id: String,
    }
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut args = vec!["list", "--json", "-n", "4", "--trash", "include"];
        if let Some(cursor) = &cursor {
            args.extend(["--cursor", cursor]);
        }
        let page: Page = serde_json::from_str(&place.run_ok(&args)).unwrap();
        found.extend(page.items.into_iter().map(|item| item.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
}
