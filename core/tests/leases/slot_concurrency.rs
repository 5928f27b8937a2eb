//! Concurrent starts in a slot. Two or three actors start, trash and restore sessions, in every
//! order of their store calls, and any of them may end at any moment. The tests run the production
//! code. A store with a defect shows that they detect errors.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};
use tenure_core::store::SyncStore;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::{Error, Head, History, MemoryStore, SessionId, Status};

use super::simulated_machine::nobody;
use super::steps::{Fault, RunningCall};
use crate::support::{NOON, scale};

/// The duration of the lease that locks a slot.
const LOCK: i64 = 5000;

/// A step of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Starts a session with this model, and replaces a session with another model.
    Start(&'static str),
    /// The same with the slot locked.
    StartLocked(&'static str),
    /// Starts a session with this model, unless the slot has a session with another model.
    StartOrReject(&'static str),
    /// Starts a session in the slot, and one in a slot of its own, in one bulk operation.
    StartMany(&'static str),
    /// Trashes the first session of the actor with this index.
    Trash(usize),
    /// Restores the first session of the actor with this index.
    Restore(usize),
    /// Pauses the first session of the actor with this index.
    Pause(usize),
    /// Trashes the first sessions of two actors in one bulk operation.
    TrashMany(usize, usize),
    /// Restores the first sessions of two actors in one bulk operation.
    RestoreMany(usize, usize),
}

#[derive(Debug, Clone)]
struct Actor {
    program: Vec<Step>,
    at: usize,
    under_way: Option<RunningCall>,
}

#[derive(Debug, Clone)]
struct State {
    memory: MemoryStore,
    actors: Vec<Actor>,
    crashes: u8,
    now: i64,
    /// The number of times that the clock jumps past the end of a lease.
    jumps: u8,
    /// Sessions whose start was reported, each with whether its replacement was reported.
    reported: BTreeMap<String, bool>,
}

struct Search {
    fault: Fault,
    seen: HashSet<String>,
    path: Vec<String>,
    /// The number of times that each outcome occurred, over all orders.
    outcomes: BTreeMap<String, usize>,
}

type Checked = Result<(), String>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

/// Explores every order. Returns the states and outcomes, or the violated condition and the path to
/// it.
fn explore(programs: &[&[Step]], happens: (u8, u8), fault: Fault) -> Result<Search, String> {
    let mut search = Search {
        fault,
        seen: HashSet::new(),
        path: Vec::new(),
        outcomes: BTreeMap::new(),
    };
    let first = State {
        memory: MemoryStore::default(),
        actors: programs
            .iter()
            .map(|program| Actor {
                program: program.to_vec(),
                at: 0,
                under_way: None,
            })
            .collect(),
        crashes: happens.0,
        now: NOON,
        jumps: happens.1,
        reported: BTreeMap::new(),
    };
    match search.visit(first) {
        Ok(()) => Ok(search),
        Err(problem) => Err(format!("{problem}\nafter {:#?}", search.path)),
    }
}

impl Search {
    fn visit(&mut self, state: State) -> Checked {
        let key = Fingerprint::of("state", format!("{state:?}")).text();
        if !self.seen.insert(key) {
            return Ok(());
        }
        holds(&state)?;
        for index in 0..state.actors.len() {
            if let Some(next) = self.step(&state, index)? {
                self.go(format!("{index} goes on: {:?}", next.actors[index]), next)?;
            }
            if state.crashes > 0 && state.actors[index].under_way.is_some() {
                let mut next = state.clone();
                next.crashes -= 1;
                let actor = &mut next.actors[index];
                actor.under_way = None;
                actor.at = actor.program.len();
                self.go(format!("{index} ends"), next)?;
            }
        }
        if state.jumps > 0 {
            let mut next = state.clone();
            next.jumps -= 1;
            next.now += LOCK;
            self.go("the clock jumps forward".to_owned(), next)?;
        }
        Ok(())
    }

    fn go(&mut self, how: String, next: State) -> Checked {
        self.path.push(how);
        self.visit(next)?;
        self.path.pop();
        Ok(())
    }

    /// Performs one store call of an actor. Returns `None` if the actor has finished.
    fn step(&mut self, state: &State, index: usize) -> Result<Option<State>, String> {
        let mut next = state.clone();
        let actor = &mut next.actors[index];
        let Some(step) = actor.program.get(actor.at).copied() else {
            return Ok(None);
        };
        let mut under_way = match actor.under_way.take() {
            Some(under_way) => under_way,
            None => call_of(step, index, actor.at, next.now),
        };
        match under_way.advance(&next.memory, &nobody(), self.fault, 1) {
            None => actor.under_way = Some(under_way),
            Some(answer) => {
                actor.at += 1;
                self.record_reply(&mut next, step, &under_way, answer)?;
            }
        }
        Ok(Some(next))
    }

    fn record_reply(
        &mut self,
        state: &mut State,
        step: Step,
        call: &RunningCall,
        answer: Result<Value, Error>,
    ) -> Checked {
        match (step, answer) {
            (
                Step::Start(_) | Step::StartLocked(_) | Step::StartOrReject(_) | Step::StartMany(_),
                answer,
            ) => {
                let mut answer = answer.map_err(|error| format!("{step:?}: {error}"))?;
                let mut asked = &call.params;
                if let Step::StartMany(_) = step {
                    let beside = answer[1]["session"]["id"].as_str().unwrap_or_default();
                    let there = answer[1]["outcome"] == "created"
                        && session(&state.memory, beside).is_some();
                    check(there, || format!("{step:?} comes to {answer}"))?;
                    answer = answer[0].take();
                    asked = &call.params["starts"][0];
                }
                let outcome = answer["outcome"].as_str().unwrap_or_default().to_owned();
                *self.outcomes.entry(outcome.clone()).or_default() += 1;
                let is_own = answer["session"]["id"] == asked["id"];
                let started = outcome == "created" || outcome == "replaced";
                check(is_own == started, || format!("{step:?} comes to {answer}"))?;
                if started {
                    let id = answer["session"]["id"].as_str().unwrap_or_default();
                    state.reported.entry(id.to_owned()).or_insert(false);
                }
                if let Some(id) = answer["replaced"]["id"].as_str() {
                    let before = state.reported.insert(id.to_owned(), true);
                    check(before != Some(true), || format!("{id} is replaced twice"))?;
                }
                Ok(())
            }
            (_, Ok(_)) => Ok(()),
            (_, Err(error)) => {
                let known = [
                    "SESSION_NOT_FOUND",
                    "SLOT_TAKEN",
                    "SESSION_DELETED",
                    "INVALID_TRANSITION",
                ];
                check(known.contains(&error.code()), || {
                    format!("{step:?} fails: {error}")
                })
            }
        }
    }
}

fn call_of(step: Step, index: usize, at: usize, now: i64) -> RunningCall {
    let start = |model: &str, more: Value| {
        let mut params = json!({
            "id": format!("s{index}-{at}"), "taskId": "t", "phase": "plan", "model": model,
            "task": "", "mode": "m", "onModelChange": "replace"
        });
        let properties = params.as_object_mut().unwrap();
        properties.extend(more.as_object().unwrap().clone());
        ("startInSlot", params)
    };
    let other = |name, of: usize| (name, json!({"id": format!("s{of}-0")}));
    let many = |name, one: usize, other: usize| {
        (
            name,
            json!({"ids": [format!("s{one}-0"), format!("s{other}-0")]}),
        )
    };
    let (name, params) = match step {
        Step::Start(model) => start(model, json!({})),
        Step::StartLocked(model) => start(model, json!({"locking": "pessimistic"})),
        Step::StartOrReject(model) => start(model, json!({"onModelChange": "reject"})),
        Step::StartMany(model) => {
            let one = start(model, json!({})).1;
            let beside = start(
                model,
                json!({"id": format!("x{index}-{at}"), "taskId": index.to_string()}),
            );
            ("startInSlots", json!({"starts": [one, beside.1]}))
        }
        Step::TrashMany(one, other) => many("trashMany", one, other),
        Step::RestoreMany(one, other) => many("restoreMany", one, other),
        Step::Trash(of) => other("trash", of),
        Step::Restore(of) => other("restore", of),
        Step::Pause(of) => other("pause", of),
    };
    RunningCall {
        name,
        params,
        now,
        replies: Vec::new(),
        liveness: Vec::new(),
    }
}

fn session(memory: &MemoryStore, id: &str) -> Option<(Head, usize)> {
    let id = SessionId::parse(id).unwrap();
    let loaded = memory.load(&id, History::All).unwrap();
    loaded.map(|loaded| (loaded.head, loaded.events.len()))
}

/// Checks the invariants of a state.
fn holds(state: &State) -> Checked {
    let mut in_slot = Vec::new();
    for (index, actor) in state.actors.iter().enumerate() {
        for at in 0..actor.program.len() {
            let id = format!("s{index}-{at}");
            let Some((head, events)) = session(&state.memory, &id) else {
                check(!state.reported.contains_key(&id), || {
                    format!("{id} is lost")
                })?;
                continue;
            };
            check(events as u64 == head.event_count, || {
                format!("{id} has {events} of {} events", head.event_count)
            })?;
            if head.deleted_at.is_none() {
                in_slot.push(id);
            } else if state.reported.get(&id) == Some(&true) {
                check(head.status == Status::Abandoned, || {
                    format!("{id} was replaced and is {}", head.status)
                })?;
            }
        }
    }
    check(in_slot.len() <= 1, || {
        format!("{in_slot:?} are in one slot")
    })?;
    let done = |actor: &Actor| actor.at == actor.program.len();
    let trashes = |actor: &Actor| {
        actor
            .program
            .iter()
            .any(|step| matches!(step, Step::Trash(_) | Step::TrashMany(..)))
    };
    let over = state.actors.iter().all(done);
    if over && !state.reported.is_empty() && !state.actors.iter().any(trashes) {
        check(in_slot.len() == 1, || "the slot is empty".to_owned())?;
    }
    Ok(())
}

/// The steps of the actors, the number of crashes, and the number of clock jumps.
type Scenario = (Vec<&'static [Step]>, (u8, u8));

fn scenarios() -> Vec<Scenario> {
    use Step::{
        Pause, Restore, RestoreMany, Start, StartLocked, StartMany, StartOrReject, Trash, TrashMany,
    };
    let mut all: Vec<Scenario> = vec![
        (vec![&[Start("a")], &[Start("a")]], (1, 0)),
        (vec![&[Start("a")], &[Start("b")]], (1, 0)),
        (vec![&[Start("a")], &[Start("b")], &[Start("c")]], (1, 0)),
        (vec![&[StartLocked("a")], &[StartLocked("b")]], (1, 1)),
        (vec![&[StartLocked("a")], &[Start("b")]], (1, 1)),
        (vec![&[Start("a"), Pause(0)], &[Start("b")]], (1, 0)),
        (
            vec![&[Start("a"), Trash(0), Restore(0)], &[StartOrReject("b")]],
            (1, 0),
        ),
        (
            vec![&[Start("a"), Trash(0)], &[Start("b"), Restore(0)]],
            (1, 0),
        ),
        (
            vec![
                &[StartOrReject("a")],
                &[StartOrReject("a")],
                &[StartOrReject("b")],
            ],
            (1, 0),
        ),
    ];
    all.extend([
        (vec![&[StartMany("a")] as &[Step], &[Start("b")]], (1, 0)),
        (vec![&[StartMany("a")], &[StartMany("b")]], (1, 0)),
        (
            vec![
                &[Start("a"), TrashMany(0, 1), RestoreMany(0, 1)],
                &[StartOrReject("b")],
            ],
            (1, 0),
        ),
        (
            vec![
                &[Start("a"), TrashMany(0, 1)],
                &[Start("b"), RestoreMany(1, 0)],
            ],
            (1, 0),
        ),
    ]);
    if scale() >= 1.0 {
        all.extend([
            (
                vec![
                    &[StartMany("a")] as &[Step],
                    &[StartMany("b")],
                    &[Start("c")],
                ],
                (0, 0),
            ),
            (
                vec![&[Start("a")] as &[Step], &[Start("b")], &[Start("c")]],
                (1, 0),
            ),
            (
                vec![
                    &[Start("a"), Trash(0)],
                    &[Start("b"), Trash(1)],
                    &[Restore(0)],
                ],
                (1, 0),
            ),
            (
                vec![&[StartLocked("a")], &[StartLocked("b")], &[Start("c")]],
                (1, 0),
            ),
        ]);
    }
    all
}

#[test]
fn no_slot_has_two_sessions_and_no_session_is_lost_in_any_order_of_store_calls() {
    let mut states = 0;
    let mut outcomes = BTreeMap::new();
    for (programs, happens) in scenarios() {
        match explore(&programs, happens, Fault::None) {
            Ok(search) => {
                states += search.seen.len();
                for (outcome, count) in search.outcomes {
                    *outcomes.entry(outcome).or_insert(0) += count;
                }
            }
            Err(problem) => panic!("{programs:?}\n{problem}"),
        }
    }
    assert!(states > 1_000, "{states} states were seen");
    let seen: Vec<&str> = outcomes.keys().map(String::as_str).collect();
    let all = ["busy", "created", "existing", "rejected", "replaced"];
    assert_eq!(seen, all);
}

#[test]
fn a_store_that_ignores_versions_of_slots_is_detected() {
    for programs in [
        [&[Step::Start("a")] as &[Step], &[Step::Start("b")]],
        [&[Step::StartOrReject("a")], &[Step::StartOrReject("a")]],
        [
            &[Step::Start("a"), Step::Trash(0), Step::Restore(0)],
            &[Step::StartOrReject("b")],
        ],
        [&[Step::StartMany("a")], &[Step::StartMany("b")]],
        [
            &[
                Step::Start("a"),
                Step::TrashMany(0, 1),
                Step::RestoreMany(0, 1),
            ],
            &[Step::StartOrReject("b")],
        ],
    ] {
        let problem = explore(&programs, (0, 0), Fault::IgnoresVersions).err();
        let problem = problem.unwrap_or_else(|| panic!("nothing is found with {programs:?}"));
        assert!(problem.contains("are in one slot"), "{problem}");
    }
}
