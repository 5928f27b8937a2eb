//! The renewal of the lease of a run. The core decides when to renew, and when the lease is lost; the
//! recording thread performs what is due between two writes.

use std::time::{Duration, Instant};

use tenure_core::lease::renewal::{LeaseLoss, RENEWAL};
use tenure_core::work::job::{Job, JobError, JobReply, Need, Standing};
use tenure_core::work::operation::Reply;
use tenure_core::{Error, Millis};
use tenure_host::elapsed_since;

use crate::exit::Failure;

use super::session::RunSession;

/// A running renewal.
pub(super) struct Renewal {
    job: Job,
    began: Instant,
    /// When the job continues; `None` after its end.
    due: Option<Instant>,
}

/// What has happened to the lease.
pub(super) enum Renewed {
    /// It is held, as far as is known.
    Held,
    /// It could not be renewed, and the renewal is retried.
    Retried(Error),
    /// It is lost, with the reason.
    Lost(String),
}

impl Renewal {
    /// Starts to renew the lease of a session.
    ///
    /// # Errors
    /// `INTERNAL` without random bits.
    pub(super) fn start(session: &RunSession) -> Result<Option<Self>, Failure> {
        let Some(params) = session.renewal() else {
            return Ok(None);
        };
        let entropy = tenure_host::random_bits()?;
        let mut renewal = Self {
            job: Job::new(&RENEWAL, Box::new(params), entropy),
            began: Instant::now(),
            due: None,
        };
        renewal.advance(session);
        Ok(Some(renewal))
    }

    /// Continues the job if it is due.
    pub(super) fn run_due(&mut self, session: &RunSession) -> Renewed {
        if self.due.is_none_or(|due| due > Instant::now()) {
            return Renewed::Held;
        }
        self.job
            .reply(Ok(JobReply::Done), elapsed_since(self.began));
        self.advance(session)
    }

    /// Performs what the job needs, until it sleeps or ends.
    fn advance(&mut self, session: &RunSession) -> Renewed {
        let mut renewed = Renewed::Held;
        loop {
            let reply = match self.job.step() {
                Standing::Needs(Need::Sleep(Millis(millis))) => {
                    self.due = Some(Instant::now() + Duration::from_millis(millis));
                    return renewed;
                }
                Standing::Needs(Need::Run(step)) => match session.run_step(&*step) {
                    Ok(reply) => Ok(JobReply::Ran(reply)),
                    Err(error) => {
                        renewed = Renewed::Retried(error.clone());
                        Err(JobError::Core(error))
                    }
                },
                Standing::Needs(_) => Err(Error::internal("a renewal needs something else").into()),
                Standing::Ended(ended) => {
                    self.due = None;
                    return Renewed::Lost(match ended {
                        Ok(reply) => reason_of(reply),
                        Err(error) => error.to_string(),
                    });
                }
            };
            self.job.reply(reply, elapsed_since(self.began));
        }
    }
}

fn reason_of(reply: Box<dyn Reply>) -> String {
    let loss = reply.into_any().downcast::<LeaseLoss>();
    loss.map_or_else(|_| String::new(), |loss| loss.problem.to_owned())
}
