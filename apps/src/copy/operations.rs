//! Copying in steps: the source stamps a page of its sessions and records, the target requests what it
//! lacks, the source reads it, the target writes it, and at the end both are compared. Each step is a
//! call of its own with a bounded size, so that the host in between can show progress, stop, and start
//! again. Stamps identify what the target has already, without reading histories.

use tenure_core::error::{Cause, Result, none_if_corrupt};
use tenure_core::lease::operations::{read_of, runner_read};
use tenure_core::session::claim;
use tenure_core::session::read::check_history;
use tenure_core::store::filter::{Direction, Filter, Order, OrderBy, Position, Trash};
use tenure_core::store::{Expect, History, ListQuery, Loaded, Problem, Read, Record, Scan};
use tenure_core::stored::approval::StoredApproval;
use tenure_core::stored::event::{Event, kind};
use tenure_core::stored::lease::{self, Lease};
use tenure_core::value::id::SessionId;
use tenure_core::value::json::{Json, Object};
use tenure_core::value::limits::MAX_PAGE_BYTES;
use tenure_core::value::text::Text;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Stop, Transaction, none_if_unreadable};

use super::kinds::RECORD_KINDS;
use super::model::{
    CopyChunk, CopyCompareParams, CopyCompared, CopyDifference, CopyPage, CopyPageParams,
    CopyReadParams, CopyWriteParams, CopyWritten, Difference, Part, SESSION, STEP_BYTES, Sent,
    Stamp, There, compare, digest, read_chunk, read_stamps,
};

/// The greatest number of sessions or records that one step names.
const MAX_NAMED: u32 = 500;

/// Oldest first: sessions that are added meanwhile come last, and are copied too.
const ORDER: Order = Order {
    by: OrderBy::CreatedAt,
    direction: Direction::Asc,
};

tenure_core::operations! {
    Group::Copying;
    /// Stamps a page of the sessions and records of the source.
    COPY_PAGE = Read "copyPage" (CopyPageParams) -> CopyPage, steps page,
        r#"{"after":"ca.0.a","whole":true}"#;
    /// Compares a page of the source with the target, and may request what is missing.
    COPY_COMPARE = Read "copyCompare" (CopyCompareParams) -> CopyCompared, steps compare_page,
        r#"{"page":"[{\"what\":\"session\",\"key\":\"s\",\"version\":1,\"createdAt\":0,\"events\":1,\"head\":\"h\",\"history\":null,\"owner\":null,\"ownerHead\":null,\"there\":{\"unreadable\":false,\"events\":0,\"history\":\"\",\"overwrite\":false}}]","overwrite":true}"#;
    /// Reads what another store asks for, up to an amount.
    COPY_READ = Read "copyRead" (CopyReadParams) -> CopyChunk, steps read,
        r#"{"wanted":"[{\"what\":\"session\",\"key\":\"s\",\"version\":1,\"createdAt\":0,\"events\":1,\"head\":\"h\",\"history\":null,\"owner\":null,\"ownerHead\":null,\"there\":{\"unreadable\":true,\"events\":0,\"history\":\"h\",\"overwrite\":true}}]"}"#;
    /// Writes what another store has sent, in one commit.
    COPY_WRITE = WriteMany "copyWrite" (CopyWriteParams) -> CopyWritten, steps write,
        r#"{"chunk":"[{\"unreadable\":true,\"replace\":true,\"session\":null,\"record\":{\"kind\":\"k\",\"key\":\"k\",\"version\":1,\"body\":\"\"}}]"}"#;
}

async fn page(context: &Context, params: CopyPageParams) -> Result<CopyPage> {
    let after = params.after.as_ref().map_or("", |after| after.as_str());
    match after.split_once('/') {
        Some((kind, after)) => record_page(context, kind, after.strip_prefix('/')).await,
        None => session_page(context, after, params.whole.unwrap_or(false)).await,
    }
}

async fn session_page(context: &Context, after: &str, whole: bool) -> Result<CopyPage> {
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
    let found = context.list(&query).await?;
    let (mut stamps, mut problems) = (Vec::new(), found.problems);
    let (mut bytes, mut next) = (0, None);
    for head in &found.heads {
        if bytes > STEP_BYTES {
            break;
        }
        next = Some(ORDER.position(head).to_cursor(ORDER));
        if !whole {
            stamps.push(Stamp::of_head(head));
        } else if let Some(whole) = load_whole(context, &head.id, &mut problems).await? {
            bytes += size(&whole);
            stamps.push(Stamp::of_session(&whole));
        }
    }
    // What the step ended before is on the next page.
    let more = found.more || bytes > STEP_BYTES;
    let records = || RECORD_KINDS.first().map(|kind| format!("{kind}/"));
    Ok(CopyPage {
        page: text(&stamps),
        sessions: stamps.len() as u64,
        records: 0,
        problems,
        next: next.filter(|_| more).or_else(records),
    })
}

/// A session with all of its history; nothing when it is gone or cannot be read.
async fn load_whole(
    context: &Context,
    id: &SessionId,
    problems: &mut Vec<Problem>,
) -> Result<Option<Loaded>> {
    match context.load(id, History::All).await {
        Err(error) => match error.into_cause() {
            Cause::CorruptSession { id, problem } => {
                problems.push(Problem { id, problem });
                Ok(None)
            }
            cause => Err(cause.into()),
        },
        loaded => loaded,
    }
}

async fn record_page(context: &Context, kind: &str, after: Option<&str>) -> Result<CopyPage> {
    let mut kinds = RECORD_KINDS.iter().skip_while(|known| **known != kind);
    if kinds.next().is_none() {
        return Err(Cause::InvalidCursor.into());
    }
    let scan = Scan {
        kind: kind.to_owned(),
        after: after.map(str::to_owned),
        limit: MAX_NAMED,
    };
    let records = context.scan(&scan).await?;
    let (mut stamps, mut bytes) = (Vec::new(), 0);
    let (mut read, mut last) = (0, None);
    let mut problems = Vec::new();
    let mut owners = Owners::default();
    for record in &records {
        if bytes > STEP_BYTES {
            break;
        }
        if record.kind != kind || after == Some(record.key.as_str()) {
            return Err(Cause::StoreMisbehaved {
                method: "scan".to_owned(),
                problem: "it returned records that were not asked for".to_owned(),
            }
            .into());
        }
        read += 1;
        bytes += record.body.len();
        last = Some(format!("{kind}//{}", record.key));
        if record.body.is_empty() {
            // The store cannot decrypt it.
            let id = format!("{kind} {}", record.key);
            let problem = "the record is damaged".to_owned();
            problems.push(Problem { id, problem });
            continue;
        }
        let mut stamp = Stamp::of_record(record);
        if let Some(owner) = &record.owner {
            stamp.owner = Some(owner.as_str().into());
            stamp.owner_head = owners.head(context, owner.as_str()).await?;
            // A record whose session cannot be read goes nowhere.
            if stamp.owner_head.is_none() {
                continue;
            }
        }
        stamps.push(stamp);
    }
    let more = read < records.len() || records.len() >= MAX_NAMED as usize;
    let next_kind = || kinds.next().map(|kind| format!("{kind}/"));
    Ok(CopyPage {
        page: text(&stamps),
        records: stamps.len() as u64,
        next: last.filter(|_| more).or_else(next_kind),
        problems,
        ..CopyPage::default()
    })
}

/// The digests of the heads of sessions that own records. Records of one session often follow one
/// another: the last is remembered.
#[derive(Default)]
struct Owners(Option<(String, Option<Text>)>);

impl Owners {
    /// The digest of a session's head, unless it is gone or cannot be read.
    async fn head(&mut self, context: &Context, id: &str) -> Result<Option<Text>> {
        if let Some((last, head)) = &self.0
            && last == id
        {
            return Ok(head.clone());
        }
        let loaded = context.load(&SessionId::parse(id)?, History::None).await;
        let head = none_if_corrupt(loaded)?.map(|loaded| Stamp::of_head(&loaded.head).head);
        self.0 = Some((id.to_owned(), head.clone()));
        Ok(head)
    }
}

async fn compare_page(context: &Context, params: CopyCompareParams) -> Result<CopyCompared> {
    let (overwrite, verify) = match params.overwrite {
        None => (false, true),
        Some(overwrite) => (overwrite, false),
    };
    let mut reply = CopyCompared::default();
    let mut wanted = Vec::new();
    let mut owners = Owners::default();
    for mut stamp in read_stamps("page", params.page.as_str())? {
        if let Some(owner) = &stamp.owner {
            // It says something about that session as it is there, and nothing about another.
            let head = owners.head(context, owner.as_str()).await?;
            if head != stamp.owner_head {
                continue;
            }
        }
        let mut there = There {
            overwrite,
            ..There::default()
        };
        let difference = match here(context, &stamp, &mut there).await? {
            None if there.unreadable => Difference::Unreadable,
            None => Difference::Missing,
            Some(here) => {
                there.version = Some(here.version());
                match compare(&stamp, &here) {
                    Some(difference) => difference,
                    None => {
                        reply.same += u64::from(stamp.is_session());
                        continue;
                    }
                }
            }
        };
        let asks = matches!(difference, Difference::Missing | Difference::Older);
        if verify || !(asks || overwrite) {
            reply.differences.push(stamp.differs(difference));
            continue;
        }
        let mut events = Vec::new();
        if difference == Difference::Older && stamp.is_session() {
            let id = SessionId::parse(stamp.key.as_str())?;
            let loaded = load_whole(context, &id, &mut Vec::new()).await?;
            events = loaded.map(|loaded| loaded.events).unwrap_or_default();
        }
        there.events = events.len() as u64;
        there.history = digest(&events);
        stamp.there = there;
        wanted.push(stamp);
    }
    reply.wanted = (!wanted.is_empty()).then(|| text(&wanted));
    Ok(reply)
}

/// The stamp of what is here under the name of another; with its history where that one's was read.
async fn here(context: &Context, stamp: &Stamp, there: &mut There) -> Result<Option<Stamp>> {
    if !stamp.is_session() {
        let (kind, key) = (stamp.what.as_str(), stamp.key.as_str());
        let record = context.record(kind, key).await?;
        return Ok(record.map(|record| Stamp::of_record(&record)));
    }
    let whole = stamp.history.is_some();
    let history = if whole { History::All } else { History::None };
    let id = SessionId::parse(stamp.key.as_str())?;
    match context.load(&id, history).await {
        Err(error) if error.is_corrupt_session() => {
            there.unreadable = true;
            Ok(None)
        }
        loaded => Ok(loaded?.map(|loaded| match whole {
            true => Stamp::of_session(&loaded),
            false => Stamp::of_head(&loaded.head),
        })),
    }
}

async fn read(context: &Context, params: CopyReadParams) -> Result<CopyChunk> {
    let wanted = read_stamps("wanted", params.wanted.as_str())?;
    let mut reply = CopyChunk::default();
    let mut chunk = Vec::new();
    let mut bytes = 0;
    let mut rest = wanted.as_slice();
    while let Some((one, others)) = rest.split_first()
        && bytes <= STEP_BYTES
    {
        rest = others;
        if !one.is_session() {
            let (kind, key) = (one.what.as_str(), one.key.as_str());
            if let Some(record) = context.record(kind, key).await? {
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
        let Some(session) = load_whole(context, &id, &mut reply.problems).await? else {
            continue;
        };
        if let Err(error) = check_history(&session.events, &context.call().limits) {
            let id = id.to_string();
            let problem = error.to_string();
            reply.problems.push(Problem { id, problem });
            continue;
        }
        bytes += size(&session);
        match one.part(session) {
            Some(mut part) => {
                if part.expect() != Expect::Absent {
                    let key = Lease::session_key(&id);
                    part.lease = Sent(context.record(lease::KIND, &key).await?);
                }
                chunk.push(part);
            }
            None => reply.differences.push(one.differs(Difference::Different)),
        }
    }
    reply.chunk = text(&chunk);
    reply.rest = (!rest.is_empty()).then(|| text(rest));
    Ok(reply)
}

/// What has changed in the target since it was requested stays unchanged.
async fn write(context: &Context, params: CopyWriteParams) -> Result<CopyWritten> {
    let parts = read_chunk(params.chunk.as_str())?;
    context.transact(|tx| write_parts(tx, &parts)).await
}

/// Each part expects the state that the target had reported. Beside the occupants of slots, only what a
/// part replaces is read.
fn write_parts(tx: &mut Transaction<'_>, parts: &[Part]) -> Attempt<CopyWritten> {
    let mut reply = CopyWritten::default();
    let mut sessions = Vec::new();
    tx.read_all(parts.iter().flat_map(replaced))?;
    for part in parts {
        if let Some(loaded) = &part.session.0 {
            let id = loaded.head.id.as_str();
            match refusal(tx, part, loaded)? {
                Some(target) => reply.differences.push(difference(SESSION, id, target)),
                None => sessions.push((part, loaded)),
            }
        }
        if let Some(record) = &part.record.0 {
            match record_refusal(tx, part, record)? {
                Some(target) => {
                    let refused = difference(&record.kind, &record.key, target);
                    reply.differences.push(refused);
                }
                None => {
                    tx.put_record_expecting(record.clone(), part.expect());
                    reply.records += 1;
                }
            }
        }
    }
    // Whether a slot is free depends on what else is written, so all are written before any claims.
    let before = tx.snapshot();
    loop {
        for (part, Loaded { head, events }) in &sessions {
            tx.write_expecting(head.clone(), events.clone(), part.replace, part.expect());
        }
        let mut refused = Vec::new();
        for (_, Loaded { head, .. }) in &sessions {
            match claim::claim(tx, head) {
                Err(Stop::Failed(error)) if matches!(error.cause(), Cause::SlotTaken { .. }) => {
                    refused.push(&head.id);
                }
                claimed => claimed?,
            }
        }
        if refused.is_empty() {
            break;
        }
        for id in &refused {
            let refused = difference(SESSION, id.as_str(), Difference::Different);
            reply.differences.push(refused);
        }
        sessions.retain(|(_, loaded)| !refused.contains(&&loaded.head.id));
        tx.restore(before.clone());
    }
    reply.sessions = sessions.len() as u64;
    Ok(reply)
}

/// What has to be read in the target before a part replaces it.
fn replaced(part: &Part) -> Vec<Read> {
    match (&part.session.0, &part.record.0) {
        _ if part.expect() == Expect::Absent => Vec::new(),
        (Some(Loaded { head, .. }), _) => vec![Read::head(&head.id), runner_read(&head.id)],
        (None, Some(record)) if record.kind == lease::KIND => vec![read_of(&record.key)],
        _ => Vec::new(),
    }
}

/// Why a session stays as it is in the target: another writer has changed it, its runner holds it, or
/// its agent waits for an approval that it would not wait for any more.
fn refusal(
    tx: &mut Transaction<'_>,
    part: &Part,
    Loaded { head: next, events }: &Loaded,
) -> Attempt<Option<Difference>> {
    if tx.has_lost(&next.id) {
        return Ok(Some(Difference::Different));
    }
    if part.expect() == Expect::Absent {
        return Ok(None);
    }
    if !is_of_source(tx, part, &Lease::session_key(&next.id))? {
        match tx.check_fence(next, part.replace) {
            Err(Stop::Failed(error)) if matches!(error.cause(), Cause::SessionHeld { .. }) => {
                return Ok(Some(Difference::Held));
            }
            checked => checked?,
        }
    }
    let stored = none_if_unreadable(tx.head(&next.id))?;
    // The decision is in the source, or in the history that goes on from the one in the target.
    let approval = next.agent.as_ref().and_then(|of| of.approval.as_ref());
    let has_decision = || {
        approval.is_some_and(StoredApproval::is_decided)
            || (!part.replace && events.iter().any(is_decision))
    };
    let is_open = stored.is_none_or(|stored| {
        stored.check_approval(next).is_ok() || (stored.awaits_approval() && has_decision())
    });
    Ok((!is_open).then_some(Difference::Different))
}

/// Whether an event records that a person has decided on a request, or that an override has dropped it.
fn is_decision(event: &Event) -> bool {
    let data = Object::parse(&event.data);
    event.kind == kind::APPROVAL
        && ["approved", "override"]
            .iter()
            .any(|name| data.get(name).is_some())
}

/// Why a record stays as it is in the target: another writer has changed it, or it is a lease that is
/// held there and not in the source, or whose fencing token is greater there: no token comes twice.
fn record_refusal(
    tx: &mut Transaction<'_>,
    part: &Part,
    record: &Record,
) -> Attempt<Option<Difference>> {
    if tx.has_lost_record(&record.kind, &record.key) {
        return Ok(Some(Difference::Different));
    }
    if record.kind != lease::KIND || part.expect() == Expect::Absent {
        return Ok(None);
    }
    let Some(stored) = tx.record(lease::KIND, &record.key)? else {
        return Ok(None);
    };
    let stored = Lease::read(&stored)?;
    let Ok(next) = Lease::read(record) else {
        return Ok(Some(Difference::Different));
    };
    Ok(match stored.is_held(tx.now(), tx.host()) {
        true if !is_same_holding(&stored, &next) => Some(Difference::Held),
        _ => (stored.token > next.token).then_some(Difference::Newer),
    })
}

/// Whether the lease of a session in the target is a copy of the one in the source.
fn is_of_source(tx: &mut Transaction<'_>, part: &Part, key: &str) -> Attempt<bool> {
    let (Some(source), Some(target)) = (&part.lease.0, tx.record(lease::KIND, key)?) else {
        return Ok(false);
    };
    Ok(is_same_holding(
        &Lease::read(source)?,
        &Lease::read(&target)?,
    ))
}

fn is_same_holding(one: &Lease, other: &Lease) -> bool {
    one.token == other.token
        && one.holder == other.holder
        && one.process == other.process
        && one.acquired_at == other.acquired_at
}

fn difference(what: &str, key: &str, target: Difference) -> CopyDifference {
    CopyDifference {
        what: what.to_owned(),
        key: key.to_owned(),
        target,
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
