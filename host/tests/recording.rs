//! Metrics of several processes, which are killed while they record: what was recorded is counted once, and no counter
//! goes back.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tenure_apps::metrics::params::{Metrics, MetricsRecorded};
use tenure_bridge::{Answer, Call, Options, entropy};
use tenure_core::work::execution::Invocation;
use tenure_host::metrics::metrics_of;
use tenure_host::{Executor, Lifetime, Place, Started, now, this_host};
use tenure_store_support::{given_path, process};

fn open(url: &str) -> Executor {
    let place = Place::of(url).unwrap().unwrap();
    Executor::open(place, &Options::default(), Lifetime::Long).unwrap()
}

/// Runs an operation as this process. Its answer must be a reply.
fn run(executor: &Executor, name: &str, params: &str) -> Answer {
    let now = now().as_millis() as f64;
    let call = Call {
        name,
        params,
        now,
        entropy: entropy(now, None, getrandom::fill).unwrap(),
        host: this_host(),
        answers: None,
        trace: None,
    };
    let invocation: Invocation = call.invocation(Arc::default()).unwrap();
    let answer = match executor.start(invocation) {
        Started::Ended(answer) => answer,
        Started::Deferred(deferred) => {
            let (done, answer) = mpsc::channel();
            deferred.run(move |answer| done.send(answer).unwrap());
            answer.recv().unwrap()
        }
    };
    assert!(answer.starts_with(r#"{"ok":"#), "{name}: {answer}");
    answer
}

/// The process of the tests: starts sessions, records after each, and says so before and after.
#[test]
#[ignore = "runs as a process of other tests"]
fn records_until_it_is_killed() {
    #[derive(serde::Deserialize)]
    struct Replied {
        ok: MetricsRecorded,
    }
    let executor = open(given_path().to_str().unwrap());
    for started in 1.. {
        run(&executor, "start", r#"{"task":"t","mode":"m"}"#);
        let params = executor.meter().to_record(&executor.own(), false).unwrap();
        println!("sent {started}");
        let answer = run(&executor, "metricsRecord", &params);
        let replied: Replied = serde_json::from_str(&answer).unwrap();
        executor.meter().recorded(&replied.ok);
        println!("recorded {started}");
    }
}

/// A process that records, and what it has said.
struct Recorder {
    child: Child,
    said: Arc<Said>,
    reading: JoinHandle<()>,
}

#[derive(Default)]
struct Said {
    sent: AtomicU64,
    recorded: AtomicU64,
}

impl Recorder {
    fn start(url: &str) -> Self {
        let mut child = process("recording::records_until_it_is_killed", Path::new(url));
        let said = Arc::new(Said::default());
        let (lines, heard) = (child.stdout.take().unwrap(), Arc::clone(&said));
        let reading = thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                // The first line has the name of the test, too.
                let mut words = line.rsplit(' ');
                let number = words.next().and_then(|number| number.parse().ok());
                match (words.next(), number) {
                    (Some("sent"), Some(number)) => heard.sent.store(number, Ordering::SeqCst),
                    (Some("recorded"), Some(number)) => {
                        heard.recorded.store(number, Ordering::SeqCst);
                    }
                    _ => {}
                }
            }
        });
        Self {
            child,
            said,
            reading,
        }
    }

    /// Kills the process. Returns what it has recorded at least, and at most.
    fn kill(mut self) -> (u64, u64) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reading.join().unwrap();
        let said = |number: &AtomicU64| number.load(Ordering::SeqCst);
        (said(&self.said.recorded), said(&self.said.sent))
    }
}

/// Reads the metrics of a store, and demands that no counter goes back.
struct Reader {
    executor: Executor,
    before: u64,
}

impl Reader {
    fn metrics(&self) -> Metrics {
        let answer = run(&self.executor, "metrics", r#"{"derive":false}"#);
        metrics_of(&answer).unwrap()
    }

    fn started(&mut self) -> u64 {
        let metrics = self.metrics();
        let operations = metrics.counts.counters.get("operations");
        let started = operations.and_then(|operations| operations.get("start/ok"));
        let started = started.copied().unwrap_or(0);
        assert!(started >= self.before, "{started} after {}", self.before);
        self.before = started;
        started
    }
}

/// Kills several processes while they record, a few times.
fn kill_recorders(url: &str) {
    let mut reader = Reader {
        executor: open(url),
        before: 0,
    };
    let (mut least, mut most) = (0, 0);
    for rounds in [1, 3] {
        let recorders = [
            Recorder::start(url),
            Recorder::start(url),
            Recorder::start(url),
        ];
        let recorded = |recorder: &Recorder| recorder.said.recorded.load(Ordering::SeqCst);
        while !recorders
            .iter()
            .all(|recorder| recorded(recorder) >= rounds)
        {
            reader.started();
            // None of these processes has ended.
            let folded = run(&reader.executor, "metricsFold", "{}");
            assert_eq!(folded, r#"{"ok":{"folded":0}}"#);
        }
        for recorder in recorders {
            let (recorded, sent) = recorder.kill();
            least += recorded;
            most += sent;
        }
        let counted = reader.started();
        assert!(
            (least..=most).contains(&counted),
            "{least} {counted} {most}"
        );
        assert_eq!(reader.metrics().handles, 3);
        let folded = run(&reader.executor, "metricsFold", "{}");
        assert_eq!(folded, r#"{"ok":{"folded":3}}"#);
        assert_eq!((reader.started(), reader.metrics().handles), (counted, 0));
        (least, most) = (counted, counted);
    }
    reader.executor.close();
}

#[test]
fn processes_on_one_database_of_sqlite_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    kill_recorders(&format!("sqlite:{}", folder.path().join("a.db").display()));
}

#[test]
fn processes_on_one_folder_of_files_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    kill_recorders(&format!(
        "file:{}",
        folder.path().join("sessions").display()
    ));
}

#[test]
fn processes_on_one_database_of_postgresql_are_counted_once() {
    let server = std::env::var("TENURE_TEST_POSTGRES").expect(
        "TENURE_TEST_POSTGRES is not set; run `node scripts/postgres.mjs cargo test -p tenure-host`",
    );
    let url = format!("{server}?schema=metrics_{}", std::process::id());
    kill_recorders(&url);
    let executor = open(&url);
    executor.open_now().unwrap();
    // A machine that is busy measures later.
    let bytes = std::iter::repeat_with(|| executor.store_bytes());
    assert!(bytes.take(100).flatten().next().unwrap() > 100_000);
    executor.close();
}
