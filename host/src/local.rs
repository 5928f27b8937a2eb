//! A store of this machine for callers that wait for every operation, such as commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tenure_bridge::{Answer, Call, Options, answer};
use tenure_core::error::Cause;
use tenure_core::value::address::{self, unsupported_store};
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::traceparent::TraceParent;
use tenure_core::work::call;
use tenure_core::work::execution::{Invocation, done, typed};
use tenure_core::work::operation::{AnyOperation, Operation, Reply};
use tenure_core::work::signature::AnyParams;
use tenure_core::{Error, Host, Limits, Result, Timestamp};
use tenure_sealed::Rotation;

use crate::encryption::seal_of;
use crate::executor::{Executor, SerialStore};
use crate::lazy::LazyStore;
use crate::open::{Lifetime, check_encryption, open_file, open_registry, open_sqlite, sealed};
use crate::place::Place;
use crate::process::this_host;

/// An open store whose operations are all synchronous.
#[derive(Debug)]
pub struct Local {
    executor: Executor,
    identity: Option<String>,
    limits: Arc<Limits>,
}

impl Local {
    /// Opens the store that a URL names. It is created if it does not exist.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE`, and those of the store.
    pub fn open(url: &str, options: &Options) -> Result<Self> {
        Self::open_place(&place_of(url)?, options, Lifetime::Brief)
    }

    /// Opens the store that a URL names, to read from it. Nothing is created. A registry that does not
    /// exist is empty.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if there is no such store, `UNSUPPORTED_STORE`, and those of the store.
    pub fn open_existing(url: &str, options: &Options) -> Result<Self> {
        let place = place_of(url)?.existing();
        check_encryption(&place, options)?;
        if !place.is_missing() {
            return Self::open_place(&place, options, Lifetime::Brief);
        }
        match place {
            Place::Registry(_) => Ok(Self::lazy(place, options, || Ok(()))),
            _ => {
                let problem = format!("there is no store {}", address::shown(url));
                Err(Cause::StoreUnavailable { problem }.into())
            }
        }
    }

    /// Opens the store that a URL names. If it does not exist, the first commit creates it; until then
    /// nothing is created, and what another process creates is opened.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE`, and those of the store.
    pub fn open_lazily(url: &str, options: &Options) -> Result<Self> {
        let place = place_of(url)?;
        check_encryption(&place, options)?;
        match place.is_missing() {
            true => Ok(Self::lazy(place, options, || Ok(()))),
            false => Self::open_place(&place, options, Lifetime::Brief),
        }
    }

    /// Opens the store of a place. It is created if it does not exist.
    pub(crate) fn open_place(place: &Place, options: &Options, lifetime: Lifetime) -> Result<Self> {
        let executor = Executor::open(place.clone(), options, lifetime)?;
        executor.open_now()?;
        Ok(Self {
            executor,
            identity: place.identity(),
            limits: Arc::new(options.limits.clone()),
        })
    }

    /// Opens a SQLite store that does not exist yet. The first commit creates it, after `prepare` has
    /// created its folder; until then nothing is created.
    pub fn create_lazily(
        database: PathBuf,
        options: &Options,
        prepare: impl Fn() -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::lazy(Place::Sqlite(database), options, prepare)
    }

    /// A store that does not exist yet, which the first commit creates.
    fn lazy(
        place: Place,
        options: &Options,
        prepare: impl Fn() -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let limits = Arc::new(options.limits.clone());
        let options = options.clone();
        let there = place.clone();
        let exists = move || !there.is_missing();
        let create = move || {
            let seal = seal_of(&options)?;
            prepare()?;
            let lifetime = Lifetime::Brief;
            Ok(match &place {
                Place::Sqlite(path) => sealed(open_sqlite(path, &options, lifetime)?, seal)?,
                Place::Registry(path) => {
                    Box::new(open_registry(path, &options, lifetime)?) as SerialStore
                }
                Place::File(path) => sealed(open_file(path, &options)?, seal)?,
                Place::Memory | Place::Git(_) | Place::Postgres(_) => {
                    return Err(Error::internal("this store is never missing"));
                }
            })
        };
        Self {
            executor: Executor::inline(Box::new(LazyStore::new(
                Box::new(create),
                Box::new(exists),
            ))),
            identity: None,
            limits,
        }
    }

    /// The identity of the store, which all open stores of one place share; `None` if it is
    /// unknown.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// The executor over the store, and the limits of its operations, for a host that runs many at a time.
    pub fn into_executor(self) -> (Executor, Arc<Limits>) {
        (self.executor, self.limits)
    }

    /// Encrypts the next page of values with the first key, as [`Executor::rotate`] does.
    ///
    /// # Errors
    /// Those of [`Executor::rotate`].
    pub fn rotate(&self, rotation: Rotation) -> Result<Rotation> {
        self.executor.rotate(rotation)
    }

    /// Runs an operation as this process, at this time.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run<P, R>(&self, operation: &'static Operation<P, R>, params: P) -> Result<R>
    where
        P: Send + Sync + 'static,
        R: 'static,
    {
        self.run_at(
            operation,
            params,
            now(),
            this_host(),
            Fingerprint::default(),
        )
    }

    /// Runs an operation at a time, as the process that a host names. `fingerprint` identifies the
    /// parameters of a call with an idempotency key.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run_at<P, R>(
        &self,
        operation: &'static Operation<P, R>,
        params: P,
        now: Timestamp,
        host: Arc<dyn Host>,
        fingerprint: Fingerprint,
    ) -> Result<R>
    where
        P: Send + Sync + 'static,
        R: 'static,
    {
        let call = self.call_at(now, host, fingerprint)?;
        let invocation = Invocation::new(operation, Box::new(params), call);
        Ok(typed(self.executor.run(invocation))?.value)
    }

    /// Runs an operation with untyped parameters, as [`Local::run_at`] does.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run_any(
        &self,
        operation: &'static AnyOperation,
        params: AnyParams,
        now: Timestamp,
        host: Arc<dyn Host>,
    ) -> Result<Box<dyn Reply>> {
        let call = self.call_at(now, host, Fingerprint::default())?;
        let invocation = Invocation::new(operation, params, call);
        Ok(done(self.executor.run(invocation))?.value)
    }

    /// The size of the store in bytes, as [`Executor::store_bytes`] says it.
    pub fn store_bytes(&self) -> Option<u64> {
        self.executor.store_bytes()
    }

    fn call_at(
        &self,
        now: Timestamp,
        host: Arc<dyn Host>,
        fingerprint: Fingerprint,
    ) -> Result<call::Call> {
        Ok(call::Call {
            fingerprint,
            trace: trace_of_environment(),
            ..call_at(now, host, &self.limits)?
        })
    }

    /// Performs an operation by its name, as this process.
    pub fn perform(&self, name: &str, params: &str, now: f64) -> Answer {
        let entropy = tenure_bridge::entropy(now, None, getrandom::fill);
        let invocation = entropy.and_then(|entropy| {
            let host = this_host();
            let call = Call {
                name,
                params,
                now,
                entropy,
                host,
                answers: None,
                trace: None,
            };
            call.invocation(Arc::clone(&self.limits))
        });
        match invocation {
            Ok(invocation) => answer::of(self.executor.run(invocation)),
            Err(error) => answer::error(&error),
        }
    }
}

/// The place that a URL names.
///
/// # Errors
/// `UNSUPPORTED_STORE`.
fn place_of(url: &str) -> Result<Place> {
    Place::of(url)?.ok_or_else(|| {
        unsupported_store(
            url,
            "expected sqlite:./file.db, file:./directory, postgres://user@host/database, registry: or \
             memory:, or for leases and runs git:origin",
        )
    })
}

/// The position in a trace that the parent of this process has passed on, as other programs do.
fn trace_of_environment() -> Option<TraceParent> {
    TraceParent::parse(&std::env::var("TRACEPARENT").ok()?)
}

/// A call of this host, with random bits of its own.
pub(crate) fn call_at(
    now: Timestamp,
    host: Arc<dyn Host>,
    limits: &Arc<Limits>,
) -> Result<call::Call> {
    Ok(call::Call {
        now,
        entropy: tenure_bridge::next_entropy(now, random_bits()?),
        fingerprint: Fingerprint::default(),
        host,
        limits: Arc::clone(limits),
        trace: None,
        isolated: false,
    })
}

/// Random bits of this machine, used once.
///
/// # Errors
/// `INTERNAL` without random bits.
pub fn random_bits() -> Result<[u8; 16]> {
    tenure_bridge::random_bits(getrandom::fill)
}

/// The current time of this machine's clock.
pub fn now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    // A clock beyond the calendar is read as the end of the calendar.
    Timestamp::from_millis(millis).unwrap_or_default()
}
