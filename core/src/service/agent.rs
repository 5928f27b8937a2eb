//! The operations on agents. An agent is a session, so each is a change to one session or a list of
//! them, as all others are; an unknown id is answered with nothing.

use crate::agent::analytics::{AgentStats, AgentStatsParams, Count};
use crate::agent::params::{
    AgentCleanupParams, AgentCreateParams, AgentFinalizeParams, AgentGetParams, AgentListParams,
    AgentState, AgentUpdateParams, ApprovalParams, RequestApprovalParams,
};
use crate::agent::resume::{self, Found, Policy, ResumeDecision, ShouldResumeParams};
use crate::audit::entry::Entry;
use crate::audit::removal::By;
use crate::error::{Error, Result};
use crate::session::draft::Draft;
use crate::session::params::ChangeParams;
use crate::session::replies::{CleanupResult, Done, SessionPage};
use crate::session::retention;
use crate::session::view::SessionHead;
use crate::store::filter::{Filter, Order, Position, Trash};
use crate::store::{History, ListQuery, Loaded};
use crate::stored::head::Head;
use crate::stored::phase::Phase;
use crate::value::id::SessionId;
use crate::value::text::Text;
use crate::value::time::Millis;

use super::audit::Range;
use super::sweep::{Fate, Sweep};
use super::{
    DEFAULT_SESSIONS, Environment, MAX_PAGE, MAX_PAGE_BYTES, Pending, Service, key_in_store,
    page_limit,
};

/// How long an agent may be idle before a cleanup, if nothing else is said.
const MAX_IDLE: Millis = Millis(24 * 60 * 60 * 1000);
/// How far back the audit log is read for numbers, if nothing else is said.
const COUNTED: Millis = Millis(30 * 24 * 60 * 60 * 1000);
/// Ids that are tried for a new agent.
const MAX_IDS: u8 = 16;
/// Pages that a list of resumable agents reads at most; then the caller goes on by the cursor.
const MAX_ROUNDS: usize = 20;

impl Service<'_> {
    /// Creates an agent.
    ///
    /// # Errors
    /// `SESSION_EXISTS` for an id of the caller's own, `IDEMPOTENCY_MISMATCH`, those of the
    /// parameters and of the store.
    pub async fn agent_create(
        &self,
        env: &Environment,
        params: AgentCreateParams,
    ) -> Result<Done<SessionHead>> {
        let mut attempt = 0;
        loop {
            let id = match &params.id {
                Some(id) => SessionId::parse(id.as_str())?,
                None => SessionId::of_agent(env.now, env.entropy, attempt),
            };
            let key = key_in_store(env, params.idempotency_key.as_ref())?;
            let draft = Draft::start_agent(id, &params, env.now, self.limits)?;
            match self.create(draft, key).await {
                // The id has fewer random bits than there are agents in the world.
                Err(Error::SessionExists { .. }) if params.id.is_none() && attempt < MAX_IDS => {
                    attempt += 1;
                }
                done => return Ok(done?.map(|session| session.head)),
            }
        }
    }

    /// Takes down what an agent says of itself; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_PHASE`, `SESSION_FINISHED`, and those of every change.
    pub async fn agent_update(
        &self,
        env: &Environment,
        params: AgentUpdateParams,
    ) -> Result<Done<Option<SessionHead>>> {
        let change = self.change_head(env, params.target(), |draft| draft.update_agent(&params));
        known(change).await
    }

    /// Ends an agent's work; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_PHASE` if it has ended otherwise, and those of every change.
    pub async fn agent_finalize(
        &self,
        env: &Environment,
        params: AgentFinalizeParams,
    ) -> Result<Done<Option<SessionHead>>> {
        let change = self.change_head(env, params.target(), |draft| {
            draft.finalize(params.outcome, params.summary.as_ref())
        });
        known(change).await
    }

    /// An agent as it stands, with the phases that it came through; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store.
    pub async fn agent_get(
        &self,
        _env: &Environment,
        params: AgentGetParams,
    ) -> Result<Done<Option<AgentState>>> {
        let loaded = self.find(&params.id, History::All, None).await?;
        Ok(Done::quiet(loaded.map(|loaded| {
            AgentState::new(loaded.head, &loaded.events)
        })))
    }

    /// A page of agents, newest first.
    ///
    /// # Errors
    /// `INVALID_CURSOR`, `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn agent_list(
        &self,
        env: &Environment,
        params: AgentListParams,
    ) -> Result<Done<SessionPage>> {
        let order = Order::default();
        let after = params
            .cursor
            .as_ref()
            .map(|cursor| Position::from_cursor(cursor.as_str(), order))
            .transpose()?;
        let limit = page_limit(params.limit, DEFAULT_SESSIONS)?;
        let policy = params
            .resumable
            .unwrap_or(false)
            .then(|| Policy::from(&params));
        let mut query = ListQuery {
            filter: filter(env, &params, policy),
            order,
            after,
            offset: 0,
            limit,
            max_bytes: MAX_PAGE_BYTES,
        };
        let meant = |head: &Head| {
            policy.is_none_or(|policy| resume::decide(Found::Session(head), policy, env.now).resume)
        };
        let mut answer = SessionPage {
            items: Vec::new(),
            next_cursor: None,
            problems: Vec::new(),
        };
        for _ in 0..MAX_ROUNDS {
            let page = self.store.list(&query).await?;
            answer.problems.extend(page.problems);
            let mut more = page.more;
            let mut heads = page.heads.into_iter();
            for head in heads.by_ref() {
                query.after = Some(order.position(&head));
                if meant(&head) {
                    answer.items.push(head.into());
                }
                if answer.items.len() >= limit as usize {
                    break;
                }
            }
            more |= heads.len() > 0;
            let cursor = query.after.as_ref().filter(|_| more);
            answer.next_cursor = cursor.map(|after| after.to_cursor(order));
            if !more || answer.items.len() >= limit as usize {
                break;
            }
        }
        Ok(Done::quiet(answer))
    }

    /// Puts the agents that have been idle for a time into the trash, in whatever phase they are.
    /// Those whose work has not ended are given up; those that somebody runs are spared.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn agent_cleanup(
        &self,
        env: &Environment,
        params: AgentCleanupParams,
    ) -> Result<Done<CleanupResult>> {
        let filter = retention::idle_agents(env.now, params.max_idle.unwrap_or(MAX_IDLE));
        let dry_run = params.dry_run.unwrap_or(false);
        let sweep = Sweep {
            filter,
            meant: &|_| true,
            fate: Fate::GivenUp,
            by: By::AgentCleanup,
            dry_run,
            after: None,
            limit: None,
        };
        let done = self.sweep(env, sweep).await?;
        if !dry_run {
            self.enter(&Entry::cleanup(done.value.removed, env.now))
                .await?;
        }
        Ok(done)
    }

    /// Whether an agent should be resumed.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store, but a session that cannot be read is a reason.
    pub async fn should_resume(
        &self,
        env: &Environment,
        params: ShouldResumeParams,
    ) -> Result<Done<ResumeDecision>> {
        let id = SessionId::parse(params.id.as_str())?;
        let policy = Policy::from(&params);
        let loaded = match self.store.load(&id, History::None).await {
            Err(Error::CorruptSession { .. }) => {
                return Ok(Done::quiet(resume::decide(
                    Found::Unreadable,
                    policy,
                    env.now,
                )));
            }
            loaded => loaded?,
        };
        let found = loaded
            .as_ref()
            .map_or(Found::Nothing, |loaded| Found::Session(&loaded.head));
        Ok(Done::quiet(resume::decide(found, policy, env.now)))
    }

    /// How agents have done. Sessions and entries of the audit log are read a page at a time, and of
    /// the log only those of a time.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn agent_stats(
        &self,
        env: &Environment,
        params: AgentStatsParams,
    ) -> Result<Done<AgentStats>> {
        let mut count = Count::new(&params);
        let order = Order::default();
        let mut query = ListQuery {
            filter: Filter {
                mode: params.agent_name.as_ref().map(Text::to_string),
                phase: Some(Phase::ALL.to_vec()),
                trash: Trash::Include,
                ..Filter::default()
            },
            order,
            after: None,
            offset: 0,
            limit: MAX_PAGE,
            max_bytes: MAX_PAGE_BYTES,
        };
        loop {
            let page = self.store.list(&query).await?;
            for head in &page.heads {
                count.session(head);
                if params.storage.unwrap_or(true) {
                    self.count_storage(&mut count, &head.id).await?;
                }
            }
            match page.heads.last() {
                Some(last) if page.more => query.after = Some(order.position(last)),
                _ => break,
            }
        }
        let from = env.now.minus(params.within.unwrap_or(COUNTED));
        let mut range = Range::new(Some(from), None, None);
        while let Some((_, entry)) = self.next_entry(&mut range).await? {
            count.entry(&entry);
        }
        Ok(Done::quiet(count.stats(env.now)))
    }

    async fn count_storage(&self, count: &mut Count, id: &SessionId) -> Result<()> {
        match self.store.load(id, History::All).await {
            Ok(Some(Loaded { head, events })) => count.storage(&head, &events),
            // One that cannot be read, or is no longer there, fills nothing that can be told.
            Ok(None) | Err(Error::CorruptSession { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Asks for somebody's approval: the agent's session is paused in the phase `approval`.
    ///
    /// # Errors
    /// `INVALID_PHASE`, and those of every change.
    pub fn request_approval<'a>(
        &'a self,
        env: &'a Environment,
        params: RequestApprovalParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            draft.request_approval(params.reason.as_ref(), params.metadata.as_ref())
        })
    }

    /// Approves what an agent waits for.
    ///
    /// # Errors
    /// `INVALID_PHASE`, `BUDGET_EXHAUSTED`, and those of every change.
    pub fn approve<'a>(
        &'a self,
        env: &'a Environment,
        params: ApprovalParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            draft.approve(params.by.as_ref(), params.reason.as_ref())
        })
    }

    /// Denies what an agent waits for, which ends its work.
    ///
    /// # Errors
    /// `INVALID_PHASE`, and those of every change.
    pub fn deny<'a>(
        &'a self,
        env: &'a Environment,
        params: ApprovalParams,
    ) -> Pending<'a, SessionHead> {
        self.change_head(env, params.target(), move |draft| {
            draft.deny(params.by.as_ref(), params.reason.as_ref())
        })
    }
}

/// The answer of a change to what may not be there.
async fn known<T>(change: Pending<'_, T>) -> Result<Done<Option<T>>> {
    match change.await {
        Err(Error::SessionNotFound { .. }) => Ok(Done::quiet(None)),
        done => Ok(done?.map(Some)),
    }
}

/// The agents that a list is about. Of those that are to be resumed it holds all, and a few others.
fn filter(env: &Environment, params: &AgentListParams, policy: Option<Policy>) -> Filter {
    let active_only = params.active_only.unwrap_or(false);
    let phases = || {
        Phase::ALL
            .into_iter()
            .filter(|phase| !active_only || !phase.is_final())
    };
    let all = || Filter {
        phase: Some(phases().collect()),
        ..Filter::default()
    };
    Filter {
        mode: params.agent_name.as_ref().map(Text::to_string),
        ..policy.map_or_else(all, |policy| policy.filter(env.now))
    }
}
