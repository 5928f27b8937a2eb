//! The jobs: when they wait and for how long, what they do after a failure, and what they report. The
//! job that copies is tested with copying.

mod importing;
mod purging;
mod renewing;
mod retaining;
mod waiting;
