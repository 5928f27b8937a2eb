//! Reading an archive for a handle, on the runtime thread, with the keys of the handle's store.

use std::sync::Arc;

use serde::Serialize;
use tenure_archive::{Archive, ArchiveError, DEFAULT_PAGE, Entry};
use tenure_bridge::{Answer, Options, answer};
use tenure_core::value::limits::page_limit;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::{Error, Result, Text, Timestamp};
use tenure_host::{RuntimeThread, open_existing_archive};

use crate::store_thread::Completion;

/// What is to be read from an archive.
pub(crate) struct Reading {
    runtime: Arc<RuntimeThread>,
    archive: Archive,
    what: What,
}

enum What {
    List(ListParams),
    Get(GetParams),
    Verify,
}

struct ListParams {
    id: Option<Text>,
    after: Option<Timestamp>,
    limit: Option<u32>,
    cursor: Option<Text>,
}

impl Params for ListParams {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            id: properties.take("id"),
            after: properties.take("after"),
            limit: properties.take("limit"),
            cursor: properties.take("cursor"),
        }
    }
}

struct GetParams {
    id: Text,
    version: Option<u64>,
}

impl Params for GetParams {
    fn take(properties: &mut Properties<'_>) -> Self {
        Self {
            id: properties.take("id"),
            version: properties.take("version"),
        }
    }
}

/// An archived session, to the byte as it was exported.
#[derive(Serialize)]
struct Got<'a> {
    entry: &'a Entry,
    text: &'a str,
}

impl Reading {
    /// Opens the archive of an address, to read what a method with parameters names.
    pub(crate) fn new(address: &str, method: &str, params: &str, keys: &Options) -> Result<Self> {
        let what = match method {
            "list" => {
                let params = ListParams::read(method, params)?;
                page_limit(params.limit, DEFAULT_PAGE)?;
                What::List(params)
            }
            "get" => What::Get(GetParams::read(method, params)?),
            "verify" => What::Verify,
            _ => return Err(Error::internal("there is no such method of an archive")),
        };
        Ok(Self {
            runtime: RuntimeThread::shared()?,
            archive: open_existing_archive(address, keys).map_err(Error::from)?,
            what,
        })
    }

    pub(crate) fn run(self, operation: u32, completion: Completion) {
        let Self {
            runtime,
            archive,
            what,
        } = self;
        let handle = runtime.handle().clone();
        handle.spawn(async move {
            let read = read(&archive, what).await;
            let answer = read.unwrap_or_else(|error| answer::error(&error.into()));
            completion.send(operation, answer);
            // The runtime lives as long as what runs on it.
            drop(runtime);
        });
    }
}

async fn read(archive: &Archive, what: What) -> Result<Answer, ArchiveError> {
    match what {
        What::List(params) => {
            let id = params.id.as_ref().map(Text::as_str);
            let cursor = params.cursor.as_ref().map(Text::as_str);
            let limit = page_limit(params.limit, DEFAULT_PAGE)? as usize;
            let page = archive.list(id, params.after, limit, cursor).await?;
            Ok(answer::ok(&page))
        }
        What::Get(GetParams { id, version }) => match archive.get(id.as_str(), version).await {
            Ok((entry, text)) => Ok(answer::ok(&Got {
                entry: &entry,
                text: &text,
            })),
            Err(ArchiveError::NotFound { .. }) => Ok(answer::ok(&())),
            Err(error) => Err(error),
        },
        What::Verify => Ok(answer::ok(&archive.verify(|_| ()).await?)),
    }
}
