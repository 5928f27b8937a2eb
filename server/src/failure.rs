//! Responses to what fails. An error of the store or a defect gets a reference, which is also in the log.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_bridge::{Answer, answer};
use tenure_core::Error;
use tenure_core::error::Class;

use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::state::State;

/// How every answer with an error begins.
const FAILED: &str = r#"{"error":"#;

#[derive(Serialize, Deserialize)]
struct Failed {
    error: ErrorBody,
}

#[derive(Serialize, Deserialize)]
struct ErrorBody {
    code: String,
    message: String,
    details: Map<String, Value>,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a Refusal,
}

/// The response with an answer of the bridge. `operation` is for the log.
pub(crate) fn answered(state: &State, operation: &str, answer: Answer) -> Response {
    let (status, text) = referenced(state, operation, answer);
    reply::json(status, text)
}

/// The status for an answer, and the answer with a reference if it needs one.
pub(crate) fn referenced(state: &State, operation: &str, answer: Answer) -> (u16, Answer) {
    if !answer.starts_with(FAILED) {
        return (200, answer);
    }
    let Ok(mut failed) = serde_json::from_str::<Failed>(&answer) else {
        return (Class::Internal.http_status(), answer);
    };
    let error = &mut failed.error;
    let class = Error::class_of(&error.code).unwrap_or(Class::Internal);
    let status = class.http_status();
    if !matches!(class, Class::Store | Class::Internal) {
        return (status, answer);
    }
    let reference = reference();
    state.logging(|| {
        tracing::error!(
            reference,
            operation,
            code = error.code,
            problem = error.message,
            "an operation failed"
        );
    });
    error
        .details
        .insert("reference".to_owned(), reference.into());
    let text = serde_json::to_string(&failed);
    (status, text.unwrap_or(answer))
}

/// Whether an answer has the error of a store that is away, so that a further call would only wait for it, too.
pub(crate) fn is_away(answer: &str) -> bool {
    let failed = serde_json::from_str::<Failed>(answer);
    failed
        .is_ok_and(|failed| matches!(&*failed.error.code, "STORE_UNAVAILABLE" | "OUTCOME_UNKNOWN"))
}

/// The response to an error that is found before an operation is called.
pub(crate) fn error(state: &State, operation: &str, error: &Error) -> Response {
    answered(state, operation, answer::error(error))
}

/// The response to a call of no operation: the error, and where the operations are listed.
pub(crate) fn no_operation(error: &Error) -> Response {
    let answer = answer::error(error);
    let Ok(mut failed) = serde_json::from_str::<Failed>(&answer) else {
        return reply::json(Class::Internal.http_status(), answer);
    };
    let hint = "; GET /v1/openapi.json lists the operations";
    failed.error.message.push_str(hint);
    let text = serde_json::to_string(&failed);
    reply::json(error.class().http_status(), text.unwrap_or(answer))
}

/// The response to a request that the server refuses.
pub(crate) fn refused(refusal: &Refusal) -> Response {
    reply::json(refusal.status(), text(refusal))
}

/// A refusal as JSON.
pub(crate) fn text(refusal: &Refusal) -> String {
    serde_json::to_string(&Refused { error: refusal }).unwrap_or_default()
}

/// Digits that identify an error in the log.
fn reference() -> String {
    let bits = tenure_host::random_bits().unwrap_or_default();
    format!("{:012x}", u128::from_be_bytes(bits) >> 80)
}
