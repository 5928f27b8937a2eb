//! Runs operations one store call at a time. The state of a running operation is determined by the
//! replies that it has received, so it can be copied and continued at any time.

use std::future::{Future, pending, ready};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use tenure_core::store::{Answer, Capabilities, Expect, ListQuery, Loaded, Page, Scan, SyncStore};
use tenure_core::stored::record::Record;
use tenure_core::{
    Changes, Commit, Error, History, Liveness, MemoryStore, SessionId, Store, Timestamp,
};

use super::simulated_machine::{Caller, call, with_repeated_replies};

/// A defect of a store or a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No defect.
    None,
    /// The store ignores the expected versions.
    IgnoresVersions,
    /// The store removes released leases, and so their tokens.
    RemovesReleased,
    /// The store writes only the last of several records.
    PartialCommits,
    /// The host ignores start times: a process is alive if any process has its PID.
    IgnoresStartTimes,
    /// The host reports the liveness of every process as unknown.
    LivenessUnknown,
}

/// A reply of the store to an operation.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Record(Option<Record>),
    Commit(Commit),
    Scan(Vec<Record>),
    Load(Option<Box<Loaded>>),
    List(Page),
}

/// A running operation.
#[derive(Debug, Clone)]
pub(crate) struct RunningCall {
    pub(crate) name: &'static str,
    pub(crate) params: Value,
    pub(crate) now: i64,
    pub(crate) replies: Vec<Reply>,
    /// The replies of the host about other processes.
    pub(crate) liveness: Vec<Liveness>,
}

impl RunningCall {
    /// Performs up to `calls` store calls. Returns the result when the operation ends.
    pub(crate) fn advance(
        &mut self,
        memory: &MemoryStore,
        host: &Caller,
        fault: Fault,
        calls: usize,
    ) -> Option<Result<Value, Error>> {
        let store = ReplayingStore {
            memory,
            fault,
            replies: Mutex::new(std::mem::take(&mut self.replies)),
            next: AtomicUsize::new(0),
            calls: AtomicUsize::new(calls),
        };
        let now = Timestamp::from_millis(self.now).unwrap();
        let (answer, liveness) = with_repeated_replies(std::mem::take(&mut self.liveness), || {
            let future = pin!(call(&store, host, now, 1, self.name, &self.params));
            match future.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            }
        });
        self.liveness = liveness;
        self.replies = store.replies.into_inner().unwrap();
        answer.map(|answer| answer.map(|text| serde_json::from_str(&text).unwrap()))
    }
}

/// A store that repeats the earlier replies, then performs `calls` calls, and is pending after
/// that.
struct ReplayingStore<'m> {
    memory: &'m MemoryStore,
    fault: Fault,
    replies: Mutex<Vec<Reply>>,
    next: AtomicUsize,
    calls: AtomicUsize,
}

impl ReplayingStore<'_> {
    fn reply(&self, perform: impl FnOnce() -> Reply) -> Option<Reply> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let mut replies = self.replies.lock().unwrap();
        if next == replies.len() {
            let calls = self.calls.load(Ordering::Relaxed).checked_sub(1)?;
            self.calls.store(calls, Ordering::Relaxed);
            replies.push(perform());
        }
        replies.get(next).cloned()
    }

    fn with_defect(&self, changes: &Changes) -> Changes {
        let mut changes = changes.clone();
        if self.fault == Fault::PartialCommits && changes.records.len() > 1 {
            changes.records.drain(..changes.records.len() - 1);
        }
        for change in &mut changes.records {
            if self.fault == Fault::IgnoresVersions {
                change.expect = Expect::Any;
            }
            let released = |record: &Record| record.body.contains(r#""released":true"#);
            if self.fault == Fault::RemovesReleased && change.record.as_ref().is_some_and(released)
            {
                change.record = None;
            }
        }
        changes
    }
}

fn answer<'a, T: Send + 'a>(reply: Option<T>) -> Answer<'a, T> {
    match reply {
        Some(reply) => Box::pin(ready(Ok(reply))),
        None => Box::pin(pending()),
    }
}

impl Store for ReplayingStore<'_> {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        let reply =
            self.reply(|| Reply::Load(self.memory.load(id, history).unwrap().map(Box::new)));
        answer(reply.map(|reply| match reply {
            Reply::Load(loaded) => loaded.map(|loaded| *loaded),
            other => panic!("it does something else than before: {other:?}"),
        }))
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        let reply = self.reply(|| Reply::List(self.memory.list(query).unwrap()));
        answer(reply.map(|reply| match reply {
            Reply::List(page) => page,
            other => panic!("it does something else than before: {other:?}"),
        }))
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        let changes = self.with_defect(changes);
        let reply = self.reply(|| Reply::Commit(self.memory.commit(&changes).unwrap()));
        answer(reply.map(|reply| match reply {
            Reply::Commit(commit) => commit,
            other => panic!("it does something else than before: {other:?}"),
        }))
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        let reply = self.reply(|| Reply::Record(self.memory.record(kind, key).unwrap()));
        answer(reply.map(|reply| match reply {
            Reply::Record(record) => record,
            other => panic!("it does something else than before: {other:?}"),
        }))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        let reply = self.reply(|| Reply::Scan(self.memory.scan(scan).unwrap()));
        answer(reply.map(|reply| match reply {
            Reply::Scan(records) => records,
            other => panic!("it does something else than before: {other:?}"),
        }))
    }
}
