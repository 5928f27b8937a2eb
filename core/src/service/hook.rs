//! The operations behind an agent's hooks. They answer whatever the store says: its failures are
//! reasons in the answer, and never errors of the operation.

use std::cell::Cell;

use crate::agent::resume::{self, Found, Policy};
use crate::apps::hooks::{
    Hook, HookPreDelegateParams, HookReply, HookSubagentStopParams, Request, TASK_ID, Why,
};
use crate::audit::entry::Entry;
use crate::error::{Error, Result, cut};
use crate::session::params::Target;
use crate::session::replies::Done;
use crate::store::filter::{Direction, Filter, Order, OrderBy};
use crate::store::{Changes, History, ListQuery, Loaded};
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::stored::status::Status;
use crate::value::fingerprint::Fingerprint;
use crate::value::id::SessionId;
use crate::value::json::{Json, Object};

use super::{Environment, MAX_PAGE_BYTES, Service};

/// Sessions of an agent that are looked through for one of the same task.
const MAX_LOOKED_AT: u32 = 100;

impl Service<'_> {
    /// Whether a task that is about to be handed to an agent goes on with a session. Without the id
    /// of one it is the session of the same agent and the same `task_id` that was active last, if it
    /// can be resumed and is among the last 100 of the agent.
    ///
    /// # Errors
    /// None: what goes wrong is in the answer.
    pub async fn hook_pre_delegate(
        &self,
        env: &Environment,
        params: HookPreDelegateParams,
    ) -> Result<Done<HookReply>> {
        let request = match Request::read(Hook::PreDelegate, params.input.as_str()) {
            Ok(request) => request,
            Err(reply) => return Ok(Done::quiet(reply)),
        };
        let policy = Policy::new(params.idle, params.max_errors);
        let (why, found) = match self.delegation(env, &request, policy).await {
            Ok(found) => found,
            Err(error) => {
                let reply = request.delegated(&Why::trouble(&error), None);
                return Ok(Done::quiet(reply));
            }
        };
        let call = Fingerprint::of("hook", env.entropy).text();
        let head = found.as_ref().map(|found| &found.loaded.head);
        let entry = request.entry(&why, head, env.now, &call);
        let why = match self.enter(&entry).await {
            Ok(()) => why,
            // What was decided holds all the same.
            Err(error) => why.not_entered(&error),
        };
        let resumed = found.as_ref().filter(|found| found.resumed);
        let resumed = resumed.map(|found| (&found.loaded.head, found.loaded.events.as_slice()));
        Ok(Done::quiet(request.delegated(&why, resumed)))
    }

    /// Ends the work of an agent that has stopped, by its exit code. A session that is paused waits
    /// for somebody, which an agent that stops without an error has done on purpose: it is left alone.
    ///
    /// # Errors
    /// None: what goes wrong is in the answer.
    pub async fn hook_subagent_stop(
        &self,
        env: &Environment,
        params: HookSubagentStopParams,
    ) -> Result<Done<HookReply>> {
        let request = match Request::read(Hook::SubagentStop, params.input.as_str()) {
            Ok(request) => request,
            Err(reply) => return Ok(Done::quiet(reply)),
        };
        let outcome = request.outcome();
        let Some(id) = &request.agent_id else {
            let why = Why::nothing("no_agent_id", "the input names no agent_id");
            return Ok(Done::quiet(request.stopped(&why, false, None)));
        };
        let summary =
            request.summary().map(
                |summary| match self.limits.text("summary", Some(&summary)) {
                    Ok(()) => summary,
                    Err(_) => cut(summary.into_string()).into(),
                },
            );
        let before = Cell::new(Status::Active);
        let target = SessionId::parse(id).map(|id| Target {
            id,
            if_version: None,
            idempotency_key: None,
        });
        let change = self.change_head(env, target, |draft| {
            let status = draft.head().status;
            before.set(status);
            if status == Status::Paused && outcome == Phase::Completed {
                return Ok(());
            }
            draft.finalize(outcome, summary.as_ref())
        });
        let done = match change.await {
            Ok(done) => done,
            Err(error) => {
                let why = not_stopped(&error);
                return Ok(Done::quiet(request.stopped(&why, false, None)));
            }
        };
        Ok(done.map(|_| match before.get() {
            Status::Paused if outcome == Phase::Completed => {
                request.stopped(&Why::waiting(), false, None)
            }
            status if status.is_finished() => {
                let why = Why::ended_before("the agent's work had ended in this way before");
                request.stopped(&why, true, Some(outcome))
            }
            _ => request.stopped(&Why::finalized(), true, Some(outcome)),
        }))
    }

    /// Enters something into the audit log.
    pub(super) async fn enter(&self, entry: &Entry) -> Result<()> {
        let changes = Changes {
            sessions: Vec::new(),
            records: vec![entry.to_change()],
        };
        self.store.commit(&changes).await.map(drop)
    }

    /// Finds the session that a task goes on with, and decides.
    async fn delegation(
        &self,
        env: &Environment,
        request: &Request,
        policy: Policy,
    ) -> Result<(Why, Option<Delegation>)> {
        let id = match &request.agent_id {
            Some(id) => SessionId::parse(id).ok(),
            None => match (&request.agent_name, &request.task_id) {
                (Some(agent), Some(task)) => {
                    let found = self.session_of_task(env, agent, task, policy).await?;
                    if found.is_none() {
                        let message = "no session of this agent for this task can be resumed";
                        return Ok((Why::nothing("not_found", message), None));
                    }
                    found
                }
                _ => {
                    let message =
                        "the input names no agent_id, nor an agent_name and a task_id to go by";
                    return Ok((Why::nothing("no_agent_id", message), None));
                }
            },
        };
        let Some(id) = id else {
            let message = "the agent_id is none that a session can have";
            return Ok((Why::nothing("invalid_id", message), None));
        };
        let decide = |found: Found<'_>| resume::decide(found, policy, env.now);
        let decided = |found: Found<'_>| Why::decided(&decide(found));
        // Its history is read only if it is needed.
        match self.store.load(&id, History::None).await {
            Ok(None) => return Ok((decided(Found::Nothing), None)),
            Err(Error::CorruptSession { .. }) => return Ok((decided(Found::Unreadable), None)),
            Err(error) => return Err(error),
            Ok(Some(loaded)) => {
                let decision = decide(Found::Session(&loaded.head));
                if !decision.resume {
                    let why = Why::decided(&decision);
                    let resumed = false;
                    return Ok((why, Some(Delegation { loaded, resumed })));
                }
            }
        }
        match self.store.load(&id, History::All).await? {
            None => Ok((decided(Found::Nothing), None)),
            Some(loaded) => {
                let decision = decide(Found::Session(&loaded.head));
                let resumed = decision.resume;
                Ok((
                    Why::decided(&decision),
                    Some(Delegation { loaded, resumed }),
                ))
            }
        }
    }

    /// The session of an agent and a task that was active last, if it can be resumed.
    async fn session_of_task(
        &self,
        env: &Environment,
        agent: &str,
        task: &Json,
        policy: Policy,
    ) -> Result<Option<SessionId>> {
        let query = ListQuery {
            filter: Filter {
                mode: Some(agent.to_owned()),
                ..policy.filter(env.now)
            },
            order: Order {
                by: OrderBy::UpdatedAt,
                direction: Direction::Desc,
            },
            after: None,
            offset: 0,
            limit: MAX_LOOKED_AT,
            max_bytes: MAX_PAGE_BYTES,
        };
        let same_task = |head: &Head| {
            let metadata = head.metadata.clone().unwrap_or_default();
            let known = Object::parse(&metadata).read::<Json>(TASK_ID);
            known.is_some_and(|known| known.compact() == *task)
        };
        let page = self.store.list(&query).await?;
        let mut heads = page.heads.into_iter().filter(same_task);
        let found = heads.find(|head| resume::decide(Found::Session(head), policy, env.now).resume);
        Ok(found.map(|head| head.id))
    }
}

/// The session that a task would go on with.
struct Delegation {
    loaded: Loaded,
    resumed: bool,
}

/// Why an agent's work could not be ended.
fn not_stopped(error: &Error) -> Why {
    match error {
        Error::InvalidPhase { .. } => Why::ended_before(&error.to_string()),
        Error::SessionNotFound { .. } | Error::SessionDeleted { .. } => {
            Why::nothing("not_found", &error.to_string())
        }
        Error::InvalidId { .. } => Why::nothing("invalid_id", &error.to_string()),
        error => Why::trouble(error),
    }
}
