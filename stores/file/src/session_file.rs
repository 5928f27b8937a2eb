//! A session in the format of its file: the head, the history, and the records that it owns. The
//! format is the core's, indented. The records are an additional property that only this store
//! reads.

use tenure_core::session::portable;
use tenure_core::stored::record::Record;
use tenure_core::{Event, Head, Json, Result, SessionId};

/// The content of a session's file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionFile {
    pub(crate) head: Head,
    pub(crate) events: Vec<Event>,
    /// The records that the session owns, unordered.
    pub(crate) records: Vec<Record>,
}

/// How much of a file is loaded into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Head,
    All,
}

impl SessionFile {
    /// The text of the file.
    pub(crate) fn print(self) -> Result<String> {
        let records = (!self.records.is_empty()).then(|| Json::of(&self.records));
        let text = portable::print(self.head, self.events, records.as_ref())?;
        Ok(Json::parse(&text)?.indented())
    }

    /// Parses the file of session `id`. Returns a description of the problem if it is invalid. Both
    /// parts detect the same problems.
    pub(crate) fn read(id: &SessionId, bytes: &[u8], part: Part) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let read = match part {
            Part::Head => portable::read_head(text),
            Part::All => portable::read(text),
        };
        let portable = read.map_err(|error| error.to_string())?;
        let mut head = portable.head;
        if head.id != *id {
            return Err(format!(
                "it holds session {}; a session's folder has the name of its id",
                head.id
            ));
        }
        let mut events = portable.events;
        // The white space is a part of the file format, not of the user data.
        head.context = head.context.compact();
        head.result_data = head.result_data.map(Json::compact);
        head.metadata = head.metadata.map(Json::compact);
        for event in &mut events {
            event.data = std::mem::take(&mut event.data).compact();
        }
        let mut records: Vec<Record> = match &portable.records {
            Some(records) => serde_json::from_str(records.as_str())
                .map_err(|error| format!("records: {error}"))?,
            None => Vec::new(),
        };
        for record in &mut records {
            record.owner = Some(id.clone());
        }
        Ok(Self {
            head,
            events,
            records,
        })
    }

    pub(crate) fn record(&self, kind: &str, key: &str) -> Option<&Record> {
        self.records
            .iter()
            .find(|record| record.kind == kind && record.key == key)
    }
}
