//! The native host of the core: stores by URL, the executor that runs operations over them, and the
//! identity and liveness of the processes of this machine, and the metrics of operations. The Node addon and the command use it, so
//! that both open the same stores, run the same jobs and have the same identity. It contains no rules about sessions or
//! leases.

mod archive;
mod asynchronous;
mod background;
mod backup;
mod behalf;
mod check;
mod encryption;
mod executor;
mod job;
mod jobs;
mod lazy;
mod local;
pub mod metrics;
mod open;
mod place;
mod process;
mod registry;
mod runtime;
mod webhooks;

pub use archive::{Filling, Unfinished, open_archive, open_existing_archive};
pub use asynchronous::{Opener, Opening};
pub use backup::Backup;
pub use behalf::OnBehalf;
pub use check::{Checked, check};
pub use executor::{Deferred, Executor, InlineStore, SerialStore, Started};
pub use job::{drive, elapsed_since};
pub use jobs::{JobNews, RunningJob, ScheduledHost, run_scheduled};
pub use local::{Local, now, random_bits};
pub use open::Lifetime;
pub use place::Place;
pub use process::{HOST, ThisHost, this_host};
pub use registry::registry_path;
pub use runtime::RuntimeThread;
pub use tenure_sealed::Rotation;
pub use webhooks::{Delivering, Poster, PosterSignal};
