//! Operations a store call at a time. What an operation has heard from the store so far is all that
//! it depends on, so one that is under way can be kept, copied and gone on with from any moment.

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

use super::machine::{Caller, call, repeating};

/// What a store can get wrong, or a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It writes whatever has been written meanwhile.
    NoVersions,
    /// It removes what was given back, and its token.
    ForgetsReleased,
    /// It writes only the last of several records.
    HalfWrites,
    /// The host takes every process with the number of one for that one.
    GoesByNumbers,
    /// The host never knows whether a process runs.
    KnowsNothing,
}

/// What the store has said to an operation.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Record(Option<Record>),
    Commit(Commit),
    Scan(Vec<Record>),
    Load(Option<Box<Loaded>>),
    List(Page),
}

/// A call of an operation, as far as it has come.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub(crate) name: &'static str,
    pub(crate) params: Value,
    pub(crate) now: i64,
    pub(crate) heard: Vec<Reply>,
    /// What the host has said of other processes.
    pub(crate) said: Vec<Liveness>,
}

impl UnderWay {
    /// Goes on by so many store calls, or to the end: then its answer.
    pub(crate) fn go_on(
        &mut self,
        memory: &MemoryStore,
        host: &Caller,
        fault: Fault,
        calls: usize,
    ) -> Option<Result<Value, Error>> {
        let store = Repeating {
            memory,
            fault,
            heard: Mutex::new(std::mem::take(&mut self.heard)),
            next: AtomicUsize::new(0),
            calls: AtomicUsize::new(calls),
        };
        let now = Timestamp::from_millis(self.now).unwrap();
        let (answer, said) = repeating(std::mem::take(&mut self.said), || {
            let future = pin!(call(&store, host, now, 1, self.name, &self.params));
            match future.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            }
        });
        self.said = said;
        self.heard = store.heard.into_inner().unwrap();
        answer.map(|answer| answer.map(|text| serde_json::from_str(&text).unwrap()))
    }
}

/// A store that repeats its earlier answers, then answers this many calls, and then no more.
struct Repeating<'m> {
    memory: &'m MemoryStore,
    fault: Fault,
    heard: Mutex<Vec<Reply>>,
    next: AtomicUsize,
    calls: AtomicUsize,
}

impl Repeating<'_> {
    fn reply(&self, perform: impl FnOnce() -> Reply) -> Option<Reply> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let mut heard = self.heard.lock().unwrap();
        if next == heard.len() {
            let calls = self.calls.load(Ordering::Relaxed).checked_sub(1)?;
            self.calls.store(calls, Ordering::Relaxed);
            heard.push(perform());
        }
        heard.get(next).cloned()
    }

    fn written(&self, changes: &Changes) -> Changes {
        let mut changes = changes.clone();
        if self.fault == Fault::HalfWrites && changes.records.len() > 1 {
            changes.records.drain(..changes.records.len() - 1);
        }
        for change in &mut changes.records {
            if self.fault == Fault::NoVersions {
                change.expect = Expect::Any;
            }
            let released = |record: &Record| record.body.contains(r#""released":true"#);
            if self.fault == Fault::ForgetsReleased && change.record.as_ref().is_some_and(released)
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

impl Store for Repeating<'_> {
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
        let changes = self.written(changes);
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
