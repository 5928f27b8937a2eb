//! Deliveries to real servers over HTTP: what they answer, what they do not, and what a host refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenure_apps::webhooks::job::WebhookDeliverParams;
use tenure_bridge::Options;
use tenure_core::work::job::{EndedPost, Header, Post, Posting};
use tenure_host::{Delivering, Local, Poster, now};

/// The timeout of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(30);

/// A request that was received.
#[derive(Debug, Clone)]
struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A server that answers every request by a function, given the number of the request.
struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    fn start(answer: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (own, answer) = (Arc::clone(&received), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, answer) = (Arc::clone(&own), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    if let Some(request) = read_request(&stream) {
                        let number = {
                            let mut all = own.lock().unwrap();
                            all.push(request);
                            all.len()
                        };
                        answer(number, &mut stream);
                    }
                });
            }
        });
        Self { address, received }
    }

    /// One that answers with this text.
    fn answering(text: &'static str) -> Self {
        Self::start(move |_, stream| {
            let _ = stream.write_all(text.as_bytes());
        })
    }

    fn url(&self) -> String {
        format!("http://{}/hooks?key=hidden", self.address)
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn wait_for(&self, count: usize) -> Vec<Received> {
        let began = Instant::now();
        while self.received.lock().unwrap().len() < count {
            assert!(began.elapsed() < LIMIT, "{:?}", self.received());
            thread::sleep(Duration::from_millis(5));
        }
        self.received()
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut received = Received {
        head,
        body: String::new(),
    };
    let length = received.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    received.body = String::from_utf8(body).ok()?;
    Some(received)
}

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn post(url: &str) -> Post {
    Post {
        number: 1,
        url: url.into(),
        headers: vec![Header {
            name: "webhook-id".into(),
            value: "msg_1".into(),
        }],
        body: "{\"a\":\"ü\"}".into(),
        timeout_ms: 5000,
        allow_private: true,
    }
}

/// Posts once, and waits for the end.
fn ended(post: Post) -> EndedPost {
    let mut poster = Poster::new().unwrap();
    let posting = Posting {
        start: vec![post],
        wait_ms: 60_000,
    };
    poster.perform(posting).posts.remove(0)
}

#[test]
fn a_post_has_the_headers_and_the_text_that_were_given() {
    let receiver = Receiver::answering(DONE);
    assert_eq!(ended(post(&receiver.url())).status, Some(204));
    let received = receiver.received().remove(0);
    assert!(
        received
            .head
            .starts_with("POST /hooks?key=hidden HTTP/1.1\r\n"),
        "{received:?}"
    );
    assert_eq!(
        received.header("host"),
        Some(&*receiver.address.to_string())
    );
    assert_eq!(received.header("webhook-id"), Some("msg_1"));
    assert_eq!(received.body, "{\"a\":\"ü\"}");
}

#[test]
fn a_redirect_is_an_answer_that_is_not_followed() {
    let elsewhere = Receiver::answering(DONE);
    let location = elsewhere.url();
    let receiver = Receiver::start(move |_, stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 307 x\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        );
    });
    assert_eq!(ended(post(&receiver.url())).status, Some(307));
    assert!(elsewhere.received().is_empty());
}

#[test]
fn the_body_of_an_answer_is_not_read() {
    let receiver = Receiver::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        // It never ends, until the client closes the connection.
        while stream.write_all(b"4000\r\n").is_ok()
            && stream.write_all(&[b'x'; 0x4000]).is_ok()
            && stream.write_all(b"\r\n").is_ok()
        {}
    });
    assert_eq!(ended(post(&receiver.url())).status, Some(200));
}

#[test]
fn the_beginning_of_an_answer_that_is_no_delivery_is_passed_on() {
    let receiver = Receiver::answering("HTTP/1.1 500 x\r\ncontent-length: 11\r\n\r\nout of disk");
    assert_eq!(
        ended(post(&receiver.url())).answer,
        Some("out of disk".into())
    );
    // A body that does not end, or not soon, does not hold up the post.
    for endless in [true, false] {
        let receiver = Receiver::start(move |_, stream| {
            let head = b"HTTP/1.1 503 x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n";
            let _ = stream.write_all(head);
            let part = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
            while endless && stream.write_all(part.as_bytes()).is_ok() {}
            let _ = stream.read(&mut [0]);
        });
        let ended = ended(post(&receiver.url()));
        assert_eq!(ended.status, Some(503));
        let answer = ended.answer.unwrap();
        assert!(answer.as_str().starts_with("begin"), "{answer}");
        assert!(answer.as_str().len() <= 4096, "{}", answer.as_str().len());
    }
}

#[test]
fn a_head_that_never_ends_is_no_answer() {
    let receiver = Receiver::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"a: b\r\n").is_ok() {}
    });
    let ended = ended(post(&receiver.url()));
    assert_eq!(ended.status, None);
    assert!(ended.problem.is_some());
}

#[test]
fn a_receiver_that_does_not_answer_ends_the_post_after_its_timeout() {
    let receiver = Receiver::start(|_, stream| {
        let _ = stream.read(&mut [0]);
    });
    let post = Post {
        timeout_ms: 100,
        ..post(&receiver.url())
    };
    assert_eq!(ended(post).problem, Some("no answer within 100 ms".into()));
}

#[test]
fn a_receiver_that_dies_after_it_has_received_has_not_answered() {
    let receiver = Receiver::start(|_, _| {});
    let ended = ended(post(&receiver.url()));
    assert_eq!((ended.status, receiver.received().len()), (None, 1));
}

#[test]
fn retry_after_is_passed_on() {
    let receiver = Receiver::answering("HTTP/1.1 429 x\r\nretry-after: 120\r\n\r\n");
    assert_eq!(ended(post(&receiver.url())).retry_after, Some("120".into()));
}

#[test]
fn private_addresses_are_refused_whatever_name_leads_to_them() {
    let receiver = Receiver::answering(DONE);
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0x7f.1",
        "2130706433",
    ] {
        let post = Post {
            allow_private: false,
            ..post(&format!("http://{host}:{port}/"))
        };
        let ended = ended(post);
        assert_eq!(ended.status, None, "{host}");
    }
    assert!(receiver.received().is_empty());
}

#[test]
fn a_problem_shows_no_query() {
    for url in [
        "http://127.0.0.1:1/?key=hidden",
        "https://127.0.0.1:1/?key=hidden",
        "http://no.invalid/?key=hidden",
    ] {
        let problem = ended(post(url)).problem.unwrap();
        assert!(!problem.as_str().contains("hidden"), "{problem}");
    }
}

fn store(folder: &tempfile::TempDir) -> Local {
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    Local::open(&url, &Options::default()).unwrap()
}

fn perform(store: &Local, name: &str, params: Value) -> Value {
    let answer = store.perform(name, &params.to_string(), now().as_millis() as f64);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer.get("error").is_none(), "{name}: {answer}");
    answer["ok"].clone()
}

#[test]
fn several_deliverers_over_one_store_post_each_delivery_once() {
    const SESSIONS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::answering(DONE);
    let setup = store(&folder);
    perform(
        &setup,
        "webhookAdd",
        json!({"id": "bot", "url": receiver.url()}),
    );
    for number in 0..SESSIONS {
        let id = format!("s{number}");
        perform(&setup, "start", json!({"id": id, "task": "t", "mode": "m"}));
        perform(&setup, "complete", json!({"id": id}));
    }
    let params = WebhookDeliverParams {
        allow_private: Some(true),
        poll_ms: Some(20),
        ..WebhookDeliverParams::default()
    };
    let deliverers: Vec<Delivering> = (0..4)
        .map(|_| {
            let (executor, limits) = store(&folder).into_executor();
            Delivering::start(Arc::new(executor), limits, params.clone(), |_| {}).unwrap()
        })
        .collect();
    let received = receiver.wait_for(2 * SESSIONS);
    for deliverer in deliverers {
        deliverer.stop();
    }
    let mut ids: Vec<_> = received
        .iter()
        .map(|one| one.header("webhook-id").unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(
        (ids.len(), receiver.received().len()),
        (2 * SESSIONS, 2 * SESSIONS)
    );
    let list = perform(&setup, "webhookList", json!({}));
    assert_eq!(list["items"][0]["nextAttemptAt"], json!(null));
}

#[test]
fn a_delivery_in_the_background_is_woken_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::answering(DONE);
    let setup = store(&folder);
    perform(
        &setup,
        "webhookAdd",
        json!({"id": "bot", "url": receiver.url()}),
    );
    let (executor, limits) = store(&folder).into_executor();
    let params = WebhookDeliverParams {
        allow_private: Some(true),
        poll_ms: Some(3_600_000),
        ..WebhookDeliverParams::default()
    };
    let executor = Arc::new(executor);
    let delivering = Delivering::start(Arc::clone(&executor), limits, params, |_| {}).unwrap();
    perform(&setup, "start", json!({"task": "t", "mode": "m"}));
    // It may have looked before the session was started.
    delivering.wake();
    receiver.wait_for(1);
    let began = Instant::now();
    while delivering.delivered().delivered == 0 {
        assert!(began.elapsed() < LIMIT);
        delivering.wake();
        thread::sleep(Duration::from_millis(5));
    }
    delivering.stop();
    let counts = executor.own().counts;
    let attempts: Vec<_> = counts.counters["webhookAttempts"].iter().collect();
    assert_eq!(attempts, [(&"delivered".to_owned(), &1)]);
}
