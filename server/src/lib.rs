//! Tenure over HTTP. `POST /v1/{operation}` calls an operation of the table with JSON, and answers what the
//! bridge answers; the class of an error decides the status. `GET /v1/watch` streams the changes of the
//! store as server-sent events, `GET /v1/archive` reads its archive, and `GET /metrics` is the text for Prometheus. The server also serves the files of the web UI.
//!
//! It is safe by default: it listens on this machine alone, demands a token, checks `Host` and `Origin`,
//! bounds sizes, connections, streams and times, and logs no token and no query. It speaks plain HTTP: a
//! proxy adds TLS.

mod access;
mod archive;
mod body;
mod call;
mod connection;
mod failure;
mod files;
mod heads;
mod hosts;
pub mod log;
mod metrics;
pub mod openapi;
mod options;
mod pulse;
mod query;
mod race;
mod refusal;
mod reply;
mod route;
mod scrapes;
mod server;
mod service;
mod stalling;
mod state;
mod token;
mod watch;

pub use files::{File, Files};
pub use options::{ServerLimits, ServerOptions};
pub use refusal::Refusal;
pub use server::Server;
pub use service::{ClientCall, Done, Environment, ExecutorService, Service, client_limits};
pub use token::Token;
