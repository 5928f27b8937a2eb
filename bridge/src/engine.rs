//! Running operations over a store that the host provides: each runs until it needs the store, hands
//! the request out and goes on when the reply comes in.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tenure_core::error::Cause;
use tenure_core::store::Capabilities;
use tenure_core::work::execution::run_async;
use tenure_core::{Error, Limits};

use crate::answer::{self, Answer};
use crate::call::Call;
use crate::host::{HostStore, Mailbox};
use crate::limits::HandleLimits;
use crate::numbered::Numbered;

/// Runs operations over a store that the host provides.
pub struct HostEngine {
    limits: HandleLimits,
    capabilities: Capabilities,
    timeout_ms: u64,
    running: RefCell<Numbered<Running>>,
    next: Cell<u32>,
}

struct Running {
    future: Pin<Box<dyn Future<Output = Answer>>>,
    mailbox: Arc<Mailbox>,
}

impl HostEngine {
    /// An engine over the host's store. `timeout_ms` is the timeout after which the host cancels an
    /// operation; the engine reports it and does not measure it.
    pub fn new(limits: Limits, capabilities: Capabilities, timeout_ms: u64) -> Self {
        Self {
            limits: HandleLimits::new(limits),
            capabilities,
            timeout_ms,
            running: RefCell::default(),
            next: Cell::new(1),
        }
    }

    /// The limits of its operations.
    pub fn limits(&self) -> &HandleLimits {
        &self.limits
    }

    /// What its store can do.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Begins an operation: its end, or the first thing that it needs of the store.
    pub fn start(&self, call: Call<'_>) -> Answer {
        self.start_within(self.limits.now(), call)
    }

    /// Begins an operation with other limits than those of the handle.
    pub fn start_within(&self, limits: Arc<Limits>, call: Call<'_>) -> Answer {
        let invocation = match call.invocation(limits) {
            Ok(invocation) => invocation,
            Err(error) => return answer::error(&error),
        };
        let mut execution = invocation.execution(false);
        let mailbox = Arc::new(Mailbox::default());
        let store = HostStore::new(Arc::clone(&mailbox), self.capabilities);
        let future = async move { answer::of(run_async(&store, &store, &mut execution).await) };
        let id = self.next_id();
        self.step(
            id,
            Running {
                future: Box::pin(future),
                mailbox,
            },
        )
    }

    /// Goes on with an operation after the store's reply: `{"ok": value}` or
    /// `{"error": {code?, message}}`.
    pub fn resume(&self, operation: u32, reply: String) -> Answer {
        // Taken out while it runs: a host that calls back in meanwhile finds no such operation.
        let running = self.running.borrow_mut().remove(operation);
        match running {
            Some(running) => {
                running.mailbox.put_reply(reply);
                self.step(operation, running)
            }
            None => unknown(operation),
        }
    }

    /// Drops an operation whose store did not answer.
    pub fn cancel(&self, operation: u32) -> Answer {
        let Some(running) = self.running.borrow_mut().remove(operation) else {
            return unknown(operation);
        };
        let timeout_ms = self.timeout_ms;
        let error = match running.mailbox.awaited() {
            Some("commit") => Cause::OutcomeUnknown {
                problem: format!("it did not answer within {timeout_ms} ms"),
            }
            .into(),
            method => Cause::StoreTimeout {
                method: method.unwrap_or("answer").to_owned(),
                timeout_ms,
            }
            .into(),
        };
        answer::error(&error)
    }

    /// How many operations wait for the host's store.
    pub fn pending(&self) -> usize {
        self.running.borrow().len()
    }

    fn step(&self, id: u32, mut running: Running) -> Answer {
        if let Poll::Ready(answer) = poll(running.future.as_mut()) {
            return answer;
        }
        match running.mailbox.take_request() {
            Some((method, params)) => {
                self.running.borrow_mut().insert(id, running);
                answer::need(id, method, &params)
            }
            None => answer::error(&Error::internal("an operation waits for nothing")),
        }
    }

    fn next_id(&self) -> u32 {
        loop {
            let id = self.next.get();
            self.next.set(id.wrapping_add(1).max(1));
            if self.running.borrow().get(id).is_none() {
                return id;
            }
        }
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn unknown(operation: u32) -> Answer {
    answer::error(&Error::internal(format!(
        "no operation {operation} waits for a reply"
    )))
}
