//! What scrapes of the metrics share.

use std::time::Instant;

use tenure_apps::metrics::derived::Derived;
use tenure_bridge::Answer;
use tenure_host::metrics::Pace;
use tokio::sync::Mutex;

/// What scrapes share.
#[derive(Default)]
pub(crate) struct Scrapes {
    /// What was computed last. It is locked while a scrape runs: a second one waits, and is cheaper.
    pub(crate) computed: Mutex<Computed>,
    /// Locked while the server records.
    pub(crate) recording: Mutex<()>,
}

/// What follows from sessions and the audit log.
#[derive(Default)]
pub(crate) struct Computed {
    pub(crate) derived: Option<Derived>,
    pub(crate) pace: Pace,
    /// The answer of the last scrape if it failed, and when it ended.
    pub(crate) failed: Option<(Instant, Answer)>,
}
