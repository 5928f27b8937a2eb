//! The store as a job sees it that runs inside an open transaction: reads see what the job has
//! written, and a commit that fails leaves nothing of itself behind.

use std::cell::{Cell, RefCell};

use tenure_core::error::Cause;
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Tally;
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};

use crate::database::Database;
use crate::read_set::{ReadSet, SessionRow};

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    persistent: true,
    shared: true,
    reindents: false,
    records_only: false,
};

/// What is undone when a job's first commit fails. Later ones have a savepoint of their own; the
/// first needs none, since nothing else is lost with it. That saves most of what savepoints cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undo {
    /// The whole transaction, which is the job's alone.
    Transaction,
    /// The savepoint `job`, which others opened for the job.
    Savepoint,
}

/// A job's view of the store.
#[derive(Debug)]
pub(crate) struct Unit<'d> {
    database: &'d Database,
    undo: Undo,
    wrote: Cell<bool>,
    ended: RefCell<Option<Error>>,
    /// What the job has read so far. It stays true when a commit fails, since only one that is
    /// applied adds to it what it wrote.
    read: RefCell<ReadSet>,
}

impl<'d> Unit<'d> {
    pub(crate) fn new(database: &'d Database, undo: Undo) -> Self {
        Self {
            database,
            undo,
            wrote: Cell::new(false),
            ended: RefCell::new(None),
            read: RefCell::default(),
        }
    }

    /// Whether a commit was applied in it.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote.get()
    }

    /// The error that ended the transaction early, if it has ended. SQLite may end it on any error,
    /// also on that of a read.
    pub(crate) fn ended(&self) -> Option<Error> {
        if self.database.in_transaction() {
            return None;
        }
        let lost = || {
            Cause::StoreUnavailable {
                problem: format!(
                    "{}: SQLite ended the transaction after an error",
                    self.database.path().display()
                ),
            }
            .into()
        };
        Some(self.ended.borrow().clone().unwrap_or_else(lost))
    }

    fn commit_first(&self, changes: &Changes) -> Result<Commit> {
        let result = self.apply(changes);
        match &result {
            Ok(Commit::Applied) => self.wrote.set(true),
            Ok(_) => {}
            Err(error) => match self.undo {
                Undo::Transaction => self.end(error),
                Undo::Savepoint => self.roll_back_to("ROLLBACK TO job", error),
            },
        }
        result
    }

    fn commit_further(&self, changes: &Changes) -> Result<Commit> {
        self.database.run("commit", "SAVEPOINT part")?;
        let result = self.apply(changes);
        if let Err(error) = &result {
            self.roll_back_to("ROLLBACK TO part", error);
        }
        if self.database.in_transaction() {
            self.database.run("commit", "RELEASE part")?;
        }
        result
    }

    fn apply(&self, changes: &Changes) -> Result<Commit> {
        self.database.apply(changes, &mut self.read.borrow_mut())
    }

    /// Undoes what was written since a savepoint, or everything if that fails.
    fn roll_back_to(&self, savepoint: &str, error: &Error) {
        let undone =
            self.database.in_transaction() && self.database.run("commit", savepoint).is_ok();
        if !undone {
            self.end(error);
        }
    }

    fn end(&self, error: &Error) {
        *self.ended.borrow_mut() = Some(error.clone());
        self.read.borrow_mut().clear();
        if self.database.in_transaction() {
            // A rollback can only fail where there is nothing left to roll back.
            let _ = self.database.run("commit", "ROLLBACK");
        }
    }
}

impl SyncStore for Unit<'_> {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let mut read = self.read.borrow_mut();
        if read.session(id) == Some(None) {
            return Ok(None);
        }
        let found = self.database.load(id, history)?;
        let row = found.as_ref().map(|found| found.row());
        read.note_session(id, row);
        Ok(found.map(|found| found.loaded))
    }

    fn commit(&self, changes: &Changes) -> Result<Commit> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        if self.wrote.get() {
            self.commit_further(changes)
        } else {
            self.commit_first(changes)
        }
    }

    fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut read = self.read.borrow_mut();
        self.database.list(query, |key, head| {
            read.note_session(&head.id, Some(SessionRow::of(key, head)));
        })
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let mut read = self.read.borrow_mut();
        if read.record(kind, key) == Some(None) {
            return Ok(None);
        }
        let found = self.database.record(kind, key)?;
        read.note_record(kind, key, found.as_ref().map(|record| record.version));
        Ok(found)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let records = self.database.scan(scan)?;
        let mut read = self.read.borrow_mut();
        for record in &records {
            read.note_record(&record.kind, &record.key, Some(record.version));
        }
        Ok(records)
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        self.database.tally(filter).map(Some)
    }
}

#[cfg(test)]
mod tests;
