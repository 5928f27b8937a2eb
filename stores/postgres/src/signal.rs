//! What a handle knows of changes without asking the database: whether notifications arrive, when the last one did,
//! and where the feed ended when it was last read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The shortest time between two notifications of a handle. Each is a transaction, and all that notify in one
/// database wait for each other.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an empty end of the feed is taken for unchanged. A notification may be lost with its process.
const FRESH: Duration = Duration::from_secs(1);

/// What a handle knows of changes without asking.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    /// Grows whenever something may have changed.
    generation: AtomicU64,
    /// Whether notifications arrive.
    pub(crate) is_heard: AtomicBool,
    /// Whether the database has no notifications for this handle.
    pub(crate) is_unsupported: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The end of the feed, when it was last read.
    end: Option<End>,
    /// When the feed was last read.
    read_at: Option<Instant>,
    /// The task that listens.
    listener: Option<AbortHandle>,
    notified_at: Option<Instant>,
    /// Whether a notification will be sent.
    is_due: bool,
}

/// Whether to send a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notify {
    Now,
    /// At this time.
    At(Instant),
    /// One is sent soon, or none is needed.
    No,
}

/// The end of the feed.
#[derive(Debug, Clone, Copy)]
struct End {
    generation: u64,
    at: Instant,
    newest: u64,
    kept_after: u64,
}

impl Signal {
    /// What to compare with, before the feed is read.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// The page after the newest change, if nothing has changed since it was read.
    pub(crate) fn unchanged(&self, query: &FeedQuery) -> Option<FeedPage> {
        let mut state = self.state();
        state.read_at = Some(Instant::now());
        let end = state.end?;
        let is_known = self.is_heard.load(Ordering::SeqCst)
            && end.generation == self.generation()
            && end.at.elapsed() < FRESH
            && query.after == Some(end.newest);
        is_known.then(|| FeedPage {
            changes: Vec::new(),
            newest: end.newest,
            kept_after: end.kept_after,
        })
    }

    /// Keeps the end of a feed that was read since `generation`. Returns whether a reader waits at it.
    pub(crate) fn note_end(&self, generation: u64, query: &FeedQuery, page: &FeedPage) -> bool {
        self.state().end = Some(End {
            generation,
            at: Instant::now(),
            newest: page.newest,
            kept_after: page.kept_after,
        });
        query.after == Some(page.newest)
    }

    /// Something may have changed.
    pub(crate) fn note_change(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether the feed was read within this time.
    pub(crate) fn is_read(&self, within: Duration) -> bool {
        let read_at = self.state().read_at;
        read_at.is_some_and(|at| at.elapsed() <= within)
    }

    /// Whether a change that is being written is to be notified.
    pub(crate) fn turn(&self) -> Notify {
        if self.is_unsupported.load(Ordering::Relaxed) {
            return Notify::No;
        }
        let mut state = self.state();
        let now = Instant::now();
        let next = state.notified_at.map_or(now, |at| at + PAUSE);
        if next <= now {
            state.notified_at = Some(now);
            return Notify::Now;
        }
        match std::mem::replace(&mut state.is_due, true) {
            true => Notify::No,
            false => Notify::At(next),
        }
    }

    /// A notification that was due is being sent.
    pub(crate) fn take_turn(&self) {
        let mut state = self.state();
        state.is_due = false;
        state.notified_at = Some(Instant::now());
    }

    /// Starts a task that listens, unless there is one.
    pub(crate) fn listen_with(&self, start: impl FnOnce() -> AbortHandle) {
        let mut state = self.state();
        if state.listener.as_ref().is_none_or(AbortHandle::is_finished) {
            state.listener = Some(start());
        }
    }

    /// Ends the task that listens.
    pub(crate) fn stop_listening(&self) {
        if let Some(listener) = self.state().listener.take() {
            listener.abort();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
