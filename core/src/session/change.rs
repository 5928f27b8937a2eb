//! Changes of one session: a [`Draft`] of the stored session takes the steps of the operation, and the
//! result is written. A repeated call with an idempotency key changes nothing.

use crate::error::{Cause, Error, Result};
use crate::lease::operations::runner_read;
use crate::store::{History, Loaded, Read};
use crate::stored::head::Head;
use crate::value::id::SessionId;
use crate::value::text::Text;
use crate::work::transaction::{Attempt, Stop, Transaction};

use super::claim;
use super::draft::{Draft, Finished};
use super::idempotency::Key;
use super::params::ChangeParams;
use super::replies::Appended;
use super::view::{Session, SessionHead};

/// The steps of an operation.
pub type Steps<'a> = &'a dyn Fn(&mut Draft<'_>) -> Result<()>;

/// A change to one session as it was written, now or by an earlier call with the same key.
pub struct Changed {
    /// The session after it.
    pub(crate) head: Head,
    first: u64,
    last: u64,
    replayed: bool,
}

impl From<Changed> for Appended {
    fn from(changed: Changed) -> Self {
        Self {
            first_sequence: changed.first,
            last_sequence: changed.last,
            status: changed.head.status,
            iterations: changed.head.iterations,
            max_iterations: changed.head.max_iterations,
            version: changed.head.version,
            updated_at: changed.head.updated_at,
            replayed: changed.replayed,
            call_id: None,
            id: changed.head.id,
        }
    }
}

/// Writes a new session.
///
/// # Errors
/// `SESSION_EXISTS`, `IDEMPOTENCY_MISMATCH`, and those of the store.
pub fn create(
    tx: &mut Transaction<'_>,
    draft: Draft<'_>,
    key: Option<&Key<'_>>,
) -> Attempt<Session> {
    if let Some(key) = key
        && let Some(stored) = key.find(tx)?
    {
        let history = History::After {
            sequence: stored.first.saturating_sub(1),
            limit: u32::try_from(stored.last + 1 - stored.first).unwrap_or(u32::MAX),
        };
        return match tx.loaded(&stored.session, history)? {
            Some(Loaded { head, events }) => Ok(Session::new(head.clone(), events.clone())),
            // Deleted between the two reads, and its key with it.
            None => Err(Stop::Retry),
        };
    }
    let Finished {
        head,
        events,
        notices,
        ..
    } = draft.finish();
    tx.insert(head.clone(), events.clone())?;
    if let Some(key) = key {
        key.put(tx, &head.id, 1, head.event_count)?;
    }
    tx.notify(notices);
    Ok(Session::new(head, events))
}

/// Changes a session that is not in the trash.
///
/// # Errors
/// `INVALID_ID`, `SESSION_NOT_FOUND`, `SESSION_DELETED`, `VERSION_CONFLICT`, `IDEMPOTENCY_MISMATCH`,
/// `SESSION_HELD`, `LEASE_LOST`, those of the steps and of the store.
pub fn change(
    tx: &mut Transaction<'_>,
    params: &dyn ChangeParams,
    steps: Steps<'_>,
) -> Attempt<SessionHead> {
    Ok(changed(tx, params, Admits::CHANGE, steps)?.head.into())
}

/// As [`change`], for a session whose agent goes on: its model must be available.
///
/// # Errors
/// `MODEL_MISSING`, and those of [`change`].
pub fn change_with_model(
    tx: &mut Transaction<'_>,
    params: &dyn ChangeParams,
    steps: Steps<'_>,
) -> Attempt<SessionHead> {
    Ok(changed(tx, params, Admits::WITH_MODEL, steps)?.head.into())
}

/// As [`change`], also for a session in the trash.
///
/// # Errors
/// Those of [`change`] but `SESSION_DELETED`.
pub fn change_anywhere(
    tx: &mut Transaction<'_>,
    params: &dyn ChangeParams,
    steps: Steps<'_>,
) -> Attempt<SessionHead> {
    let admits = Admits {
        trash: true,
        ..Admits::CHANGE
    };
    Ok(changed(tx, params, admits, steps)?.head.into())
}

/// Appends events to a session.
///
/// # Errors
/// `MODEL_MISSING`, and those of [`change`].
pub fn append(
    tx: &mut Transaction<'_>,
    params: &dyn ChangeParams,
    steps: Steps<'_>,
) -> Attempt<Appended> {
    let admits = Admits {
        may_move: false,
        ..Admits::WITH_MODEL
    };
    Ok(changed(tx, params, admits, steps)?.into())
}

/// As [`append`], with steps that move the session.
///
/// # Errors
/// Those of [`append`].
pub fn append_moving(
    tx: &mut Transaction<'_>,
    params: &dyn ChangeParams,
    steps: Steps<'_>,
) -> Attempt<Appended> {
    Ok(changed(tx, params, Admits::WITH_MODEL, steps)?.into())
}

/// Checks that the model of a session in a slot is available.
///
/// # Errors
/// `MODEL_MISSING`.
pub fn check_model(tx: &mut Transaction<'_>, head: &Head) -> Result<()> {
    match &head.slot {
        Some(slot) if tx.lacks_model(&slot.model) => Err(Cause::ModelMissing {
            id: Some(head.id.to_string()),
            model: slot.model.clone(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Which sessions a change admits.
#[derive(Debug, Clone, Copy)]
struct Admits {
    /// Whether the session may be in the trash.
    trash: bool,
    /// Whether the model of a session in a slot must be available.
    only_with_model: bool,
    /// Whether it may well move the session, for which its lease is read.
    may_move: bool,
}

impl Admits {
    const CHANGE: Self = Self {
        trash: false,
        only_with_model: false,
        may_move: true,
    };
    const WITH_MODEL: Self = Self {
        only_with_model: true,
        ..Self::CHANGE
    };
}

fn changed(
    tx: &mut Transaction<'_>,
    params: &dyn ChangeParams,
    admits: Admits,
    steps: Steps<'_>,
) -> Attempt<Changed> {
    let target = params.target()?;
    let id = &target.id;
    let key = match target.idempotency_key.as_deref() {
        Some(key) => Some(Key::in_session(id, key, tx.fingerprint())?),
        None => None,
    };
    // The key is read after the session: one that is not there yet has not changed it either.
    let key_read = key.as_ref().map(|key| Read::Record {
        kind: key.kind.to_owned(),
        key: key.key.clone(),
    });
    let is_fenced = admits.may_move || target.token.is_some() || tx.limits().fenced;
    let lease_read = (is_fenced && tx.reads_together()).then(|| runner_read(id));
    let reads = [Read::head(id)].into_iter().chain(key_read);
    tx.read_all(reads.chain(lease_read))?;
    let before = existing(tx, id)?;
    if let Some(key) = &key
        && let Some(stored) = key.find(tx)?
    {
        return Ok(Changed {
            // The head may have been read before the call that left the key.
            head: tx.head_again(id)?.ok_or_else(|| not_found(id.as_str()))?,
            first: stored.first,
            last: stored.last,
            replayed: true,
        });
    }
    if before.deleted_at.is_some() && !admits.trash {
        return Err(Cause::SessionDeleted { id: id.to_string() }.into());
    }
    tx.present(target.token, id)?;
    if let Some(expected) = target.if_version
        && expected != before.version
    {
        return Err(Cause::VersionConflict {
            id: id.to_string(),
            expected,
            current: before.version,
        }
        .into());
    }
    if admits.only_with_model {
        check_model(tx, &before)?;
    }
    let first = before.event_count + 1;
    let was_in_trash = before.deleted_at.is_some();
    let mut draft = Draft::of(before.clone(), tx.now(), tx.limits());
    steps(&mut draft)?;
    if key.is_none() && draft.changes_nothing(&before) {
        return Ok(Changed {
            first,
            last: before.event_count,
            head: before,
            replayed: false,
        });
    }
    if was_in_trash {
        // Out of the trash it comes back into its slot.
        claim::claim(tx, draft.head())?;
    }
    let head = write(tx, draft.finish())?;
    if let Some(key) = &key {
        key.put(tx, id, first, head.event_count)?;
    }
    Ok(Changed {
        first,
        last: head.event_count,
        head,
        replayed: false,
    })
}

/// Writes the result of a draft.
///
/// # Errors
/// Those of the transaction.
pub fn write(tx: &mut Transaction<'_>, finished: Finished) -> Attempt<Head> {
    let Finished {
        head,
        events,
        replaces_history,
        notices,
        entries,
    } = finished;
    tx.write(head.clone(), events, replaces_history)?;
    for entry in entries {
        tx.enter(entry.to_record());
    }
    tx.notify(notices);
    Ok(head)
}

/// The head of a session that must exist.
///
/// # Errors
/// `SESSION_NOT_FOUND`, and those of the store.
pub fn existing(tx: &mut Transaction<'_>, id: &SessionId) -> Attempt<Head> {
    let head = tx.head(id)?;
    Ok(head.ok_or_else(|| not_found(id.as_str()))?)
}

/// The id of a new session: the given one, or a generated one.
///
/// # Errors
/// `INVALID_ID`.
pub fn new_id(tx: &Transaction<'_>, given: Option<&Text>) -> Result<SessionId> {
    match given {
        Some(id) => SessionId::parse(id.as_str()),
        None => Ok(SessionId::generate(tx.now(), tx.entropy())),
    }
}

/// A new id of an agent's session.
pub fn generate_agent_id(tx: &Transaction<'_>) -> SessionId {
    /// Ids that are tried.
    const MAX_IDS: u8 = 16;
    let id = |attempt| SessionId::of_agent(tx.now(), tx.entropy(), attempt);
    // An id has so few random bits that one of two agents may have to take another.
    let free = (0..MAX_IDS).map(id).find(|id| !tx.has_lost(id));
    free.unwrap_or_else(|| id(MAX_IDS))
}

/// The idempotency key of a call that creates a session.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn store_key<'a>(tx: &Transaction<'_>, given: Option<&'a Text>) -> Result<Option<Key<'a>>> {
    given
        .map(|key| Key::in_store(key.as_str(), tx.fingerprint()))
        .transpose()
}

/// The error for an unknown session id.
pub fn not_found(id: &str) -> Error {
    Cause::SessionNotFound { id: id.to_owned() }.into()
}
