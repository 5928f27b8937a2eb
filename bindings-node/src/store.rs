//! A native store behind a handle. Where an operation cannot end on the JavaScript thread, another thread
//! ends it and answers through the [`StoreThread`].

use std::cell::Cell;
use std::rc::Rc;

use tenure_bridge::{Answer, Backend, Call, HandleLimits, Options, answer};
use tenure_core::error::Cause;
use tenure_core::store::Capabilities;
use tenure_core::work::execution::Invocation;
use tenure_core::{Error, Result};
use tenure_host::{Executor, Lifetime, Place, Started};

use crate::store_thread::{Completion, StoreThread};

struct StoreBackend {
    executor: Executor,
    identity: Option<String>,
    limits: HandleLimits,
    /// Without it every operation ends on the JavaScript thread.
    thread: Option<StoreThread>,
    last_operation: Cell<u32>,
    opening: Option<u32>,
}

/// Opens the store of a place.
pub(crate) fn open(
    place: Place,
    options: &Options,
    thread: Option<StoreThread>,
) -> Result<Rc<dyn Backend>> {
    let executor = Executor::open(place.clone(), options, Lifetime::Long)?;
    if executor.is_asynchronous() && (options.synchronous || thread.is_none()) {
        return Err(Cause::StoreIsAsync.into());
    }
    let mut backend = StoreBackend {
        executor,
        identity: place.identity(),
        limits: HandleLimits::new(options.limits.clone()),
        thread,
        last_operation: Cell::new(0),
        opening: None,
    };
    if let Some(thread) = &backend.thread
        && backend.executor.is_asynchronous()
    {
        let (operation, completion) = backend.expect(thread)?;
        backend
            .executor
            .open_soon(move |answer| completion.send(operation, answer));
        backend.opening = Some(operation);
    }
    Ok(Rc::new(backend))
}

impl StoreBackend {
    fn invocation(&self, call: &Call<'_>) -> Result<Invocation> {
        call.invocation(self.limits.now())
    }

    /// The next operation that another thread ends, and its completion.
    fn expect(&self, thread: &StoreThread) -> Result<(u32, Completion)> {
        let completion = thread.expect();
        let completion = completion.map_err(|error| Error::internal(error.to_string()))?;
        let operation = self.last_operation.get().wrapping_add(1);
        self.last_operation.set(operation);
        Ok((operation, completion))
    }

    fn start_on(&self, thread: &StoreThread, call: &Call<'_>) -> Result<Answer> {
        let deferred = match self.executor.start(self.invocation(call)?) {
            Started::Ended(answer) => return Ok(answer),
            Started::Deferred(deferred) => deferred,
        };
        let (operation, completion) = self.expect(thread)?;
        deferred.run(move |answer| completion.send(operation, answer));
        Ok(answer::wait(operation))
    }
}

impl Backend for StoreBackend {
    fn capabilities(&self) -> Capabilities {
        self.executor.capabilities()
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    fn limits(&self) -> &HandleLimits {
        &self.limits
    }

    fn opening(&self) -> Option<u32> {
        self.opening
    }

    fn call(&self, call: Call<'_>) -> Answer {
        if self.executor.is_asynchronous() {
            return answer::error(&Cause::StoreIsAsync.into());
        }
        match self.invocation(&call) {
            Ok(invocation) => answer::of(self.executor.run(invocation)),
            Err(error) => answer::error(&error),
        }
    }

    fn start(&self, call: Call<'_>) -> Answer {
        match &self.thread {
            Some(thread) => {
                let started = self.start_on(thread, &call);
                started.unwrap_or_else(|error| answer::error(&error))
            }
            None => self.call(call),
        }
    }

    fn close(&self) -> Result<()> {
        self.executor.close();
        Ok(())
    }
}
