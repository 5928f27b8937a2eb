//! Copying, step by step: the source names what it has, the target says what it lacks of that, the
//! source reads it out, the target writes it, and at the end both are compared. Each step is a call
//! of its own, bounded by bytes, so that the host in between can show progress, stop, and start
//! again. What is there already is told by its stamp, without reading its history.

use crate::answers::Done;
use crate::copy::{
    Chunk, CopyChunk, CopyDifference, CopyMissing, CopyMissingParams, CopyPage, CopyPageParams,
    CopyReadParams, CopyVerifyParams, CopyWriteParams, CopyWritten, Difference, RecordPart,
    STEP_BYTES, Stamp, Wanted, compare, digest, parse,
};
use crate::error::{Error, Result};
use crate::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use crate::id::SessionId;
use crate::json::Json;
use crate::kinds::RECORD_KINDS;
use crate::store::{
    Changes, Commit, Expect, History, ListQuery, Loaded, Problem, RecordChange, Scan,
    SessionChange, SessionWrite,
};

use super::{Environment, MAX_PAGE_BYTES, Service};

/// Sessions or records that one step names at most.
const MAX_NAMED: u32 = 500;

/// Oldest first: what is added meanwhile comes last, and so comes along.
const ORDER: Order = Order {
    by: OrderBy::CreatedAt,
    direction: Direction::Asc,
};

/// What is in the target where something of the source is looked for.
enum There {
    Nothing,
    Unreadable,
    /// The stamp of what is there, and how it differs from what is looked for, if it does.
    Something(Stamp, Option<Difference>),
}

/// How much of a session is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Head,
    Whole,
}

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
                let depth = if params.whole.unwrap_or(false) {
                    Depth::Whole
                } else {
                    Depth::Head
                };
                self.session_page(after, depth).await?
            }
        };
        Ok(Done::quiet(page))
    }

    async fn session_page(&self, after: &str, depth: Depth) -> Result<CopyPage> {
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
            if depth == Depth::Head {
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
        let mut known: Option<(&SessionId, Option<Stamp>)> = None;
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
            let Some(owner) = &record.owner else {
                stamps.push(Stamp::of_record(record, None));
                continue;
            };
            let stamp = match known {
                Some((id, stamp)) if id == owner => stamp,
                _ => match self.store.load(owner, History::None).await {
                    Ok(loaded) => loaded.map(|loaded| Stamp::of_head(&loaded.head)),
                    Err(Error::CorruptSession { .. }) => None,
                    Err(error) => return Err(error),
                },
            };
            if stamp.is_some() {
                stamps.push(Stamp::of_record(record, stamp.clone()));
            }
            known = Some((owner, stamp));
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

    /// Says what of another store's page is not here, or is here as it was before.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a page that is none, and those of the store.
    pub async fn copy_missing(
        &self,
        _env: &Environment,
        params: CopyMissingParams,
    ) -> Result<Done<CopyMissing>> {
        let stamps: Vec<Stamp> = parse("page", params.page.as_str())?;
        let overwrite = params.overwrite.unwrap_or(false);
        let mut answer = CopyMissing::default();
        let mut wanted = Vec::new();
        let mut known = None;
        for stamp in stamps {
            if !self.has_owner(&stamp, &mut known).await? {
                continue;
            }
            let (expect, difference) = match self.there(&stamp, Depth::Head).await? {
                There::Something(_, None) => {
                    answer.same += u64::from(stamp.is_session());
                    continue;
                }
                There::Nothing => (Expect::Absent, Difference::Missing),
                There::Unreadable => (Expect::Any, Difference::Unreadable),
                There::Something(here, Some(difference)) => (here.expected(), difference),
            };
            let known = match difference {
                Difference::Older if stamp.is_session() => self.history(&stamp).await?,
                Difference::Missing | Difference::Older => Vec::new(),
                _ if overwrite => Vec::new(),
                _ => {
                    answer.differences.push(stamp.differs(difference));
                    continue;
                }
            };
            wanted.push(Wanted {
                what: stamp.what,
                key: stamp.key,
                expect,
                events: known.len() as u64,
                history: digest(&known),
                overwrite,
            });
        }
        answer.wanted = (!wanted.is_empty()).then(|| text(&wanted));
        Ok(Done::quiet(answer))
    }

    /// Whether the session that owns a record is here as it is there: the record says something
    /// about that one, and nothing about another.
    async fn has_owner(&self, stamp: &Stamp, known: &mut Option<(Stamp, bool)>) -> Result<bool> {
        let Some(owner) = stamp.owner.as_deref() else {
            return Ok(true);
        };
        match known {
            Some((session, has)) if session == owner => Ok(*has),
            _ => {
                let there = self.there(owner, Depth::Head).await?;
                let has = matches!(there, There::Something(_, None));
                *known = Some((owner.clone(), has));
                Ok(has)
            }
        }
    }

    async fn there(&self, stamp: &Stamp, depth: Depth) -> Result<There> {
        let here = if stamp.is_session() {
            let history = match depth {
                Depth::Head => History::None,
                Depth::Whole => History::All,
            };
            match self
                .store
                .load(&SessionId::parse(&stamp.key)?, history)
                .await
            {
                Ok(loaded) => loaded.map(|loaded| match depth {
                    Depth::Head => Stamp::of_head(&loaded.head),
                    Depth::Whole => Stamp::of_session(&loaded),
                }),
                Err(Error::CorruptSession { .. }) => return Ok(There::Unreadable),
                Err(error) => return Err(error),
            }
        } else {
            let record = self.store.record(&stamp.what, &stamp.key).await?;
            record.map(|record| Stamp::of_record(&record, None))
        };
        Ok(here.map_or(There::Nothing, |here| {
            let difference = compare(stamp, &here);
            There::Something(here, difference)
        }))
    }

    async fn history(&self, stamp: &Stamp) -> Result<Vec<crate::Event>> {
        let id = SessionId::parse(&stamp.key)?;
        let loaded = self.store.load(&id, History::All).await?;
        Ok(loaded.map(|loaded| loaded.events).unwrap_or_default())
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
        let wanted: Vec<Wanted> = parse("wanted", params.wanted.as_str())?;
        let mut answer = CopyChunk::default();
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        let mut rest = wanted.as_slice();
        while let Some((one, others)) = rest.split_first()
            && bytes <= STEP_BYTES
        {
            rest = others;
            if one.what != crate::copy::SESSION {
                if let Some(record) = self.store.record(&one.what, &one.key).await? {
                    bytes += record.body.len();
                    let expect = one.expect;
                    chunk.records.push(RecordPart { expect, record });
                }
                continue;
            }
            let id = SessionId::parse(&one.key)?;
            let Some(session) = self.whole(&id, &mut answer.problems).await? else {
                continue;
            };
            match one.part(session) {
                Some(part) => {
                    bytes += part.head.user_bytes() as usize + events_size(&part.events);
                    chunk.sessions.push(part);
                }
                None => answer.differences.push(CopyDifference {
                    what: one.what.clone(),
                    key: one.key.clone(),
                    target: Difference::Different,
                }),
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
        let chunk = Chunk::read(params.chunk.as_str())?;
        let mut answer = CopyWritten::default();
        let mut changes = Changes::default();
        for part in chunk.sessions {
            changes.sessions.push(SessionChange {
                id: part.head.id.clone(),
                expect: part.expect,
                write: SessionWrite::Put {
                    head: Box::new(part.head),
                    replace_history: part.replace,
                    events: part.events,
                },
            });
        }
        for RecordPart { expect, record } in chunk.records {
            changes.records.push(RecordChange {
                kind: record.kind.clone(),
                key: record.key.clone(),
                expect,
                record: Some(record),
            });
        }
        while !(changes.sessions.is_empty() && changes.records.is_empty()) {
            let count = changes.sessions.len() + changes.records.len();
            let (what, key) = match self.store.commit(&changes).await? {
                Commit::Applied => {
                    answer.sessions = changes.sessions.len() as u64;
                    answer.records = changes.records.len() as u64;
                    break;
                }
                Commit::SessionConflict { id, .. } => {
                    changes.sessions.retain(|change| change.id != id);
                    (crate::copy::SESSION.to_owned(), id.to_string())
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

    /// Compares another store's page, of whole sessions, with what is here.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a page that is none, and those of the store.
    pub async fn copy_verify(
        &self,
        _env: &Environment,
        params: CopyVerifyParams,
    ) -> Result<Done<Vec<CopyDifference>>> {
        let stamps: Vec<Stamp> = parse("page", params.page.as_str())?;
        let mut differences = Vec::new();
        let mut known = None;
        for stamp in stamps {
            if !self.has_owner(&stamp, &mut known).await? {
                continue;
            }
            let target = match self.there(&stamp, Depth::Whole).await? {
                There::Something(_, None) => continue,
                There::Something(_, Some(difference)) => difference,
                There::Nothing => Difference::Missing,
                There::Unreadable => Difference::Unreadable,
            };
            differences.push(stamp.differs(target));
        }
        Ok(Done::quiet(differences))
    }
}

fn text<T: serde::Serialize + ?Sized>(value: &T) -> String {
    Json::of(value).as_str().to_owned()
}

fn size(session: &Loaded) -> usize {
    session.head.user_bytes() as usize + events_size(&session.events)
}

fn events_size(events: &[crate::Event]) -> usize {
    // What an event has beside its data takes about this much.
    const BESIDE: usize = 80;
    events
        .iter()
        .map(|event| event.data.as_str().len() + BESIDE)
        .sum()
}
