//! The runtime thread, on which asynchronous stores and servers run. A process has at most one, while
//! something uses it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use tenure_core::Result;
use tenure_core::error::Cause;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The runtime thread. Dropping it drops the tasks that still run on it.
#[derive(Debug)]
pub struct RuntimeThread {
    handle: Handle,
    /// Dropping it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RuntimeThread {
    /// The thread of this process. It is started if it does not run.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE` if the system starts no thread.
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: Mutex<Weak<RuntimeThread>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Self::start().map_err(|error| Cause::StoreUnavailable {
            problem: format!("no runtime could be started: {error}"),
        })?;
        let started = Arc::new(started);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("tenure-runtime".to_owned())
            .spawn(move || {
                // The thread runs until the sender is dropped.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The handle that starts tasks on the thread.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for RuntimeThread {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // The runtime catches panics of its tasks, so the thread itself does not panic.
            let _ = thread.join();
        }
    }
}
