//! A page of a session's history: events of some types or of all, from either end. The history is read in
//! pieces, so that a page of rare events holds only a part of it in memory at a time.

use std::ops::ControlFlow;

use crate::error::Result;
use crate::store::filter::Direction;
use crate::store::{History, Loaded};
use crate::stored::event::Event;
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE_BYTES, page_limit};
use crate::value::text::Text;
use crate::work::context::Context;

use super::change::not_found;
use super::params::{EventsParams, OneOf};
use super::replies::EventPage;

/// Events of a page unless a call says otherwise.
const DEFAULT_EVENTS: u32 = 100;
/// The number of events in a piece that is read from the end of the history, which is held as a whole.
const PIECE: u32 = 32;
/// The number of events in a piece of which only those of some types are kept.
const SEARCHED_PIECE: u32 = 256;
/// The number of events that one page looks at.
const MAX_SEARCHED: usize = 10_000;

/// The page that a call asks for.
///
/// # Errors
/// `INVALID_ARGUMENT`, `INVALID_ID`, `SESSION_NOT_FOUND`, and those of the store.
pub(super) async fn read(context: &Context, params: EventsParams) -> Result<EventPage> {
    let limit = page_limit(params.limit, DEFAULT_EVENTS)?;
    let kinds = params.r#type.map(|OneOf(kinds)| kinds);
    let newest_first = params.order == Some(Direction::Desc);
    let mut range = Range {
        id: SessionId::parse(params.id.as_str())?,
        after: params.after.unwrap_or(0),
        before: params.before.unwrap_or(u64::MAX),
        newest_first,
        count: u64::MAX,
        piece: match (&kinds, newest_first) {
            (Some(_), _) => SEARCHED_PIECE,
            (None, true) => PIECE,
            (None, false) => limit,
        },
    };
    let mut items = Vec::new();
    let (mut bytes, mut searched) = (0, 0);
    while let Some(piece) = range.next(context).await? {
        searched += piece.len();
        let taken = piece.into_iter().try_for_each(|event| {
            range.pass(event.sequence);
            let is_meant = |kinds: &Vec<Text>| kinds.iter().any(|kind| kind.as_str() == event.kind);
            if kinds.as_ref().is_none_or(is_meant) {
                bytes += event.user_bytes();
                items.push(event.into());
            }
            match items.len() < limit as usize && bytes <= MAX_PAGE_BYTES {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        if taken.is_break() || searched >= MAX_SEARCHED {
            break;
        }
    }
    let goes_on = range.left_after(range.after) > 0;
    Ok(EventPage {
        items,
        next_after: (goes_on && !newest_first).then_some(range.after),
        next_before: (goes_on && newest_first).then_some(range.before),
    })
}

/// The events between two sequence numbers that are still to be read.
struct Range {
    id: SessionId,
    after: u64,
    before: u64,
    newest_first: bool,
    /// The number of events in the history, once it is known.
    count: u64,
    /// The number of events to read at a time.
    piece: u32,
}

impl Range {
    /// Takes an event off the range.
    fn pass(&mut self, sequence: u64) {
        match self.newest_first {
            true => self.before = sequence,
            false => self.after = sequence,
        }
    }

    /// The sequence number after the last event.
    fn end(&self) -> u64 {
        self.before.min(self.count.saturating_add(1))
    }

    /// The number of events of the range after a sequence number.
    fn left_after(&self, sequence: u64) -> u64 {
        self.end().saturating_sub(1).saturating_sub(sequence)
    }

    /// The next events, in the order of the range; nothing at its end.
    async fn next(&mut self, context: &Context) -> Result<Option<Vec<Event>>> {
        let mut events = Vec::new();
        if self.count != u64::MAX && self.left_after(self.after) == 0 {
            return Ok(None);
        }
        if self.newest_first {
            if self.count == u64::MAX {
                self.load(context, self.after, 0).await?;
            }
            let first = self.end().saturating_sub(u64::from(self.piece) + 1);
            let mut from = first.max(self.after);
            // A store may end a part early.
            while self.left_after(from) > 0 {
                let part = self.load(context, from, self.piece).await?;
                let Some(last) = part.last() else { break };
                from = last.sequence;
                events.extend(part);
            }
            events.reverse();
        } else {
            events = self.load(context, self.after, self.piece).await?;
        }
        Ok((!events.is_empty()).then_some(events))
    }

    /// Events of the range after a sequence number, at most `limit`, in the order of the history.
    async fn load(&mut self, context: &Context, sequence: u64, limit: u32) -> Result<Vec<Event>> {
        let left = self.left_after(sequence);
        let limit = u32::try_from(left).map_or(limit, |left| left.min(limit));
        let history = match limit {
            0 => History::None,
            limit => History::After { sequence, limit },
        };
        let loaded = context.load(&self.id, history).await?;
        let Loaded { head, events } = loaded.ok_or_else(|| not_found(self.id.as_str()))?;
        self.count = head.event_count;
        Ok(events)
    }
}
