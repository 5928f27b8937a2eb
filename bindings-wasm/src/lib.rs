//! Tenure as WebAssembly: the bridge's functions, exported to JavaScript. Texts cross both ways as
//! JSON; what they mean is the bridge's matter. Everything runs on the one thread that calls.

mod room;

use std::sync::Arc;

use tenure_bridge::{Answer, Call, Handles, Info, Jobs, rules};
use tenure_core::NoHost;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static HANDLES: Handles = Handles::default();
    static JOBS: Jobs = Jobs::default();
}

/// What this build is, as JSON.
#[wasm_bindgen]
pub fn info() -> Answer {
    tenure_bridge::answer::ok(&Info {
        build: "wasm",
        version: env!("CARGO_PKG_VERSION"),
        stores: &["memory", "host"],
    })
}

/// Whether this much memory can be allocated. A failed allocation would be the end of the module.
#[wasm_bindgen(js_name = hasRoom)]
pub fn has_room(bytes: f64) -> bool {
    tenure_core::value::limits::has_room(bytes as u64)
}

/// Opens a store; the answer carries its handle.
#[wasm_bindgen]
pub fn open(url: &str, options: &str) -> Answer {
    HANDLES.with(|handles| handles.open(url, options, |_, _| None))
}

/// Performs an operation synchronously. `entropy` takes the place of random bits; `answers`
/// are given when it has asked.
#[wasm_bindgen]
pub fn call(
    handle: u32,
    name: &str,
    params: &str,
    now: f64,
    entropy: Option<String>,
    answers: Option<String>,
) -> Answer {
    with_call(name, params, now, entropy, answers, |call| {
        HANDLES.with(|handles| handles.with(handle, |backend| backend.call(call)))
    })
}

/// Begins an operation: its answer, or what it needs of the host's store.
#[wasm_bindgen]
pub fn start(
    handle: u32,
    name: &str,
    params: &str,
    now: f64,
    entropy: Option<String>,
    answers: Option<String>,
) -> Answer {
    with_call(name, params, now, entropy, answers, |call| {
        HANDLES.with(|handles| handles.with(handle, |backend| backend.start(call)))
    })
}

/// Goes on with an operation after the reply of the host's store.
#[wasm_bindgen]
pub fn resume(handle: u32, operation: u32, reply: String) -> Answer {
    room::keep();
    HANDLES.with(|handles| handles.with(handle, |backend| backend.resume(operation, reply)))
}

/// Drops an operation whose store did not answer.
#[wasm_bindgen]
pub fn cancel(handle: u32, operation: u32) -> Answer {
    HANDLES.with(|handles| handles.with(handle, |backend| backend.cancel(operation)))
}

/// Replaces the models that exist, for the calls of a handle from now on.
#[wasm_bindgen(js_name = setModels)]
pub fn set_models(handle: u32, params: &str) -> Answer {
    HANDLES.with(|handles| handles.set_models(handle, params))
}

/// Whether a stored version meets the precondition of a change.
#[wasm_bindgen]
pub fn allows(kind: &str, version: f64, stored: f64) -> Option<bool> {
    rules::allows(kind, version, stored)
}

/// The sequence numbers of a part of a history.
#[wasm_bindgen(js_name = rangeOf)]
pub fn range_of(kind: &str, value: f64, limit: f64, event_count: f64) -> Option<Vec<f64>> {
    rules::range_of(kind, value, limit, event_count)
}

/// The properties of a head that hold user data.
#[wasm_bindgen(js_name = userData)]
pub fn user_data() -> String {
    rules::user_data()
}

/// Loads heads into a mirror: how many they are.
#[wasm_bindgen(js_name = loadHeads)]
pub fn load_heads(handle: u32, bytes: Vec<u8>) -> Answer {
    room::keep();
    HANDLES.with(|handles| handles.with(handle, |backend| backend.load_heads(bytes)))
}

/// Closes a handle.
#[wasm_bindgen]
pub fn close(handle: u32) -> Answer {
    HANDLES.with(|handles| handles.close(handle))
}

/// Starts a job: its result, or what it needs first.
#[wasm_bindgen(js_name = startJob)]
pub fn start_job(name: &str, params: &str) -> Answer {
    match tenure_bridge::random_bits(getrandom::fill) {
        Ok(bits) => JOBS.with(|jobs| jobs.start(name, params, bits)),
        Err(error) => tenure_bridge::answer::error(&error),
    }
}

/// Continues a job with the reply to what it needed.
#[wasm_bindgen(js_name = resumeJob)]
pub fn resume_job(job: u32, reply: &str, elapsed: f64) -> Answer {
    room::keep();
    JOBS.with(|jobs| jobs.resume(job, reply, elapsed))
}

/// Drops a job.
#[wasm_bindgen(js_name = cancelJob)]
pub fn cancel_job(job: u32) -> Answer {
    JOBS.with(|jobs| jobs.cancel(job))
}

fn with_call(
    name: &str,
    params: &str,
    now: f64,
    entropy: Option<String>,
    answers: Option<String>,
    act: impl FnOnce(Call<'_>) -> Answer,
) -> Answer {
    room::keep();
    match tenure_bridge::entropy(now, entropy.as_deref(), getrandom::fill) {
        Ok(entropy) => act(Call {
            name,
            params,
            now,
            entropy,
            host: Arc::new(NoHost),
            answers: answers.as_deref(),
            // Traces are a matter of the native build.
            trace: None,
        }),
        Err(error) => tenure_bridge::answer::error(&error),
    }
}
