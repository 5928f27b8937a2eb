//! Starting many sessions in slots at once. What becomes of each is decided as if it were asked for
//! alone, in the order of the call; what can be is committed together.

use crate::error::{Error, Result};
use crate::session::replies::Done;
use crate::session::webhook::WebhookPayload;
use crate::slot::params::{SlotAnswer, SlotLocking, SlotStart, StartInSlotsParams};
use crate::stored;
use crate::value::fingerprint::Fingerprint;

use super::super::bulk::{Batch, is_of_store};
use super::super::{Environment, Service};
use super::{Coming, Start, Step};

/// Sessions that one call starts at most.
const MAX_STARTS: usize = 100;

/// A session that is about to be started.
struct Waiting {
    at: usize,
    env: Environment,
    start: Start,
    coming: Box<Coming>,
}

/// What has come of a call so far.
struct Told {
    /// What has become of each, as far as it is known.
    answers: Vec<Option<SlotAnswer>>,
    notices: Vec<WebhookPayload>,
    /// Whether anything was started.
    started: bool,
    /// Why nothing more is tried.
    failed: Option<Error>,
}

impl Told {
    fn tell(&mut self, at: usize, started: Result<Done<SlotStart>>) {
        let answer = match started {
            Ok(done) => {
                self.started |= done.value.code.is_started();
                self.notices.extend(done.notices);
                SlotAnswer::started(done.value)
            }
            Err(error) => {
                let answer = SlotAnswer::failed(&error);
                if self.failed.is_none() && is_of_store(&error) {
                    self.failed = Some(error);
                }
                answer
            }
        };
        if let Some(place) = self.answers.get_mut(at) {
            *place = Some(answer);
        }
    }
}

impl Service<'_> {
    /// Starts sessions in slots, each unless the one that is there stays.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for too many, and those of the store where nothing has come of it. What is
    /// wrong with one of them is in its answer.
    pub async fn start_in_slots(
        &self,
        env: &Environment,
        params: StartInSlotsParams,
    ) -> Result<Done<Vec<SlotAnswer>>> {
        let count = params.starts.len();
        if count > MAX_STARTS {
            let problem = format!("expected {MAX_STARTS} at most, got {count}");
            return Err(Error::invalid("starts", problem));
        }
        let mut told = Told {
            answers: (0..count).map(|_| None).collect(),
            notices: Vec::new(),
            started: false,
            failed: None,
        };
        let mut waiting = Vec::new();
        let mut batch = Batch::default();
        for (at, params) in params.starts.into_iter().enumerate() {
            if told.failed.is_some() {
                break;
            }
            let env = of_its_own(env, at);
            let start = match self.slot_start(&env, params) {
                Ok(start) => start,
                Err(error) => {
                    told.tell(at, Err(error));
                    continue;
                }
            };
            let locks = start.params.locking == Some(SlotLocking::Pessimistic);
            // Whoever is started before it in its slot is to be seen there.
            if locks || batch.is_full() || batch.writes(stored::slot::KIND, &start.slot.key()) {
                self.commit_starts(&mut batch, &mut waiting, &mut told)
                    .await;
            }
            if locks {
                told.tell(at, self.start_one(&env, &start).await);
                continue;
            }
            match self.coming(&env, &start, 0).await {
                Ok(Step::Comes(coming)) => {
                    if batch.clashes(&coming.changes) {
                        self.commit_starts(&mut batch, &mut waiting, &mut told)
                            .await;
                    }
                    batch.add(&coming.changes);
                    waiting.push(Waiting {
                        at,
                        env,
                        start,
                        coming,
                    });
                }
                Ok(Step::Stays(answer)) => told.tell(at, Ok(Done::quiet(*answer))),
                Ok(Step::Again) => told.tell(at, self.start_one(&env, &start).await),
                Err(error) => told.tell(at, Err(error)),
            }
        }
        if told.failed.is_none() {
            self.commit_starts(&mut batch, &mut waiting, &mut told)
                .await;
        }
        let Told {
            answers,
            notices,
            started,
            failed,
        } = told;
        let value = match failed {
            None => answers.into_iter().flatten().collect(),
            Some(error) if !started => return Err(error),
            // Of those that were not tried, it says why.
            Some(error) => {
                let rest = || SlotAnswer::failed(&error);
                let answers = answers.into_iter();
                answers.map(|answer| answer.unwrap_or_else(rest)).collect()
            }
        };
        Ok(Done { value, notices })
    }

    /// Commits what waits: together, or else one by one.
    async fn commit_starts(&self, batch: &mut Batch, waiting: &mut Vec<Waiting>, told: &mut Told) {
        let together = self.commit_batch(batch).await;
        for one in waiting.drain(..) {
            let started = match &together {
                Ok(true) => Ok(one.coming.done),
                Ok(false) => self.start_one(&one.env, &one.start).await,
                Err(error) => Err(error.clone()),
            };
            told.tell(one.at, started);
        }
    }
}

/// The environment of one of several: each has random bits of its own.
fn of_its_own(env: &Environment, at: usize) -> Environment {
    let mut bits = env.entropy.to_vec();
    bits.extend((at as u64).to_le_bytes());
    let bits = Fingerprint::of("startInSlots", bits).bits();
    Environment {
        entropy: bits.to_le_bytes(),
        ..*env
    }
}
