//! The audit log: the entries of runs, how they are read, and their retention.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{NOON, World, iso, scale};

const DAY: i64 = 86_400_000;

fn admit(world: &World, number: &str) {
    let run = json!({
        "eventType": "push", "workflow": "Bot", "commitSha": "abc12345def", "runId": number
    });
    world.ok("dedupAdmit", run);
}

fn audit(world: &World, number: &str, executed: bool) -> Value {
    let run = json!({
        "key": "bot-push-abc12345", "eventType": "push", "workflow": "Bot",
        "commitSha": "abc12345def", "runId": number, "executed": executed,
        "jobStatus": "success"
    });
    world.ok("dedupAudit", run)
}

fn log(world: &World, params: Value) -> Vec<Value> {
    world.ok("auditLog", params)["items"]
        .as_array()
        .unwrap()
        .clone()
}

/// The entries of all pages.
fn pages(world: &World, mut params: Value) -> Vec<Value> {
    let mut entries = Vec::new();
    loop {
        let page = world.ok("auditLog", params.clone());
        entries.extend(page["items"].as_array().unwrap().clone());
        match page.get("nextCursor") {
            Some(next) => params["cursor"] = next.clone(),
            None => return entries,
        }
    }
}

#[test]
fn every_decision_about_a_run_has_an_audit_entry() {
    let world = World::default();
    admit(&world, "1");
    world.pass(1000);
    admit(&world, "2");
    let entries = log(&world, json!({"kind": "dedup.decision"}));
    let summary = |entry: &Value| {
        let data = &entry["data"];
        (
            data["run_id"].clone(),
            data["skip"].clone(),
            data["reason"].clone(),
        )
    };
    assert_eq!(
        entries.iter().map(summary).collect::<Vec<_>>(),
        [
            (json!("1"), json!(false), json!("new_session")),
            (json!("2"), json!(true), json!("active_session")),
        ]
    );
    assert_eq!(entries[0]["subject"], "bot-push-abc12345");
    assert_eq!(entries[1]["at"], iso(NOON + 1000));
}

#[test]
fn a_day_is_printed_with_nine_fields_for_each_run() {
    let world = World::default();
    admit(&world, "1");
    audit(&world, "1", true);
    world.pass(1);
    audit(&world, "2", false);
    let day = world.ok("auditDay", json!({}));
    assert_eq!(day["file"], "session_audit_20260108.json");
    let run = |number: &str, time: &str, executed: bool| {
        json!({
            "session_key": "bot-push-abc12345", "timestamp": time, "event_type": "push",
            "workflow": "Bot", "run_id": number, "commit_sha": "abc12345",
            "executed": executed, "job_status": "success", "duplicate_prevented": !executed
        })
    };
    let runs = json!([
        run("1", "2026-01-08T18:05:30.000000Z", true),
        run("2", "2026-01-08T18:05:30.001000Z", false),
    ]);
    assert_eq!(day["items"], runs);
    let text = serde_json::to_string(&runs).unwrap();
    // The printed day can be imported without changes.
    let other = World::default();
    let path = "/m/audit/session_audit_20260108.json";
    let file = json!({"path": path, "text": text});
    assert_eq!(other.ok("importFile", file)["written"], 2);
    assert_eq!(other.ok("auditDay", json!({}))["items"], runs);
    let entries = log(
        &other,
        json!({"kind": "dedup", "subject": "bot-push-abc12345"}),
    );
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["kind"], "dedup.run");
}

#[test]
fn a_day_begins_and_ends_at_midnight_in_utc() {
    let world = World::default();
    let midnight = NOON - NOON.rem_euclid(DAY);
    for at in [midnight - 1, midnight, midnight + DAY - 1, midnight + DAY] {
        world.pass(at - world.now());
        audit(&world, &at.to_string(), true);
    }
    let numbers = |date: &str| {
        let day = world.ok("auditDay", json!({"date": date}));
        let items = day["items"].as_array().unwrap().clone();
        let number = |item: &Value| item["run_id"].as_str().unwrap().parse::<i64>().unwrap();
        items.iter().map(number).collect::<Vec<_>>()
    };
    assert_eq!(numbers("2026-01-08"), [midnight, midnight + DAY - 1]);
    assert_eq!(numbers("20260107"), [midnight - 1]);
    assert_eq!(numbers("2026-01-09"), [midnight + DAY]);
    assert_eq!(numbers("9999-12-31"), [0; 0]);
    for date in [
        "",
        "today",
        "2026-1-8",
        "2026-13-01",
        "2026-01-0",
        "202601-08",
        "٢٠٢٦٠١٠٨",
        "2026-01-08T00:00:00Z",
    ] {
        let error = world.error("auditDay", json!({"date": date}));
        assert!(error.to_string().starts_with("date: "), "{error}");
    }
}

#[test]
fn the_log_is_filtered_by_time_kind_and_subject_and_read_in_pages() {
    let world = World::default();
    for number in 0..25 {
        admit(&world, &number.to_string());
        audit(&world, &number.to_string(), number == 0);
        world.pass(1000);
    }
    let agent = json!({"agentName": "a", "purpose": "p", "id": "agent-1"});
    world.ok("agentCreate", agent);
    world.ok(
        "agentFinalize",
        json!({"id": "agent-1", "outcome": "completed"}),
    );
    let all = log(&world, json!({"limit": 1000}));
    assert_eq!(all.len(), 51);
    for limit in [1, 7, 51] {
        assert_eq!(pages(&world, json!({"limit": limit})), all, "{limit}");
    }
    let count = |params: Value| log(&world, params).len();
    assert_eq!(count(json!({"kind": "dedup.run"})), 25);
    assert_eq!(count(json!({"kind": "dedup"})), 50);
    assert_eq!(count(json!({"kind": "ded"})), 0);
    assert_eq!(count(json!({"subject": "agent-1"})), 1);
    assert_eq!(count(json!({"kind": "agent.finalization"})), 1);
    let (from, to) = (iso(NOON + 3000), iso(NOON + 5000));
    assert_eq!(count(json!({"after": from, "before": to})), 4);
    assert_eq!(count(json!({"after": to, "before": from})), 0);
}

#[test]
fn entries_that_have_reached_an_age_are_purged_from_the_log() {
    let world = World::default();
    for number in 0..1003 {
        audit(&world, &number.to_string(), true);
    }
    world.pass(1);
    audit(&world, "last", true);
    world.pass(999);
    let purge = |age: i64, dry_run: bool| {
        world.ok("auditPurge", json!({"olderThan": age, "dryRun": dry_run}))["removed"].clone()
    };
    assert_eq!(purge(1001, false), 0);
    assert_eq!(purge(1000, true), 1003);
    assert_eq!(purge(1000, false), 1003);
    assert_eq!(purge(1000, false), 0);
    assert_eq!(log(&world, json!({})).len(), 1);
}

#[test]
fn a_cursor_must_be_one_of_a_page() {
    let world = World::default();
    for cursor in ["", "2", "today/1"] {
        for order in ["asc", "desc"] {
            let error = world.error("auditLog", json!({"order": order, "cursor": cursor}));
            assert!(error.to_string().starts_with("cursor: "), "{error}");
        }
        let error = world.error("auditDay", json!({"cursor": cursor}));
        assert!(error.to_string().starts_with("cursor: "), "{error}");
    }
}

/// How many entries are made at a time, and how long after those before, in milliseconds.
fn entries() -> impl Strategy<Value = Vec<(usize, i64)>> {
    let count = prop_oneof![8 => 1..6usize, 2 => 100..300usize, 1 => 900..1200usize];
    let gap = prop_oneof![
        3 => 0..3i64,
        2 => Just(3_600_000),
        1 => Just(DAY),
        1 => Just(40 * DAY),
        1 => Just(9000 * DAY),
    ];
    prop::collection::vec((count, gap), 1..6)
}

/// Some time near one of the entries; `None` for no bound.
fn bound() -> impl Strategy<Value = Option<(prop::sample::Index, i64)>> {
    prop::option::weighted(0.4, (any::<prop::sample::Index>(), -2..3i64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases((scale() * 100.0) as u32))]

    #[test]
    fn the_newest_entries_first_are_the_oldest_first_in_reverse(
        made in entries(),
        now in -5..2i64,
        limit in prop_oneof![1 => 1..40u32, 2 => 200..=1000u32],
        (after, before) in (bound(), bound()),
        kind in prop_oneof![Just(None), Just(Some("dedup.run"))],
    ) {
        let world = World::default();
        let mut times = Vec::new();
        for (number, (count, gap)) in made.into_iter().enumerate() {
            world.pass(gap);
            times.push(world.now());
            for at in 0..count {
                let number = format!("{number}.{at}");
                match at % 3 {
                    0 => admit(&world, &number),
                    _ => drop(audit(&world, &number, true)),
                }
            }
        }
        // The clock of another process may have been ahead.
        world.pass(now * DAY);
        let mut params = json!({"limit": limit, "kind": kind});
        for (name, bound) in [("after", after), ("before", before)] {
            if let Some((at, by)) = bound {
                params[name] = json!(at.get(&times) + by);
            }
        }
        let mut expected = pages(&world, params.clone());
        expected.reverse();
        params["order"] = json!("desc");
        prop_assert_eq!(pages(&world, params), expected);
    }
}

#[test]
fn a_millisecond_with_more_entries_than_one_call_reads_is_read_from_its_end() {
    let world = World::default();
    admit(&world, "before");
    world.pass(1);
    for number in 0..12_500 {
        match number % 100 {
            0 => admit(&world, &number.to_string()),
            _ => drop(audit(&world, &number.to_string(), true)),
        }
    }
    let mut expected = pages(&world, json!({"kind": "dedup.decision"}));
    expected.reverse();
    assert_eq!(expected.len(), 126);
    assert_eq!(
        pages(&world, json!({"kind": "dedup.decision", "order": "desc"})),
        expected
    );
}

#[test]
fn runs_and_prevented_duplicates_are_counted_on_each_day() {
    let world = World::default();
    audit(&world, "1", true);
    world.pass(DAY);
    audit(&world, "2", false);
    audit(&world, "3", true);
    // A decision is no run that has ended.
    admit(&world, "4");
    world.pass(2 * DAY);
    audit(&world, "5", false);
    let day = |date: &str, runs: u64, prevented: u64| json!({"date": date, "runs": runs, "duplicatesPrevented": prevented});
    let week = world.ok("dedupStats", json!({}));
    assert_eq!(
        (&week["runs"], &week["duplicatesPrevented"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(
        week["days"],
        json!([
            day("2026-01-05", 0, 0),
            day("2026-01-06", 0, 0),
            day("2026-01-07", 0, 0),
            day("2026-01-08", 1, 0),
            day("2026-01-09", 2, 1),
            day("2026-01-10", 0, 0),
            day("2026-01-11", 1, 1),
        ])
    );
    let first = world.ok(
        "dedupStats",
        json!({"from": "20260108", "to": "2026-01-09"}),
    );
    assert_eq!(
        first["days"],
        json!([day("2026-01-08", 1, 0), day("2026-01-09", 2, 1)])
    );
    assert_eq!(
        (&first["runs"], &first["duplicatesPrevented"]),
        (&json!(3), &json!(1))
    );
    let year = world.ok("dedupStats", json!({"from": "2025-01-11"}));
    assert_eq!(
        (year["days"].as_array().unwrap().len(), &year["runs"]),
        (366, &json!(4))
    );
    for params in [
        json!({"from": "2025-01-10"}),
        json!({"from": "2026-01-12"}),
        json!({"from": "January"}),
        json!({"to": "2026-02-30"}),
    ] {
        assert_eq!(world.code("dedupStats", params), "INVALID_ARGUMENT");
    }
    let end = world.ok(
        "dedupStats",
        json!({"from": "9999-12-31", "to": "9999-12-31"}),
    );
    assert_eq!(end["days"], json!([day("9999-12-31", 0, 0)]));
}
