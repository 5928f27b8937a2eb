//! Helpers for the tests of leases: a simulated machine with a store and a clock, and callers whose
//! PIDs may be reused. The tests decide which processes run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tenure_core::{
    Error, Host, Lift, Limits, Liveness, MemoryStore, NoHost, Process, Result, Store, Text,
    Timestamp,
};

use super::steps::Fault;
use crate::support::{NOON, call_as, call_of, ready};

thread_local! {
    /// The running processes, by PID and start time.
    static RUNNING: RefCell<BTreeSet<(u32, u64)>> = RefCell::default();
    /// The earlier replies of the host to the current operation, which are repeated when the
    /// operation is run again, and the number of replies that were repeated.
    static REPLIES: RefCell<Option<(Vec<Liveness>, usize)>> = const { RefCell::new(None) };
    /// The defect of the hosts.
    static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

/// Runs an operation whose host repeats these replies. Returns its result, and all replies of the
/// host.
pub(crate) fn with_repeated_replies<T>(
    replies: Vec<Liveness>,
    run: impl FnOnce() -> T,
) -> (T, Vec<Liveness>) {
    REPLIES.set(Some((replies, 0)));
    let outcome = run();
    let (replies, _) = REPLIES.take().unwrap_or_default();
    (outcome, replies)
}

/// Sets the running processes, and the defect of the hosts.
pub(crate) fn set_running_processes(processes: BTreeSet<(u32, u64)>, fault: Fault) {
    RUNNING.set(processes);
    FAULT.set(fault);
}

/// A process of a simulated machine, as a host.
#[derive(Debug)]
struct Simulated(Process);

/// The host on whose behalf an operation is called.
pub(crate) type Caller = Arc<dyn Host>;

/// The boot ID of the simulated machine.
const BOOT: &str = "boot";

impl Host for Simulated {
    fn process(&self) -> Option<&Process> {
        Some(&self.0)
    }

    fn liveness(&self, process: &Process) -> Liveness {
        REPLIES.with_borrow_mut(|replies| match replies {
            Some((replies, next)) => {
                *next += 1;
                if replies.len() < *next {
                    replies.push(self.observed_liveness(process));
                }
                replies[*next - 1]
            }
            None => self.observed_liveness(process),
        })
    }
}

impl Simulated {
    fn observed_liveness(&self, process: &Process) -> Liveness {
        match (process.pid, process.start_time) {
            (Some(pid), Some(start)) if process.boot_id == self.0.boot_id => {
                let fault = FAULT.get();
                if fault == Fault::LivenessUnknown {
                    return Liveness::Unknown;
                }
                let runs = RUNNING.with_borrow(|running| match fault {
                    Fault::IgnoresStartTimes => running.iter().any(|(number, _)| *number == pid),
                    _ => running.contains(&(pid, start)),
                });
                if runs {
                    Liveness::Alive
                } else {
                    Liveness::Dead
                }
            }
            _ => Liveness::Unknown,
        }
    }
}

/// Starts a process.
pub(crate) fn process(session: &str, pid: u32, start_time: u64) -> Caller {
    RUNNING.with_borrow_mut(|running| running.insert((pid, start_time)));
    on_machine(session, pid, start_time, BOOT)
}

/// A process of another machine, whose liveness is unknown here.
pub(crate) fn elsewhere(session: &str) -> Caller {
    on_machine(session, 1, 1, "another")
}

fn on_machine(session: &str, pid: u32, start_time: u64, boot: &str) -> Caller {
    Arc::new(Simulated(Process {
        session: Text::from(session),
        pid: Some(pid),
        start_time: Some(start_time),
        boot_id: Some(Text::from(boot)),
        pid_namespace: None,
        hostname: Some(Text::from(format!("host of {boot}"))),
    }))
}

/// Ends a process.
pub(crate) fn kill(caller: &Caller) {
    let process = caller.process();
    if let Some((pid, start)) = process.and_then(|process| process.pid.zip(process.start_time)) {
        RUNNING.with_borrow_mut(|running| running.remove(&(pid, start)));
    }
}

/// A caller without a process.
pub(crate) fn nobody() -> Caller {
    Arc::new(NoHost)
}

/// A store and its clock.
pub(crate) struct Machine {
    pub(crate) store: Lift<MemoryStore>,
    now: Cell<i64>,
    calls: Cell<u128>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            store: Lift::default(),
            now: Cell::new(NOON),
            calls: Cell::new(0),
        }
    }
}

impl Machine {
    /// Advances the clock, or sets it back.
    pub(crate) fn pass(&self, millis: i64) {
        self.now.set(self.now.get() + millis);
    }

    /// The time of the clock.
    pub(crate) fn now(&self) -> i64 {
        self.now.get()
    }

    /// The result of an operation that `by` calls.
    pub(crate) fn ok(&self, by: &Caller, name: &str, params: Value) -> Value {
        self.call(by, name, &params)
            .unwrap_or_else(|error| panic!("{name} {params}: {error}"))
    }

    /// The outcome of an operation on a lease, and the token of the lease after it.
    pub(crate) fn outcome(&self, by: &Caller, name: &str, params: Value) -> (String, Option<u64>) {
        let answer = self.ok(by, name, params);
        let outcome = answer["outcome"].as_str().unwrap().to_owned();
        let lease = answer.get("lease").unwrap_or(&answer);
        (outcome, lease["token"].as_u64())
    }

    /// The error of an operation that `by` calls.
    pub(crate) fn error(&self, by: &Caller, name: &str, params: Value) -> Error {
        match self.call(by, name, &params) {
            Ok(answer) => panic!("{name} {params} succeeds: {answer}"),
            Err(error) => error,
        }
    }

    fn call(&self, by: &Caller, name: &str, params: &Value) -> Result<Value> {
        self.calls.set(self.calls.get() + 1);
        let now = Timestamp::from_millis(self.now.get())?;
        let answer = call(&self.store, by, now, self.calls.get(), name, params);
        Ok(serde_json::from_str(&ready(answer)?).unwrap())
    }
}

/// Calls an operation by its name. Returns its result as JSON text.
pub(crate) async fn call(
    store: &dyn Store,
    host: &Caller,
    now: Timestamp,
    entropy: u128,
    name: &str,
    params: &Value,
) -> Result<String> {
    let call = call_of(Arc::clone(host), now, entropy, &Limits::default());
    Ok(call_as(store, call, name, &params.to_string()).await?.value)
}
