//! What scrapes of the metrics share.

use tenure_apps::metrics::derived::Derived;
use tenure_host::metrics::Pace;
use tokio::sync::Mutex;

/// What was computed last. It is locked while a scrape runs: a second one waits, and is cheaper.
#[derive(Default)]
pub(crate) struct Scrapes(pub(crate) Mutex<Computed>);

/// What follows from sessions and the audit log.
#[derive(Default)]
pub(crate) struct Computed {
    pub(crate) derived: Option<Derived>,
    pub(crate) pace: Pace,
}
