//! The servers over stores that are written in JavaScript. A call of a client waits here under a number, and
//! the number goes to the JavaScript thread. TypeScript starts the call, performs what it needs of the store,
//! and hands its answer back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenure_bridge::{Answer, HostEngine, Options, answer};
use tenure_core::store::Capabilities;
use tenure_core::{Error, Limits, Result};
use tenure_server::{ClientCall, Done, Server, Service, client_limits};

use crate::serve::{server_options, started};
use crate::store_thread::{CallNumber, Calls, StoreThread};

/// The servers of a JavaScript thread, by their numbers.
#[derive(Default)]
pub(crate) struct HostServers {
    last: Cell<u32>,
    open: RefCell<BTreeMap<u32, HostServer>>,
}

struct HostServer {
    handle: u32,
    server: Server,
    limits: Arc<Limits>,
    calls: Arc<ClientCalls>,
}

impl HostServers {
    /// Serves the store of a handle, with options as JSON. The calls of clients go to `thread`.
    pub(crate) fn serve(
        &self,
        handle: u32,
        engine: &HostEngine,
        options: &str,
        thread: &StoreThread,
    ) -> Result<Answer> {
        let options = server_options(options, &Options::default())?;
        let number = self.last.get().wrapping_add(1);
        self.last.set(number);
        let calls = Arc::new(ClientCalls::new(number, thread.calls()));
        let service = HostService {
            capabilities: engine.capabilities(),
            calls: Arc::clone(&calls),
        };
        let server = Server::bind(Arc::new(service), options)?;
        let completion = thread.expect();
        let completion = completion.map_err(|error| Error::internal(error.to_string()))?;
        let answer = started(&server, number);
        server.ended(move || completion.send(number, answer::ok(&())));
        let limits = client_limits(&engine.limits().now());
        let server = HostServer {
            handle,
            server,
            limits,
            calls,
        };
        self.open.borrow_mut().insert(number, server);
        Ok(answer)
    }

    /// Starts a client's call: its answer, or what it needs of the store.
    pub(crate) fn start(&self, server: u32, call: u32, engine: &HostEngine) -> Result<Answer> {
        let (limits, call) = match self.open.borrow().get(&server) {
            Some(server) => (Arc::clone(&server.limits), server.calls.take(call)),
            None => return Err(no_such(call)),
        };
        let call = call?;
        Ok(engine.start_within(limits, call.to_call()?))
    }

    /// Answers a client's call. One whose server has ended has no client.
    pub(crate) fn answer(&self, server: u32, call: u32, answer: Answer) {
        let done = match self.open.borrow().get(&server) {
            Some(server) => server.calls.remove(call),
            None => None,
        };
        if let Some(done) = done {
            done(answer);
        }
    }

    /// Starts to close a server.
    pub(crate) fn close_server(&self, server: u32) {
        if let Some(server) = self.open.borrow().get(&server) {
            server.server.close_soon();
        }
    }

    /// Ends the servers of a handle.
    pub(crate) fn close(&self, handle: u32) {
        let mut open = self.open.borrow_mut();
        open.retain(|_, server| server.handle != handle);
    }
}

impl Drop for HostServer {
    fn drop(&mut self) {
        // Without it nothing answers them.
        self.calls.end();
    }
}

/// The operations of a store that is written in JavaScript.
struct HostService {
    capabilities: Capabilities,
    calls: Arc<ClientCalls>,
}

impl Service for HostService {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn start(&self, call: ClientCall, done: Done) {
        self.calls.add(call, done);
    }
}

/// The calls of the clients of one server.
struct ClientCalls {
    server: u32,
    calls: Calls,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    last: u32,
    /// The calls, until they are started.
    waiting: BTreeMap<u32, ClientCall>,
    /// What receives their answers.
    done: BTreeMap<u32, Done>,
    has_ended: bool,
}

impl ClientCalls {
    fn new(server: u32, calls: Calls) -> Self {
        Self {
            server,
            calls,
            pending: Mutex::default(),
        }
    }

    fn add(&self, call: ClientCall, done: Done) {
        let operation = call.operation;
        let number = {
            let mut pending = self.pending();
            if pending.has_ended {
                // Without an answer the client gets an error.
                return;
            }
            pending.last = pending.last.wrapping_add(1);
            let number = pending.last;
            pending.waiting.insert(number, call);
            pending.done.insert(number, done);
            number
        };
        self.calls.send(CallNumber {
            server: self.server,
            call: number,
            operation,
        });
    }

    /// Takes a call, to start it.
    fn take(&self, call: u32) -> Result<ClientCall> {
        let taken = self.pending().waiting.remove(&call);
        taken.ok_or_else(|| no_such(call))
    }

    /// Takes what receives the answer of a call.
    fn remove(&self, call: u32) -> Option<Done> {
        self.pending().done.remove(&call)
    }

    /// Lets all calls end without an answer.
    fn end(&self) {
        let mut pending = self.pending();
        pending.has_ended = true;
        pending.waiting.clear();
        let ended = std::mem::take(&mut pending.done);
        // A call that is dropped runs code of the server.
        drop(pending);
        drop(ended);
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // It is whole after every statement, so a panic elsewhere has not spoiled it.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_such(call: u32) -> Error {
    Error::internal(format!("no call {call} of a client waits"))
}
