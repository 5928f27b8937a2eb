//! The operations of administrators: `override` sets properties of a session, `save` writes a session as
//! it is given. [`administrator`] decides what they write. They are a table of their own, which the
//! browser's module leaves out.

use crate::error::Cause;
use crate::session::change::{change, write};
use crate::session::draft::{Draft, Finished};
use crate::session::params::{OverrideParams, SaveParams};
use crate::session::view::SessionHead;
use crate::session::{administrator, claim, portable};
use crate::store::{History, Loaded};
use crate::stored::head::Head;
use crate::value::text::without_bom;
use crate::work::operation::Group;
use crate::work::transaction::{Attempt, Transaction};

crate::operations! {
    Group::Sessions;
    /// Sets any properties of a session regardless of the lifecycle, for administrators. It records no
    /// event and sends no webhook; the version is incremented.
    OVERRIDE = Write "override" (OverrideParams) -> SessionHead, unit override_session,
        r#"{"id":"s","ifVersion":4,"idempotencyKey":"k","token":1,"updates":{"status":"failed","error":"e"}}"#;
    /// Writes a session as it is given, with no event of its own and no webhook. Where it only
    /// continues the history that is stored, only the new events are written.
    SAVE = Write "save" (SaveParams) -> SessionHead, unit save,
        r#"{"text":"{\"id\":\"s\",\"mode\":\"m\",\"task\":\"t\",\"status\":\"active\",\"createdAt\":0}","ifVersion":1,"token":1}"#;
}

fn override_session(tx: &mut Transaction<'_>, params: &OverrideParams) -> Attempt<SessionHead> {
    change(tx, params, &|draft| draft.override_with(&params.updates))
}

fn save(tx: &mut Transaction<'_>, params: &SaveParams) -> Attempt<SessionHead> {
    let text = without_bom(params.text.as_str());
    let given = portable::read(text)?.checked(tx.limits())?;
    let ended = administrator::ended(text)?;
    let id = given.head.id.clone();
    let stored = tx.loaded(&id, History::All)?.cloned();
    let current = stored.as_ref().map_or(0, |stored| stored.head.version);
    if let Some(expected) = params.if_version
        && expected != current
    {
        return Err(Cause::VersionConflict {
            id: id.to_string(),
            expected,
            current,
        }
        .into());
    }
    let (before, events) = match stored {
        Some(Loaded { head, .. }) if head.deleted_at.is_some() => {
            return Err(Cause::SessionDeleted { id: id.to_string() }.into());
        }
        Some(Loaded { head, events }) => {
            tx.present(params.token, &id)?;
            (head, events)
        }
        None => (unwritten(&given.head), Vec::new()),
    };
    let saved = administrator::saved(&before, &events, given, ended, tx.now())?;
    let mut draft = Draft::of(before.clone(), tx.now(), tx.limits());
    draft.become_overridden(saved);
    if current > 0 && draft.changes_nothing(&before) {
        return Ok(before.into());
    }
    if current == 0 {
        claim::claim(tx, draft.head())?;
    }
    // It is written without notices and without entries.
    let finished = Finished {
        notices: Vec::new(),
        entries: Vec::new(),
        ..draft.finish()
    };
    Ok(write(tx, finished)?.into())
}

/// A session that is not there yet, as the one before it is saved: finishing counts its version up.
fn unwritten(given: &Head) -> Head {
    Head {
        version: given.version.saturating_sub(1),
        event_count: 0,
        deleted_at: None,
        ..given.clone()
    }
}
