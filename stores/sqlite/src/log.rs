//! The write-ahead log of a file: when it is copied into the database, and how, so that neither the
//! log grows without end nor a latency-sensitive write waits for the disk.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tenure_core::Result;

use crate::database::{Database, LogPages};
use crate::lock::WriteLock;
use crate::schema;

/// Pages in the write-ahead log that are worth a checkpoint: 4 MiB.
const CHECKPOINT_PAGES: u32 = 1000;
/// Pages in the write-ahead log at which writers are made to wait for one: 64 MiB.
const TOO_MANY_PAGES: u32 = 16_384;
/// How long they wait at most for readers that still need the log.
const READERS_TIMEOUT: Duration = Duration::from_millis(100);

/// The write-ahead log of a file.
pub(crate) struct Log {
    /// Its size, in pages, at which the next checkpoint is due.
    checkpoint_at: AtomicU32,
    /// Whether there was a latency-sensitive write since the last checkpoint.
    latency_sensitive: AtomicBool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            checkpoint_at: AtomicU32::new(CHECKPOINT_PAGES),
            latency_sensitive: AtomicBool::new(false),
        }
    }
}

impl Log {
    /// Notes a write that must not wait for the disk. Others like it will follow.
    pub(crate) fn note_latency_sensitive(&self) {
        self.latency_sensitive.store(true, Ordering::Relaxed);
    }

    /// Whether a checkpoint is to be requested after a commit that left `pages` pages in the log.
    pub(crate) fn needs_checkpoint(&self, pages: u32) -> bool {
        if pages < CHECKPOINT_PAGES {
            // The log was restarted.
            self.due_after(0);
            return false;
        }
        let due = pages >= self.checkpoint_at.load(Ordering::Relaxed);
        if due {
            // One request for now; the checkpoint says when the next is due, unless it fails.
            self.due_after(pages);
        }
        due
    }

    /// Copies the log into the database, on the writer thread.
    pub(crate) fn checkpoint(&self, database: &Database, lock: &WriteLock) {
        match self.copy(database, lock) {
            Ok(log) if log.is_copied() => self.due_after(0),
            // Readers or writers have held it up.
            Ok(log) => self.due_after(log.pages),
            // It is tried again when it is due again.
            Err(_) => {}
        }
    }

    fn due_after(&self, pages: u32) {
        self.checkpoint_at
            .store(pages.saturating_add(CHECKPOINT_PAGES), Ordering::Relaxed);
    }

    fn copy(&self, database: &Database, lock: &WriteLock) -> Result<LogPages> {
        let log = database.checkpoint("PASSIVE", Duration::ZERO)?;
        let latency_sensitive = self.latency_sensitive.swap(false, Ordering::Relaxed);
        if !latency_sensitive && log.pages < TOO_MANY_PAGES {
            return Ok(log);
        }
        // The next commit restarts the log, and waits for the disk as it does. That must not be a
        // latency-sensitive one; so it is one of this thread. Nor must steady writers keep the log
        // from ever being restarted.
        let _held = lock.for_writer();
        let log = if log.pages < TOO_MANY_PAGES {
            database.checkpoint("PASSIVE", Duration::ZERO)?
        } else {
            database.checkpoint("TRUNCATE", READERS_TIMEOUT)?
        };
        if log.is_copied() {
            schema::touch(database)?;
        }
        Ok(log)
    }
}
