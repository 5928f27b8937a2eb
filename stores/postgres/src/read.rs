//! Reading sessions and records by their keys, any number in one round trip.

use std::collections::HashMap;

use tenure_core::error::Cause;
use tenure_core::store::{Found, Loaded, Read, Scan};
use tenure_core::stored::record::Record;
use tenure_core::{Error, Event, Head, History, Result, SessionId};
use tokio_postgres::Row;

use crate::database::Database;
use crate::failure::failed;
use crate::request::{Frame, Request, Value};
use crate::row::{self, EVENT, HEAD_COUNT, RECORD, SESSION, read_event, read_head, read_record};

impl Database {
    /// See `Store::load`.
    pub(crate) async fn load(&self, id: &SessionId, history: History) -> Result<Option<Loaded>> {
        let read = Read::Session {
            id: id.clone(),
            history,
        };
        match self.read_all(&[read]).await?.pop() {
            Some(Found::Session(loaded)) => Ok(loaded?.map(|loaded| *loaded)),
            _ => Err(Error::internal("a session was not read")),
        }
    }

    /// See `Store::record`.
    pub(crate) async fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        match self.read_all(&[Read::record(kind, key)]).await?.pop() {
            Some(Found::Record(record)) => Ok(record),
            _ => Err(Error::internal("a record was not read")),
        }
    }

    /// See `Store::read`. All heads are one statement, all records are another, and each history is one more.
    pub(crate) async fn read_all(&self, reads: &[Read]) -> Result<Vec<Found>> {
        if reads.is_empty() {
            return Ok(Vec::new());
        }
        let (mut ids, mut kinds, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut histories = Vec::new();
        for read in reads {
            match read {
                Read::Session { id, history } => {
                    ids.push(Some(id.as_str()));
                    if *history != History::None {
                        histories.push(self.events(id, *history));
                    }
                }
                Read::Record { kind, key } => {
                    kinds.push(Some(kind.as_str()));
                    keys.push(Some(key.as_str()));
                }
            }
        }
        let mut requests = Vec::new();
        let has_sessions = !ids.is_empty();
        if has_sessions {
            requests.push(self.heads(ids));
        }
        let has_records = !keys.is_empty();
        if has_records {
            requests.push(self.records(kinds, keys));
        }
        // A history has to be that of the head.
        let frame = match histories.is_empty() {
            true => Frame::Alone,
            false => Frame::Snapshot,
        };
        requests.extend(histories);
        let mut replies = self.read("read", frame, &requests).await?.into_iter();
        let mut heads: HashMap<String, Row> = HashMap::new();
        if has_sessions {
            let rows = replies.next().unwrap_or_default().into_iter();
            heads.extend(rows.map(|row| (row::any_text(&row, 0), row)));
        }
        let mut records: HashMap<(String, String), Record> = HashMap::new();
        if has_records {
            for row in replies.next().unwrap_or_default() {
                let record = read_record(&row).map_err(|damage| self.damaged("record", &damage))?;
                records.insert((record.kind.clone(), record.key.clone()), record);
            }
        }
        let found = |read: &Read| match read {
            Read::Record { kind, key } => {
                let record = records.get(&(kind.clone(), key.clone())).cloned();
                self.heads.note_record(kind, key, record.is_none());
                Found::Record(record)
            }
            Read::Session { id, history } => {
                let events = match history {
                    History::None => Vec::new(),
                    _ => replies.next().unwrap_or_default(),
                };
                let row = heads.get(id.as_str());
                let loaded = row.map(|row| loaded(row, &events, *history));
                if let (Some(row), Some(Ok(loaded))) = (row, &loaded)
                    && let Ok(Some(commit)) = row::get::<Option<i64>>(row, HEAD_COUNT)
                {
                    self.heads.note_head(&loaded.head, commit);
                }
                Found::Session(
                    loaded
                        .transpose()
                        .map_err(|damage| self.corrupt(id, &damage)),
                )
            }
        };
        Ok(reads.iter().map(found).collect())
    }

    /// See `Store::scan`.
    pub(crate) async fn scan(&self, scan: &Scan) -> Result<Vec<Record>> {
        let mut request = Request::default();
        let kind = request.bind(scan.kind.as_str());
        // No key precedes the empty key.
        let (compares, after) = match scan.after.as_deref() {
            Some(after) => (">", after),
            None => (">=", ""),
        };
        let after = request.bind(after);
        let limit = request.bind(i64::from(scan.limit));
        request.push(format_args!(
            "SELECT {RECORD} FROM {}.records WHERE kind = {kind} AND key {compares} {after} \
             ORDER BY key LIMIT {limit}",
            self.schema
        ));
        let replies = self.read("scan", Frame::Alone, &[request]).await?;
        let rows = replies.iter().flatten();
        rows.map(|row| read_record(row).map_err(|damage| self.damaged("scan", &damage)))
            .collect()
    }

    fn heads<'a>(&self, ids: Vec<Option<&'a str>>) -> Request<'a> {
        let mut request = Request::default();
        match ids.as_slice() {
            [Some(id)] => {
                let id = request.bind(*id);
                request.push(format_args!(
                    "SELECT {SESSION} FROM {}.sessions WHERE id = {id}",
                    self.schema
                ));
            }
            _ => {
                let ids = request.bind(Value::Texts(ids));
                request.push(format_args!(
                    "SELECT {SESSION} FROM {}.sessions WHERE id = ANY({ids})",
                    self.schema
                ));
            }
        }
        request
    }

    fn records<'a>(&self, kinds: Vec<Option<&'a str>>, keys: Vec<Option<&'a str>>) -> Request<'a> {
        let mut request = Request::default();
        match (kinds.as_slice(), keys.as_slice()) {
            ([Some(kind)], [Some(key)]) => {
                let (kind, key) = (request.bind(*kind), request.bind(*key));
                request.push(format_args!(
                    "SELECT {RECORD} FROM {}.records WHERE kind = {kind} AND key = {key}",
                    self.schema
                ));
            }
            _ => {
                let kinds = request.bind(Value::Texts(kinds));
                let keys = request.bind(Value::Texts(keys));
                request.push(format_args!(
                    "SELECT r.kind, r.key, r.version, r.expires_at, r.owner, r.body \
                     FROM unnest({kinds}, {keys}) AS w (kind, key) \
                     JOIN {}.records AS r ON r.kind = w.kind AND r.key = w.key",
                    self.schema
                ));
            }
        }
        request
    }

    /// The events of a part of a history, and perhaps of later ones. Those are left out that follow the one with which their
    /// data exceeds what is wanted.
    fn events<'a>(&self, id: &'a SessionId, history: History) -> Request<'a> {
        let mut request = Request::default();
        let schema = &self.schema;
        let id = request.bind(id.as_str());
        let largest = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let range = match history {
            History::Last { count } => {
                let count = request.bind(i64::from(count));
                format!(
                    "sequence > (SELECT event_count - {count} FROM {schema}.sessions WHERE id = {id})"
                )
            }
            History::After { sequence, limit } => {
                let last = request.bind(largest(sequence.saturating_add(limit.into())));
                let sequence = request.bind(largest(sequence));
                format!("sequence > {sequence} AND sequence <= {last}")
            }
            History::All | History::None => "true".to_owned(),
        };
        let events = format!("FROM {schema}.events WHERE session_id = {id} AND {range}");
        match history.max_bytes() {
            u64::MAX => request.push(format_args!("SELECT {EVENT} {events} ORDER BY sequence")),
            most => {
                let most = request.bind(largest(most));
                request.push(format_args!(
                    "SELECT {EVENT} FROM (SELECT {EVENT}, \
                     sum(size) OVER (ORDER BY sequence) - size AS before FROM (\
                     SELECT {EVENT}, octet_length(type)::BIGINT + octet_length(data) AS size \
                     {events}) AS sized) AS summed WHERE before <= {most} ORDER BY sequence"
                ));
            }
        }
        request
    }

    fn corrupt(&self, id: &SessionId, damage: &str) -> Error {
        Cause::CorruptSession {
            id: id.to_string(),
            problem: format!("{damage} (in {})", self.shown),
        }
        .into()
    }

    fn damaged(&self, method: &str, damage: &str) -> Error {
        failed(method, format!("{damage} (in {})", self.shown))
    }
}

/// A session of its row and those of its events.
fn loaded(head: &Row, events: &[Row], history: History) -> Result<Box<Loaded>, row::Damage> {
    let head = read_head(head)?;
    let events = part(&head, events, history)?;
    Ok(Box::new(Loaded { head, events }))
}

/// The events of a part of a history, of which none may be missing.
fn part(head: &Head, rows: &[Row], history: History) -> Result<Vec<Event>, row::Damage> {
    let Some((first, last)) = history.range(head.event_count) else {
        return Ok(Vec::new());
    };
    let (mut events, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let event = read_event(row)?;
        if event.sequence > last || bytes > history.max_bytes() {
            break;
        }
        let next = first + events.len() as u64;
        if event.sequence != next {
            return Err(format!("event {next} is missing"));
        }
        bytes += event.user_bytes();
        events.push(event);
    }
    let next = first + events.len() as u64;
    match next <= last && bytes <= history.max_bytes() {
        true => Err(format!("event {next} is missing")),
        false => Ok(events),
    }
}
