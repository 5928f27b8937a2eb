//! Applications of Tenure's sessions, leases and audit log. The core does not depend on them, and a
//! build may leave them out: the browser's module has none of them.
//!
//! - [`agent_stats`]: statistics of agents, against targets.
//! - [`copy`]: copying sessions and records from one store to another.
//! - [`dedup`]: the deduplication of workflow runs.
//! - [`export`]: exporting a session in parts.
//! - [`machines`]: processes and the virtual machines that they own.
//! - [`hooks`]: the hooks of an agent's host.
//! - [`folders`]: the import of folders that other programs have written.
//! - [`jobs`]: jobs that run at a schedule, and what they could not process.
//! - [`run_end`]: the end of a command that is recorded.
//! - [`scheduled`]: the work of such a job.
//! - [`metrics`]: metrics of a store, added up across processes.
//! - [`record_check`]: the check of records.
//! - [`retention`]: purging with an archive, the removal of idle agents and of
//!   expired records, and scheduled removal.
//! - [`traces`]: the distributed traces of a session.
//! - [`webhooks`]: the endpoints of webhooks, and the delivery of what the core has put into the outbox.

use tenure_core::work::job::AnyJob;
use tenure_core::work::operation::AnyOperation;

pub mod agent_stats;
pub mod copy;
pub mod dedup;
mod discard;
pub mod export;
pub mod folders;
pub mod hooks;
#[cfg(feature = "telemetry")]
pub mod jobs;
pub mod machines;
#[cfg(feature = "telemetry")]
pub mod metrics;
#[cfg(feature = "telemetry")]
pub mod record_check;
pub mod retention;
pub mod run_end;
#[cfg(feature = "telemetry")]
pub mod scheduled;
#[cfg(feature = "telemetry")]
pub mod traces;
pub mod webhooks;

/// The operations of all applications.
pub static OPERATIONS: &[&[&AnyOperation]] = &[
    agent_stats::OPERATIONS,
    copy::operations::OPERATIONS,
    export::OPERATIONS,
    folders::operations::OPERATIONS,
    hooks::operations::OPERATIONS,
    machines::operations::OPERATIONS,
    dedup::operations::OPERATIONS,
    dedup::log::OPERATIONS,
    dedup::stats::OPERATIONS,
    #[cfg(feature = "telemetry")]
    metrics::operations::OPERATIONS,
    #[cfg(feature = "telemetry")]
    traces::OPERATIONS,
    #[cfg(feature = "telemetry")]
    jobs::operations::OPERATIONS,
    retention::agents::OPERATIONS,
    retention::records::OPERATIONS,
    webhooks::operations::OPERATIONS,
    webhooks::queue::OPERATIONS,
    webhooks::failed::OPERATIONS,
];

/// The jobs of all applications.
pub static JOBS: &[&[&AnyJob]] = &[
    copy::job::JOBS,
    folders::job::JOBS,
    retention::job::JOBS,
    retention::purge::JOBS,
    #[cfg(feature = "telemetry")]
    scheduled::JOBS,
    webhooks::job::JOBS,
];
