//! Servers of the tests' own: one that crashes and is started again under load, one with encryption, and a
//! pooler.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tenure_core::store::Expect;
use tenure_core::{Commit, History, Result, Store};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{event, head, id, put};

use crate::common::{Schema, block_on, next_head, server_port};
use crate::server::{Server, folder, free_port, give, program};

async fn open(url: &str) -> Result<PostgresStore> {
    PostgresStore::open(&Address::parse(url)?, &PostgresOptions::default()).await
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_crashes_under_load() {
    const WRITERS: usize = 4;
    let server = Server::new();
    server.start();
    let is_over = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU32::new(0));
    let writers: Vec<_> = block_on(async {
        let store = Arc::new(open(&server.url()).await.unwrap());
        let write = |number| {
            let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
            let written = Arc::clone(&written);
            tokio::spawn(async move {
                let name = format!("s{number}");
                store
                    .commit(&put(head(&name), Expect::Absent, Vec::new()))
                    .await
                    .unwrap();
                let (mut acknowledged, mut unknown) = (Vec::new(), Vec::new());
                while !is_over.load(Ordering::Relaxed) {
                    // An outage is shorter than the timeout of a call.
                    let (next, expect) = next_head(&store, &name, History::None).await;
                    let data = format!("{{\"n\":{}}}", acknowledged.len() + unknown.len());
                    let events = vec![event(next.event_count, &data)];
                    match store.commit(&put(next, expect, events)).await {
                        Ok(Commit::Applied) => acknowledged.push(data),
                        Ok(other) => panic!("{other:?}"),
                        Err(error) if error.code() == "OUTCOME_UNKNOWN" => unknown.push(data),
                        Err(error) => panic!("{error}"),
                    }
                    written.fetch_add(1, Ordering::Relaxed);
                }
                let loaded = store.load(&id(&name), History::All).await.unwrap().unwrap();
                let stored: Vec<String> = loaded
                    .events
                    .iter()
                    .map(|event| event.data.as_str().to_owned())
                    .collect();
                let count = |data| stored.iter().filter(|stored| *stored == data).count();
                assert!(
                    acknowledged.iter().all(|data| count(data) == 1),
                    "{acknowledged:?}"
                );
                assert!(unknown.iter().all(|data| count(data) <= 1), "{unknown:?}");
            })
        };
        (0..WRITERS).map(write).collect()
    });
    let wait_for = |count: u32| {
        let until = written.load(Ordering::Relaxed) + count;
        while written.load(Ordering::Relaxed) < until {
            thread::sleep(Duration::from_millis(1));
        }
    };
    for _ in 0..2 {
        wait_for(50);
        server.kill();
        server.start();
    }
    wait_for(50);
    is_over.store(true, Ordering::Relaxed);
    block_on(async {
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

#[test]
fn calls_fail_in_time_while_the_server_is_away_and_go_on_when_it_is_back() {
    let server = Server::new();
    server.start();
    let url = format!("{}?connection_timeout_ms=1500", server.url());
    let store = block_on(open(&url)).unwrap();
    let created = put(head("s"), Expect::Absent, Vec::new());
    assert_eq!(block_on(store.commit(&created)), Ok(Commit::Applied));
    server.kill();
    let error = block_on(store.load(&id("s"), History::None)).unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    let error = block_on(store.commit(&put(head("t"), Expect::Absent, Vec::new()))).unwrap_err();
    assert_eq!(error.code(), "STORE_UNAVAILABLE");
    assert!(
        store.pool_status().failures > 0,
        "{:?}",
        store.pool_status()
    );
    server.start();
    assert!(
        block_on(store.load(&id("s"), History::None))
            .unwrap()
            .is_some()
    );
    assert_eq!(block_on(store.load(&id("t"), History::None)), Ok(None));
}

#[test]
fn connections_are_encrypted_and_certificates_verified() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let mut server = Server::new();
    for name in ["server.crt", "server.key"] {
        let copy = server.folder.path().join(name);
        fs::copy(source.join(name), &copy).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        give(&copy);
    }
    let file = |name: &str| server.folder.path().join(name).display().to_string();
    server.settings = vec![
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.crt")),
        format!("ssl_key_file={}", file("server.key")),
    ];
    server.start();
    let rules = "hostssl all all all trust\n";
    fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
    assert!(server.control(&["reload"]));
    let own = file("server.crt");
    let url = |host: &str, parameters: &str| {
        format!(
            "postgres://postgres@{host}:{}/postgres?{parameters}",
            server.port
        )
    };
    for parameters in ["", "sslmode=require"] {
        block_on(open(&url("127.0.0.1", parameters))).unwrap();
    }
    block_on(open(&url(
        "127.0.0.1",
        &format!("sslmode=verify-ca&sslrootcert={own}"),
    )))
    .unwrap();
    block_on(open(&url(
        "localhost",
        &format!("sslmode=verify-full&sslrootcert={own}"),
    )))
    .unwrap();
    for (refused, why) in [
        (url("127.0.0.1", "sslmode=disable"), "no pg_hba.conf entry"),
        (
            url(
                "127.0.0.1",
                &format!("sslmode=verify-full&sslrootcert={own}"),
            ),
            "not valid for name",
        ),
        (url("localhost", "sslmode=verify-full"), "certificate"),
    ] {
        let error = block_on(open(&refused)).unwrap_err();
        assert_eq!(error.code(), "STORE_UNAVAILABLE");
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// A pooler with two connections to the server, which it gives to transactions.
struct Pooler {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    fn start() -> Self {
        let path = std::env::var("TENURE_TEST_PGBOUNCER").unwrap_or_default();
        assert!(
            !path.is_empty(),
            "PgBouncer is not installed: `apt-get install pgbouncer`"
        );
        let folder = folder();
        let port = free_port();
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 2\n[users]\n",
            server_port()
        )
        .replace("host=127.0.0.1", "host=127.0.0.1 user=postgres");
        fs::write(&settings, text).unwrap();
        give(&settings);
        let child = program(Path::new(&path)).arg(&settings).spawn().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
        Self {
            child,
            port,
            _folder: folder,
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn handles_behind_a_pooler_share_its_connections() {
    let pooler = Pooler::start();
    let schema = Schema::new();
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?schema={}",
        pooler.port, schema.0
    );
    block_on(async {
        let handles = (0..6).map(|_| open(&url));
        let mut stores = Vec::new();
        for handle in handles {
            stores.push(Arc::new(handle.await.unwrap()));
        }
        let writers = stores.iter().enumerate().map(|(number, store)| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let name = format!("s{number}");
                store
                    .commit(&put(head(&name), Expect::Absent, Vec::new()))
                    .await
                    .unwrap();
                for sequence in 1..=20 {
                    let (next, expect) = next_head(&store, &name, History::All).await;
                    assert_eq!(next.event_count, sequence);
                    let events = vec![event(sequence, "{}")];
                    let committed = store.commit(&put(next, expect, events)).await;
                    assert_eq!(committed, Ok(Commit::Applied));
                }
                let loaded = store.load(&id(&name), History::All).await.unwrap().unwrap();
                assert_eq!(loaded.events.len(), 20);
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let query = tenure_core::store::feed::FeedQuery {
            after: Some(0),
            limit: 1000,
        };
        assert_eq!(stores[0].feed(&query).await.unwrap().changes.len(), 6 * 21);
    });
}
