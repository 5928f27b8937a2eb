//! The parameters and replies of the operations on runs.

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::lease::decision::Outcome;
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};

declare_params! {
    /// A run to check.
    pub struct DedupCheckParams {
        /// The event that triggered the run, such as `push`.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The commit of the run; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// The full name of the branch or tag of the run, such as `refs/tags/v1.0`; for a pull request its
        /// head branch.
        pub git_ref: Option<Text>,
        /// Which runs of a commit are the same: those of one `ref`, or all of them, `commit`. By default
        /// tags are distinguished, and branches are not.
        pub by: Option<DedupBy>,
        /// The key of the run; by default derived from workflow, event, commit and, where refs are
        /// distinguished, the ref.
        pub key: Option<Text>,
        /// Whether a push blocks pull requests of its commit, as pull requests block pushes; `false`
        /// by default.
        pub symmetric: Option<bool>,
    }

    /// A run to register.
    pub struct DedupRegisterParams {
        /// The key of the run: text of one line, 1 to 512 bytes.
        pub key: Text,
        /// The event that triggered the run, such as `push`.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The id of the run.
        pub run_id: Text,
        /// The attempt of the run; 1 by default.
        pub run_attempt: Option<u64>,
        /// The commit of the run; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// The full name of the branch or tag of the run, such as `refs/tags/v1.0`; for a pull request its
        /// head branch.
        pub git_ref: Option<Text>,
        /// Whether the locks of commits hold for one `ref`, or for all refs of the `commit`. By default a
        /// tag has no part in them, and a branch has.
        pub by: Option<DedupBy>,
        /// How long runs with the same key are duplicates: milliseconds or text such as `"5m"`. 5
        /// minutes by default.
        pub window: Option<Millis>,
        /// How long a pull request blocks pushes of its commit: milliseconds or text such as `"1h"`. 1
        /// hour by default.
        pub pr_window: Option<Millis>,
        /// Whether a push blocks pull requests of its commit, as pull requests block pushes; `false`
        /// by default.
        pub symmetric: Option<bool>,
    }

    /// A run to check and register.
    pub struct DedupAdmitParams {
        /// The event that triggered the run, such as `push`.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The id of the run.
        pub run_id: Text,
        /// The attempt of the run; 1 by default.
        pub run_attempt: Option<u64>,
        /// The commit of the run; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// The full name of the branch or tag of the run, such as `refs/tags/v1.0`; for a pull request its
        /// head branch.
        pub git_ref: Option<Text>,
        /// Which runs of a commit are the same: those of one `ref`, or all of them, `commit`. By default
        /// tags are distinguished, and branches are not.
        pub by: Option<DedupBy>,
        /// The key of the run; by default derived from workflow, event, commit and, where refs are
        /// distinguished, the ref.
        pub key: Option<Text>,
        /// How long runs with the same key are duplicates, also after this one has ended: milliseconds
        /// or text such as `"5m"`. 5 minutes by default.
        pub window: Option<Millis>,
        /// How long a pull request blocks pushes of its commit: milliseconds or text such as `"1h"`. 1
        /// hour by default.
        pub pr_window: Option<Millis>,
        /// How long the run counts as active without a `dedupCleanup`: milliseconds or text such as
        /// `"10m"`. 10 minutes by default.
        pub keep: Option<Millis>,
        /// Whether a push blocks pull requests of its commit, as pull requests block pushes; `false`
        /// by default.
        pub symmetric: Option<bool>,
    }

    /// A run that has ended.
    pub struct DedupCleanupParams {
        /// The key of the run.
        pub key: Text,
        /// The id of the run. Without one a person frees the key: whichever run has it no longer blocks
        /// others, and its window ends.
        pub run_id: Option<Text>,
        /// The attempt of the run; 1 by default.
        pub run_attempt: Option<u64>,
    }

    /// The result of a run, for the audit log.
    pub struct DedupAuditParams {
        /// The key of the run.
        pub key: Text,
        /// The event that triggered the run, such as `push`.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The id of the run.
        pub run_id: Text,
        /// The attempt of the run; 1 by default.
        pub run_attempt: Option<u64>,
        /// The commit of the run; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// Whether the run was executed; if not, it was a duplicate.
        pub executed: bool,
        /// The status of its job, such as `success`.
        pub job_status: Text,
    }

    /// Which runs to list.
    pub struct DedupListParams {
        /// Only runs whose keys start with this prefix.
        pub prefix: Option<Text>,
        /// Whether expired runs are included; `false` by default.
        pub ended: Option<bool>,
        /// The greatest number of runs in the page: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// The `nextCursor` of the previous page.
        pub cursor: Option<Text>,
    }

    /// Which runs to remove.
    pub struct DedupClearParams {
        /// Only runs whose keys start with this prefix; by default all runs and the locks of commits.
        pub prefix: Option<Text>,
        /// Only expired runs; `false` by default.
        pub ended: Option<bool>,
    }
}

/// Which runs of a commit are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum DedupBy {
    /// All of them.
    Commit,
    /// Those of the same branch or tag.
    Ref,
}

tenure_core::word_properties! {
    DedupBy: "commit" => Commit, "ref" => Ref;
}

/// Whether a run is skipped, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DedupDecision {
    /// The key of the run.
    pub key: String,
    /// Whether the run is a duplicate and must be skipped.
    pub skip: bool,
    /// The reason: `new_session`, `already_registered`, or `store_unavailable` if the host could not
    /// reach the store, for a run that is executed; `active_session`, `pull_request_lock` or
    /// `push_lock` for one that is skipped.
    pub reason: Reason,
    /// The reason as a message of one line.
    pub message: String,
    /// The id of the run that blocks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// When that run was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When that run stops blocking at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The result of ending a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DedupCleaned {
    /// The outcome: `released`, `not_owner` if another run has the key, or `not_held` if none has.
    pub outcome: Outcome,
    /// When the window of the key ends; absent if it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The result of removing runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DedupCleared {
    /// The number of runs and locks of commits that were removed.
    pub removed: u64,
}

/// Why a run is executed or skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "DedupReason"))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No other run blocks it.
    NewSession,
    /// The same run registered it before.
    AlreadyRegistered,
    /// A run with the same key is active, or its window has not ended.
    ActiveSession,
    /// A pull request has locked the commit of this push.
    PullRequestLock,
    /// A push has locked the commit of this pull request.
    PushLock,
    /// The store could not be reached. The run is executed: a duplicate costs less than a missing run.
    StoreUnavailable,
}

impl Reason {
    /// Whether the run is skipped.
    pub fn skips(self) -> bool {
        matches!(
            self,
            Self::ActiveSession | Self::PullRequestLock | Self::PushLock
        )
    }
}
