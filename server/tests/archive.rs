//! The archive of a server: how many sessions are in memory at a time, whatever the clients do, and what a request without a body gets.

use std::time::Duration;

use tenure_archive::{Archive, ArchiveOptions};
use tenure_core::Timestamp;
use tenure_core::work::job::ExportedPart;
use tenure_server::{ServerLimits, ServerOptions};

use crate::support::{Connection, Running, bearer, eventually, head, limited};

/// A time that passes soon in a test, and is enough for a request on a busy machine.
const SOON: Duration = Duration::from_secs(1);
/// The number of sessions that a server has in memory.
const AT_A_TIME: usize = 4;
const LARGE: &str = "/v1/archive/large";

/// A server with an archive of a session that is larger than the buffers of a connection, and of a small one.
fn running(limits: ServerLimits) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("file:{}", folder.path().display());
    let options = ArchiveOptions {
        compress: true,
        ..ArchiveOptions::default()
    };
    let archive = Archive::open(&address, options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut batch = archive.batch([1; 8]);
        for (id, text) in [
            ("large", format!(r#"{{"a":"{}"}}"#, "x".repeat(16 << 20))),
            ("small", "{}".to_owned()),
        ] {
            let part = ExportedPart {
                id: id.into(),
                version: 1,
                about: None,
                text: text.into(),
                is_first: true,
                is_last: true,
                is_aborted: false,
            };
            batch.add(part).await.unwrap();
        }
        let now = Timestamp::parse("2026-01-08T03:00:00Z").unwrap();
        assert!(batch.finish(now).await.unwrap().failed.is_empty());
    });
    let options = ServerOptions {
        archive: Some(archive),
        ..limited(limits)
    };
    (Running::with(options), folder)
}

/// A client that has the head of a response, and does not receive the rest.
fn reading(running: &Running, path: &str) -> Connection {
    let mut connection = Connection::to(running.address());
    connection.write(head("GET", path, &running.host(), &[bearer()], 0));
    assert_eq!(connection.head().unwrap().status, 200);
    connection
}

#[test]
fn sessions_that_clients_do_not_receive_are_bounded() {
    let (running, _folder) = running(ServerLimits {
        request_time: SOON,
        ..ServerLimits::default()
    });
    let mut slow: Vec<Connection> = (0..AT_A_TIME).map(|_| reading(&running, LARGE)).collect();
    let busy = (503, "SERVER_BUSY".to_owned());
    assert_eq!(running.get(LARGE).failure(), busy);
    assert_eq!(running.get("/v1/archive/small").failure(), busy);
    // A list has no session in memory.
    assert_eq!(running.get("/v1/archive").status, 200);
    assert_eq!(running.call("list", "{}").status, 200);
    slow.pop();
    eventually("there is room", || {
        running.get("/v1/archive/small").status == 200
    });
    // What is received is complete.
    let reply = running.get(LARGE).json();
    assert_eq!(reply["ok"]["a"].as_str().map(str::len), Some(16 << 20));
}

#[test]
fn a_client_that_does_not_receive_its_session_is_disconnected() {
    let (running, _folder) = running(ServerLimits {
        request_time: SOON,
        stall_time: SOON,
        ..ServerLimits::default()
    });
    let slow: Vec<Connection> = (0..AT_A_TIME).map(|_| reading(&running, LARGE)).collect();
    // Their clients have closed nothing.
    eventually("there is room", || {
        running.get("/v1/archive/small").status == 200
    });
    drop(slow);
}

#[test]
fn what_is_asked_for_wrongly_is_refused() {
    let (running, _folder) = running(ServerLimits::default());
    for (path, code) in [
        ("/v1/archive?id=..%2Fa", "INVALID_ID"),
        ("/v1/archive?limit=1&limit=2", "INVALID_ARGUMENT"),
        ("/v1/archive/small?version=1&version=2", "INVALID_ARGUMENT"),
        ("/v1/archive/..%2Fa", "INVALID_ID"),
        ("/v1/archive?cursor=none", "INVALID_CURSOR"),
    ] {
        let failure = running.get(path).failure();
        assert_eq!(failure, (400, code.to_owned()), "{path}");
    }
}

#[test]
fn head_has_what_get_has_without_a_body() {
    let (running, _folder) = running(ServerLimits::default());
    for path in [
        "/v1/archive",
        "/v1/archive?limit=1",
        "/v1/archive?limit=0",
        "/v1/archive/small",
        "/v1/archive/large",
        "/v1/archive/nobody",
    ] {
        let get = running.get(path);
        let head = running.request("HEAD", path, &[bearer()], "");
        assert_eq!(head.status, get.status, "{path}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    let refused = running.request("HEAD", "/v1/archive/small", &[], "");
    assert_eq!(refused.status, 401);
    let posted = running.request("POST", "/v1/archive", &[bearer()], "");
    assert_eq!(posted.status, 405);
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
}
