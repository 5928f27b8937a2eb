//! Concurrent starts in a slot: two or three of them, along with operations that trash and restore, are
//! run in every order that their store calls can have, and any of them may end at any moment. The
//! production code is run here. A store with a defect shows that the orders detect errors.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};
use tenure_core::store::SyncStore;
use tenure_core::value::fingerprint::Fingerprint;
use tenure_core::{Error, Head, History, MemoryStore, SessionId, Status};

use super::machine::nobody;
use super::steps::{Fault, UnderWay};
use crate::support::{NOON, scale};

/// For how long the lease of a slot is held at most.
const LOCK: i64 = 5000;

/// What an actor does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Do {
    /// Starts a session with this model; another one is replaced.
    Start(&'static str),
    /// The same, holding the lease of the slot meanwhile.
    StartLocked(&'static str),
    /// The same, if there is none with another model.
    StartMeekly(&'static str),
    /// The same, along with one in a slot that no other actor uses.
    StartMany(&'static str),
    /// Trashes the session that the actor of this place starts first, if it is there.
    Trash(usize),
    /// Restores it, if it is there.
    Restore(usize),
    /// Appends to it, if it is there.
    Pause(usize),
    /// Trashes those that the actors of these places start first, if they are there.
    TrashMany(usize, usize),
    /// Restores them, if they are there.
    RestoreMany(usize, usize),
}

#[derive(Debug, Clone)]
struct Actor {
    program: Vec<Do>,
    at: usize,
    under_way: Option<UnderWay>,
}

#[derive(Debug, Clone)]
struct Moment {
    memory: MemoryStore,
    actors: Vec<Actor>,
    crashes: u8,
    now: i64,
    /// How often the clock jumps beyond the end of a lease.
    jumps: u8,
    /// Sessions whose start was reported, and whether their replacement was reported.
    reported: BTreeMap<String, bool>,
}

struct Search {
    fault: Fault,
    seen: HashSet<String>,
    path: Vec<String>,
    /// What starting came to, over all orders.
    outcomes: BTreeMap<String, usize>,
}

type Checked = Result<(), String>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

/// Tries every order: how many moments there are and what starting came to, or what does not hold.
fn explore(programs: &[&[Do]], happens: (u8, u8), fault: Fault) -> Result<Search, String> {
    let mut search = Search {
        fault,
        seen: HashSet::new(),
        path: Vec::new(),
        outcomes: BTreeMap::new(),
    };
    let first = Moment {
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
    fn visit(&mut self, moment: Moment) -> Checked {
        let key = Fingerprint::of("moment", format!("{moment:?}")).text();
        if !self.seen.insert(key) {
            return Ok(());
        }
        holds(&moment)?;
        for index in 0..moment.actors.len() {
            if let Some(next) = self.step(&moment, index)? {
                self.go(format!("{index} goes on: {:?}", next.actors[index]), next)?;
            }
            if moment.crashes > 0 && moment.actors[index].under_way.is_some() {
                let mut next = moment.clone();
                next.crashes -= 1;
                let actor = &mut next.actors[index];
                actor.under_way = None;
                actor.at = actor.program.len();
                self.go(format!("{index} ends"), next)?;
            }
        }
        if moment.jumps > 0 {
            let mut next = moment.clone();
            next.jumps -= 1;
            next.now += LOCK;
            self.go("the clock jumps forward".to_owned(), next)?;
        }
        Ok(())
    }

    fn go(&mut self, how: String, next: Moment) -> Checked {
        self.path.push(how);
        self.visit(next)?;
        self.path.pop();
        Ok(())
    }

    /// The moment after one more store call of an actor; nothing once it is done.
    fn step(&mut self, moment: &Moment, index: usize) -> Result<Option<Moment>, String> {
        let mut next = moment.clone();
        let actor = &mut next.actors[index];
        let Some(step) = actor.program.get(actor.at).copied() else {
            return Ok(None);
        };
        let mut under_way = match actor.under_way.take() {
            Some(under_way) => under_way,
            None => called(step, index, actor.at, next.now),
        };
        match under_way.go_on(&next.memory, &nobody(), self.fault, 1) {
            None => actor.under_way = Some(under_way),
            Some(answer) => {
                actor.at += 1;
                self.hear(&mut next, step, &under_way, answer)?;
            }
        }
        Ok(Some(next))
    }

    fn hear(
        &mut self,
        moment: &mut Moment,
        step: Do,
        call: &UnderWay,
        answer: Result<Value, Error>,
    ) -> Checked {
        match (step, answer) {
            (Do::Start(_) | Do::StartLocked(_) | Do::StartMeekly(_) | Do::StartMany(_), answer) => {
                let mut answer = answer.map_err(|error| format!("{step:?}: {error}"))?;
                let mut asked = &call.params;
                if let Do::StartMany(_) = step {
                    let beside = answer[1]["session"]["id"].as_str().unwrap_or_default();
                    let there = answer[1]["outcome"] == "created"
                        && session(&moment.memory, beside).is_some();
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
                    moment.reported.entry(id.to_owned()).or_insert(false);
                }
                if let Some(id) = answer["replaced"]["id"].as_str() {
                    let before = moment.reported.insert(id.to_owned(), true);
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

fn called(step: Do, index: usize, at: usize, now: i64) -> UnderWay {
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
        Do::Start(model) => start(model, json!({})),
        Do::StartLocked(model) => start(model, json!({"locking": "pessimistic"})),
        Do::StartMeekly(model) => start(model, json!({"onModelChange": "reject"})),
        Do::StartMany(model) => {
            let one = start(model, json!({})).1;
            let beside = start(
                model,
                json!({"id": format!("x{index}-{at}"), "taskId": index.to_string()}),
            );
            ("startInSlots", json!({"starts": [one, beside.1]}))
        }
        Do::TrashMany(one, other) => many("trashMany", one, other),
        Do::RestoreMany(one, other) => many("restoreMany", one, other),
        Do::Trash(of) => other("trash", of),
        Do::Restore(of) => other("restore", of),
        Do::Pause(of) => other("pause", of),
    };
    UnderWay {
        name,
        params,
        now,
        heard: Vec::new(),
        said: Vec::new(),
    }
}

fn session(memory: &MemoryStore, id: &str) -> Option<(Head, usize)> {
    let id = SessionId::parse(id).unwrap();
    let loaded = memory.load(&id, History::All).unwrap();
    loaded.map(|loaded| (loaded.head, loaded.events.len()))
}

/// What holds at every moment.
fn holds(moment: &Moment) -> Checked {
    let mut in_slot = Vec::new();
    for (index, actor) in moment.actors.iter().enumerate() {
        for at in 0..actor.program.len() {
            let id = format!("s{index}-{at}");
            let Some((head, events)) = session(&moment.memory, &id) else {
                check(!moment.reported.contains_key(&id), || {
                    format!("{id} is lost")
                })?;
                continue;
            };
            check(events as u64 == head.event_count, || {
                format!("{id} has {events} of {} events", head.event_count)
            })?;
            if head.deleted_at.is_none() {
                in_slot.push(id);
            } else if moment.reported.get(&id) == Some(&true) {
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
            .any(|step| matches!(step, Do::Trash(_) | Do::TrashMany(..)))
    };
    let over = moment.actors.iter().all(done);
    if over && !moment.reported.is_empty() && !moment.actors.iter().any(trashes) {
        check(in_slot.len() == 1, || "the slot is empty".to_owned())?;
    }
    Ok(())
}

/// The programs of the actors, how many of them may end, and how often the clock jumps.
type Scenario = (Vec<&'static [Do]>, (u8, u8));

fn scenarios() -> Vec<Scenario> {
    use Do::{
        Pause, Restore, RestoreMany, Start, StartLocked, StartMany, StartMeekly, Trash, TrashMany,
    };
    let mut all: Vec<Scenario> = vec![
        (vec![&[Start("a")], &[Start("a")]], (1, 0)),
        (vec![&[Start("a")], &[Start("b")]], (1, 0)),
        (vec![&[Start("a")], &[Start("b")], &[Start("c")]], (1, 0)),
        (vec![&[StartLocked("a")], &[StartLocked("b")]], (1, 1)),
        (vec![&[StartLocked("a")], &[Start("b")]], (1, 1)),
        (vec![&[Start("a"), Pause(0)], &[Start("b")]], (1, 0)),
        (
            vec![&[Start("a"), Trash(0), Restore(0)], &[StartMeekly("b")]],
            (1, 0),
        ),
        (
            vec![&[Start("a"), Trash(0)], &[Start("b"), Restore(0)]],
            (1, 0),
        ),
        (
            vec![
                &[StartMeekly("a")],
                &[StartMeekly("a")],
                &[StartMeekly("b")],
            ],
            (1, 0),
        ),
    ];
    all.extend([
        (vec![&[StartMany("a")] as &[Do], &[Start("b")]], (1, 0)),
        (vec![&[StartMany("a")], &[StartMany("b")]], (1, 0)),
        (
            vec![
                &[Start("a"), TrashMany(0, 1), RestoreMany(0, 1)],
                &[StartMeekly("b")],
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
                vec![&[StartMany("a")] as &[Do], &[StartMany("b")], &[Start("c")]],
                (0, 0),
            ),
            (
                vec![&[Start("a")] as &[Do], &[Start("b")], &[Start("c")]],
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
fn no_slot_has_two_sessions_and_none_is_lost_in_any_order_of_calls() {
    let mut moments = 0;
    let mut outcomes = BTreeMap::new();
    for (programs, happens) in scenarios() {
        match explore(&programs, happens, Fault::None) {
            Ok(search) => {
                moments += search.seen.len();
                for (outcome, count) in search.outcomes {
                    *outcomes.entry(outcome).or_insert(0) += count;
                }
            }
            Err(problem) => panic!("{programs:?}\n{problem}"),
        }
    }
    assert!(moments > 1_000, "{moments} moments were seen");
    let seen: Vec<&str> = outcomes.keys().map(String::as_str).collect();
    let all = ["busy", "created", "existing", "rejected", "replaced"];
    assert_eq!(seen, all);
}

#[test]
fn a_store_that_ignores_versions_of_slots_is_detected() {
    for programs in [
        [&[Do::Start("a")] as &[Do], &[Do::Start("b")]],
        [&[Do::StartMeekly("a")], &[Do::StartMeekly("a")]],
        [
            &[Do::Start("a"), Do::Trash(0), Do::Restore(0)],
            &[Do::StartMeekly("b")],
        ],
        [&[Do::StartMany("a")], &[Do::StartMany("b")]],
        [
            &[Do::Start("a"), Do::TrashMany(0, 1), Do::RestoreMany(0, 1)],
            &[Do::StartMeekly("b")],
        ],
    ] {
        let problem = explore(&programs, (0, 0), Fault::NoVersions).err();
        let problem = problem.unwrap_or_else(|| panic!("nothing is found with {programs:?}"));
        assert!(problem.contains("are in one slot"), "{problem}");
    }
}
