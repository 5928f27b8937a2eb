//! Histories of clients in several processes, each behind a proxy of its own, while the network is interrupted and
//! delayed, connections are cut in the middle of commits, clients are killed, and the server is killed and started
//! again. Leases, slots and versions are linearizable, and each append is in its history exactly once.

mod checks;
mod client;
mod models;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use serde_json::{Value, json};
use tenure_core::{History, Store};
use tenure_histories::{Recorder, Running};
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_store_support::{id, scaled};

use crate::common::block_on;
use crate::proxy::{Direction, Proxy};
use crate::server::Server;
use checks::{by_key, is_appended_once, is_linearizable};
use client::{Client, Reply};
use models::{
    LeaseInput, LeaseModel, LeaseOutput, SessionInput, SessionModel, SessionOutput, SlotInput,
    SlotModel, SlotOutput,
};

/// The processes, and how many operations of each are in flight.
const CLIENTS: usize = 4;
const LANES: usize = 3;
/// How many leases, slots, sessions and logs there are in a part of the test. Each part has keys of its own: what
/// is unknown may take effect at any time after its call, so that the checks of long histories take long.
const KEYS: u64 = 3;
/// How often something fails in a part: everything once.
const FAILURES: u32 = 6;
/// How many operations with a known outcome each key has at least, so that enough could contradict the others.
const ENOUGH: u64 = 20;
/// How often a call with an idempotency key is repeated at most.
const REPEATS: u32 = 100;
/// The longest pause between two operations of a lane, in milliseconds.
const PAUSE: u64 = 12;
/// The models of the sessions in slots.
const MODELS: [&str; 3] = ["alpha", "beta", "gamma"];

/// An operation on one of the keys.
type Keyed<I> = (u64, I);

/// All that is recorded.
#[derive(Default)]
struct Recorded {
    leases: Recorder<Keyed<LeaseInput>, LeaseOutput>,
    slots: Recorder<Keyed<SlotInput>, SlotOutput>,
    sessions: Recorder<Keyed<SessionInput>, SessionOutput>,
    /// The appends to the logs, with the sequence numbers that they returned.
    appends: Recorder<Keyed<Append>, u64>,
    /// How many of these have a known outcome, by the recorder and the key.
    known: [[AtomicU64; KEYS as usize]; 4],
}

/// An append of a number that no other appends.
#[derive(Debug, Clone, Copy)]
struct Append {
    number: u64,
    /// Whether it has an idempotency key, with which it is repeated until it has succeeded.
    is_repeated: bool,
}

/// What has become of an operation.
enum Ended {
    Done(Value),
    /// A rule has refused it.
    Refused(String),
    /// It has not been performed.
    Unperformed,
    /// It may have been performed, or may still be.
    Unknown,
}

impl Ended {
    /// The end of an operation that writes or not: a read without a reply is as if it had not been performed.
    fn of(self, writes: bool) -> Self {
        match self {
            Self::Unknown if !writes => Self::Unperformed,
            ended => ended,
        }
    }
}

/// One of the threads that have an operation in flight.
struct Lane<'t> {
    client: &'t Client,
    recorded: &'t Recorded,
    /// Numbers that no other operation has.
    next: &'t AtomicU64,
    part: u32,
    name: String,
    rng: Rng,
    /// What it has seen last, by key.
    tokens: BTreeMap<u64, u64>,
    versions: BTreeMap<u64, u64>,
}

impl Lane<'_> {
    fn run(mut self, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            let key = self.rng.u64(0..KEYS);
            let kind = self.rng.usize(0..4);
            let is_known = match kind {
                0 => self.lease(key),
                1 => self.slot(key),
                2 => self.session(key),
                _ => self.append(key),
            };
            let known = &self.recorded.known[kind][key as usize];
            known.fetch_add(u64::from(is_known), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(self.rng.u64(0..PAUSE)));
        }
    }

    fn call(&self, name: &str, params: &Value) -> Ended {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(since.as_millis()).unwrap();
        match self.client.call(name, now, params) {
            None => Ended::Unknown,
            Some(Reply::Done(value)) => Ended::Done(value),
            Some(Reply::Failed(code, message)) => match code.as_str() {
                "OUTCOME_UNKNOWN" => Ended::Unknown,
                "STORE_UNAVAILABLE" | "STORE_BUSY" => Ended::Unperformed,
                "VERSION_CONFLICT" => Ended::Refused(code),
                _ => panic!("{name} {params}: {code}: {message}"),
            },
        }
    }

    fn lease(&mut self, key: u64) -> bool {
        let (holder, token) = (
            self.name.clone(),
            self.tokens.get(&key).copied().unwrap_or(1),
        );
        let lease = format!("lease-{}-{key}", self.part);
        let (name, params, input) = match self.rng.u8(0..5) {
            0 | 1 => (
                "leaseAcquire",
                json!({ "key": lease, "holder": holder, "leaseDurationMs": 3_600_000 }),
                LeaseInput::Acquire { holder },
            ),
            2 => (
                "leaseRenew",
                json!({ "key": lease, "holder": holder, "token": token }),
                LeaseInput::Renew { holder, token },
            ),
            3 => (
                "leaseRelease",
                json!({ "key": lease, "holder": holder, "token": token }),
                LeaseInput::Release { holder, token },
            ),
            _ => ("leaseGet", json!({ "key": lease }), LeaseInput::Get),
        };
        let running = self.recorded.leases.call((key, input));
        let ended = self.call(name, &params).of(name != "leaseGet");
        let output = end(&self.recorded.leases, running, ended, |reply| {
            let (outcome, lease) = match name {
                "leaseGet" => ("got", reply),
                _ => (text(&reply["outcome"]), &reply["lease"]),
            };
            let lease = (!lease.is_null())
                .then(|| (text(&lease["holder"]).to_owned(), number(&lease["token"])));
            LeaseOutput {
                outcome: outcome.to_owned(),
                lease,
            }
        });
        let is_known = output.is_some();
        if let Some((_, token)) = output.and_then(|output| output.lease) {
            self.tokens.insert(key, token);
        }
        is_known
    }

    fn slot(&mut self, key: u64) -> bool {
        let task = format!("task-{}-{key}", self.part);
        let (name, params, input) = match self.rng.bool() {
            true => {
                let id = format!("slot-{}", self.number());
                let model = MODELS[self.rng.usize(0..MODELS.len())];
                let params = json!({
                    "taskId": task, "phase": "plan", "model": model, "id": id,
                    "task": "t", "mode": "m", "onModelChange": "replace",
                });
                let model = model.to_owned();
                ("startInSlot", params, SlotInput::Start { id, model })
            }
            false => {
                let params = json!({ "taskId": task, "phase": "plan" });
                ("latestSession", params, SlotInput::Latest)
            }
        };
        let running = self.recorded.slots.call((key, input));
        let ended = self.call(name, &params).of(name != "latestSession");
        end(&self.recorded.slots, running, ended, |reply| {
            let outcome = match name {
                "latestSession" => "got",
                _ => text(&reply["outcome"]),
            };
            let id = |session: &Value| session["id"].as_str().map(str::to_owned);
            SlotOutput {
                outcome: outcome.to_owned(),
                session: id(&reply["session"]),
                replaced: id(&reply["replaced"]),
            }
        })
        .is_some()
    }

    fn session(&mut self, key: u64) -> bool {
        let session = format!("session-{}-{key}", self.part);
        let version = self.versions.get(&key).copied().unwrap_or(1);
        let (name, params, input) = match self.rng.u8(0..3) {
            0 => {
                let params = json!({ "id": session, "history": 1 });
                ("get", params, SessionInput::Read)
            }
            kind => {
                let value = self.number();
                let mut params = json!({ "id": session, "context": { "value": value } });
                let if_version = (kind == 1).then_some(version);
                if let Some(version) = if_version {
                    params["ifVersion"] = version.into();
                }
                (
                    "updateContext",
                    params,
                    SessionInput::Write { value, if_version },
                )
            }
        };
        let running = self.recorded.sessions.call((key, input));
        let ended = self.call(name, &params).of(name != "get");
        if let Ended::Refused(_) = ended {
            self.versions.remove(&key);
            let conflict = SessionOutput::Conflict;
            self.recorded.sessions.returned(running, conflict);
            return true;
        }
        let output = end(&self.recorded.sessions, running, ended, |reply| {
            SessionOutput::Has {
                version: number(&reply["version"]),
                value: number(&reply["context"]["value"]),
            }
        });
        let is_known = output.is_some();
        if let Some(SessionOutput::Has { version, .. }) = output {
            self.versions.insert(key, version);
        }
        is_known
    }

    fn append(&mut self, key: u64) -> bool {
        let append = Append {
            number: self.number(),
            is_repeated: self.rng.bool(),
        };
        let (log, data) = (
            format!("log-{}-{key}", self.part),
            json!({ "number": append.number }),
        );
        let mut params = json!({ "id": log, "type": "note", "data": data });
        if append.is_repeated {
            params["idempotencyKey"] = append.number.to_string().into();
        }
        let running = self.recorded.appends.call((key, append));
        let mut ended = self.call("addEvent", &params);
        for _ in 0..REPEATS {
            if !append.is_repeated || matches!(ended, Ended::Done(_)) {
                break;
            }
            thread::sleep(Duration::from_millis(PAUSE));
            ended = self.call("addEvent", &params);
        }
        end(&self.recorded.appends, running, ended, |reply| {
            number(&reply["firstSequence"])
        })
        .is_some()
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Records the end of an operation. Returns its outcome, if it is known.
fn end<I, O: Clone>(
    recorder: &Recorder<I, O>,
    running: Running<I>,
    ended: Ended,
    output: impl FnOnce(&Value) -> O,
) -> Option<O> {
    match ended {
        Ended::Done(reply) => {
            let output = output(&reply);
            recorder.returned(running, output.clone());
            return Some(output);
        }
        Ended::Unperformed => recorder.had_no_effect(running),
        Ended::Unknown => recorder.is_unknown(running),
        Ended::Refused(code) => panic!("{code}"),
    }
    None
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// What goes wrong, one thing after the other. Each ends before the next one begins.
fn disturb(rng: &mut Rng, kind: u32, server: &Server, clients: &[Client], proxies: &[Proxy]) {
    let one = rng.usize(0..CLIENTS);
    match kind {
        // A part of the clients does not reach the server, for less or for longer than some of them wait.
        0 => {
            let is_cut_off = |number: &usize| number % 2 == one % 2;
            let cut_off: Vec<usize> = (0..CLIENTS).filter(is_cut_off).collect();
            for number in &cut_off {
                proxies[*number].interrupt(true);
            }
            thread::sleep(Duration::from_millis(rng.u64(50..1500)));
            for number in &cut_off {
                proxies[*number].interrupt(false);
            }
        }
        1 => {
            proxies[one].delay(Duration::from_millis(rng.u64(5..60)));
            thread::sleep(Duration::from_millis(200));
            proxies[one].delay(Duration::ZERO);
        }
        // Connections are cut at some byte of some commit.
        2 => {
            for _ in 0..10 {
                let direction = match rng.bool() {
                    true => Direction::ToServer,
                    false => Direction::ToClient,
                };
                proxies[rng.usize(0..CLIENTS)].cut_after(direction, rng.u64(0..4000));
                thread::sleep(Duration::from_millis(20));
            }
            for proxy in proxies {
                proxy.pass();
            }
        }
        3 => server.kill_and_start(),
        4 => clients[one].kill_and_start(),
        // New connections are refused, and those that are there are lost.
        _ => {
            proxies[one].refuse(true);
            proxies[one].cut_after(Direction::ToServer, 0);
            thread::sleep(Duration::from_millis(rng.u64(20..700)));
            proxies[one].refuse(false);
            proxies[one].pass();
        }
    }
    // They go on for a while.
    thread::sleep(Duration::from_millis(100));
}

#[test]
fn operations_of_several_processes_are_linearizable_whatever_fails() {
    let seed = std::env::var("TENURE_TEST_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(17);
    // It is shown if the test fails.
    eprintln!("TENURE_TEST_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let server = Server::new();
    server.start();
    let store = block_on(async {
        let address = Address::parse(&server.url()).unwrap();
        PostgresStore::open(&address, &PostgresOptions::default()).await
    });
    let store = store.unwrap();
    let proxies: Vec<Proxy> = (0..CLIENTS)
        .map(|_| block_on(Proxy::new(server.port)))
        .collect();
    let clients: Vec<Client> = proxies
        .iter()
        .enumerate()
        .map(|(number, Proxy { port, .. })| {
            // Half of them wait for less time than an interruption may take.
            let parameters = match number % 2 {
                0 => "",
                _ => "?timeout_ms=1000&connection_timeout_ms=400&pool_max=2",
            };
            Client::start(format!(
                "postgres://postgres@127.0.0.1:{port}/postgres{parameters}"
            ))
        })
        .collect();
    let next = AtomicU64::new(1);
    for part in 0..scaled(10) {
        begin(&clients[0], part);
        let recorded = record(part, &mut rng, &next, &server, &clients, &proxies);
        recorded.check(part, &store);
    }
}

/// Starts the sessions of a part.
fn begin(client: &Client, part: u32) {
    for key in 0..KEYS {
        for name in ["session", "log"] {
            let id = format!("{name}-{part}-{key}");
            let params = json!({ "id": id, "task": "t", "mode": "m", "context": { "value": 0 } });
            let started = client.call("start", 1_000_000, &params);
            let Some(Reply::Done(started)) = started else {
                panic!("{id}: {started:?}");
            };
            assert_eq!(number(&started["version"]), 1);
        }
    }
}

/// Records the operations of a part, while everything fails once.
fn record(
    part: u32,
    rng: &mut Rng,
    next: &AtomicU64,
    server: &Server,
    clients: &[Client],
    proxies: &[Proxy],
) -> Recorded {
    let (recorded, is_over) = (Recorded::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let (recorded, is_over) = (&recorded, &is_over);
        // Lanes end also if this thread panics.
        let _ends = Ends(is_over);
        let mut lanes = Vec::new();
        for (number, client) in clients.iter().enumerate() {
            for lane in 0..LANES {
                let lane = Lane {
                    client,
                    recorded,
                    next,
                    part,
                    name: format!("holder-{number}-{lane}"),
                    rng: Rng::with_seed(rng.u64(..)),
                    tokens: BTreeMap::new(),
                    versions: BTreeMap::new(),
                };
                lanes.push(scope.spawn(move || lane.run(is_over)));
            }
        }
        thread::sleep(Duration::from_millis(100));
        let mut kinds: Vec<u32> = (0..FAILURES).collect();
        rng.shuffle(&mut kinds);
        for kind in kinds {
            disturb(rng, kind, server, clients, proxies);
        }
        // A lane that has ended has failed.
        while !recorded.is_enough() && !lanes.iter().any(|lane| lane.is_finished()) {
            thread::sleep(Duration::from_millis(PAUSE));
        }
    });
    recorded
}

impl Recorded {
    fn is_enough(&self) -> bool {
        let mut known = self.known.iter().flatten();
        known.all(|count| count.load(Ordering::Relaxed) >= ENOUGH)
    }

    fn check(self, part: u32, store: &PostgresStore) {
        is_linearizable("lease", &LeaseModel, self.leases.into_history());
        is_linearizable("slot", &SlotModel, self.slots.into_history());
        is_linearizable("session", &SessionModel, self.sessions.into_history());
        let logs = by_key(self.appends.into_history());
        assert_eq!(logs.len() as u64, KEYS);
        for (key, history) in logs {
            let name = id(&format!("log-{part}-{key}"));
            let loaded = block_on(store.load(&name, History::All)).unwrap().unwrap();
            let notes = loaded.events.iter().filter(|event| event.kind == "note");
            let stored = notes.map(|event| {
                let data: Value = serde_json::from_str(event.data.as_str()).unwrap();
                (number(&data["number"]), event.sequence)
            });
            is_appended_once(&history, &stored.collect::<Vec<_>>());
        }
    }
}

/// Ends the lanes when it is dropped.
struct Ends<'t>(&'t AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
