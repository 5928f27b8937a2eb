//! The newest position of the feed, for the streams that wait for it. However many streams there are, one
//! task looks for changes.

use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How often to look for changes of other processes.
const PAUSE: Duration = Duration::from_millis(75);

/// The newest position that was seen.
#[derive(Debug)]
pub(crate) struct Pulse {
    newest: watch::Sender<u64>,
    /// Wakes the task that looks for changes.
    stale: Notify,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            newest: watch::Sender::new(0),
            stale: Notify::new(),
        }
    }
}

impl Pulse {
    /// Something may have changed.
    pub(crate) fn wake(&self) {
        self.stale.notify_one();
    }

    /// The positions that are seen from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        let receiver = self.newest.subscribe();
        self.wake();
        receiver
    }

    /// The newest position.
    pub(crate) fn set(&self, position: u64) {
        self.newest.send_if_modified(|newest| {
            let is_newer = *newest != position;
            *newest = position;
            is_newer
        });
    }

    /// Waits until it is time to look for changes: a stream waits for them, and time has passed or
    /// something may have changed.
    pub(crate) async fn due(&self) {
        if self.newest.receiver_count() > 0 {
            let _ = timeout(PAUSE, self.stale.notified()).await;
        }
        while self.newest.receiver_count() == 0 {
            self.stale.notified().await;
        }
    }
}
