//! Operations over an asynchronous store whose calls wait until the test releases them.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tenure_bridge::{Answer, Call};
use tenure_core::error::Cause;
use tenure_core::store::{self, Capabilities, ListQuery, Loaded, Page, Record, Scan};
use tenure_core::work::execution::Invocation;
use tenure_core::{Changes, Commit, History, Lift, MemoryStore, NoHost, Result, SessionId, Store};
use tenure_host::{Executor, Started};
use tokio::sync::Semaphore;

/// The timeout of every wait in these tests.
const LIMIT: Duration = Duration::from_secs(60);

/// A memory store whose commits and loads wait for permits.
struct Gated {
    memory: Lift<MemoryStore>,
    permits: Semaphore,
    waiting: AtomicUsize,
    /// The threads that have called the store.
    threads: Mutex<BTreeSet<String>>,
    /// By how many milliseconds its clock is ahead of the callers'.
    clock_offset_ms: AtomicI64,
}

impl Default for Gated {
    fn default() -> Self {
        Self {
            memory: Lift::default(),
            permits: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            threads: Mutex::default(),
            clock_offset_ms: AtomicI64::new(0),
        }
    }
}

impl Gated {
    async fn pass(&self) -> Result<()> {
        let name = format!("{:?}", thread::current().id());
        self.threads.lock().unwrap().insert(name);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let permit = self.permits.acquire().await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        permit.expect("the gate is open").forget();
        Ok(())
    }

    /// Releases this number of calls.
    fn let_pass(&self, calls: usize) {
        self.permits.add_permits(calls);
    }

    /// Waits until this number of calls is waiting.
    fn wait_for(&self, calls: usize) {
        let started = Instant::now();
        while self.waiting.load(Ordering::SeqCst) != calls {
            assert!(started.elapsed() < LIMIT, "{calls} calls do not wait");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Store for Gated {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn load<'a>(
        &'a self,
        id: &'a SessionId,
        history: History,
    ) -> store::Answer<'a, Option<Loaded>> {
        Box::pin(async move {
            self.pass().await?;
            self.memory.load(id, history).await
        })
    }

    fn commit<'a>(&'a self, changes: &'a Changes) -> store::Answer<'a, Commit> {
        Box::pin(async move {
            self.pass().await?;
            self.memory.commit(changes).await
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> store::Answer<'a, Page> {
        self.memory.list(query)
    }

    fn record<'a>(&'a self, kind: &'a str, key: &'a str) -> store::Answer<'a, Option<Record>> {
        self.memory.record(kind, key)
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> store::Answer<'a, Vec<Record>> {
        self.memory.scan(scan)
    }

    fn begin(&self, _: bool) -> store::Answer<'_, store::Begun> {
        Box::pin(ready(Ok(store::Begun {
            clock_offset_ms: self.clock_offset_ms.load(Ordering::SeqCst),
            ..store::Begun::default()
        })))
    }
}

fn executor(store: &Arc<Gated>) -> Executor {
    let store = Arc::clone(store);
    let open = move || {
        let store: Arc<dyn Store> = Arc::clone(&store) as _;
        Box::pin(async move { Ok(store) }) as tenure_host::Opening
    };
    Executor::asynchronous(Capabilities::default(), Box::new(open))
}

fn invocation(name: &str, params: &str) -> Invocation {
    invocation_at(0.0, name, params)
}

/// A call at a time of the caller's clock.
fn invocation_at(now: f64, name: &str, params: &str) -> Invocation {
    let call = Call {
        name,
        params,
        now,
        entropy: [0; 16].into(),
        host: Arc::new(NoHost),
        answers: None,
        trace: None,
    };
    call.invocation(Arc::default()).unwrap()
}

/// Starts a session whose id has this number.
fn start_session(executor: &Executor, number: u32) -> Receiver<Answer> {
    let params = format!(r#"{{"id":"s{number}","task":"t","mode":"m"}}"#);
    start(executor, "start", &params)
}

fn start(executor: &Executor, name: &str, params: &str) -> Receiver<Answer> {
    let (done, answer) = channel();
    match executor.start(invocation(name, params)) {
        Started::Ended(answer) => panic!("it has ended: {answer}"),
        Started::Deferred(deferred) => deferred.run(move |answer| done.send(answer).unwrap()),
    }
    answer
}

fn ended(answer: &Receiver<Answer>) -> Answer {
    answer.recv_timeout(LIMIT).unwrap()
}

fn assert_fails(answer: &Answer, code: &str) {
    let begin = format!(r#"{{"error":{{"code":"{code}""#);
    assert!(answer.starts_with(&begin), "{answer}");
}

#[test]
fn many_operations_are_in_flight_on_one_thread() {
    let store = Arc::new(Gated::default());
    let executor = executor(&store);
    let answers: Vec<_> = (0..64)
        .map(|number| start_session(&executor, number))
        .collect();
    store.wait_for(64);
    assert!(answers.iter().all(|answer| answer.try_recv().is_err()));
    store.let_pass(64);
    for (number, answer) in answers.iter().enumerate() {
        let answer = ended(answer);
        let begin = format!(r#"{{"ok":{{"id":"s{number}""#);
        assert!(answer.starts_with(&begin), "{answer}");
    }
    let threads = store.threads.lock().unwrap();
    let own = format!("{:?}", thread::current().id());
    assert_eq!(threads.len(), 1);
    assert!(!threads.contains(&own));
}

#[test]
fn threads_share_an_executor_and_wait_for_their_own_operations() {
    let store = Arc::new(Gated::default());
    let executor = executor(&store);
    store.let_pass(8);
    let run = |number: u32| {
        let params = format!(r#"{{"id":"s{number}","task":"t","mode":"m"}}"#);
        executor.run(invocation("start", &params)).map(|_| ())
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || run(number)))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Ok(()));
        }
    });
}

#[test]
fn operations_are_dropped_when_the_store_is_closed() {
    let store = Arc::new(Gated::default());
    let executor = executor(&store);
    let writes = start_session(&executor, 0);
    let reads = start(&executor, "get", r#"{"id":"s0"}"#);
    store.wait_for(2);
    executor.close();
    assert_fails(&ended(&writes), "OUTCOME_UNKNOWN");
    assert_fails(&ended(&reads), "CLOSED");
    assert_fails(&ended(&start_session(&executor, 1)), "CLOSED");
}

#[test]
fn a_panic_of_the_store_fails_one_operation_only() {
    let store = Arc::new(Gated::default());
    let executor = executor(&store);
    store.permits.close();
    assert_fails(&ended(&start_session(&executor, 0)), "INTERNAL");
    let answer = ended(&start(&executor, "leaseGet", r#"{"key":"k"}"#));
    assert_eq!(answer, r#"{"ok":null}"#);
}

#[test]
fn opening_a_store_is_retried_after_a_failure() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let open = move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move {
            match first {
                true => Err(Cause::StoreUnavailable {
                    problem: "not yet".to_owned(),
                }
                .into()),
                false => Ok(Arc::new(Lift::<MemoryStore>::default()) as Arc<dyn Store>),
            }
        }) as tenure_host::Opening
    };
    let executor = Executor::asynchronous(Capabilities::default(), Box::new(open));
    let opened = executor.open_now().map_err(|error| error.code());
    assert_eq!(opened, Err("STORE_UNAVAILABLE"));
    for number in 0..2 {
        let answer = ended(&start_session(&executor, number));
        assert!(answer.starts_with(r#"{"ok":"#), "{answer}");
    }
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

#[test]
fn callers_whose_clocks_differ_agree_on_when_a_lease_expires() {
    const HOUR: i32 = 3_600_000;
    let store = Arc::new(Gated::default());
    let executor = executor(&store);
    store.let_pass(100);
    let acquire = |now: i32, offset: i32, holder: &str| {
        store.clock_offset_ms.store(offset.into(), Ordering::SeqCst);
        let params = format!(r#"{{"key":"k","holder":"{holder}","leaseDurationMs":60000}}"#);
        let (done, answer) = channel();
        match executor.start(invocation_at(now.into(), "leaseAcquire", &params)) {
            Started::Ended(answer) => panic!("it has ended: {answer}"),
            Started::Deferred(deferred) => deferred.run(move |answer| done.send(answer).unwrap()),
        }
        let answer = ended(&answer);
        answer.contains(r#""outcome":"acquired""#)
    };
    // Its clock is an hour slow.
    assert!(acquire(0, HOUR, "slow"));
    assert!(!acquire(HOUR + 59_999, 0, "right"));
    assert!(!acquire(2 * HOUR, -HOUR, "fast"));
    assert!(acquire(HOUR + 60_000, 0, "right"));
}
