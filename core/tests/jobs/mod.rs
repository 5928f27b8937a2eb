//! The jobs: when and how long they wait, how they handle failures, and their results. The copy job
//! is tested in `copying`.

mod importing;
mod lease_renewal;
mod purging;
mod retention;
mod scheduled;
mod slot_wait;
