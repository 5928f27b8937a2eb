//! The operation that reads the feed. The changes come from the store; what they are about is read after
//! them, a few at a time, so that a page of large sessions ends before it takes much memory.

use crate::audit::entry::Entry;
use crate::audit::params::AuditView;
use crate::error::{Cause, Result};
use crate::lease::params::LeaseView;
use crate::session::view::SessionHead;
use crate::store::feed::{ChangeKind, FedChange, FeedQuery};
use crate::store::filter::{Filter, Trash};
use crate::store::query::{Found, Read};
use crate::store::{History, Loaded};
use crate::stored::event::Event;
use crate::stored::lease::{self, Lease};
use crate::stored::record::{AUDIT, Record};
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE_BYTES, page_limit};
use crate::work::call::Call;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::Transaction;

use super::params::{Change, ChangePage, ChangesSinceParams};

const DEFAULT_CHANGES: u32 = 100;
/// How many sessions and records are read at a time.
const PIECE: usize = 32;

crate::operations! {
    Group::Feed;
    /// The changes after a position, in the order of the commits: of sessions, of leases and of the audit
    /// log. A session and a lease are shown as they are now.
    CHANGES_SINCE = Read "changesSince" (ChangesSinceParams) -> ChangePage, steps changes_since,
        r#"{"position":0,"limit":2,"userId":"u","channelId":"c","mode":"m","status":["active"],"phase":["planning"],"parentId":"p","taskIds":["t"],"slotPhase":["plan"],"model":"m","createdAfter":0,"createdBefore":"2030-01-01","updatedAfter":0,"updatedBefore":"2030-01-01T00:00:00Z","text":"t","trash":"include"}"#;
}

async fn changes_since(context: &Context, params: ChangesSinceParams) -> Result<ChangePage> {
    let filter = Filter {
        // What is put into the trash is a change.
        trash: params.trash.unwrap_or(Trash::Include),
        ..params.filter()?
    };
    let limit = page_limit(params.limit, DEFAULT_CHANGES)?;
    let after = params.position;
    let feed = context.feed(FeedQuery { after, limit }).await?;
    let mut page = ChangePage {
        items: Vec::new(),
        position: after.unwrap_or(feed.newest),
        more: false,
    };
    if !feed.continues(page.position) {
        return Err(Cause::PositionExpired {
            after: page.position,
            kept_after: feed.kept_after,
            newest: feed.newest,
        }
        .into());
    }
    let all = filter
        == Filter {
            trash: Trash::Include,
            ..Filter::default()
        };
    let mut selected = Vec::new();
    let mut bytes = 0;
    let mut pieces = feed.changes.chunks(PIECE);
    while bytes <= MAX_PAGE_BYTES
        && let Some(piece) = pieces.next()
    {
        let reads = piece.iter().map(read_of).collect::<Result<Vec<_>>>()?;
        let found = context.read(reads).await?;
        for (change, found) in piece.iter().zip(found) {
            if bytes > MAX_PAGE_BYTES {
                break;
            }
            page.position = change.position;
            let subject = Subject::of(change, found)?;
            if all || subject.is_selected(change, &filter) {
                bytes += subject.bytes();
                selected.push((change, subject));
            }
        }
    }
    let missing = context.transact(|tx| {
        let subjects = selected.iter().map(|(_, subject)| subject);
        Ok(subjects.map(|subject| subject.lacks_model(tx)).collect())
    });
    let missing: Vec<bool> = missing.await?;
    let call = context.call();
    page.items = selected
        .into_iter()
        .zip(missing)
        .map(|((change, subject), is_missing)| subject.shown(change, is_missing, call))
        .collect();
    page.more = page.position < feed.newest;
    Ok(page)
}

/// What has to be read for a change.
fn read_of(change: &FedChange) -> Result<Read> {
    Ok(match change.kind {
        ChangeKind::Lease => Read::record(lease::KIND, &change.key),
        ChangeKind::Audit => Read::record(AUDIT, &change.key),
        _ => Read::Session {
            id: SessionId::parse(&change.key)?,
            history: change.events.map_or(History::None, |events| {
                let sequence = events.first.saturating_sub(1);
                let limit = u32::try_from(events.last.saturating_sub(sequence));
                History::After {
                    sequence,
                    limit: limit.unwrap_or(u32::MAX),
                }
            }),
        },
    })
}

/// What a change is about, as it is now.
enum Subject {
    /// It is gone, or cannot be read.
    Gone,
    Session(Box<Loaded>),
    Record(Record),
}

impl Subject {
    fn of(change: &FedChange, found: Found) -> Result<Self> {
        Ok(match found {
            // A session with this id may be another one.
            _ if change.kind == ChangeKind::Deleted => Self::Gone,
            Found::Session(Ok(Some(loaded))) => Self::Session(loaded),
            Found::Record(Some(record)) => Self::Record(record),
            Found::Session(_) | Found::Record(None) => Self::Gone,
        })
    }

    /// Whether a filter selects the change. A session that is gone may have been one that it selected.
    fn is_selected(&self, change: &FedChange, filter: &Filter) -> bool {
        match self {
            Self::Session(loaded) => filter.matches(&loaded.head),
            Self::Record(_) => false,
            Self::Gone => !matches!(change.kind, ChangeKind::Lease | ChangeKind::Audit),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Session(loaded) => {
                let events = loaded.events.iter().map(Event::user_bytes);
                loaded.head.user_bytes() + events.sum::<u64>()
            }
            Self::Record(record) => record.body.len() as u64,
            Self::Gone => 0,
        }
    }

    fn lacks_model(&self, tx: &mut Transaction<'_>) -> bool {
        match self {
            Self::Session(loaded) => tx.lacks_model_of(&loaded.head),
            Self::Gone | Self::Record(_) => false,
        }
    }

    fn shown(self, change: &FedChange, model_is_missing: bool, call: &Call) -> Change {
        let mut shown = Change {
            position: change.position,
            kind: change.kind,
            id: change.key.clone(),
            session: None,
            events: None,
            lease: None,
            audit: None,
        };
        match self {
            Self::Gone => {}
            Self::Session(loaded) => {
                let Loaded { head, events } = *loaded;
                shown.session = Some(SessionHead::marked(head, model_is_missing));
                if !events.is_empty() {
                    shown.events = Some(events.into_iter().map(Into::into).collect());
                }
            }
            // What cannot be read must not end the feed.
            Self::Record(record) if change.kind == ChangeKind::Lease => {
                let lease = Lease::read(&record).ok();
                shown.lease = lease.map(|lease| LeaseView::new(lease, call.now, &*call.host));
            }
            Self::Record(record) => shown.audit = Entry::read(&record).ok().map(AuditView::from),
        }
        shown
    }
}
