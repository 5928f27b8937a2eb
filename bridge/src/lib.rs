//! Tenure's operations by name. A host passes an operation's name and its parameters as JSON text
//! and gets JSON text back; which operations there are, what they take and what they answer stands
//! in one [`table`], from which the dispatcher and the TypeScript declarations come. The
//! bridge knows neither Node nor the browser: the bindings carry its texts across.
//!
//! Every answer is one JSON object: `{"ok": result}`, with `"notices"` where there are webhooks to
//! post; `{"error": {code, message, details}}`; and for stores that the host itself provides
//! `{"need": {operation, method, params}}`.

pub mod answer;
pub mod backend;
pub mod call;
pub mod engine;
mod entropy;
mod fingerprint;
pub mod host;
pub mod limits;
pub mod table;
#[cfg(feature = "ts")]
pub mod types;

pub use answer::Answer;
pub use backend::{Backend, Handles, Info, Options};
pub use call::{Call, access, perform};
pub use engine::HostEngine;
pub use entropy::entropy;
pub use limits::HandleLimits;
pub use table::TABLE;
pub use tenure_core::work::operation::Access;
