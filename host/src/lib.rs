//! The native host of the core: stores by URL, and the identity and liveness of the processes of this
//! machine. The Node addon and the command use it, so that both open the same stores and have the same
//! identity. It contains no rules about sessions or leases.

mod behalf;
mod place;
mod process;
mod registry;
mod store;

pub use behalf::OnBehalf;
pub use place::Place;
pub use process::{HOST, ThisHost, this_host};
pub use registry::registry_path;
pub use store::{Local, Native, file_options, now, perform, sqlite_options};
