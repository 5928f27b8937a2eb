//! Values at the bottom of everything: JSON that is kept to the letter, text, times, ids, the limits
//! of inputs, and how parameters are read from a JSON object. They know no session and no store.

pub mod address;
mod duration;
pub mod entropy;
pub mod fingerprint;
#[cfg(feature = "outbox")]
pub mod hint;
pub mod id;
pub mod json;
pub mod limits;
pub mod models;
mod number;
pub mod print;
pub mod process;
pub mod properties;
pub mod property;
pub mod redact;
mod rfc3339;
mod secret;
mod string;
pub mod text;
pub mod time;
pub mod tokens;
pub mod traceparent;
#[cfg(feature = "ts")]
pub mod ts;
