//! Acquiring, renewing, transferring and releasing a lease.

use serde_json::{Value, json};

use super::simulated_machine::{Machine, elsewhere, kill, nobody, process};
use crate::support::iso;

/// In milliseconds.
const HOUR: i64 = 60 * 60 * 1000;
const YEAR: i64 = 365 * 24 * HOUR;

fn got(outcome: &str, token: u64) -> (String, Option<u64>) {
    (outcome.to_owned(), Some(token))
}

#[test]
fn a_lease_has_one_holder_until_it_is_released() {
    let machine = Machine::default();
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    let key = json!({"key": "k"});
    assert_eq!(
        machine.outcome(&a, "leaseAcquire", key.clone()),
        got("acquired", 1)
    );
    assert_eq!(
        machine.outcome(&b, "leaseAcquire", key.clone()),
        got("held", 1)
    );
    assert_eq!(
        machine.outcome(&a, "leaseAcquire", key.clone()),
        got("renewed", 1)
    );
    assert_eq!(
        machine.outcome(&b, "leaseRelease", key.clone()),
        got("not_owner", 1)
    );
    let release = json!({"key": "k", "token": 1});
    assert_eq!(
        machine.outcome(&a, "leaseRelease", release.clone()),
        got("released", 1)
    );
    assert_eq!(
        machine.outcome(&a, "leaseRelease", release),
        got("not_held", 1)
    );
    assert_eq!(
        machine.outcome(&b, "leaseAcquire", key.clone()),
        got("acquired", 2)
    );
    let renewal = json!({"key": "k", "token": 1});
    assert_eq!(machine.outcome(&a, "leaseRenew", renewal), got("lost", 2));
    let renewal = json!({"key": "k", "token": 2, "data": {"n": 1}});
    assert_eq!(
        machine.outcome(&b, "leaseRenew", renewal),
        got("renewed", 2)
    );
    let lease = machine.ok(&b, "leaseGet", key);
    assert_eq!(lease["data"], json!({"n": 1}));
    assert_eq!(lease["holder"], "b");
    assert_eq!(lease["process"]["pid"], 2);
    assert_eq!(
        (&lease["state"], &lease["mine"]),
        (&json!("held"), &json!(true))
    );
}

#[test]
fn a_key_that_was_never_held_has_no_lease() {
    let machine = Machine::default();
    let a = process("a", 1, 1);
    assert_eq!(machine.ok(&a, "leaseGet", json!({"key": "k"})), Value::Null);
    for name in ["leaseRenew", "leaseTransfer"] {
        let mut params = json!({"key": "k", "token": 1});
        if name == "leaseTransfer" {
            params["to"] = json!("b");
        }
        assert_eq!(
            machine.ok(&a, name, params),
            json!({"outcome": "lost", "lease": null})
        );
    }
    let release = machine.ok(&a, "leaseRelease", json!({"key": "k"}));
    assert_eq!(release, json!({"outcome": "not_held", "lease": null}));
}

#[test]
fn a_process_holds_a_lease_exactly_while_it_runs() {
    let machine = Machine::default();
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    let key = json!({"key": "k", "leaseDurationMs": 1000});
    machine.ok(&a, "leaseAcquire", key.clone());
    machine.pass(1_000_000);
    assert_eq!(
        machine.outcome(&b, "leaseAcquire", key.clone()),
        got("held", 1)
    );
    machine.pass(-1_000_000);
    kill(&a);
    assert_eq!(
        machine.ok(&b, "leaseGet", json!({"key": "k"}))["state"],
        "stale"
    );
    assert_eq!(machine.outcome(&b, "leaseAcquire", key), got("acquired", 2));
}

#[test]
fn a_reused_pid_is_another_process() {
    let machine = Machine::default();
    let a = process("a", 7, 100);
    machine.ok(&a, "leaseAcquire", json!({"key": "k"}));
    kill(&a);
    let again = process("b", 7, 200);
    assert_eq!(
        machine.outcome(&again, "leaseAcquire", json!({"key": "k"})),
        got("acquired", 2)
    );
    // A process that restarts with the same PID and session is another process, too.
    kill(&again);
    let namesake = process("b", 7, 300);
    assert_eq!(
        machine.outcome(&namesake, "leaseAcquire", json!({"key": "k"})),
        got("acquired", 3)
    );
}

#[test]
fn a_lease_expires_by_the_clock_if_the_liveness_of_its_holder_is_unknown() {
    let machine = Machine::default();
    let a = process("a", 1, 1);
    let far = elsewhere("far");
    let lease = json!({"key": "k", "leaseDurationMs": 1000});
    machine.ok(&far, "leaseAcquire", lease.clone());
    let named = json!({"key": "n", "holder": "worker", "leaseDurationMs": 1000});
    machine.ok(&nobody(), "leaseAcquire", named);
    for key in ["k", "n"] {
        let other = json!({"key": key, "holder": "other"});
        machine.pass(999);
        assert_eq!(
            machine.outcome(&a, "leaseAcquire", other.clone()),
            got("held", 1)
        );
        machine.pass(1);
        assert_eq!(
            machine.ok(&a, "leaseGet", json!({"key": key}))["state"],
            "stale"
        );
        machine.pass(-1000);
    }
    machine.pass(1000);
    // A stale lease belongs to its holder until another caller acquires it.
    assert_eq!(
        machine.outcome(&far, "leaseRenew", json!({"key": "k", "token": 1})),
        got("renewed", 1)
    );
    let other = json!({"key": "n", "holder": "other"});
    assert_eq!(
        machine.outcome(&a, "leaseAcquire", other),
        got("acquired", 2)
    );
    let late = json!({"key": "n", "holder": "worker", "token": 1});
    assert_eq!(
        machine.outcome(&nobody(), "leaseRenew", late),
        got("lost", 2)
    );
}

#[test]
fn a_lease_from_a_clock_that_is_ahead_lasts_for_its_own_duration_from_now() {
    let acquire = |holder: &str| json!({"key": "k", "holder": holder, "leaseDurationMs": 1000});
    let end = |answer: &Value| answer["lease"]["expiresAt"].as_str().unwrap().to_owned();
    for ahead in [1, 30_000, 60_000, 60_001, 10 * YEAR] {
        let machine = Machine::default();
        machine.ok(&nobody(), "leaseAcquire", acquire("a"));
        machine.pass(-ahead);
        let state = || machine.ok(&nobody(), "leaseGet", json!({"key": "k"}))["state"].clone();
        // By more than clocks differ. Less is left to the holder.
        let is_doubtful = ahead > 60_000;
        assert_eq!(state() == "stale", is_doubtful, "{ahead}");
        let refused = machine.ok(&nobody(), "leaseAcquire", acquire("b"));
        assert_eq!(refused["outcome"], "held");
        let left = if is_doubtful { 1000 } else { ahead + 1000 };
        assert_eq!(end(&refused), iso(machine.now() + left));
        machine.pass(left - 1);
        assert_eq!(state(), "held");
        assert_eq!(
            machine.outcome(&nobody(), "leaseAcquire", acquire("b")),
            got("held", 1)
        );
        machine.pass(1);
        assert_eq!(
            machine.outcome(&nobody(), "leaseAcquire", acquire("b")),
            got("acquired", 2)
        );
    }
}

#[test]
fn a_clock_that_is_set_back_a_little_does_not_shorten_a_lease() {
    let machine = Machine::default();
    let acquire = |holder: &str| json!({"key": "k", "holder": holder, "leaseDurationMs": 1000});
    let end = |answer: &Value| answer["lease"]["expiresAt"].as_str().unwrap().to_owned();
    let first = machine.ok(&nobody(), "leaseAcquire", acquire("a"));
    machine.pass(-60_000);
    let again = machine.ok(&nobody(), "leaseAcquire", acquire("a"));
    assert_eq!(again["outcome"], "renewed");
    assert_eq!(end(&again), end(&first), "a renewal shortens nothing");
    let renewal = json!({"key": "k", "holder": "a", "token": 1});
    let again = machine.ok(&nobody(), "leaseRenew", renewal);
    assert_eq!(end(&again), end(&first));
}

#[test]
fn an_acquire_that_was_held_up_does_not_shorten_a_lease() {
    let machine = Machine::default();
    let acquire = |holder: &str| json!({"key": "k", "holder": holder, "leaseDurationMs": 5000});
    machine.pass(9_000);
    machine.ok(&nobody(), "leaseAcquire", acquire("a"));
    // Called seven seconds ago, and held up until now.
    machine.pass(-7_000);
    assert_eq!(
        machine.outcome(&nobody(), "leaseAcquire", acquire("b")),
        got("held", 1)
    );
    // A second after "a" has acquired it for five.
    machine.pass(8_000);
    assert_eq!(
        machine.outcome(&nobody(), "leaseAcquire", acquire("c")),
        got("held", 1)
    );
}

#[test]
fn a_lease_of_a_long_duration_is_held_while_a_clock_is_ahead_by_less() {
    let machine = Machine::default();
    let acquire =
        |holder: &str| json!({"key": "k", "holder": holder, "leaseDurationMs": 43_200_000});
    machine.ok(&nobody(), "leaseAcquire", acquire("a"));
    machine.pass(-11 * HOUR);
    let lease = machine.ok(&nobody(), "leaseGet", json!({"key": "k"}));
    assert_eq!(lease["state"], "held");
    let refused = machine.ok(&nobody(), "leaseAcquire", acquire("b"));
    assert_eq!(refused["outcome"], "held");
    assert_eq!(
        refused["lease"]["expiresAt"],
        iso(machine.now() + 12 * HOUR)
    );
}

#[test]
fn a_renewal_counts_from_now_after_the_clock_was_set_back() {
    let machine = Machine::default();
    let acquire = json!({"key": "k", "holder": "a", "leaseDurationMs": 1000});
    machine.ok(&nobody(), "leaseAcquire", acquire.clone());
    for (operation, params) in [
        ("leaseAcquire", acquire),
        ("leaseRenew", json!({"key": "k", "holder": "a", "token": 1})),
    ] {
        machine.pass(-500_000);
        let renewed = machine.ok(&nobody(), operation, params);
        assert_eq!(renewed["outcome"], "renewed");
        assert_eq!(renewed["lease"]["expiresAt"], iso(machine.now() + 1000));
    }
}

#[test]
fn a_running_process_keeps_its_lease_whatever_the_clock_says() {
    let machine = Machine::default();
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    machine.ok(&a, "leaseAcquire", json!({"key": "k"}));
    for pass in [-10 * YEAR, 20 * YEAR] {
        machine.pass(pass);
        assert_eq!(
            machine.outcome(&b, "leaseAcquire", json!({"key": "k"})),
            got("held", 1)
        );
    }
    kill(&a);
    machine.pass(-20 * YEAR);
    assert_eq!(
        machine.outcome(&b, "leaseAcquire", json!({"key": "k"})),
        got("acquired", 2)
    );
}

#[test]
fn a_holder_may_shorten_its_lease() {
    let machine = Machine::default();
    let acquire = |holder: &str, length: i64| {
        let params = json!({"key": "k", "holder": holder, "leaseDurationMs": length});
        machine.outcome(&nobody(), "leaseAcquire", params)
    };
    assert_eq!(acquire("a", 100_000), got("acquired", 1));
    assert_eq!(acquire("a", 10), got("renewed", 1));
    machine.pass(10);
    assert_eq!(acquire("b", 10), got("acquired", 2));
}

#[test]
fn a_transferred_lease_has_a_new_token() {
    let machine = Machine::default();
    let (a, b, c) = (process("a", 1, 1), process("b", 2, 1), process("c", 3, 1));
    machine.ok(&b, "processRegister", json!({}));
    machine.ok(&a, "leaseAcquire", json!({"key": "k", "data": {"x": 1}}));
    let hand = |token: u64, to: &str| json!({"key": "k", "token": token, "to": to});
    assert_eq!(
        machine.outcome(&a, "leaseTransfer", hand(1, "b")),
        got("transferred", 2)
    );
    assert_eq!(
        machine.outcome(&a, "leaseTransfer", hand(1, "c")),
        got("lost", 2)
    );
    assert_eq!(
        machine.outcome(&a, "leaseRelease", json!({"key": "k"})),
        got("not_owner", 2)
    );
    let lease = machine.ok(&b, "leaseGet", json!({"key": "k"}));
    assert_eq!(
        (&lease["mine"], &lease["data"]["x"]),
        (&json!(true), &json!(1))
    );
    // The new holder is a process: it holds the lease exactly while it runs.
    machine.pass(100_000_000);
    assert_eq!(
        machine.outcome(&c, "leaseAcquire", json!({"key": "k"})),
        got("held", 2)
    );
    kill(&b);
    assert_eq!(
        machine.outcome(&c, "leaseAcquire", json!({"key": "k"})),
        got("acquired", 3)
    );
}

#[test]
fn leases_are_listed_in_pages_by_key() {
    let machine = Machine::default();
    let a = process("a", 1, 1);
    for n in 0..7 {
        machine.ok(&a, "leaseAcquire", json!({"key": format!("p{n}")}));
    }
    for key in ["p", "o", "q"] {
        machine.ok(&a, "leaseAcquire", json!({"key": key}));
    }
    machine.ok(&a, "leaseRelease", json!({"key": "p3"}));
    machine.ok(
        &a,
        "leaseAcquire",
        json!({"key": "p4x", "holder": "h", "leaseDurationMs": 1}),
    );
    machine.pass(1);
    let list = |mut params: Value| {
        let mut keys = Vec::new();
        loop {
            let page = machine.ok(&a, "leaseList", params.clone());
            let items = page["items"].as_array().unwrap();
            keys.extend(
                items
                    .iter()
                    .map(|item| item["key"].as_str().unwrap().to_owned()),
            );
            match page.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => return keys.join(" "),
            }
        }
    };
    for limit in [1, 2, 3, 1000] {
        assert_eq!(
            list(json!({"prefix": "p", "limit": limit})),
            "p p0 p1 p2 p4 p4x p5 p6"
        );
        assert_eq!(list(json!({"limit": limit, "state": "released"})), "p3");
        assert_eq!(list(json!({"limit": limit, "state": "stale"})), "p4x");
        assert_eq!(
            list(json!({"limit": limit, "prefix": "p4", "state": "held"})),
            "p4"
        );
        assert_eq!(list(json!({"limit": limit})), "o p p0 p1 p2 p4 p4x p5 p6 q");
    }
}

#[test]
fn a_cleared_lease_is_free_and_its_tokens_keep_growing() {
    let machine = Machine::default();
    let (a, b) = (process("a", 1, 1), process("b", 2, 1));
    for key in ["k1", "k2", "l"] {
        machine.ok(&a, "leaseAcquire", json!({"key": key}));
    }
    assert_eq!(
        machine.ok(&b, "leaseClear", json!({"prefix": "k"})),
        json!({"released": 2})
    );
    assert_eq!(
        machine.ok(&b, "leaseClear", json!({"prefix": "k"})),
        json!({"released": 0})
    );
    assert_eq!(
        machine.outcome(&a, "leaseRenew", json!({"key": "k1", "token": 1})),
        got("lost", 1)
    );
    assert_eq!(
        machine.outcome(&b, "leaseAcquire", json!({"key": "k1"})),
        got("acquired", 2)
    );
    assert_eq!(
        machine.outcome(&b, "leaseAcquire", json!({"key": "l"})),
        got("held", 1)
    );
    assert_eq!(
        machine.ok(&b, "leaseClear", json!({})),
        json!({"released": 2})
    );
}

#[test]
fn keys_and_names_may_be_any_text_within_the_length_limit() {
    let machine = Machine::default();
    let a = process("a", 1, 1);
    for key in ["\u{1}\n", "é/💥 \"", &"x".repeat(512)] {
        let answer = machine.ok(&a, "leaseAcquire", json!({"key": key}));
        assert_eq!(answer["lease"]["key"], key);
        assert_eq!(
            machine.ok(&a, "leaseGet", json!({"key": key}))["state"],
            "held"
        );
    }
    let long = "x".repeat(513);
    for (name, what, params) in [
        ("leaseAcquire", "key", json!({"key": ""})),
        ("leaseAcquire", "key", json!({"key": long})),
        ("leaseGet", "key", json!({"key": ""})),
        ("leaseAcquire", "holder", json!({"key": "k", "holder": ""})),
        (
            "leaseAcquire",
            "leaseDurationMs",
            json!({"key": "k", "leaseDurationMs": 0}),
        ),
        ("leaseAcquire", "data", json!({"key": "k", "data": [1]})),
        (
            "leaseTransfer",
            "holder",
            json!({"key": "k", "token": 1, "to": long}),
        ),
        ("leaseList", "limit", json!({"limit": 1001})),
        ("leaseList", "state", json!({"state": "free"})),
    ] {
        let error = machine.error(&a, name, params);
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{name} {what}");
        assert!(
            error.to_string().starts_with(what),
            "{name} {what}: {error}"
        );
    }
    let error = machine.error(&nobody(), "leaseAcquire", json!({"key": "k"}));
    assert!(
        error.to_string().starts_with("holder: expected a name"),
        "{error}"
    );
}
