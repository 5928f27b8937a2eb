//! `tenure webhooks`, with a receiver over HTTP and a moved clock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::Place;

/// A receiver that answers with the statuses in their order, and with 204 after them. What is no delivery has a text. Returns its URL
/// and the number of requests.
pub(crate) fn receiver(statuses: &[u16]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let (own, statuses) = (Arc::clone(&count), Mutex::new(statuses.to_vec()));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 16 << 10];
            // These requests are small, and come in one part or two.
            let mut text = String::new();
            while !text.contains("\r\n\r\n{") {
                match stream.read(&mut bytes) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => text.push_str(&String::from_utf8_lossy(&bytes[..length])),
                }
            }
            own.fetch_add(1, Ordering::Relaxed);
            let mut statuses = statuses.lock().unwrap();
            let status = if statuses.is_empty() {
                204
            } else {
                statuses.remove(0)
            };
            let text = match status {
                200..300 => "",
                _ => "\u{1b}[1mnot\r\nnow",
            };
            let length = text.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{text}"
            );
        }
    });
    (url, count)
}

#[test]
fn what_a_command_changes_is_delivered_by_another() {
    let place = Place::with_empty_store();
    let (url, count) = receiver(&[]);
    let added = place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    assert!(added.starts_with("bot\twhsec_"), "{added}");
    let id = place.run_ok(&["start", "task", "--mode", "m"]);
    place.run_ok(&["complete", &id, "done"]);
    let delivered = place.run_ok(&["webhooks", "deliver", "--allow-private"]);
    assert_eq!(delivered, "2 delivered, 0 to be repeated, 0 failed");
    assert_eq!(count.load(Ordering::Relaxed), 2);
    let again = place.run_ok(&["webhooks", "deliver", "--allow-private"]);
    assert_eq!(again, "0 delivered, 0 to be repeated, 0 failed");
}

#[test]
fn a_receiver_that_is_down_gets_everything_later() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[503]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    place.run_ok(&["start", "task", "--mode", "m"]);
    let first = place.run_ok(&["webhooks", "deliver", "--allow-private"]);
    assert_eq!(
        first,
        "0 delivered, 1 to be repeated, 0 failed; bot: the receiver answered 503: [1mnot now"
    );
    let list = place.run_ok(&["webhooks", "list"]);
    let waits = "\t1\tthe receiver answered 503: [1mnot now";
    assert!(list.ends_with(waits), "{list}");
    let later = [
        "webhooks",
        "deliver",
        "--allow-private",
        "--now",
        "2026-01-08T19:05:30Z",
    ];
    assert_eq!(
        place.run_ok(&later),
        "1 delivered, 0 to be repeated, 0 failed"
    );
}

#[test]
fn what_waits_is_attempted_at_once_when_it_is_asked_for() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[503]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    place.run_ok(&["start", "task", "--mode", "m"]);
    place.run_ok(&DELIVER);
    let waiting = ["webhooks", "redeliver", "--endpoint", "bot", "--waiting"];
    assert_eq!(place.run_ok(&waiting), "1 delivery due now");
    assert_eq!(
        place.run_ok(&DELIVER),
        "1 delivered, 0 to be repeated, 0 failed"
    );
    assert_eq!(place.run_ok(&waiting), "0 deliveries due now");
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_until_it_is_enabled() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[410]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    place.run_ok(&["start", "task", "--mode", "m"]);
    let gone = place.run(&["webhooks", "deliver", "--allow-private"]);
    assert_eq!(gone.code, 1);
    let list = place.run_ok(&["webhooks", "list"]);
    assert!(list.contains("it has answered 410 Gone"), "{list}");
    let failed = place.run_ok(&["webhooks", "failed"]);
    assert!(
        failed.ends_with("\tthe receiver answered 410: [1mnot now"),
        "{failed}"
    );
    let key = failed.split('\t').next().unwrap();
    let refused = place.run(&["webhooks", "redeliver", key]);
    let enable = "enable it first, by `tenure webhooks update bot --enable`";
    assert!(
        refused.code == 2 && refused.err.contains(enable),
        "{refused:?}"
    );
    place.run_ok(&["webhooks", "update", "bot", "--enable"]);
    place.run_ok(&["webhooks", "redeliver", key]);
    let delivered = place.run_ok(&["webhooks", "deliver", "--allow-private"]);
    assert_eq!(delivered, "1 delivered, 0 to be repeated, 0 failed");
}

#[test]
fn addresses_of_this_machine_are_refused_unless_they_are_allowed() {
    let place = Place::with_empty_store();
    let (url, count) = receiver(&[]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    let refused = place.run(&["webhooks", "test", "bot"]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("no public address"), "{}", refused.out);
    assert_eq!(count.load(Ordering::Relaxed), 0);
    place.run_ok(&["webhooks", "test", "bot", "--allow-private"]);
}

#[test]
fn no_secret_is_printed_twice() {
    let place = Place::with_empty_store();
    let added = place.run_ok(&[
        "webhooks",
        "add",
        "https://h.example/?token=hidden",
        "--id",
        "bot",
    ]);
    let secret = added.split('\t').nth(1).unwrap();
    for args in [&["webhooks", "list"][..], &["webhooks", "list", "--json"]] {
        let list = place.run_ok(args);
        assert!(!list.contains(secret) && !list.contains("hidden"), "{list}");
    }
}

#[test]
fn an_unknown_endpoint_is_said_and_refused() {
    let place = Place::with_empty_store();
    for args in [
        &["webhooks", "test", "none"][..],
        &["webhooks", "rotate", "none"],
        &["webhooks", "update", "none", "--enable"],
        &["webhooks", "remove", "none"],
        &["webhooks", "list", "none"],
        &["webhooks", "failed", "--endpoint", "none"],
        &["webhooks", "redeliver", "--endpoint", "none"],
        &["webhooks", "deliver", "--endpoint", "none"],
    ] {
        let output = place.run(args);
        assert_eq!(output.code, 1, "{args:?}");
        assert!(
            output.err.contains("there is no endpoint none"),
            "{}",
            output.err
        );
    }
}

/// Two endpoints with a receiver each, the place, and the numbers of requests.
fn with_two_endpoints() -> (Place, [Arc<AtomicUsize>; 2]) {
    let place = Place::with_empty_store();
    let counts = ["p1", "p2"].map(|id| {
        let (url, count) = receiver(&[]);
        place.run_ok(&["webhooks", "add", &url, "--id", id]);
        count
    });
    (place, counts)
}

/// Changes records of the store behind its back.
fn damage(place: &Place, statement: &str) {
    let path = place.folder.path().join("tenure.db");
    let changed = rusqlite::Connection::open(path).unwrap();
    assert!(changed.execute(statement, []).unwrap() > 0, "{statement}");
}

const DELIVER: [&str; 3] = ["webhooks", "deliver", "--allow-private"];

#[test]
fn a_damaged_delivery_is_moved_to_the_failed_ones_and_stops_no_other() {
    let (place, [one, other]) = with_two_endpoints();
    for id in ["a", "b", "c"] {
        place.run_ok(&["start", "t", "--mode", "m", "--id", id]);
    }
    damage(
        &place,
        "UPDATE records SET body = '{}' WHERE kind = 'webhookDelivery' AND key LIKE 'p1/%' AND key NOT LIKE 'p1/c/%'",
    );
    let checked = place.run(&["check"]);
    assert_eq!(checked.code, 1);
    assert_eq!(
        checked.out.matches("webhookDelivery p1/").count(),
        2,
        "{}",
        checked.out
    );
    assert!(checked.out.contains("is invalid"), "{}", checked.out);
    assert_eq!(
        place.run_ok(&DELIVER),
        "4 delivered, 0 to be repeated, 0 failed"
    );
    let failed = place.run_ok(&["webhooks", "failed"]);
    assert_eq!(
        failed.matches("its record is damaged").count(),
        2,
        "{failed}"
    );
    assert_eq!(
        [&one, &other].map(|count| count.load(Ordering::Relaxed)),
        [1, 3]
    );
    // The rest of the lane goes on.
    place.run_ok(&["complete", "a", "done"]);
    assert_eq!(
        place.run_ok(&DELIVER),
        "2 delivered, 0 to be repeated, 0 failed"
    );
    // There is nothing to attempt again.
    place.run_ok(&["webhooks", "redeliver", "--endpoint", "p1"]);
    assert_eq!(place.run_ok(&["webhooks", "failed"]), "");
    assert_eq!(place.run(&["check"]).code, 0);
}

#[test]
fn a_failed_delivery_that_is_damaged_is_listed_and_hides_no_other() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[410]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    place.run_ok(&["start", "t", "--mode", "m", "--id", "a"]);
    assert_eq!(place.run(&DELIVER).code, 1);
    damage(
        &place,
        "UPDATE records SET body = 'x' WHERE kind = 'webhookFailed'",
    );
    let failed = place.run_ok(&["webhooks", "failed", "--json"]);
    assert!(
        failed.contains(r#""endpoint":"bot","session":"a""#),
        "{failed}"
    );
    assert!(failed.contains("its record is damaged"), "{failed}");
    place.run_ok(&["webhooks", "update", "bot", "--enable"]);
    place.run_ok(&["webhooks", "redeliver", "--endpoint", "bot"]);
    assert_eq!(place.run_ok(&["webhooks", "failed"]), "");
}

#[test]
fn a_damaged_endpoint_gets_nothing_and_stops_no_other() {
    let (place, [one, other]) = with_two_endpoints();
    place.run_ok(&["start", "t", "--mode", "m", "--id", "a"]);
    damage(
        &place,
        "UPDATE records SET body = '{}' WHERE kind = 'webhookEndpoint' AND key = 'p1'",
    );
    assert_eq!(
        place.run_ok(&DELIVER),
        "1 delivered, 0 to be repeated, 0 failed"
    );
    let list = place.run_ok(&["webhooks", "list"]);
    let damaged = "p1\t\tits record is damaged; remove it and add it again\t";
    assert!(
        list.starts_with(damaged) && list.contains("\np2\t"),
        "{list}"
    );
    let checked = place.run(&["check"]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.out.contains("webhookEndpoint p1"),
        "{}",
        checked.out
    );
    let refused = place.run(&["webhooks", "update", "p1", "--enable"]);
    assert!(
        refused.err.contains("remove the endpoint and add it again"),
        "{}",
        refused.err
    );
    place.run_ok(&["webhooks", "remove", "p1"]);
    assert_eq!(place.run(&["check"]).code, 0);
    assert_eq!(
        [&one, &other].map(|count| count.load(Ordering::Relaxed)),
        [0, 1]
    );
}

#[test]
fn a_damaged_endpoint_is_replaced() {
    let (place, [one, _]) = with_two_endpoints();
    damage(
        &place,
        "UPDATE records SET body = json_set(body, '$.secrets[0].text', 'x') WHERE kind = 'webhookEndpoint' AND key = 'p1'",
    );
    place.run_ok(&["start", "t", "--mode", "m", "--id", "a"]);
    assert_eq!(
        place.run_ok(&DELIVER),
        "1 delivered, 0 to be repeated, 0 failed"
    );
    let (url, again) = receiver(&[]);
    let added = place.run_ok(&["webhooks", "add", &url, "--id", "p1", "--replace"]);
    assert!(added.starts_with("p1\twhsec_"), "{added}");
    place.run_ok(&DELIVER);
    assert_eq!(
        [&one, &again].map(|count| count.load(Ordering::Relaxed)),
        [0, 1]
    );
}

#[test]
fn damaged_routes_are_made_from_the_endpoints() {
    let (place, counts) = with_two_endpoints();
    for body in ["[]", "{}", r#"{"routes":[]}"#] {
        damage(
            &place,
            &format!("UPDATE records SET body = '{body}' WHERE kind = 'webhookRoutes'"),
        );
        if body == "[]" {
            let refused = place.run(&["start", "t", "--mode", "m"]);
            assert!(
                refused.err.contains("tenure check --repair"),
                "{}",
                refused.err
            );
        }
        let checked = place.run(&["check"]);
        assert_eq!(checked.code, 1, "{body}");
        assert!(
            checked.out.contains("the routes of webhooks"),
            "{}",
            checked.out
        );
        let repaired = place.run_ok(&["check", "--repair"]);
        assert!(repaired.contains("1 problem repaired"), "{repaired}");
        assert_eq!(place.run(&["check"]).code, 0);
        place.run_ok(&["start", "t", "--mode", "m"]);
        place.run_ok(&DELIVER);
    }
    assert_eq!(counts.map(|count| count.load(Ordering::Relaxed)), [3, 3]);
}

#[test]
fn a_deliverer_says_why_the_store_fails() {
    let place = Place::new();
    let folder = place.folder.path().join("sessions");
    let store = format!("file:{}", folder.display());
    let run = |args: &[&str]| place.run_ok(&[args, &["--store", &store]].concat());
    run(&["webhooks", "add", "http://127.0.0.1:9/", "--id", "bot"]);
    for kind in std::fs::read_dir(folder.join(".tenure/records")).unwrap() {
        for entry in std::fs::read_dir(kind.unwrap().path()).unwrap() {
            std::fs::write(entry.unwrap().path(), "damaged").unwrap();
        }
    }
    let mut watching = place
        .command(&["webhooks", "deliver", "--watch", "--store", &store])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let line = line_with(watching.stderr.as_mut().unwrap(), "fails");
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(
        line.contains("the store fails, and is tried again: "),
        "{line}"
    );
    assert!(
        line.contains("it holds records and is not as Tenure wrote it"),
        "{line}"
    );
}

#[test]
fn what_has_no_answer_is_said_with_its_reason() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    place.run_ok(&["start", "t", "--mode", "m"]);
    let refused = place.run(&["webhooks", "deliver"]);
    let reason = "0 delivered, 1 to be repeated, 0 failed; bot: the host has no public address; ";
    assert!(refused.out.starts_with(reason), "{}", refused.out);
    for id in ["b", "c", "d", "e"] {
        place.run_ok(&["webhooks", "add", &url, "--id", id]);
    }
    place.run_ok(&["start", "t", "--mode", "m"]);
    let refused = place.run_ok(&["webhooks", "deliver"]);
    assert!(refused.ends_with("; 2 more endpoints failing"), "{refused}");
}

/// The first line of a stream that has these words.
fn line_with(stream: impl Read, words: &str) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut lines = lines.skip_while(|line| !line.contains(words));
    lines.next().unwrap_or_default()
}

#[test]
fn what_goes_on_delivering_says_why_attempts_fail() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[500; 100]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    for args in [
        &["webhooks", "deliver", "--watch", "--allow-private"][..],
        &["ui", "--port", "0", "--deliver", "--allow-private"],
    ] {
        place.run_ok(&["start", "t", "--mode", "m"]);
        let mut child = place
            .command(args)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = child.stderr.as_mut().unwrap();
        if args.contains(&"--watch") {
            let mut first = [0; 46];
            stderr.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"tenure: delivers what is queued, until Ctrl-C\n");
        }
        let line = line_with(stderr, "has failed");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143), "{args:?}");
        assert!(line.contains("bot"), "{args:?}: {line}");
        let reason = "the receiver answered 500: [1mnot now";
        assert!(line.contains(reason), "{args:?}: {line}");
    }
}

#[test]
fn the_test_of_an_endpoint_says_what_it_has_answered() {
    let place = Place::with_empty_store();
    let (url, _) = receiver(&[500]);
    place.run_ok(&["webhooks", "add", &url, "--id", "bot"]);
    let test = ["webhooks", "test", "bot", "--allow-private"];
    let failed = place.run(&test);
    assert_eq!(failed.code, 1);
    let reason = "the receiver answered 500: [1mnot now (";
    assert!(failed.out.starts_with(reason), "{}", failed.out);
    let done = place.run_ok(&test);
    assert!(done.starts_with("answered 204 ("), "{done}");
}

#[test]
fn the_filters_of_an_endpoint_are_replaced() {
    let place = Place::with_empty_store();
    place.run_ok(&[
        "webhooks",
        "add",
        "http://h.example/",
        "--id",
        "bot",
        "--event",
        "start",
    ]);
    place.run_ok(&[
        "webhooks", "update", "bot", "--event", "complete", "--mode", "m",
    ]);
    let list = place.run_ok(&["webhooks", "list"]);
    assert!(list.ends_with("\tcomplete\tm\t*\t0\t-"), "{list}");
}
