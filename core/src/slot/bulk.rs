//! Starting many sessions in slots with one call. Each start is decided on its own, in the order of the
//! call; as many as possible are written in one commit.

use crate::error::{Error, Result, none_if_corrupt};
use crate::session::bulk::{is_full, settled};
use crate::stored::slot::KIND;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::params::{SlotAnswer, SlotLocking, SlotStart, StartInSlotParams, StartInSlotsParams};
use super::start::{Start, ask_ahead, start, start_alone};

crate::operations! {
    Group::Slots;
    /// Starts sessions in slots, 100 at most, as many as possible in one commit. Each reply is that of
    /// `startInSlot` for it alone, in the order of the call, or `failed` with the code of an error.
    START_IN_SLOTS = WriteMany "startInSlots" (StartInSlotsParams) -> Vec<SlotAnswer>,
        steps start_in_slots,
        r#"{"starts":[{"taskId":"t","phase":"run","model":"a","task":"t","mode":"m"},{"taskId":"u","phase":"run","model":"a","task":"t","mode":"m","id":"s"},{"taskId":"","phase":"run","model":"a","task":"t","mode":"m"}]}"#;
}

/// The greatest number of sessions that one call starts.
const MAX_STARTS: usize = 100;

async fn start_in_slots(context: &Context, params: StartInSlotsParams) -> Result<Vec<SlotAnswer>> {
    let starts = params.starts;
    let count = starts.len();
    if count > MAX_STARTS {
        let problem = format!("expected {MAX_STARTS} at most, got {count}");
        return Err(Error::invalid("starts", problem));
    }
    context.transact(|tx| ask_ahead(tx, &starts)).await?;
    let mut outcome = Outcome::default();
    while outcome.answers.len() < count && outcome.failed.is_none() {
        let done = outcome.answers.len();
        let rest = starts.get(done..).unwrap_or_default();
        match rest.first() {
            // A lease is acquired by a commit of its own.
            Some(first) if first.locking == Some(SlotLocking::Pessimistic) => {
                outcome.record(alone(context, first, done).await);
            }
            _ => match none_if_corrupt(context.try_transact(|tx| batch(tx, rest, done)).await) {
                Ok(Some(results)) => results.into_iter().for_each(|it| outcome.record(it)),
                Ok(None) => {
                    for (at, params) in (done..).zip(rest) {
                        outcome.record(alone(context, params, at).await);
                        if outcome.failed.is_some() {
                            break;
                        }
                    }
                }
                Err(error) => outcome.record(Err(error)),
            },
        }
    }
    outcome.result(count)
}

async fn alone(context: &Context, params: &StartInSlotParams, at: usize) -> Result<SlotStart> {
    start_alone(context, params, Some(context.call().entropy.nth(at))).await
}

/// Starts the first of these sessions, as many as fit into one commit. It stops before a slot that the
/// commit writes already.
fn batch(
    tx: &mut Transaction<'_>,
    starts: &[StartInSlotParams],
    first: usize,
) -> Attempt<Vec<Result<SlotStart>>> {
    let mut results = Vec::new();
    for (at, params) in (first..).zip(starts) {
        if params.locking == Some(SlotLocking::Pessimistic) || is_full(tx) {
            break;
        }
        let entropy = Some(tx.entropy().nth(at));
        let one = match Start::new(tx, params, entropy) {
            Ok(one) => one,
            Err(error) => {
                results.push(Err(error));
                continue;
            }
        };
        if tx.writes_record(KIND, &one.slot.key()) {
            break;
        }
        results.push(settled(start(tx, &one, None))?);
    }
    Ok(results)
}

/// The results of a call so far.
#[derive(Default)]
struct Outcome {
    answers: Vec<SlotAnswer>,
    /// Whether any session was started.
    started: bool,
    /// The error of the store that ended the call early.
    failed: Option<Error>,
}

impl Outcome {
    fn record(&mut self, started: Result<SlotStart>) {
        self.answers.push(match started {
            Ok(start) => {
                self.started |= start.code.is_started();
                SlotAnswer::started(start)
            }
            Err(error) => {
                let answer = SlotAnswer::failed(&error);
                if self.failed.is_none() && error.is_of_store() {
                    self.failed = Some(error);
                }
                answer
            }
        });
    }

    /// The reply. After an error of the store, the starts that were not tried have failed with it.
    fn result(mut self, count: usize) -> Result<Vec<SlotAnswer>> {
        match self.failed {
            Some(error) if !self.started => return Err(error),
            Some(error) => self
                .answers
                .resize_with(count, || SlotAnswer::failed(&error)),
            None => {}
        }
        Ok(self.answers)
    }
}
