//! The operations: each loads what it needs, lets a [`Draft`] decide, and commits what comes out as
//! one [`Changes`](crate::store::Changes). The service is the only caller of a [`Store`]. It holds nothing between calls,
//! starts nothing, and awaits one store call at a time, so it runs over a store in memory as well as
//! over one behind a network.
//!
//! Appends commute and transitions do not, yet both take the same way: a commit that meets a newer
//! version is decided anew on what is there now, which lets an append through and refuses a
//! transition that is no longer possible. Only `ifVersion` ties a call to what its caller saw.

mod administrator;
mod agent;
mod audit;
mod bulk;
mod commit;
mod copy;
mod dedup;
mod hook;
mod layout;
mod lease;
mod ownership;
mod read;
mod records;
mod slot;
mod sweep;

use std::future::ready;
use std::pin::Pin;

use crate::audit::removal::By;
use crate::error::{Error, Result};
use crate::lease::model::Lease;
use crate::session::draft::Draft;
use crate::session::idempotency::Key;
use crate::session::params::{
    AbandonParams, AddEventParams, AddEventsParams, ChangeOnly, ChangeParams, CompleteParams,
    FailParams, ForkParams, IdParams, IfActive, ImportParams, IncrementIterationParams,
    PauseParams, RecordLearningParams, RecordToolCallParams, RecordUsageParams, ResumeParams,
    StartParams, UpdateContextParams, UpdateParams,
};
use crate::session::portable;
use crate::session::replies::{Appended, Done};
use crate::session::view::{Session, SessionHead};
use crate::store::{Commit, Expect, History, Loaded, Store};
use crate::stored::head::Head;
use crate::stored::status::Status;
use crate::value::fingerprint::Fingerprint;
use crate::value::id::SessionId;
use crate::value::limits::Limits;
use crate::value::process::Host;
use crate::value::text::Text;
use crate::value::time::Timestamp;

use commit::{MAX_ATTEMPTS, busy, put};

/// Events that `get` returns unless it is told otherwise.
pub const DEFAULT_HISTORY: u32 = 100;
/// Events that a [`SessionContext`] carries.
pub const RECENT_HISTORY: u32 = 10;
/// Sessions of a page unless a call says otherwise.
const DEFAULT_SESSIONS: u32 = 50;
/// Items of a page at most.
const MAX_PAGE: u32 = 1000;
/// A page of sessions ends early when its user data exceeds this.
const MAX_PAGE_BYTES: u64 = 8 << 20;

/// What a call brings along from outside the core.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The present.
    pub now: Timestamp,
    /// Random bits, used once.
    pub entropy: [u8; 16],
    /// Identifies the call's parameters; only calls with an idempotency key need it.
    pub fingerprint: Fingerprint,
    /// The process that calls, and what is known of others.
    pub host: &'static dyn Host,
}

/// The operations over a store.
#[derive(Clone, Copy)]
pub struct Service<'s> {
    store: &'s dyn Store,
    limits: &'s Limits,
}

/// The outcome of an operation in the making. Operations that change a session share one future, so
/// that each costs a build only what is its own.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<Done<T>>> + 'a>>;

impl<'s> Service<'s> {
    /// Operations over `store`, with inputs bounded by `limits`.
    pub fn new(store: &'s dyn Store, limits: &'s Limits) -> Self {
        Self { store, limits }
    }

    /// Starts a session.
    ///
    /// # Errors
    /// `SESSION_EXISTS`, `IDEMPOTENCY_MISMATCH`, those of the parameters and of the store.
    pub async fn start(&self, env: &Environment, params: StartParams) -> Result<Done<Session>> {
        let id = self.new_id(env, params.id.as_ref())?;
        let key = key_in_store(env, params.idempotency_key.as_ref())?;
        let draft = Draft::start(id, &params, env.now, self.limits)?;
        self.create(draft, key).await
    }

    /// Sets what describes a session.
    ///
    /// # Errors
    /// Those of every change (see [`Service::pause`]) and of the limits.
    pub fn update<'a>(
        &'a self,
        env: &'a Environment,
        params: UpdateParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| draft.update(&params))
    }

    /// Pauses a session.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, and those of every change: `INVALID_ID`, `SESSION_NOT_FOUND`,
    /// `SESSION_DELETED`, `VERSION_CONFLICT`, `IDEMPOTENCY_MISMATCH`, `STORE_BUSY`, and the store's.
    pub fn pause<'a>(
        &'a self,
        env: &'a Environment,
        params: PauseParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            draft.pause(params.reason.as_ref(), None)
        })
    }

    /// Resumes a paused session, or takes up an active one whose runner is gone.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, `BUDGET_EXHAUSTED`, `SESSION_HELD`, and those of every change.
    pub fn resume<'a>(
        &'a self,
        env: &'a Environment,
        params: ResumeParams,
    ) -> Pending<'a, SessionHead> {
        Box::pin(async move {
            let target = params.target()?;
            let by = params.holder.as_ref().map(Text::as_str);
            let holder = match params.if_active {
                Some(IfActive::Keep) => None,
                _ => self.other_runner(env, &target.id, by).await?,
            };
            let change = self.change_head(env, Ok(target), move |draft| {
                draft.check_model()?;
                if draft.head().status == Status::Active {
                    if params.if_active == Some(IfActive::Keep) {
                        return Ok(());
                    }
                    if let Some(holder) = &holder {
                        return Err(held(draft.head(), holder));
                    }
                }
                let if_exhausted = params.if_exhausted.unwrap_or_default();
                draft.resume(params.add_iterations, if_exhausted, None)
            });
            change.await
        })
    }

    /// Ends a session with a result.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, and those of every change.
    pub fn complete<'a>(
        &'a self,
        env: &'a Environment,
        params: CompleteParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            if draft.stays_ended(params.if_finished) {
                return Ok(());
            }
            draft.complete(params.result.as_ref(), None)
        })
    }

    /// Ends a session with an error.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, and those of every change.
    pub fn fail<'a>(
        &'a self,
        env: &'a Environment,
        params: FailParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            if draft.stays_ended(params.if_finished) {
                return Ok(());
            }
            draft.fail(params.error.as_ref(), None)
        })
    }

    /// Gives a session up.
    ///
    /// # Errors
    /// `INVALID_TRANSITION`, and those of every change.
    pub fn abandon<'a>(
        &'a self,
        env: &'a Environment,
        params: AbandonParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            draft.abandon(params.reason.as_ref(), None)
        })
    }

    /// Records an event.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, those of the event's lifecycle effect, and those of every change.
    pub fn add_event<'a>(
        &'a self,
        env: &'a Environment,
        params: AddEventParams,
    ) -> Pending<'a, Appended> {
        self.append(env, params.target(), move |draft| {
            draft.record(params.r#type.as_str(), params.data.clone())
        })
    }

    /// Records several events in one commit, all or none.
    ///
    /// # Errors
    /// Those of [`Service::add_event`]; `INVALID_ARGUMENT` for no events or too many.
    pub fn add_events<'a>(
        &'a self,
        env: &'a Environment,
        params: AddEventsParams,
    ) -> Pending<'a, Appended> {
        let count = params.events.len();
        let most = self.limits.max_batch as usize;
        if count == 0 || count > most {
            let error = Error::invalid(
                "events",
                format!("expected 1 to {most} events, got {count}"),
            );
            return Box::pin(ready(Err(error)));
        }
        self.append(env, params.target(), move |draft| {
            params
                .events
                .iter()
                .try_for_each(|event| draft.record(event.r#type.as_str(), event.data.clone()))
        })
    }

    /// Counts an iteration; the last of the budget makes the session `timeout`.
    ///
    /// # Errors
    /// `BUDGET_EXHAUSTED`, `SESSION_FINISHED`, and those of every change.
    pub fn increment_iteration<'a>(
        &'a self,
        env: &'a Environment,
        params: IncrementIterationParams,
    ) -> Pending<'a, Appended> {
        self.append(env, params.target(), move |draft| {
            draft.iterate(params.data.clone())
        })
    }

    /// Records a call of a tool, and the tool in `metadata.toolsUsed`.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of every change.
    pub fn record_tool_call<'a>(
        &'a self,
        env: &'a Environment,
        params: RecordToolCallParams,
    ) -> Pending<'a, Appended> {
        self.append(env, params.target(), move |draft| {
            draft.tool_call(&params.tool, params.args.as_ref(), params.result.as_ref())
        })
    }

    /// Records something learned.
    ///
    /// # Errors
    /// `SESSION_FINISHED`, and those of every change.
    pub fn record_learning<'a>(
        &'a self,
        env: &'a Environment,
        params: RecordLearningParams,
    ) -> Pending<'a, Appended> {
        self.append(env, params.target(), move |draft| {
            draft.learning(&params.insight, params.expertise_file.as_ref())
        })
    }

    /// Adds tokens and cost to the session's metadata.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative cost, and those of every change.
    pub fn record_usage<'a>(
        &'a self,
        env: &'a Environment,
        params: RecordUsageParams,
    ) -> Pending<'a, SessionHead> {
        let tokens = params.tokens.as_ref();
        let prompt = tokens.and_then(|tokens| tokens.prompt).unwrap_or(0);
        let completion = tokens.and_then(|tokens| tokens.completion).unwrap_or(0);
        self.change_head(env, params.target(), move |draft| {
            draft.use_up(prompt, completion, params.cost)
        })
    }

    /// Merges members into the context, or replaces it.
    ///
    /// # Errors
    /// `TOO_LARGE`, `TOO_DEEP`, and those of every change.
    pub fn update_context<'a>(
        &'a self,
        env: &'a Environment,
        params: UpdateContextParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            if params.replace.unwrap_or(false) {
                draft.replace_context(&params.context)
            } else {
                draft.merge_context(&params.context)
            }
        })
    }

    /// Removes a session for good. It works on one that cannot be read.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`, `INVALID_ID`, and those of the store.
    pub async fn delete(&self, env: &Environment, params: IdParams) -> Result<Done<()>> {
        let id = SessionId::parse(params.id.as_str())?;
        let changes = self.deletion(env, &id, params.trash).await?;
        if self.commit_making_room(changes).await? == Commit::Applied {
            Ok(Done::quiet(()))
        } else {
            Err(not_found(id.as_str()))
        }
    }

    /// Puts a session into the trash: it leaves lists and statistics and takes no changes.
    ///
    /// # Errors
    /// Those of every change.
    pub fn trash<'a>(
        &'a self,
        env: &'a Environment,
        params: ChangeOnly,
    ) -> Pending<'a, SessionHead> {
        self.change_anywhere(env, params.target(), move |draft| {
            draft.trash(Some(By::User));
            Ok(())
        })
    }

    /// Takes a session out of the trash.
    ///
    /// # Errors
    /// `SLOT_TAKEN` if another session is in its slot, and those of every change.
    pub fn restore<'a>(
        &'a self,
        env: &'a Environment,
        params: ChangeOnly,
    ) -> Pending<'a, SessionHead> {
        self.change_anywhere(env, params.target(), move |draft| {
            draft.restore();
            Ok(())
        })
    }

    /// Writes a session that was exported, in place of one that has its id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for text that is no session, `SLOT_TAKEN`, and those of the limits and of
    /// the store.
    pub async fn import(
        &self,
        _env: &Environment,
        params: ImportParams,
    ) -> Result<Done<SessionHead>> {
        let imported = portable::read(params.text.as_str())?.checked(self.limits)?;
        for _ in 0..MAX_ATTEMPTS {
            let (expect, current) = match self.store.load(&imported.head.id, History::None).await {
                Ok(Some(Loaded { head, .. })) => {
                    let version = head.version;
                    (Expect::Version { version }, version)
                }
                Ok(None) => (Expect::Absent, 0),
                // One that cannot be read has no version to go by.
                Err(Error::CorruptSession { .. }) => (Expect::Any, 0),
                Err(error) => return Err(error),
            };
            let mut head = imported.head.clone();
            // A version never returns, or an `ifVersion` from before would match.
            head.version = head.version.max(current + 1);
            let mut changes = put(head.clone(), expect, true, imported.events.clone());
            changes.records.extend(self.entry(&head).await?);
            if self.store.commit(&changes).await? == Commit::Applied {
                return Ok(Done::quiet(head.into()));
            }
        }
        Err(busy(&imported.head.id))
    }

    /// Starts a new session with another's past.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`, `SESSION_EXISTS`, `INVALID_ARGUMENT`, and those of the store.
    pub async fn fork(&self, env: &Environment, params: ForkParams) -> Result<Done<Session>> {
        let id = self.new_id(env, params.new_id.as_ref())?;
        let Loaded { head, mut events } = self
            .find(&params.id, History::All, None)
            .await?
            .ok_or_else(|| not_found(params.id.as_str()))?;
        if let Some(at) = params.at_sequence {
            if at > head.event_count {
                return Err(Error::invalid(
                    "atSequence",
                    format!("expected at most {}, the last event", head.event_count),
                ));
            }
            events.retain(|event| event.sequence <= at);
        }
        let draft = Draft::fork(id, head, events, &params, env.now, self.limits)?;
        self.create(draft, None).await
    }

    async fn head(&self, id: &SessionId) -> Result<Head> {
        let loaded = self.store.load(id, History::None).await?;
        Ok(loaded.ok_or_else(|| not_found(id.as_str()))?.head)
    }

    fn new_id(&self, env: &Environment, given: Option<&Text>) -> Result<SessionId> {
        match given {
            Some(id) => SessionId::parse(id.as_str()),
            None => Ok(SessionId::generate(env.now, env.entropy)),
        }
    }
}

fn key_in_store<'a>(env: &Environment, given: Option<&'a Text>) -> Result<Option<Key<'a>>> {
    given
        .map(|key| Key::in_store(key.as_str(), env.fingerprint))
        .transpose()
}

fn page_limit(given: Option<u32>, default: u32) -> Result<u32> {
    limit_of(given, default, MAX_PAGE)
}

fn limit_of(given: Option<u32>, default: u32, most: u32) -> Result<u32> {
    let limit = given.unwrap_or(default);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(Error::invalid(
            "limit",
            format!("expected 1 to {most}, got {limit}"),
        ))
    }
}

fn held(session: &Head, holder: &Lease) -> Error {
    let process = holder.process.as_ref();
    let hostname = process.and_then(|process| process.hostname.as_ref());
    Error::SessionHeld {
        id: session.id.to_string(),
        holder: holder.holder.clone(),
        pid: process.and_then(|process| process.pid),
        hostname: hostname.map(Text::to_string),
    }
}

fn not_found(id: &str) -> Error {
    Error::SessionNotFound { id: id.to_owned() }
}
