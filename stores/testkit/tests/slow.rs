//! An asynchronous store passes every case, too. It delays the calls of a memory store: every call
//! is pending at least once, and is woken by another thread after a short, varying time.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tenure_core::store::feed::{FeedPage, FeedQuery};
use tenure_core::store::filter::Filter;
use tenure_core::store::tally::{Aggregate, Tally};
use tenure_core::store::{
    Answer, Capabilities, Expect, Found, ListQuery, Loaded, Page, Read, RecordChange, Scan,
};
use tenure_core::stored::record::Record;
use tenure_core::{Changes, Commit, Error, History, Lift, MemoryStore, Result, SessionId, Store};
use tenure_testkit::{Failure, Fixture, block_on, store};

/// The longest delay of a call, in microseconds.
const LONGEST_US: u64 = 300;

/// A handle on a memory store that delays each call.
struct Slow {
    store: Arc<Lift<MemoryStore>>,
    calls: AtomicU64,
}

impl Slow {
    fn new(store: &Arc<Lift<MemoryStore>>) -> Self {
        Self {
            store: Arc::clone(store),
            calls: AtomicU64::new(0),
        }
    }

    /// Performs a call after a delay.
    fn after_delay<'a, T: 'a>(&'a self, call: Answer<'a, T>) -> Answer<'a, T> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        // The delays vary, and do not keep the calls in order.
        let delay = number.wrapping_mul(7_919) % LONGEST_US;
        Box::pin(async move {
            sleep(Duration::from_micros(delay)).await;
            call.await
        })
    }
}

impl Store for Slow {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            persistent: true,
            shared: true,
            feed: true,
            ..Capabilities::default()
        }
    }

    fn load<'a>(&'a self, id: &'a SessionId, history: History) -> Answer<'a, Option<Loaded>> {
        self.after_delay(Box::pin(async move { self.store.load(id, history).await }))
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> Answer<'a, Commit> {
        self.after_delay(Box::pin(async move { self.store.commit(changes).await }))
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Page> {
        self.after_delay(Box::pin(async move { self.store.list(query).await }))
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<Record>> {
        self.after_delay(Box::pin(async move { self.store.record(kind, key).await }))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> Answer<'a, Vec<Record>> {
        self.after_delay(Box::pin(async move { self.store.scan(scan).await }))
    }

    fn read<'a>(&'a self, reads: &'a [Read]) -> Answer<'a, Vec<Found>> {
        self.after_delay(Box::pin(async move { self.store.read(reads).await }))
    }

    fn tally<'a>(&'a self, filter: &'a Filter, aggregate: Aggregate) -> Answer<'a, Tally> {
        self.after_delay(Box::pin(async move {
            self.store.tally(filter, aggregate).await
        }))
    }

    fn feed<'a>(&'a self, query: &'a FeedQuery) -> Answer<'a, FeedPage> {
        self.after_delay(Box::pin(async move { self.store.feed(query).await }))
    }
}

/// Handles on one delayed store.
fn fixture() -> impl Fixture {
    let memory = Arc::default();
    move || store(Slow::new(&memory))
}

tenure_testkit::conformance!(fixture());

/// Sixty-four records are written and then read concurrently, through one handle.
#[test]
fn many_calls_are_in_flight_on_one_handle() -> Result<(), Failure> {
    let slow = Slow::new(&Arc::default());
    let keys: Vec<String> = (0..64).map(|number: u32| number.to_string()).collect();
    let changes: Vec<Changes> = keys.iter().map(|key| creation(key)).collect();
    let commits = changes.iter().map(|changes| slow.commit(changes));
    for committed in block_on(all(commits.collect()))? {
        assert_eq!(committed, Ok(Commit::Applied));
    }
    let reads = keys.iter().map(|key| slow.record("kind", key));
    let found = block_on(all(reads.collect()))?;
    for (record, key) in found.into_iter().zip(&keys) {
        assert_eq!(record?.map(|record| record.key).as_ref(), Some(key));
    }
    Ok(())
}

/// Waits for all calls. Each is pending when it is first polled.
async fn all<T>(mut calls: Vec<Answer<'_, T>>) -> Result<Vec<Result<T>>, Failure> {
    let mut ends: Vec<Option<Result<T>>> = calls.iter().map(|_| None).collect();
    let mut is_first = true;
    poll_fn(|context| {
        for (call, end) in calls.iter_mut().zip(&mut ends) {
            if end.is_none()
                && let Poll::Ready(ended) = call.as_mut().poll(context)
            {
                *end = Some(ended);
            }
        }
        if std::mem::take(&mut is_first) {
            assert!(ends.iter().all(Option::is_none));
        }
        match ends.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    Ok(ends.into_iter().flatten().collect())
}

fn creation(key: &str) -> Changes {
    let record = Record {
        kind: "kind".to_owned(),
        key: key.to_owned(),
        version: 1,
        expires_at: None,
        owner: None,
        body: "{}".to_owned(),
    };
    Changes {
        sessions: Vec::new(),
        records: vec![RecordChange::put(Expect::Absent, record)],
    }
}

/// A call that is dropped during its delay has no effect.
#[test]
fn a_call_that_is_dropped_is_not_performed() -> Result<(), Error> {
    let slow = Slow::new(&Arc::default());
    let changes = creation("k");
    let mut call = slow.commit(&changes);
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(call);
    let found = block_on(async { Ok(slow.record("kind", "k").await) });
    assert_eq!(found, Ok(Ok(None)));
    Ok(())
}

/// Is pending until the time has passed, and is woken by the timer thread.
async fn sleep(time: Duration) {
    let mut state: Option<Arc<Mutex<Delay>>> = None;
    poll_fn(|context| {
        let Some(delay) = &state else {
            let delay = Arc::new(Mutex::new(Delay::Pending(context.waker().clone())));
            clock()
                .send((Instant::now() + time, Arc::clone(&delay)))
                .ok();
            state = Some(delay);
            return Poll::Pending;
        };
        let mut delay = delay.lock().unwrap();
        match &mut *delay {
            Delay::Pending(waker) => {
                waker.clone_from(context.waker());
                Poll::Pending
            }
            Delay::Over => Poll::Ready(()),
        }
    })
    .await;
}

enum Delay {
    Pending(Waker),
    Over,
}

type Alarm = (Instant, Arc<Mutex<Delay>>);

/// The channel to the timer thread.
fn clock() -> &'static Sender<Alarm> {
    static CLOCK: OnceLock<Sender<Alarm>> = OnceLock::new();
    CLOCK.get_or_init(|| {
        let (sender, alarms) = channel();
        thread::spawn(move || keep_time(&alarms));
        sender
    })
}

fn keep_time(alarms: &Receiver<Alarm>) {
    let mut waiting: Vec<Alarm> = Vec::new();
    loop {
        let next = waiting.iter().map(|(time, _)| *time).min();
        let alarm = match next {
            None => alarms.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(next) => alarms.recv_timeout(next.saturating_duration_since(Instant::now())),
        };
        match alarm {
            Ok(alarm) => waiting.push(alarm),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        for (_, delay) in waiting.extract_if(.., |(time, _)| *time <= now) {
            let before = std::mem::replace(&mut *delay.lock().unwrap(), Delay::Over);
            if let Delay::Pending(waker) = before {
                waker.wake();
            }
        }
    }
}
