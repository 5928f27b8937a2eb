//! The feed. A commit inserts its changes without positions; `number` gives these, in the order of the sequence
//! by which they were inserted, and removes the oldest changes.

use tenure_core::Result;
use tenure_core::store::feed::{ChangeKind, EventRange, FedChange, FeedPage, FeedQuery};
use tokio_postgres::Row;

use crate::database::Database;
use crate::failure::failed;
use crate::request::{Frame, Request};
use crate::row;

const METHOD: &str = "feed";
/// How many changes get a position in one transaction.
const AT_ONCE: u32 = 10_000;
/// How many changes more than wanted are kept before they are removed together.
const SLACK: u32 = 64;
/// How long tokens of commits are kept: longer than a call may take.
const TOKENS: &str = "interval '15 minutes'";

impl Database {
    /// See `Store::feed`.
    pub(crate) async fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        if let Some(page) = self.signal.unchanged(query) {
            return Ok(page);
        }
        let generation = self.signal.generation();
        let (page, is_complete) = self.read_feed(query).await?;
        if is_complete && self.signal.note_end(generation, query, &page) {
            self.listen();
        }
        Ok(page)
    }

    /// A part of the feed, and whether every change has a position.
    async fn read_feed(&self, query: &FeedQuery) -> Result<(FeedPage, bool)> {
        let damaged = |damage| failed(METHOD, format!("{damage} (in {})", self.shown));
        let request = [self.page_of_feed(query)];
        let replies = self.read(METHOD, Frame::Alone, &request).await?;
        let rows = replies.into_iter().next().unwrap_or_default();
        let (page, is_complete) = page(&rows, query).map_err(damaged)?;
        if is_complete {
            return Ok((page, true));
        }
        let mut requests = self.number();
        requests.extend(request);
        let mut newest = page.newest;
        loop {
            // In the transaction that gives positions, so that it is one round trip.
            let mut replies = self.read(METHOD, Frame::Write, &requests).await?;
            let rows = replies.pop().unwrap_or_default();
            let (page, is_complete) = self::page(&rows, query).map_err(damaged)?;
            // What was there when the call began has a position now.
            if is_complete || page.newest < newest + u64::from(AT_ONCE) {
                return Ok((page, is_complete));
            }
            newest = page.newest;
        }
    }

    /// Removes the oldest changes, also those that nobody has read. Giving them positions first would cost more than
    /// all else: they get one in common, after which a reader can go on.
    pub(crate) async fn trim(&self) -> Result<()> {
        let schema = &self.schema;
        let mut select = Request::default();
        select.push(format_args!("SELECT keep FROM {schema}.feed WHERE id = 1"));
        let replies = self.read(METHOD, Frame::Alone, &[select]).await?;
        let keep = replies.first().and_then(|rows| rows.first());
        let keep = keep.and_then(|row| row::get::<i64>(row, 0).ok());
        let mut lock = Request::default();
        lock.push(format_args!(
            "SELECT 1 FROM {schema}.feed WHERE id = 1 FOR UPDATE"
        ));
        let mut remove = Request::default();
        let kept = remove.bind(keep.unwrap_or(i64::MAX));
        remove.push(format_args!(
            "WITH removed AS (DELETE FROM {schema}.changes WHERE sequence <= \
             (SELECT sequence FROM {schema}.changes ORDER BY sequence DESC OFFSET {kept} LIMIT 1) \
             RETURNING position), \
             ends AS (SELECT count(*) AS removed, max(position) AS last, \
             count(*) - count(position) AS unread FROM removed) \
             UPDATE {schema}.feed SET newest = newest + e.unread, \
             kept_after = greatest(kept_after, \
             CASE WHEN e.unread > 0 THEN newest + e.unread ELSE e.last END) \
             FROM ends AS e WHERE id = 1 AND e.removed > 0"
        ));
        self.read(METHOD, Frame::Write, &[lock, remove, self.forget_tokens()])
            .await
            .map(drop)
    }

    /// Removes the tokens of commits that are not sent again.
    fn forget_tokens(&self) -> Request<'static> {
        let mut request = Request::default();
        request.push(format_args!(
            "DELETE FROM {}.commits WHERE committed_at < now() - {TOKENS}",
            self.schema
        ));
        request
    }

    fn number(&self) -> Vec<Request<'static>> {
        let schema = &self.schema;
        let of = |sql: String| {
            let mut request = Request::default();
            request.push(format_args!("{sql}"));
            request
        };
        let too_many = format!("newest - kept_after >= keep + {SLACK}");
        vec![
            // What others have numbered is seen by the statements after this one.
            of(format!(
                "SELECT newest FROM {schema}.feed WHERE id = 1 FOR UPDATE"
            )),
            of(format!(
                "UPDATE {schema}.changes AS c SET position = f.newest + n.place \
                 FROM {schema}.feed AS f, (SELECT u.sequence, row_number() OVER (ORDER BY u.sequence) AS place \
                 FROM (SELECT sequence FROM {schema}.changes WHERE position IS NULL \
                 ORDER BY sequence LIMIT {AT_ONCE}) AS u) AS n \
                 WHERE f.id = 1 AND c.sequence = n.sequence"
            )),
            of(format!(
                "UPDATE {schema}.feed SET newest = greatest(newest, \
                 (SELECT max(position) FROM {schema}.changes)) WHERE id = 1"
            )),
            of(format!(
                "DELETE FROM {schema}.changes WHERE position <= \
                 (SELECT newest - keep FROM {schema}.feed WHERE id = 1 AND {too_many})"
            )),
            self.forget_tokens(),
            of(format!(
                "UPDATE {schema}.feed SET kept_after = newest - keep WHERE id = 1 AND {too_many}"
            )),
        ]
    }

    /// A part of the feed in one statement, so that it is that of one moment.
    fn page_of_feed(&self, query: &FeedQuery) -> Request<'static> {
        let schema = &self.schema;
        let mut request = Request::default();
        // A greater number is no position of this feed, which the reader finds out.
        let after = query
            .after
            .map_or(i64::MAX, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let after = request.bind(after);
        let limit = request.bind(i64::from(query.limit));
        request.push(format_args!(
            "SELECT f.newest, f.kept_after, \
             EXISTS (SELECT 1 FROM {schema}.changes AS u WHERE u.position IS NULL), \
             c.position, c.kind, c.key, c.first_event, c.last_event, c.are_gone \
             FROM {schema}.feed AS f LEFT JOIN LATERAL (\
             SELECT c.position, c.kind, c.key, c.first_event, c.last_event, \
             c.first_event IS NOT NULL AND EXISTS (SELECT 1 FROM {schema}.changes AS l \
             WHERE l.ends_history AND l.key = c.key AND l.sequence > c.sequence) AS are_gone \
             FROM {schema}.changes AS c WHERE c.position > {after} ORDER BY c.position LIMIT {limit}) \
             AS c ON true WHERE f.id = 1 ORDER BY c.position"
        ));
        request
    }
}

/// A part of the feed, and whether every change has a position.
fn page(rows: &[Row], query: &FeedQuery) -> Result<(FeedPage, bool), row::Damage> {
    let Some(first) = rows.first() else {
        return Err("the table feed has no row".to_owned());
    };
    let mut page = FeedPage {
        changes: Vec::new(),
        newest: row::restored(row::get(first, 0)?),
        kept_after: row::restored(row::get(first, 1)?),
    };
    let has_others: bool = row::get(first, 2)?;
    for row in rows {
        let Some(position) = row::get::<Option<i64>>(row, 3)? else {
            continue;
        };
        let position = row::restored(position);
        match read_change(row, position) {
            Some(change) => page.changes.push(change),
            // A reader gets the changes before a damaged one first. Then it has to begin after it, as one that
            // comes to changes which are no longer kept.
            None if page.changes.is_empty() && query.after.is_some() => {
                page.kept_after = page.kept_after.max(position);
                break;
            }
            None => break,
        }
    }
    Ok((page, !has_others))
}

/// The change of a row; `None` if it is damaged.
fn read_change(row: &Row, position: u64) -> Option<FedChange> {
    let kind: &str = row::get(row, 4).ok()?;
    let key: String = row::get(row, 5).ok()?;
    let first: Option<i64> = row::get(row, 6).ok()?;
    let last: Option<i64> = row::get(row, 7).ok()?;
    let are_gone: bool = row::get(row, 8).ok()?;
    let events = match (first, last) {
        (None, None) => None,
        (Some(first), Some(last)) => Some(EventRange {
            first: row::restored(first),
            last: row::restored(last),
        }),
        _ => return None,
    };
    Some(FedChange {
        position,
        kind: ChangeKind::parse(kind)?,
        key,
        events: events.filter(|_| !are_gone),
    })
}
