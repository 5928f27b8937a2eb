//! The file store behind a handle. Its writes wait for the disk, and sometimes for other processes:
//! a synchronous caller waits with them, an awaited write is left to a thread of the handle's own,
//! so that the JavaScript thread goes on. That thread writes in the order of the calls.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use tenure_bridge::{Access, Answer, Backend, Call, HandleLimits, Options, access, answer};
use tenure_core::error::Cause;
use tenure_core::store::Capabilities;
use tenure_core::{Error, Result, SyncStore};
use tenure_file::FileStore;
use tenure_host::{file_options, perform};

use crate::panics::guarded;
use crate::store_thread::StoreThread;

/// Opens the store in a directory.
pub(crate) fn open(
    directory: &Path,
    options: &Options,
    thread: Option<StoreThread>,
) -> Result<Rc<dyn Backend>> {
    let store = FileStore::open(directory, file_options(options))?;
    let writer = thread
        .map(|thread| -> Result<Writer> {
            // A store of its own, on the same directory.
            let store = FileStore::open(directory, file_options(options))?;
            Ok(Writer {
                queue: Queue::new(store)?,
                thread,
                last_operation: Cell::new(0),
            })
        })
        .transpose()?;
    Ok(Rc::new(FileBackend {
        store,
        limits: HandleLimits::new(options.limits.clone()),
        writer,
    }))
}

struct FileBackend {
    store: FileStore,
    limits: HandleLimits,
    writer: Option<Writer>,
}

struct Writer {
    queue: Queue,
    thread: StoreThread,
    last_operation: Cell<u32>,
}

impl Writer {
    fn enqueue(&self, limits: &HandleLimits, call: Call<'_>) -> Answer {
        if let Err(error) = self.thread.expect() {
            return answer::error(&Error::internal(error.to_string()));
        }
        let operation = self.last_operation.get().wrapping_add(1);
        self.last_operation.set(operation);
        let (name, params) = (call.name.to_owned(), call.params.to_owned());
        let (now, entropy, host) = (call.now, call.entropy, call.host);
        let completion = self.thread.completion();
        let limits = limits.now();
        self.queue.put(Box::new(move |store| {
            let call = Call {
                name: &name,
                params: &params,
                now,
                entropy,
                host,
            };
            completion.send(operation, guarded(|| perform(store, limits, &call)));
        }));
        answer::wait(operation)
    }
}

impl Backend for FileBackend {
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
        match (access(call.name), &self.writer) {
            (Some(Access::Write | Access::WriteMany), Some(writer)) => {
                writer.enqueue(&self.limits, call)
            }
            _ => self.call(call),
        }
    }

    fn close(&self) -> Result<()> {
        if let Some(writer) = &self.writer {
            writer.queue.drain();
        }
        Ok(())
    }
}

type Job = Box<dyn FnOnce(&FileStore) + Send>;

/// A thread that does one thing after the other. It ends with the queue, after what is in it.
struct Queue {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Queue {
    fn new(store: FileStore) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("tenure-file".to_owned())
            .spawn(move || {
                for job in queue {
                    job(&store);
                }
            })
            .map_err(|error| Cause::StoreUnavailable {
                problem: format!("no thread to write with: {error}"),
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    fn put(&self, job: Job) {
        // The thread ends only after the sender, which is here.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }

    /// Waits until everything that was put in is done.
    fn drain(&self) {
        let (done, wait) = mpsc::channel();
        self.put(Box::new(move |_| {
            let _ = done.send(());
        }));
        let _ = wait.recv();
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
