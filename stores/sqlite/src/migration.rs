//! Migrating a file to the newest schema. Each version is a transaction of its own. A process that is
//! killed loses at most the step that it was at, and the next one that opens the file goes on from there.
//!
//! A step may take longer than others wait for a writer. So a process that migrates now and then changes a file
//! beside the database, `-migration`, and those that wait for its lock go on waiting while they see that.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tenure_core::Result;
use tenure_core::store::{Migration, OnMigration};
use tenure_permissions::FileMode;

use crate::database::{Database, Transaction};
use crate::presence::with_suffix;
use crate::schema::{self, VERSION};

/// The least time between two signs of life.
const INTERVAL: Duration = Duration::from_millis(100);
/// A process that gives no sign of life for so long is not waited for.
const SILENCE: Duration = Duration::from_secs(2);
/// The pause between two looks for one.
const PAUSE: Duration = Duration::from_millis(20);

/// Migrates a file to the newest schema. Another process may be doing the same. `mode` has the permissions
/// of the database.
///
/// # Errors
/// Those of the store, and `SCHEMA_TOO_NEW` if a newer Tenure has migrated the file meanwhile.
pub(crate) fn migrate(
    database: &mut Database,
    report: Option<OnMigration>,
    mode: FileMode,
) -> Result<()> {
    let sign = Sign::beside(database.path(), mode);
    let step = Arc::new(AtomicU32::new(0));
    let beat = Beat {
        sign: sign.clone(),
        step: Arc::clone(&step),
        report,
        last: None,
    };
    database.on_progress(Some(beat.into_hook()))?;
    let migrated = take_steps(database, &step, &sign);
    database.on_progress(None::<fn()>)?;
    // One that was killed has left it.
    sign.remove();
    if let Some(report) = report {
        report(Migration {
            step: VERSION,
            steps: VERSION,
            is_running: false,
        });
    }
    migrated
}

/// Removes what a process has left that was killed when it had migrated a file.
pub(crate) fn clear(database: &Path) {
    // Nobody migrates a file of the newest schema.
    let _ = fs::remove_file(sign_beside(database));
}

/// The path of the sign of life.
fn sign_beside(database: &Path) -> PathBuf {
    with_suffix(database, "-migration")
}

fn take_steps(database: &Database, step: &AtomicU32, sign: &Sign) -> Result<()> {
    loop {
        let transaction = begin(database, sign)?;
        let found = schema::check(database)?;
        if found == VERSION {
            return Ok(());
        }
        step.store(found + 1, Ordering::Relaxed);
        // A new file is made at once.
        if found > 0 {
            sign.give(0);
        }
        schema::take_step(database, found)?;
        transaction.commit()?;
        // The log of a large file should not grow by all steps. If this fails, it does.
        let _ = database.checkpoint("PASSIVE", Duration::ZERO);
    }
}

/// Starts a write transaction. Waits for another process as long as that migrates.
fn begin<'d>(database: &'d Database, sign: &Sign) -> Result<Transaction<'d>> {
    let busy = match database.begin() {
        Ok(transaction) => return Ok(transaction),
        Err(error) => error,
    };
    let mut seen = sign.read();
    let mut seen_at = Instant::now();
    while seen_at.elapsed() < SILENCE {
        thread::sleep(PAUSE);
        // A process that has migrated gives no sign any more.
        if let Some(transaction) = database.try_begin()? {
            return Ok(transaction);
        }
        let now = sign.read();
        if now != seen {
            (seen, seen_at) = (now, Instant::now());
        }
    }
    Err(busy)
}

/// The file beside a database that changes while it is migrated.
#[derive(Debug, Clone)]
struct Sign {
    path: PathBuf,
    mode: FileMode,
}

impl Sign {
    fn beside(database: &Path, mode: FileMode) -> Self {
        Self {
            path: sign_beside(database),
            mode,
        }
    }

    /// Gives a sign of life. If that fails, others wait only as long as for any writer.
    fn give(&self, number: u32) {
        if self.mode.create_empty(&self.path).is_ok() && self.is_file() {
            let _ = fs::write(&self.path, format!("{} {number}\n", std::process::id()));
        }
    }

    /// Opening something else, such as a FIFO, might wait.
    fn is_file(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| found.is_file())
    }

    fn remove(&self) {
        if self.is_file() {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// What the last sign of life says.
    fn read(&self) -> Option<Vec<u8>> {
        self.is_file().then(|| fs::read(&self.path).ok()).flatten()
    }
}

/// The signs of life, for the process itself and for others.
struct Beat {
    sign: Sign,
    step: Arc<AtomicU32>,
    report: Option<OnMigration>,
    last: Option<Instant>,
}

impl Beat {
    /// The hook that SQLite calls while it runs a step.
    fn into_hook(mut self) -> impl FnMut() + Send + 'static {
        let mut number = 0;
        move || {
            let step = self.step.load(Ordering::Relaxed);
            if step == 0 || self.last.is_some_and(|last| last.elapsed() < INTERVAL) {
                return;
            }
            self.last = Some(Instant::now());
            number += 1;
            self.sign.give(number);
            if let Some(report) = self.report {
                report(Migration {
                    step,
                    steps: VERSION,
                    is_running: true,
                });
            }
        }
    }
}
