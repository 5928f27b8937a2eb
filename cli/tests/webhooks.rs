//! `tenure webhooks`, with a receiver over HTTP and a moved clock.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::Place;

/// A receiver that answers with the statuses in their order, and with 204 after them. Returns its URL and
/// the number of requests.
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
            let _ = write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
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
    assert_eq!(first, "0 delivered, 1 to be repeated, 0 failed");
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
    let key = failed.split('\t').next().unwrap();
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
