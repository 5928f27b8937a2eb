//! What the requests of a server share.

use std::sync::Arc;

use tenure_archive::Archive;
use tokio::sync::{Semaphore, watch};
use tracing::Dispatch;

use crate::files::Files;
use crate::hosts::Hosts;
use crate::options::ServerLimits;
use crate::pulse::Pulse;
use crate::scrapes::Scrapes;
use crate::service::Service;
use crate::token::Token;

/// The number of operations that occupy a thread at a time. One that waits for a store's own thread
/// occupies none.
pub(crate) const THREADS: usize = 16;
/// The number of requests that list archived sessions at a time.
pub(crate) const ARCHIVE_LISTS: usize = 4;
/// The number of archived sessions that are in memory at a time, each until its client has received it.
pub(crate) const ARCHIVED_SESSIONS: usize = 4;
/// The unit in which the bodies that are being received are counted, in bytes.
pub(crate) const BODY_UNIT: usize = 1 << 10;

/// What the requests of a server share.
pub(crate) struct State {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) token: Token,
    /// The name of the cookie. It has the port, because a browser sends a cookie to all ports of a host.
    pub(crate) cookie: String,
    pub(crate) read_only: bool,
    /// Whether the server records what it counts.
    pub(crate) records: bool,
    pub(crate) hosts: Hosts,
    pub(crate) origins: Vec<String>,
    pub(crate) limits: ServerLimits,
    pub(crate) files: Files,
    pub(crate) archive: Option<Archive>,
    /// Bounds the lists of archived sessions: manifests are read into memory.
    pub(crate) archive_lists: Semaphore,
    /// Bounds the archived sessions that are in memory.
    pub(crate) archived_sessions: Arc<Semaphore>,
    pub(crate) log: Dispatch,
    pub(crate) pulse: Pulse,
    pub(crate) scrapes: Scrapes,
    pub(crate) threads: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) bodies: Arc<Semaphore>,
    /// The number of operations that run.
    pub(crate) running: watch::Sender<usize>,
    /// Whether the server is closing.
    pub(crate) closing: watch::Receiver<bool>,
}

impl State {
    /// Logs with the receiver of this server.
    pub(crate) fn logging(&self, log: impl FnOnce()) {
        tracing::dispatcher::with_default(&self.log, log);
    }

    /// Waits until the server is closing.
    pub(crate) async fn closed(&self) {
        let mut closing = self.closing.clone();
        // A server that was dropped is closing, too.
        let _ = closing.wait_for(|is_closing| *is_closing).await;
    }
}
