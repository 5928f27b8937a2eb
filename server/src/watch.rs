//! The changes of the store as server-sent events. A stream reads the feed page by page, each when the
//! client has received the one before, so that a slow client takes no memory. The id of an event is its
//! position: a client that connects again with `Last-Event-ID` goes on where it stopped.

use std::fmt::{Display, Write};
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::value::RawValue;
use tenure_bridge::Answer;
use tenure_core::feed::operations::CHANGES_SINCE;
use tenure_core::value::json::{Json, Object, well_formed};
use tenure_core::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::call::perform;
use crate::failure;
use crate::query;
use crate::race::{First, first};
use crate::refusal::Refusal;
use crate::reply::{self, Response};
use crate::state::State;

/// The changes of one page.
const PAGE: u32 = 100;
/// The header with the position of the last event that a client has received.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a client waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 1000;

/// Starts a stream, or says why not.
pub(crate) async fn watch(state: &Arc<State>, query: &str, headers: &HeaderMap) -> Response {
    let name = CHANGES_SINCE.name();
    let (what, from) = match wanted(query, headers) {
        Ok(wanted) => wanted,
        Err(error) => return failure::error(state, name, &error),
    };
    let Ok(permit) = Arc::clone(&state.streams).try_acquire_owned() else {
        return failure::refused(&Refusal::Busy {
            what: "streams",
            limit: state.limits.streams,
        });
    };
    let newest = state.pulse.subscribe();
    let page = match Page::read(state, &what, from).await {
        Ok(page) => page,
        Err(answer) => return failure::answered(state, name, answer),
    };
    let (parts, receiver) = mpsc::channel(1);
    let stream = Stream {
        state: Arc::clone(state),
        what,
        newest,
        parts,
        _permit: permit,
    };
    tokio::spawn(stream.run(page));
    reply::events(receiver)
}

/// Looks for changes while streams wait for them.
pub(crate) async fn follow(state: Arc<State>) {
    loop {
        state.pulse.due().await;
        let answer = perform(&state, &CHANGES_SINCE, "{}".to_owned(), None).await;
        // A store that fails is read by the streams, which report it.
        if let Ok(Succeeded { ok }) = serde_json::from_str(&answer) {
            state.pulse.set(ok.position);
        }
    }
}

/// What a client watches.
enum Watched {
    /// The changes that a filter selects.
    Changes(Json),
    /// The newest position alone.
    Positions,
}

/// What to watch, and the position after which to begin.
fn wanted(query: &str, headers: &HeaderMap) -> Result<(Watched, Option<u64>)> {
    let mut filter = Json::empty_object();
    let mut from = None;
    let mut positions = false;
    for (name, value) in query::parameters(query)? {
        match name.as_str() {
            "filter" => {
                filter = Json::parse(well_formed("filter", &value)?)?;
                filter.require_object("filter")?;
            }
            "from" => from = Some(position("from", &value)?),
            "positions" if value == "true" => positions = true,
            _ => {
                let problem = "expected `filter`, `from` or `positions=true`";
                return Err(Error::invalid(name, problem));
            }
        }
    }
    for name in ["position", "limit"] {
        if Object::parse(&filter).get(name).is_some() {
            return Err(Error::invalid(name, "expected a property of a filter"));
        }
    }
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        from = Some(position(
            "Last-Event-ID",
            last.to_str().unwrap_or_default(),
        )?);
    }
    Ok(match positions {
        true => (Watched::Positions, None),
        false => (Watched::Changes(filter), from),
    })
}

fn position(what: &str, text: &str) -> Result<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let position = text.parse().ok().filter(|_| is_number);
    position.ok_or_else(|| Error::invalid(what, "expected the position of a change"))
}

/// A page of changes, as events.
struct Page {
    events: String,
    position: u64,
    more: bool,
}

#[derive(Deserialize)]
struct Succeeded<'a> {
    #[serde(borrow)]
    ok: ChangePage<'a>,
}

#[derive(Deserialize)]
struct ChangePage<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    position: u64,
    more: bool,
}

#[derive(Deserialize)]
struct Positioned {
    position: u64,
}

impl Page {
    /// Reads the changes after a position; without one only the newest position. Fails with the answer of
    /// the operation.
    async fn read(
        state: &Arc<State>,
        what: &Watched,
        after: Option<u64>,
    ) -> std::result::Result<Self, Answer> {
        let params = match (what, after) {
            (Watched::Changes(filter), Some(after)) => {
                let mut params = Object::parse(filter);
                params.set("position", &after);
                params.set("limit", &PAGE);
                params.to_json()
            }
            (Watched::Changes(filter), None) => filter.clone(),
            (Watched::Positions, _) => Json::empty_object(),
        };
        let params = params.as_str().to_owned();
        let answer = perform(state, &CHANGES_SINCE, params, None).await;
        match serde_json::from_str::<Succeeded<'_>>(&answer) {
            Ok(Succeeded { ok }) => Ok(Self::of(&ok)),
            Err(_) => Err(answer),
        }
    }

    fn of(page: &ChangePage<'_>) -> Self {
        let mut events = String::new();
        let mut last = None;
        for item in &page.items {
            let position = serde_json::from_str(item.get()).map(|Positioned { position }| position);
            last = position.ok();
            if let Some(position) = last {
                push(&mut events, format_args!("id: {position}\n"));
            }
            push_event(&mut events, "change", item.get());
        }
        if last != Some(page.position) {
            push_position(&mut events, page.position);
        }
        Self {
            events,
            position: page.position,
            more: page.more,
        }
    }
}

/// An event. The lines of its data are JSON, so line breaks in it are spaces between its tokens.
fn push_event(events: &mut String, kind: &str, data: &str) {
    push(events, format_args!("event: {kind}\n"));
    for line in data.split(['\r', '\n']) {
        push(events, format_args!("data: {line}\n"));
    }
    events.push('\n');
}

/// The position from which to go on, without an event.
fn push_position(events: &mut String, position: u64) {
    push(events, format_args!("id: {position}\n\n"));
}

fn push(events: &mut String, text: impl Display) {
    // Writing to a string does not fail.
    let _ = write!(events, "{text}");
}

/// A stream to a client.
struct Stream {
    state: Arc<State>,
    what: Watched,
    newest: watch::Receiver<u64>,
    parts: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
}

/// Why a stream waits no longer.
enum Woken {
    Changed,
    /// Nothing has changed for a while.
    Idle,
    Ended,
}

impl Stream {
    async fn run(mut self, mut page: Page) {
        let end = Instant::now() + self.state.limits.stream_time;
        let mut before = format!("retry: {RETRY_MS}\n");
        loop {
            before.push_str(&page.events);
            if !self.send(std::mem::take(&mut before)).await {
                return;
            }
            let position = page.position;
            if !page.more {
                match self.wait(position, end).await {
                    Woken::Changed => {}
                    Woken::Idle => before.push_str(": alive\n"),
                    Woken::Ended => return,
                }
            }
            page = match Page::read(&self.state, &self.what, Some(position)).await {
                Ok(page) => page,
                Err(answer) => {
                    self.fail(answer).await;
                    return;
                }
            };
        }
    }

    /// Sends a part; `false` if the client is gone or the server is closing.
    async fn send(&self, part: String) -> bool {
        if *self.state.closing.borrow() {
            return false;
        }
        self.parts.send(part.into()).await.is_ok()
    }

    /// Waits for changes after a position.
    async fn wait(&mut self, position: u64, end: Instant) -> Woken {
        let heartbeat = self.state.limits.heartbeat;
        let changed = self.newest.wait_for(|newest| *newest > position);
        let changed = async {
            match first(changed, sleep(heartbeat)).await {
                First::One(_) => Woken::Changed,
                First::Other(()) => Woken::Idle,
            }
        };
        let gone = first(self.parts.closed(), self.state.closed());
        let ended = first(gone, sleep_until(end));
        match first(changed, ended).await {
            First::One(woken) => woken,
            First::Other(_) => Woken::Ended,
        }
    }

    /// Says why the stream ends.
    async fn fail(&self, answer: Answer) {
        let (_, answer) = failure::referenced(&self.state, CHANGES_SINCE.name(), answer);
        let answer = Json::parse(&answer).unwrap_or_default();
        let error = answer.property("error").unwrap_or("null");
        let is_behind = Json::parse(error)
            .is_ok_and(|error| error.property("code") == Some(r#""POSITION_EXPIRED""#));
        let mut events = String::new();
        push_event(
            &mut events,
            if is_behind { "lagged" } else { "failed" },
            error,
        );
        self.send(events).await;
    }
}
