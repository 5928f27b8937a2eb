//! Reads of the store's files, with the contents of a pending intent. Nothing is cached, so that
//! changes by other processes are visible immediately.

use std::io::ErrorKind;

use tenure_core::error::Cause;
use tenure_core::stored::record::Record;
use tenure_core::{Error, Result, SessionId};

use crate::bucket::{Bucket, BucketEntry};
use crate::disk::Disk;
use crate::failure::{describe, is_absent, is_transient};
use crate::intent::{Intent, Target};
use crate::layout::{self, BucketName};
use crate::session_file::{Part, SessionFile};

/// The store's folder with one intent.
#[derive(Debug)]
pub(crate) struct View<'d, D> {
    pub(crate) disk: &'d D,
    pub(crate) intent: Intent,
    method: &'static str,
}

/// The result of reading a session file.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    Session(Box<SessionFile>),
    /// A session that cannot be read, and the reason.
    Unreadable(String),
}

impl<'d, D: Disk> View<'d, D> {
    /// The present state of the folder. `method` is the method of the store that reads it.
    pub(crate) fn new(disk: &'d D, method: &'static str) -> Result<Self> {
        let intent = match disk.read(layout::INTENT) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let place = disk.place(layout::INTENT);
                Cause::StoreUnavailable {
                    problem: format!(
                        "{place}: {error}; it is not as Tenure wrote it: restore it, or remove it to go on with the files as they are"
                    ),
                }
            })?,
            Err(error) if is_absent(&error) => Intent::default(),
            Err(error) => return Err(describe(disk, method, layout::INTENT, &error)),
        };
        Ok(Self::with(disk, intent, method))
    }

    /// The state with an intent that was read before.
    pub(crate) fn with(disk: &'d D, intent: Intent, method: &'static str) -> Self {
        Self {
            disk,
            intent,
            method,
        }
    }

    /// The number of the last write of several files.
    pub(crate) fn number(&self) -> u64 {
        self.intent.number
    }

    /// Reads a session file.
    pub(crate) fn session(&self, id: &SessionId, part: Part) -> Result<Found> {
        let path = layout::session(id);
        let read = match self.intent.file(&Target::Session(id.clone())) {
            Some(file) => match &file.text {
                Some(text) => SessionFile::read(id, text.as_bytes(), part),
                None => return Ok(Found::Nothing),
            },
            None => match self.disk.read(&path) {
                Ok(bytes) => SessionFile::read(id, &bytes, part),
                Err(error) if is_absent(&error) => return Ok(Found::Nothing),
                Err(error) if is_transient(&error) => {
                    return Err(describe(self.disk, self.method, &path, &error));
                }
                Err(error) => Err(error.to_string()),
            },
        };
        Ok(match read {
            Ok(file) => Found::Session(Box::new(file)),
            Err(problem) => Found::Unreadable(format!("{}: {problem}", self.disk.place(&path))),
        })
    }

    /// Reads a session file. An unreadable session is an error.
    pub(crate) fn readable(&self, id: &SessionId, part: Part) -> Result<Option<SessionFile>> {
        match self.session(id, part)? {
            Found::Nothing => Ok(None),
            Found::Session(file) => Ok(Some(*file)),
            Found::Unreadable(problem) => Err(corrupt(id, problem)),
        }
    }

    /// The names of the folders that may contain sessions.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = match self.disk.list(layout::BASE) {
            Ok(entries) => entries
                .into_iter()
                .filter(|entry| entry.is_folder && !entry.name.starts_with('.'))
                .map(|entry| entry.name)
                .collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(describe(self.disk, self.method, layout::BASE, &error)),
        };
        for file in &self.intent.files {
            if let Target::Session(id) = &file.target {
                names.push(id.as_str().to_owned());
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Whether a folder whose name is not an id contains a session file.
    pub(crate) fn is_misnamed(&self, name: &str) -> bool {
        let path = format!("{name}/{}", layout::SESSION);
        self.disk.read(&path).is_ok()
    }

    /// Reads a file of records.
    pub(crate) fn bucket(&self, name: &BucketName) -> Result<Option<Bucket>> {
        let path = name.path();
        let read = match self.intent.file(&Target::Records(name.clone())) {
            Some(file) => match &file.text {
                Some(text) => serde_json::from_str(text),
                None => return Ok(None),
            },
            None => match self.disk.read(&path) {
                Ok(bytes) => serde_json::from_slice(&bytes),
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(describe(self.disk, self.method, &path, &error)),
            },
        };
        read.map(Some).map_err(|error| {
            Cause::StoreFailed {
                method: self.method.to_owned(),
                problem: format!(
                    "{}: {error}; it holds records and is not as Tenure wrote it",
                    self.disk.place(&path)
                ),
            }
            .into()
        })
    }

    /// The names of the files of records of a kind.
    pub(crate) fn buckets(&self, kind: &str) -> Result<Vec<BucketName>> {
        let folder = layout::kind_folder(kind);
        let mut names: Vec<BucketName> = match self.disk.list(&folder) {
            Ok(entries) => entries
                .iter()
                .filter_map(|entry| BucketName::listed(kind, &entry.name))
                .collect(),
            Err(error) if is_absent(&error) => Vec::new(),
            Err(error) => return Err(describe(self.disk, self.method, &folder, &error)),
        };
        for file in &self.intent.files {
            if let Target::Records(name) = &file.target
                && name.folder() == folder
            {
                names.push(name.clone());
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Reads a record from its bucket or from its owner.
    pub(crate) fn record(&self, kind: &str, key: &str) -> Result<Option<Record>> {
        let bucket = self.bucket(&BucketName::of(kind, key))?;
        let entry = bucket.as_ref().and_then(|bucket| bucket.entry(kind, key));
        if let Some(BucketEntry {
            record: Some(record),
            ..
        }) = entry
        {
            return Ok(Some(record.clone()));
        }
        let pointed = entry.and_then(|entry| entry.session.clone());
        for owner in pointed.into_iter().chain(owner_in(key)) {
            if let Some(file) = self.readable(&owner, Part::Head)?
                && let Some(record) = file.record(kind, key)
            {
                return Ok(Some(record.clone()));
            }
        }
        Ok(None)
    }
}

/// The session that a key names before its first slash. Records that this session owns need no
/// pointer.
pub(crate) fn owner_in(key: &str) -> Option<SessionId> {
    let (name, _) = key.split_once('/')?;
    SessionId::parse(name).ok()
}

/// The error for a session that cannot be read.
pub(crate) fn corrupt(id: &SessionId, problem: String) -> Error {
    Cause::CorruptSession {
        id: id.to_string(),
        problem,
    }
    .into()
}
