//! The server of the tests, and a schema of its own for each.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tenure_core::store::{Answer, Begun, Expect};
use tenure_core::table::OPERATIONS;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::work::call::Call;
use tenure_core::work::execution::{Invocation, Timer, done, run_async};
use tenure_core::work::operation::Access;
use tenure_core::work::recalled::run_recalling;
use tenure_core::{Head, History, Json, Millis, NoHost, Result, Store};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{id, time};
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

/// Performs an operation of the core over a store, as a host does, at a time of the caller's.
pub(crate) fn operate<'a>(
    store: &'a dyn Store,
    name: &'a str,
    now: i64,
    params: &'a str,
) -> Answer<'a, Json> {
    let mut operations = OPERATIONS.iter().copied().flatten().copied();
    let operation = operations
        .find(|operation| operation.name() == name)
        .unwrap();
    let call = Call {
        now: time(now),
        entropy: fastrand::u128(..).to_le_bytes().into(),
        fingerprint: Fingerprint::of(name, params),
        host: Arc::new(NoHost),
        limits: Arc::default(),
        isolated: false,
        trace: None,
    };
    Box::pin(async move {
        let invocation = Invocation::new(operation, operation.read(params)?, call);
        let takes_long = invocation.access() == Access::WriteMany;
        let Begun {
            store: of_call,
            memory,
            ..
        } = store.begin(takes_long).await?;
        let store = of_call.as_deref().unwrap_or(store);
        let mut execution = invocation.execution(false);
        let ended = match memory {
            Some(memory) => run_recalling(store, &*memory, &Clock, &mut execution).await,
            None => run_async(store, &Clock, &mut execution).await,
        };
        Ok(done(ended)?.value.to_json())
    })
}

/// The clock of the runtime.
struct Clock;

impl Timer for Clock {
    fn sleep(&self, time: Millis) -> Answer<'_, ()> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(time.0)).await;
            Ok(())
        })
    }
}
