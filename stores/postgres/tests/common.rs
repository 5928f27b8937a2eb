//! The server of the tests, and a schema of its own for each.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tenure_core::store::Expect;
use tenure_core::{Head, History, Result, Store};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::id;
use tokio::runtime::Runtime;

/// The runtime of all tests.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// Runs a future on the runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// The URL of the server.
pub(crate) fn server() -> String {
    std::env::var("TENURE_TEST_POSTGRES").expect(
        "TENURE_TEST_POSTGRES is not set; run `node scripts/postgres.mjs cargo test -p tenure-postgres`",
    )
}

/// The port of the server.
pub(crate) fn server_port() -> u16 {
    let config: tokio_postgres::Config = server().parse().unwrap();
    config.get_ports()[0]
}

/// A schema that no other test uses. It is not removed: the server is thrown away.
#[derive(Debug, Clone)]
pub(crate) struct Schema(pub(crate) String);

impl Schema {
    pub(crate) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        Self(format!("t_{}_{number}", std::process::id()))
    }

    pub(crate) fn url(&self) -> String {
        self.url_with("")
    }

    pub(crate) fn url_with(&self, parameters: &str) -> String {
        format!("{}?schema={}{parameters}", server(), self.0)
    }

    pub(crate) fn address(&self) -> Address {
        Address::parse(&self.url()).unwrap()
    }

    pub(crate) async fn open(&self) -> Result<PostgresStore> {
        PostgresStore::open(&self.address(), &PostgresOptions::default()).await
    }
}

/// The head of a session with the version and the number of events that one more event gives it, and what
/// that write expects. It is loaded with this much of its history.
pub(crate) async fn next_head(
    store: &PostgresStore,
    name: &str,
    history: History,
) -> (Head, Expect) {
    let mut next = store.load(&id(name), history).await.unwrap().unwrap().head;
    let expect = Expect::Version {
        version: next.version,
    };
    next.version += 1;
    next.event_count += 1;
    (next, expect)
}

/// A connection of a test's own.
pub(crate) async fn client() -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(&server(), tokio_postgres::NoTls).await;
    let (client, connection) = connected.unwrap();
    tokio::spawn(connection);
    client
}

/// Runs statements as the owner of the database.
pub(crate) async fn execute(sql: &str) {
    client().await.batch_execute(sql).await.unwrap();
}

/// The texts in the first column of a query.
pub(crate) async fn query(sql: &str) -> Vec<String> {
    let rows = client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
