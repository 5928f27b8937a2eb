//! Bulk operations: trash, restore and delete the named sessions. As many as fit are written in one
//! commit. If that commit conflicts with another writer, its sessions are written one by one, so that
//! one session never prevents the others.

use crate::audit::entry::Entry;
use crate::audit::removal::{self, Actor};
use crate::error::{Error, Result, none_if_corrupt};
use crate::lease::operations::runner_read;
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

/// The greatest number of sessions in one commit.
pub const MAX_TOGETHER: usize = 100;
/// The greatest number of sessions that one call names.
const MAX_IDS: usize = 1000;

crate::operations! {
    Group::Sessions;
    /// Puts sessions into the trash, as many as possible in one commit. The reply names the refused
    /// ones.
    TRASH_MANY = WriteMany "trashMany" (ManyParams) -> BulkResult, steps trash_many,
        r#"{"ids":["s","nobody","../x","done"],"token":1}"#;
    /// Restores sessions from the trash, as many as possible in one commit.
    RESTORE_MANY = WriteMany "restoreMany" (ManyParams) -> BulkResult, steps restore_many,
        r#"{"ids":["s","t","nobody"],"token":1}"#;
    /// Deletes sessions, also those that cannot be read, as many as possible in one commit.
    DELETE_MANY = WriteMany "deleteMany" (ManyParams) -> BulkResult, steps delete_many,
        r#"{"ids":["t","nobody"],"token":1}"#;
}

/// The operation on each of the sessions.
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
    let token = params.token;
    let ids = distinct(params.ids)?;
    let mut outcome = Outcome::default();
    let mut rest = ids.as_slice();
    while !rest.is_empty() && outcome.failed.is_none() {
        let batch = context
            .try_transact(|tx| batch(tx, rest, kind, token))
            .await;
        let done = match none_if_corrupt(batch) {
            Ok(Some(results)) => {
                let done = results.len();
                for (id, result) in rest.iter().zip(results) {
                    outcome.record(id, result);
                }
                done
            }
            Ok(None) => {
                let done = rest.len().min(MAX_TOGETHER);
                for id in rest.iter().take(done) {
                    let result = context.transact(|tx| one(tx, id, kind, token)).await;
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

/// Applies the operation to the first of these sessions, as many as fit into one commit. Returns the
/// result for each.
fn batch(
    tx: &mut Transaction<'_>,
    ids: &[String],
    kind: Kind,
    token: Option<u64>,
) -> Attempt<Vec<Result<Changed>>> {
    let first = ids.iter().take(MAX_TOGETHER);
    let parsed = first.filter_map(|id| SessionId::parse(id).ok());
    let reads = parsed.flat_map(|id| [Read::head(&id), runner_read(&id)]);
    tx.read_all(reads.collect::<Vec<_>>())?;
    let mut results = Vec::new();
    for id in ids.iter().take(MAX_TOGETHER) {
        if is_full(tx) {
            break;
        }
        results.push(settled(one(tx, id, kind, token))?);
    }
    Ok(results)
}

/// Whether the commit is full.
pub fn is_full(tx: &Transaction<'_>) -> bool {
    let (sessions, bytes) = tx.size();
    sessions >= MAX_TOGETHER || bytes > MAX_PAGE_BYTES
}

/// The result for one of several sessions. Its own errors are part of the result. The attempt must not
/// write before it fails, because the others of the same commit are still written.
///
/// # Errors
/// Those of the store, and a pending read.
pub fn settled<R>(attempt: Attempt<R>) -> Attempt<Result<R>> {
    match attempt {
        Ok(result) => Ok(Ok(result)),
        Err(Stop::Failed(error)) if !error.is_of_store() => Ok(Err(error)),
        Err(stop) => Err(stop),
    }
}

/// Whether anything was written.
type Changed = bool;

fn one(tx: &mut Transaction<'_>, id: &str, kind: Kind, token: Option<u64>) -> Attempt<Changed> {
    let id = SessionId::parse(id)?;
    if kind == Kind::Delete {
        delete(tx, &id, None, token)?;
        return Ok(true);
    }
    let before = existing(tx, &id)?;
    tx.present(token, &id)?;
    let mut draft = Draft::of(before.clone(), tx.now(), tx.limits());
    match kind {
        Kind::Trash => draft.trash(Some(Actor::User)),
        _ => draft.restore(),
    }
    if draft.changes_nothing(&before) {
        return Ok(false);
    }
    // Nothing is written before it can be refused.
    tx.fence(&id)?;
    claim::claim(tx, draft.head())?;
    write(tx, draft.finish())?;
    Ok(true)
}

/// Deletes a session, if `trash` includes it.
///
/// # Errors
/// `SESSION_NOT_FOUND`, `SESSION_HELD`, `LEASE_LOST`, and those of the store.
pub fn delete(
    tx: &mut Transaction<'_>,
    id: &SessionId,
    trash: Option<Trash>,
    token: Option<u64>,
) -> Attempt<()> {
    let trash = trash.unwrap_or(Trash::Include);
    let slot = match tx.head(id) {
        Ok(Some(head)) if trash.admits(&head) => head.slot,
        Ok(_) => return Err(not_found(id.as_str()).into()),
        // A session that cannot be read is always included.
        Err(Stop::Failed(error)) if error.is_corrupt_session() => None,
        Err(stop) => return Err(stop),
    };
    tx.present(token, id)?;
    tx.fence(id)?;
    let entry = Entry::removal(removal::DELETE, id, slot.as_deref(), Actor::User, tx.now());
    tx.enter(entry.to_record());
    tx.delete(id.clone())
}

/// The results of a bulk operation so far.
#[derive(Default)]
struct Outcome {
    done: Vec<SessionId>,
    refused: Vec<Refusal>,
    /// Whether anything was written.
    written: bool,
    /// The error of the store that ended the operation early.
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

    /// The reply. After an error of the store, the sessions that were not tried are refused with it.
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

/// Refuses the parameters that do not go with `ids`. Each is given by its name, and whether the call has it.
///
/// # Errors
/// `INVALID_ARGUMENT` for the first one that the call has.
pub fn refuse_beside_ids(others: &[(&str, bool)]) -> Result<()> {
    match others.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(Error::invalid(*name, "expected no `ids` with it")),
        None => Ok(()),
    }
}

/// The ids in their order without duplicates.
///
/// # Errors
/// `INVALID_ARGUMENT` for too many ids.
pub fn distinct(ids: Vec<Text>) -> Result<Vec<String>> {
    if ids.len() > MAX_IDS {
        let problem = format!("expected {MAX_IDS} ids at most, got {}", ids.len());
        return Err(Error::invalid("ids", problem));
    }
    let mut seen: Vec<String> = Vec::with_capacity(ids.len());
    let mut is_new = |id: &String| match seen.binary_search(id) {
        Ok(_) => false,
        Err(place) => {
            seen.insert(place, id.clone());
            true
        }
    };
    let ids = ids.into_iter().map(Text::into_string);
    Ok(ids.filter(|id| is_new(id)).collect())
}
