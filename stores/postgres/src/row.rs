//! Rows of PostgreSQL, in the columns that the relational stores share.

use std::error::Error;

use tenure_columns::{Columns, head_columns};
pub(crate) use tenure_columns::{Damage, HEAD_COUNT, head_values, restored, stored};
use tenure_core::stored::record::Record;
use tenure_core::{Event, Head, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// The columns of a head.
pub(crate) const HEAD: &str = head_columns!();
/// The columns of a session: those of its head, and the token of the commit that has written it.
pub(crate) const SESSION: &str = concat!(head_columns!(), ", written_by");
/// The columns of an event.
pub(crate) const EVENT: &str = "sequence, timestamp, type, data";
/// The columns of a record.
pub(crate) const RECORD: &str = "kind, key, version, expires_at, owner, body";

/// The value of `updated_period`: the ten seconds in which a session was updated.
pub(crate) fn period(updated_at: Timestamp) -> i64 {
    updated_at.as_millis().div_euclid(10_000)
}

/// Reads a head from a row of [`HEAD`].
pub(crate) fn read_head(row: &Row) -> Result<Head, Damage> {
    tenure_columns::read_head(&Values(row))
}

/// Reads an event from a row of [`EVENT`].
pub(crate) fn read_event(row: &Row) -> Result<Event, Damage> {
    tenure_columns::read_event(&Values(row))
}

/// Reads a record from a row of [`RECORD`].
pub(crate) fn read_record(row: &Row) -> Result<Record, Damage> {
    tenure_columns::read_record(&Values(row))
}

/// The text of a column, which identifies a damaged row.
pub(crate) fn any_text(row: &Row, column: usize) -> String {
    optional_any_text(row, column).unwrap_or_default()
}

/// As [`any_text`], of a column that may be empty.
pub(crate) fn optional_any_text(row: &Row, column: usize) -> Option<String> {
    row.try_get::<_, Option<&str>>(column)
        .ok()?
        .map(str::to_owned)
}

/// A value of a column, which must have this type.
pub(crate) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Damage> {
    // What is wrong with a value is in the source, without the value.
    let problem = |error: tokio_postgres::Error| {
        let source = Error::source(&error).map(ToString::to_string);
        source.unwrap_or_else(|| error.to_string())
    };
    row.try_get(column).map_err(problem)
}

/// The values of a row.
struct Values<'r>(&'r Row);

impl<'r> Values<'r> {
    fn named<T: FromSql<'r>>(&self, column: usize, name: &str) -> Result<T, Damage> {
        get(self.0, column).map_err(|problem| format!("{name}: {problem}"))
    }
}

impl<'r> Columns<'r> for Values<'r> {
    fn is_null(&self, column: usize, name: &str) -> Result<bool, Damage> {
        let value: Option<Present> = self.named(column, name)?;
        Ok(value.is_none())
    }

    fn text(&self, column: usize, name: &str) -> Result<&'r str, Damage> {
        self.named(column, name)
    }

    fn integer(&self, column: usize, name: &str) -> Result<i64, Damage> {
        self.named(column, name)
    }

    fn boolean(&self, column: usize, name: &str) -> Result<bool, Damage> {
        self.named(column, name)
    }
}

/// A value of any type, which is not read.
struct Present;

impl FromSql<'_> for Present {
    fn from_sql(_: &Type, _: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
