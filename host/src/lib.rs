//! What a native host has that the core does not: stores that a URL names, and what can be told of
//! the processes of this machine. The Node addon and the command stand on it, so that both open the
//! same stores and know themselves by the same name. It decides nothing about sessions or leases.

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
