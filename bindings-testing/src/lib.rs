//! The conformance kit as WebAssembly: a module of its own, beside the one that serves sessions, with
//! which JavaScript holds its stores to the kit's cases. Texts cross both ways as JSON; what is asked
//! of a store crosses in the bridge's own form. What the cases demand is the kit's matter.
//!
//! Every answer is `{"ok": value}` or `{"error": {code, message, details}}`.

mod fixture;
mod runs;

use tenure_bridge::{Answer, answer};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::runs::Runs;

thread_local! {
    static RUNS: Runs = Runs::default();
}

/// All cases in their order; `ok` is a list of `{group, name}`.
#[wasm_bindgen]
pub fn cases() -> Answer {
    answer::ok(&runs::cases())
}

/// Begins a run of a case; `ok` is a step: `{"need": {run, store, method, params}}` or `{"end": …}`.
#[wasm_bindgen]
pub fn start(case: &str, scale: f64) -> Answer {
    RUNS.with(|runs| runs.start(case, scale))
}

/// Goes on with a run after the host's reply, `{"ok": value}` or `{"error": {code?, message}}`; `ok` is
/// a step.
#[wasm_bindgen]
pub fn resume(run: u32, reply: String) -> Answer {
    RUNS.with(|runs| runs.resume(run, reply))
}

/// Abandons a run.
#[wasm_bindgen]
pub fn cancel(run: u32) -> Answer {
    RUNS.with(|runs| runs.cancel(run))
}
