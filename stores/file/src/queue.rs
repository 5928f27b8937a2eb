//! The queue of a handle and its thread, which runs one job after the other. The thread starts with
//! the first job and ends with the queue, after what is in it.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use tenure_core::Result;
use tenure_core::error::Cause;
use tenure_store_transaction::{Done, Job, panicked};

use crate::disk::Disk;
use crate::folder::Folder;

/// The queue of a handle.
#[derive(Default)]
pub(crate) struct Queue {
    thread: OnceCell<Thread>,
}

struct Thread {
    tasks: Sender<Task>,
    handle: JoinHandle<()>,
}

enum Task {
    Run(Job, Done),
    /// Says that all tasks before it are done.
    Notify(Sender<()>),
}

impl Queue {
    /// Puts a job into the queue, to run over this folder.
    pub(crate) fn push<D>(&self, folder: &Folder<D>, job: Job, done: Done)
    where
        D: Disk + Clone + Send + 'static,
    {
        let thread = match self.thread.get() {
            Some(thread) => thread,
            None => match Thread::start(folder.clone()) {
                Ok(thread) => self.thread.get_or_init(|| thread),
                Err(error) => return done(Err(error)),
            },
        };
        thread.send(Task::Run(job, done));
    }

    /// Waits until every job that is in the queue now is done.
    pub(crate) fn drain(&self) {
        if let Some(thread) = self.thread.get()
            && !thread.is_current()
        {
            let (done, wait) = mpsc::channel();
            thread.send(Task::Notify(done));
            let _ = wait.recv();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let is_current = thread.is_current();
            drop(thread.tasks);
            if !is_current {
                // The thread catches the panics of what it calls; it has none of its own.
                let _ = thread.handle.join();
            }
        }
    }
}

impl Thread {
    fn start<D>(folder: Folder<D>) -> Result<Self>
    where
        D: Disk + Send + 'static,
    {
        let (tasks, queue) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("tenure-file".to_owned())
            .spawn(move || work(&folder, queue))
            .map_err(|error| Cause::StoreUnavailable {
                problem: format!("no thread could be started to write on: {error}"),
            })?;
        Ok(Self { tasks, handle })
    }

    fn send(&self, task: Task) {
        // The thread ends only after the sender, which is here.
        let _ = self.tasks.send(task);
    }

    /// Whether this is the queue's thread: a completion runs on it.
    fn is_current(&self) -> bool {
        self.handle.thread().id() == thread::current().id()
    }
}

/// What the thread does.
fn work<D: Disk>(folder: &Folder<D>, queue: Receiver<Task>) {
    for task in queue {
        match task {
            Task::Run(job, done) => {
                let ran = catch_unwind(AssertUnwindSafe(|| folder.transaction(job)));
                let result = ran.unwrap_or_else(|panic| Err(panicked(&*panic)));
                // A completion that panics does not keep the others from being called.
                let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
            }
            Task::Notify(done) => {
                let _ = done.send(());
            }
        }
    }
}
