//! Receives the body of a request, up to its limits.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::{Body, Incoming};
use tenure_core::Error;
use tenure_core::error::Cause;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::refusal::Refusal;
use crate::state::{BODY_UNIT, State};

/// A body that was received. It counts among the bodies of the server until it is dropped.
pub(crate) struct Received {
    pub(crate) text: String,
    pub(crate) room: Vec<OwnedSemaphorePermit>,
}

/// Why a body was not received.
pub(crate) enum NotReceived {
    /// It is not acceptable.
    Invalid(Error),
    /// The server receives too much.
    Refused(Refusal),
}

impl From<Error> for NotReceived {
    fn from(error: Error) -> Self {
        Self::Invalid(error)
    }
}

/// Receives a body.
///
/// # Errors
/// `TOO_LARGE`, `INVALID_ARGUMENT` for what is no UTF-8 or takes too long, and [`Refusal::Busy`].
pub(crate) async fn receive(state: &State, body: Incoming) -> Result<Received, NotReceived> {
    let time = state.limits.request_time;
    match timeout(time, receive_all(state, body)).await {
        Ok(received) => received,
        Err(_) => {
            let problem = format!("it was not received within {} ms", time.as_millis());
            Err(Error::invalid("body", problem).into())
        }
    }
}

async fn receive_all(state: &State, mut body: Incoming) -> Result<Received, NotReceived> {
    let limit = state.limits.body_bytes;
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(too_large(announced, limit).into());
    }
    let mut bytes = Vec::new();
    let mut room = Vec::new();
    let mut reserved = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Error::invalid("body", "it was not received completely"))?;
        let Ok(part) = frame.into_data() else {
            continue;
        };
        let length = bytes.len() + part.len();
        if length > limit {
            return Err(too_large(length as u64, limit).into());
        }
        if length > reserved {
            let units = (length - reserved).div_ceil(BODY_UNIT);
            room.push(reserve(state, units).map_err(NotReceived::Refused)?);
            reserved += units * BODY_UNIT;
        }
        bytes.extend_from_slice(&part);
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::invalid("body", "expected UTF-8"))?;
    Ok(Received { text, room })
}

fn reserve(state: &State, units: usize) -> Result<OwnedSemaphorePermit, Refusal> {
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    let permit = Arc::clone(&state.bodies).try_acquire_many_owned(units);
    permit.map_err(|_| Refusal::Busy {
        what: "bytes in requests",
        limit: state.limits.all_bodies_bytes,
    })
}

fn too_large(actual: u64, limit: usize) -> Error {
    Cause::TooLarge {
        what: "body".to_owned(),
        actual,
        limit: limit as u64,
    }
    .into()
}
