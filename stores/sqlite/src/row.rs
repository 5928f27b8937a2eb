//! Rows of SQLite, in the columns that the relational stores share. SQLite keeps values of any type in any column.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, Statement};
use tenure_columns::{Columns, Value, head_values};
pub(crate) use tenure_columns::{Damage, HEAD_COUNT, head_columns, restored, stored};
use tenure_core::stored::record::Record;
use tenure_core::{Event, Head};

/// The column with the key of a row, in statements that select [`head_columns`].
pub(crate) const KEY: usize = HEAD_COUNT;

/// Reads a head from a row of [`head_columns`].
pub(crate) fn read_head(row: &Row<'_>) -> Result<Head, Damage> {
    tenure_columns::read_head(&Values(row))
}

/// Binds a head to the first parameters of a statement, in the order of [`head_columns`].
pub(crate) fn bind_head(statement: &mut Statement<'_>, head: &Head) -> rusqlite::Result<()> {
    for (index, value) in head_values(head).iter().enumerate() {
        let value = match value {
            Value::Integer(integer) => integer.map(ValueRef::Integer),
            Value::Boolean(boolean) => boolean.map(|boolean| ValueRef::Integer(boolean.into())),
            Value::Text(text) => text.as_ref().map(|text| ValueRef::Text(text.as_bytes())),
        };
        let value = value.unwrap_or(ValueRef::Null);
        statement.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(value))?;
    }
    Ok(())
}

/// Reads an event from a row of `sequence, timestamp, type, data`.
pub(crate) fn read_event(row: &Row<'_>) -> Result<Event, Damage> {
    tenure_columns::read_event(&Values(row))
}

/// Reads a record from a row of `kind, key, version, expires_at, owner, body`.
pub(crate) fn read_record(row: &Row<'_>) -> Result<Record, Damage> {
    tenure_columns::read_record(&Values(row))
}

/// The text of a column of any type, which identifies a damaged row.
pub(crate) fn any_text(row: &Row<'_>, column: usize) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

/// As [`any_text`], of a column that may be empty.
pub(crate) fn optional_any_text(row: &Row<'_>, column: usize) -> Option<String> {
    let is_null = matches!(row.get_ref(column), Ok(ValueRef::Null));
    (!is_null).then(|| any_text(row, column))
}

/// The values of a row.
struct Values<'r>(&'r Row<'r>);

impl<'r> Values<'r> {
    fn named(&self, column: usize, name: &str) -> Result<ValueRef<'r>, Damage> {
        self.0
            .get_ref(column)
            .map_err(|error| format!("{name}: {error}"))
    }
}

impl<'r> Columns<'r> for Values<'r> {
    fn is_null(&self, column: usize, name: &str) -> Result<bool, Damage> {
        self.named(column, name)
            .map(|value| matches!(value, ValueRef::Null))
    }

    fn text(&self, column: usize, name: &str) -> Result<&'r str, Damage> {
        match self.named(column, name)? {
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))
            }
            other => Err(format!("{name} is {}, not text", other.data_type())),
        }
    }

    fn integer(&self, column: usize, name: &str) -> Result<i64, Damage> {
        match self.named(column, name)? {
            ValueRef::Integer(integer) => Ok(integer),
            other => Err(format!("{name} is {}, not an integer", other.data_type())),
        }
    }

    fn boolean(&self, column: usize, name: &str) -> Result<bool, Damage> {
        self.integer(column, name).map(|integer| integer != 0)
    }
}
