//! The queue of a handle and its thread, which runs jobs one after the other. The thread starts
//! with the first job and ends when the queue is closed and empty.

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
    /// Signals that all tasks before it are done.
    Notify(Sender<()>),
}

impl Queue {
    /// Queues a job, to run over this folder.
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

    /// Waits until every job that is queued now is done.
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
                // The thread catches panics of jobs and completions, so it does not panic itself.
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
        // The thread ends only after the sender is dropped, which this queue owns.
        let _ = self.tasks.send(task);
    }

    /// Whether the current thread is the queue's thread, which runs completions.
    fn is_current(&self) -> bool {
        self.handle.thread().id() == thread::current().id()
    }
}

/// The main loop of the thread.
fn work<D: Disk>(folder: &Folder<D>, queue: Receiver<Task>) {
    for task in queue {
        match task {
            Task::Run(job, done) => {
                let ran = catch_unwind(AssertUnwindSafe(|| folder.transaction(job)));
                let result = ran.unwrap_or_else(|panic| Err(panicked(&*panic)));
                // A panic in a completion does not affect the other jobs.
                let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
            }
            Task::Notify(done) => {
                let _ = done.send(());
            }
        }
    }
}
