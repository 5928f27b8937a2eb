//! When a checkpoint is due.

use tempfile::TempDir;

use super::*;
use crate::unit::tests::database;

/// A database whose log is long, with the number of its pages.
fn filled() -> (TempDir, Database, u32) {
    let (folder, database) = database();
    database
        .run("fill", "CREATE TABLE filled AS SELECT zeroblob(4 << 20)")
        .unwrap();
    let log = database.checkpoint("NOOP", Duration::ZERO).unwrap();
    assert!(log.pages >= CHECKPOINT_PAGES);
    (folder, database, log.pages)
}

#[test]
fn a_checkpoint_is_due_after_as_many_pages_as_before() {
    let (_folder, database, pages) = filled();
    let log = Log::default();

    assert!(log.needs_checkpoint(pages));
    assert!(!log.needs_checkpoint(pages + 4));
    log.checkpoint(&database, &WriteLock::default(), None);

    // A commit during the checkpoint prevented that SQLite restarts the log.
    assert!(!log.needs_checkpoint(pages + 8));
    assert!(log.needs_checkpoint(pages + CHECKPOINT_PAGES));
}

#[test]
fn a_checkpoint_keeps_the_schema_version_that_it_finds() {
    let (_folder, database, _) = filled();
    database.run("fill", "PRAGMA user_version = 1000").unwrap();
    let log = Log::default();
    log.note_latency_sensitive();
    log.checkpoint(&database, &WriteLock::default(), None);
    assert_eq!(database.schema_version("read").unwrap(), 1000);
}

#[test]
fn a_restarted_log_is_copied_when_it_is_long_again() {
    let (_folder, database, pages) = filled();
    let log = Log::default();

    assert!(log.needs_checkpoint(pages));
    log.checkpoint(&database, &WriteLock::default(), None);

    assert!(!log.needs_checkpoint(4));
    assert!(log.needs_checkpoint(CHECKPOINT_PAGES));
}
