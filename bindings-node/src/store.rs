//! A native store behind a handle. Where an operation cannot end on the JavaScript thread, another thread
//! ends it and answers through the [`StoreThread`].

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use tenure_apps::scheduled::ScheduledParams;
use tenure_apps::webhooks::job::WebhookDeliverParams;
use tenure_bridge::{Answer, Backend, Call, HandleLimits, Options, answer};
use tenure_core::error::Cause;
use tenure_core::store::Capabilities;
use tenure_core::value::properties::Params;
use tenure_core::work::execution::Invocation;
use tenure_core::{Error, Json, Result, Timestamp};
use tenure_host::{Delivering, Executor, Filling, JobNews, Lifetime, Place, RunningJob, Started};
use tenure_server::{ExecutorService, Server};

use crate::archive_reader::Reading;
use crate::archives::Archives;
use crate::serve::{server_options, started};
use crate::store_thread::{Completion, StoreThread};

pub(crate) struct StoreBackend {
    executor: Arc<Executor>,
    identity: Option<String>,
    limits: HandleLimits,
    /// Without it every operation ends on the JavaScript thread.
    thread: Option<StoreThread>,
    last_operation: Cell<u32>,
    opening: Option<u32>,
    /// The servers over this store, by the operations that end with them.
    servers: RefCell<BTreeMap<u32, Server>>,
    /// The delivery of webhooks.
    delivering: RefCell<Option<Delivering>>,
    /// The job that runs at a schedule.
    job: RefCell<Option<RunningJob>>,
    archives: Archives,
    /// The options with the keys of the store.
    keys: Options,
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
        executor: Arc::new(executor),
        identity: place.identity(),
        limits: HandleLimits::new(options.limits.clone()),
        thread,
        last_operation: Cell::new(0),
        opening: None,
        servers: RefCell::default(),
        delivering: RefCell::default(),
        job: RefCell::default(),
        archives: Archives::default(),
        keys: Options {
            encryption: options.encryption.clone(),
            ..Options::default()
        },
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
    /// The store of a backend; `None` for one in JavaScript.
    pub(crate) fn of(backend: &dyn Backend) -> Option<&Self> {
        backend.as_any()?.downcast_ref()
    }

    /// Serves the store, with options as JSON.
    pub(crate) fn serve(&self, options: &str) -> Result<Answer> {
        let Some(thread) = &self.thread else {
            return Err(Cause::StoreIsAsync.into());
        };
        let options = server_options(options, &self.keys)?;
        let service = ExecutorService::new(Arc::clone(&self.executor), &self.limits.now());
        let server = Server::bind(Arc::new(service), options)?;
        // It is pending until the server is closed, so that Node stays alive.
        let (operation, completion) = self.expect(thread)?;
        server.ended(move || completion.send(operation, answer::ok(&())));
        let answer = started(&server, operation);
        self.servers.borrow_mut().insert(operation, server);
        Ok(answer)
    }

    /// Starts to close a server.
    pub(crate) fn close_server(&self, server: u32) {
        if let Some(server) = self.servers.borrow().get(&server) {
            server.close_soon();
        }
    }

    /// The executor.
    pub(crate) fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Starts to deliver webhooks, with the parameters of the job as JSON. It does not keep Node alive.
    pub(crate) fn deliver(&self, params: &str) -> Result<Answer> {
        let params = WebhookDeliverParams::read("deliver", params)?;
        let (executor, limits) = (Arc::clone(&self.executor), self.limits.now());
        let mut delivering = self.delivering.borrow_mut();
        if delivering.is_none() {
            // JavaScript asks for what was delivered.
            *delivering = Some(Delivering::start(executor, limits, params, |_| {})?);
        }
        Ok(answer::ok(&()))
    }

    /// What was delivered so far, after a look for more.
    pub(crate) fn delivered(&self) -> Answer {
        let delivering = self.delivering.borrow();
        let delivered = delivering.as_ref().map(|delivering| {
            delivering.wake();
            delivering.delivered()
        });
        answer::ok(&delivered)
    }

    /// Stops to deliver. The answer is that of an operation, which ends when what is in flight is settled.
    pub(crate) fn end_delivery(&self) -> Result<Answer> {
        let (Some(delivering), Some(thread)) = (self.delivering.take(), &self.thread) else {
            return Ok(answer::ok(&()));
        };
        let (operation, completion) = self.expect(thread)?;
        delivering.stop_soon(move || completion.send(operation, answer::ok(&())));
        Ok(answer::wait(operation))
    }

    /// Has a thread run a job at its schedule, with the parameters of the job as JSON, and an archive. It does not keep Node alive.
    pub(crate) fn schedule(
        &self,
        params: &str,
        archive: Option<&str>,
        compress: bool,
    ) -> Result<Answer> {
        let params = ScheduledParams::read("jobs", params)?;
        let thread = self.thread.as_ref().ok_or(Cause::StoreIsAsync)?;
        let filling = archive.map(|address| Filling::open_later(address, compress, &self.keys));
        let filling = filling.transpose().map_err(Error::from)?;
        let news = thread.news();
        let notify = move |what: JobNews| {
            // Of its times, JavaScript asks nothing.
            if !matches!(what, JobNews::Wait(_)) {
                news.send(Json::of(&what));
            }
        };
        let (executor, limits) = (Arc::clone(&self.executor), self.limits.now());
        let mut job = self.job.borrow_mut();
        if job.is_none() {
            *job = Some(RunningJob::start(
                executor, limits, params, filling, notify,
            )?);
        }
        Ok(answer::ok(&()))
    }

    /// Stops the job. The answer is that of an operation, which ends when the job has.
    pub(crate) fn end_schedule(&self) -> Result<Answer> {
        let (Some(job), Some(thread)) = (self.job.take(), &self.thread) else {
            return Ok(answer::ok(&()));
        };
        let (operation, completion) = self.expect(thread)?;
        job.stop_soon(move || completion.send(operation, answer::ok(&())));
        Ok(answer::wait(operation))
    }

    /// Begins a batch in an archive, with the keys of the store.
    pub(crate) fn open_archive(&self, address: &str, compress: bool) -> Result<Answer> {
        let number = self.archives.open(address, compress, &self.keys)?;
        Ok(answer::ok(&number))
    }

    /// Adds a part of a session to a batch. The answer is that of an operation.
    pub(crate) fn add_to_archive(&self, archive: u32, part: &str) -> Result<Answer> {
        let adding = self.archives.add(archive, part)?;
        let (operation, completion) =
            self.expect(self.thread.as_ref().ok_or(Cause::StoreIsAsync)?)?;
        adding.run(operation, completion);
        Ok(answer::wait(operation))
    }

    /// Ends a batch. The answer is that of an operation: the sessions that are not durable.
    pub(crate) fn finish_archive(&self, archive: u32, now: Timestamp) -> Result<Answer> {
        let thread = self.thread.as_ref().ok_or(Cause::StoreIsAsync)?;
        let finishing = self.archives.finish(archive)?;
        let (operation, completion) = self.expect(thread)?;
        finishing.run(now, operation, completion);
        Ok(answer::wait(operation))
    }

    /// Reads an archive, with the keys of the store. The answer is that of an operation.
    pub(crate) fn read_archive(&self, address: &str, method: &str, params: &str) -> Result<Answer> {
        let thread = self.thread.as_ref().ok_or(Cause::StoreIsAsync)?;
        let reading = Reading::new(address, method, params, &self.keys)?;
        let (operation, completion) = self.expect(thread)?;
        reading.run(operation, completion);
        Ok(answer::wait(operation))
    }

    /// Drops a batch.
    pub(crate) fn close_archive(&self, archive: u32) {
        self.archives.close(archive);
    }

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

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn close(&self) -> Result<()> {
        self.servers.take();
        self.delivering.take();
        self.job.take();
        self.executor.close();
        Ok(())
    }
}
