//! Tenure as a Node addon: the bridge's functions, exported to JavaScript, with the native stores.
//! Texts cross both ways as JSON; what they mean is the bridge's matter.

mod archive_reader;
mod archives;
mod host_servers;
mod metrics;
mod panics;
mod random;
mod serve;
mod store;
mod store_thread;

use napi::Env;
use napi::bindgen_prelude::{Function, Uint8Array};
use napi_derive::napi;
use tenure_bridge::{Answer, Call, Handles, HostEngine, Info, Jobs, answer, rules};
use tenure_core::{Error, Result, Timestamp};
use tenure_host::{Executor, Place, this_host};

use crate::host_servers::HostServers;
use crate::panics::guarded;
use crate::store::StoreBackend;
use crate::store_thread::StoreThread;

thread_local! {
    /// Each JavaScript thread has its own handles.
    static HANDLES: Handles = Handles::default();
    /// Each JavaScript thread has its own jobs.
    static JOBS: Jobs = Jobs::default();
    /// The servers over the stores in JavaScript of each JavaScript thread.
    static HOST_SERVERS: HostServers = HostServers::default();
}

/// What this build is, as JSON.
#[napi]
pub fn info() -> Answer {
    answer::ok(&Info {
        build: "native",
        version: env!("CARGO_PKG_VERSION"),
        stores: &[
            "memory", "file", "sqlite", "registry", "git", "postgres", "host",
        ],
    })
}

/// Opens a store; the answer carries its handle. `done` is called with what a store's thread answers,
/// as the JSON text of a list of `{operation, answer}`.
#[napi]
pub fn open(
    env: Env,
    url: String,
    options: String,
    done: Option<Function<'_, String, ()>>,
) -> napi::Result<Answer> {
    let thread = done.map(|done| StoreThread::new(env, &done)).transpose()?;
    Ok(guarded(|| {
        HANDLES.with(|handles| {
            handles.open(&url, &options, |url, options| {
                match Place::of(url).transpose()? {
                    // A mirror is the bridge's own.
                    Ok(Place::Memory) if options.mirror => None,
                    Ok(place) => Some(store::open(place, options, thread)),
                    Err(error) => Some(Err(error)),
                }
            })
        })
    }))
}

/// Performs an operation synchronously. `entropy` takes the place of random bits; `answers`
/// are given when it has asked.
#[napi]
pub fn call(
    handle: u32,
    name: String,
    params: String,
    now: f64,
    entropy: Option<String>,
    answers: Option<String>,
    trace: Option<String>,
) -> Answer {
    with_call(&name, &params, now, entropy, (answers, trace), |call| {
        HANDLES.with(|handles| handles.with(handle, |backend| backend.call(call)))
    })
}

/// Begins an operation: its answer, what it needs of the host's store, or that it waits for a
/// store's thread.
#[napi]
pub fn start(
    handle: u32,
    name: String,
    params: String,
    now: f64,
    entropy: Option<String>,
    answers: Option<String>,
    trace: Option<String>,
) -> Answer {
    with_call(&name, &params, now, entropy, (answers, trace), |call| {
        HANDLES.with(|handles| handles.with(handle, |backend| backend.start(call)))
    })
}

/// Goes on with an operation after the reply of the host's store.
#[napi]
pub fn resume(handle: u32, operation: u32, reply: String) -> Answer {
    guarded(|| {
        HANDLES.with(|handles| handles.with(handle, |backend| backend.resume(operation, reply)))
    })
}

/// Drops an operation whose store did not answer.
#[napi]
pub fn cancel(handle: u32, operation: u32) -> Answer {
    guarded(|| HANDLES.with(|handles| handles.with(handle, |backend| backend.cancel(operation))))
}

/// Replaces the models that exist, for the calls of a handle from now on.
#[napi]
pub fn set_models(handle: u32, params: String) -> Answer {
    guarded(|| HANDLES.with(|handles| handles.set_models(handle, &params)))
}

/// Whether a stored version meets the precondition of a change.
#[napi]
pub fn allows(kind: String, version: f64, stored: f64) -> Option<bool> {
    rules::allows(&kind, version, stored)
}

/// The sequence numbers of a part of a history.
#[napi]
pub fn range_of(kind: String, value: f64, limit: f64, event_count: f64) -> Option<Vec<f64>> {
    rules::range_of(&kind, value, limit, event_count)
}

/// The properties of a head that hold user data.
#[napi]
pub fn user_data() -> String {
    rules::user_data()
}

/// What a handle has counted, as the parameters of `metrics`.
#[napi]
pub fn own_metrics(handle: u32) -> Answer {
    with_executor(handle, |executor| Ok(metrics::own(executor)))
}

/// What there is to record, as the parameters of `metricsRecord`.
#[napi]
pub fn metrics_to_record(handle: u32, ended: bool) -> Answer {
    with_executor(handle, |executor| metrics::to_record(executor, ended))
}

/// Takes the reply of `metricsRecord`.
#[napi]
pub fn metrics_recorded(handle: u32, reply: String) -> Answer {
    with_executor(handle, |executor| metrics::recorded(executor, &reply))
}

/// Counts what JavaScript has measured.
#[napi]
pub fn report_metrics(handle: u32, report: String) -> Answer {
    with_executor(handle, |executor| metrics::report(executor, &report))
}

/// The text of the reply of `metrics`.
#[napi]
pub fn metrics_text(reply: String, format: String) -> Answer {
    guarded(|| {
        let text = metrics::text(&reply, &format);
        text.unwrap_or_else(|error| answer::error(&error))
    })
}

/// Loads heads into a mirror: how many they are.
#[napi]
pub fn load_heads(handle: u32, bytes: Uint8Array) -> Answer {
    guarded(|| {
        HANDLES.with(|handles| handles.with(handle, |backend| backend.load_heads(bytes.to_vec())))
    })
}

/// Serves the store of a handle over HTTP. The answer carries the server and the operation that ends with it.
/// Over a store in JavaScript `deliver` is called with the answer of that operation, and with the calls of
/// clients, as the JSON text of a list of `{operation, answer}` and `{server, call, name}`.
#[napi]
pub fn serve(
    env: Env,
    handle: u32,
    options: String,
    deliver: Option<Function<'_, String, ()>>,
) -> napi::Result<Answer> {
    let thread = deliver
        .map(|deliver| StoreThread::new(env, &deliver))
        .transpose()?;
    Ok(with_store(handle, |store| match (store, &thread) {
        (Store::Native(store), _) => store.serve(&options),
        (Store::Host(engine), Some(thread)) => {
            HOST_SERVERS.with(|servers| servers.serve(handle, engine, &options, thread))
        }
        (Store::Host(_), None) => Err(Error::internal("nothing receives the calls of clients")),
    }))
}

/// Starts a client's call over a store in JavaScript: its answer, or what it needs of the store.
#[napi]
pub fn start_call(handle: u32, server: u32, call: u32) -> Answer {
    with_store(handle, |store| match store {
        Store::Host(engine) => HOST_SERVERS.with(|servers| servers.start(server, call, engine)),
        Store::Native(_) => Err(Error::internal("the server starts its calls itself")),
    })
}

/// Answers a client's call.
#[napi]
pub fn answer_call(server: u32, call: u32, answer: String) -> Answer {
    guarded(|| {
        HOST_SERVERS.with(|servers| servers.answer(server, call, answer));
        answer::ok(&())
    })
}

/// Starts to close a server.
#[napi]
pub fn close_server(handle: u32, server: u32) -> Answer {
    with_store(handle, |store| {
        match store {
            Store::Native(store) => store.close_server(server),
            Store::Host(_) => HOST_SERVERS.with(|servers| servers.close_server(server)),
        }
        Ok(answer::ok(&()))
    })
}

/// Starts to deliver the webhooks of a handle, on a thread of its own.
#[napi]
pub fn deliver(handle: u32, params: String) -> Answer {
    with_store(handle, |store| match store {
        Store::Native(store) => store.deliver(&params),
        Store::Host(_) => Err(Error::internal(
            "TypeScript delivers over a store in JavaScript",
        )),
    })
}

/// What a handle has delivered, and has it look for more.
#[napi]
pub fn delivered(handle: u32) -> Answer {
    with_store(handle, |store| match store {
        Store::Native(store) => Ok(store.delivered()),
        Store::Host(_) => Ok(answer::ok(&())),
    })
}

/// Stops to deliver.
#[napi]
pub fn end_delivery(handle: u32) -> Answer {
    with_store(handle, |store| match store {
        Store::Native(store) => store.end_delivery(),
        Store::Host(_) => Ok(answer::ok(&())),
    })
}

/// Has a thread of a handle run a job at its schedule. What becomes of it goes to the `done` of the handle, as `{news}`.
#[napi]
pub fn schedule(handle: u32, params: String, archive: Option<String>, compress: bool) -> Answer {
    of_store(handle, |store| {
        store.schedule(&params, archive.as_deref(), compress)
    })
}

/// Stops the job of a handle.
#[napi]
pub fn end_schedule(handle: u32) -> Answer {
    of_store(handle, StoreBackend::end_schedule)
}

/// Closes a handle.
#[napi]
pub fn close(handle: u32) -> Answer {
    guarded(|| {
        HOST_SERVERS.with(|servers| servers.close(handle));
        HANDLES.with(|handles| handles.close(handle))
    })
}

/// Begins a batch of a store's sessions in the archive of an address; the answer carries its number.
#[napi]
pub fn open_archive(handle: u32, address: String, compress: bool) -> Answer {
    of_store(handle, |store| store.open_archive(&address, compress))
}

/// Adds a part of a session to a batch, as JSON.
#[napi]
pub fn add_to_archive(handle: u32, archive: u32, part: String) -> Answer {
    of_store(handle, |store| store.add_to_archive(archive, &part))
}

/// Ends a batch; the answer has the sessions that are not durable.
#[napi]
pub fn finish_archive(handle: u32, archive: u32, now: f64) -> Answer {
    of_store(handle, |store| {
        // A float-to-integer cast saturates.
        store.finish_archive(archive, Timestamp::from_millis(now as i64)?)
    })
}

/// Reads the archive of an address: `list`, `get` or `verify`, with parameters as JSON.
#[napi]
pub fn read_archive(handle: u32, address: String, method: String, params: String) -> Answer {
    of_store(handle, |store| {
        store.read_archive(&address, &method, &params)
    })
}

/// Drops a batch: what it has stored counts for nothing.
#[napi]
pub fn close_archive(handle: u32, archive: u32) -> Answer {
    of_store(handle, |store| {
        store.close_archive(archive);
        Ok(answer::ok(&()))
    })
}

/// Does something with a native store.
fn of_store(handle: u32, act: impl FnOnce(&StoreBackend) -> Result<Answer>) -> Answer {
    guarded(|| {
        HANDLES.with(|handles| {
            handles.with(handle, |backend| {
                let acted = match StoreBackend::of(backend) {
                    Some(store) => act(store),
                    None => Err(Error::invalid(
                        "archive",
                        "only native stores archive to a URL",
                    )),
                };
                acted.unwrap_or_else(|error| answer::error(&error))
            })
        })
    })
}

/// Starts a job: its result, or what it needs first.
#[napi]
pub fn start_job(name: String, params: String) -> Answer {
    guarded(|| match tenure_bridge::random_bits(random::fill) {
        Ok(bits) => JOBS.with(|jobs| jobs.start(&name, &params, bits)),
        Err(error) => answer::error(&error),
    })
}

/// Continues a job with the reply to what it needed.
#[napi]
pub fn resume_job(job: u32, reply: String, elapsed: f64) -> Answer {
    guarded(|| JOBS.with(|jobs| jobs.resume(job, &reply, elapsed)))
}

/// Drops a job.
#[napi]
pub fn cancel_job(job: u32) -> Answer {
    guarded(|| JOBS.with(|jobs| jobs.cancel(job)))
}

/// A store that can be served.
enum Store<'a> {
    Native(&'a StoreBackend),
    /// One that is written in JavaScript.
    Host(&'a HostEngine),
}

fn with_store(handle: u32, act: impl FnOnce(Store<'_>) -> Result<Answer>) -> Answer {
    guarded(|| {
        HANDLES.with(|handles| {
            handles.with(handle, |backend| {
                let engine = backend.as_any();
                let engine = engine.and_then(|engine| engine.downcast_ref::<HostEngine>());
                let done = match (StoreBackend::of(backend), engine) {
                    (Some(store), _) => act(Store::Native(store)),
                    (None, Some(engine)) => act(Store::Host(engine)),
                    (None, None) => Err(Error::invalid("store", "a mirror cannot be served")),
                };
                done.unwrap_or_else(|error| answer::error(&error))
            })
        })
    })
}

/// Calls a function with the executor of a handle; a store in JavaScript and a mirror have none.
fn with_executor(handle: u32, act: impl FnOnce(Option<&Executor>) -> Result<Answer>) -> Answer {
    guarded(|| {
        HANDLES.with(|handles| {
            handles.with(handle, |backend| {
                let done = act(StoreBackend::of(backend).map(StoreBackend::executor));
                done.unwrap_or_else(|error| answer::error(&error))
            })
        })
    })
}

fn with_call(
    name: &str,
    params: &str,
    now: f64,
    entropy: Option<String>,
    (answers, trace): (Option<String>, Option<String>),
    act: impl FnOnce(Call<'_>) -> Answer,
) -> Answer {
    guarded(
        || match tenure_bridge::entropy(now, entropy.as_deref(), random::fill) {
            Ok(entropy) => act(Call {
                name,
                params,
                now,
                entropy,
                host: this_host(),
                answers: answers.as_deref(),
                trace: trace.as_deref(),
            }),
            Err(error) => answer::error(&error),
        },
    )
}
