//! The file store behind a handle. Its writes wait for the disk, and sometimes for other processes:
//! a synchronous caller waits with them, an awaited write is left to a thread of the handle's own,
//! so that the JavaScript thread goes on. That thread writes in the order of the calls.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use percent_encoding::percent_decode_str;
use tenure_bridge::{Access, Answer, Backend, Call, Options, access, answer, perform_now};
use tenure_core::store::Capabilities;
use tenure_core::{Error, Lift, Limits, Result, SyncStore};
use tenure_file::{FileOptions, FileStore};

use crate::store_thread::StoreThread;

/// The directory that is meant by what follows `file:`. A path is taken as it stands; after `//`,
/// as in the URLs that JavaScript makes of paths, it is encoded.
///
/// # Errors
/// `UNSUPPORTED_STORE` for a directory on another machine, and where there is no path.
fn directory(rest: &str) -> Result<PathBuf> {
    let unsupported = |problem: &str| Error::UnsupportedStore {
        url: tenure_core::error::cut(format!("file:{rest}")),
        problem: problem.to_owned(),
    };
    let path = match rest.strip_prefix("//") {
        None => rest.to_owned(),
        Some(rest) => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            if !path.starts_with('/') {
                return Err(unsupported(
                    "expected a directory of this machine, such as file:///var/lib/bot/sessions",
                ));
            }
            let path = percent_decode_str(path)
                .decode_utf8()
                .map_err(|_| unsupported("its path is no text"))?;
            match path.as_bytes() {
                // The drive of `file:///C:/sessions`.
                [b'/', _, b':', ..] if cfg!(windows) => path[1..].to_owned(),
                _ => path.into_owned(),
            }
        }
    };
    if path.is_empty() {
        return Err(unsupported("name a directory, such as file:./sessions"));
    }
    Ok(path.into())
}

/// Opens the directory that a URL names.
pub(crate) fn open(
    rest: &str,
    options: &Options,
    thread: Option<StoreThread>,
) -> Result<Rc<dyn Backend>> {
    let directory = directory(rest)?;
    let defaults = FileOptions::default();
    let file_options = FileOptions {
        durability: options.durability,
        busy_timeout_ms: options.busy_timeout_ms(defaults.busy_timeout_ms),
    };
    let store = FileStore::open(&directory, file_options.clone())?;
    let writer = thread
        .map(|thread| {
            // A store of its own, on the same directory.
            let store = FileStore::open(&directory, file_options)?;
            Ok(Writer {
                queue: Queue::new(store, options.limits.clone())?,
                thread,
                last_operation: Cell::new(0),
            })
        })
        .transpose()?;
    Ok(Rc::new(FileBackend {
        store,
        limits: options.limits.clone(),
        writer,
    }))
}

struct FileBackend {
    store: FileStore,
    limits: Limits,
    writer: Option<Writer>,
}

struct Writer {
    queue: Queue,
    thread: StoreThread,
    last_operation: Cell<u32>,
}

impl Writer {
    fn enqueue(&self, call: Call<'_>) -> Answer {
        if let Err(error) = self.thread.expect() {
            return answer::error(&Error::internal(error.to_string()));
        }
        let operation = self.last_operation.get().wrapping_add(1);
        self.last_operation.set(operation);
        let (name, params) = (call.name.to_owned(), call.params.to_owned());
        let (now, entropy, host) = (call.now, call.entropy, call.host);
        let way = self.thread.way();
        self.queue.put(Box::new(move |store, limits| {
            let call = Call {
                name: &name,
                params: &params,
                now,
                entropy,
                host,
            };
            way.send(operation, crate::guarded(|| write(store, limits, call)));
        }));
        answer::wait(operation)
    }
}

impl Backend for FileBackend {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn call(&self, call: Call<'_>) -> Answer {
        match access(call.name) {
            Some(Access::Write) => write(&self.store, &self.limits, call),
            _ => perform_now(&Lift(&self.store), &self.limits, call),
        }
    }

    fn start(&self, call: Call<'_>) -> Answer {
        match (access(call.name), &self.writer) {
            (Some(Access::Write), Some(writer)) => writer.enqueue(call),
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

/// Performs an operation that writes, from loading to writing under the directory's lock.
fn write(store: &FileStore, limits: &Limits, call: Call<'_>) -> Answer {
    store
        .transaction(|store| perform_now(&Lift(store), limits, call))
        .unwrap_or_else(|error| answer::error(&error))
}

type Job = Box<dyn FnOnce(&FileStore, &Limits) + Send>;

/// A thread that does one thing after the other. It ends with the queue, after what is in it.
struct Queue {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Queue {
    fn new(store: FileStore, limits: Limits) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("tenure-file".to_owned())
            .spawn(move || {
                for job in queue {
                    job(&store, &limits);
                }
            })
            .map_err(|error| Error::StoreUnavailable {
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
        self.put(Box::new(move |_, _| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_for_itself_and_a_url_for_what_it_encodes() {
        let path = |rest| {
            directory(rest)
                .ok()
                .map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(path("./sessions").as_deref(), Some("./sessions"));
        assert_eq!(path("a%20b").as_deref(), Some("a%20b"));
        assert_eq!(path("///a%20b/c").as_deref(), Some("/a b/c"));
        assert_eq!(path("//localhost/c").as_deref(), Some("/c"));
        for refused in ["", "//elsewhere/c", "///%ff"] {
            assert_eq!(path(refused), None, "{refused}");
        }
    }
}
