//! Closing a server while it works.

use std::net::TcpStream;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use tenure_server::log::Format;

use crate::support::{Connection, Events, LIMIT, Running, head, json, options};

#[test]
fn closing_ends_the_streams_and_idle_connections() {
    let running = Running::new();
    let mut streams: Vec<Events> = (0..3)
        .map(|_| Events::connect(&running, "/v1/watch", &[]))
        .collect();
    let mut idle = Connection::to(running.address());
    running.server.close();
    for stream in &mut streams {
        while stream.next().is_some() {}
    }
    assert!(idle.is_closed());
    assert!(TcpStream::connect(running.address()).is_err());
    // Closing again does nothing.
    running.server.close();
}

#[test]
fn closing_waits_for_the_operations_that_run() {
    let (began, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (began, released) = (Mutex::new(began), Mutex::new(released));
    let running = Running::interposed(options(), Format::Json, move |call| {
        if call.operation == "start" {
            began.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv_timeout(LIMIT).unwrap();
        }
        None
    });
    let params = r#"{"id":"s","task":"t","mode":"m"}"#;
    let mut connection = Connection::to(running.address());
    connection.write(head("POST", "/v1/start", &running.host(), &json(), params.len()) + params);
    has_begun.recv_timeout(LIMIT).unwrap();
    let (closed, is_closed) = mpsc::channel();
    running.server.ended(move || closed.send(()).unwrap());
    running.server.close_soon();
    assert!(is_closed.try_recv().is_err());
    release.send(()).unwrap();
    assert_eq!(connection.reply().unwrap().status, 200);
    is_closed.recv_timeout(LIMIT).unwrap();
    assert!(connection.is_closed());
}

#[test]
fn a_server_that_is_dropped_releases_its_store() {
    let running = Running::new();
    let stream = Events::connect(&running, "/v1/watch", &[]);
    let (executor, server) = (Arc::downgrade(&running.executor), running.address());
    drop(running);
    crate::support::eventually("the store is released", || executor.strong_count() == 0);
    assert!(TcpStream::connect(server).is_err());
    drop(stream);
}
