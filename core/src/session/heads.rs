//! The operation that reads the heads of many sessions as bytes, for a mirror: all of them page by page, or
//! some by their ids. The browser's module loads such bytes, and leaves this out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::declare_params;
use crate::error::{Cause, Error, Result};
use crate::store::feed::FeedQuery;
use crate::store::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use crate::store::heads::encode;
use crate::store::query::{Found, Problem, Read};
use crate::store::{ListQuery, Page};
use crate::stored::head::Head;
use crate::value::id::SessionId;
use crate::value::limits::{MAX_PAGE_BYTES, limit_of};
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;

use super::bulk::refuse_beside_ids;

const DEFAULT_HEADS: u32 = 5000;
const MOST_HEADS: u32 = 10_000;
/// The greatest number of sessions that one call names.
const MOST_IDS: usize = 1000;
/// How many sessions are read at a time. Large ones that do not fit are left for the next call.
const PIECE: usize = 32;

crate::operations! {
    Group::Sessions;
    /// The heads of sessions as bytes that a mirror loads: of all sessions, also those in the trash, in the
    /// order of creation, or of some.
    HEADS = Read "heads" (HeadsParams) -> HeadsPage, steps heads,
        r#"{"ids":["s"],"limit":2,"cursor":"ca.0.a"}"#;
}

declare_params! {
    /// Which heads to read.
    pub struct HeadsParams {
        /// The ids of the sessions, at most 1,000; all sessions by default.
        pub ids: Option<Vec<Text>>,
        /// The greatest number of heads: 1 to 10,000, 5,000 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous page of all sessions.
        pub cursor: Option<Text>,
    }
}

/// Heads of sessions as bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct HeadsPage {
    /// The bytes, in base 64. Of the sessions that were named, those that are not there are noted in them.
    pub bytes: String,
    /// The number of heads.
    pub count: u32,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The ids of the sessions that have to be asked for again, since the page is large enough without them.
    pub unread: Vec<String>,
    /// The position in the feed from before the heads were read; absent over a store without a feed. The
    /// changes after it are those that the heads may lack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Sessions that could not be read. They do not affect the others.
    pub problems: Vec<Problem>,
}

async fn heads(context: &Context, params: HeadsParams) -> Result<HeadsPage> {
    let limit = limit_of(params.limit, DEFAULT_HEADS, MOST_HEADS)?;
    if params.ids.is_some() {
        refuse_beside_ids(&[("cursor", params.cursor.is_some())])?;
    }
    let newest = FeedQuery {
        after: None,
        limit: 1,
    };
    let position = match context.feed(newest).await {
        Ok(feed) => Some(feed.newest),
        Err(error) if matches!(error.cause(), Cause::NoFeed) => None,
        Err(error) => return Err(error),
    };
    let page = match params.ids {
        Some(ids) => of_ids(context, &ids, limit as usize).await?,
        None => of_all(context, params.cursor.as_ref(), limit).await?,
    };
    Ok(HeadsPage { position, ..page })
}

async fn of_all(context: &Context, cursor: Option<&Text>, limit: u32) -> Result<HeadsPage> {
    let order = Order {
        by: OrderBy::CreatedAt,
        direction: Direction::Asc,
    };
    let after = cursor.map(|cursor| Position::from_cursor(cursor.as_str(), order));
    let query = ListQuery {
        filter: Filter {
            trash: Trash::Include,
            ..Filter::default()
        },
        order,
        after: after.transpose()?,
        offset: 0,
        limit,
        max_bytes: MAX_PAGE_BYTES,
    };
    let Page {
        heads,
        more,
        problems,
    } = context.list(&query).await?;
    let last = heads.last().filter(|_| more);
    let next_cursor = last.map(|head| order.position(head).to_cursor(order));
    Ok(HeadsPage {
        next_cursor,
        ..page_of(&heads, &[], problems)
    })
}

async fn of_ids(context: &Context, ids: &[Text], limit: usize) -> Result<HeadsPage> {
    if ids.len() > MOST_IDS {
        return Err(Error::invalid("ids", "expected at most 1,000 ids"));
    }
    let ids = ids.iter().map(|id| SessionId::parse(id.as_str()));
    let mut ids = ids.collect::<Result<Vec<_>>>()?;
    ids.sort();
    ids.dedup();
    let (mut heads, mut gone, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    let mut left = ids.as_slice();
    while !left.is_empty() && bytes <= MAX_PAGE_BYTES && heads.len() < limit {
        let room = limit - heads.len();
        let (piece, rest) = left.split_at(PIECE.min(left.len()).min(room));
        let found = context.read(piece.iter().map(Read::head).collect()).await?;
        for (id, found) in piece.iter().zip(found) {
            match found {
                Found::Session(Ok(Some(loaded))) => {
                    bytes += loaded.head.user_bytes();
                    heads.push(loaded.head);
                }
                Found::Session(Ok(None)) | Found::Record(_) => gone.push(id.clone()),
                Found::Session(Err(error)) => {
                    // No list shows it. What a mirror has of it is from before.
                    gone.push(id.clone());
                    problems.push(Problem {
                        id: id.to_string(),
                        problem: error.to_string(),
                    });
                }
            }
        }
        left = rest;
    }
    Ok(HeadsPage {
        unread: left.iter().map(SessionId::to_string).collect(),
        ..page_of(&heads, &gone, problems)
    })
}

fn page_of(heads: &[Head], gone: &[SessionId], problems: Vec<Problem>) -> HeadsPage {
    HeadsPage {
        bytes: STANDARD.encode(encode(heads, gone)),
        count: u32::try_from(heads.len()).unwrap_or(u32::MAX),
        next_cursor: None,
        unread: Vec::new(),
        position: None,
        problems,
    }
}
