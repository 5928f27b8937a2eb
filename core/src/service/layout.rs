//! Taking over files that other programs have left behind. Doing it again changes nothing: what is
//! there already stays, and so does what is newer.

use crate::apps::folders::{
    File, FileImport, ImportFileParams, ImportWantedParams, Item, is_wanted,
};
use crate::error::{Error, Result};
use crate::lease::model::Lease;
use crate::session::portable::Portable;
use crate::session::replies::Done;
use crate::store::{Changes, Commit, Expect, History, RecordChange};
use crate::stored::record::Record;

use super::commit::{MAX_ATTEMPTS, put};
use super::{Environment, Service};

/// Records that are written in one commit.
const MAX_TOGETHER: usize = 500;

/// What is to become of something that was read.
enum Plan {
    Write(Changes),
    Unchanged,
    Newer,
}

impl Service<'_> {
    /// Whether a file is to be read, or a folder to be looked into.
    ///
    /// # Errors
    /// None.
    pub async fn import_wanted(
        &self,
        _env: &Environment,
        params: ImportWantedParams,
    ) -> Result<Done<bool>> {
        Ok(Done::quiet(is_wanted(params.path.as_str())))
    }

    /// Takes over one file.
    ///
    /// # Errors
    /// Those of the store. What is wrong with the file is in the answer.
    pub async fn import_file(
        &self,
        env: &Environment,
        params: ImportFileParams,
    ) -> Result<Done<FileImport>> {
        let path = params.path.as_str();
        let mut answer = FileImport::default();
        let Some(file) = File::of(path, params.text.as_str(), params.modified_at) else {
            return Ok(Done::quiet(answer));
        };
        answer.holds = Some(file.layout.holds());
        let dry_run = params.dry_run.unwrap_or(false);
        let mut items = Vec::new();
        for item in file.items(self.limits) {
            match item {
                Ok(item) => items.push(item),
                Err(error) => answer.problems.push((&error).into()),
            }
        }
        for items in items.chunks(MAX_TOGETHER) {
            self.take_over(env, items, dry_run, &mut answer).await?;
        }
        Ok(Done::quiet(answer))
    }

    /// Writes items together; anew, when another writer was faster.
    async fn take_over(
        &self,
        env: &Environment,
        items: &[Item],
        dry_run: bool,
        answer: &mut FileImport,
    ) -> Result<()> {
        for _ in 0..MAX_ATTEMPTS {
            let mut tried = FileImport::default();
            let mut changes = Changes::default();
            for item in items {
                match self.plan(env, item, &changes).await {
                    Ok(Plan::Unchanged) => tried.unchanged += 1,
                    Ok(Plan::Newer) => tried.newer += 1,
                    Ok(Plan::Write(more)) => {
                        tried.written += 1;
                        changes.sessions.extend(more.sessions);
                        for change in more.records {
                            changes.records.retain(|other| other.key != change.key);
                            changes.records.push(change);
                        }
                    }
                    Err(
                        error @ (Error::CorruptSession { .. }
                        | Error::SessionExists { .. }
                        | Error::SlotTaken { .. }),
                    ) => {
                        tried.problems.push((&error).into());
                    }
                    Err(error) => return Err(error),
                }
            }
            let empty = changes.sessions.is_empty() && changes.records.is_empty();
            if dry_run || empty || self.store.commit(&changes).await? == Commit::Applied {
                answer.written += tried.written;
                answer.unchanged += tried.unchanged;
                answer.newer += tried.newer;
                answer.problems.append(&mut tried.problems);
                return Ok(());
            }
        }
        Err(Error::StoreBusy {
            what: "what is imported".to_owned(),
            attempts: MAX_ATTEMPTS,
        })
    }

    async fn plan(&self, env: &Environment, item: &Item, changes: &Changes) -> Result<Plan> {
        match item {
            Item::Session(session) => self.plan_session(session).await,
            Item::Lease(lease) => {
                let there = self.there_or_coming(&lease.to_record(1), changes).await?;
                Ok(match there {
                    None => write(Expect::Absent, lease.to_record(1)),
                    Some((expect, record)) => {
                        let known = Lease::read(&record)?;
                        let other = known.holder != lease.holder;
                        if known.renewed_at == lease.renewed_at && !other {
                            Plan::Unchanged
                        } else if known.renewed_at >= lease.renewed_at
                            || (other && known.is_held(env.now, env.host))
                        {
                            Plan::Newer
                        } else {
                            let anew = other || known.released;
                            let token = known.token.saturating_add(u64::from(anew));
                            let lease = Lease {
                                token,
                                ..lease.as_ref().clone()
                            };
                            let version = match expect {
                                Expect::Absent => 1,
                                _ => record.version.saturating_add(1),
                            };
                            write(expect, lease.to_record(version))
                        }
                    }
                })
            }
            Item::Entry(entry) => {
                let record = entry.to_record();
                let there = self.there_or_coming(&record, changes).await?;
                Ok(match there {
                    None => write(Expect::Absent, record),
                    Some(_) => Plan::Unchanged,
                })
            }
        }
    }

    /// The record that is there or about to be written, and what the store is to have then.
    async fn there_or_coming(
        &self,
        record: &Record,
        changes: &Changes,
    ) -> Result<Option<(Expect, Record)>> {
        let coming = changes
            .records
            .iter()
            .find(|change| change.key == record.key);
        if let Some(RecordChange {
            expect,
            record: Some(coming),
            ..
        }) = coming
        {
            return Ok(Some((*expect, coming.clone())));
        }
        let there = self.store.record(&record.kind, &record.key).await?;
        Ok(there.map(|there| {
            let version = there.version;
            (Expect::Version { version }, there)
        }))
    }

    async fn plan_session(&self, session: &Portable) -> Result<Plan> {
        let Portable { head, events, .. } = session;
        let mut head = head.clone();
        let expect = match self.store.load(&head.id, History::None).await? {
            None => Expect::Absent,
            Some(there) if there.head.created_at != head.created_at => {
                return Err(Error::SessionExists {
                    id: head.id.to_string(),
                });
            }
            Some(there) if there.head.updated_at > head.updated_at => return Ok(Plan::Newer),
            Some(there) if there.head.updated_at == head.updated_at => return Ok(Plan::Unchanged),
            Some(there) => {
                let version = there.head.version;
                // A version never returns, or an `ifVersion` from before would match.
                head.version = head.version.max(version + 1);
                Expect::Version { version }
            }
        };
        head.version = head.version.max(1);
        let entry = self.entry(&head).await?;
        let mut changes = put(head, expect, true, events.clone());
        changes.records.extend(entry);
        Ok(Plan::Write(changes))
    }
}

fn write(expect: Expect, record: Record) -> Plan {
    Plan::Write(Changes {
        sessions: Vec::new(),
        records: vec![RecordChange::put(expect, record)],
    })
}
