//! The store as a job sees it that runs inside an open transaction: reads see what the job has
//! written, and a commit that fails leaves nothing of itself behind.

use std::cell::{Cell, RefCell};

use tenure_core::store::filter::Filter;
use tenure_core::store::tally::Tally;
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};

use crate::CAPABILITIES;
use crate::database::Database;

/// What is undone when a job's first commit fails. (Later ones have a savepoint of their own; the
/// first does without, since nothing else would be lost. That is most of what savepoints cost.)
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
}

impl<'d> Unit<'d> {
    pub(crate) fn new(database: &'d Database, undo: Undo) -> Self {
        Self {
            database,
            undo,
            wrote: Cell::new(false),
            ended: RefCell::new(None),
        }
    }

    /// Whether a commit was applied in it.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote.get()
    }

    /// The error that ended the transaction before its time, if it has ended. SQLite may end it on
    /// any error, of a read too.
    pub(crate) fn ended(&self) -> Option<Error> {
        if self.database.in_transaction() {
            return None;
        }
        let lost = || Error::StoreUnavailable {
            problem: format!(
                "{}: SQLite gave the transaction up after an error",
                self.database.path().display()
            ),
        };
        Some(self.ended.borrow().clone().unwrap_or_else(lost))
    }

    fn commit_first(&self, changes: &Changes) -> Result<Commit> {
        let answer = self.database.apply(changes);
        match &answer {
            Ok(Commit::Applied) => self.wrote.set(true),
            Ok(_) => {}
            Err(error) => match self.undo {
                Undo::Transaction => self.end(error),
                Undo::Savepoint => self.back_to("ROLLBACK TO job", error),
            },
        }
        answer
    }

    fn commit_further(&self, changes: &Changes) -> Result<Commit> {
        self.database.run("commit", "SAVEPOINT part")?;
        let answer = self.database.apply(changes);
        if let Err(error) = &answer {
            self.back_to("ROLLBACK TO part", error);
        }
        if self.database.in_transaction() {
            self.database.run("commit", "RELEASE part")?;
        }
        answer
    }

    /// Undoes what was written since a savepoint, or everything if that cannot be.
    fn back_to(&self, savepoint: &str, error: &Error) {
        let back = self.database.in_transaction() && self.database.run("commit", savepoint).is_ok();
        if !back {
            self.end(error);
        }
    }

    fn end(&self, error: &Error) {
        *self.ended.borrow_mut() = Some(error.clone());
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
        self.database.load(id, history)
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
        self.database.list(query)
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        self.database.record(kind, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        self.database.scan(scan)
    }

    fn tally(&self, filter: &Filter) -> Result<Option<Tally>> {
        self.database.tally(filter).map(Some)
    }
}
