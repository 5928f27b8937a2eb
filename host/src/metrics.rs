//! What a native host adds to metrics: it takes the time of operations, says what its process uses, and makes the
//! text that Prometheus reads. How counts of several processes add up is the matter of `tenure_apps::metrics`.

mod meter;
mod pace;
mod process;
pub(crate) mod size;
mod text;
mod word;

pub use meter::{JobName, JobPass, Meter, SlotWaited};
pub use pace::Pace;
pub use process::ProcessMeter;
pub use text::{Format, metrics_of, text, text_of_reply};

pub(crate) use meter::{Measure, Outcome};
