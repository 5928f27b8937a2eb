//! The texts that cross to the host.

use serde::Serialize;
use tenure_core::answers::Done;
use tenure_core::webhook::WebhookPayload;
use tenure_core::{Error, Result};

/// An answer as JSON text.
pub type Answer = String;

#[derive(Serialize)]
struct Ok<'a, T> {
    ok: &'a T,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notices: &'a [WebhookPayload],
}

#[derive(Serialize)]
struct Err<'a> {
    error: &'a Error,
}

#[derive(Serialize)]
struct Need<'a> {
    need: Request<'a>,
}

/// What an operation asks of a store that the host provides.
#[derive(Serialize)]
struct Request<'a> {
    operation: u32,
    method: &'a str,
    params: &'a serde_json::value::RawValue,
}

/// `{"ok": …}` or `{"error": …}`.
pub fn of<T: Serialize>(result: &Result<Done<T>>) -> Answer {
    match result {
        Result::Ok(done) => text(&Ok {
            ok: &done.value,
            notices: &done.notices,
        }),
        Result::Err(error) => text(&Err { error }),
    }
}

/// `{"ok": …}`.
pub fn ok<T: Serialize>(value: &T) -> Answer {
    text(&Ok {
        ok: value,
        notices: &[],
    })
}

/// `{"error": …}`.
pub fn error(error: &Error) -> Answer {
    text(&Err { error })
}

/// `{"need": …}`.
pub fn need(operation: u32, method: &str, params: &serde_json::value::RawValue) -> Answer {
    text(&Need {
        need: Request {
            operation,
            method,
            params,
        },
    })
}

/// `{"wait": operation}`: a store's thread will answer.
pub fn wait(operation: u32) -> Answer {
    format!(r#"{{"wait":{operation}}}"#)
}

fn text<T: Serialize>(value: &T) -> Answer {
    // Our own types serialise; were one not to, the host still gets a well-formed answer.
    serde_json::to_string(value).unwrap_or_else(|_| {
        r#"{"error":{"code":"INTERNAL","message":"internal error: an answer that is no JSON; please report this","details":{}}}"#
            .to_owned()
    })
}
