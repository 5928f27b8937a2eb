//! The batches of sessions that a handle archives. Parts are stored on the runtime thread, with the keys of the handle's store, and
//! the answers come as those of the store do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tenure_archive::Batch;
use tenure_bridge::{Answer, Options, answer};
use tenure_core::error::Cause;
use tenure_core::value::properties::{Params, Properties};
use tenure_core::work::job::{ExportedPart, NotVerified};
use tenure_core::{Error, Json, Result, Text, Timestamp};
use tenure_host::{RuntimeThread, open_archive, random_bits};
use tokio::sync::Mutex;

use crate::store_thread::Completion;

/// The batches of a handle, by their numbers.
#[derive(Default)]
pub(crate) struct Archives {
    last: Cell<u32>,
    open: RefCell<BTreeMap<u32, OpenBatch>>,
}

#[derive(Clone)]
struct OpenBatch {
    runtime: Arc<RuntimeThread>,
    /// Its parts come one after another. It is taken at its end.
    batch: Arc<Mutex<Option<Batch>>>,
}

#[derive(Default)]
struct Part(ExportedPart);

impl Params for Part {
    fn take(properties: &mut Properties<'_>) -> Self {
        // The archive keeps it as it is.
        let about: Option<Json> = properties.take("about");
        Self(ExportedPart {
            id: properties.take("id"),
            version: properties.take("version"),
            about,
            text: properties.take("text"),
            is_first: properties.take_or("is_first", false),
            is_last: properties.take_or("is_last", false),
            is_aborted: properties.take_or("is_aborted", false),
        })
    }
}

#[derive(Serialize)]
struct Failed {
    id: Text,
    code: Text,
    message: Text,
}

impl Archives {
    /// Begins a batch in the archive of an address. Returns its number.
    pub(crate) fn open(&self, address: &str, compress: bool, options: &Options) -> Result<u32> {
        let archive = open_archive(address, compress, options).map_err(Error::from)?;
        let [a, b, c, d, e, f, g, h, ..] = random_bits()?;
        let batch = OpenBatch {
            runtime: RuntimeThread::shared()?,
            batch: Arc::new(Mutex::new(Some(archive.batch([a, b, c, d, e, f, g, h])))),
        };
        let number = self.last.get().wrapping_add(1);
        self.last.set(number);
        self.open.borrow_mut().insert(number, batch);
        Ok(number)
    }

    /// Adds a part of a session to a batch.
    pub(crate) fn add(&self, number: u32, part: &str) -> Result<Adding> {
        let Part(part) = Part::read("part", part)?;
        let open = self.open.borrow().get(&number).cloned();
        let open = open.ok_or(Cause::Closed)?;
        Ok(Adding { open, part })
    }

    /// Ends a batch.
    pub(crate) fn finish(&self, number: u32) -> Result<Finishing> {
        let open = self.open.borrow_mut().remove(&number);
        Ok(Finishing(open.ok_or(Cause::Closed)?))
    }

    /// Drops a batch: what it has stored counts for nothing.
    pub(crate) fn close(&self, number: u32) {
        self.open.borrow_mut().remove(&number);
    }
}

/// A part that is to be added.
pub(crate) struct Adding {
    open: OpenBatch,
    part: ExportedPart,
}

impl Adding {
    pub(crate) fn run(self, operation: u32, completion: Completion) {
        let Self { open, part } = self;
        let OpenBatch { runtime, batch } = open;
        let handle = runtime.handle().clone();
        handle.spawn(async move {
            let added = match batch.lock().await.as_mut() {
                Some(batch) => batch.add(part).await.map_err(Error::from),
                None => Err(Cause::Closed.into()),
            };
            completion.send(
                operation,
                match added {
                    Ok(()) => answer::ok(&()),
                    Err(error) => answer::error(&error),
                },
            );
            // The runtime lives as long as what runs on it.
            drop(runtime);
        });
    }
}

/// A batch that is to be ended.
pub(crate) struct Finishing(OpenBatch);

impl Finishing {
    pub(crate) fn run(self, now: Timestamp, operation: u32, completion: Completion) {
        let OpenBatch { runtime, batch } = self.0;
        let handle = runtime.handle().clone();
        handle.spawn(async move {
            let batch = batch.lock().await.take();
            let finished = match batch {
                Some(batch) => batch.finish(now).await.map_err(Error::from),
                None => Err(Cause::Closed.into()),
            };
            completion.send(
                operation,
                finished_answer(finished.map(|ended| ended.failed)),
            );
            drop(runtime);
        });
    }
}

fn finished_answer(finished: Result<Vec<NotVerified>>) -> Answer {
    let failed = |NotVerified { id, code, message }| Failed { id, code, message };
    match finished {
        Ok(not_verified) => {
            let failed: Vec<Failed> = not_verified.into_iter().map(failed).collect();
            answer::ok(&failed)
        }
        Err(error) => answer::error(&error),
    }
}
