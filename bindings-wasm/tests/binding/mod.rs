//! What the exports have to do wherever WebAssembly runs.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

const NOW: f64 = 1_700_000_000_000.0;

fn parse(answer: &str) -> Value {
    serde_json::from_str(answer).expect("an answer is JSON")
}

fn open(url: &str) -> u32 {
    let opened = parse(&tenure_wasm::open(url, "{}"));
    u32::try_from(opened["ok"]["handle"].as_u64().expect("a handle")).expect("a small one")
}

/// Calls an operation, without answers about models.
fn call(handle: u32, name: &str, params: &str) -> Value {
    parse(&tenure_wasm::call(handle, name, params, NOW, None, None))
}

fn start_params(task: &str) -> String {
    json!({"userId": "u1", "channelId": "c1", "task": task, "mode": "chat"}).to_string()
}

#[wasm_bindgen_test]
fn an_operation_goes_from_text_to_text() {
    let handle = open("memory:");
    // Beyond the basic plane: two units in JavaScript, four bytes here.
    let task = "count the 🦀";
    let started = call(handle, "start", &start_params(task));
    assert_eq!(started["ok"]["task"], task);
    let params = json!({"id": started["ok"]["id"]}).to_string();
    let read = call(handle, "get", &params);
    assert_eq!(read["ok"], started["ok"]);
    tenure_wasm::close(handle);
}

#[wasm_bindgen_test]
fn sessions_of_one_millisecond_have_ids_of_their_own() {
    let handle = open("memory:");
    let id = || call(handle, "start", &start_params("t"))["ok"]["id"].clone();
    assert_ne!(id(), id());
    tenure_wasm::close(handle);
}

#[wasm_bindgen_test]
fn memory_grows_a_few_times_for_many_sessions() {
    let handle = open("memory:");
    let params = start_params(&"x".repeat(2000));
    let size = || core::arch::wasm32::memory_size(0);
    let (first, mut last, mut steps) = (size(), size(), 0);
    for _ in 0..5000 {
        call(handle, "start", &params);
        steps += u32::from(size() > last);
        last = size();
    }
    assert!(last - first > 150, "{first} pages, then {last}");
    assert!(steps < 30, "{steps} steps from {first} to {last} pages");
    tenure_wasm::close(handle);
}

#[wasm_bindgen_test]
fn a_store_of_the_host_is_asked_and_its_reply_ends_the_operation() {
    let handle = open("host:");
    let params = json!({"id": "session_1"}).to_string();
    let asked = parse(&tenure_wasm::start(handle, "get", &params, NOW, None, None));
    assert_eq!(asked["need"]["method"], "load");
    let operation =
        u32::try_from(asked["need"]["operation"].as_u64().expect("a number")).expect("a small one");
    let reply = json!({"ok": null}).to_string();
    let answered = parse(&tenure_wasm::resume(handle, operation, reply));
    assert_eq!(answered, json!({"ok": null}));
    tenure_wasm::close(handle);
}

#[wasm_bindgen_test]
fn a_closed_handle_answers_with_a_code() {
    let handle = open("memory:");
    tenure_wasm::close(handle);
    let refused = call(handle, "list", "{}");
    assert_eq!(refused["error"]["code"], "CLOSED");
}

#[wasm_bindgen_test]
fn a_job_says_what_it_needs_and_continues_with_the_reply() {
    let needed = parse(&tenure_wasm::start_job("slotWait", r#"{"retries":1}"#));
    assert_eq!(needed["need"]["method"], "attempt");
    let job = u32::try_from(needed["need"]["operation"].as_u64().expect("a number"));
    let job = job.expect("a small one");
    let needed = parse(&tenure_wasm::resume_job(
        job,
        r#"{"ok":"SLOT_LOCKED"}"#,
        1.5,
    ));
    assert_eq!(needed["need"]["method"], "sleep");
    tenure_wasm::cancel_job(job);
    let ended = parse(&tenure_wasm::resume_job(job, r#"{"ok":null}"#, 2.5));
    assert_eq!(ended["error"]["code"], "INTERNAL");
}
