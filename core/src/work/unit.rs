//! The unit of work: a decision over what it reads, written in one commit, and made again if another
//! writer was faster. It asks for nothing itself: [`Unit::advance`] runs it until it has a request, and
//! continues it with the reply.

use crate::error::{Cause, Error, Result};
use crate::store::{Changes, Commit, SessionChange, SessionWrite, SyncStore};
use crate::value::fingerprint::Fingerprint;
use crate::value::time::Millis;

use super::call::Call;
use super::context::Context;
use super::mailbox::{Reply, Request};
use super::reads::Reads;
use super::trace;
use super::transaction::{Attempt, Stop, Transaction, Written};
use super::webhook::WebhookPayload;

/// Writers that lose to others decide again this often. Each time, one of them has got through.
const MAX_ATTEMPTS: u32 = 256;
/// The first pause between two attempts, at most, in milliseconds; it doubles with each.
const FIRST_PAUSE: u64 = 2;
/// The longest pause between two attempts, at most, in milliseconds.
const LONGEST_PAUSE: u64 = 20;
/// Attempts without a pause between them: most conflicts are over at once.
const AT_ONCE: u32 = 2;

/// A unit of work that runs.
#[derive(Debug, Default)]
pub(super) struct Unit {
    reads: Reads,
    /// What it waits for.
    request: Option<Request>,
    /// What follows the commit that it waits for.
    committing: Option<Committing>,
    /// Whether it ends when another writer was faster.
    once: bool,
}

/// What follows a commit.
#[derive(Debug)]
struct Committing {
    notices: Vec<WebhookPayload>,
    best_effort: bool,
    /// The changes to write where there is no room for the entries of the audit log.
    without_entries: Option<Changes>,
}

/// How far a unit of work has come.
pub(super) enum Progress {
    /// It has a request, and continues with the reply.
    Waits,
    /// It is committed, and sends these notices.
    Applied(Vec<WebhookPayload>),
    /// Another writer was faster.
    Conflict,
    /// It has written nothing, and the host has to be asked about models with these names.
    Asks(Vec<String>),
}

/// What a unit of work does next.
enum Next {
    Decide,
    Wait,
    Applied(Vec<WebhookPayload>),
    Conflict,
    Ask(Vec<String>),
}

/// A decision. Its result is its own matter.
type Decide<'d> = dyn FnMut(&mut Transaction<'_>) -> Attempt<()> + 'd;

impl Unit {
    /// The request that it waits for.
    pub(super) fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// Runs it, at first without a reply and then with the one to its request, until it has another
    /// request or has ended. It reads from a synchronous store, if one is given, without a request.
    ///
    /// # Errors
    /// Those of the decision, `STORE_BUSY`, and those of the store.
    pub(super) fn advance(
        &mut self,
        call: &Call,
        reply: Option<Result<Reply>>,
        store: Option<&dyn SyncStore>,
        decide: &mut Decide<'_>,
    ) -> Result<Progress> {
        let mut next = match reply {
            None => Next::Decide,
            Some(reply) => self.receive(reply)?,
        };
        loop {
            next = match next {
                Next::Decide => self.decide(call, store, decide)?,
                Next::Wait => return Ok(Progress::Waits),
                Next::Applied(notices) => return Ok(Progress::Applied(notices)),
                Next::Ask(models) => return Ok(Progress::Asks(models)),
                Next::Conflict if self.once => return Ok(Progress::Conflict),
                Next::Conflict => self.pause(call)?,
            };
        }
    }

    fn decide(
        &mut self,
        call: &Call,
        store: Option<&dyn SyncStore>,
        decide: &mut Decide<'_>,
    ) -> Result<Next> {
        self.reads.unanswered.clear();
        let mut transaction = Transaction::new(call, &mut self.reads, store);
        let decision = decide(&mut transaction);
        #[cfg(feature = "outbox")]
        let decision = decision.and_then(|()| transaction.fill_outbox());
        let written = transaction.into_written();
        match decision {
            Err(Stop::Failed(error)) if error.is_of_store() => Err(error),
            // Its result, or its error, depends on the answers.
            Ok(()) | Err(Stop::Failed(_)) if !self.reads.unanswered.is_empty() => {
                Ok(Next::Ask(std::mem::take(&mut self.reads.unanswered)))
            }
            Ok(()) => Ok(self.commit(traced(written, call))),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Retry) => {
                self.reads.lose("what was read".to_owned());
                Ok(Next::Conflict)
            }
            Err(Stop::Read) => {
                let wanted = std::mem::take(&mut self.reads.wanted);
                if wanted.is_empty() {
                    return Err(Error::internal("a unit of work waits for nothing"));
                }
                self.request = Some(Request::Read(wanted));
                Ok(Next::Wait)
            }
        }
    }

    /// Asks to commit what a decision has written.
    fn commit(&mut self, written: Written) -> Next {
        let Written {
            mut changes,
            entries,
            notices,
            best_effort,
        } = written;
        // Removals are what makes room.
        let removes = |change: &SessionChange| matches!(change.write, SessionWrite::Delete);
        let makes_room = changes.sessions.iter().all(removes) && !changes.sessions.is_empty();
        let without_entries = (makes_room && !entries.is_empty()).then(|| changes.clone());
        changes.records.extend(entries);
        if changes.sessions.is_empty() && changes.records.is_empty() {
            return Next::Applied(notices);
        }
        self.request = Some(Request::Commit(changes));
        self.committing = Some(Committing {
            notices,
            best_effort,
            without_entries,
        });
        Next::Wait
    }

    fn receive(&mut self, reply: Result<Reply>) -> Result<Next> {
        match (self.request.take(), self.committing.take()) {
            (Some(Request::Commit(_)), Some(committing)) => self.committed(committing, reply),
            (Some(Request::Read(wanted)), _) => match reply? {
                Reply::Read(found) if found.len() == wanted.len() => {
                    for (read, found) in wanted.into_iter().zip(found) {
                        self.reads.keep(read, found)?;
                    }
                    if self.reads.stale {
                        self.reads.lose("what was read".to_owned());
                        return Ok(Next::Conflict);
                    }
                    Ok(Next::Decide)
                }
                _ => Err(unexpected()),
            },
            (Some(Request::Sleep(_)), _) => match reply? {
                Reply::Slept => Ok(Next::Decide),
                _ => Err(unexpected()),
            },
            _ => Err(unexpected()),
        }
    }

    fn committed(&mut self, mut committing: Committing, reply: Result<Reply>) -> Result<Next> {
        if let (Err(error), Some(changes)) = (&reply, committing.without_entries.take())
            && matches!(error.cause(), Cause::StorageFull { .. })
        {
            self.request = Some(Request::Commit(changes));
            self.committing = Some(committing);
            return Ok(Next::Wait);
        }
        match reply {
            Ok(Reply::Commit(Commit::Applied)) => {}
            #[cfg(feature = "outbox")]
            Ok(Reply::Commit(Commit::RecordConflict {
                record_kind, key, ..
            })) if self.reads.assumes_no_routes(&record_kind, &key) => {
                // No other writer was faster. What was read counts, if the next commit is applied.
                self.reads.has_routes = true;
                return Ok(Next::Decide);
            }
            _ if committing.best_effort => {}
            Ok(Reply::Commit(Commit::SessionConflict { id, .. })) => {
                self.reads.lose(format!("session {id}"));
                self.reads.lost_sessions.push(id);
                return Ok(Next::Conflict);
            }
            Ok(Reply::Commit(Commit::RecordConflict {
                record_kind, key, ..
            })) => {
                self.reads.lose(format!("{record_kind} {key:?}"));
                self.reads.lost_records.push((record_kind, key));
                return Ok(Next::Conflict);
            }
            Ok(_) => return Err(unexpected()),
            Err(error) => return Err(error),
        }
        Ok(Next::Applied(committing.notices))
    }

    /// Decides again, after a pause if it has lost to others before.
    fn pause(&mut self, call: &Call) -> Result<Next> {
        let pause = pause(call, self.reads.conflicts, &self.reads.contended)?;
        Ok(match pause {
            None => Next::Decide,
            Some(time) => {
                self.request = Some(Request::Sleep(time));
                Next::Wait
            }
        })
    }

    /// The request, for a driver that cannot borrow it.
    fn hand_out(&mut self) -> Option<Request> {
        self.request.as_mut().map(|request| match request {
            // It is not needed for the reply.
            Request::Commit(changes) => Request::Commit(std::mem::take(changes)),
            request => request.clone(),
        })
    }

    /// Runs it to its end; `false` if another writer was faster, and nothing was written.
    async fn run(
        mut self,
        context: &Context,
        decide: &mut (dyn FnMut(&mut Transaction<'_>) -> Attempt<()> + Send),
    ) -> Result<bool> {
        self.reads.follows_write = context.has_written();
        let mut reply = None;
        loop {
            match self.advance(context.call(), reply, None, decide)? {
                Progress::Waits => {}
                Progress::Applied(notices) => {
                    context.notify(notices);
                    return Ok(true);
                }
                Progress::Conflict => return Ok(false),
                Progress::Asks(models) => match context.end_to_ask(models).await {},
            }
            let request = self.hand_out().ok_or_else(unexpected)?;
            reply = Some(context.ask(request).await);
        }
    }
}

impl Context {
    /// Runs a unit of work until it is committed: `decide` reads, decides and writes; it is called
    /// again when it needed something that was not read yet, and when another writer was faster.
    ///
    /// # Errors
    /// What `decide` fails with, `STORE_BUSY`, and those of the store.
    pub async fn transact<R: Send>(
        &self,
        mut decide: impl FnMut(&mut Transaction<'_>) -> Attempt<R> + Send,
    ) -> Result<R> {
        let mut result = None;
        let mut run = |transaction: &mut Transaction<'_>| {
            result = Some(decide(transaction)?);
            Ok(())
        };
        Unit::default().run(self, &mut run).await?;
        result.ok_or_else(|| Error::internal("a unit of work has no result"))
    }

    /// Runs a unit of work once: `None` if another writer was faster, and nothing was written.
    ///
    /// # Errors
    /// What `decide` fails with, and those of the store.
    pub async fn try_transact<R: Send>(
        &self,
        mut decide: impl FnMut(&mut Transaction<'_>) -> Attempt<R> + Send,
    ) -> Result<Option<R>> {
        let mut result = None;
        let mut run = |transaction: &mut Transaction<'_>| {
            result = Some(decide(transaction)?);
            Ok(())
        };
        let unit = Unit {
            once: true,
            ..Unit::default()
        };
        let applied = unit.run(self, &mut run).await?;
        Ok(result.filter(|_| applied))
    }

    /// Makes a choice from what is listed, which no unit of work can expect unchanged: `choose` lists, and
    /// runs the unit of work of its choice, in which it looks whether the choice still holds. It returns
    /// nothing if another writer has changed that, and is called again, as a unit of work is.
    ///
    /// # Errors
    /// What `choose` fails with, and `STORE_BUSY`.
    pub async fn choose<R, F>(&self, contended: &str, choose: impl Fn() -> F) -> Result<R>
    where
        F: Future<Output = Result<Option<R>>>,
    {
        let mut conflicts = 0;
        loop {
            if let Some(chosen) = choose().await? {
                return Ok(chosen);
            }
            conflicts += 1;
            if let Some(time) = pause(self.call(), conflicts, contended)? {
                self.sleep(time).await?;
            }
        }
    }

    async fn sleep(&self, time: Millis) -> Result<()> {
        match self.ask(Request::Sleep(time)).await? {
            Reply::Slept => Ok(()),
            _ => Err(unexpected()),
        }
    }
}

/// What is written, with the traces of a call that brings its position.
fn traced(mut written: Written, call: &Call) -> Written {
    if let Some(position) = call.trace.filter(|_| cfg!(feature = "telemetry")) {
        let records = trace::of_changes(&written.changes.sessions, position);
        written.changes.records.extend(records);
    }
    written
}

fn unexpected() -> Error {
    Error::internal("the reply is not one to the request")
}

/// How long to wait before the next attempt: longer each time, and by chance, so that two writers do not
/// meet again.
///
/// # Errors
/// `STORE_BUSY` after the last attempt.
fn pause(call: &Call, conflicts: u32, contended: &str) -> Result<Option<Millis>> {
    if conflicts >= MAX_ATTEMPTS {
        return Err(Cause::StoreBusy {
            what: contended.to_owned(),
            attempts: MAX_ATTEMPTS,
        }
        .into());
    }
    let Some(doublings) = conflicts.checked_sub(AT_ONCE + 1) else {
        return Ok(None);
    };
    let most = FIRST_PAUSE
        .saturating_mul(1 << doublings.min(16))
        .min(LONGEST_PAUSE);
    let mut seed = call.entropy.bits().to_vec();
    seed.extend(conflicts.to_le_bytes());
    let chance = Fingerprint::of("pause", seed).bits() as u64;
    Ok(Some(Millis(1 + chance % most)))
}
