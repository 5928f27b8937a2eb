//! What the operations on runs take and answer.

use serde::Serialize;

use tenure_core::declare_params;
use tenure_core::lease::decision::Outcome;
use tenure_core::value::text::Text;
use tenure_core::value::time::{Millis, Timestamp};

declare_params! {
    /// A run that may be one too many.
    pub struct DedupCheckParams {
        /// The event that has started it, such as `push`.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The commit that it is about; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// The key under which it is known; by default one of workflow, event and commit.
        pub key: Option<Text>,
        /// Whether a push keeps pull requests of its commit away, as they keep pushes away.
        pub symmetric: Option<bool>,
    }

    /// A run to register.
    pub struct DedupRegisterParams {
        /// The key under which it is known: any text of one line of up to 512 bytes.
        pub key: Text,
        /// The event that has started it.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The number of the run.
        pub run_id: Text,
        /// Which attempt of the run it is; the first by default.
        pub run_attempt: Option<u64>,
        /// The commit that it is about; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// For how long it keeps others from being the same run; 5 minutes by default.
        pub window: Option<Millis>,
        /// For how long a pull request keeps pushes of its commit away; 1 hour by default.
        pub pr_window: Option<Millis>,
        /// Whether a push keeps pull requests of its commit away, as they keep pushes away.
        pub symmetric: Option<bool>,
    }

    /// A run that begins unless it is one too many.
    pub struct DedupAdmitParams {
        /// The event that has started it, such as `push`.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The number of the run.
        pub run_id: Text,
        /// Which attempt of the run it is; the first by default.
        pub run_attempt: Option<u64>,
        /// The commit that it is about; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// The key under which it is known; by default one of workflow, event and commit.
        pub key: Option<Text>,
        /// For how long it keeps others from being the same run, also when it has ended; 5 minutes
        /// by default.
        pub window: Option<Millis>,
        /// For how long a pull request keeps pushes of its commit away; 1 hour by default.
        pub pr_window: Option<Millis>,
        /// For how long it is taken to be under way unless `dedupCleanup` says that it has ended;
        /// 10 minutes by default.
        pub keep: Option<Millis>,
        /// Whether a push keeps pull requests of its commit away, as they keep pushes away.
        pub symmetric: Option<bool>,
    }

    /// A run that has ended.
    pub struct DedupCleanupParams {
        /// The key under which it is known.
        pub key: Text,
        /// The number of the run.
        pub run_id: Text,
        /// Which attempt of the run it is; the first by default.
        pub run_attempt: Option<u64>,
    }

    /// How a run went.
    pub struct DedupAuditParams {
        /// The key under which it is known.
        pub key: Text,
        /// The event that has started it.
        pub event_type: Text,
        /// The name of the workflow.
        pub workflow: Text,
        /// The number of the run.
        pub run_id: Text,
        /// Which attempt of the run it is; the first by default.
        pub run_attempt: Option<u64>,
        /// The commit that it is about; `unknown` by default.
        pub commit_sha: Option<Text>,
        /// Whether it did its work; if not, it was one too many.
        pub executed: bool,
        /// How its job ended, such as `success`.
        pub job_status: Text,
    }

    /// Which runs to list.
    pub struct DedupListParams {
        /// Only those whose keys begin so.
        pub prefix: Option<Text>,
        /// Those that keep nobody away any more, too.
        pub ended: Option<bool>,
        /// How many at most: 1 to 1,000, 50 by default.
        pub limit: Option<u32>,
        /// Go on where the page ended that returned this cursor.
        pub cursor: Option<Text>,
    }

    /// Which runs to forget.
    pub struct DedupClearParams {
        /// Only those whose keys begin so; by default all, and the locks of commits.
        pub prefix: Option<Text>,
        /// Only those that keep nobody away any more.
        pub ended: Option<bool>,
    }
}

/// Whether a run is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DedupDecision {
    /// The key under which it is known.
    pub key: String,
    /// Whether it is to be skipped.
    pub skip: bool,
    /// Why: `new_session`, `already_registered` or, where a host could not ask, `store_unavailable`
    /// for one that is to run; `active_session`, `pull_request_lock` or `push_lock` for one that is not.
    pub reason: Reason,
    /// The same in words, in one line.
    pub message: String,
    /// The run that is in its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Since when that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When that ends at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What came of a run's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DedupCleaned {
    /// `released`, `not_owner` if the run is another's, or `not_held` if there is none.
    pub outcome: Outcome,
    /// Until when the key keeps others away all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Runs that were forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DedupCleared {
    /// How many, and the locks of commits among them.
    pub removed: u64,
}

/// Why a run is to run, or to be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "DedupReason"))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is nothing in its way.
    NewSession,
    /// It was registered before, by the same run.
    AlreadyRegistered,
    /// The same run is under way, or was a short time ago.
    ActiveSession,
    /// A pull request has run the commit of this push.
    PullRequestLock,
    /// A push has run the commit of this pull request.
    PushLock,
    /// Nobody can say: it runs, as a run too many costs less than one that is missing.
    StoreUnavailable,
}

impl Reason {
    /// Whether the run is to be skipped.
    pub fn skips(self) -> bool {
        matches!(
            self,
            Self::ActiveSession | Self::PullRequestLock | Self::PushLock
        )
    }
}
