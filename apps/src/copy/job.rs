//! The job that copies all sessions and records of one store into another. It moves data between the two
//! in steps of a bounded size, and compares everything at the end. A copy that was stopped continues
//! where it was when it is started again, because what the target has already is not copied.

use std::collections::BTreeMap;

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::error::{Error, Result};
use tenure_core::session::params::StatsParams;
use tenure_core::session::read::STATS;
use tenure_core::session::stats::Stats;
use tenure_core::store::Problem;
use tenure_core::store::filter::Trash;
use tenure_core::value::properties::{Properties, Stored};
use tenure_core::value::text::Text;
use tenure_core::work::job::{JobContext, JobResult, Side};

use super::model::{
    CopyChunk, CopyCompareParams, CopyCompared, CopyDifference, CopyPage, CopyPageParams,
    CopyReadParams, CopyWriteParams, CopyWritten,
};
use super::operations::{COPY_COMPARE, COPY_PAGE, COPY_READ, COPY_WRITE};

/// The maximum number of differences and of problems in a result.
const MAX_LISTED: usize = 1000;

declare_params! {
    /// How to copy.
    pub struct CopyParams {
        /// The URL of the source, if it is known.
        pub from: Option<Text>,
        /// The URL of the target, if it is known.
        pub to: Option<Text>,
        /// Replace sessions that are newer or different in the target; `false` by default.
        pub overwrite: Option<bool>,
        /// Compare all data at the end; `true` by default.
        pub verify: Option<bool>,
        /// Report the progress after each step; `false` by default.
        pub progress: Option<bool>,
    }
}

/// The progress of a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CopyProgress {
    /// The phase: copying, or verifying the copied data.
    pub phase: CopyPhase,
    /// The sessions that were processed in this phase.
    pub sessions: u64,
    /// The total number of sessions; approximate if the source changes meanwhile.
    pub of: u64,
    /// The records that were processed in this phase.
    pub records: u64,
    /// The size of the transferred data so far, in bytes of JSON text.
    pub bytes: u64,
}

/// A phase of a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum CopyPhase {
    /// Data is copied.
    #[default]
    Copy,
    /// The copied data is compared.
    Verify,
}

/// The result of a copy.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CopyResult {
    /// The number of written sessions.
    pub sessions: u64,
    /// The number of written records, such as idempotency keys.
    pub records: u64,
    /// The number of sessions that existed in the target already.
    pub same: u64,
    /// The size of the transferred data, in bytes of JSON text.
    pub bytes: u64,
    /// The number of sessions and records of the source that differ in the target at the end.
    pub differing: u64,
    /// The first 1,000 of these differences. A record whose session differs is not listed in addition.
    pub differences: Vec<CopyDifference>,
    /// The first 1,000 sessions of the source that cannot be read. Other sessions are not affected.
    pub problems: Vec<Problem>,
}

tenure_core::jobs! {
    /// Copies all sessions and records of the source into the target.
    COPY = "copy" (CopyParams) -> CopyResult, copy,
        r#"{"from":"sqlite:./a.db","to":"file:./b","overwrite":true,"verify":true,"progress":true}"#;
}

async fn copy(context: JobContext, params: CopyParams) -> JobResult<CopyResult> {
    // Before a store is opened, which may create it.
    check_distinct(path_of(params.from.as_ref()), path_of(params.to.as_ref()))?;
    let source = context.open(Side::Source).await?;
    let target = context.open(Side::Target).await?;
    check_distinct(source, target)?;
    let mut copying = Copying {
        context,
        overwrite: params.overwrite.unwrap_or(false),
        reports: params.progress.unwrap_or(false),
        progress: CopyProgress::default(),
        result: CopyResult::default(),
    };
    if copying.reports {
        copying.progress.of = copying.count().await?;
    }
    copying.copy_pages().await?;
    if params.verify.unwrap_or(true) {
        copying.verify_pages().await?;
    }
    Ok(copying.result)
}

/// Refuses to copy a store into itself.
fn check_distinct<T: PartialEq>(from: Option<T>, to: Option<T>) -> Result<()> {
    match from.is_some() && from == to {
        true => Err(Error::invalid(
            "to",
            "expected another store than the one that is copied from",
        )),
        false => Ok(()),
    }
}

/// The scheme and the path of a URL, without the `./` before a relative path. Each `memory:` is a store
/// of its own.
fn path_of(url: Option<&Text>) -> Option<(&str, &str)> {
    let (scheme, mut path) = url?.as_str().split_once(':')?;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    (scheme != "memory").then_some((scheme, path))
}

/// A running copy.
struct Copying {
    context: JobContext,
    overwrite: bool,
    reports: bool,
    progress: CopyProgress,
    result: CopyResult,
}

impl Copying {
    /// The number of sessions in the source.
    async fn count(&self) -> JobResult<u64> {
        let params = StatsParams {
            trash: Some(Trash::Include),
            users: Some(0),
            ..StatsParams::default()
        };
        let Total { total } = self.context.run(Side::Source, &STATS, params).await?;
        Ok(total)
    }

    async fn copy_pages(&mut self) -> JobResult<()> {
        let mut after = None;
        loop {
            let mut page = self.page(after, false).await?;
            self.copy_page(std::mem::take(&mut page.page)).await?;
            after = self.finish_page(page).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Compares everything. A difference that was found while copying, and still exists, keeps its
    /// description.
    async fn verify_pages(&mut self) -> JobResult<()> {
        let before = std::mem::take(&mut self.result.differences);
        self.result.differing = 0;
        self.progress = CopyProgress {
            phase: CopyPhase::Verify,
            of: self.progress.of,
            bytes: self.progress.bytes,
            ..CopyProgress::default()
        };
        let mut after = None;
        loop {
            let mut page = self.page(after, true).await?;
            let compared = self.compare(std::mem::take(&mut page.page), None).await?;
            self.add_differences(compared.differences);
            after = self.finish_page(page).await?;
            if after.is_none() {
                break;
            }
        }
        let before: BTreeMap<_, _> = before
            .iter()
            .map(|one| ((&one.what, &one.key), one.target))
            .collect();
        for one in &mut self.result.differences {
            if let Some(&target) = before.get(&(&one.what, &one.key)) {
                one.target = target;
            }
        }
        Ok(())
    }

    /// The next page of the source. `whole` includes the histories.
    async fn page(&mut self, after: Option<String>, whole: bool) -> JobResult<CopyPage> {
        let params = CopyPageParams {
            after: after.map(Text::from),
            whole: Some(whole),
        };
        self.context.run(Side::Source, &COPY_PAGE, params).await
    }

    async fn compare(&self, page: String, overwrite: Option<bool>) -> JobResult<CopyCompared> {
        let params = CopyCompareParams {
            page: page.into(),
            overwrite,
        };
        self.context.run(Side::Target, &COPY_COMPARE, params).await
    }

    /// Copies what the target requests of a page.
    async fn copy_page(&mut self, page: String) -> JobResult<()> {
        let compared = self.compare(page, Some(self.overwrite)).await?;
        self.result.same += compared.same;
        self.add_differences(compared.differences);
        let mut wanted = compared.wanted;
        while let Some(requested) = wanted {
            let params = CopyReadParams {
                wanted: requested.into(),
            };
            let read: CopyChunk = self.context.run(Side::Source, &COPY_READ, params).await?;
            self.add_problems(read.problems);
            self.add_differences(read.differences);
            self.progress.bytes += read.chunk.len() as u64;
            let params = CopyWriteParams {
                chunk: read.chunk.into(),
            };
            let written: CopyWritten = self.context.run(Side::Target, &COPY_WRITE, params).await?;
            self.add_differences(written.differences);
            self.result.sessions += written.sessions;
            self.result.records += written.records;
            self.result.bytes = self.progress.bytes;
            wanted = read.rest;
            if wanted.is_some() {
                self.report().await?;
            }
        }
        Ok(())
    }

    /// Counts a page as processed. Returns the `after` of the next one.
    async fn finish_page(&mut self, page: CopyPage) -> JobResult<Option<String>> {
        self.add_problems(page.problems);
        self.progress.sessions += page.sessions;
        self.progress.records += page.records;
        self.report().await?;
        Ok(page.next)
    }

    async fn report(&self) -> JobResult<()> {
        match self.reports {
            true => self.context.progress(self.progress).await,
            false => Ok(()),
        }
    }

    fn add_differences(&mut self, differences: Vec<CopyDifference>) {
        self.result.differing += differences.len() as u64;
        let room = MAX_LISTED.saturating_sub(self.result.differences.len());
        self.result
            .differences
            .extend(differences.into_iter().take(room));
    }

    fn add_problems(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            let is_known = self.result.problems.iter().any(|one| one.id == problem.id);
            if !is_known && self.result.problems.len() < MAX_LISTED {
                self.result.problems.push(problem);
            }
        }
    }
}

/// The total of statistics.
#[derive(Default)]
struct Total {
    total: u64,
}

impl From<Stats> for Total {
    fn from(stats: Stats) -> Self {
        Self { total: stats.total }
    }
}

impl Stored for Total {
    fn take(properties: &mut Properties<'_>) -> Result<Self> {
        Ok(Self {
            total: properties.take("total"),
        })
    }
}

tenure_core::stored_properties!(Total);
