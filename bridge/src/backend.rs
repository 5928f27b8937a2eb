//! The open stores of a binding: a table of handles, each over a [`Backend`]. Every build serves the
//! memory store and stores of the host; a binding adds its own.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::rc::Rc;

use serde::Serialize;
#[cfg(feature = "apps")]
use tenure_core::Text;
use tenure_core::error::Cause;
use tenure_core::session::retention::{KEEP_AUDIT, RetentionParams};
use tenure_core::store::{Capabilities, Durability, OnMigration};
use tenure_core::value::address::unsupported_store;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Error, Limits, MemoryStore, Millis, Redact, Result, SyncStore};

use crate::answer::{self, Answer};
use crate::call::{Call, perform};
use crate::engine::HostEngine;
use crate::limits::{HandleLimits, models};
use crate::numbered::Numbered;

/// An open store that performs operations.
pub trait Backend {
    /// What the store can do.
    fn capabilities(&self) -> Capabilities;

    /// The limits of its calls.
    fn limits(&self) -> &HandleLimits;

    /// What two handles on this store have in common, if that is known.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Performs an operation synchronously.
    fn call(&self, call: Call<'_>) -> Answer;

    /// The operation that ends when the store is open; `None` for a store that is open.
    fn opening(&self) -> Option<u32> {
        None
    }

    /// Starts an operation. Returns its answer, or the request that it waits for. By default the
    /// operation is synchronous.
    fn start(&self, call: Call<'_>) -> Answer {
        self.call(call)
    }

    /// Continues an operation with the reply of the host's store.
    fn resume(&self, operation: u32, _reply: String) -> Answer {
        no_such(operation)
    }

    /// Drops an operation.
    fn cancel(&self, operation: u32) -> Answer {
        no_such(operation)
    }

    /// Loads heads into a mirror. Returns how many they are.
    fn load_heads(&self, _bytes: Vec<u8>) -> Answer {
        answer::error(&Error::internal("the store is no mirror"))
    }

    /// What performs the operations, as a value of its own type, for what only a binding does with it.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// Closes the store, after the operations that run. Over an asynchronous store they end with an
    /// error instead.
    ///
    /// # Errors
    /// Those of the store.
    fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn no_such(operation: u32) -> Answer {
    answer::error(&Error::internal(format!("no operation {operation} waits")))
}

/// The options of a store.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The limits of inputs.
    pub limits: Limits,
    /// Whether an acknowledged write also survives a power failure.
    pub durability: Option<Durability>,
    /// The timeout of a write that waits for other processes, in milliseconds.
    pub busy_timeout_ms: Option<u64>,
    /// The timeout of the host's own store, and of each run of git, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// The permissions of new files, as bits; the host has a default.
    pub file_mode: Option<u32>,
    /// The capabilities of the host's own store.
    pub capabilities: Capabilities,
    /// The retention that the host runs.
    pub retention: Option<RetentionParams>,
    /// The number of changes that the feed keeps.
    pub keep_changes: Option<u64>,
    /// Whether the store has an index for the filter `text`.
    pub text_index: Option<bool>,
    /// Whether the store is a mirror of another one.
    pub mirror: bool,
    /// What is called while opening the store migrates it.
    pub on_migration: Option<OnMigration>,
    /// Whether every call of the handle is synchronous.
    pub synchronous: bool,
    /// The connections to a database.
    #[cfg(feature = "apps")]
    pub pool: Pool,
    /// The encryption of user data.
    #[cfg(feature = "apps")]
    pub encryption: Option<EncryptionOptions>,
}

/// The option `encryption`: the keys, of which the first one encrypts.
#[cfg(feature = "apps")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionOptions {
    /// The keys.
    pub keys: Vec<KeyOptions>,
    /// Whether data that is not encrypted is refused.
    pub only: bool,
}

/// A key of the option `encryption`, and where it is.
#[cfg(feature = "apps")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyOptions {
    /// Its id.
    pub id: Text,
    /// The path of a file that holds it.
    pub file: Option<Text>,
    /// The name of an environment variable that holds it.
    pub env: Option<Text>,
    /// A program and its arguments, which prints it.
    pub command: Option<Vec<Text>>,
}

#[cfg(feature = "apps")]
impl Params for EncryptionOptions {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            keys: properties.take("keys"),
            only: properties.take_or("only", false),
        }
    }
}

#[cfg(feature = "apps")]
impl Params for KeyOptions {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            id: properties.take("id"),
            file: properties.take("file"),
            env: properties.take("env"),
            command: properties.take("command"),
        }
    }
}

#[cfg(feature = "apps")]
tenure_core::nested_properties!(EncryptionOptions, KeyOptions);

/// The option `pool`: the connections to a database. What is absent has a default of the store's.
#[cfg(feature = "apps")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// The greatest number of connections.
    pub max: Option<u64>,
    /// How long a call waits for a connection, in milliseconds.
    pub connection_timeout_ms: Option<u64>,
    /// After how long a connection that is not used is closed, in milliseconds.
    pub idle_timeout_ms: Option<u64>,
    /// How long one statement may take, in milliseconds.
    pub statement_timeout_ms: Option<u64>,
}

#[cfg(feature = "apps")]
impl Params for Pool {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            max: properties.take("max"),
            connection_timeout_ms: properties.take("connection_timeout_ms"),
            idle_timeout_ms: properties.take("idle_timeout_ms"),
            statement_timeout_ms: properties.take("statement_timeout_ms"),
        }
    }
}

#[cfg(feature = "apps")]
tenure_core::nested_properties!(Pool);

impl Options {
    /// The timeout of a write that waits for other processes, in milliseconds.
    pub fn busy_timeout_ms(&self, default: u32) -> u32 {
        self.busy_timeout_ms.map_or(default, |timeout| {
            u32::try_from(timeout).unwrap_or(u32::MAX)
        })
    }
}

impl Params for Options {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            limits: Limits {
                redact: properties.take_or("redact", Redact::default()),
                fenced: properties.take_or("fenced", false),
                models: models(properties),
                max_reply_bytes: MAX_REPLY_BYTES,
                ..properties.take_or("limits", Limits::default())
            },
            durability: properties.take("durability"),
            busy_timeout_ms: properties.take("busy_timeout_ms"),
            timeout_ms: properties.take("timeout_ms"),
            file_mode: properties.take("file_mode"),
            capabilities: properties.take_or("capabilities", Capabilities::default()),
            retention: properties
                .take::<Option<Retention>>("retention")
                .map(|retention| retention.0),
            keep_changes: properties.take("keep_changes"),
            text_index: properties.take("text_index"),
            mirror: properties.take_or("mirror", false),
            on_migration: None,
            synchronous: properties.take_or("synchronous", false),
            #[cfg(feature = "apps")]
            pool: properties.take_or("pool", Pool::default()),
            #[cfg(feature = "apps")]
            encryption: properties.take("encryption"),
        }
    }
}

/// Refuses the options that the store of a URL does not have: they would have no effect.
fn check_settings(url: &str, options: &Options) -> Result<()> {
    let (scheme, _) = url.split_once(':').unwrap_or_default();
    // Only such a build has a native store of it.
    let is_database = cfg!(feature = "apps") && matches!(scheme, "postgres" | "postgresql");
    let (has_files, has_timeout) = match scheme {
        "memory" => (false, false),
        "sqlite" | "file" | "registry" => (true, false),
        "git" | "host" => (false, true),
        _ if is_database => (false, true),
        // Not opened at all.
        _ => return Ok(()),
    };
    for (name, is_given, is_known) in [
        ("durability", options.durability.is_some(), has_files),
        (
            "busyTimeoutMs",
            options.busy_timeout_ms.is_some(),
            has_files,
        ),
        ("fileMode", options.file_mode.is_some(), has_files),
        ("timeoutMs", options.timeout_ms.is_some(), has_timeout),
        (
            "keepChanges",
            options.keep_changes.is_some(),
            matches!(scheme, "sqlite" | "file") || is_database,
        ),
        (
            "textIndex",
            options.text_index.is_some(),
            scheme == "sqlite",
        ),
        ("mirror", options.mirror, scheme == "memory"),
    ] {
        if is_given && !is_known {
            return Err(Error::invalid(name, "this store has no such option"));
        }
    }
    #[cfg(feature = "apps")]
    if options.pool != Pool::default() && !is_database {
        return Err(Error::invalid("pool", "this store has no such option"));
    }
    #[cfg(feature = "apps")]
    if options.encryption.is_some() {
        let problem = match scheme {
            "sqlite" | "file" => None,
            _ if is_database => None,
            _ => Some("this store has no such option"),
        };
        if let Some(problem) = problem {
            return Err(Error::invalid("encryption", problem));
        }
        if options.text_index.is_some() {
            let problem = "an encrypted store has no such option";
            return Err(Error::invalid("textIndex", problem));
        }
    }
    match options.keep_changes {
        Some(count) if !KEPT_CHANGES.contains(&count) => Err(Error::invalid(
            "keepChanges",
            format!("expected 1,000 to 10,000,000 changes, got {count}"),
        )),
        _ => Ok(()),
    }
}

/// How many changes a feed may keep.
const KEPT_CHANGES: RangeInclusive<u64> = 1000..=10_000_000;

/// The option `retention`: durations, of which `purgeAfter` and `keepAudit` have defaults.
#[derive(Default)]
struct Retention(RetentionParams);

impl Params for Retention {
    fn take(properties: &mut Properties<'_>) -> Self {
        let max_age: Millis = properties.take("max_age");
        Self(RetentionParams {
            max_age_ms: max_age.0,
            every_ms: properties.take::<Millis>("every").0,
            purge_after_ms: properties.take_or("purge_after", max_age).0,
            keep_audit_ms: properties.take_or("keep_audit", KEEP_AUDIT).0,
            archive: properties.take("archive"),
        })
    }
}

tenure_core::nested_properties!(Retention);

/// The greatest size of the user data in one reply, in bytes. A text of JavaScript holds at most 512 MiB,
/// and JSON within JSON may have twice the size.
const MAX_REPLY_BYTES: u64 = 128 << 20;
/// The default timeout of a host's own store, in milliseconds.
const DEFAULT_TIMEOUT_MS: u64 = 30_000;

struct MemoryBackend {
    store: MemoryStore,
    limits: HandleLimits,
}

impl Backend for MemoryBackend {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn limits(&self) -> &HandleLimits {
        &self.limits
    }

    fn call(&self, call: Call<'_>) -> Answer {
        perform(&self.store, self.limits.now(), &call)
    }

    fn load_heads(&self, bytes: Vec<u8>) -> Answer {
        match self.store.load_heads(bytes) {
            Ok(number) => answer::ok(&number),
            Err(error) => answer::error(&error),
        }
    }
}

struct HostBackend {
    engine: HostEngine,
}

impl Backend for HostBackend {
    fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }

    fn limits(&self) -> &HandleLimits {
        self.engine.limits()
    }

    fn call(&self, _: Call<'_>) -> Answer {
        answer::error(&Cause::StoreIsAsync.into())
    }

    fn start(&self, call: Call<'_>) -> Answer {
        self.engine.start(call)
    }

    fn resume(&self, operation: u32, reply: String) -> Answer {
        self.engine.resume(operation, reply)
    }

    fn cancel(&self, operation: u32) -> Answer {
        self.engine.cancel(operation)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(&self.engine)
    }
}

/// The handles of one JavaScript thread.
#[derive(Default)]
pub struct Handles {
    last: Cell<u32>,
    open: RefCell<Numbered<Rc<dyn Backend>>>,
}

#[derive(Serialize)]
struct Opened {
    handle: u32,
    capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<RetentionParams>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<u32>,
}

impl Handles {
    /// Opens the store that a URL names. `serve` opens those of a build; it returns `None` for a URL that it
    /// does not know. Memory and the host's own store are those of the bridge then.
    pub fn open(
        &self,
        url: &str,
        options: &str,
        serve: impl FnOnce(&str, &Options) -> Option<Result<Rc<dyn Backend>>>,
    ) -> Answer {
        match open(url, options, serve) {
            Ok((backend, retention)) => {
                let capabilities = backend.capabilities();
                let (identity, opening) = (backend.identity(), backend.opening());
                // Never used twice: a late call must not meet a store that it does not mean.
                let handle = self.last.get() + 1;
                self.last.set(handle);
                self.open.borrow_mut().insert(handle, backend);
                answer::ok(&Opened {
                    handle,
                    capabilities,
                    retention,
                    identity,
                    opening,
                })
            }
            Err(error) => answer::error(&error),
        }
    }

    /// Lets a handle do something, unless it is closed.
    pub fn with(&self, handle: u32, act: impl FnOnce(&dyn Backend) -> Answer) -> Answer {
        // Cloned out of the table, because the action may call back into it.
        let backend = self.open.borrow().get(handle).map(Rc::clone);
        match backend {
            Some(backend) => act(&*backend),
            None => answer::error(&Cause::Closed.into()),
        }
    }

    /// Sets the known models for the next calls of a handle.
    pub fn set_models(&self, handle: u32, params: &str) -> Answer {
        self.with(handle, |backend| {
            match backend.limits().set_models(params) {
                Ok(()) => answer::ok(&()),
                Err(error) => answer::error(&error),
            }
        })
    }

    /// Closes a handle; one that is closed stays so.
    pub fn close(&self, handle: u32) -> Answer {
        let backend = self.open.borrow_mut().remove(handle);
        match backend.map(|backend| backend.close()) {
            None | Some(Ok(())) => answer::ok(&()),
            Some(Err(error)) => answer::error(&error),
        }
    }
}

/// What a build is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// `native` or `wasm`.
    pub build: &'static str,
    /// The version of Tenure.
    pub version: &'static str,
    /// The schemes of the URLs that it opens.
    pub stores: &'static [&'static str],
}

fn open(
    url: &str,
    options: &str,
    serve: impl FnOnce(&str, &Options) -> Option<Result<Rc<dyn Backend>>>,
) -> Result<(Rc<dyn Backend>, Option<RetentionParams>)> {
    let options = Options::read("options", options)?;
    let retention = options.retention.clone();
    if retention
        .as_ref()
        .is_some_and(|retention| retention.every_ms == 0)
    {
        return Err(Error::invalid("retention.every", "expected more than 0"));
    }
    check_settings(url, &options)?;
    let backend: Rc<dyn Backend> = match (serve(url, &options), url) {
        (Some(served), _) => served?,
        (None, "memory:") => Rc::new(MemoryBackend {
            store: match options.mirror {
                true => MemoryStore::mirror(),
                false => MemoryStore::default(),
            },
            limits: HandleLimits::new(options.limits),
        }),
        (None, "host:") => Rc::new(HostBackend {
            engine: HostEngine::new(
                options.limits,
                options.capabilities,
                options.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS),
            ),
        }),
        (None, _) => {
            // The browser's module has the shorter text.
            let problem = match cfg!(feature = "apps") {
                true => {
                    "expected memory:; where there is IndexedDB, indexeddb:name; on Node with the \
                     native addon, sqlite:./file.db, file:./directory, postgres://host/database or, \
                     for leases and runs, git:origin; or a store of your own"
                }
                false => {
                    "expected memory:; where there is IndexedDB, indexeddb:name; on Node with the \
                     native addon, sqlite:./file.db, file:./directory or, for leases and runs, \
                     git:origin; or a store of your own"
                }
            };
            return Err(unsupported_store(url, problem));
        }
    };
    Ok((backend, retention))
}
