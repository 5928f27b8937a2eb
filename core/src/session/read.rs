//! The operations that read sessions: one of them, a page of them, or statistics.

use crate::error::{Error, Result};
use crate::store::filter::{Order, Position, Trash};
use crate::store::tally::Aggregate;
use crate::store::{History, ListQuery, Loaded};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::value::id::SessionId;
use crate::value::limits::{Limits, MAX_PAGE_BYTES, page_limit};
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

use super::change::not_found;
use super::distribution::Distribution;
use super::params::{
    ContextParams, DistributionParams, EventsParams, GetParams, HistoryParam, IdParams, ListParams,
    StatsParams,
};
use super::replies::{EventPage, SessionContext, SessionPage};
use super::stats::Stats;
use super::view::{Session, SessionEvent, SessionHead};
use super::{event_page, portable, tool_calls};

/// The number of events that `get` returns by default.
pub const DEFAULT_HISTORY: u32 = 100;
/// The number of events in a [`SessionContext`] by default.
pub const RECENT_HISTORY: u32 = 10;
/// The number of users whose usage statistics list by default.
const DEFAULT_USERS: u32 = 10;
/// The number of groups that a distribution lists by default.
const DEFAULT_GROUPS: u32 = 10;
/// Sessions of a page unless a call says otherwise.
pub(crate) const DEFAULT_SESSIONS: u32 = 50;

crate::operations! {
    Group::Sessions;
    /// A session with a part of its history, by default the last 100 events; `null` for an unknown id.
    GET = Read "get" (GetParams) -> Option<Session>, unit get,
        r#"{"id":"s","history":2,"trash":"include"}"#;
    /// The context that an agent needs to continue a session; `null` for an unknown id.
    CONTEXT = Read "context" (ContextParams) -> Option<SessionContext>, unit context,
        r#"{"id":"s","recent":2,"trash":"include"}"#;
    /// A part of a history.
    EVENTS = Read "events" (EventsParams) -> EventPage, steps events,
        r#"{"id":"s","type":["note"],"order":"desc","after":1,"before":9,"limit":2}"#;
    /// A page of sessions, newest first.
    LIST = Read "list" (ListParams) -> SessionPage, steps list,
        r#"{"userId":"u","channelId":"c","mode":"m","status":["active"],"phase":["planning"],"parentId":"p","taskIds":["t"],"slotPhase":["plan"],"model":"m","createdAfter":0,"createdBefore":"2030-01-01","updatedAfter":0,"updatedBefore":"2030-01-01T00:00:00Z","minIterations":0,"maxIterations":9,"text":"t","trash":"include","orderBy":"updatedAt","direction":"asc","limit":2,"offset":0,"cursor":"ua.0.a"}"#;
    /// Statistics over sessions.
    STATS = Read "stats" (StatsParams) -> Stats, steps stats,
        r#"{"userId":"u","channelId":"c","mode":"m","status":["active"],"phase":["planning"],"parentId":"p","taskIds":["t"],"slotPhase":["plan"],"model":"m","createdAfter":0,"createdBefore":"2030-01-01","updatedAfter":0,"updatedBefore":"2030-01-01T00:00:00Z","minIterations":0,"maxIterations":9,"text":"t","trash":"include","users":2}"#;
    /// How durations, costs, tokens and iterations are distributed among sessions.
    DISTRIBUTION = Read "distribution" (DistributionParams) -> Distribution, steps distribution,
        r#"{"userId":"u","channelId":"c","mode":"m","status":["active"],"phase":["planning"],"parentId":"p","taskIds":["t"],"slotPhase":["plan"],"model":"m","createdAfter":0,"createdBefore":"2030-01-01","updatedAfter":0,"updatedBefore":"2030-01-01T00:00:00Z","minIterations":0,"maxIterations":9,"text":"t","trash":"include","by":"model","groups":2}"#;
    /// A session with its whole history, as one JSON text.
    EXPORT = Read "export" (IdParams) -> String, unit export,
        r#"{"id":"s","trash":"include"}"#;
    /// Whether an agent may go on with a session: paused, or active with iterations left.
    IS_RESUMABLE = Read "isResumable" (IdParams) -> bool, unit is_resumable,
        r#"{"id":"s","trash":"include"}"#;
    /// How much of its budget a session has used, from 0 to 100; `null` for an unknown id.
    PROGRESS = Read "progress" (IdParams) -> Option<f64>, unit progress,
        r#"{"id":"s","trash":"include"}"#;
    /// How long a session has run, in milliseconds; `null` for an unknown id.
    DURATION = Read "duration" (IdParams) -> Option<u64>, unit duration,
        r#"{"id":"s","trash":"include"}"#;
}

fn get(tx: &mut Transaction<'_>, params: &GetParams) -> Attempt<Option<Session>> {
    let history = match params.history {
        None => History::Last {
            count: DEFAULT_HISTORY,
        },
        Some(HistoryParam::Last(count)) => History::Last { count },
        Some(HistoryParam::All) => History::All,
        Some(HistoryParam::None) => History::None,
    };
    let loaded = find(tx, &params.id, history, params.trash)?;
    let Some(Loaded { head, events }) = loaded else {
        return Ok(None);
    };
    check_history(&events, tx.limits())?;
    let is_missing = tx.lacks_model_of(&head);
    Ok(Some(Session {
        head: SessionHead::marked(head, is_missing),
        history: events.into_iter().map(SessionEvent::from).collect(),
    }))
}

fn context(tx: &mut Transaction<'_>, params: &ContextParams) -> Attempt<Option<SessionContext>> {
    let count = at_most_a_thousand("recent", params.recent, RECENT_HISTORY)?;
    let loaded = find(tx, &params.id, History::Last { count }, params.trash)?;
    let Some(Loaded { head, events }) = loaded else {
        return Ok(None);
    };
    check_history(&events, tx.limits())?;
    let recent = events.into_iter().map(SessionEvent::from).collect();
    let unfinished = tool_calls::unfinished(tx, &head.id)?;
    Ok(Some(SessionContext::new(head, recent, unfinished)))
}

/// A number of events, users or groups: the given one, or the default.
fn at_most_a_thousand(name: &str, given: Option<u32>, default: u32) -> Result<u32> {
    match given.unwrap_or(default) {
        number @ ..=1000 => Ok(number),
        _ => Err(Error::invalid(name, "expected at most 1,000")),
    }
}

async fn events(context: &Context, params: EventsParams) -> Result<EventPage> {
    event_page::read(context, params).await
}

/// Checks that one reply can hold a history.
///
/// # Errors
/// `TOO_LARGE`.
pub fn check_history(events: &[Event], limits: &Limits) -> Result<()> {
    limits.reply("history", events.iter().map(Event::user_bytes).sum())
}

async fn list(context: &Context, params: ListParams) -> Result<SessionPage> {
    let order = Order {
        by: params.order_by.unwrap_or_default(),
        direction: params.direction.unwrap_or_default(),
    };
    let after = params.cursor.as_ref();
    let after = after.map(|cursor| Position::from_cursor(cursor.as_str(), order));
    let query = ListQuery {
        after: after.transpose()?,
        filter: params.filter()?,
        order,
        offset: params.offset.unwrap_or(0),
        limit: page_limit(params.limit, DEFAULT_SESSIONS)?,
        max_bytes: MAX_PAGE_BYTES,
    };
    let page = context.list(&query).await?;
    let last = page.heads.last().filter(|_| page.more);
    let missing = missing_models(context, &page.heads).await?;
    Ok(SessionPage {
        next_cursor: last.map(|last| order.position(last).to_cursor(order)),
        items: page
            .heads
            .into_iter()
            .zip(missing)
            .map(|(head, is_missing)| SessionHead::marked(head, is_missing))
            .collect(),
        problems: page.problems,
    })
}

/// Whether the model of each of these sessions is missing.
///
/// # Errors
/// Those of the host that is asked.
pub async fn missing_models(context: &Context, heads: &[Head]) -> Result<Vec<bool>> {
    context
        .transact(|tx| Ok(heads.iter().map(|head| tx.lacks_model_of(head)).collect()))
        .await
}

async fn stats(context: &Context, params: StatsParams) -> Result<Stats> {
    let users = at_most_a_thousand("users", params.users, DEFAULT_USERS)?;
    let counts = Aggregate::Counts { users };
    let tally = context.tally(params.filter()?, counts).await?;
    Ok(Stats::of(&tally))
}

async fn distribution(context: &Context, params: DistributionParams) -> Result<Distribution> {
    let groups = at_most_a_thousand("groups", params.groups, DEFAULT_GROUPS)?;
    let by = params.by;
    if by.is_none() && params.groups.is_some() {
        return Err(Error::invalid("groups", "expected `by`, too"));
    }
    let values = Aggregate::Values { by };
    let tally = context.tally(params.filter()?, values).await?;
    Ok(Distribution::of(&tally, by.is_some(), groups))
}

fn export(tx: &mut Transaction<'_>, params: &IdParams) -> Attempt<String> {
    let loaded = find(tx, &params.id, History::All, params.trash)?;
    let Loaded { head, events } = loaded.ok_or_else(|| not_found(params.id.as_str()))?;
    check_history(&events, tx.limits())?;
    Ok(portable::print(head, events, None)?)
}

fn is_resumable(tx: &mut Transaction<'_>, params: &IdParams) -> Attempt<bool> {
    let head = find_head(tx, &params.id, params.trash)?;
    let Some(head) = head.filter(|head| head.is_resumable()) else {
        return Ok(false);
    };
    let model = head.slot.as_ref().map(|slot| slot.model.clone());
    Ok(model.is_none_or(|model| !tx.lacks_model(&model)))
}

fn progress(tx: &mut Transaction<'_>, params: &IdParams) -> Attempt<Option<f64>> {
    let head = find_head(tx, &params.id, params.trash)?;
    Ok(head.map(Head::progress))
}

fn duration(tx: &mut Transaction<'_>, params: &IdParams) -> Attempt<Option<u64>> {
    let now = tx.now();
    let head = find_head(tx, &params.id, params.trash)?;
    Ok(head.map(|head| head.duration(now)))
}

/// A session's head; nothing for an unknown id, and where the trash says so.
///
/// # Errors
/// Those of [`find`].
fn find_head<'t>(
    tx: &'t mut Transaction<'_>,
    id: &Text,
    trash: Option<Trash>,
) -> Attempt<Option<&'t Head>> {
    let id = SessionId::parse(id.as_str())?;
    let trash = trash.unwrap_or(Trash::Include);
    let head = tx.loaded(&id, History::None)?.map(|loaded| &loaded.head);
    Ok(head.filter(|head| trash.admits(head)))
}

/// A session with a part of its history; nothing for an unknown id, and where the trash says so.
///
/// # Errors
/// `INVALID_ID`, and those of the store.
pub(crate) fn find(
    tx: &mut Transaction<'_>,
    id: &Text,
    history: History,
    trash: Option<Trash>,
) -> Attempt<Option<Loaded>> {
    let id = SessionId::parse(id.as_str())?;
    let trash = trash.unwrap_or(Trash::Include);
    let loaded = tx.take_loaded(&id, history)?;
    Ok(loaded.filter(|loaded| trash.admits(&loaded.head)))
}
