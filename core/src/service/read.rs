//! The operations that read sessions: one of them, a page of them, or what there is to say of them. What is
//! kept beside sessions is read elsewhere.

use crate::error::Result;
use crate::session::params::{
    EventsParams, GetParams, HistoryParam, IdParams, ListParams, StatsParams,
};
use crate::session::portable;
use crate::session::replies::{Done, EventPage, SessionContext, SessionPage};
use crate::session::stats::Stats;
use crate::session::view::{Session, SessionEvent, SessionHead};
use crate::store::filter::{Order, Position, Trash};
use crate::store::{History, ListQuery, Loaded};
use crate::value::id::SessionId;
use crate::value::text::Text;

use super::{
    DEFAULT_HISTORY, DEFAULT_SESSIONS, Environment, MAX_PAGE_BYTES, RECENT_HISTORY, Service,
    not_found, page_limit,
};

/// Events of a page unless a call says otherwise.
const DEFAULT_EVENTS: u32 = 100;

impl Service<'_> {
    /// A session with the part of its history that is asked for; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store.
    pub async fn get(
        &self,
        _env: &Environment,
        params: GetParams,
    ) -> Result<Done<Option<Session>>> {
        let history = match params.history {
            None => History::Last {
                count: DEFAULT_HISTORY,
            },
            Some(HistoryParam::Last(count)) => History::Last { count },
            Some(HistoryParam::All) => History::All,
            Some(HistoryParam::None) => History::None,
        };
        let loaded = self.find(&params.id, history, params.trash).await?;
        Ok(Done::quiet(
            loaded.map(|Loaded { head, events }| Session::new(head, events)),
        ))
    }

    /// What an agent needs to go on: the state and the last ten events; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store.
    pub async fn context(
        &self,
        _env: &Environment,
        params: IdParams,
    ) -> Result<Done<Option<SessionContext>>> {
        let history = History::Last {
            count: RECENT_HISTORY,
        };
        let loaded = self.find(&params.id, history, params.trash).await?;
        Ok(Done::quiet(loaded.map(|Loaded { head, events }| {
            SessionContext::new(head, events.into_iter().map(SessionEvent::from).collect())
        })))
    }

    /// A part of a history, oldest first.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`, `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn events(
        &self,
        _env: &Environment,
        params: EventsParams,
    ) -> Result<Done<EventPage>> {
        let limit = page_limit(params.limit, DEFAULT_EVENTS)?;
        let sequence = params.after.unwrap_or(0);
        let Loaded { head, events } = self
            .find(&params.id, History::After { sequence, limit }, None)
            .await?
            .ok_or_else(|| not_found(params.id.as_str()))?;
        let next_after = events
            .last()
            .map(|event| event.sequence)
            .filter(|&last| last < head.event_count);
        Ok(Done::quiet(EventPage {
            items: events.into_iter().map(SessionEvent::from).collect(),
            next_after,
        }))
    }

    /// A page of the sessions that a filter means.
    ///
    /// # Errors
    /// `INVALID_CURSOR`, `INVALID_ARGUMENT` for the limit, and those of the store.
    pub async fn list(&self, _env: &Environment, params: ListParams) -> Result<Done<SessionPage>> {
        let order = Order {
            by: params.order_by.unwrap_or_default(),
            direction: params.direction.unwrap_or_default(),
        };
        let after = params
            .cursor
            .as_ref()
            .map(|cursor| Position::from_cursor(cursor.as_str(), order))
            .transpose()?;
        let query = ListQuery {
            filter: params.filter()?,
            order,
            after,
            offset: params.offset.unwrap_or(0),
            limit: page_limit(params.limit, DEFAULT_SESSIONS)?,
            max_bytes: MAX_PAGE_BYTES,
        };
        let page = self.store.list(&query).await?;
        let next_cursor = page
            .heads
            .last()
            .filter(|_| page.more)
            .map(|last| order.position(last).to_cursor(order));
        Ok(Done::quiet(SessionPage {
            items: page.heads.into_iter().map(SessionHead::from).collect(),
            next_cursor,
            problems: page.problems,
        }))
    }

    /// Statistics over the sessions that a filter means.
    ///
    /// # Errors
    /// Those of the filter and of the store.
    pub async fn stats(&self, _env: &Environment, params: StatsParams) -> Result<Done<Stats>> {
        let tally = self.store.tally(&params.filter()?).await?;
        Ok(Done::quiet(Stats::of(&tally)))
    }

    /// A session with its whole history, as one JSON text.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`, `INVALID_ID`, and those of the store.
    pub async fn export(&self, _env: &Environment, params: IdParams) -> Result<Done<String>> {
        let Loaded { head, events } = self
            .find(&params.id, History::All, params.trash)
            .await?
            .ok_or_else(|| not_found(params.id.as_str()))?;
        portable::print(head, events, None).map(Done::quiet)
    }

    /// Whether an agent may go on with a session: paused, or active with iterations left.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store.
    pub async fn is_resumable(&self, _env: &Environment, params: IdParams) -> Result<Done<bool>> {
        let loaded = self.find(&params.id, History::None, params.trash).await?;
        Ok(Done::quiet(
            loaded.is_some_and(|loaded| loaded.head.is_resumable()),
        ))
    }

    /// How much of its budget a session has used, from 0 to 100; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store.
    pub async fn progress(
        &self,
        _env: &Environment,
        params: IdParams,
    ) -> Result<Done<Option<f64>>> {
        let loaded = self.find(&params.id, History::None, params.trash).await?;
        Ok(Done::quiet(loaded.map(|loaded| loaded.head.progress())))
    }

    /// How long a session has run, in milliseconds; nothing for an unknown id.
    ///
    /// # Errors
    /// `INVALID_ID` and those of the store.
    pub async fn duration(&self, env: &Environment, params: IdParams) -> Result<Done<Option<u64>>> {
        let loaded = self.find(&params.id, History::None, params.trash).await?;
        Ok(Done::quiet(
            loaded.map(|loaded| loaded.head.duration(env.now)),
        ))
    }

    pub(super) async fn find(
        &self,
        id: &Text,
        history: History,
        trash: Option<Trash>,
    ) -> Result<Option<Loaded>> {
        let id = SessionId::parse(id.as_str())?;
        let loaded = self.store.load(&id, history).await?;
        let trash = trash.unwrap_or(Trash::Include);
        Ok(loaded.filter(|loaded| trash.admits(&loaded.head)))
    }
}
