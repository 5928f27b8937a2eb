//! Bulk operations: trash, restore and delete the sessions that are named. As many as there is room
//! for are written in one commit; where that meets another writer, its sessions are done one by one,
//! as if each had been asked for alone, so that one bad session never keeps others back.

use std::collections::BTreeSet;

use crate::audit::entry::Entry;
use crate::audit::removal::{self, Actor};
use crate::error::{Error, Result};
use crate::store::Read;
use crate::store::filter::Trash;
use crate::value::id::SessionId;
use crate::value::limits::MAX_PAGE_BYTES;
use crate::value::text::Text;
use crate::work::context::Context;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Stop, Transaction};

use super::change::{existing, not_found, write};
use super::claim;
use super::draft::Draft;
use super::params::ManyParams;
use super::replies::{BulkResult, Refusal};

/// Sessions that are written in one commit at most.
pub const MAX_TOGETHER: usize = 100;
/// Sessions that one call names at most.
const MAX_IDS: usize = 1000;

crate::operations! {
    Group::Sessions;
    /// Puts many sessions into the trash, as many as possible in one commit. The reply names those
    /// that were refused.
    TRASH_MANY = WriteMany "trashMany" (ManyParams) -> BulkResult, steps trash_many,
        r#"{"ids":["s","nobody","../x","done"]}"#;
    /// Takes many sessions out of the trash, as many as possible in one commit.
    RESTORE_MANY = WriteMany "restoreMany" (ManyParams) -> BulkResult, steps restore_many,
        r#"{"ids":["s","t","nobody"]}"#;
    /// Removes many sessions for good, also those that cannot be read, as many as possible in one
    /// commit.
    DELETE_MANY = WriteMany "deleteMany" (ManyParams) -> BulkResult, steps delete_many,
        r#"{"ids":["t","nobody"]}"#;
}

/// What is done to each of many sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Trash,
    Restore,
    Delete,
}

async fn trash_many(context: &Context, params: ManyParams) -> Result<BulkResult> {
    many(context, params, Kind::Trash).await
}

async fn restore_many(context: &Context, params: ManyParams) -> Result<BulkResult> {
    many(context, params, Kind::Restore).await
}

async fn delete_many(context: &Context, params: ManyParams) -> Result<BulkResult> {
    many(context, params, Kind::Delete).await
}

async fn many(context: &Context, params: ManyParams, kind: Kind) -> Result<BulkResult> {
    let ids = distinct(params.ids)?;
    let mut outcome = Outcome::default();
    let mut rest = ids.as_slice();
    while !rest.is_empty() && outcome.failed.is_none() {
        let batch = context.try_transact(|tx| batch(tx, rest, kind)).await;
        let done = match batch {
            Ok(Some(results)) => {
                let done = results.len();
                for (id, result) in rest.iter().zip(results) {
                    outcome.record(id, result);
                }
                done
            }
            Ok(None) | Err(Error::CorruptSession { .. }) => {
                let done = rest.len().min(MAX_TOGETHER);
                for id in rest.iter().take(done) {
                    let result = context.transact(|tx| one(tx, id, kind)).await;
                    outcome.record(id, result);
                    if outcome.failed.is_some() {
                        break;
                    }
                }
                done
            }
            Err(error) => {
                outcome.failed = Some(error);
                0
            }
        };
        rest = rest.get(done..).unwrap_or_default();
    }
    outcome.result(&ids)
}

/// Does to the first of these what there is room for in one commit: what came of each.
fn batch(tx: &mut Transaction<'_>, ids: &[String], kind: Kind) -> Attempt<Vec<Result<Changed>>> {
    let first = ids.iter().take(MAX_TOGETHER);
    let parsed = first.filter_map(|id| SessionId::parse(id).ok());
    tx.read_all(parsed.map(|id| Read::head(&id)).collect::<Vec<_>>())?;
    let mut results = Vec::new();
    for id in ids.iter().take(MAX_TOGETHER) {
        if is_full(tx) {
            break;
        }
        results.push(settled(one(tx, id, kind))?);
    }
    Ok(results)
}

/// Whether nothing more goes into one commit.
pub fn is_full(tx: &Transaction<'_>) -> bool {
    let (sessions, bytes) = tx.size();
    sessions >= MAX_TOGETHER || bytes > MAX_PAGE_BYTES
}

/// What came of one of several: what it failed with is its own, unless the store does not work.
///
/// # Errors
/// Those of the store, and what has to be read first.
pub fn settled<R>(attempt: Attempt<R>) -> Attempt<Result<R>> {
    match attempt {
        Ok(result) => Ok(Ok(result)),
        Err(Stop::Failed(error)) if !error.is_of_store() => Ok(Err(error)),
        Err(stop) => Err(stop),
    }
}

/// Whether anything was written.
type Changed = bool;

fn one(tx: &mut Transaction<'_>, id: &str, kind: Kind) -> Attempt<Changed> {
    let id = SessionId::parse(id)?;
    if kind == Kind::Delete {
        delete(tx, &id, None)?;
        return Ok(true);
    }
    let before = existing(tx, &id)?;
    let mut draft = Draft::of(before.clone(), tx.now(), tx.limits());
    match kind {
        Kind::Trash => draft.trash(Some(Actor::User)),
        _ => draft.restore(),
    }
    if draft.changes_nothing(&before) {
        return Ok(false);
    }
    claim::claim(tx, draft.head())?;
    write(tx, draft.finish())?;
    Ok(true)
}

/// Removes a session for good, if it is where it is looked for.
///
/// # Errors
/// `SESSION_NOT_FOUND`, and those of the store.
pub fn delete(tx: &mut Transaction<'_>, id: &SessionId, trash: Option<Trash>) -> Attempt<()> {
    let trash = trash.unwrap_or(Trash::Include);
    let slot = match tx.head(id) {
        Ok(Some(head)) if trash.admits(&head) => head.slot,
        Ok(_) => return Err(not_found(id.as_str()).into()),
        // One that cannot be read is in no place that could be excluded.
        Err(Stop::Failed(Error::CorruptSession { .. })) => None,
        Err(stop) => return Err(stop),
    };
    let entry = Entry::removal(removal::DELETE, id, slot.as_ref(), Actor::User, tx.now());
    tx.enter(entry.to_record());
    tx.delete(id.clone());
    Ok(())
}

/// What has come of a bulk operation so far.
#[derive(Default)]
struct Outcome {
    done: Vec<SessionId>,
    refused: Vec<Refusal>,
    /// Whether anything was written.
    written: bool,
    /// Why nothing more is tried.
    failed: Option<Error>,
}

impl Outcome {
    fn record(&mut self, id: &str, result: Result<Changed>) {
        match result.and_then(|changed| Ok((SessionId::parse(id)?, changed))) {
            Ok((id, changed)) => {
                self.written |= changed;
                self.done.push(id);
            }
            Err(error) => {
                self.refused.push(Refusal::new(id, &error));
                if self.failed.is_none() && error.is_of_store() {
                    self.failed = Some(error);
                }
            }
        }
    }

    /// The reply. Where the store has failed, those that were not tried are refused for that.
    fn result(mut self, ids: &[String]) -> Result<BulkResult> {
        if let Some(error) = self.failed {
            if !self.written {
                return Err(error);
            }
            for id in ids {
                let done = self.done.iter().any(|done| done.as_str() == id);
                if !done && !self.refused.iter().any(|refusal| refusal.id == *id) {
                    self.refused.push(Refusal::new(id, &error));
                }
            }
        }
        Ok(BulkResult {
            done: self.done,
            refused: self.refused,
        })
    }
}

/// Ids in their order, each once.
///
/// # Errors
/// `INVALID_ARGUMENT` for too many.
pub fn distinct(ids: Vec<Text>) -> Result<Vec<String>> {
    if ids.len() > MAX_IDS {
        let problem = format!("expected {MAX_IDS} ids at most, got {}", ids.len());
        return Err(Error::invalid("ids", problem));
    }
    let mut seen = BTreeSet::new();
    let ids = ids.into_iter().map(Text::into_string);
    Ok(ids.filter(|id| seen.insert(id.clone())).collect())
}
