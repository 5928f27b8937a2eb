//! What each write transaction asks for, and what hardly ever changes: the version of the schema, and the records of the keys of an
//! encrypted store. A connection remembers both until another one has committed something. So a transaction of the only writer reads
//! one number for them.

use std::cell::{Cell, RefCell};

use tenure_core::stored::record::Record;

/// The kind of the records that are remembered.
pub(crate) const STANDING: &str = "encryption";
/// The most records that are remembered.
pub(crate) const MOST: u32 = 100;

/// What a connection remembers.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// In a transaction that has asked for it: a number that changes with the commits of other connections.
    pub(crate) others: Cell<Option<i64>>,
    /// That number when the version of the schema was read.
    pub(crate) schema_read_at: Cell<Option<i64>>,
    /// That number when the records were read, and the records.
    records: RefCell<Option<(i64, Vec<Record>)>>,
    /// Whether the transaction has written such records, which may be rolled back.
    is_written: Cell<bool>,
}

impl Standing {
    /// A transaction begins.
    pub(crate) fn begin(&self) {
        self.others.set(None);
        self.is_written.set(false);
    }

    /// The records, if they were read when `others` was this number.
    pub(crate) fn records_at(&self, others: i64) -> Option<Vec<Record>> {
        let remembered = self.records.borrow();
        let (read_at, records) = remembered.as_ref()?;
        (*read_at == others).then(|| records.clone())
    }

    /// Remembers the records, unless the transaction has written some.
    pub(crate) fn remember(&self, others: i64, records: &[Record]) {
        if !self.is_written.get() {
            *self.records.borrow_mut() = Some((others, records.to_vec()));
        }
    }

    /// The transaction writes a record of a kind.
    pub(crate) fn note_write(&self, kind: &str) {
        if kind == STANDING {
            self.is_written.set(true);
            self.records.take();
        }
    }
}
