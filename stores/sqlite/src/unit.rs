//! The store for a job that runs inside an open transaction. Reads see the writes of the job, and a
//! failed commit is rolled back completely.

use std::cell::{Cell, RefCell};

use tenure_core::error::Cause;
use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{Capabilities, Changes, Commit, ListQuery, Loaded, Page, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, History, Result, SessionId, SyncStore};
use tenure_store_transaction::Rewrite;

use crate::database::Database;
use crate::read_set::{ReadSet, SessionRow};
use crate::standing::STANDING;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    persistent: true,
    shared: true,
    feed: true,
    reindents: false,
    records_only: false,
};

/// What is rolled back when the first commit of a job fails. Later commits have their own
/// savepoints. The first one needs none, because nothing else is lost with it, which saves most of
/// the cost of savepoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undo {
    /// The whole transaction, which belongs to the job.
    Transaction,
    /// The savepoint `job`, which the caller has opened for the job.
    Savepoint,
}

/// The store for a job in a transaction.
#[derive(Debug)]
pub(crate) struct Unit<'d> {
    database: &'d Database,
    undo: Undo,
    wrote: Cell<bool>,
    /// Whether an applied commit makes room on the disk.
    makes_room: Cell<bool>,
    ended: RefCell<Option<Error>>,
    /// The rows that the job knows. They stay valid after a failed commit, because only an applied
    /// commit adds its writes.
    read: RefCell<ReadSet>,
}

impl<'d> Unit<'d> {
    pub(crate) fn new(database: &'d Database, undo: Undo) -> Self {
        Self {
            database,
            undo,
            wrote: Cell::new(false),
            makes_room: Cell::new(false),
            ended: RefCell::new(None),
            read: RefCell::default(),
        }
    }

    /// Whether a commit was applied.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote.get()
    }

    /// Whether an applied commit makes room on the disk.
    pub(crate) fn makes_room(&self) -> bool {
        self.makes_room.get()
    }

    /// The error with which the transaction ended early, if it has ended. SQLite may end it on any
    /// error, including that of a read.
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

    /// Writes values of a session in another form.
    pub(crate) fn rewrite(&self, rewrite: &Rewrite) -> Result<Commit> {
        let result = self.database.rewrite(rewrite, &mut self.read.borrow_mut());
        match &result {
            Ok(Commit::Applied) => self.wrote.set(true),
            Ok(_) => {}
            // The transaction has nothing else.
            Err(error) => self.end(error),
        }
        result
    }

    fn apply(&self, changes: &Changes) -> Result<Commit> {
        let applied = self.database.apply(changes, &mut self.read.borrow_mut())?;
        if applied == Commit::Applied && changes.makes_room() {
            self.makes_room.set(true);
        }
        Ok(applied)
    }

    /// Rolls back to a savepoint. If that fails, rolls back the transaction.
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
            // A rollback fails only if there is nothing to roll back.
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
        let found = match kind {
            STANDING => {
                let mut records = self.database.standing_records()?.into_iter();
                records.find(|record| record.key == key)
            }
            _ => self.database.record(kind, key)?,
        };
        read.note_record(kind, key, found.as_ref().map(|record| record.version));
        Ok(found)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let records = match (&*scan.kind, &scan.after) {
            (STANDING, None) => {
                let mut records = self.database.standing_records()?;
                records.truncate(scan.limit as usize);
                records
            }
            _ => self.database.scan(scan)?,
        };
        let mut read = self.read.borrow_mut();
        for record in &records {
            read.note_record(&record.kind, &record.key, Some(record.version));
        }
        Ok(records)
    }

    fn tally(&self, filter: &Filter, aggregate: Aggregate) -> Result<Option<Tally>> {
        self.database.tally(filter, aggregate).map(Some)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage> {
        self.database.feed(query)
    }
}

#[cfg(test)]
pub(crate) mod tests;
