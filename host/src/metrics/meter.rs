//! Counts the operations of one handle, in memory. An operation costs two readings of a monotonic clock and one
//! lock that is held for a few additions.

use std::any::Any;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tenure_apps::metrics::counts::Counts;
use tenure_apps::metrics::families::{
    Family, JOB_BATCHES, JOB_DURATION, JOB_RUNS, JOB_SESSIONS, Kind, OPERATION_DURATION,
    OPERATIONS, SLOT_CONFLICTS, SLOT_LOCK_ACQUISITION, SLOT_LOCK_CONTENTIONS, SLOT_LOCK_TIMEOUTS,
    SLOT_LOCK_WAIT, SLOT_LOOKUP_DURATION, SLOT_REPLACEMENT_DURATION, SLOT_REPLACEMENTS,
    SLOT_RETRIES, SLOT_STARTS, WEBHOOK_ATTEMPTS,
};
use tenure_apps::metrics::histogram::Histogram;
use tenure_apps::metrics::own::Own;
use tenure_apps::metrics::params::{MetricsOutcome, MetricsRecorded};
use tenure_apps::webhooks::params::WebhookSettled;
use tenure_core::error::Class;
use tenure_core::slot::decision::ReplaceReason;
use tenure_core::slot::message::{SlotCode, SlotOutcome};
use tenure_core::slot::params::{SlotAnswer, SlotLocking, SlotStart, StartInSlotParams};
use tenure_core::work::execution::{End, Ended, Invocation};
use tenure_core::work::operation::Reply;
use tenure_core::{Error, Result};

use super::process::ProcessMeter;
use super::word::{Word, WordHasher};

/// After this time the record of a handle that is idle is renewed.
const RENEWAL: Duration = Duration::from_secs(5 * 60);

/// The number of handles of this process that have a record.
static RECORDERS: AtomicUsize = AtomicUsize::new(0);

/// A handle that has a record.
#[derive(Debug)]
struct Recorder;

impl Recorder {
    fn new() -> Self {
        RECORDERS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        RECORDERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The values of the labels of a family. One that has fewer has empty ones.
type Labels = [&'static str; 2];

/// Counts the operations of one handle.
#[derive(Debug, Default)]
pub struct Meter {
    counted: Mutex<Counted>,
    recording: Mutex<Recording>,
    process: ProcessMeter,
}

/// What was counted, by the names of families.
#[derive(Debug, Default)]
struct Counted {
    counters: ByFamily<u64>,
    histograms: ByFamily<Histogram>,
}

type ByFamily<T> = HashMap<Key, (&'static Family, T), BuildHasherDefault<WordHasher>>;

/// The id of a family, and the values of its labels.
type Key = (Word, [Word; 2]);

fn key_of(family: &'static Family, labels: Labels) -> Key {
    (Word(family.id), labels.map(Word))
}

/// How far the handle has recorded.
#[derive(Debug, Default)]
struct Recording {
    instance: Option<String>,
    /// What the total has already.
    folded: Counts,
    /// What the record has, if a record was answered.
    recorded: Option<(Counts, Instant)>,
    /// What was sent last, until there is an answer.
    sent: Option<Counts>,
    /// Whether the last record was sent.
    is_ending: bool,
    recorder: Option<Recorder>,
}

/// The end of waiting for the lock of a slot, as a driver of the job `slotWait` reports it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotWaited {
    /// The time from the call to its end, in microseconds.
    pub waited_us: u64,
    /// The number of attempts.
    pub attempts: u64,
    /// Whether the last attempt found the slot locked, too.
    pub timed_out: bool,
    /// Whether the call locked the slot.
    pub locked: bool,
}

/// A pass of a background job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPass {
    /// The job.
    pub job: JobName,
    /// Its duration, in milliseconds.
    pub duration_ms: u64,
    /// Whether it has failed.
    pub failed: bool,
    /// The batches that it has read.
    #[serde(default)]
    pub batches: u64,
    /// The sessions that it has removed.
    #[serde(default)]
    pub removed: u64,
    /// The sessions that it could not process.
    #[serde(default)]
    pub not_removed: u64,
}

/// A background job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobName {
    /// Retention.
    Retention,
    /// Purging with an archive.
    Purge,
    /// Copying.
    Copy,
}

impl JobName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Purge => "purge",
            Self::Copy => "copy",
        }
    }
}

impl Meter {
    /// Counts the end of waiting for the lock of a slot.
    pub fn slot_waited(&self, waited: SlotWaited) {
        let mut counted = self.counted();
        counted.count(&SLOT_RETRIES, ["", ""], waited.attempts.saturating_sub(1));
        match waited {
            SlotWaited {
                timed_out: true, ..
            } => counted.count(&SLOT_LOCK_TIMEOUTS, ["", ""], 1),
            SlotWaited { locked: true, .. } => {
                counted.took(&SLOT_LOCK_WAIT, ["", ""], waited.waited_us);
            }
            SlotWaited { .. } => {}
        }
    }

    /// Counts a pass of a background job.
    pub fn job(&self, pass: JobPass) {
        let job = pass.job.as_str();
        let outcome = if pass.failed { "failed" } else { "completed" };
        let mut counted = self.counted();
        counted.count(&JOB_RUNS, [job, outcome], 1);
        counted.took(
            &JOB_DURATION,
            [job, ""],
            pass.duration_ms.saturating_mul(1000),
        );
        counted.count(&JOB_BATCHES, [job, ""], pass.batches);
        counted.count(&JOB_SESSIONS, [job, "removed"], pass.removed);
        counted.count(&JOB_SESSIONS, [job, "failed"], pass.not_removed);
    }

    /// Counts what a driver in another language reports: `{"slotWaited": …}` or `{"job": …}`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn report(&self, text: &str) -> Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Report {
            slot_waited: Option<SlotWaited>,
            job: Option<JobPass>,
        }
        let report: Report = serde_json::from_str(text)
            .map_err(|error| Error::invalid("report", error.to_string()))?;
        report
            .slot_waited
            .into_iter()
            .for_each(|waited| self.slot_waited(waited));
        report.job.into_iter().for_each(|pass| self.job(pass));
        Ok(())
    }

    /// What the handle has counted, but for what the total has, and what its process uses.
    pub fn own(&self) -> Own {
        Own {
            counts: self.counted().read().since(&self.recording().folded),
            process: self.process.read(),
            store_bytes: None,
        }
    }

    /// What the record of the handle has; `None` without a record. Of its process it says nothing.
    pub fn in_record(&self) -> Option<Own> {
        let recording = self.recording();
        let (counts, _) = recording.recorded.as_ref()?;
        Some(Own {
            counts: counts.clone(),
            ..Own::default()
        })
    }

    /// The name under which the handle records; `None` without random bits.
    pub fn instance(&self) -> Option<String> {
        let mut recording = self.recording();
        if recording.instance.is_none() {
            let bits = u128::from_be_bytes(tenure_bridge::random_bits(getrandom::fill).ok()?);
            recording.instance = Some(format!("{bits:032x}"));
        }
        recording.instance.clone()
    }

    /// The parameters of `metricsRecord` for what `own` says, as JSON; `None` if there is nothing to record. `own` is
    /// that of [`Meter::own`], with what the executor knows.
    pub fn to_record(&self, own: &Own, ended: bool) -> Option<String> {
        #[derive(Serialize)]
        struct Params<'a> {
            instance: String,
            own: &'a Own,
            known: bool,
            ended: bool,
            others: bool,
        }
        let instance = self.instance()?;
        let mut recording = self.recording();
        let is_due = match &recording.recorded {
            // The record of a handle that is idle is renewed before it would be taken for that of one that is gone.
            Some((counts, at)) => ended || *counts != own.counts || at.elapsed() >= RENEWAL,
            None => !own.counts.is_empty(),
        };
        if !is_due {
            return None;
        }
        recording.sent = Some(own.counts.clone());
        recording.is_ending = ended;
        let itself = usize::from(recording.recorder.is_some());
        let params = Params {
            instance,
            own,
            known: recording.recorded.is_some(),
            ended,
            others: RECORDERS.load(Ordering::SeqCst) > itself,
        };
        serde_json::to_string(&params).ok()
    }

    /// Takes the reply of `metricsRecord`.
    pub fn recorded(&self, reply: &MetricsRecorded) {
        let mut recording = self.recording();
        let sent = recording.sent.take();
        match reply.outcome {
            MetricsOutcome::Recorded => {
                recording.recorded = sent.map(|counts| (counts, Instant::now()));
                recording.recorder = match recording.is_ending {
                    true => None,
                    false => recording.recorder.take().or_else(|| Some(Recorder::new())),
                };
            }
            MetricsOutcome::Folded => {
                // The next record has what was counted since.
                if let Some((counts, _)) = recording.recorded.take() {
                    recording.folded.merge(&counts);
                }
            }
        }
    }

    /// Starts to measure an operation.
    pub(crate) fn begin(self: &Arc<Self>, invocation: &Invocation) -> Measure {
        let params = invocation.params::<StartInSlotParams>();
        Measure {
            meter: Arc::clone(self),
            name: invocation.name(),
            locking: params.map(|params| params.locking.unwrap_or_default()),
            began: Instant::now(),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Nothing panics while it is locked.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values of the labels that a family has.
fn used<'l>(family: &Family, labels: &'l Labels) -> &'l [&'static str] {
    labels.get(..family.labels.len()).unwrap_or_default()
}

impl Counted {
    fn count(&mut self, family: &'static Family, labels: Labels, number: u64) {
        if number > 0 {
            let (_, counter) = self
                .counters
                .entry(key_of(family, labels))
                .or_insert((family, 0));
            *counter += number;
        }
    }

    fn took(&mut self, family: &'static Family, labels: Labels, us: u64) {
        if let Kind::Durations(bounds) = family.kind {
            let new = || (family, Histogram::default());
            let (_, histogram) = self
                .histograms
                .entry(key_of(family, labels))
                .or_insert_with(new);
            histogram.add(bounds, us);
        }
    }

    fn read(&self) -> Counts {
        let mut counts = Counts::default();
        for ((_, labels), (family, number)) in &self.counters {
            let labels = labels.map(|Word(label)| label);
            counts.count(family, used(family, &labels), *number);
        }
        for ((_, labels), (family, histogram)) in &self.histograms {
            let labels = labels.map(|Word(label)| label);
            counts.durations(family, used(family, &labels), histogram);
        }
        counts
    }
}

/// An operation that is measured. One that is dropped is not counted.
#[derive(Debug)]
pub(crate) struct Measure {
    meter: Arc<Meter>,
    name: &'static str,
    /// The locking of a start in a slot.
    locking: Option<SlotLocking>,
    began: Instant,
}

/// The outcome of an operation, as it is counted.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    word: &'static str,
    /// The outcomes of starts in slots.
    starts: Vec<Start>,
    /// The attempts to deliver webhooks that were settled, by outcome.
    attempts: [(&'static str, u64); 3],
}

/// The outcome of a start in a slot.
#[derive(Debug)]
struct Start {
    outcome: &'static str,
    reason: Option<&'static str>,
    is_locked_out: bool,
    conflicts: u64,
}

impl Measure {
    /// The operation has ended.
    pub(crate) fn end(self, outcome: &Outcome) {
        let Self {
            meter,
            name,
            locking,
            began,
        } = self;
        // Recording must not be a reason to record, nor must looking for changes.
        if name.starts_with("metrics") || (name == "changesSince" && outcome.word == "ok") {
            return;
        }
        let us = micros(began.elapsed());
        let mut counted = meter.counted();
        counted.count(&OPERATIONS, [name, outcome.word], 1);
        counted.took(&OPERATION_DURATION, [name, ""], us);
        if matches!(name, "latestSession" | "slots") {
            counted.took(&SLOT_LOOKUP_DURATION, ["", ""], us);
        }
        if name == "startInSlot" && !matches!(outcome.word, "ok" | "asked") {
            counted.count(&SLOT_STARTS, ["failed", ""], 1);
        }
        for (word, number) in outcome.attempts {
            counted.count(&WEBHOOK_ATTEMPTS, [word, ""], number);
        }
        for start in &outcome.starts {
            counted.count(&SLOT_STARTS, [start.outcome, ""], 1);
            counted.count(&SLOT_CONFLICTS, ["", ""], start.conflicts);
            counted.count(
                &SLOT_LOCK_CONTENTIONS,
                ["", ""],
                u64::from(start.is_locked_out),
            );
            if let Some(reason) = start.reason {
                counted.count(&SLOT_REPLACEMENTS, [reason, ""], 1);
            }
        }
        // A call for several slots takes the time of all of them.
        let (Some(locking), [start]) = (locking, &*outcome.starts) else {
            return;
        };
        if start.reason.is_some() {
            counted.took(&SLOT_REPLACEMENT_DURATION, [word_of(locking), ""], us);
        }
        if locking == SlotLocking::Pessimistic && !start.is_locked_out && outcome.word == "ok" {
            counted.took(&SLOT_LOCK_ACQUISITION, ["", ""], us);
        }
    }
}

impl Outcome {
    /// The outcome of an operation that has ended.
    pub(crate) fn of(ended: &Ended) -> Self {
        match ended {
            Ok(End::Done(done)) => Self {
                word: "ok",
                starts: starts(&*done.value),
                attempts: attempts(&*done.value),
            },
            Ok(End::Asks(_)) => Self {
                word: "asked",
                ..Self::default()
            },
            Err(error) => Self::failed(error),
        }
    }

    /// The outcome of an operation that has failed.
    pub(crate) fn failed(error: &Error) -> Self {
        Self {
            word: word_of_class(error.class()),
            ..Self::default()
        }
    }
}

/// The attempts to deliver that a reply says to be settled.
fn attempts(reply: &(dyn Reply + 'static)) -> [(&'static str, u64); 3] {
    let reply: &dyn Any = reply;
    match reply.downcast_ref::<WebhookSettled>() {
        Some(settled) => [
            ("delivered", settled.delivered),
            ("repeated", settled.retried),
            ("failed", settled.failed),
        ],
        None => Default::default(),
    }
}

/// The outcomes of starts in slots, if a reply has any.
fn starts(reply: &(dyn Reply + 'static)) -> Vec<Start> {
    let reply: &dyn Any = reply;
    if let Some(start) = reply.downcast_ref::<SlotStart>() {
        return vec![Start::of(start)];
    }
    let Some(answers) = reply.downcast_ref::<Vec<SlotAnswer>>() else {
        return Vec::new();
    };
    let of = |answer: &SlotAnswer| match answer {
        SlotAnswer::Started(start) => Start::of(start),
        SlotAnswer::Failed(_) => Start {
            outcome: "failed",
            reason: None,
            is_locked_out: false,
            conflicts: 0,
        },
    };
    answers.iter().map(of).collect()
}

impl Start {
    fn of(start: &SlotStart) -> Self {
        Self {
            outcome: match start.outcome {
                SlotOutcome::Created => "created",
                SlotOutcome::Existing => "existing",
                SlotOutcome::NeedsConfirmation => "needs_confirmation",
                SlotOutcome::Replaced => "replaced",
                SlotOutcome::Busy => "busy",
                SlotOutcome::Rejected => "rejected",
            },
            reason: start.reason.map(ReplaceReason::as_str),
            is_locked_out: start.code == SlotCode::SlotLocked,
            conflicts: u64::from(start.conflicts),
        }
    }
}

fn word_of(locking: SlotLocking) -> &'static str {
    match locking {
        SlotLocking::Optimistic => "optimistic",
        SlotLocking::Pessimistic => "pessimistic",
    }
}

fn word_of_class(class: Class) -> &'static str {
    match class {
        Class::Invalid => "invalid",
        Class::NotFound => "not_found",
        Class::Conflict => "conflict",
        Class::Refused => "refused",
        Class::Store => "store",
        Class::Internal => "internal",
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(meter: &Meter, number: u64) {
        meter.slot_waited(SlotWaited {
            attempts: number + 1,
            ..SlotWaited::default()
        });
    }

    fn retries(own: &Own) -> u64 {
        let family = own.counts.counters.get(SLOT_RETRIES.id);
        family
            .and_then(|family| family.get(""))
            .copied()
            .unwrap_or(0)
    }

    fn reply(outcome: MetricsOutcome) -> MetricsRecorded {
        MetricsRecorded {
            outcome,
            next_ms: 1,
            folds: false,
        }
    }

    #[test]
    fn what_the_total_has_is_not_recorded_again() {
        let meter = Meter::default();
        counted(&meter, 3);
        assert!(meter.to_record(&meter.own(), false).is_some());
        assert_eq!(meter.in_record(), None);
        meter.recorded(&reply(MetricsOutcome::Recorded));
        counted(&meter, 4);
        assert_eq!(retries(&meter.in_record().unwrap()), 3);
        assert_eq!(retries(&meter.own()), 7);
        let params = meter.to_record(&meter.own(), false).unwrap();
        assert!(params.contains(r#""known":true"#), "{params}");
        // The record with 3 was added to the total.
        meter.recorded(&reply(MetricsOutcome::Folded));
        assert_eq!(retries(&meter.own()), 4);
        let params = meter.to_record(&meter.own(), false).unwrap();
        assert!(params.contains(r#""known":false"#), "{params}");
    }

    #[test]
    fn a_handle_that_has_counted_nothing_new_records_nothing() {
        let meter = Meter::default();
        assert_eq!(meter.to_record(&meter.own(), false), None);
        assert_eq!(meter.to_record(&meter.own(), true), None);
        counted(&meter, 1);
        assert!(meter.to_record(&meter.own(), false).is_some());
        meter.recorded(&reply(MetricsOutcome::Recorded));
        assert_eq!(meter.to_record(&meter.own(), false), None);
        assert!(meter.to_record(&meter.own(), true).is_some());
    }

    #[test]
    fn the_last_record_of_a_handle_says_whether_others_record() {
        let meters = [Meter::default(), Meter::default()];
        let record = |meter: &Meter, ended: bool| {
            counted(meter, 1);
            let params = meter.to_record(&meter.own(), ended).unwrap();
            meter.recorded(&reply(MetricsOutcome::Recorded));
            params.contains(r#""others":true"#)
        };
        let [first, second] = &meters;
        record(first, false);
        assert!(record(second, false));
        // Other tests may record at the same time.
        assert!(record(second, true));
        assert!(second.recording().recorder.is_none());
        assert!(first.recording().recorder.is_some());
    }

    #[test]
    fn a_report_of_a_driver_is_counted() {
        let meter = Meter::default();
        let report =
            r#"{"slotWaited":{"waitedUs":1500,"attempts":3,"timedOut":false,"locked":true}}"#;
        meter.report(report).unwrap();
        let report = r#"{"job":{"job":"retention","durationMs":20,"failed":true,"removed":2}}"#;
        meter.report(report).unwrap();
        let counts = meter.own().counts;
        assert_eq!(counts.counters["slotRetries"][""], 2);
        assert_eq!(counts.histograms["slotLockWait"][""].sum_us, 1500);
        assert_eq!(counts.counters["jobRuns"]["retention/failed"], 1);
        assert_eq!(counts.counters["jobSessions"]["retention/removed"], 2);
        assert_eq!(counts.clone().known(), counts);
        assert_eq!(meter.report("{").unwrap_err().code(), "INVALID_ARGUMENT");
    }
}
