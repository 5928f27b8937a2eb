//! The conformance kit: the requirements for every store, as cases that a store passes or fails. A
//! case is a plain `async fn` over [`Store`](tenure_core::Store), so the same code tests a Rust
//! store in `cargo test` and a JavaScript store in a browser. The cases are as pure as the core:
//! they read no clock and no files, start no threads, and derive random inputs from fixed seeds, so
//! that failures are reproducible. The store may be synchronous or asynchronous.
//!
//! A Rust store runs all cases, each as a `#[test]`, with one macro:
//!
//! ```
//! use tenure_core::{Lift, MemoryStore};
//!
//! tenure_testkit::conformance!(|| tenure_testkit::store(Lift(MemoryStore::default())));
//! ```
//!
//! The expression is evaluated for each case and returns a [`Fixture`]: an empty store that can be
//! opened several times. Each test drives its case with [`block_on`]. Other hosts, and stores that
//! need their own runtime, use [`CASES`] and drive [`Case::check`] themselves.

// The kit returns the misbehaviour of a store as a `Failure`. Only literals of the kit (ids, times,
// JSON) are unwrapped, which are known to be valid.
#![expect(
    clippy::expect_used,
    reason = "the kit's own literals are valid by construction"
)]

mod cases;
mod check;
mod counted;
mod fixture;
mod generate;
mod model;
mod runner;
mod sample;

pub use cases::{CASES, Case, Needs, Outcome, check};
pub use check::{Check, Failure};
pub use fixture::{Fixture, Run, store};
pub use runner::block_on;

/// The guide to writing stores, whose Rust code is compiled and run here.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-a-store.md")]
pub struct WritingAStore;
