//! The operation that reads the feed. The changes come from the store; what they are about is read after
//! them, a few at a time, so that a page of large sessions ends before it takes much memory.

use crate::audit::entry::Entry;
use crate::audit::params::AuditView;
use crate::error::{Cause, Result};
use crate::lease::params::LeaseView;
use crate::session::read::missing_models;
use crate::session::view::{SessionEvent, SessionHead};
use crate::store::feed::{ChangeKind, FedChange, FeedQuery};
use crate::store::filter::{Filter, Trash};
use crate::store::query::{Found, Read};
use crate::store::{History, Loaded};
use crate::stored::event::Event;
use crate::stored::head::Head;
use crate::stored::lease::{self, Lease};
use crate::stored::record::AUDIT;
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE_BYTES, page_limit};
use crate::work::call::Call;
use crate::work::context::Context;
use crate::work::operation::Group;

use super::params::{Change, ChangePage, ChangesSinceParams};

const DEFAULT_CHANGES: u32 = 100;
/// How many sessions and records are read at first, and how many at a time at most. Large ones that do not
/// fit are read again for the next page.
const FIRST_PIECE: usize = 4;
const LARGEST_PIECE: usize = 32;

crate::operations! {
    Group::Feed;
    /// The changes after a position, in the order of the commits: of sessions, of leases and of the audit
    /// log. A session and a lease are shown as they are now.
    CHANGES_SINCE = Read "changesSince" (ChangesSinceParams) -> ChangePage, steps changes_since,
        r#"{"position":0,"limit":2,"userId":"u","channelId":"c","mode":"m","status":["active"],"phase":["planning"],"parentId":"p","taskIds":["t"],"slotPhase":["plan"],"model":"m","createdAfter":0,"createdBefore":"2030-01-01","updatedAfter":0,"updatedBefore":"2030-01-01T00:00:00Z","minIterations":0,"maxIterations":9,"text":"t","trash":"include"}"#;
}

async fn changes_since(context: &Context, params: ChangesSinceParams) -> Result<ChangePage> {
    let filter = Filter {
        // What is put into the trash is a change.
        trash: params.trash.unwrap_or(Trash::Include),
        ..params.filter()?
    };
    let everything = Filter {
        trash: Trash::Include,
        ..Filter::default()
    };
    let limit = page_limit(params.limit, DEFAULT_CHANGES)?;
    let after = params.position;
    let feed = context.feed(FeedQuery { after, limit }).await?;
    let mut page = Filling {
        filter: (filter != everything).then_some(filter),
        items: Vec::new(),
        places: Vec::new(),
        heads: Vec::new(),
        bytes: 0,
    };
    let mut position = after.unwrap_or(feed.newest);
    if !feed.continues(position) {
        return Err(Cause::PositionExpired {
            after: position,
            kept_after: feed.kept_after,
            newest: feed.newest,
        }
        .into());
    }
    let mut rest = feed.changes.as_slice();
    let mut size = FIRST_PIECE;
    while !rest.is_empty() && page.bytes <= MAX_PAGE_BYTES {
        let (piece, others) = rest.split_at(size.min(rest.len()));
        let found = context.read(piece.iter().map(read_of).collect()).await?;
        for (change, found) in piece.iter().zip(found) {
            if page.bytes <= MAX_PAGE_BYTES {
                position = change.position;
                page.add(change, found, context.call());
            }
        }
        rest = others;
        size = LARGEST_PIECE.min(size * 2);
    }
    let missing = missing_models(context, &page.heads).await?;
    let sessions = page.heads.into_iter().zip(missing);
    for ((head, is_missing), place) in sessions.zip(page.places) {
        if let Some(item) = page.items.get_mut(place) {
            item.session = Some(SessionHead::marked(head, is_missing));
        }
    }
    Ok(ChangePage {
        items: page.items,
        position,
        more: position < feed.newest,
    })
}

/// What has to be read for a change.
fn read_of(change: &FedChange) -> Read {
    let id = SessionId::parse(&change.key);
    match (change.kind, id) {
        (ChangeKind::Audit, _) => Read::record(AUDIT, &change.key),
        (ChangeKind::Lease, _) | (_, Err(_)) => Read::record(lease::KIND, &change.key),
        (_, Ok(id)) => Read::Session {
            id,
            history: change.events.map_or(History::None, |events| {
                let sequence = events.first.saturating_sub(1);
                let limit = u32::try_from(events.last.saturating_sub(sequence));
                History::After {
                    sequence,
                    limit: limit.unwrap_or(u32::MAX),
                }
            }),
        },
    }
}

/// A page to which changes are added.
struct Filling {
    /// Which changes are meant; `None` for all.
    filter: Option<Filter>,
    items: Vec<Change>,
    /// The sessions of the items at these places.
    heads: Vec<Head>,
    places: Vec<usize>,
    /// The size of what they are about.
    bytes: u64,
}

impl Filling {
    /// Adds a change, if it is meant, with what was found.
    fn add(&mut self, change: &FedChange, found: Found, call: &Call) {
        let mut item = Change {
            position: change.position,
            kind: change.kind,
            id: change.key.clone(),
            session: None,
            events: None,
            next_after: None,
            lease: None,
            audit: None,
        };
        let is_of_session = !matches!(change.kind, ChangeKind::Lease | ChangeKind::Audit);
        match found {
            // A session that has the id of one that was deleted may be another one.
            Found::Session(Ok(Some(loaded))) if change.kind != ChangeKind::Deleted => {
                let Loaded { head, events } = *loaded;
                if self
                    .filter
                    .as_ref()
                    .is_some_and(|filter| !filter.matches(&head))
                {
                    return;
                }
                self.bytes += head.user_bytes();
                let last = change.events.map_or(0, |events| events.last);
                item.events = self.fitting(events, last, &mut item.next_after);
                self.heads.push(head);
                self.places.push(self.items.len());
            }
            // A session that is gone may have been one that the filter selects.
            Found::Session(_) => {}
            Found::Record(_) if self.filter.is_some() && !is_of_session => return,
            // A record that cannot be read must not end the feed.
            Found::Record(Some(record)) if change.kind == ChangeKind::Lease => {
                let lease = Lease::read(&record).ok();
                item.lease = lease.map(|lease| LeaseView::new(lease, call.now, &*call.host));
            }
            Found::Record(record) => {
                let entry = record.and_then(|record| Entry::read(&record).ok());
                item.audit = entry.map(AuditView::from);
            }
        }
        self.items.push(item);
    }

    /// The events that fit into the page, at least one, of those up to the number `last`. If it is not all of
    /// them, `next_after` is set.
    fn fitting(
        &mut self,
        events: Vec<Event>,
        last: u64,
        next_after: &mut Option<u64>,
    ) -> Option<Vec<SessionEvent>> {
        let mut fitting = Vec::new();
        for event in events {
            if self.bytes > MAX_PAGE_BYTES && !fitting.is_empty() {
                break;
            }
            self.bytes += event.user_bytes();
            *next_after = Some(event.sequence).filter(|sequence| *sequence < last);
            fitting.push(event.into());
        }
        (!fitting.is_empty()).then_some(fitting)
    }
}
