//! The operations that import files of other programs, one at a time.

use tenure_core::audit::entry::Entry;
use tenure_core::error::{Cause, Result};
use tenure_core::lease::operations::find;
use tenure_core::session::bulk::settled;
use tenure_core::session::claim;
use tenure_core::session::portable::Portable;
use tenure_core::store::Read;
use tenure_core::stored::lease::Lease;
use tenure_core::value::json::Object;
use tenure_core::work::context::Context;
use tenure_core::work::operation::Group;
use tenure_core::work::transaction::{Attempt, Transaction};

use super::file::{File, FileImport, ImportFileParams};
use super::text::Item;

/// The greatest number of items in one commit.
const MAX_TOGETHER: usize = 500;

tenure_core::operations! {
    Group::Folders;
    /// Imports a file of another program.
    IMPORT_FILE = Write "importFile" (ImportFileParams) -> FileImport, steps import_file,
        r#"{"path":"a/b/session.json","text":"{\"id\":\"s\",\"mode\":\"m\",\"task\":\"t\",\"status\":\"active\",\"createdAt\":0}","modifiedAt":0,"dryRun":false,"token":1}"#;
}

/// The reply contains the problems of the file.
async fn import_file(context: &Context, params: ImportFileParams) -> Result<FileImport> {
    let mut reply = FileImport::default();
    let path = params.path.as_str();
    let Some(file) = File::of(path, params.text.as_str(), params.modified_at) else {
        return Ok(reply);
    };
    reply.holds = Some(file.layout.holds());
    let dry_run = params.dry_run.unwrap_or(false);
    let mut items = Vec::new();
    for item in file.items(&context.call().limits) {
        match item {
            Ok(item) => items.push(item),
            Err(error) => reply.problems.push((&error).into()),
        }
    }
    for items in items.chunks(MAX_TOGETHER) {
        let mut imported = context
            .transact(|tx| import(tx, items, params.token, dry_run))
            .await?;
        reply.written += imported.written;
        reply.unchanged += imported.unchanged;
        reply.newer += imported.newer;
        reply.problems.append(&mut imported.problems);
    }
    Ok(reply)
}

/// The result of importing an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Written,
    Unchanged,
    Newer,
}

/// Writes items in one commit, or only reports what would be written.
fn import(
    tx: &mut Transaction<'_>,
    items: &[Item],
    token: Option<u64>,
    dry_run: bool,
) -> Attempt<FileImport> {
    let before = tx.snapshot();
    tx.read_all(items.iter().map(read_of))?;
    let mut reply = FileImport::default();
    for item in items {
        let fate = match item {
            Item::Session(session) => settled(import_session(tx, session, token)),
            Item::Lease(lease) => import_lease(tx, lease).map(Ok),
            Item::Entry(entry) => import_entry(tx, entry).map(Ok),
        };
        match fate? {
            Ok(Fate::Written) => reply.written += 1,
            Ok(Fate::Unchanged) => reply.unchanged += 1,
            Ok(Fate::Newer) => reply.newer += 1,
            Err(error) => match error.cause() {
                Cause::CorruptSession { .. }
                | Cause::SessionExists { .. }
                | Cause::SessionHeld { .. }
                | Cause::ApprovalPending { .. }
                | Cause::ApprovalDecided { .. }
                | Cause::LeaseLost { .. }
                | Cause::SlotTaken { .. } => reply.problems.push((&error).into()),
                _ => return Err(error.into()),
            },
        }
    }
    if dry_run {
        tx.restore(before);
    }
    Ok(reply)
}

fn read_of(item: &Item) -> Read {
    let record = |kind: &str, key: String| Read::Record {
        kind: kind.to_owned(),
        key,
    };
    match item {
        Item::Session(session) => Read::head(&session.head.id),
        Item::Lease(lease) => tenure_core::lease::operations::read_of(&lease.key),
        Item::Entry(entry) => {
            let stored = entry.to_record();
            record(&stored.kind, stored.key)
        }
    }
}

fn import_session(
    tx: &mut Transaction<'_>,
    session: &Portable,
    token: Option<u64>,
) -> Attempt<Fate> {
    let Portable { head, events, .. } = session;
    let mut head = head.clone();
    if let Some(stored) = tx.head(&head.id)? {
        if stored.created_at != head.created_at {
            let id = head.id.to_string();
            return Err(Cause::SessionExists { id }.into());
        }
        if stored.updated_at > head.updated_at {
            return Ok(Fate::Newer);
        }
        if stored.updated_at == head.updated_at {
            return Ok(Fate::Unchanged);
        }
        tx.present(token, &head.id)?;
        head = stored.replaced_by(head)?;
        // A version is never used again: otherwise an earlier `ifVersion` would match.
        head.version = head.version.max(stored.version + 1);
    }
    head.version = head.version.max(1);
    claim::claim(tx, &head)?;
    tx.write(head, events.clone(), true)?;
    Ok(Fate::Written)
}

fn import_lease(tx: &mut Transaction<'_>, lease: &Lease) -> Attempt<Fate> {
    let Some(stored) = find(tx, &lease.key)? else {
        tx.put_record(lease.to_record(1))?;
        return Ok(Fate::Written);
    };
    let is_others = stored.holder != lease.holder;
    // Several files may describe one lease, each with other properties.
    let mut data = Object::parse(&stored.data);
    if stored.renewed_at == lease.renewed_at && !is_others {
        let mut both = Object::parse(&lease.data);
        both.merge(data);
        let data = both.to_json();
        if Object::parse(&data).by_key().count() == Object::parse(&stored.data).by_key().count() {
            return Ok(Fate::Unchanged);
        }
        tx.put_record(Lease { data, ..stored }.to_record(1))?;
        return Ok(Fate::Written);
    }
    if stored.renewed_at >= lease.renewed_at || (is_others && stored.is_held(tx.now(), tx.host())) {
        return Ok(Fate::Newer);
    }
    let is_new_holding = is_others || stored.released;
    if is_others {
        data = Object::default();
    }
    data.merge(Object::parse(&lease.data));
    let lease = Lease {
        token: stored.token.saturating_add(u64::from(is_new_holding)),
        data: data.to_json(),
        ..lease.clone()
    };
    tx.put_record(lease.to_record(1))?;
    Ok(Fate::Written)
}

fn import_entry(tx: &mut Transaction<'_>, entry: &Entry) -> Attempt<Fate> {
    let record = entry.to_record();
    if tx.record(&record.kind, &record.key)?.is_some() {
        return Ok(Fate::Unchanged);
    }
    tx.put_record(record)?;
    Ok(Fate::Written)
}
