//! The operations on metrics: what a handle has counted is recorded, the records of handles that are gone are
//! added to the total, and all of them are read.

use std::collections::BTreeMap;

use tenure_core::error::{Error, Result};
use tenure_core::store::query::Read;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};
use tenure_core::{Json, Process};

use super::counts::Counts;
use super::derived::derive;
use super::own::{Own, ProcessUse};
use super::params::{
    Metrics, MetricsFoldParams, MetricsFolded, MetricsOutcome, MetricsParams, MetricsRecordParams,
    MetricsRecorded,
};
use super::record::{self, Body, KIND, TOTAL, key_of, key_of_process};

/// The time between two records of a handle, in milliseconds.
const EVERY_MS: u64 = 10_000;
/// One of so many calls is asked to add the records of others to the total.
const BETWEEN_FOLDS: u8 = 32;
/// The greatest number of records that one call adds to the total.
const MAX_FOLDED: u32 = 100;

tenure_core::operations! {
    Group::Metrics;
    /// The metrics of a store: what handles have counted in every process, and what follows from the sessions
    /// and the audit log.
    METRICS = Read "metrics" (MetricsParams) -> Metrics, steps metrics,
        r#"{"instance":"i","own":{"counts":{"counters":{"slotStarts":{"created":2}}}},
            "recorded":{"counts":{"counters":{"slotStarts":{"created":1}}}},"derive":true}"#;
    /// Records what a handle has counted in total, in place of what it has recorded before. The outcome is
    /// `recorded`, or `folded` if its record was added to the total meanwhile and nothing was written.
    METRICS_RECORD = Write "metricsRecord" (MetricsRecordParams) -> MetricsRecorded, unit record_own,
        r#"{"instance":"i","own":{"counts":{"counters":{"slotStarts":{"created":1}}}},"known":false,"ended":false,"others":false}"#;
    /// Adds the records of handles that are gone to the total: their process has ended, or they have not
    /// recorded for 15 minutes.
    METRICS_FOLD = Write "metricsFold" (MetricsFoldParams) -> MetricsFolded, steps fold,
        r#"{"limit":10}"#;
}

async fn metrics(context: &Context, params: MetricsParams) -> Result<Metrics> {
    let read = |name: &str, own: Option<&Json>| own.map(|own| Own::read(name, own)).transpose();
    let own = read("own", params.own.as_ref())?;
    let in_record = read("recorded", params.recorded.as_ref())?;
    let asks = params.instance.as_ref().map(key_of).transpose()?;
    let call = context.call();
    let records = context.scan(&record::all()).await?;
    let is_cut = records.len() >= record::all().limit as usize;
    let mut found = Metrics {
        is_incomplete: is_cut,
        ..Metrics::default()
    };
    let mut processes = BTreeMap::new();
    let mut closed = Vec::new();
    let recorded = records
        .iter()
        .filter(|record| Some(&record.key) != asks.as_ref());
    for record in recorded {
        if record.key == TOTAL {
            match record::read_total(Some(record)) {
                Some(total) => found.counts.merge(&total),
                None => found.is_incomplete = true,
            }
        } else if let Some(body) = Body::read(record) {
            if record::is_of_process(record) {
                closed.push(body);
                continue;
            }
            found.handles += 1;
            found.counts.merge(&body.own.counts);
            found.store_bytes = found.store_bytes.max(body.own.store_bytes);
            // What a process used that is gone is not what is used now.
            if !body.is_gone(call.now, &*call.host) {
                add_process(&mut processes, (body.at, body.process()), body.own.process);
            }
        } else {
            found.is_incomplete = true;
        }
    }
    if let Some(mut own) = own {
        let is_there = |key: &String| records.iter().any(|record| record.key == *key);
        if let Some(in_record) = in_record
            && !is_cut
            && !asks.as_ref().is_some_and(is_there)
        {
            own.counts = own.counts.since(&in_record.counts);
        }
        found.handles += u64::from(asks.is_some());
        found.counts.merge(&own.counts);
        found.store_bytes = own.store_bytes.or(found.store_bytes);
        let said = (call.now.as_millis(), call.host.process().cloned());
        add_process(&mut processes, said, own.process);
    }
    for body in closed {
        let process = body.process();
        if let Some((said, known)) = processes.get_mut(&body.own.process.name)
            && said.1 == process
        {
            known.add_pool(body.own.process.pool);
        }
    }
    found.counts = found.counts.shown();
    found.processes = processes
        .into_values()
        .map(|(_, process)| process.bounded())
        .collect();
    if params.derive.unwrap_or(true) {
        found.derived = derive(context).await?;
    }
    Ok(found)
}

/// When a handle said what its process uses, and which process that is.
type Said = (i64, Option<Process>);

/// Adds what a handle says of its process. Handles of one process say the same, at different times, and each has
/// connections of its own. A container that was started again has the name of the one before: the later process counts.
fn add_process(
    processes: &mut BTreeMap<String, (Said, ProcessUse)>,
    said: Said,
    process: ProcessUse,
) {
    if process.name.is_empty() {
        return;
    }
    match processes.get_mut(&process.name) {
        None => {
            processes.insert(process.name.clone(), (said, process));
        }
        Some((known_said, known)) if known_said.1 != said.1 => {
            if said.0 > known_said.0 {
                (*known_said, *known) = (said, process);
            }
        }
        Some((known_said, known)) => {
            known_said.0 = known_said.0.max(said.0);
            if process.cpu_us > known.cpu_us {
                known.cpu_us = process.cpu_us;
                known.resident_bytes = process.resident_bytes;
            }
            known.add_pool(process.pool);
        }
    }
}

fn record_own(tx: &mut Transaction<'_>, params: &MetricsRecordParams) -> Attempt<MetricsRecorded> {
    let own = Own::read("own", &params.own)?;
    let key = key_of(&params.instance)?;
    let ended = params.ended.unwrap_or(false);
    let mut recorded = MetricsRecorded {
        outcome: MetricsOutcome::Recorded,
        next_ms: EVERY_MS,
        folds: !ended && tx.entropy().bits()[0].is_multiple_of(BETWEEN_FOLDS),
    };
    let closed = own.process.clone().closed().filter(|_| ended);
    let of_process = closed.as_ref().map(|closed| key_of_process(&closed.name));
    let mut wanted = vec![key.as_str()];
    if ended {
        wanted.push(TOTAL);
        wanted.extend(of_process.as_deref());
    }
    tx.read_all(wanted.into_iter().map(read_of))?;
    let is_there = tx.record(KIND, &key)?.is_some();
    if params.known.unwrap_or(false) && !is_there {
        recorded.outcome = MetricsOutcome::Folded;
        return Ok(recorded);
    }
    // A total that cannot be read is of a newer version, which will add this record to it.
    let total = if ended { read_total(tx)? } else { None };
    let Some(mut total) = total else {
        let body = Body::new(own, tx.host().process(), tx.now())?;
        tx.put_record(body.to_record(key)?)?;
        return Ok(recorded);
    };
    total.merge(&own.counts);
    tx.put_record(record::total(total)?)?;
    if is_there {
        tx.remove_record(KIND, &key)?;
    }
    if let (Some(closed), Some(key)) = (closed, of_process) {
        keep_closed(tx, closed, key, params.others.unwrap_or(false))?;
    }
    Ok(recorded)
}

/// Keeps what the connections of a handle have counted that is closed, as long as other handles of its process record: the
/// counters of a process never go back while it is shown.
fn keep_closed(
    tx: &mut Transaction<'_>,
    mut closed: ProcessUse,
    key: String,
    others: bool,
) -> Attempt<()> {
    let found = tx.record(KIND, &key)?;
    let before = found.as_ref().map(Body::read);
    match before {
        None if !others => return Ok(()),
        Some(Some(_)) if !others => return tx.remove_record(KIND, &key),
        // It is of a newer version.
        Some(None) => return Ok(()),
        // The record may be that of a process that had the name before.
        Some(Some(before)) if before.process().as_ref() == tx.host().process() => {
            closed.add_pool(before.own.process.pool);
        }
        Some(Some(_)) | None => {}
    }
    let own = Own {
        process: closed,
        ..Own::default()
    };
    let body = Body::new(own, tx.host().process(), tx.now())?;
    tx.put_record(body.to_record(key)?)
}

async fn fold(context: &Context, params: MetricsFoldParams) -> Result<MetricsFolded> {
    let limit = params.limit.unwrap_or(MAX_FOLDED);
    if !(1..=MAX_FOLDED).contains(&limit) {
        let problem = format!("expected 1 to {MAX_FOLDED}");
        return Err(Error::invalid("limit", problem));
    }
    let call = context.call();
    let records = context.scan(&record::all()).await?;
    let handles = records
        .iter()
        .filter(|record| !record::is_of_process(record));
    let bodies = handles.filter_map(Body::read);
    let here = bodies.filter(|body| !body.is_gone(call.now, &*call.host));
    let recording: Vec<Option<Process>> = here.map(|body| body.process()).collect();
    let is_gone = |record: &&tenure_core::stored::record::Record| {
        // One that cannot be read is of a newer version, which knows whether its handle is gone.
        let body = Body::read(record).filter(|_| record.key != TOTAL);
        body.is_some_and(|body| {
            let is_shown = || record::is_of_process(record) && recording.contains(&body.process());
            body.is_gone(call.now, &*call.host) && !is_shown()
        })
    };
    let gone = records.iter().filter(is_gone).take(limit as usize);
    let gone: Vec<String> = gone.map(|record| record.key.clone()).collect();
    if gone.is_empty() {
        return Ok(MetricsFolded { folded: 0 });
    }
    let folded = context.transact(|tx| fold_into_total(tx, &gone)).await?;
    Ok(MetricsFolded { folded })
}

/// Adds the records of handles to the total, in one commit. A handle that has recorded meanwhile keeps its record.
fn fold_into_total(tx: &mut Transaction<'_>, gone: &[String]) -> Attempt<u64> {
    let keys = gone.iter().map(String::as_str);
    tx.read_all(keys.chain([TOTAL]).map(read_of))?;
    let Some(mut total) = read_total(tx)? else {
        return Ok(0);
    };
    let mut folded = 0;
    for key in gone {
        let Some(record) = tx.record(KIND, key)? else {
            continue;
        };
        match Body::read(&record) {
            Some(body) if body.is_gone(tx.now(), tx.host()) => total.merge(&body.own.counts),
            Some(_) | None => continue,
        }
        tx.remove_record(KIND, key)?;
        folded += 1;
    }
    if folded > 0 {
        tx.put_record(record::total(total)?)?;
    }
    Ok(folded)
}

fn read_total(tx: &mut Transaction<'_>) -> Attempt<Option<Counts>> {
    Ok(record::read_total(tx.record(KIND, TOTAL)?.as_ref()))
}

fn read_of(key: &str) -> Read {
    Read::Record {
        kind: KIND.to_owned(),
        key: key.to_owned(),
    }
}
