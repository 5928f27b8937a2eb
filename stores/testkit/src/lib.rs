//! The conformance kit: what every store must do, as cases that a store passes or fails. A case is
//! a plain `async fn` over [`Store`](tenure_core::Store), so the same code holds a Rust store to
//! account in `cargo test` and a JavaScript store in a browser. The cases are as pure as the core:
//! they read no clock and no file, start no thread, and draw their random inputs from fixed seeds, so
//! that a failure can be repeated. The store may be synchronous or asynchronous.
//!
//! A Rust store runs all cases, each as its own `#[test]`, with one macro:
//!
//! ```
//! use tenure_core::{Lift, MemoryStore};
//!
//! tenure_testkit::conformance!(|| tenure_testkit::store(Lift(MemoryStore::default())));
//! ```
//!
//! The expression is evaluated for each case and gives a [`Fixture`]: an empty store that can be
//! opened, and opened again. Each test drives its case with [`block_on`]. Other hosts, and stores that
//! need a runtime of their own, go through [`CASES`] and drive [`Case::check`] themselves.

// A store under test is expected to misbehave and the kit answers with a `Failure`; what the kit
// itself writes down (ids, times, JSON) are literals that are known to be valid.
#![expect(
    clippy::expect_used,
    reason = "the kit's own literals are valid by construction"
)]

mod cases;
mod check;
mod fixture;
mod generate;
mod model;
mod runner;
mod sample;

pub use cases::{CASES, Case, Needs, Outcome, check};
pub use check::{Check, Failure};
pub use fixture::{Fixture, Run, store};
pub use runner::block_on;

/// The guide for those who write stores, whose Rust has to be right.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-a-store.md")]
pub struct WritingAStore;
