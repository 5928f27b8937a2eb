//! Jobs that run at a schedule: when one is due, which instance runs it, what has failed, and what the audit log says of each
//! run. What a run does is in [`scheduled`](crate::scheduled).
//!
//! `cron` reads expressions, `schedule` decides, `records` has what the store keeps, `operations` the rows of the table, and
//! `run` what a run observes while it works: its lease, its pace, its dead letters.

pub mod cron;
pub mod operations;
pub mod params;
pub mod records;
pub mod run;
pub mod schedule;
