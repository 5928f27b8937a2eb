//! The content of a ref: records, as the text of its one file, a line each.

use serde::Deserialize;
use tenure_core::error::Cause;
use tenure_core::stored::record::Record;
use tenure_core::{Error, Result};

/// The file of a ref's commit.
pub(crate) const FILE: &str = "records.json";
/// The newest schema version of the file that can be read.
const SCHEMA: u32 = 1;

/// The records of a ref, and its commit when they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Bucket {
    /// The commit; `None` if the ref does not exist.
    pub(crate) commit: Option<String>,
    pub(crate) records: Vec<Record>,
}

impl Bucket {
    /// The record with this kind and key.
    pub(crate) fn record(&self, kind: &str, key: &str) -> Option<&Record> {
        let mut records = self.records.iter();
        records.find(|record| record.kind == kind && record.key == key)
    }
}

/// The text of a file with these records.
pub(crate) fn print(records: &[Record]) -> Result<String> {
    let mut text = format!("{{\"schema\":{SCHEMA},\"records\":[");
    for (number, record) in records.iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        let line = serde_json::to_string(record);
        text.push_str(&line.map_err(|error| Error::internal(error.to_string()))?);
    }
    text.push_str("\n]}\n");
    Ok(text)
}

/// Parses the file of a ref.
pub(crate) fn parse(name: &str, text: &[u8]) -> Result<Vec<Record>> {
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    #[derive(Deserialize)]
    struct File {
        records: Vec<Record>,
    }
    let invalid = |error: serde_json::Error| Cause::StoreMisbehaved {
        method: "record".to_owned(),
        problem: format!(
            "{FILE} of the ref {name} keeps no records: {error}; what is no longer needed can be \
             removed with `git push REMOTE :{name}`"
        ),
    };
    let Schema { schema } = serde_json::from_slice(text).map_err(invalid)?;
    if schema > SCHEMA {
        return Err(Cause::SchemaTooNew {
            found: schema,
            supported: SCHEMA,
        }
        .into());
    }
    let File { records } = serde_json::from_slice(text).map_err(invalid)?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_contains_its_records_and_its_schema() {
        let record = Record {
            kind: "lease".to_owned(),
            key: "a\n\"b\"".to_owned(),
            version: 7,
            expires_at: None,
            owner: None,
            body: r#"{"a":1e400}"#.to_owned(),
        };
        let records = [record.clone(), record];
        for records in [&records[..], &records[..1], &[]] {
            let text = print(records).unwrap();
            assert_eq!(parse("r", text.as_bytes()).unwrap(), records);
            assert_eq!(text.lines().count(), 2 + records.len());
        }
        let code = |text: &str| parse("r", text.as_bytes()).unwrap_err().code();
        assert_eq!(code(r#"{"schema":2,"entries":{}}"#), "SCHEMA_TOO_NEW");
        for damaged in [
            "",
            "{}",
            "[]",
            r#"{"schema":1}"#,
            r#"{"schema":1,"records":[{}]}"#,
        ] {
            assert_eq!(code(damaged), "STORE_MISBEHAVED", "{damaged}");
        }
    }
}
