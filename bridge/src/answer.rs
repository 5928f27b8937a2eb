//! The texts that cross to the host.

use serde::{Serialize, Serializer};
use tenure_core::value::print::{json_text, print_json};
use tenure_core::work::execution::{Done, End, Ended};
use tenure_core::work::operation::Reply;
use tenure_core::work::webhook::WebhookPayload;
use tenure_core::{Error, Json};

/// An answer as JSON text.
pub type Answer = String;

#[derive(Serialize)]
struct Ok<'a, T> {
    ok: &'a T,
}

/// Webhook payloads, each as the text that is posted.
struct Notices<'a>(&'a [WebhookPayload]);

impl Serialize for Notices<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(text))
    }
}

#[derive(Serialize)]
struct Err<'a> {
    error: &'a Error,
}

#[derive(Serialize)]
struct Need<'a> {
    need: Request<'a>,
}

/// The request of an operation or a job to the host.
#[derive(Serialize)]
struct Request<'a> {
    operation: u32,
    method: &'a str,
    params: &'a Json,
}

#[derive(Serialize)]
struct Ask<'a> {
    ask: Questions<'a>,
}

/// What the host has to tell before an operation is run again.
#[derive(Serialize)]
struct Questions<'a> {
    /// Whether the models with these names are available.
    models: &'a [String],
}

/// The answer to an ended operation: `{"ok": …}`, `{"error": …}` or `{"ask": …}`.
pub fn of(ended: Ended) -> Answer {
    match ended {
        Result::Ok(End::Done(Done { value, notices })) => {
            succeeded(&*value, &notices).unwrap_or_else(not_json)
        }
        Result::Ok(End::Asks(models)) => text(&Ask {
            ask: Questions { models: &models },
        }),
        Result::Err(error) => text(&Err { error: &error }),
    }
}

/// Few answers need less, in bytes.
const SMALL: usize = 128;

/// `{"ok": …, "notices": …}`. The reply is written where it stays: it may be large.
fn succeeded(value: &dyn Reply, notices: &[WebhookPayload]) -> Option<Answer> {
    let mut text = Vec::with_capacity(SMALL);
    text.extend_from_slice(br#"{"ok":"#);
    value.write_json(&mut text).ok()?;
    if !notices.is_empty() {
        text.extend_from_slice(br#","notices":"#);
        print_json(&Notices(notices), &mut text).ok()?;
    }
    text.push(b'}');
    String::from_utf8(text).ok()
}

/// `{"ok": …}`.
pub fn ok<T: Serialize>(value: &T) -> Answer {
    text(&Ok { ok: value })
}

/// `{"error": …}`.
pub fn error(error: &Error) -> Answer {
    text(&Err { error })
}

/// `{"need": …}`.
pub fn need(operation: u32, method: &str, params: &Json) -> Answer {
    text(&Need {
        need: Request {
            operation,
            method,
            params,
        },
    })
}

/// `{"thrown": number}`: a job ended with the error that the host has under this number.
pub fn thrown(number: u32) -> Answer {
    format!(r#"{{"thrown":{number}}}"#)
}

/// `{"wait": operation}`: a thread of the store completes the operation.
pub fn wait(operation: u32) -> Answer {
    format!(r#"{{"wait":{operation}}}"#)
}

fn text<T: Serialize>(value: &T) -> Answer {
    // Our own types serialise; were one not to, the host still gets a well-formed answer.
    json_text(value).unwrap_or_else(|_| not_json())
}

fn not_json() -> Answer {
    r#"{"error":{"code":"INTERNAL","message":"internal error: an answer that is no JSON; please report this","details":{}}}"#
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::call::{Call, perform};
    use tenure_core::{MemoryStore, NoHost};

    #[test]
    fn a_notice_is_the_text_that_was_built() {
        let store = MemoryStore::default();
        let perform = |name, params| {
            let (now, entropy) = (0.0, [0; 16].into());
            let call = Call {
                name,
                params,
                now,
                entropy,
                host: Arc::new(NoHost),
                answers: None,
                trace: None,
            };
            self::perform(&store, Arc::default(), &call)
        };
        perform("start", r#"{"id":"s","task":"t","mode":"m"}"#);
        let answer = perform(
            "addEvent",
            r#"{"id":"s","type":"pause","data":{"x":1e400}}"#,
        );
        #[derive(serde::Deserialize)]
        struct Read {
            notices: Vec<String>,
        }
        let read: Read = serde_json::from_str(&answer).unwrap();
        assert_eq!(
            read.notices,
            [
                r#"{"event":"pause","session":{"id":"s","mode":"m","status":"paused","task":"t"},"timestamp":"1970-01-01T00:00:00.000Z","data":{"x":1e400}}"#
            ]
        );
    }
}
