//! Attacks on the resources of a server: too much, too slow and too many.

use std::time::Duration;

use tenure_server::ServerLimits;

use crate::support::{Connection, Events, Running, eventually, head, json, limited};

/// A time that passes soon in a test, and is enough for a request on a busy machine.
const SOON: Duration = Duration::from_secs(1);

fn still_serves(running: &Running) {
    assert_eq!(running.call("list", "{}").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_received() {
    let running = Running::with(limited(ServerLimits {
        body_bytes: 1000,
        ..ServerLimits::default()
    }));
    // Its bytes are never sent.
    let announced = head("POST", "/v1/list", &running.host(), &json(), 1001);
    let reply = running.raw(announced);
    assert_eq!(reply.failure(), (400, "TOO_LARGE".to_owned()));
    let details = &reply.json()["error"]["details"];
    assert_eq!(
        (&details["actual"], &details["limit"]),
        (&1001.into(), &1000.into())
    );
    let chunked = head("POST", "/v1/list", &running.host(), &json(), 0)
        .replace("content-length: 0", "transfer-encoding: chunked");
    let part = format!("{:x}\r\n{}\r\n", 600, " ".repeat(600));
    let reply = running.raw(chunked + &part + &part);
    assert_eq!(reply.failure(), (400, "TOO_LARGE".to_owned()));
    let params = format!("{{{}}}", " ".repeat(998));
    assert_eq!(running.call("list", &params).status, 200);
}

#[test]
fn an_input_is_bounded_as_on_every_handle() {
    let running = Running::new();
    let task = "t".repeat(70_000);
    let params = format!(r#"{{"id":"s","task":"{task}","mode":"m"}}"#);
    assert_eq!(
        running.call("start", &params).failure(),
        (400, "TOO_LARGE".to_owned())
    );
}

#[test]
fn a_slow_body_is_refused() {
    let running = Running::with(limited(ServerLimits {
        request_time: SOON,
        ..ServerLimits::default()
    }));
    let mut slow = Connection::to(running.address());
    slow.write(head("POST", "/v1/list", &running.host(), &json(), 10) + "{");
    still_serves(&running);
    assert_eq!(
        slow.reply().unwrap().failure(),
        (400, "INVALID_ARGUMENT".to_owned())
    );
}

#[test]
fn a_slow_head_ends_the_connection() {
    let running = Running::with(limited(ServerLimits {
        head_time: SOON,
        ..ServerLimits::default()
    }));
    let mut slow = Connection::to(running.address());
    slow.write("GET / HTTP/1.1\r\nhost:");
    let mut silent = Connection::to(running.address());
    still_serves(&running);
    assert!(slow.reply().is_none_or(|reply| reply.status == 408));
    assert!(silent.is_closed());
}

#[test]
fn large_heads_are_refused() {
    let running = Running::new();
    let value = "v".repeat(100 << 10);
    let many = "x: y\r\n".repeat(1000);
    let host = running.host();
    for head in [
        format!("GET / HTTP/1.1\r\nhost: {host}\r\nx: {value}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {host}\r\n{many}\r\n"),
        format!("GET /{value} HTTP/1.1\r\nhost: {host}\r\n\r\n"),
    ] {
        let mut connection = Connection::to(running.address());
        connection.write(&head);
        // What was not received may reset the connection before its response arrives.
        let status = connection.reply().map(|reply| reply.status);
        assert!(matches!(status, None | Some(400 | 414 | 431)), "{status:?}");
        still_serves(&running);
    }
}

#[test]
fn a_request_whose_length_is_ambiguous_is_one_request_or_none() {
    let running = Running::new();
    let smuggled = head("POST", "/v1/start", &running.host(), &json(), 0);
    let (_, rest) = smuggled.split_once("content-length: 0\r\n").unwrap();
    for lengths in [
        "content-length: 0\r\ncontent-length: 5\r\n",
        "content-length: +5\r\n",
        "content-length: 5, 6\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
    ] {
        let host = running.host();
        let request = format!("POST /v1/start HTTP/1.1\r\nhost: {host}\r\n{lengths}{rest}");
        let reply = running.raw(request + "0\r\n\r\n" + &smuggled);
        assert_eq!(reply.status, 400, "{lengths}");
    }
    still_serves(&running);
}

#[test]
fn there_are_so_many_connections_and_no_more() {
    let running = Running::with(limited(ServerLimits {
        connections: 2,
        ..ServerLimits::default()
    }));
    let get = head("GET", "/healthz", &running.host(), &[], 0);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::to(running.address());
        connection.write(&get);
        assert_eq!(connection.reply().unwrap().status, 200);
        open.push(connection);
    }
    let mut refused = Connection::to(running.address());
    let reply = refused.reply().unwrap();
    assert_eq!(reply.failure(), (503, "SERVER_BUSY".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("1"));
    open.pop();
    eventually("a connection is free", || {
        let mut connection = Connection::to(running.address());
        connection.write(&get);
        connection.reply().is_some_and(|reply| reply.status == 200)
    });
}

#[test]
fn there_are_so_many_streams_and_no_more() {
    let running = Running::with(limited(ServerLimits {
        streams: 1,
        ..ServerLimits::default()
    }));
    let open = Events::connect(&running, "/v1/watch", &[]);
    let reply = running.get("/v1/watch");
    assert_eq!(reply.failure(), (503, "SERVER_BUSY".to_owned()));
    still_serves(&running);
    drop(open);
    eventually("a stream is free", || {
        let mut connection = Connection::to(running.address());
        let (name, value) = crate::support::bearer();
        connection.write(head(
            "GET",
            "/v1/watch",
            &running.host(),
            &[(name, value)],
            0,
        ));
        connection.head().is_some_and(|reply| reply.status == 200)
    });
}

#[test]
fn bodies_that_are_being_received_are_bounded_together() {
    let running = Running::with(limited(ServerLimits {
        all_bodies_bytes: 4 << 10,
        ..ServerLimits::default()
    }));
    let mut slow = Connection::to(running.address());
    let large = " ".repeat(4 << 10);
    slow.write(
        head(
            "POST",
            "/v1/list",
            &running.host(),
            &json(),
            large.len() + 2,
        ) + &large,
    );
    eventually("there is no room", || {
        running.call("list", "{}").failure() == (503, "SERVER_BUSY".to_owned())
    });
    drop(slow);
    eventually("there is room", || running.call("list", "{}").status == 200);
}

#[test]
fn a_client_that_does_not_receive_its_response_is_disconnected() {
    let running = Running::with(limited(ServerLimits {
        connections: 1,
        stall_time: SOON,
        ..ServerLimits::default()
    }));
    let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(900_000));
    let mut connection = Connection::to(running.address());
    let mut call = |operation: &str, params: &str| {
        let path = format!("/v1/{operation}");
        let request = head("POST", &path, &running.host(), &json(), params.len()) + params;
        connection.write(request);
    };
    call("start", r#"{"id":"s","task":"t","mode":"m"}"#);
    for _ in 0..16 {
        call(
            "addEvent",
            &format!(r#"{{"id":"s","type":"note","data":{data}}}"#),
        );
    }
    call("export", r#"{"id":"s"}"#);
    // The only connection is free again, though its client has neither received nor closed anything.
    eventually("the connection is free", || {
        let mut other = Connection::to(running.address());
        other.write(head("GET", "/healthz", &running.host(), &[], 0));
        other.reply().is_some_and(|reply| reply.status == 200)
    });
    drop(connection);
}
