//! The archive of sessions: a folder, or a bucket of object storage. A session is archived as the text that the operation `export` returns,
//! compressed and encrypted where that is asked for. A batch of sessions has a manifest with the digests of their objects. Nothing is
//! written twice: each object has a name of its own, and only [`thin`](Archive::thin) removes any, by age. A batch that could not store a
//! session stores a small object and removes it, to tell an archive that takes nothing from a session that cannot be stored.
//!
//! `address` opens archives, `http` is the client for services, `name` has the names of objects, `manifest` what is listed, `coding` the
//! compression and the encryption, `batch` writes, `read` reads and verifies, `leftovers` finds what interrupted uploads have left,
//! and `thinning` removes.

mod address;
mod batch;
mod coding;
mod error;
mod http;
mod leftovers;
mod manifest;
mod name;
mod read;
mod thinning;

pub use address::{Archive, ArchiveOptions};
pub use batch::Batch;
pub use error::{ArchiveError, Result};
pub use manifest::{Entry, Manifest};
pub use read::{DEFAULT_PAGE, Page, Problem, Verification};
pub use thinning::Thinned;
