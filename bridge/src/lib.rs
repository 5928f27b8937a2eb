//! Tenure's operations by name. A host passes the name of an operation and its parameters as JSON text,
//! and receives JSON text. One [`table`] declares the operations with their parameters and replies; the
//! dispatcher and the TypeScript declarations are made from it. The bridge depends neither on Node nor
//! on the browser: the bindings pass its texts.
//!
//! Every answer is one JSON object: `{"ok": result}`, with `"notices"` where there are webhooks to
//! post; `{"error": {code, message, details}}`; for stores that the host itself provides
//! `{"need": {operation, method, params}}`; `{"wait": operation}` where another thread will answer; and
//! where the host decides which models are available `{"ask": {models}}`, after which it makes the same
//! call again with its answers.
//!
//! [`Jobs`] answer in the same way, with a `need` for each step, and with `{"thrown": number}` where one ends with
//! an error of the host's own.

pub mod answer;
pub mod backend;
pub mod call;
pub mod engine;
mod entropy;
mod fingerprint;
pub mod host;
pub mod jobs;
pub mod limits;
mod numbered;
pub mod rules;
#[cfg(any(feature = "ts", test))]
pub mod schema;
pub mod table;
#[cfg(any(feature = "ts", test))]
pub mod types;

pub use answer::Answer;
pub use backend::{Backend, Handles, Info, Options};
#[cfg(feature = "apps")]
pub use backend::{EncryptionOptions, KeyOptions};
pub use call::{Call, perform};
pub use engine::HostEngine;
pub use entropy::{entropy, next as next_entropy, random_bits};
pub use jobs::Jobs;
pub use limits::HandleLimits;
pub use table::TABLE;
