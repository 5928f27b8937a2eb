//! Metrics of a store: what its handles have counted, in every process, and what follows from its sessions
//! and its audit log. A handle counts in memory. It writes its counts into a record of its own now and then,
//! and a reader adds up the records. Those of handles that are gone are added to one total.
//!
//! `families` lists the metrics that handles count, `histogram` and `counts` are how they are counted, `own` is
//! what one handle has to say, `record` is its form in the store, `derived` is computed from sessions and the
//! audit log, and `operations` reads and writes. Which text is made of it is the host's matter.

pub mod counts;
pub mod derived;
pub mod families;
pub mod histogram;
pub mod operations;
pub mod own;
pub mod params;
mod record;
