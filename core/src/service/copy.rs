//! Copying, step by step: the source names what it has, the target says what it lacks of that, the
//! source reads it out, the target writes it, and at the end both are compared. Each step is a call
//! of its own, bounded by bytes, so that the host in between can show progress, stop, and start
//! again. What is there already is told by its stamp, without reading its history.

use crate::copy::kinds::RECORD_KINDS;
use crate::copy::model::{
    CopyChunk, CopyCompareParams, CopyCompared, CopyDifference, CopyPage, CopyPageParams,
    CopyReadParams, CopyWriteParams, CopyWritten, Difference, Part, STEP_BYTES, Sent, Stamp, There,
    compare, digest, read_chunk, read_stamps,
};
use crate::error::{Error, Result};
use crate::session::replies::Done;
use crate::store::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use crate::store::{
    Changes, Commit, History, ListQuery, Loaded, Problem, RecordChange, Scan, SessionChange,
    SessionWrite,
};
use crate::stored;
use crate::value::id::SessionId;
use crate::value::json::Json;
use crate::value::text::Text;

use super::{Environment, MAX_PAGE_BYTES, Service};

/// Sessions or records that one step names at most.
const MAX_NAMED: u32 = 500;

/// Oldest first: what is added meanwhile comes last, and so comes along.
const ORDER: Order = Order {
    by: OrderBy::CreatedAt,
    direction: Direction::Asc,
};

impl Service<'_> {
    /// Names a part of the sessions and records that there are, those in the trash among them.
    ///
    /// # Errors
    /// `INVALID_CURSOR` and those of the store.
    pub async fn copy_page(
        &self,
        _env: &Environment,
        params: CopyPageParams,
    ) -> Result<Done<CopyPage>> {
        let after = params.after.as_ref().map_or("", |after| after.as_str());
        let page = match after.split_once('/') {
            Some((kind, after)) => self.record_page(kind, after.strip_prefix('/')).await?,
            None => {
                let whole = params.whole.unwrap_or(false);
                self.session_page(after, whole).await?
            }
        };
        Ok(Done::quiet(page))
    }

    async fn session_page(&self, after: &str, whole: bool) -> Result<CopyPage> {
        let after = match after {
            "" => None,
            cursor => Some(Position::from_cursor(cursor, ORDER)?),
        };
        let query = ListQuery {
            filter: Filter {
                trash: Trash::Include,
                ..Filter::default()
            },
            order: ORDER,
            after,
            offset: 0,
            limit: MAX_NAMED,
            max_bytes: MAX_PAGE_BYTES,
        };
        let found = self.store.list(&query).await?;
        let (mut stamps, mut problems) = (Vec::new(), found.problems);
        let (mut bytes, mut next) = (0, None);
        for head in &found.heads {
            if bytes > STEP_BYTES {
                break;
            }
            next = Some(ORDER.position(head).to_cursor(ORDER));
            if !whole {
                stamps.push(Stamp::of_head(head));
            } else if let Some(whole) = self.whole(&head.id, &mut problems).await? {
                bytes += size(&whole);
                stamps.push(Stamp::of_session(&whole));
            }
        }
        // What the step ended before is on the next page.
        let more = found.more || bytes > STEP_BYTES;
        Ok(CopyPage {
            page: text(&stamps),
            sessions: stamps.len() as u64,
            records: 0,
            problems,
            next: next
                .filter(|_| more)
                .or_else(|| RECORD_KINDS.first().map(|kind| format!("{kind}/"))),
        })
    }

    /// A session with all of its history; nothing when it is gone or cannot be read.
    async fn whole(&self, id: &SessionId, problems: &mut Vec<Problem>) -> Result<Option<Loaded>> {
        match self.store.load(id, History::All).await {
            Err(Error::CorruptSession { id, problem }) => {
                problems.push(Problem { id, problem });
                Ok(None)
            }
            other => other,
        }
    }

    async fn record_page(&self, kind: &str, after: Option<&str>) -> Result<CopyPage> {
        let mut kinds = RECORD_KINDS.iter().skip_while(|known| **known != kind);
        if kinds.next().is_none() {
            return Err(Error::InvalidCursor);
        }
        let records = self
            .store
            .scan(&Scan {
                kind: kind.to_owned(),
                after: after.map(str::to_owned),
                limit: MAX_NAMED,
            })
            .await?;
        let (mut stamps, mut bytes) = (Vec::new(), 0);
        let (mut read, mut last) = (0, None);
        let mut known = None;
        for record in &records {
            if bytes > STEP_BYTES {
                break;
            }
            if record.kind != kind || after == Some(record.key.as_str()) {
                return Err(Error::StoreMisbehaved {
                    method: "scan".to_owned(),
                    problem: "it returned records that were not asked for".to_owned(),
                });
            }
            read += 1;
            bytes += record.body.len();
            last = Some(format!("{kind}//{}", record.key));
            let mut stamp = Stamp::of_record(record);
            if let Some(owner) = &record.owner {
                stamp.owner = Some(owner.as_str().into());
                stamp.owner_head = self.head_of(owner.as_str(), &mut known).await?;
                // A record whose session cannot be read goes nowhere.
                if stamp.owner_head.is_none() {
                    continue;
                }
            }
            stamps.push(stamp);
        }
        let more = read < records.len() || records.len() >= MAX_NAMED as usize;
        Ok(CopyPage {
            page: text(&stamps),
            records: stamps.len() as u64,
            next: last
                .filter(|_| more)
                .or_else(|| kinds.next().map(|kind| format!("{kind}/"))),
            ..CopyPage::default()
        })
    }

    /// The digest of a session's head, unless it is gone or cannot be read. Records of one session
    /// often follow one another: the last answer is kept.
    async fn head_of(
        &self,
        id: &str,
        known: &mut Option<(String, Option<Text>)>,
    ) -> Result<Option<Text>> {
        if let Some((last, head)) = known
            && last == id
        {
            return Ok(head.clone());
        }
        let head = match self.store.load(&SessionId::parse(id)?, History::None).await {
            Ok(loaded) => loaded.map(|loaded| Stamp::of_head(&loaded.head).head),
            Err(Error::CorruptSession { .. }) => None,
            Err(error) => return Err(error),
        };
        *known = Some((id.to_owned(), head.clone()));
        Ok(head)
    }

    /// Compares another store's page with what is here, and asks for what is not here or is here as
    /// it was before, if it is to ask.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a page that is none, and those of the store.
    pub async fn copy_compare(
        &self,
        _env: &Environment,
        params: CopyCompareParams,
    ) -> Result<Done<CopyCompared>> {
        let (overwrite, verify) = match params.overwrite {
            None => (false, true),
            Some(overwrite) => (overwrite, false),
        };
        let mut answer = CopyCompared::default();
        let mut wanted = Vec::new();
        let mut known = None;
        for mut stamp in read_stamps("page", params.page.as_str())? {
            if let Some(owner) = &stamp.owner {
                // It says something about that session as it is there, and nothing about another.
                let head = self.head_of(owner.as_str(), &mut known).await?;
                if head != stamp.owner_head {
                    continue;
                }
            }
            let mut there = There {
                overwrite,
                ..There::default()
            };
            let difference = match self.here(&stamp, &mut there).await? {
                None if there.unreadable => Difference::Unreadable,
                None => Difference::Missing,
                Some(here) => {
                    there.version = Some(here.version());
                    match compare(&stamp, &here) {
                        Some(difference) => difference,
                        None => {
                            answer.same += u64::from(stamp.is_session());
                            continue;
                        }
                    }
                }
            };
            let asks = matches!(difference, Difference::Missing | Difference::Older);
            if verify || !(asks || overwrite) {
                answer.differences.push(stamp.differs(difference));
                continue;
            }
            let mut events = Vec::new();
            if difference == Difference::Older && stamp.is_session() {
                let id = SessionId::parse(stamp.key.as_str())?;
                let loaded = self.whole(&id, &mut Vec::new()).await?;
                events = loaded.map(|loaded| loaded.events).unwrap_or_default();
            }
            there.events = events.len() as u64;
            there.history = digest(&events);
            stamp.there = there;
            wanted.push(stamp);
        }
        answer.wanted = (!wanted.is_empty()).then(|| text(&wanted));
        Ok(Done::quiet(answer))
    }

    /// The stamp of what is here under the name of another; with its history where that one's was
    /// read.
    async fn here(&self, stamp: &Stamp, there: &mut There) -> Result<Option<Stamp>> {
        if !stamp.is_session() {
            let (kind, key) = (stamp.what.as_str(), stamp.key.as_str());
            let record = self.store.record(kind, key).await?;
            return Ok(record.map(|record| Stamp::of_record(&record)));
        }
        let whole = stamp.history.is_some();
        let history = if whole { History::All } else { History::None };
        let id = SessionId::parse(stamp.key.as_str())?;
        match self.store.load(&id, history).await {
            Err(Error::CorruptSession { .. }) => {
                there.unreadable = true;
                Ok(None)
            }
            loaded => Ok(loaded?.map(|loaded| {
                if whole {
                    Stamp::of_session(&loaded)
                } else {
                    Stamp::of_head(&loaded.head)
                }
            })),
        }
    }

    /// Reads what another store asks for, up to an amount.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what is no such request, and those of the store.
    pub async fn copy_read(
        &self,
        _env: &Environment,
        params: CopyReadParams,
    ) -> Result<Done<CopyChunk>> {
        let wanted = read_stamps("wanted", params.wanted.as_str())?;
        let mut answer = CopyChunk::default();
        let mut chunk = Vec::new();
        let mut bytes = 0;
        let mut rest = wanted.as_slice();
        while let Some((one, others)) = rest.split_first()
            && bytes <= STEP_BYTES
        {
            rest = others;
            if !one.is_session() {
                let (kind, key) = (one.what.as_str(), one.key.as_str());
                if let Some(record) = self.store.record(kind, key).await? {
                    bytes += record.body.len();
                    chunk.push(Part {
                        version: one.there.version,
                        record: Sent(Some(record)),
                        ..Part::default()
                    });
                }
                continue;
            }
            let id = SessionId::parse(one.key.as_str())?;
            let Some(session) = self.whole(&id, &mut answer.problems).await? else {
                continue;
            };
            bytes += size(&session);
            match one.part(session) {
                Some(part) => chunk.push(part),
                None => answer.differences.push(one.differs(Difference::Different)),
            }
        }
        answer.chunk = text(&chunk);
        answer.rest = (!rest.is_empty()).then(|| text(rest));
        Ok(Done::quiet(answer))
    }

    /// Writes what another store has sent, in one commit. What was changed here since it was asked
    /// for is left as it is.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what is no chunk, and those of the store.
    pub async fn copy_write(
        &self,
        _env: &Environment,
        params: CopyWriteParams,
    ) -> Result<Done<CopyWritten>> {
        let mut answer = CopyWritten::default();
        let mut changes = Changes::default();
        for part in read_chunk(params.chunk.as_str())? {
            let expect = part.expect();
            if let Some(Loaded { head, events }) = part.session.0 {
                changes.sessions.push(SessionChange {
                    id: head.id.clone(),
                    expect,
                    write: SessionWrite::Put {
                        head: Box::new(head),
                        replace_history: part.replace,
                        events,
                    },
                });
            }
            if let Some(record) = part.record.0 {
                changes.records.push(RecordChange::put(expect, record));
            }
        }
        loop {
            let (entries, refused) = self.entries(&mut changes.sessions).await?;
            for id in refused {
                answer.differences.push(CopyDifference {
                    what: crate::copy::model::SESSION.to_owned(),
                    key: id.to_string(),
                    target: Difference::Different,
                });
            }
            let (count, records) = (
                changes.sessions.len() + changes.records.len(),
                changes.records.len(),
            );
            if count == 0 {
                break;
            }
            changes.records.extend(entries);
            let commit = self.store.commit(&changes).await?;
            changes.records.truncate(records);
            let (what, key) = match commit {
                Commit::Applied => {
                    answer.sessions = changes.sessions.len() as u64;
                    answer.records = changes.records.len() as u64;
                    break;
                }
                // Somebody has come into a slot: look again who is there.
                Commit::RecordConflict { record_kind, .. } if record_kind == stored::slot::KIND => {
                    continue;
                }
                Commit::SessionConflict { id, .. } => {
                    changes.sessions.retain(|change| change.id != id);
                    (crate::copy::model::SESSION.to_owned(), id.to_string())
                }
                Commit::RecordConflict {
                    record_kind, key, ..
                } => {
                    changes
                        .records
                        .retain(|change| change.kind != record_kind || change.key != key);
                    (record_kind, key)
                }
            };
            if changes.sessions.len() + changes.records.len() == count {
                return Err(Error::StoreMisbehaved {
                    method: "commit".to_owned(),
                    problem: format!(
                        "it met a conflict over {what} {key:?}, which was not written"
                    ),
                });
            }
            let target = Difference::Different;
            answer
                .differences
                .push(CopyDifference { what, key, target });
        }
        Ok(Done::quiet(answer))
    }
}

fn text<T: serde::Serialize>(value: &[T]) -> String {
    Json::of(value).as_str().to_owned()
}

fn size(session: &Loaded) -> usize {
    // What an event has beside its data takes about this much.
    const BESIDE: usize = 80;
    let events = session.events.iter();
    let events: usize = events.map(|event| event.data.as_str().len() + BESIDE).sum();
    session.head.user_bytes() as usize + events
}
