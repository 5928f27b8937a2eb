//! Calls an operation of the table.

use std::sync::Arc;

use tenure_bridge::{Answer, answer};
use tenure_core::Error;
use tenure_core::error::Cause;
use tenure_core::work::operation::{Access, AnyOperation};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::service::{ClientCall, Done, no_answer};
use crate::state::State;

/// Performs an operation. Its answer is awaited for a limited time.
pub(crate) async fn perform(
    state: &Arc<State>,
    operation: &'static AnyOperation,
    params: String,
    answers: Option<String>,
) -> Answer {
    perform_traced(state, operation, params, answers, None).await
}

/// As [`perform`], at a position in a distributed trace.
pub(crate) async fn perform_traced(
    state: &Arc<State>,
    operation: &'static AnyOperation,
    params: String,
    answers: Option<String>,
    trace: Option<String>,
) -> Answer {
    let call = ClientCall {
        operation: operation.name(),
        params,
        answers,
        trace,
    };
    let time = state.limits.request_time;
    match timeout(time, start(state, call)).await {
        Ok(answer) => {
            if operation.access != Access::Read {
                state.pulse.wake();
            }
            answer
        }
        Err(_) => {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            answer::error(&late(operation, millis))
        }
    }
}

/// Starts an operation on a thread that may wait for a disk, and waits for its answer.
async fn start(state: &Arc<State>, call: ClientCall) -> Answer {
    let Ok(thread) = Arc::clone(&state.threads).acquire_owned().await else {
        return no_answer();
    };
    let (sender, answer) = oneshot::channel();
    let running = Running::new(state);
    let service = Arc::clone(&state.service);
    let done: Done = Box::new(move |answer| {
        // A client that waits no longer gets none.
        let _ = sender.send(answer);
        drop(running);
    });
    // A panic drops `done`, so that there is no answer.
    drop(tokio::task::spawn_blocking(move || {
        service.start(call, done);
        drop(thread);
    }));
    answer.await.unwrap_or_else(|_| no_answer())
}

/// An operation that runs, so that the server is not closed before it has ended.
struct Running(Arc<State>);

impl Running {
    fn new(state: &Arc<State>) -> Self {
        state.running.send_modify(|running| *running += 1);
        Self(Arc::clone(state))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// The error for an operation that has not ended in time. It goes on.
fn late(operation: &AnyOperation, timeout_ms: u64) -> Error {
    match operation.access {
        Access::Read => Cause::StoreTimeout {
            method: operation.name().to_owned(),
            timeout_ms,
        },
        Access::Write | Access::WriteMany => Cause::OutcomeUnknown {
            problem: format!("no answer within {timeout_ms} ms"),
        },
    }
    .into()
}
