//! The SQLite store behind a handle. An operation that writes runs in one transaction, from loading
//! to writing. A synchronous caller waits for its turn; an awaited one runs inline if the database
//! is not busy and it is no bulk operation, and otherwise on the store's thread.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use tenure_bridge::{Access, Answer, Backend, Call, HandleLimits, Options, access, answer};
use tenure_core::store::Capabilities;
use tenure_core::{Error, Result, SyncStore};
use tenure_host::{perform, sqlite_options};
use tenure_sqlite::{Attempt, SqliteStore};

use crate::store_thread::StoreThread;

struct SqliteBackend {
    store: SqliteStore,
    limits: HandleLimits,
    thread: Option<StoreThread>,
    last_operation: Cell<u32>,
}

/// Opens the database at `path`.
pub(crate) fn open(
    path: &Path,
    options: &Options,
    thread: Option<StoreThread>,
) -> Result<Rc<dyn Backend>> {
    let store = SqliteStore::open(path, sqlite_options(options))?;
    Ok(Rc::new(SqliteBackend {
        store,
        limits: HandleLimits::new(options.limits.clone()),
        thread,
        last_operation: Cell::new(0),
    }))
}

impl SqliteBackend {
    /// Has the store's thread perform an operation.
    fn enqueue(&self, thread: &StoreThread, call: Call<'_>) -> Answer {
        if let Err(error) = thread.expect() {
            return answer::error(&Error::internal(error.to_string()));
        }
        let operation = self.last_operation.get().wrapping_add(1);
        self.last_operation.set(operation);
        let limits = self.limits.now();
        let (name, params) = (call.name.to_owned(), call.params.to_owned());
        let (now, entropy, host) = (call.now, call.entropy, call.host);
        let completion = thread.completion();
        self.store.enqueue(
            Box::new(move |store| {
                let call = Call {
                    name: &name,
                    params: &params,
                    now,
                    entropy,
                    host,
                };
                tenure_bridge::perform(store, limits, &call, true)
            }),
            Box::new(move |result| completion.send(operation, unwrapped(result))),
        );
        answer::wait(operation)
    }
}

impl Backend for SqliteBackend {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn limits(&self) -> &HandleLimits {
        &self.limits
    }

    fn call(&self, call: Call<'_>) -> Answer {
        perform(&self.store, self.limits.now(), &call)
    }

    fn start(&self, call: Call<'_>) -> Answer {
        let thread = match (access(call.name), &self.thread) {
            (Some(Access::Write), Some(thread)) => thread,
            // Nothing else would happen on this thread meanwhile.
            (Some(Access::WriteMany), Some(thread)) => return self.enqueue(thread, call),
            _ => return self.call(call),
        };
        let limits = self.limits.now();
        let attempt = self.store.try_transaction(|store: &dyn SyncStore| {
            tenure_bridge::perform(store, limits, &call, true)
        });
        match attempt {
            Attempt::Answered(result) => unwrapped(result),
            Attempt::Busy(_) => self.enqueue(thread, call),
        }
    }

    fn close(&self) -> Result<()> {
        self.store.drain();
        Ok(())
    }
}

fn unwrapped(result: Result<Answer>) -> Answer {
    result.unwrap_or_else(|error| answer::error(&error))
}
