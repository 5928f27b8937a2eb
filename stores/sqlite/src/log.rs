//! The checkpoints of a file's write-ahead log. The log must not grow without limit, and a
//! latency-sensitive write must not wait for the disk.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tenure_core::Result;

use crate::database::{Database, LogPages};
use crate::lock::WriteLock;
use crate::schema;

/// The number of pages in the log that makes a checkpoint worthwhile: 4 MiB.
const CHECKPOINT_PAGES: u32 = 1000;
/// The number of pages in the log from which on writers wait for a checkpoint: 64 MiB.
const TOO_MANY_PAGES: u32 = 16_384;
/// The size of a page, in bytes.
const PAGE_BYTES: u64 = 4096;
/// The part of the free room on the disk that the log may have. To copy the log may need as much again.
const PART_OF_FREE: u64 = 4;
/// The longest wait for readers that still use the log.
const READERS_TIMEOUT: Duration = Duration::from_millis(100);

/// The checkpoints of a file's write-ahead log.
pub(crate) struct Log {
    /// The size of the log, in pages, at which the next checkpoint is due.
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
    /// Records a latency-sensitive write, which must not wait for the disk. More of them are
    /// expected.
    pub(crate) fn note_latency_sensitive(&self) {
        self.latency_sensitive.store(true, Ordering::Relaxed);
    }

    /// Whether a commit that left `pages` pages in the log must request a checkpoint.
    pub(crate) fn needs_checkpoint(&self, pages: u32) -> bool {
        if pages < CHECKPOINT_PAGES {
            // SQLite has restarted the log.
            self.due_after(0);
            return false;
        }
        let due = pages >= self.checkpoint_at.load(Ordering::Relaxed);
        if due {
            // Requests one checkpoint now. The checkpoint sets the next due size, unless it fails.
            self.due_after(pages);
        }
        due
    }

    /// Copies the log into the database. `free` is the free room on the disk in bytes, if it is known.
    /// Called on the writer thread.
    pub(crate) fn checkpoint(&self, database: &Database, lock: &WriteLock, free: Option<u64>) {
        // A failed checkpoint is retried when it is due again.
        if let Ok(log) = self.copy(database, lock, too_many_pages(free)) {
            // Until SQLite restarts the log: a commit during the checkpoint may have prevented that,
            // and its few pages are not worth another one.
            self.due_after(log.pages);
        }
    }

    fn due_after(&self, pages: u32) {
        self.checkpoint_at
            .store(pages.saturating_add(CHECKPOINT_PAGES), Ordering::Relaxed);
    }

    fn copy(&self, database: &Database, lock: &WriteLock, too_many: u32) -> Result<LogPages> {
        let log = database.checkpoint("PASSIVE", Duration::ZERO)?;
        let latency_sensitive = self.latency_sensitive.swap(false, Ordering::Relaxed);
        if !latency_sensitive && log.pages < too_many {
            return Ok(log);
        }
        // The commit that restarts the log waits for the disk. It is made here, on the writer
        // thread, so that no latency-sensitive write has to wait, and so that the log is restarted
        // under steady writes, too.
        let _held = lock.for_writer();
        let log = if log.pages < too_many {
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

/// The number of pages in the log from which on writers wait for a checkpoint. On a disk that fills,
/// steady writes must not leave a log that no room is left to copy.
fn too_many_pages(free: Option<u64>) -> u32 {
    let pages = free.map_or(u64::MAX, |free| free / PART_OF_FREE / PAGE_BYTES);
    u32::try_from(pages).map_or(TOO_MANY_PAGES, |pages| {
        pages.clamp(CHECKPOINT_PAGES, TOO_MANY_PAGES)
    })
}

#[cfg(test)]
mod tests;
