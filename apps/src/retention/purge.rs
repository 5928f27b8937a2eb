//! The job that purges the trash, in batches. With an archive, a session is deleted after the driver has
//! kept it; one that could not be archived stays in the trash and is listed. Whether a session is due is
//! decided again in the commit that deletes it.

#[cfg(feature = "telemetry")]
use std::collections::BTreeSet;
use std::mem::take;

use serde::Serialize;

#[cfg(feature = "telemetry")]
use tenure_core::SessionId;
use tenure_core::declare_params;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::value::text::Text;
use tenure_core::value::time::Millis;
use tenure_core::work::job::{ExportedPart, JobContext, JobError, JobResult, NotVerified, Side};

use tenure_core::session::bulk::refuse_beside_ids;
use tenure_core::session::cleanup::PURGE;
use tenure_core::session::params::PurgeParams;
use tenure_core::session::replies::{CleanupResult, Refusal};

use crate::export::{EXPORT_PART, ExportPart, ExportPartParams};
#[cfg(feature = "telemetry")]
use crate::jobs::run::RunOfJob;

/// The maximum number of sessions in each list of a result.
const MAX_LISTED: usize = 1000;
/// The number of sessions in a batch, by default.
const BATCH: u32 = 1000;
/// The number of sessions that are archived before they are deleted, by default.
const ARCHIVE_BATCH: u32 = 100;
/// A batch with an archive is ended early after this time, or this much text: of a purge whose process is killed, no more is lost.
const MOST_TIME: Millis = Millis(10_000);
const MOST_TEXT: usize = 64 << 20;
/// The code of the error of a session that cannot be read.
#[cfg(feature = "telemetry")]
pub(crate) const UNREADABLE: &str = "CORRUPT_SESSION";

declare_params! {
    /// Which sessions in the trash to delete, and how.
    pub struct PurgeJobParams {
        /// The time in the trash from which sessions are deleted: milliseconds or text such as `"30d"`.
        pub older_than: Millis,
        /// Only these sessions; one that has not been in the trash for that time stays.
        pub ids: Option<Vec<Text>>,
        /// The greatest number of sessions, oldest first; by default all.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous call.
        pub cursor: Option<Text>,
        /// Report what would be deleted, and delete nothing; `false` by default.
        pub dry_run: Option<bool>,
        /// Archive each session before it is deleted; `false` by default.
        pub archive: Option<bool>,
        /// The number of sessions in a batch: 1 to 1,000.
        pub batch: Option<u32>,
    }
}

/// The progress of a purge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PurgeProgress {
    /// The number of sessions that were deleted.
    pub removed: u64,
    /// The number of sessions that were archived, and are not deleted yet.
    pub archived: u64,
}

/// The result of a purge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct PurgeResult {
    /// The number of sessions that were deleted, or would be deleted.
    pub removed: u64,
    /// The ids of the first 1,000 deleted sessions.
    pub ids: Vec<Text>,
    /// The first 1,000 sessions that were not purged, with the reason.
    pub failed: Vec<NotPurged>,
    /// The first 1,000 of the given sessions that are not due: they are not in the trash, have not been
    /// there for long enough, or a runner holds them. Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_due: Option<Vec<Text>>,
    /// Whether the call was a dry run and deleted nothing.
    pub dry_run: bool,
    /// The `cursor` of the next call; present if this one ended because of its `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A session that was not purged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct NotPurged {
    /// The id of the session.
    pub id: String,
    /// The code of the error; `ARCHIVE_FAILED` if the archive failed without one.
    #[cfg_attr(feature = "ts", ts(type = "CoreErrorCode | DriverErrorCode"))]
    pub code: String,
    /// The message of the error.
    pub message: String,
}

impl NotPurged {
    fn new(id: &Text, error: &JobError) -> Self {
        Self {
            id: id.to_string(),
            code: error.code().to_owned(),
            message: error.to_string(),
        }
    }
}

impl From<NotVerified> for NotPurged {
    fn from(NotVerified { id, code, message }: NotVerified) -> Self {
        Self {
            id: id.into_string(),
            code: code.into_string(),
            message: message.into_string(),
        }
    }
}

impl From<Refusal> for NotPurged {
    fn from(Refusal { id, code, message }: Refusal) -> Self {
        Self {
            id,
            code: code.to_owned(),
            message,
        }
    }
}

impl From<CleanupResult> for PurgeResult {
    fn from(result: CleanupResult) -> Self {
        Self {
            removed: result.removed,
            ids: result.ids.iter().map(|id| id.as_str().into()).collect(),
            failed: result.failed.into_iter().map(NotPurged::from).collect(),
            not_due: None,
            dry_run: result.dry_run,
            next_cursor: result.next_cursor,
        }
    }
}

/// Reads the reply of the operation `purge`.
impl Params for PurgeResult {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            removed: properties.take("removed"),
            ids: properties.take("ids"),
            failed: properties.take("failed"),
            not_due: None,
            dry_run: properties.take("dry_run"),
            next_cursor: properties.take("next_cursor"),
        }
    }
}

tenure_core::nested_properties!(PurgeResult);
tenure_core::read_replies! {
    NotPurged { id, code, message }
}

tenure_core::jobs! {
    /// Purges the trash: deletes sessions that have been in it for a given time, in batches.
    PURGE_JOB = "retentionPurge" (PurgeJobParams) -> PurgeResult, purge,
        r#"{"olderThan":0,"ids":["s"],"limit":2,"cursor":"ca.0.a","dryRun":false,"archive":true,"batch":100}"#;
}

async fn purge(context: JobContext, params: PurgeJobParams) -> JobResult<PurgeResult> {
    let archives = params.archive.unwrap_or(false);
    let dry_run = params.dry_run.unwrap_or(false);
    let mut purging = Purging {
        archives: archives && !dry_run,
        batch: params.batch.unwrap_or(batch_of(archives)),
        reports: true,
        result: PurgeResult {
            dry_run,
            ..PurgeResult::default()
        },
        ..Purging::new(context, params.older_than, archives)
    };
    match params.ids {
        Some(ids) => {
            let (limit, cursor) = (params.limit.is_some(), params.cursor.is_some());
            refuse_beside_ids(&[("limit", limit), ("cursor", cursor)])?;
            purging.named(&ids).await?;
        }
        None => purging.all(params.limit, params.cursor).await?,
    }
    Ok(purging.result)
}

/// The number of sessions in a batch, by default.
fn batch_of(archives: bool) -> u32 {
    if archives { ARCHIVE_BATCH } else { BATCH }
}

/// Whether an error concerns the session that is exported alone.
fn concerns_one_session(error: &JobError) -> bool {
    matches!(
        error.code(),
        "CORRUPT_SESSION" | "SESSION_NOT_FOUND" | "TOO_LARGE" | "VERSION_CONFLICT"
    )
}

/// A running purge.
pub(crate) struct Purging {
    context: JobContext,
    older_than: Millis,
    archives: bool,
    batch: u32,
    /// Whether its progress is reported.
    reports: bool,
    /// The size of what the batch has archived so far, in bytes of text.
    text: usize,
    /// The number of pages of sessions that were looked at.
    pub(super) pages: u64,
    /// The number of sessions that were archived and verified, and their size in the archive, in bytes.
    pub(crate) archived: u64,
    pub(crate) bytes: u64,
    /// The number of dead letters that were left alone.
    #[cfg(feature = "telemetry")]
    pub(crate) left_alone: u64,
    /// The sessions that a run could not list, because they cannot be read. It does not try them again.
    #[cfg(feature = "telemetry")]
    pub(crate) unreadable: Vec<NotPurged>,
    /// The ids of these and of those of them that were left alone. A page may repeat the ones of an earlier page.
    #[cfg(feature = "telemetry")]
    unreadable_ids: BTreeSet<String>,
    /// The run of a scheduled job that purges, if one does.
    #[cfg(feature = "telemetry")]
    run: Option<RunOfJob>,
    pub(crate) result: PurgeResult,
}

impl Purging {
    /// A purge of sessions that have been in the trash for a time, which reports no progress.
    pub(crate) fn new(context: JobContext, older_than: Millis, archives: bool) -> Self {
        Self {
            context,
            older_than,
            archives,
            batch: batch_of(archives),
            reports: false,
            text: 0,
            pages: 0,
            archived: 0,
            bytes: 0,
            #[cfg(feature = "telemetry")]
            left_alone: 0,
            #[cfg(feature = "telemetry")]
            unreadable: Vec::new(),
            #[cfg(feature = "telemetry")]
            unreadable_ids: BTreeSet::new(),
            #[cfg(feature = "telemetry")]
            run: None,
            result: PurgeResult::default(),
        }
    }

    /// The same for a run of a scheduled job: in batches of its size, at its pace, under its lease, without its dead letters, and with
    /// its progress.
    #[cfg(feature = "telemetry")]
    pub(crate) fn of_run(mut self, run: RunOfJob) -> Self {
        self.batch = run.batch;
        self.reports = true;
        self.run = Some(run);
        self
    }

    /// Deletes the given sessions, as far as they are due.
    pub(crate) async fn named(&mut self, ids: &[Text]) -> JobResult<()> {
        for ids in ids.chunks(self.batch.max(1) as usize) {
            let params = PurgeParams {
                ids: Some(ids.to_vec()),
                ..self.params()
            };
            let due = self.plan(params.clone()).await?;
            self.add_not_due(ids, &due);
            if self.result.dry_run {
                self.add(due);
            } else if self.archives {
                self.archive_and_remove(due).await?;
            } else {
                self.remove(params).await?;
            }
        }
        Ok(())
    }

    /// Deletes all sessions that are due, page by page, so that one that stays does not block the others.
    pub(crate) async fn all(
        &mut self,
        mut limit: Option<u32>,
        mut cursor: Option<Text>,
    ) -> JobResult<()> {
        let batch = self.batch;
        loop {
            let params = PurgeParams {
                limit: Some(limit.map_or(batch, |limit| limit.min(batch))),
                cursor,
                ..self.params()
            };
            let mut page = match self.archives {
                true => self.plan(params).await?,
                false => self.run(params).await?,
            };
            self.pages += 1;
            #[cfg(feature = "telemetry")]
            self.set_unreadable_apart(&mut page).await?;
            let count = u32::try_from(page.removed).unwrap_or(u32::MAX);
            limit = limit.map(|limit| limit.saturating_sub(count));
            let next = page.next_cursor.take();
            match self.archives {
                true => self.archive_and_remove(page).await?,
                false => self.add(page),
            }
            self.report(0).await?;
            if next.is_none() || limit == Some(0) {
                self.result.next_cursor = next;
                return Ok(());
            }
            cursor = next.map(Text::from);
        }
    }

    /// Moves the sessions that could not be read out of the failures of a page of a run. Dead letters are left alone.
    #[cfg(feature = "telemetry")]
    async fn set_unreadable_apart(&mut self, page: &mut PurgeResult) -> JobResult<()> {
        let Some(run) = &self.run else {
            return Ok(());
        };
        let failed = take(&mut page.failed).into_iter();
        let (mut unreadable, failed): (Vec<NotPurged>, Vec<NotPurged>) =
            failed.partition(|failed| failed.code == UNREADABLE);
        page.failed = failed;
        unreadable.retain(|one| {
            self.unreadable_ids.len() < MAX_LISTED && self.unreadable_ids.insert(one.id.clone())
        });
        // One whose id cannot be read is never a dead letter.
        let ids = unreadable.iter().map(|one| one.id.as_str());
        let ids: Vec<Text> = ids
            .filter(|id| SessionId::parse(id).is_ok())
            .map(Text::from)
            .collect();
        let letters = run.dead_letters_among(&self.context, &ids).await?;
        self.left_alone += letters.len() as u64;
        let is_new = |one: &NotPurged| letters.iter().all(|id| id.as_str() != one.id);
        self.unreadable
            .extend(unreadable.into_iter().filter(is_new));
        Ok(())
    }

    fn params(&self) -> PurgeParams {
        PurgeParams {
            older_than: self.older_than,
            dry_run: Some(self.result.dry_run),
            ..PurgeParams::default()
        }
    }

    /// The sessions that are due.
    async fn plan(&self, params: PurgeParams) -> JobResult<PurgeResult> {
        let params = PurgeParams {
            dry_run: Some(true),
            ..params
        };
        self.run(params).await
    }

    async fn remove(&mut self, params: PurgeParams) -> JobResult<()> {
        let removed = self.run(params).await?;
        self.add(removed);
        self.report(0).await
    }

    async fn run(&self, params: PurgeParams) -> JobResult<PurgeResult> {
        self.context.run(Side::Target, &PURGE, params).await
    }

    /// Archives sessions that are due, and deletes those that are archived and verified.
    async fn archive_and_remove(&mut self, due: PurgeResult) -> JobResult<()> {
        self.add_failed(due.failed);
        let (mut archived, mut versions) = (Vec::new(), Vec::new());
        let mut batch_began = self.context.elapsed();
        let ids = due.ids;
        #[cfg(feature = "telemetry")]
        let ids = match &self.run {
            Some(run) => {
                let due = ids.len();
                let ids = run.without_dead_letters(&self.context, ids).await?;
                self.left_alone += due.saturating_sub(ids.len()) as u64;
                ids
            }
            None => ids,
        };
        for id in ids {
            #[cfg(feature = "telemetry")]
            let began = self.context.elapsed();
            match self.archive(&id).await? {
                Ok(version) => {
                    archived.push(id);
                    versions.push(version);
                }
                Err(failed) => self.add_failed(vec![failed]),
            }
            self.report(archived.len()).await?;
            #[cfg(feature = "telemetry")]
            if let Some(run) = &self.run {
                run.pace(&self.context, began).await?;
            }
            let taken = self.context.elapsed().0.saturating_sub(batch_began.0);
            if taken >= MOST_TIME.0 || self.text >= MOST_TEXT {
                self.verify_and_remove(take(&mut archived), take(&mut versions))
                    .await?;
                batch_began = self.context.elapsed();
            }
        }
        self.verify_and_remove(archived, versions).await
    }

    /// Ends a batch: deletes those of its sessions that are verified, at the versions that are archived.
    async fn verify_and_remove(
        &mut self,
        archived: Vec<Text>,
        versions: Vec<u64>,
    ) -> JobResult<()> {
        self.text = 0;
        if archived.is_empty() {
            return Ok(());
        }
        let verified = self.context.verify().await?;
        let failed = verified.failed;
        self.archived += (archived.len() as u64).saturating_sub(failed.len() as u64);
        self.bytes += verified.bytes;
        let is_durable = |id: &Text| failed.iter().all(|failed| failed.id != *id);
        let durable = archived.into_iter().zip(versions);
        let (archived, versions): (Vec<Text>, Vec<u64>) =
            durable.filter(|(id, _)| is_durable(id)).unzip();
        self.add_failed(failed.into_iter().map(NotPurged::from).collect());
        if !archived.is_empty() {
            #[cfg(feature = "telemetry")]
            if let Some(run) = &self.run {
                run.renew(&self.context).await?;
            }
            // What has changed since it was archived stays.
            let params = PurgeParams {
                ids: Some(archived),
                versions: Some(versions),
                ..self.params()
            };
            self.remove(params).await?;
        }
        // It fails the run of a scheduled job, and is no error of these sessions.
        #[cfg(feature = "telemetry")]
        if let Some(error) = verified.unavailable.filter(|_| self.run.is_some()) {
            return Err(JobError::Driver(error));
        }
        Ok(())
    }

    /// Exports a session and has the driver keep it. Returns the version that is archived. Only what
    /// concerns this session alone is a failure of its own; another one ends the job.
    async fn archive(&mut self, id: &Text) -> JobResult<Result<u64, NotPurged>> {
        let mut after = None;
        loop {
            let is_first = after.is_none();
            let params = ExportPartParams {
                id: id.clone(),
                after,
                ..ExportPartParams::default()
            };
            let read = self.context.run(Side::Target, &EXPORT_PART, params).await;
            let ExportPart {
                text,
                version,
                about,
                next,
            } = match read {
                Ok(part) => part,
                Err(error) => {
                    if !is_first {
                        self.abort_export(id).await;
                    }
                    return match concerns_one_session(&error) {
                        true => Ok(Err(NotPurged::new(id, &error))),
                        false => Err(error),
                    };
                }
            };
            self.text = self.text.saturating_add(text.len());
            let part = ExportedPart {
                id: id.clone(),
                version,
                about,
                text: text.into(),
                is_first,
                is_last: next.is_none(),
                is_aborted: false,
            };
            if let Err(error) = self.context.export(part).await {
                return Ok(Err(NotPurged::new(id, &error)));
            }
            match next {
                Some(next) => after = Some(next.into()),
                None => return Ok(Ok(version)),
            }
        }
    }

    async fn abort_export(&self, id: &Text) {
        let part = ExportedPart {
            id: id.clone(),
            is_aborted: true,
            ..ExportedPart::default()
        };
        // What has failed is known already.
        let _ = self.context.export(part).await;
    }

    async fn report(&self, archived: usize) -> JobResult<()> {
        if !self.reports {
            return Ok(());
        }
        let progress = PurgeProgress {
            removed: self.result.removed,
            archived: archived as u64,
        };
        self.context.progress(progress).await
    }

    fn add(&mut self, batch: PurgeResult) {
        self.result.removed += batch.removed;
        let room = MAX_LISTED.saturating_sub(self.result.ids.len());
        self.result.ids.extend(batch.ids.into_iter().take(room));
        self.add_failed(batch.failed);
    }

    fn add_failed(&mut self, failed: Vec<NotPurged>) {
        for failed in failed {
            let listed = &mut self.result.failed;
            // A page may repeat the unreadable sessions of an earlier one.
            if listed.len() < MAX_LISTED && listed.iter().all(|known| known.id != failed.id) {
                listed.push(failed);
            }
        }
    }

    /// Lists the given sessions that are neither due nor failed.
    fn add_not_due(&mut self, ids: &[Text], due: &PurgeResult) {
        let due_ids = due.ids.iter().map(Text::as_str);
        let failed_ids = due.failed.iter().map(|failed| failed.id.as_str());
        let mut known: Vec<&str> = due_ids.chain(failed_ids).collect();
        known.sort_unstable();
        let is_known = |id: &Text| known.binary_search(&id.as_str()).is_ok();
        for id in ids.iter().filter(|id| !is_known(id)) {
            let listed = self.result.not_due.get_or_insert_default();
            if listed.len() < MAX_LISTED {
                listed.push(id.clone());
            }
        }
    }
}
