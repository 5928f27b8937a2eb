//! Concurrent operations on leases: two or three processes, each with a few operations to call, are run
//! in every order that their store calls can have. Processes end at any moment, their PIDs are reused,
//! and the clock jumps forward and back. The production code is run here. Stores and hosts with defects
//! show that the orders detect errors.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Value, json};
use tenure_core::lease::model::Lease;
use tenure_core::store::SyncStore;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::{MemoryStore, Timestamp};

use super::machine::{Caller, process, running};
use super::steps::{Fault, UnderWay};
use crate::support::{NOON, scale};

const KEY: &str = "k";
const VM: &str = "vm:v";
/// For how long leases are taken, and less than how far the clock jumps.
const DURATION: i64 = 30_000;
const JUMP: i64 = 13 * 60 * 60 * 1000;

/// What a process does, one after the other. What it does with something that it does not hold it
/// leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Do {
    Acquire,
    /// Under a name that is no process.
    AcquireAs(&'static str),
    Renew,
    Release,
    /// To the process of this place.
    Transfer(usize),
    Register,
    Unregister,
    StayRegistered,
    CleanUp,
    Claim,
    Done,
    GiveBack,
}

/// The programs of the processes, and what may happen.
#[derive(Debug, Clone)]
struct Scenario {
    programs: Vec<Vec<Do>>,
    /// What a process does that begins after one has ended, with the same PID.
    again: Vec<Do>,
    crashes: u8,
    /// How often the clock jumps forward and back.
    forward: u8,
    back: u8,
}

/// A lease that an answer to a process says it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holding {
    token: u64,
    /// The time from which on it may not rely on it, unless it is known as a process that runs.
    until: Option<i64>,
    /// The name of the holder, if it is not the process.
    name: Option<&'static str>,
    claim: bool,
}

#[derive(Debug, Clone)]
struct Actor {
    /// How many processes had its PID before.
    life: usize,
    program: Vec<Do>,
    at: usize,
    under_way: Option<UnderWay>,
    holds: BTreeMap<&'static str, Holding>,
}

#[derive(Debug, Clone)]
struct Moment {
    memory: MemoryStore,
    now: i64,
    actors: Vec<Actor>,
    crashes: u8,
    forward: u8,
    back: u8,
    /// The highest token in an answer.
    highest: BTreeMap<&'static str, u64>,
    /// The highest token that was released for good.
    ended: BTreeMap<&'static str, u64>,
    /// Registrations of processes that have ended, as far as an answer confirmed them.
    dead: BTreeSet<String>,
    removed: Vec<String>,
    /// Whether the machine was registered, and not yet released.
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

/// Tries every order. The number of different moments, or what does not hold and how it came about.
fn explore(scenario: &Scenario, fault: Fault) -> Result<usize, String> {
    let mut search = Search {
        scenario,
        fault,
        hosts: BTreeMap::new(),
        seen: HashSet::new(),
        path: Vec::new(),
    };
    let actor = |program: &Vec<Do>| Actor {
        life: 0,
        program: program.clone(),
        at: 0,
        under_way: None,
        holds: BTreeMap::new(),
    };
    let first = Moment {
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
    fn visit(&mut self, moment: Moment) -> Checked {
        let key = Fingerprint::of("moment", format!("{moment:?}")).text();
        if !self.seen.insert(key) {
            return Ok(());
        }
        self.check(&moment)?;
        for index in 0..moment.actors.len() {
            if let Some(next) = self.step(&moment, index)? {
                self.go(format!("{index} goes on: {:?}", next.actors[index]), next)?;
            }
            if moment.crashes > 0 {
                let mut next = moment.clone();
                self.crash(&mut next, index);
                self.go(format!("{index} ends"), next)?;
            }
        }
        if moment.forward > 0 {
            let mut next = moment.clone();
            next.forward -= 1;
            next.now += JUMP;
            let now = next.now;
            for actor in &mut next.actors {
                // A process that has seen its lease expire does not rely on it again.
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
                .any(|step| matches!(step, Do::AcquireAs(_)))
        };
        let under_way = moment.actors.iter().any(|actor| actor.under_way.is_some());
        // An operation that saw a later time than there is now would make a holder of which only the
        // clock is known too late too early. Against that there are tokens, and no clock.
        if moment.back > 0 && !(under_way && moment.actors.iter().any(named)) {
            let mut next = moment.clone();
            next.back -= 1;
            next.now -= JUMP;
            self.go("the clock jumps back".to_owned(), next)?;
        }
        Ok(())
    }

    fn go(&mut self, how: String, next: Moment) -> Checked {
        self.path.push(how);
        self.visit(next)?;
        self.path.pop();
        Ok(())
    }

    fn host(&mut self, index: usize, life: usize) -> Caller {
        // Numbers are given again; only when they began tells them apart.
        let named = || process(&session(index, life), index as u32 + 1, life as u64);
        let host = self.hosts.entry((index, life)).or_insert_with(named);
        Caller::clone(host)
    }

    /// Says which processes run, and what the host makes of it.
    fn set_running(&mut self, moment: &Moment) {
        let alive = moment.actors.iter().enumerate();
        let mut alive: BTreeSet<(u32, u64)> = alive
            .map(|(index, actor)| (index as u32 + 1, actor.life as u64))
            .collect();
        alive.insert((99, 0));
        running(alive, self.fault);
    }

    fn crash(&mut self, moment: &mut Moment, index: usize) {
        moment.crashes -= 1;
        let registered = moment.memory.record(
            "lease",
            &Lease::process_key(&session(index, moment.actors[index].life)),
        );
        if registered.unwrap().is_some() {
            moment
                .dead
                .insert(session(index, moment.actors[index].life));
        }
        let actor = &mut moment.actors[index];
        *actor = Actor {
            life: actor.life + 1,
            program: self.scenario.again.clone(),
            at: 0,
            under_way: None,
            holds: BTreeMap::new(),
        };
    }

    /// One store call of a process; nothing if it has nothing more to do.
    fn step(&mut self, moment: &Moment, index: usize) -> Result<Option<Moment>, String> {
        let mut next = moment.clone();
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
            match begun(step, actor, &targets) {
                Some((name, params)) => {
                    actor.under_way = Some(UnderWay {
                        name,
                        params,
                        now: next.now,
                        heard: Vec::new(),
                        said: Vec::new(),
                    });
                    // A machine that is unregistered, or reported as removed, needs no cleanup.
                    if step == Do::Unregister || step == Do::Done {
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
        let answer = call.go_on(memory, &host, self.fault, 1);
        check(call.heard.len() < 40, || "it comes to no end".to_owned())?;
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

    /// What has to hold at every moment.
    fn check(&mut self, moment: &Moment) -> Checked {
        self.set_running(moment);
        for key in [KEY, VM] {
            let lease = moment.memory.record("lease", key).unwrap();
            let lease = lease.map(|record| Lease::read(&record).unwrap());
            let believers: Vec<(usize, Holding)> = moment
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
                let name = session(*index, moment.actors[*index].life);
                let kept = lease.token == held.token && !lease.released;
                let name = held.name.unwrap_or(&name);
                check(kept && lease.holder == name, || {
                    format!("{name} holds {key} by {held:?}, but kept is {lease:?}")
                })?;
            }
            let ended = moment.ended.get(key).copied().unwrap_or(0);
            let final_ = |lease: &Lease| lease.released || lease.token > ended;
            check(lease.as_ref().is_none_or(final_), || {
                format!("what was released under token {ended} is back: {lease:?}")
            })?;
            let idle = moment.actors.iter().all(|actor| actor.under_way.is_none());
            if idle && believers.is_empty() && key == KEY {
                self.check_free(moment, lease.as_ref())?;
            }
        }
        let vm = moment.memory.record("lease", VM).unwrap();
        let vm = vm.map(|record| Lease::read(&record).unwrap());
        check(
            !moment.owed || vm.as_ref().is_some_and(|vm| !vm.released),
            || format!("a machine is forgotten that was not released: {vm:?}"),
        )
    }

    /// What no process that runs holds may be had, at the latest when its time has come.
    fn check_free(&mut self, moment: &Moment, lease: Option<&Lease>) -> Checked {
        let holder_runs = lease.is_some_and(|lease| {
            !lease.released
                && lease.process.as_ref().is_some_and(|process| {
                    let actors = moment.actors.iter().enumerate();
                    let mut living = actors.map(|(index, actor)| session(index, actor.life));
                    living.any(|session| process.session.as_str() == session)
                })
        });
        if holder_runs {
            return Ok(());
        }
        let probe = process("probe", 99, 0);
        self.set_running(moment);
        let named = lease.is_some_and(|lease| lease.process.is_none());
        let mut call = UnderWay {
            name: "leaseAcquire",
            params: json!({"key": KEY}),
            now: moment.now + if named { 3 * JUMP } else { 0 },
            heard: Vec::new(),
            said: Vec::new(),
        };
        let memory = moment.memory.clone();
        let answer = call.go_on(&memory, &probe, self.fault, 100);
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

/// The operation for a step. A process drops what the operation releases. Nothing if it has no reason.
fn begun(step: Do, actor: &mut Actor, targets: &[String]) -> Option<(&'static str, Value)> {
    let named = |mut params: Value, name: Option<&str>| {
        if let Some(name) = name {
            params["holder"] = json!(name);
        }
        params
    };
    Some(match step {
        Do::Acquire => ("leaseAcquire", json!({"key": KEY})),
        Do::AcquireAs(name) => {
            let params = json!({"key": KEY, "leaseDurationMs": DURATION});
            ("leaseAcquire", named(params, Some(name)))
        }
        Do::Renew => {
            let held = actor.holds.get(KEY)?;
            (
                "leaseRenew",
                named(json!({"key": KEY, "token": held.token}), held.name),
            )
        }
        Do::Release => {
            let held = actor.holds.remove(KEY)?;
            (
                "leaseRelease",
                named(json!({"key": KEY, "token": held.token}), held.name),
            )
        }
        Do::Transfer(to) => {
            let held = actor.holds.remove(KEY)?;
            let params = json!({"key": KEY, "token": held.token, "to": targets[to]});
            ("leaseTransfer", named(params, held.name))
        }
        Do::Register => {
            let vm = json!({"vmId": "v", "zone": "z", "components": []});
            ("vmRegister", vm)
        }
        Do::Unregister => {
            actor.holds.remove(VM).filter(|held| !held.claim)?;
            ("vmUnregister", json!({}))
        }
        Do::StayRegistered => ("processRegister", json!({})),
        Do::CleanUp => ("staleCleanup", json!({})),
        Do::Claim => {
            if actor.holds.contains_key(VM) {
                return None;
            }
            ("orphanClaim", json!({"vmId": "v"}))
        }
        Do::Done | Do::GiveBack => {
            let held = actor.holds.get(VM).copied().filter(|held| held.claim)?;
            actor.holds.remove(VM);
            let success = step == Do::Done;
            let params = json!({"vmId": "v", "token": held.token, "success": success});
            ("orphanDone", params)
        }
    })
}

/// Records an answer, and checks it against the answers before.
fn record_answer(moment: &mut Moment, index: usize, step: Do, answer: &Value) -> Checked {
    let outcome = answer["outcome"].as_str().unwrap_or_default().to_owned();
    let lease = &answer["lease"];
    let token = lease["token"].as_u64().unwrap_or(0);
    let now = moment.now;
    // The lease of a holder that is no process expires by the clock.
    let end = match lease["process"] {
        Value::Null => lease["expiresAt"].as_str(),
        _ => None,
    };
    let end = end.map(|end| Timestamp::parse(end).unwrap().as_millis());
    let actor = &mut moment.actors[index];
    match step {
        Do::Acquire | Do::AcquireAs(_) | Do::Renew => {
            let before = actor.holds.remove(KEY);
            if outcome == "held" || outcome == "lost" {
                let message = format!("{step:?} of {index}, who held it by {before:?}: {answer}");
                // A visible holder loses nothing; an invisible one may be too late.
                return check(before.is_none_or(|held| held.name.is_some()), || message);
            }
            let highest = moment.highest.entry(KEY).or_default();
            let fits = match outcome.as_str() {
                "acquired" => token > *highest,
                "renewed" => before.is_none_or(|held| held.token == token) && token >= *highest,
                _ => false,
            };
            check(fits, || format!("after token {highest} comes {answer}"))?;
            *highest = token;
            let named = actor.program.iter().find_map(|step| match step {
                Do::AcquireAs(name) => Some(*name),
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
        // Only a holder that cannot be seen may have lost it in the meantime.
        Do::Release | Do::Transfer(_) if outcome == "released" || outcome == "transferred" => {
            let gone = token - u64::from(outcome == "transferred");
            let ended = moment.ended.entry(KEY).or_default();
            *ended = gone.max(*ended);
            let highest = moment.highest.entry(KEY).or_default();
            *highest = token.max(*highest);
        }
        Do::Register if *answer == json!(true) => {
            let record = moment.memory.record("lease", VM).unwrap();
            let lease = record.map(|record| Lease::read(&record).unwrap());
            let token = lease.map_or(0, |lease| lease.token);
            let highest = moment.highest.entry(VM).or_default();
            check(token > *highest || actor.holds.contains_key(VM), || {
                format!("after token {highest} a machine is registered under {token}")
            })?;
            *highest = token;
            moment.owed = true;
            actor.holds.insert(VM, holding(token, false));
        }
        Do::Claim if outcome == "acquired" => {
            let token = answer["token"].as_u64().unwrap_or(0);
            let highest = moment.highest.entry(VM).or_default();
            check(token > *highest, || {
                format!("after token {highest} comes {answer}")
            })?;
            *highest = token;
            actor.holds.insert(VM, holding(token, true));
        }
        Do::Unregister => {
            check(*answer == json!(true), || "an owner was not one".to_owned())?;
            let highest = moment.highest.get(VM).copied().unwrap_or(0);
            moment.ended.insert(VM, highest);
        }
        Do::Done => {
            check(outcome == "released", || {
                format!("a claim was lost: {answer}")
            })?;
            let highest = moment.highest.get(VM).copied().unwrap_or(0);
            moment.ended.insert(VM, highest);
        }
        Do::GiveBack => check(outcome == "orphaned", || {
            format!("a claim was lost: {answer}")
        })?,
        Do::CleanUp => {
            for removed in answer["sessions"].as_array().unwrap() {
                let removed = removed.as_str().unwrap().to_owned();
                let counted = moment.removed.contains(&removed);
                check(moment.dead.contains(&removed) && !counted, || {
                    format!("{removed} is removed, which runs or was removed before")
                })?;
                moment.removed.push(removed);
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

fn scenario(programs: &[&[Do]], again: &[Do], happens: (u8, u8, u8)) -> Scenario {
    let (crashes, forward, back) = happens;
    Scenario {
        programs: programs.iter().map(|program| program.to_vec()).collect(),
        again: again.to_vec(),
        crashes,
        forward,
        back,
    }
}

/// The scenarios with one lease.
fn over_a_lease() -> Vec<Scenario> {
    use Do::{Acquire, AcquireAs, Release, Renew, Transfer};
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

/// The scenarios with one machine.
fn over_a_machine() -> Vec<Scenario> {
    use Do::{Claim, CleanUp, Done, GiveBack, Register, StayRegistered, Unregister};
    let mut all = vec![
        scenario(&[&[Register, Unregister], &[Register]], &[], (1, 1, 1)),
        scenario(
            &[&[Register], &[Claim, Done]],
            &[Claim, GiveBack],
            (2, 0, 0),
        ),
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
                &[&[Register], &[Claim, Done], &[Claim, GiveBack]],
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
fn no_lease_has_two_holders_in_any_order_of_calls() {
    let mut moments = 0;
    for scenario in over_a_lease() {
        match explore(&scenario, Fault::None) {
            Ok(count) => moments += count,
            Err(problem) => panic!("{scenario:#?}\n{problem}"),
        }
    }
    assert!(moments > 5_000, "{moments} moments were seen");
}

#[test]
fn no_machine_has_two_owners_or_is_forgotten_in_any_order_of_calls() {
    let mut moments = 0;
    for scenario in over_a_machine() {
        match explore(&scenario, Fault::None) {
            Ok(count) => moments += count,
            Err(problem) => panic!("{scenario:#?}\n{problem}"),
        }
    }
    assert!(moments > 5_000, "{moments} moments were seen");
}

/// What is found wrong with the first scenario in which something is.
fn found(scenarios: &[Scenario], fault: Fault) -> String {
    let problem = scenarios
        .iter()
        .find_map(|scenario| explore(scenario, fault).err());
    problem.unwrap_or_else(|| panic!("{fault:?} is not found"))
}

#[test]
fn errors_of_a_store_are_detected() {
    let (leases, machines) = (over_a_lease(), over_a_machine());
    for (scenarios, fault) in [
        (&leases, Fault::NoVersions),
        (&machines, Fault::NoVersions),
        (&leases, Fault::ForgetsReleased),
        (&machines, Fault::ForgetsReleased),
        (&machines, Fault::HalfWrites),
    ] {
        found(scenarios, fault);
    }
}

#[test]
fn errors_of_a_host_are_detected() {
    let leases = over_a_lease();
    let stuck = found(&leases, Fault::GoesByNumbers);
    assert!(stuck.contains("not to be had"), "{stuck}");
    let lost = found(&leases, Fault::KnowsNothing);
    assert!(lost.contains("p0"), "{lost}");
}
