//! What happens at the events of a host that names them. A delegation resumes an agent of the
//! conversation that waits, or creates one; the agent's start and end are matched with it by what the
//! host calls it. The conversation itself is a session with the host's id.

use tenure_core::agent::operations::create_agent;
use tenure_core::agent::params::AgentCreateParams;
use tenure_core::agent::resume::{self, Candidate, Policy, ResumeDecision};
use tenure_core::error::{Cause, Class, Error, Result, cut, none_if_corrupt};
use tenure_core::session::change::{append, change, change_with_model, create};
use tenure_core::session::draft::Draft;
use tenure_core::session::params::{ChangeOnly, IfExhausted, StartParams};
use tenure_core::session::read::missing_models;
use tenure_core::session::view::SessionHead;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy};
use tenure_core::store::{Found, History, ListQuery, Read};
use tenure_core::stored::approval::ApprovalState;
use tenure_core::stored::head::Head;
use tenure_core::stored::phase::Phase;
use tenure_core::stored::status::Status;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::value::id::SessionId;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::limits::MAX_PAGE_BYTES;
use tenure_core::value::text::Text;
use tenure_core::value::time::Millis;
use tenure_core::work::context::Context;
use tenure_core::work::transaction::{Attempt, Transaction};

use super::index::AgentIndex;
use super::link::HostLink;
use super::payload::{Event, Payload, nothing, warning, with_warning};
use super::prompt::{self, IdForm};
use super::reply::HookReply;
use super::request::{FinalizePolicy, ReplyReason, Request, is_waiting};

/// The number of sessions of an agent that are searched for one of a task.
pub(super) const MAX_CANDIDATES: u32 = 100;
/// The name of an agent that the host does not name.
const UNNAMED: &str = "general-purpose";
/// The mode of a conversation without an agent of its own.
const CONVERSATION: &str = "main";
/// The type of the event at which a conversation waits for its user.
const TURN: &str = "turn";
/// The number of waiting agents that the start of a conversation names.
const MAX_WAITING: usize = 10;
/// How long an agent of another conversation counts as running after its last change, in milliseconds.
/// The host of that conversation may have been killed.
const SILENCE: Millis = Millis(10 * 60 * 1000);
/// The greatest metadata that are shown to a model, in bytes.
const MAX_SHOWN: usize = 4000;

/// The order in which agents are searched.
const LATEST_FIRST: Order = Order {
    by: OrderBy::UpdatedAt,
    direction: Direction::Desc,
};

/// How a call answers events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Which agents are resumed.
    pub(crate) policy: Policy,
    /// Which agents are finalized.
    pub(crate) finalize: FinalizePolicy,
}

/// The reply to an event. A failure of the store is a warning.
pub(crate) async fn answer(context: &Context, payload: &Payload, options: Options) -> HookReply {
    let answered = context.choose("an agent of the conversation", || {
        answer_once(context, payload, options)
    });
    let answered = answered.await;
    answered.unwrap_or_else(|error| warning(&error.to_string()))
}

/// Nothing if another event has changed the agent that this one was taken to be about.
async fn answer_once(
    context: &Context,
    payload: &Payload,
    options: Options,
) -> Result<Option<HookReply>> {
    match payload.event {
        Event::SessionStart => session_start(context, payload, options.policy)
            .await
            .map(Some),
        Event::Delegation => delegation(context, payload, options.policy).await,
        Event::SubagentStart => subagent_start(context, payload).await,
        Event::SubagentStop => subagent_stop(context, payload, options.finalize).await,
        Event::Stop => stop(context, payload).await.map(Some),
        Event::SessionEnd => session_end(context, payload).await.map(Some),
        Event::Other => Ok(Some(nothing())),
    }
}

/// Creates the session of the conversation, or resumes it, and names the agents that wait. A session
/// whose model is missing is not resumed, and a warning says so.
async fn session_start(context: &Context, payload: &Payload, policy: Policy) -> Result<HookReply> {
    let now = context.call().now;
    // The host is asked about models before the first write.
    let heads = agents(context, policy.filter(now), LATEST_FIRST).await?;
    missing_models(context, &heads).await?;
    let mut missing = None;
    if let Some(id) = conversation(payload) {
        let params = StartParams {
            task: cut(format!(
                "conversation in {}",
                payload.text("cwd").unwrap_or_default()
            ))
            .into(),
            mode: payload
                .text("agent_type")
                .unwrap_or_else(|| CONVERSATION.to_owned())
                .into(),
            metadata: Some(HostLink::of_conversation(payload).metadata()),
            ..StartParams::default()
        };
        let begun = context
            .transact(|tx| match tx.head(&id)? {
                None => {
                    let draft = Draft::start(id.clone(), &params, tx.now(), tx.limits())?;
                    create(tx, draft, None).map(drop)
                }
                Some(head) if head.status == Status::Paused => {
                    let resume =
                        |draft: &mut Draft<'_>| draft.resume(None, IfExhausted::Timeout, None);
                    change_with_model(tx, &target(&id), &resume).map(drop)
                }
                Some(_) => Ok(()),
            })
            .await;
        missing = match begun {
            Err(error) if matches!(error.cause(), Cause::ModelMissing { .. }) => Some(error),
            begun => {
                unless_refused(begun)?;
                None
            }
        };
    }
    // The process of a conversation that goes on after a compaction is the same, and so are its agents.
    if payload.text("source").as_deref() != Some("compact") {
        stop_agents(context, payload, policy.filter(now), |_| true).await?;
    }
    let heads = agents(context, policy.filter(now), LATEST_FIRST).await?;
    let heads = with_models(context, heads).await?;
    let waiting = heads
        .iter()
        .filter(|head| can_resume(head, payload, policy, context));
    let lines: Vec<String> = waiting.take(MAX_WAITING).map(line).collect();
    let reply = match lines.is_empty() {
        true => nothing(),
        false => {
            let text = "These agents wait to be resumed. To resume one, hand its task to an agent and \
                        name the id in the prompt:";
            payload.context(&[text, &lines.concat()].concat())
        }
    };
    Ok(match missing {
        Some(error) => with_warning(&reply, &error.to_string()),
        None => reply,
    })
}

/// An agent in a list for a model.
fn line(head: &Head) -> String {
    let phase = head
        .agent
        .as_ref()
        .map_or("none", |agent| agent.phase.as_str());
    let purpose = cut(head.task.replace(char::is_control, " "));
    let (id, name) = (&head.id, &head.mode);
    format!("\n- {id}: {name}, in the phase {phase}: {purpose}")
}

/// Resumes an agent that waits, or creates one. One that its prompt names and that waits for an approval
/// is not resumed, and no other takes its place. Nothing if another delegation has resumed the agent.
async fn delegation(
    context: &Context,
    payload: &Payload,
    policy: Policy,
) -> Result<Option<HookReply>> {
    let delegation = delegate(context, payload, policy).await?;
    Ok(delegation.map(|delegation| match delegation {
        Delegation::Runs(head) => payload.context(&about(&head)),
        Delegation::Over => nothing(),
        Delegation::AwaitsApproval(id) => payload.context(&waits_for_approval(&id)),
    }))
}

/// The outcome of a delegation.
enum Delegation {
    /// Its agent runs.
    Runs(Box<SessionHead>),
    /// It is one of before whose agent has stopped.
    Over,
    /// This agent waits for an approval.
    AwaitsApproval(SessionId),
}

impl Delegation {
    /// That of a delegation that was answered before, as for the same hook in two settings.
    fn repeated(head: Head, payload: &Payload) -> Self {
        let is_current = |link: &HostLink| link.is_of_delegation(payload) && !link.is_stopped();
        let runs =
            !head.status.is_finished() && HostLink::of(&head).as_ref().is_some_and(is_current);
        match runs {
            true => Self::Runs(Box::new(head.into())),
            false => Self::Over,
        }
    }
}

async fn delegate(
    context: &Context,
    payload: &Payload,
    policy: Policy,
) -> Result<Option<Delegation>> {
    let name = payload
        .input("subagent_type")
        .unwrap_or_else(|| UNNAMED.to_owned());
    let request = Request::of_agent(&name);
    let call = context.call();
    let nonce = Fingerprint::of("hook", call.entropy.bits()).text();
    let link = HostLink::of_delegation(payload);
    let index = AgentIndex::of(payload);
    let tool_use = payload.text("tool_use_id");
    if let Some((head, decision)) = resumable(context, payload, &name, policy).await? {
        let entry = request.entry(
            &ReplyReason::decided(&decision),
            Some(&head),
            call.now,
            &nonce,
        );
        if !decision.resume {
            context
                .transact(|tx| {
                    tx.enter(entry.to_record());
                    Ok(())
                })
                .await?;
            return Ok(Some(Delegation::AwaitsApproval(head.id)));
        }
        let link = link.about(&head.id).metadata();
        let linked = |draft: &mut Draft<'_>| {
            if draft.head().status == Status::Paused {
                draft.resume(None, IfExhausted::Refuse, None)?;
            }
            draft.merge_metadata(&link)
        };
        return context
            .transact(|tx| {
                if let Some(before) = index.delegated(tx, tool_use.as_deref())? {
                    return Ok(Some(Delegation::repeated(before, payload)));
                }
                let now = tx.head(&head.id)?;
                if !now.is_some_and(|now| can_resume(&now, payload, policy, context)) {
                    return Ok(None);
                }
                tx.enter(entry.to_record());
                index.delegate(tx, &head.id, tool_use.as_deref())?;
                let resumed = change_with_model(tx, &target(&head.id), &linked)?;
                Ok(Some(Delegation::Runs(Box::new(resumed))))
            })
            .await;
    }
    let reason = ReplyReason::nothing("not_found", "no agent of this conversation waits");
    let entry = request.entry(&reason, None, call.now, &nonce);
    let purpose = payload
        .input("description")
        .or_else(|| payload.input("prompt"));
    let params = AgentCreateParams {
        agent_name: name.into(),
        purpose: purpose.map(|purpose| cut(purpose).into()),
        metadata: Some(link.metadata()),
        ..AgentCreateParams::default()
    };
    context
        .transact(|tx| {
            if let Some(before) = index.delegated(tx, tool_use.as_deref())? {
                return Ok(Some(Delegation::repeated(before, payload)));
            }
            tx.enter(entry.to_record());
            let created = create_agent(tx, &params)?;
            index.delegate(tx, &created.id, tool_use.as_deref())?;
            Ok(Some(Delegation::Runs(Box::new(created))))
        })
        .await
}

/// The agent that a delegation resumes: one that its prompt names, or else the one of this name that
/// was active last in the conversation. An agent that the prompt names and that waits for an approval is
/// returned before any other.
async fn resumable(
    context: &Context,
    payload: &Payload,
    name: &str,
    policy: Policy,
) -> Result<Option<(Head, ResumeDecision)>> {
    let now = context.call().now;
    let decided = |head: Head| {
        let decision = resume::decide(Candidate::Session(&head), policy, now);
        (head, decision)
    };
    let prompt = payload.input("prompt").unwrap_or_default();
    let mut named = agents_named(context, &prompt).await?;
    let waiting = named.iter().position(|(_, head)| head.awaits_approval());
    let meant = waiting.or_else(|| {
        let is_meant = |(form, head): &(IdForm, Head)| {
            *form != IdForm::Word && can_resume(head, payload, policy, context)
        };
        named.iter().position(is_meant)
    });
    if let Some(meant) = meant {
        return Ok(Some(decided(named.swap_remove(meant).1)));
    }
    let filter = Filter {
        mode: Some(name.to_owned()),
        ..policy.filter(now)
    };
    let is_ours = |head: &Head| HostLink::of(head).is_some_and(|link| link.is_of_session(payload));
    let heads = agents(context, filter, LATEST_FIRST).await?;
    let heads = with_models(context, heads).await?.into_iter();
    let mut ours = heads.filter(|head| is_ours(head) && can_resume(head, payload, policy, context));
    Ok(ours.next().map(decided))
}

/// The agents whose ids are in a prompt, in one request where the store can.
async fn agents_named(context: &Context, prompt: &str) -> Result<Vec<(IdForm, Head)>> {
    let (forms, ids): (Vec<IdForm>, Vec<SessionId>) = prompt::ids(prompt).into_iter().unzip();
    let found = heads(context, &ids).await?;
    let named = forms.into_iter().zip(found).filter_map(|(form, head)| {
        let head = head.filter(|head| head.agent.is_some())?;
        Some((form, head))
    });
    let (forms, heads): (Vec<IdForm>, Vec<Head>) = named.unzip();
    let missing = missing_models(context, &heads).await?;
    let named = forms.into_iter().zip(heads).zip(missing);
    // One that waits for an approval is named in the reply, and not resumed.
    let named = named.filter(|((_, head), is_missing)| !is_missing || head.awaits_approval());
    Ok(named.map(|(named, _)| named).collect())
}

/// The agents whose models are available.
async fn with_models(context: &Context, heads: Vec<Head>) -> Result<Vec<Head>> {
    let missing = missing_models(context, &heads).await?;
    let heads = heads.into_iter().zip(missing);
    Ok(heads
        .filter_map(|(head, is_missing)| (!is_missing).then_some(head))
        .collect())
}

/// Whether an agent can be resumed. One that runs is not resumed a second time.
fn can_resume(head: &Head, payload: &Payload, policy: Policy, context: &Context) -> bool {
    let now = context.call().now;
    let runs = HostLink::of(head).is_some_and(|link| {
        let may_run = link.is_of_session(payload) || now.since(head.updated_at) < SILENCE.0;
        may_run && link.is_about(head) && !link.is_stopped()
    });
    !runs && resume::decide(Candidate::Session(head), policy, now).resume
}

/// Records that agents of the conversation have stopped of which the host says nothing any more: those
/// that a filter selects, and for whose link `ended` holds.
async fn stop_agents(
    context: &Context,
    payload: &Payload,
    filter: Filter,
    ended: impl Fn(&HostLink) -> bool + Sync,
) -> Result<()> {
    let now = context.call().now;
    let index = AgentIndex::of(payload);
    let ids = index.running(context).await?.into_iter();
    let ids: Vec<SessionId> = ids.map(|(_, id)| id).collect();
    let goes_on = |head: &Head| {
        let link = running(head, payload);
        link.is_some_and(|link| !filter.matches(head) || !ended(&link))
    };
    for (id, head) in ids.iter().zip(heads(context, &ids).await?) {
        if head.as_ref().is_some_and(&goes_on) {
            continue;
        }
        let stopped = context
            .transact(|tx| {
                let head = index.head(tx, id)?;
                if head.as_ref().is_some_and(&goes_on) {
                    return Ok(());
                }
                if let Some(link) = head.and_then(|head| running(&head, payload)) {
                    let stopped = link.stopped(now).metadata();
                    change(tx, &target(id), &|draft| draft.merge_metadata(&stopped))?;
                }
                index.stop(tx, id, None)
            })
            .await;
        unless_refused(stopped)?;
    }
    Ok(())
}

/// The link of an agent of the conversation that runs.
fn running(head: &Head, payload: &Payload) -> Option<HostLink> {
    let link = HostLink::of(head)?;
    let is_there = !head.status.is_finished() && head.deleted_at.is_none();
    let runs = is_there && link.is_of_session(payload) && !link.is_stopped();
    runs.then_some(link)
}

/// The agents whose work has not ended.
fn unfinished() -> Filter {
    let phases = Phase::ALL.into_iter();
    Filter {
        phase: Some(phases.filter(|phase| !phase.is_final()).collect()),
        ..Filter::default()
    }
}

/// Links the agent that starts to the session of its delegation, and says to it which that is. Nothing
/// if another event has changed that agent.
async fn subagent_start(context: &Context, payload: &Payload) -> Result<Option<HookReply>> {
    let chosen = match Chosen::of(context, payload).await? {
        Choice::Agent(chosen) => chosen,
        Choice::Changed => return Ok(None),
        Choice::Nobody => {
            let reported = context
                .transact(|tx| match conversation(payload) {
                    Some(id) if tx.head(&id)?.is_some() => {
                        AgentIndex::of(payload).report_starts(tx, &id)
                    }
                    _ => Ok(()),
                })
                .await;
            unless_refused(reported)?;
            return Ok(Some(nothing()));
        }
    };
    let linked = context
        .transact(|tx| {
            let Some(link) = chosen.link(tx, payload)? else {
                return Ok(None);
            };
            let link = link.started().metadata();
            AgentIndex::of(payload).start(tx, &chosen.id, chosen.agent.as_deref())?;
            change(tx, &target(&chosen.id), &|draft| {
                draft.merge_metadata(&link)
            })
            .map(Some)
        })
        .await;
    Ok(match unless_refused(linked)? {
        Some(linked) => linked.map(|head| payload.context(&about(&head))),
        None => Some(nothing()),
    })
}

/// Finalizes the agent that has stopped, unless it waits. Nothing if another event has changed that agent.
async fn subagent_stop(
    context: &Context,
    payload: &Payload,
    finalize: FinalizePolicy,
) -> Result<Option<HookReply>> {
    let chosen = match Chosen::of(context, payload).await? {
        Choice::Agent(chosen) => chosen,
        Choice::Changed => return Ok(None),
        Choice::Nobody => return Ok(Some(nothing())),
    };
    let call = context.call();
    let message = payload.text("last_assistant_message");
    let summary =
        message.map(|message| Text::from(cut(call.limits.redact.text(&message).into_owned())));
    let waits = finalize == FinalizePolicy::Auto;
    // An agent that may not end, because it waits for an approval or a runner holds it, has stopped.
    for ends in [true, false] {
        let stopped = context
            .transact(|tx| {
                let Some(link) = chosen.link(tx, payload)? else {
                    return Ok(None);
                };
                let link = link.stopped(call.now).metadata();
                AgentIndex::of(payload).stop(tx, &chosen.id, chosen.agent.as_deref())?;
                change(tx, &target(&chosen.id), &|draft| {
                    draft.merge_metadata(&link)?;
                    if !ends || (waits && is_waiting(draft.head())) {
                        return Ok(());
                    }
                    draft.finalize(Phase::Completed, summary.as_ref())
                })
                .map(Some)
            })
            .await;
        if let Some(stopped) = unless_refused(stopped)? {
            return Ok(stopped.map(|_| nothing()));
        }
    }
    Ok(Some(nothing()))
}

/// Which agent of the conversation an event is about.
enum Choice {
    /// This one.
    Agent(Chosen),
    /// None that has a session, or one that has ended.
    Nobody,
    /// Another report of the same start came in between.
    Changed,
}

/// The agent of the conversation that an event is about.
struct Chosen {
    /// The id of its session.
    id: SessionId,
    /// What the host calls the agent, if it names it.
    agent: Option<String>,
    /// The session that the host had called so before.
    before: Option<SessionId>,
    /// Whether the host has called this agent so before. Otherwise it is one that can be meant.
    is_called: bool,
}

impl Chosen {
    async fn of(context: &Context, payload: &Payload) -> Result<Choice> {
        let index = AgentIndex::of(payload);
        let agent = payload.text("agent_id");
        let before = match &agent {
            Some(agent) => index.agent(context, agent).await?,
            None => None,
        };
        let called = match &agent {
            Some(agent) => agent_called(context, payload, agent, before.as_ref()).await?,
            None => None,
        };
        let meant = delegated(context, payload, called.as_ref()).await?;
        let is_called = meant.is_none();
        let head = meant.or(called);
        if let Some(head) = head.filter(|head| !head.status.is_finished()) {
            return Ok(Choice::Agent(Self {
                id: head.id,
                agent,
                before,
                is_called,
            }));
        }
        Ok(match &agent {
            Some(agent) if index.agent(context, agent).await? != before => Choice::Changed,
            _ => Choice::Nobody,
        })
    }

    /// The link of the agent with what the event says, or nothing if another event has changed which
    /// agent this one is about.
    fn link(&self, tx: &mut Transaction<'_>, payload: &Payload) -> Attempt<Option<HostLink>> {
        let index = AgentIndex::of(payload);
        if let Some(agent) = &self.agent
            && index.agent_in(tx, agent)? != self.before
        {
            return Ok(None);
        }
        let Some(head) = index.head(tx, &self.id)? else {
            return Ok(None);
        };
        let link = match &self.agent {
            Some(agent) if self.is_called => {
                HostLink::of(&head).filter(|link| link.is_of_agent(agent))
            }
            Some(_) if stops(payload) && index.reports_starts_in(tx)? => None,
            _ => can_be_meant(&head, payload),
        };
        let link = link.filter(|_| !head.status.is_finished());
        Ok(link.map(|link| link.of_agent(payload)))
    }
}

/// Whether an agent stops.
fn stops(payload: &Payload) -> bool {
    payload.event == Event::SubagentStop
}

/// The link of an agent that an event without an agent that is known can be about. One that was not
/// allowed to start is not taken for one of a later prompt; an agent may stop in any.
fn can_be_meant(head: &Head, payload: &Payload) -> Option<HostLink> {
    let stops = stops(payload);
    let is_unnamed = stops && payload.text("agent_id").is_none();
    let name = payload.text("agent_type");
    running(head, payload).filter(|link| {
        (is_unnamed || link.is_open())
            && (stops || link.is_of_prompt(payload))
            && name.is_none_or(|name| name == head.mode)
    })
}

/// The agent that an event is about, if it is not the one that the host has `called` so before. If the
/// host does not say which agent has stopped, it is the only one that can be meant, or none.
async fn delegated(
    context: &Context,
    payload: &Payload,
    called: Option<&Head>,
) -> Result<Option<Head>> {
    let name = payload.text("agent_type");
    let stops = stops(payload);
    if called.is_some_and(|head| stops || running(head, payload).is_some()) {
        return Ok(None);
    }
    // Agents of the host's own have an empty name, and no delegation.
    if name.is_none() && payload.has("agent_type") {
        return Ok(None);
    }
    let index = AgentIndex::of(payload);
    // The host has started this one without a delegation.
    if stops && payload.text("agent_id").is_some() && index.reports_starts(context).await? {
        return Ok(None);
    }
    // An agent that has stopped starts again for a task that it was handed since. Otherwise its start is
    // reported again.
    let stopped_at = called.and_then(|head| {
        let link = HostLink::of(head)?;
        link.stopped_at().or(head.finalized_at)
    });
    let delegations = index.running(context).await?.into_iter();
    let ids: Vec<SessionId> = delegations
        .filter(|(at, _)| stopped_at.is_none_or(|stopped| *at > stopped.as_millis()))
        .map(|(_, id)| id)
        .collect();
    let agents = heads(context, &ids).await?.into_iter().flatten();
    let mut meant = agents.filter(|head| can_be_meant(head, payload).is_some());
    // Of several agents of one name, the host starts first the one that it was asked for first.
    let first = meant.next();
    let is_certain = (!stops && name.is_some()) || meant.next().is_none();
    Ok(first.filter(|_| is_certain))
}

/// The agent that the host calls `agent`. A host that does not name its conversations is taken to use a
/// name once.
async fn agent_called(
    context: &Context,
    payload: &Payload,
    agent: &str,
    before: Option<&SessionId>,
) -> Result<Option<Head>> {
    if payload.text("session_id").is_none() {
        let filter = Filter {
            mode: payload.text("agent_type"),
            phase: Some(Phase::ALL.to_vec()),
            ..Filter::default()
        };
        let mut heads = agents(context, filter, LATEST_FIRST).await?.into_iter();
        let is_called = |link: HostLink| link.is_of_agent(agent);
        return Ok(heads.find(|head| HostLink::of(head).is_some_and(is_called)));
    }
    let found = heads(
        context,
        before.map(std::slice::from_ref).unwrap_or_default(),
    )
    .await?;
    let found = found.into_iter().flatten().next();
    let is_called = |link: HostLink| link.is_of_agent(agent) && link.is_of_session(payload);
    Ok(found.filter(|head| HostLink::of(head).is_some_and(is_called)))
}

/// The heads of sessions, in requests of several where the store can. None for those that cannot be read.
async fn heads(context: &Context, ids: &[SessionId]) -> Result<Vec<Option<Head>>> {
    let mut heads = Vec::with_capacity(ids.len());
    for ids in ids.chunks(prompt::MAX_IDS) {
        for found in context.read(ids.iter().map(Read::head).collect()).await? {
            heads.push(match found {
                Found::Session(found) => none_if_corrupt(found)?.map(|loaded| loaded.head),
                Found::Record(_) => None,
            });
        }
    }
    Ok(heads)
}

/// Records that the conversation waits for its user. The agents that it waited for have stopped before,
/// also those of which the host said nothing: they were interrupted, or never started.
async fn stop(context: &Context, payload: &Payload) -> Result<HookReply> {
    let Some(id) = conversation(payload) else {
        return Ok(nothing());
    };
    // The host is asked about the model before the first write.
    let head = none_if_corrupt(context.load(&id, History::None).await)?;
    missing_models(context, head.map(|loaded| loaded.head).as_slice()).await?;
    // The user may have sent an agent into the background after its start.
    let has_background = payload.lists("background_tasks");
    let ended = |link: &HostLink| !link.is_in_background() && (link.is_open() || !has_background);
    stop_agents(context, payload, unfinished(), ended).await?;
    let mut data = Object::default();
    if let Some(message) = payload.text("last_assistant_message") {
        let message = context.call().limits.redact.text(&message).into_owned();
        data.set("message", &cut(message));
    }
    let data = data.to_json();
    let recorded = context
        .transact(|tx| {
            append(tx, &target(&id), &|draft| {
                draft.record(TURN, Some(data.clone()))
            })
        })
        .await;
    unless_refused(recorded)?;
    Ok(nothing())
}

/// Pauses the session of the conversation, which its user may go on with. Its agents end with it.
async fn session_end(context: &Context, payload: &Payload) -> Result<HookReply> {
    let Some(id) = conversation(payload) else {
        return Ok(nothing());
    };
    stop_agents(context, payload, unfinished(), |_| true).await?;
    let reason = payload.text("reason").map(|reason| Text::from(cut(reason)));
    let ended = context
        .transact(|tx| {
            change(tx, &target(&id), &|draft| match draft.head().status {
                Status::Active => draft.pause(reason.as_ref(), None),
                _ => Ok(()),
            })
        })
        .await;
    unless_refused(ended)?;
    Ok(nothing())
}

/// The id of the conversation's session, if it can be one.
fn conversation(payload: &Payload) -> Option<SessionId> {
    SessionId::parse(&payload.text("session_id")?).ok()
}

fn target(id: &SessionId) -> ChangeOnly {
    ChangeOnly {
        id: Text::from(id.as_str()),
        ..ChangeOnly::default()
    }
}

/// The result of a change, or nothing where the session does not allow it: it is unknown, has ended, or
/// is in the trash.
fn unless_refused<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if is_refusal(&error) => Ok(None),
        result => result.map(Some),
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error.class(),
        Class::NotFound | Class::Refused | Class::Conflict
    )
}

/// The agents that a filter selects, as many as are searched.
async fn agents(context: &Context, filter: Filter, order: Order) -> Result<Vec<Head>> {
    let query = ListQuery {
        filter,
        order,
        after: None,
        offset: 0,
        limit: MAX_CANDIDATES,
        max_bytes: MAX_PAGE_BYTES,
    };
    Ok(context.list(&query).await?.heads)
}

/// What a model has to know about the session of an agent.
fn about(head: &SessionHead) -> String {
    let id = &head.id;
    let mut text = format!(
        "The session of this agent in tenure is {id}. `tenure agent update {id} --phase PHASE` records \
         what the agent does: investigating, planning, executing or validating. `tenure agent \
         request-approval {id} --reason TEXT` asks a person before work that needs an approval; the agent \
         then stops, and goes on after the decision."
    );
    let phase = head.phase.unwrap_or_default();
    if phase == Phase::Initializing {
        return text;
    }
    text.push(' ');
    if head
        .approval
        .as_ref()
        .is_some_and(|approval| approval.state == ApprovalState::Pending)
    {
        text.push_str(&waits_for_approval(id));
    } else {
        text.push_str(&format!(
            "The agent is resumed: it goes on in the phase {phase}."
        ));
    }
    text.push_str(&format!(" `tenure agent get {id}` prints its history."));
    let metadata = head.metadata.as_ref().map_or("{}", Json::as_str);
    if metadata.len() <= MAX_SHOWN {
        text.push_str(" Its metadata: ");
        text.push_str(metadata);
    }
    text
}

/// What a model has to know about an agent that waits for an approval.
fn waits_for_approval(id: &SessionId) -> String {
    format!(
        "The agent {id} waits for an approval and is not resumed. Its work must not be done until a person \
         has approved it with `tenure agent approve {id} --by NAME`."
    )
}
