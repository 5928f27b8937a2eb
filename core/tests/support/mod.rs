//! Helpers for the tests of operations: a store with its own clock, in which operations are called
//! by name with JSON parameters.

pub(crate) mod jobs;

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use tenure_core::store::Answer;
use tenure_core::table::Table;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::json::Object;
use tenure_core::value::process::Host;
use tenure_core::work::call::Call;
use tenure_core::work::execution::{Done, End, Ended, Execution, Timer, run_async, typed};
use tenure_core::work::operation::Operation;
use tenure_core::{
    Error, Json, Lift, Limits, MemoryStore, Millis, NoHost, Result, Store, Timestamp,
};

/// 2026-01-08T18:05:30.000Z, the time at which clocks start.
pub(crate) const NOON: i64 = 1_767_895_530_000;

/// The result of an operation and its notices, as the JSON texts that hosts receive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OperationReply {
    pub(crate) value: String,
    pub(crate) notices: String,
}

/// The output of a future that is ready at the first poll.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the operation waits for something"),
    }
}

/// Every operation and job, with those of the applications.
pub(crate) const TABLE: Table = Table {
    operations: &[
        tenure_core::table::OPERATIONS,
        tenure_core::table::ADMINISTRATION,
        tenure_apps::OPERATIONS,
    ],
    jobs: &[tenure_core::table::JOBS, tenure_apps::JOBS],
    instead: |_| None,
};

/// A timer on which every sleep ends immediately.
pub(crate) struct ImmediateTimer;

impl Timer for ImmediateTimer {
    fn sleep(&self, _: Millis) -> Answer<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A call at a time, without a process.
pub(crate) fn call_at(now: Timestamp, entropy: u128, limits: &Limits) -> Call {
    call_of(Arc::new(NoHost), now, entropy, limits)
}

/// A call at a time, by the process of a host.
pub(crate) fn call_of(host: Arc<dyn Host>, now: Timestamp, entropy: u128, limits: &Limits) -> Call {
    Call {
        now,
        entropy: entropy.to_le_bytes().into(),
        fingerprint: Fingerprint::default(),
        host,
        limits: Arc::new(limits.clone()),
        trace: None,
        isolated: false,
    }
}

/// Runs an operation with typed parameters and reply.
pub(crate) async fn run<P, R>(
    store: &dyn Store,
    operation: &'static Operation<P, R>,
    params: P,
    call: Call,
) -> Result<Done<R>>
where
    P: Send + Sync + 'static,
    R: 'static,
{
    let mut execution = Execution::new(operation, Box::new(params), call);
    typed(run_async(store, &ImmediateTimer, &mut execution).await)
}

/// Calls an operation by its name.
pub(crate) async fn call(
    store: &dyn Store,
    limits: &Limits,
    now: Timestamp,
    entropy: u128,
    name: &str,
    params: &str,
) -> Result<OperationReply> {
    call_as(store, call_at(now, entropy, limits), name, params).await
}

/// Calls an operation by its name, with the given time, host and limits.
pub(crate) async fn call_as(
    store: &dyn Store,
    call: Call,
    name: &str,
    params: &str,
) -> Result<OperationReply> {
    match end(store, call, name, params).await? {
        End::Done(done) => Ok(OperationReply {
            value: done.value.to_json().as_str().to_owned(),
            notices: serde_json::to_string(&done.notices).unwrap(),
        }),
        End::Asks(models) => panic!("{name} asks about {models:?}"),
    }
}

/// Runs an operation to its end, or to its question about models.
async fn end(store: &dyn Store, call: Call, name: &str, params: &str) -> Ended {
    let call = Call {
        fingerprint: fingerprint(name, params),
        ..call
    };
    let operation = TABLE.find(name).unwrap();
    let mut execution = Execution::new(operation, operation.read(params)?, call);
    run_async(store, &ImmediateTimer, &mut execution).await
}

/// The fingerprint of a call as hosts compute it: without the parameters in which a repeat may
/// differ.
fn fingerprint(name: &str, params: &str) -> Fingerprint {
    let json = Json::parse(params).unwrap_or_default();
    let mut properties = Object::parse(&json);
    properties.remove("idempotencyKey");
    properties.remove("ifVersion");
    properties.remove("token");
    Fingerprint::of(name, properties.to_json().as_str())
}

/// The scale of long tests: 0.1 is a quick test, 1 a thorough one.
pub(crate) fn scale() -> f64 {
    let scale = std::env::var("TENURE_TEST_SCALE").ok();
    scale.and_then(|scale| scale.parse().ok()).unwrap_or(0.1)
}

/// A time in the format of replies.
pub(crate) fn iso(millis: i64) -> String {
    Timestamp::from_millis(millis).unwrap().to_string()
}

/// A store, a clock and the operations.
pub(crate) struct World<S = Lift<MemoryStore>> {
    pub(crate) store: S,
    pub(crate) limits: Limits,
    now: Cell<i64>,
    calls: Cell<u128>,
}

impl Default for World {
    fn default() -> Self {
        Self::over(Lift(MemoryStore::default()))
    }
}

impl<S: Store> World<S> {
    /// A world with this store.
    pub(crate) fn over(store: S) -> Self {
        Self {
            store,
            limits: Limits::default(),
            now: Cell::new(NOON),
            calls: Cell::new(0),
        }
    }

    /// The same world with changed limits.
    pub(crate) fn with_limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = self.limits;
        change(&mut limits);
        Self { limits, ..self }
    }

    /// The current time.
    pub(crate) fn now(&self) -> i64 {
        self.now.get()
    }

    /// Advances the clock, or sets it back.
    pub(crate) fn pass(&self, millis: i64) {
        self.now.set(self.now.get() + millis);
    }

    /// Calls an operation with parameters as JSON text.
    pub(crate) fn raw(&self, name: &str, params: &str) -> Result<OperationReply> {
        self.calls.set(self.calls.get() + 1);
        ready(call(
            &self.store,
            &self.limits,
            Timestamp::from_millis(self.now.get()).unwrap(),
            // The multiplication makes the last digits of generated ids differ.
            self.calls
                .get()
                .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
            name,
            params,
        ))
    }

    /// Calls an operation with JSON parameters.
    pub(crate) fn call(&self, name: &str, params: Value) -> Result<OperationReply> {
        self.raw(name, &params.to_string())
    }

    /// The models about which an operation asks the host.
    pub(crate) fn questions(&self, name: &str, params: Value) -> Vec<String> {
        let now = Timestamp::from_millis(self.now()).unwrap();
        let call = call_at(now, self.calls.get(), &self.limits);
        match ready(end(&self.store, call, name, &params.to_string())) {
            Ok(End::Asks(models)) => models,
            ended => panic!("{name} {params} does not ask: {:?}", ended.map(drop)),
        }
    }

    /// The result of an operation that succeeds.
    pub(crate) fn ok(&self, name: &str, params: Value) -> Value {
        let reply = self.call(name, params.clone());
        let reply = reply.unwrap_or_else(|error| panic!("{name} {params}: {error}"));
        serde_json::from_str(&reply.value).unwrap()
    }

    /// The notices of an operation that succeeds.
    pub(crate) fn notices(&self, name: &str, params: Value) -> Value {
        let reply = self.call(name, params.clone());
        let reply = reply.unwrap_or_else(|error| panic!("{name} {params}: {error}"));
        serde_json::from_str(&reply.notices).unwrap()
    }

    /// The error of an operation that fails.
    pub(crate) fn error(&self, name: &str, params: Value) -> Error {
        match self.call(name, params.clone()) {
            Ok(reply) => panic!("{name} {params} succeeds: {}", reply.value),
            Err(error) => error,
        }
    }

    /// The code of the error of an operation that fails.
    pub(crate) fn code(&self, name: &str, params: Value) -> &'static str {
        self.error(name, params).code()
    }

    /// Starts a session with the task `task`, the mode `developer` and these parameters. Returns
    /// its id.
    pub(crate) fn start(&self, params: Value) -> String {
        let mut all = json!({"task": "task", "mode": "developer"});
        all.as_object_mut()
            .unwrap()
            .extend(params.as_object().unwrap().clone());
        self.ok("start", all)["id"].as_str().unwrap().to_owned()
    }

    /// A session with its complete history.
    pub(crate) fn session(&self, id: &str) -> Value {
        self.ok("get", json!({"id": id, "history": "all"}))
    }

    /// The last event of a session.
    pub(crate) fn last_event(&self, id: &str) -> Value {
        self.ok("get", json!({"id": id, "history": 1}))["history"][0].clone()
    }

    /// The exported text of a session.
    pub(crate) fn export(&self, id: &str) -> String {
        let text = self.ok("export", json!({"id": id}));
        text.as_str().unwrap().to_owned()
    }
}

/// A value in a store of a test that is changed through a shared reference.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(std::sync::Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn borrow(&self) -> std::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }

    pub(crate) fn borrow_mut(&self) -> std::sync::MutexGuard<'_, T> {
        self.borrow()
    }

    pub(crate) fn set(&self, value: T) {
        *self.borrow() = value;
    }

    pub(crate) fn replace(&self, value: T) -> T {
        std::mem::replace(&mut *self.borrow(), value)
    }
}

impl<T: Copy> Shared<T> {
    pub(crate) fn get(&self) -> T {
        *self.borrow()
    }
}

impl<T: Default> Shared<T> {
    pub(crate) fn take(&self) -> T {
        self.replace(T::default())
    }
}
