//! `GET /metrics`: the metrics of the store as text for Prometheus, from every process that records them; and the
//! records of the server's own counts.
//!
//! What follows from sessions and the audit log may take long to compute: [`Pace`](tenure_host::metrics::Pace) says how
//! often it is. Between, a scrape has what was computed last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};
use tenure_apps::metrics::own::Own;
use tenure_apps::metrics::params::{Metrics, MetricsOutcome, MetricsRecorded};
use tenure_bridge::{Answer, TABLE, answer};
use tenure_core::Error;
use tenure_core::work::operation::{Access, AnyOperation, Group};
use tenure_host::Executor;
use tenure_host::metrics::{Format, ProcessMeter, metrics_of, text};
use tokio::sync::MutexGuard;

use crate::call::perform;
use crate::failure;
use crate::reply::{self, Response};
use crate::scrapes::Computed;
use crate::state::State;

/// The time until the next attempt to record, where there was nothing to record, or recording has failed.
const RETRY: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct ScrapeParams<'a> {
    own: &'a Own,
    derive: bool,
}

/// Whether the server alone calls an operation: it counts for its clients, and what they say themselves would be counted
/// for good.
pub(crate) fn is_own(operation: &AnyOperation) -> bool {
    operation.group == Group::Metrics && operation.access != Access::Read
}

/// Responds to a scrape. It goes on when the scraper waits no longer, so that the next one need not begin again.
pub(crate) async fn scrape(state: &Arc<State>, request: &Parts) -> Response {
    let format = format_of(request);
    let reading = Arc::clone(state);
    match tokio::spawn(async move { read_metrics(&reading).await }).await {
        Ok(Ok(metrics)) => match text(&metrics, format) {
            Ok(text) => reply::metrics(text, format),
            Err(error) => failure::error(state, "metrics", &error),
        },
        Ok(Err(answer)) => failure::answered(state, "metrics", answer),
        Err(_) => failure::error(state, "metrics", &unread()),
    }
}

/// The metrics, or the answer with an error. The counts are those that are recorded, which never go back: what a server
/// alone knows would be gone when it ends. Only as long as nobody records, they are the server's own.
async fn read_metrics(state: &Arc<State>) -> Result<Metrics, Answer> {
    let began = Instant::now();
    let mut computed = state.scrapes.computed.lock().await;
    // A scrape that has waited while another one failed would wait for the store in turn, and hold up the next one.
    if let Some((ended, answer)) = &computed.failed
        && *ended > began
    {
        return Err(answer.clone());
    }
    let read = read_alone(state, &mut computed).await;
    computed.failed = read
        .as_ref()
        .err()
        .map(|answer| (Instant::now(), answer.clone()));
    read
}

async fn read_alone(state: &Arc<State>, computed: &mut Computed) -> Result<Metrics, Answer> {
    // A record that is under way may be held up by an outage: the scrape has what was recorded before.
    if state.records
        && let Ok(alone) = state.scrapes.recording.try_lock()
        && let Err(answer) = record_alone(state, false, alone).await
        && failure::is_away(&answer)
    {
        return Err(answer);
    }
    let own = reading(state, |executor| executor.map(Executor::own)).await;
    let own = own.map_err(|error| answer::error(&error))?;
    let mut own = own.unwrap_or_else(|| Own {
        process: ProcessMeter.read(),
        ..Own::default()
    });
    let counts = std::mem::take(&mut own.counts);
    if state.records {
        // Its record has the connections, too, and those of handles of one process are added up.
        own.process.pool = None;
    }
    let derive = computed.pace.is_due();
    let began = Instant::now();
    let mut answer = read_with(state, &own, derive).await;
    if derive {
        computed.pace.ended(began);
        if let Some(metrics) = metrics_of(&answer) {
            computed.derived = metrics.derived;
        } else if !failure::is_away(&answer) {
            // The statistics may have failed, and the counts can be read all the same. The failure is logged.
            failure::referenced(state, "metrics", answer);
            answer = read_with(state, &own, false).await;
        }
    }
    let mut metrics = metrics_of(&answer).ok_or(answer)?;
    metrics.derived.clone_from(&computed.derived);
    if !state.records && metrics.counts.is_empty() {
        metrics.counts = counts;
        metrics.handles = 1;
    }
    Ok(metrics)
}

async fn read_with(state: &Arc<State>, own: &Own, derive: bool) -> Answer {
    match serde_json::to_string(&ScrapeParams { own, derive }) {
        Ok(params) => called(state, "metrics", params).await,
        Err(error) => answer::error(&Error::internal(error.to_string())),
    }
}

fn unread() -> Error {
    Error::internal("the metrics of a server could not be read")
}

/// The format that a scraper asks for. One that does not ask for OpenMetrics first gets Prometheus' own.
fn format_of(request: &Parts) -> Format {
    let accepted = request.headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
    let first = accepted.unwrap_or_default().split([',', ';']).next();
    match first.unwrap_or_default().trim() {
        "application/openmetrics-text" => Format::OpenMetrics,
        _ => Format::Prometheus,
    }
}

/// Reads from the executor, which may wait for a disk, on a thread that may wait.
async fn reading<T: Send + 'static>(
    state: &State,
    read: impl FnOnce(Option<&Executor>) -> T + Send + 'static,
) -> Result<T, Error> {
    let service = Arc::clone(&state.service);
    let reading = tokio::task::spawn_blocking(move || read(service.executor()));
    reading.await.map_err(|_| unread())
}

/// Calls an operation, as a client does.
async fn called(state: &Arc<State>, name: &str, params: String) -> Answer {
    match TABLE.find(name) {
        Ok(operation) => perform(state, operation, params, None).await,
        Err(error) => answer::error(&error),
    }
}

/// Records what the server has counted, until it is being closed. A record that is under way ends first.
pub(crate) async fn keep_recording(state: Arc<State>) {
    let mut closing = state.closing.clone();
    loop {
        let pause = record(&state, false).await.unwrap_or(RETRY);
        // An error means that the server was dropped.
        let is_closing = closing.wait_for(|is_closing| *is_closing);
        if tokio::time::timeout(pause, is_closing).await.is_ok() {
            return;
        }
    }
}

/// Records what the server has counted. Returns when to do it again; `None` if that is not known.
pub(crate) async fn record(state: &Arc<State>, ended: bool) -> Option<Duration> {
    let alone = state.scrapes.recording.lock().await;
    record_alone(state, ended, alone).await.ok()?
}

/// As [`record`], or the answer with an error. A reply belongs to the record that was sent last, so there is one at a time.
async fn record_alone(
    state: &Arc<State>,
    ended: bool,
    _alone: MutexGuard<'_, ()>,
) -> Result<Option<Duration>, Answer> {
    #[derive(Deserialize)]
    struct Replied {
        ok: MetricsRecorded,
    }
    loop {
        let to_record = move |executor: Option<&Executor>| {
            let executor = executor?;
            executor.meter().to_record(&executor.own(), ended)
        };
        let Ok(Some(params)) = reading(state, to_record).await else {
            return Ok(None);
        };
        let answer = called(state, "metricsRecord", params).await;
        // A failure is logged. The next record has the same counts.
        let (_, answer) = failure::referenced(state, "metricsRecord", answer);
        let Ok(Replied { ok: reply }) = serde_json::from_str(&answer) else {
            return Err(answer);
        };
        if let Some(executor) = state.service.executor() {
            executor.meter().recorded(&reply);
        }
        if reply.folds {
            let answer = called(state, "metricsFold", "{}".to_owned()).await;
            // A failure is logged. What this server has recorded is there all the same.
            failure::referenced(state, "metricsFold", answer);
        }
        if reply.outcome == MetricsOutcome::Recorded {
            return Ok(Some(Duration::from_millis(reply.next_ms)));
        }
    }
}
