//! A database: its connections, its schema, and how long calls may take.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use tenure_core::error::Cause;
use tenure_core::{Error, Result};
use tokio::time::Instant;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::clock::{ServerClock, TIME};
use crate::failure::{Failure, unavailable};
use crate::memory::RememberedHeads;
use crate::options::Settings;
use crate::pool::Pool;
use crate::request::{Batch, Frame, Replies, Request, exchange};
use crate::required::Requirements;
use crate::row;
use crate::schema::VERSION;
use crate::signal::Signal;
use crate::tls::Tls;

/// How long it counts that the schema is not newer, in microseconds.
const VERSION_FRESH: u64 = 60_000_000;

/// A database, as one call uses it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    shared: Arc<Shared>,
    /// When the call has to end; by default each request has a deadline of its own.
    until: Option<Instant>,
}

impl Deref for Database {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

/// What all calls of a handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<ServerClock>,
    pub(crate) signal: Signal,
    pub(crate) heads: RememberedHeads,
    /// What every commit requires.
    pub(crate) requirements: Requirements,
    /// The version of a schema that a newer Tenure has migrated meanwhile; 0 as long as that is not so.
    newer: AtomicU32,
    /// When the version of the schema was read last, by this machine's clock in microseconds. New connections measure the
    /// server's clock, but do not read it.
    version_read_at: AtomicI64,
    /// The name of the schema, in quotes.
    pub(crate) schema: String,
    /// What messages call it.
    pub(crate) shown: String,
}

impl Database {
    pub(crate) fn new(address: &Address, settings: Settings) -> Result<Self> {
        let tls = Tls::new(&address.verification).map_err(unavailable)?;
        let clock = Arc::new(ServerClock::new(settings.clock));
        let shared = Shared {
            pool: Pool::new(address.config.clone(), tls, &settings, Arc::clone(&clock))?,
            version_read_at: AtomicI64::new((settings.clock)()),
            settings,
            clock,
            signal: Signal::default(),
            heads: RememberedHeads::default(),
            requirements: Requirements::default(),
            newer: AtomicU32::new(0),
            schema: format!("\"{}\"", address.schema),
            shown: address.to_string(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            until: None,
        })
    }

    /// The same for one call, all of whose requests end in time together.
    pub(crate) fn for_call(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            until: Some(Instant::now() + self.settings.timeout),
        }
    }

    /// The same for what goes on after a call.
    pub(crate) fn for_later(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            until: None,
        }
    }

    /// When a request that begins now has to end.
    pub(crate) fn deadline(&self) -> Instant {
        let own = || Instant::now() + self.settings.timeout;
        self.until.unwrap_or_else(own)
    }

    /// Sends requests once.
    pub(crate) async fn send(
        &self,
        batch: &Batch<'_>,
        deadline: Instant,
    ) -> Result<Replies, Failure> {
        if Instant::now() >= deadline {
            // Earlier requests of the call have taken all of its time.
            let ms = self.settings.timeout.as_millis();
            return Err(Failure::TimedOut(format!("the call has taken {ms} ms")));
        }
        let connection = self.pool.get(deadline).await?;
        let until = Instant::now() + self.settings.statement_timeout;
        exchange(connection, self.pool.manager(), batch, (until, deadline)).await
    }

    /// Sends requests that do no harm when they are sent again, until they are answered.
    pub(crate) async fn repeat(
        &self,
        batch: &Batch<'_>,
        deadline: Instant,
    ) -> Result<Replies, Failure> {
        let mut backoff = Backoff::default();
        loop {
            let failure = match self.send(batch, deadline).await {
                Ok(replies) => return Ok(replies),
                // The pool has waited for as long as it should.
                Err(failure @ Failure::Away(_)) => return Err(failure),
                Err(failure) => failure,
            };
            if !failure.may_pass() || !backoff.pause(deadline).await {
                return Err(failure);
            }
        }
    }

    /// Reads, and repeats that until it succeeds.
    pub(crate) async fn read(
        &self,
        method: &'static str,
        frame: Frame,
        requests: &[Request<'_>],
    ) -> Result<Replies> {
        self.repeat(&Batch::new(method, frame, requests), self.deadline())
            .await
            .map_err(|failure| self.error(failure, method))
    }

    /// By how many milliseconds the server's clock is ahead. It is measured now and then; a database that a newer
    /// Tenure has migrated meanwhile is noticed at the same time.
    ///
    /// # Errors
    /// `SCHEMA_TOO_NEW`, and `STORE_UNAVAILABLE` without a connection.
    pub(crate) async fn clock_offset_ms(&self) -> Result<i64> {
        self.refuse_newer()?;
        let (known, is_fresh) = self.clock.offset_ms();
        let began = (self.settings.clock)();
        let age = began.saturating_sub(self.version_read_at.load(Ordering::Relaxed));
        if is_fresh && age.unsigned_abs() < VERSION_FRESH {
            return Ok(known);
        }
        let mut request = Request::default();
        request.push(format_args!(
            "SELECT {TIME}, (SELECT value FROM {}.settings WHERE name = 'schema')",
            self.schema
        ));
        let requests = [request];
        let deadline = self.deadline();
        let connection = self.pool.get(deadline).await;
        // The operation would wait for a connection as long again, and fail for the same reason.
        let connection = connection.map_err(|failure| self.error(failure, "clock"))?;
        let sent = self.clock.begin();
        let manager = self.pool.manager();
        let batch = Batch::new("clock", Frame::Alone, &requests);
        let asked = exchange(connection, manager, &batch, (deadline, deadline));
        let replies = asked.await.unwrap_or_default();
        let Some(row) = replies.first().and_then(|rows| rows.first()) else {
            return Ok(known);
        };
        if let Ok(time) = row::get(row, 0) {
            self.clock.end(sent, time);
        }
        if let Ok(Ok(found)) = row::get::<i64>(row, 1).map(u32::try_from) {
            self.version_read_at.store(began, Ordering::Relaxed);
            if found > VERSION {
                self.newer.store(found, Ordering::Relaxed);
            }
        }
        self.refuse_newer()?;
        Ok(self.clock.offset_ms().0)
    }

    /// The size of the tables with their indexes; `None` if it cannot be read: not every database has such sizes.
    pub(crate) async fn size_bytes(&self) -> Option<u64> {
        let mut request = Request::default();
        let schema = request.bind(self.schema.trim_matches('"'));
        request.push(format_args!(
            "SELECT sum(pg_total_relation_size(c.oid))::BIGINT FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = {schema}"
        ));
        let requests = [request];
        let batch = Batch::new("size", Frame::Alone, &requests);
        let replies = self.send(&batch, self.deadline()).await.ok()?;
        let row = replies.first()?.first()?;
        let size: Option<i64> = row::get(row, 0).ok()?;
        u64::try_from(size?).ok()
    }

    fn refuse_newer(&self) -> Result<()> {
        match self.newer.load(Ordering::Relaxed) {
            0 => Ok(()),
            found => Err(Cause::SchemaTooNew {
                found,
                supported: VERSION,
            }
            .into()),
        }
    }

    /// The error of a call that ends with this failure. It names the database.
    pub(crate) fn error(&self, failure: Failure, method: &str) -> Error {
        failure.into_error(method, &self.shown)
    }
}
