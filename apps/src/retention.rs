//! Scheduled removal: the job that purges the trash, with an archive if one is given, and the job of
//! retention, which removes sessions by their age at intervals. What is removed, and in which commit,
//! the operations of the core decide.

pub mod agents;
pub mod job;
pub(crate) mod leases;
pub mod purge;
pub mod records;
