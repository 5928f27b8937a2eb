//! The connections of a handle.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use tenure_core::error::Cause;
use tenure_core::{Error, Result};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::{Client, Config, Socket, Statement};

use crate::backoff::Backoff;
use crate::clock::{ServerClock, TIME};
use crate::failure::{Failure, describe};
use crate::options::Settings;
use crate::tls::{Encrypted, Tls};

/// A setting that only a session of our own has. A pooler either refuses it, or drops it, since it does not know
/// which connection to the server will be used.
const OWN: &str = "tenure.session";
/// How long to wait at least before idle connections are looked for again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// How many statements are prepared on a connection.
const PREPARED: usize = 256;

/// The upper bounds of the buckets in which waits for a connection are counted, in microseconds.
pub const WAIT_BOUNDS_US: [u64; 13] = [
    500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000,
];
/// The number of buckets: the last one is above all bounds.
const WAIT_BUCKETS: usize = WAIT_BOUNDS_US.len() + 1;

/// The state of the connections of a handle, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// The greatest number of connections.
    pub max: u64,
    /// The connections in use.
    pub active: u64,
    /// The connections that are open and not in use.
    pub idle: u64,
    /// The calls that wait for a connection.
    pub waiting: u64,
    /// How many times a call has got a connection.
    pub acquired: u64,
    /// How long these calls have waited in total, in microseconds.
    pub waited_us: u64,
    /// How many of these calls have waited as long as each bucket of [`WAIT_BOUNDS_US`] says.
    pub waits: [u64; WAIT_BUCKETS],
    /// How many times a connection could not be opened, or was not free in time.
    pub failures: u64,
}

/// What drives a connection.
pub(crate) type Driver = tokio_postgres::Connection<Socket, Encrypted<Socket>>;
/// A connection of the pool, which returns to it.
pub(crate) type Pooled = Object<Manager>;

/// The connections of a handle.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: managed::Pool<Manager>,
    connection_timeout: Duration,
    counters: Arc<Counters>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.status()).finish()
    }
}

#[derive(Debug, Default)]
struct Counters {
    acquired: AtomicU64,
    waited_us: AtomicU64,
    waits: [AtomicU64; WAIT_BUCKETS],
    failures: AtomicU64,
}

impl Pool {
    /// A pool without connections. It closes those that are idle, on the runtime that it is made on.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub(crate) fn new(
        config: Config,
        tls: Tls,
        settings: &Settings,
        clock: Arc<ServerClock>,
    ) -> Result<Self> {
        let manager = Manager::new(config, tls, settings, clock);
        let pool = managed::Pool::builder(manager)
            .max_size(settings.pool_max)
            // Those that are not needed become idle.
            .queue_mode(QueueMode::Lifo)
            .build()
            .map_err(|error| Error::internal(error.to_string()))?;
        let (weak, idle) = (pool.weak(), settings.idle_timeout);
        tokio::spawn(async move {
            loop {
                sleep((idle / 2).max(SHORTEST_PAUSE)).await;
                let Some(pool) = weak.upgrade() else {
                    return;
                };
                pool.retain(|_, metrics| metrics.last_used() < idle);
            }
        });
        Ok(Self {
            pool,
            connection_timeout: settings.connection_timeout,
            counters: Arc::default(),
        })
    }

    /// A connection: one that is free, or a new one.
    pub(crate) async fn get(&self, deadline: Instant) -> Result<Pooled, Failure> {
        let began = Instant::now();
        let deadline = deadline.min(began + self.connection_timeout);
        let mut backoff = Backoff::default();
        let mut problem = None;
        loop {
            match timeout_at(deadline, self.pool.get()).await {
                Ok(Ok(connection)) => {
                    let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    self.counters.acquired.fetch_add(1, Ordering::Relaxed);
                    self.counters.waited_us.fetch_add(waited, Ordering::Relaxed);
                    let bucket = WAIT_BOUNDS_US.partition_point(|bound| *bound < waited);
                    if let Some(count) = self.counters.waits.get(bucket) {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    return Ok(connection);
                }
                Ok(Err(PoolError::Backend(failure))) => {
                    self.counters.failures.fetch_add(1, Ordering::Relaxed);
                    match failure {
                        Failure::Away(away) => problem = Some(away),
                        failure => return Err(failure),
                    }
                }
                Ok(Err(PoolError::Closed)) => return Err(Failure::Failed(Cause::Closed.into())),
                Ok(Err(error)) => {
                    return Err(Failure::Failed(Error::internal(format!(
                        "the pool: {error:?}"
                    ))));
                }
                Err(_) => {
                    self.counters.failures.fetch_add(1, Ordering::Relaxed);
                    return Err(Failure::Away(
                        problem.unwrap_or_else(|| self.nothing(began)),
                    ));
                }
            }
            if !backoff.pause(deadline).await {
                return Err(Failure::Away(
                    problem.unwrap_or_else(|| self.nothing(began)),
                ));
            }
        }
    }

    fn nothing(&self, since: Instant) -> String {
        let (ms, PoolStatus { active, max, .. }) = (since.elapsed().as_millis(), self.status());
        format!(
            "no connection was free within {ms} ms, and the server has accepted no new one; {active} of at most {max} are in use"
        )
    }

    /// The settings of new connections.
    pub(crate) fn manager(&self) -> &Manager {
        self.pool.manager()
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let now = self.pool.status();
        let number = |number: usize| number as u64;
        let counter = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let idle = now.available.min(now.size);
        PoolStatus {
            max: number(now.max_size),
            active: number(now.size - idle),
            idle: number(idle),
            waiting: number(now.waiting),
            acquired: counter(&self.counters.acquired),
            waited_us: counter(&self.counters.waited_us),
            waits: self.counters.waits.each_ref().map(counter),
            failures: counter(&self.counters.failures),
        }
    }
}

/// Opens connections.
pub(crate) struct Manager {
    /// For a session of our own.
    own: Config,
    /// For a session that a pooler provides.
    plain: Config,
    tls: Tls,
    /// Whether there is a pooler.
    is_pooled: AtomicBool,
    /// Whether statements may be prepared.
    prepares: AtomicBool,
    clock: Arc<ServerClock>,
}

impl Manager {
    fn new(config: Config, tls: Tls, settings: &Settings, clock: Arc<ServerClock>) -> Self {
        let mut plain = config;
        plain.connect_timeout(settings.connection_timeout);
        plain.tcp_user_timeout(settings.timeout);
        let mut own = plain.clone();
        let ms = settings.statement_timeout.as_millis();
        let given = plain.get_options().unwrap_or_default();
        own.options(
            format!("{given} -c {OWN}=1 -c statement_timeout={ms}")
                .trim()
                .to_owned(),
        );
        Self {
            own,
            plain,
            tls,
            is_pooled: AtomicBool::new(false),
            prepares: AtomicBool::new(settings.prepared),
            clock,
        }
    }

    /// Opens a connection that is not one of the pool. The caller drives it.
    pub(crate) async fn connect_alone(&self) -> Result<(Client, Driver), tokio_postgres::Error> {
        self.own.connect(self.tls.clone()).await
    }

    /// Whether a pooler is between this store and the server.
    pub(crate) fn is_pooled(&self) -> bool {
        self.is_pooled.load(Ordering::Relaxed)
    }

    /// Prepares no statements any more.
    pub(crate) fn stop_preparing(&self) {
        self.prepares.store(false, Ordering::Relaxed);
    }

    pub(crate) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    async fn connect(&self) -> Result<Client, Failure> {
        let pooled = self.is_pooled.load(Ordering::Relaxed);
        let config = if pooled { &self.plain } else { &self.own };
        match config.connect(self.tls.clone()).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                Ok(client)
            }
            Err(error) if !pooled && is_about_settings(&error) => {
                let (client, connection) = self
                    .plain
                    .connect(self.tls.clone())
                    .await
                    .map_err(|error| Failure::to_connect(&error))?;
                tokio::spawn(connection);
                self.is_pooled.store(true, Ordering::Relaxed);
                Ok(client)
            }
            Err(error) => Err(Failure::to_connect(&error)),
        }
    }
}

/// Whether a server refuses the settings of a session.
fn is_about_settings(error: &tokio_postgres::Error) -> bool {
    let class = error.code().and_then(|code| code.code().get(..2));
    matches!(class, Some("08" | "0A" | "22" | "42"))
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Failure;

    async fn create(&self) -> Result<Connection, Failure> {
        let client = self.connect().await?;
        let sent = self.clock.begin();
        let row = client
            .query_typed(
                &format!("SELECT current_setting('{OWN}', true), {TIME}"),
                &[],
            )
            .await
            .map_err(|error| Failure::to_connect(&error))?
            .pop();
        let row = row.ok_or_else(|| Failure::Away("the server has no time".to_owned()))?;
        let unreadable = |error: tokio_postgres::Error| Failure::Away(describe(&error));
        self.clock.end(sent, row.try_get(1).map_err(unreadable)?);
        let own: Option<&str> = row.try_get(0).map_err(unreadable)?;
        if own != Some("1") {
            self.is_pooled.store(true, Ordering::Relaxed);
        }
        Ok(Connection {
            client,
            prepares: own == Some("1") && self.prepares.load(Ordering::Relaxed),
            statements: Mutex::default(),
        })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Failure> {
        match connection.client.is_closed() {
            true => Err(RecycleError::message("the connection is closed")),
            false => Ok(()),
        }
    }
}

/// A connection, with the statements that are prepared on it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    prepares: bool,
    statements: Mutex<HashMap<String, Known>>,
}

/// What is known of a statement.
pub(crate) enum Known {
    /// It was sent once, and is prepared if it is sent again.
    Sent,
    /// It is prepared.
    Prepared(Statement),
}

/// How a statement is to be sent.
pub(crate) enum Form {
    /// With its text, which the server parses and plans.
    Text,
    /// With its text, and once more to be prepared.
    TextAndPrepare,
    /// By the name under which it is prepared.
    Prepared(Statement),
}

impl Connection {
    /// How to send a statement.
    pub(crate) fn form(&self, sql: &str) -> Form {
        if !self.prepares {
            return Form::Text;
        }
        let mut statements = self.statements();
        match statements.get(sql) {
            Some(Known::Prepared(statement)) => Form::Prepared(statement.clone()),
            Some(Known::Sent) => Form::TextAndPrepare,
            None => {
                if statements.len() < PREPARED {
                    statements.insert(sql.to_owned(), Known::Sent);
                }
                Form::Text
            }
        }
    }

    /// Keeps a prepared statement.
    pub(crate) fn keep(&self, sql: &str, statement: Statement) {
        self.statements()
            .insert(sql.to_owned(), Known::Prepared(statement));
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
