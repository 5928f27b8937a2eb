//! Concurrent operations on leases. Two or three processes each call a few operations, in every
//! order of their store calls. Processes end at any moment, their PIDs are reused, and the clock
//! jumps forward and back. The tests run the production code. Stores and hosts with defects show
//! that they detect errors.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Value, json};
use tenure_core::store::SyncStore;
use tenure_core::stored::lease::Lease;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::{MemoryStore, Timestamp};

use super::simulated_machine::{Caller, process, set_running_processes};
use super::steps::{Fault, RunningCall};
use crate::support::{NOON, scale};

const KEY: &str = "k";
const VM: &str = "vm:v";
/// The lease duration. It is shorter than a jump of the clock.
const DURATION: i64 = 30_000;
const JUMP: i64 = 13 * 60 * 60 * 1000;

/// A step of a process. A process skips a step on a lease that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Acquire,
    /// Acquires the lease for a name instead of the process.
    AcquireAs(&'static str),
    Renew,
    Release,
    /// Transfers the lease to the process with this index.
    Transfer(usize),
    Register,
    Unregister,
    StayRegistered,
    CleanUp,
    Claim,
    Done,
    Fail,
}

/// The steps of the processes, and the number of crashes and clock jumps.
#[derive(Debug, Clone)]
struct Scenario {
    programs: Vec<Vec<Step>>,
    /// The steps of a process that starts with the PID of an ended one.
    again: Vec<Step>,
    crashes: u8,
    /// The number of times that the clock jumps forward, and back.
    forward: u8,
    back: u8,
}

/// A lease that a process holds according to a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holding {
    token: u64,
    /// The time at which the lease expires; `None` while the holder is a running process.
    until: Option<i64>,
    /// The name of the holder, if the holder is not the process.
    name: Option<&'static str>,
    claim: bool,
}

#[derive(Debug, Clone)]
struct Actor {
    /// The number of earlier processes with its PID.
    life: usize,
    program: Vec<Step>,
    at: usize,
    under_way: Option<RunningCall>,
    holds: BTreeMap<&'static str, Holding>,
}

#[derive(Debug, Clone)]
struct State {
    memory: MemoryStore,
    now: i64,
    actors: Vec<Actor>,
    crashes: u8,
    forward: u8,
    back: u8,
    /// The highest token in a reply, by key.
    highest: BTreeMap<&'static str, u64>,
    /// The highest token whose lease was released, by key.
    ended: BTreeMap<&'static str, u64>,
    /// Ended processes whose registration was confirmed by a reply.
    dead: BTreeSet<String>,
    removed: Vec<String>,
    /// Whether the machine is registered and has not been released.
    owed: bool,
}

struct Search<'s> {
    scenario: &'s Scenario,
    fault: Fault,
    hosts: BTreeMap<(usize, usize), Caller>,
    seen: HashSet<String>,
    path: Vec<String>,
}

type Checked = Result<(), String>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

/// Explores every order. Returns the number of different states, or the violated condition and the
/// path to it.
fn explore(scenario: &Scenario, fault: Fault) -> Result<usize, String> {
    let mut search = Search {
        scenario,
        fault,
        hosts: BTreeMap::new(),
        seen: HashSet::new(),
        path: Vec::new(),
    };
    let actor = |program: &Vec<Step>| Actor {
        life: 0,
        program: program.clone(),
        at: 0,
        under_way: None,
        holds: BTreeMap::new(),
    };
    let first = State {
        memory: MemoryStore::default(),
        now: NOON,
        actors: scenario.programs.iter().map(actor).collect(),
        crashes: scenario.crashes,
        forward: scenario.forward,
        back: scenario.back,
        highest: BTreeMap::new(),
        ended: BTreeMap::new(),
        dead: BTreeSet::new(),
        removed: Vec::new(),
        owed: false,
    };
    search
        .visit(first)
        .map_err(|problem| format!("{problem}\nafter {:#?}", search.path))?;
    Ok(search.seen.len())
}

impl Search<'_> {
    fn visit(&mut self, state: State) -> Checked {
        let key = Fingerprint::of("state", format!("{state:?}")).text();
        if !self.seen.insert(key) {
            return Ok(());
        }
        self.check(&state)?;
        for index in 0..state.actors.len() {
            if let Some(next) = self.step(&state, index)? {
                self.go(format!("{index} goes on: {:?}", next.actors[index]), next)?;
            }
            if state.crashes > 0 {
                let mut next = state.clone();
                self.crash(&mut next, index);
                self.go(format!("{index} ends"), next)?;
            }
        }
        if state.forward > 0 {
            let mut next = state.clone();
            next.forward -= 1;
            next.now += JUMP;
            let now = next.now;
            for actor in &mut next.actors {
                // A process does not rely on a lease that has expired by its clock.
                actor
                    .holds
                    .retain(|_, held| held.until.is_none_or(|until| now < until));
            }
            self.go("the clock jumps forward".to_owned(), next)?;
        }
        let named = |actor: &Actor| {
            actor
                .program
                .iter()
                .any(|step| matches!(step, Step::AcquireAs(_)))
        };
        let under_way = state.actors.iter().any(|actor| actor.under_way.is_some());
        // The clock is not set back while a named holder's operation runs: the operation would let
        // the lease of a name expire early. Fencing tokens protect against that, not the clock.
        if state.back > 0 && !(under_way && state.actors.iter().any(named)) {
            let mut next = state.clone();
            next.back -= 1;
            next.now -= JUMP;
            let latest = next.now + DURATION;
            for actor in &mut next.actors {
                // A lease lasts no longer than its own duration from now, also for its holder.
                for held in actor.holds.values_mut() {
                    held.until = held.until.map(|until| until.min(latest));
                }
            }
            self.go("the clock jumps back".to_owned(), next)?;
        }
        Ok(())
    }

    fn go(&mut self, how: String, next: State) -> Checked {
        self.path.push(how);
        self.visit(next)?;
        self.path.pop();
        Ok(())
    }

    fn host(&mut self, index: usize, life: usize) -> Caller {
        // PIDs are reused; only the start times differ.
        let named = || process(&session(index, life), index as u32 + 1, life as u64);
        let host = self.hosts.entry((index, life)).or_insert_with(named);
        Caller::clone(host)
    }

    /// Sets the running processes and the defect of the host.
    fn set_running(&mut self, state: &State) {
        let alive = state.actors.iter().enumerate();
        let mut alive: BTreeSet<(u32, u64)> = alive
            .map(|(index, actor)| (index as u32 + 1, actor.life as u64))
            .collect();
        alive.insert((99, 0));
        set_running_processes(alive, self.fault);
    }

    fn crash(&mut self, state: &mut State, index: usize) {
        state.crashes -= 1;
        let registered = state.memory.record(
            "lease",
            &Lease::process_key(&session(index, state.actors[index].life)),
        );
        if registered.unwrap().is_some() {
            state.dead.insert(session(index, state.actors[index].life));
        }
        let actor = &mut state.actors[index];
        *actor = Actor {
            life: actor.life + 1,
            program: self.scenario.again.clone(),
            at: 0,
            under_way: None,
            holds: BTreeMap::new(),
        };
    }

    /// Performs one store call of a process. Returns `None` if the process has finished.
    fn step(&mut self, state: &State, index: usize) -> Result<Option<State>, String> {
        let mut next = state.clone();
        let host = self.host(index, next.actors[index].life);
        let targets: Vec<String> = next
            .actors
            .iter()
            .enumerate()
            .map(|(index, actor)| session(index, actor.life))
            .collect();
        let actor = &mut next.actors[index];
        if actor.under_way.is_none() {
            let Some(step) = actor.program.get(actor.at).copied() else {
                return Ok(None);
            };
            match operation_of(step, actor, &targets) {
                Some((name, params)) => {
                    actor.under_way = Some(RunningCall {
                        name,
                        params,
                        now: next.now,
                        replies: Vec::new(),
                        liveness: Vec::new(),
                    });
                    // A machine that is unregistered, or reported as removed, needs no cleanup.
                    if step == Step::Unregister || step == Step::Done {
                        next.owed = false;
                    }
                }
                None => {
                    actor.at += 1;
                    return Ok(Some(next));
                }
            }
        }
        self.set_running(&next);
        let actor = &mut next.actors[index];
        let step = actor.program[actor.at];
        let mut under_way = actor.under_way.take();
        let call = under_way.as_mut().ok_or("nothing is under way")?;
        let memory = &next.memory;
        let answer = call.advance(memory, &host, self.fault, 1);
        check(call.replies.len() < 40, || "it comes to no end".to_owned())?;
        match answer {
            None => next.actors[index].under_way = under_way,
            Some(Err(error)) => return Err(format!("{error}")),
            Some(Ok(answer)) => {
                next.actors[index].at += 1;
                record_answer(&mut next, index, step, &answer)?;
            }
        }
        Ok(Some(next))
    }

    /// Checks the invariants of a state.
    fn check(&mut self, state: &State) -> Checked {
        self.set_running(state);
        for key in [KEY, VM] {
            let lease = state.memory.record("lease", key).unwrap();
            let lease = lease.map(|record| Lease::read(&record).unwrap());
            let believers: Vec<(usize, Holding)> = state
                .actors
                .iter()
                .enumerate()
                .filter_map(|(index, actor)| Some((index, *actor.holds.get(key)?)))
                .collect();
            check(believers.len() <= 1, || {
                format!("{key} is held by {believers:?}")
            })?;
            if let Some((index, held)) = believers.first() {
                let lease = lease.as_ref().ok_or("what is held is not kept")?;
                let name = session(*index, state.actors[*index].life);
                let kept = lease.token == held.token && !lease.released;
                let name = held.name.unwrap_or(&name);
                check(kept && lease.holder == name, || {
                    format!("{name} holds {key} by {held:?}, but kept is {lease:?}")
                })?;
            }
            let ended = state.ended.get(key).copied().unwrap_or(0);
            let final_ = |lease: &Lease| lease.released || lease.token > ended;
            check(lease.as_ref().is_none_or(final_), || {
                format!("what was released under token {ended} is back: {lease:?}")
            })?;
            let idle = state.actors.iter().all(|actor| actor.under_way.is_none());
            if idle && believers.is_empty() && key == KEY {
                self.check_free(state, lease.as_ref())?;
            }
        }
        let vm = state.memory.record("lease", VM).unwrap();
        let vm = vm.map(|record| Lease::read(&record).unwrap());
        check(
            !state.owed || vm.as_ref().is_some_and(|vm| !vm.released),
            || format!("a machine is forgotten that was not released: {vm:?}"),
        )
    }

    /// Checks that a lease without a running holder can be acquired, after its expiry at the
    /// latest.
    fn check_free(&mut self, state: &State, lease: Option<&Lease>) -> Checked {
        let holder_runs = lease.is_some_and(|lease| {
            !lease.released
                && lease.process.as_ref().is_some_and(|process| {
                    let actors = state.actors.iter().enumerate();
                    let mut living = actors.map(|(index, actor)| session(index, actor.life));
                    living.any(|session| process.session.as_str() == session)
                })
        });
        if holder_runs {
            return Ok(());
        }
        let probe = process("probe", 99, 0);
        self.set_running(state);
        let named = lease.is_some_and(|lease| lease.process.is_none());
        let mut call = RunningCall {
            name: "leaseAcquire",
            params: json!({"key": KEY}),
            now: state.now + if named { 3 * JUMP } else { 0 },
            replies: Vec::new(),
            liveness: Vec::new(),
        };
        let memory = state.memory.clone();
        let answer = call.advance(&memory, &probe, self.fault, 100);
        let answer = answer
            .ok_or("it comes to no end")?
            .map_err(|error| error.to_string())?;
        check(answer["outcome"] == "acquired", || {
            format!("nobody who runs holds it, and yet it is not to be had: {answer}")
        })
    }
}

fn session(index: usize, life: usize) -> String {
    format!("p{index}.{life}")
}

/// The operation of a step; `None` if the step is skipped. The process stops relying on a lease
/// before it releases it.
fn operation_of(
    step: Step,
    actor: &mut Actor,
    targets: &[String],
) -> Option<(&'static str, Value)> {
    let named = |mut params: Value, name: Option<&str>| {
        if let Some(name) = name {
            params["holder"] = json!(name);
        }
        params
    };
    Some(match step {
        Step::Acquire => ("leaseAcquire", json!({"key": KEY})),
        Step::AcquireAs(name) => {
            let params = json!({"key": KEY, "leaseDurationMs": DURATION});
            ("leaseAcquire", named(params, Some(name)))
        }
        Step::Renew => {
            let held = actor.holds.get(KEY)?;
            (
                "leaseRenew",
                named(json!({"key": KEY, "token": held.token}), held.name),
            )
        }
        Step::Release => {
            let held = actor.holds.remove(KEY)?;
            (
                "leaseRelease",
                named(json!({"key": KEY, "token": held.token}), held.name),
            )
        }
        Step::Transfer(to) => {
            let held = actor.holds.remove(KEY)?;
            let params = json!({"key": KEY, "token": held.token, "to": targets[to]});
            ("leaseTransfer", named(params, held.name))
        }
        Step::Register => {
            let vm = json!({"vmId": "v", "zone": "z", "components": []});
            ("vmRegister", vm)
        }
        Step::Unregister => {
            actor.holds.remove(VM).filter(|held| !held.claim)?;
            ("vmUnregister", json!({}))
        }
        Step::StayRegistered => ("processRegister", json!({})),
        Step::CleanUp => ("staleCleanup", json!({})),
        Step::Claim => {
            if actor.holds.contains_key(VM) {
                return None;
            }
            ("orphanClaim", json!({"vmId": "v"}))
        }
        Step::Done | Step::Fail => {
            let held = actor.holds.get(VM).copied().filter(|held| held.claim)?;
            actor.holds.remove(VM);
            let success = step == Step::Done;
            let params = json!({"vmId": "v", "token": held.token, "success": success});
            ("orphanDone", params)
        }
    })
}

/// Records a reply, and checks it against the earlier replies.
fn record_answer(state: &mut State, index: usize, step: Step, answer: &Value) -> Checked {
    let outcome = answer["outcome"].as_str().unwrap_or_default().to_owned();
    let lease = &answer["lease"];
    let token = lease["token"].as_u64().unwrap_or(0);
    let now = state.now;
    // The lease of a name expires by the clock.
    let end = match lease["process"] {
        Value::Null => lease["expiresAt"].as_str(),
        _ => None,
    };
    let end = end.map(|end| Timestamp::parse(end).unwrap().as_millis());
    let actor = &mut state.actors[index];
    match step {
        Step::Acquire | Step::AcquireAs(_) | Step::Renew => {
            let before = actor.holds.remove(KEY);
            if outcome == "held" || outcome == "lost" {
                let message = format!("{step:?} of {index}, who held it by {before:?}: {answer}");
                // A running process never loses its lease; a name may be too late.
                return check(before.is_none_or(|held| held.name.is_some()), || message);
            }
            let highest = state.highest.entry(KEY).or_default();
            let fits = match outcome.as_str() {
                "acquired" => token > *highest,
                "renewed" => before.is_none_or(|held| held.token == token) && token >= *highest,
                _ => false,
            };
            check(fits, || format!("after token {highest} comes {answer}"))?;
            *highest = token;
            let named = actor.program.iter().find_map(|step| match step {
                Step::AcquireAs(name) => Some(*name),
                _ => None,
            });
            if end.is_none_or(|end| now < end) {
                actor.holds.insert(
                    KEY,
                    Holding {
                        token,
                        until: end,
                        name: named.filter(|_| end.is_some()),
                        claim: false,
                    },
                );
            }
        }
        // Only a named holder may have lost the lease before it was released or transferred.
        Step::Release | Step::Transfer(_) if outcome == "released" || outcome == "transferred" => {
            let gone = token - u64::from(outcome == "transferred");
            let ended = state.ended.entry(KEY).or_default();
            *ended = gone.max(*ended);
            let highest = state.highest.entry(KEY).or_default();
            *highest = token.max(*highest);
        }
        Step::Register if *answer == json!(true) => {
            let record = state.memory.record("lease", VM).unwrap();
            let lease = record.map(|record| Lease::read(&record).unwrap());
            let token = lease.map_or(0, |lease| lease.token);
            let highest = state.highest.entry(VM).or_default();
            check(token > *highest || actor.holds.contains_key(VM), || {
                format!("after token {highest} a machine is registered under {token}")
            })?;
            *highest = token;
            state.owed = true;
            actor.holds.insert(VM, holding(token, false));
        }
        Step::Claim if outcome == "acquired" => {
            let token = answer["token"].as_u64().unwrap_or(0);
            let highest = state.highest.entry(VM).or_default();
            check(token > *highest, || {
                format!("after token {highest} comes {answer}")
            })?;
            *highest = token;
            actor.holds.insert(VM, holding(token, true));
        }
        Step::Unregister => {
            check(*answer == json!(true), || "an owner was not one".to_owned())?;
            let highest = state.highest.get(VM).copied().unwrap_or(0);
            state.ended.insert(VM, highest);
        }
        Step::Done => {
            check(outcome == "released", || {
                format!("a claim was lost: {answer}")
            })?;
            let highest = state.highest.get(VM).copied().unwrap_or(0);
            state.ended.insert(VM, highest);
        }
        Step::Fail => check(outcome == "orphaned", || {
            format!("a claim was lost: {answer}")
        })?,
        Step::CleanUp => {
            for removed in answer["sessions"].as_array().unwrap() {
                let removed = removed.as_str().unwrap().to_owned();
                let counted = state.removed.contains(&removed);
                check(state.dead.contains(&removed) && !counted, || {
                    format!("{removed} is removed, which runs or was removed before")
                })?;
                state.removed.push(removed);
            }
        }
        _ => {}
    }
    Ok(())
}

fn holding(token: u64, claim: bool) -> Holding {
    Holding {
        token,
        until: None,
        name: None,
        claim,
    }
}

fn scenario(programs: &[&[Step]], again: &[Step], happens: (u8, u8, u8)) -> Scenario {
    let (crashes, forward, back) = happens;
    Scenario {
        programs: programs.iter().map(|program| program.to_vec()).collect(),
        again: again.to_vec(),
        crashes,
        forward,
        back,
    }
}

/// The scenarios with a lease.
fn lease_scenarios() -> Vec<Scenario> {
    use Step::{Acquire, AcquireAs, Release, Renew, Transfer};
    let mut all = vec![
        scenario(
            &[&[Acquire, Release], &[Acquire, Release]],
            &[Acquire],
            (1, 1, 1),
        ),
        scenario(
            &[&[Acquire, Renew, Release], &[Acquire, Release]],
            &[],
            (1, 1, 1),
        ),
        scenario(
            &[&[Acquire, Transfer(1)], &[Acquire, Renew]],
            &[Acquire],
            (1, 1, 0),
        ),
        scenario(
            &[
                &[AcquireAs("a"), Renew, Release],
                &[AcquireAs("b"), Release, Acquire],
            ],
            &[AcquireAs("c")],
            (1, 1, 1),
        ),
        scenario(&[&[Acquire], &[Acquire], &[Acquire]], &[], (1, 0, 0)),
    ];
    if scale() >= 1.0 {
        all.extend([
            scenario(
                &[&[Acquire, Renew, Release], &[Acquire, Renew, Release]],
                &[Acquire],
                (1, 1, 1),
            ),
            scenario(
                &[
                    &[Acquire, Release],
                    &[Acquire, Release],
                    &[Acquire, Release],
                ],
                &[],
                (1, 0, 0),
            ),
            scenario(
                &[
                    &[Acquire, Transfer(1)],
                    &[Acquire, Transfer(2)],
                    &[Acquire, Release],
                ],
                &[],
                (1, 0, 0),
            ),
        ]);
    }
    all
}

/// The scenarios with a virtual machine.
fn machine_scenarios() -> Vec<Scenario> {
    use Step::{Claim, CleanUp, Done, Fail, Register, StayRegistered, Unregister};
    let mut all = vec![
        scenario(&[&[Register, Unregister], &[Register]], &[], (1, 1, 1)),
        scenario(&[&[Register], &[Claim, Done]], &[Claim, Fail], (2, 0, 0)),
        scenario(&[&[Register], &[CleanUp], &[CleanUp]], &[], (1, 0, 0)),
        scenario(
            &[&[Register, StayRegistered], &[CleanUp, Register]],
            &[],
            (1, 1, 1),
        ),
    ];
    if scale() >= 1.0 {
        all.extend([
            scenario(
                &[&[Register], &[Claim, Done], &[Claim, Fail]],
                &[Register],
                (2, 0, 0),
            ),
            scenario(
                &[&[Register, Unregister], &[Register], &[CleanUp]],
                &[],
                (1, 0, 0),
            ),
        ]);
    }
    all
}

#[test]
fn no_lease_has_two_holders_in_any_order_of_store_calls() {
    let mut states = 0;
    for scenario in lease_scenarios() {
        match explore(&scenario, Fault::None) {
            Ok(count) => states += count,
            Err(problem) => panic!("{scenario:#?}\n{problem}"),
        }
    }
    assert!(states > 5_000, "{states} states were seen");
}

#[test]
fn no_machine_has_two_owners_or_is_lost_in_any_order_of_store_calls() {
    let mut states = 0;
    for scenario in machine_scenarios() {
        match explore(&scenario, Fault::None) {
            Ok(count) => states += count,
            Err(problem) => panic!("{scenario:#?}\n{problem}"),
        }
    }
    assert!(states > 5_000, "{states} states were seen");
}

/// The first violation that a defect causes in the scenarios.
fn first_violation(scenarios: &[Scenario], fault: Fault) -> String {
    let problem = scenarios
        .iter()
        .find_map(|scenario| explore(scenario, fault).err());
    problem.unwrap_or_else(|| panic!("{fault:?} is not found"))
}

#[test]
fn defects_of_a_store_are_detected() {
    let (leases, machines) = (lease_scenarios(), machine_scenarios());
    for (scenarios, fault) in [
        (&leases, Fault::IgnoresVersions),
        (&machines, Fault::IgnoresVersions),
        (&leases, Fault::RemovesReleased),
        (&machines, Fault::RemovesReleased),
        (&machines, Fault::PartialCommits),
    ] {
        first_violation(scenarios, fault);
    }
}

#[test]
fn defects_of_a_host_are_detected() {
    let leases = lease_scenarios();
    let stuck = first_violation(&leases, Fault::IgnoresStartTimes);
    assert!(stuck.contains("not to be had"), "{stuck}");
    let lost = first_violation(&leases, Fault::LivenessUnknown);
    assert!(lost.contains("p0"), "{lost}");
}
