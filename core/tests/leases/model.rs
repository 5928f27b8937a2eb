//! Random operations on leases, compared with a model that stores nothing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::simulated_machine::{Caller, Machine, elsewhere, kill, nobody, process};
use crate::support::scale;

/// The number of callers: three processes of this machine, a process of another machine, and two
/// names without a process.
const CALLERS: usize = 6;
const KEYS: [&str; 2] = ["k", "session:s"];

/// How far ahead a time may be without being doubtful.
const AHEAD: i64 = 60_000;

#[derive(Debug, Clone)]
enum Step {
    Acquire {
        who: usize,
        key: usize,
        length: i64,
    },
    Renew {
        who: usize,
        key: usize,
        late: bool,
        length: Option<i64>,
    },
    Release {
        who: usize,
        key: usize,
        token: bool,
    },
    Transfer {
        who: usize,
        key: usize,
        to: usize,
    },
    Clear {
        key: usize,
    },
    Pass {
        millis: i64,
    },
    /// A process of this machine ends, and its PID is reused.
    Restart {
        who: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, key) = (0..CALLERS, 0..KEYS.len());
    let length = prop_oneof![Just(1000), Just(5000), Just(60_000)];
    prop_oneof![
        4 => (who.clone(), key.clone(), length.clone())
            .prop_map(|(who, key, length)| Step::Acquire { who, key, length }),
        2 => (who.clone(), key.clone(), any::<bool>(), proptest::option::of(length))
            .prop_map(|(who, key, late, length)| Step::Renew { who, key, late, length }),
        2 => (who.clone(), key.clone(), any::<bool>())
            .prop_map(|(who, key, token)| Step::Release { who, key, token }),
        2 => (who, key.clone(), 0..CALLERS).prop_map(|(who, key, to)| Step::Transfer { who, key, to }),
        1 => key.prop_map(|key| Step::Clear { key }),
        3 => prop_oneof![-10_000..10_000_i64, Just(999), Just(1000), Just(5000), Just(-1000), Just(-61_000)]
            .prop_map(|millis| Step::Pass { millis }),
        1 => (0..3_usize).prop_map(|who| Step::Restart { who }),
    ]
}

/// A lease in the model.
#[derive(Debug, Clone, Default)]
struct Known {
    token: u64,
    /// The holder: the caller, and the number of earlier processes with its PID.
    holder: Option<(usize, u64)>,
    renewed: i64,
    length: i64,
}

struct Model {
    now: i64,
    /// For each caller, the number of earlier processes with its PID.
    lives: [u64; CALLERS],
    known: [Known; 2],
}

impl Model {
    fn holds(&self, who: usize, key: usize) -> bool {
        self.known[key].holder == Some((who, self.lives[who]))
    }

    /// Whether the caller may acquire the lease. It sees only the processes of its own machine.
    fn is_free(&self, key: usize, caller: usize) -> bool {
        let known = &self.known[key];
        match known.holder {
            None => true,
            Some((who, life)) if who < 3 && caller < 3 => self.lives[who] != life,
            Some(_) => (self.now - known.renewed).max(0) >= known.length,
        }
    }

    /// Whether a clock that was ahead has renewed the lease.
    fn is_ahead(&self, key: usize) -> bool {
        self.known[key].renewed > self.now + AHEAD
    }

    /// Whether the caller sees whether the holder of the lease runs.
    fn is_seen(&self, key: usize, caller: usize) -> bool {
        let holder = self.known[key].holder;
        holder.is_none_or(|(who, _)| who < 3 && caller < 3)
    }

    fn give(&mut self, key: usize, who: usize, length: i64) {
        self.known[key] = Known {
            token: self.known[key].token + 1,
            holder: Some((who, self.lives[who])),
            renewed: self.now,
            length,
        };
    }

    fn renew(&mut self, key: usize, length: Option<i64>) {
        let is_ahead = self.is_ahead(key);
        let known = &mut self.known[key];
        known.renewed = match is_ahead {
            true => self.now,
            false => known.renewed.max(self.now),
        };
        known.length = length.unwrap_or(known.length);
    }

    /// Applies a step to the model, and returns the expected outcome.
    fn apply(&mut self, step: &Step) -> &'static str {
        match *step {
            Step::Acquire { who, key, length } if self.holds(who, key) => {
                self.renew(key, Some(length));
                "renewed"
            }
            Step::Acquire { who, key, length } if self.is_free(key, who) => {
                self.give(key, who, length);
                "acquired"
            }
            Step::Acquire { who, key, .. } => {
                if self.is_ahead(key) && !self.is_seen(key, who) {
                    self.known[key].renewed = self.now;
                }
                "held"
            }
            Step::Renew {
                who,
                key,
                late,
                length,
            } if self.holds(who, key) && !late => {
                self.renew(key, length);
                "renewed"
            }
            Step::Renew { .. } => "lost",
            Step::Release { key, .. } if self.known[key].holder.is_none() => "not_held",
            Step::Release { who, key, .. } if self.holds(who, key) => {
                self.known[key].holder = None;
                "released"
            }
            Step::Release { .. } => "not_owner",
            Step::Transfer { who, key, to } if self.holds(who, key) => {
                let length = self.known[key].length;
                self.give(key, to, length);
                "transferred"
            }
            Step::Transfer { .. } => "lost",
            Step::Clear { key } => {
                self.known[key].holder = None;
                "cleared"
            }
            Step::Pass { millis } => {
                self.now += millis;
                "later"
            }
            Step::Restart { who } => {
                self.lives[who] += 1;
                "again"
            }
        }
    }
}

/// The callers as hosts, each with the holder name that it uses.
struct Callers(Vec<(Caller, String)>);

impl Callers {
    fn new() -> Self {
        let mut callers = Self(Vec::new());
        for who in 0..3 {
            let process = process(&name(who, 0), who as u32, 0);
            callers.0.push((process, name(who, 0)));
        }
        callers.0.push((elsewhere("far"), "far".to_owned()));
        callers.0.push((nobody(), "a name".to_owned()));
        callers.0.push((nobody(), "another".to_owned()));
        callers
    }

    fn restart(&mut self, who: usize, life: u64, machine: &Machine) {
        let (caller, its_name) = &mut self.0[who];
        kill(caller);
        *its_name = name(who, life);
        *caller = process(its_name, who as u32, life);
        machine.ok(caller, "processRegister", json!({}));
    }
}

fn name(who: usize, life: u64) -> String {
    format!("p{who}.{life}")
}

fn check(steps: &[Step]) {
    let machine = Machine::default();
    let mut callers = Callers::new();
    let mut model = Model {
        now: 0,
        lives: [0; CALLERS],
        known: Default::default(),
    };
    for who in 0..4 {
        machine.ok(&callers.0[who].0, "processRegister", json!({}));
    }
    for step in steps {
        let before = model.known.clone();
        let expected = model.apply(step);
        let ask = |operation: &str, who: usize, key: usize, more: Value| {
            let (host, name) = &callers.0[who];
            let mut params = json!({"key": KEYS[key], "holder": name});
            let properties = params.as_object_mut().unwrap();
            properties.extend(more.as_object().unwrap().clone());
            let answer = machine.ok(host, operation, params);
            assert_eq!(answer["outcome"], expected, "{step:?}: {answer}");
        };
        match *step {
            Step::Acquire { who, key, length } => {
                ask("leaseAcquire", who, key, json!({"leaseDurationMs": length}));
            }
            Step::Renew {
                who,
                key,
                late,
                length,
            } => {
                let token = before[key].token.saturating_sub(u64::from(late));
                let more = json!({"token": token, "leaseDurationMs": length});
                ask("leaseRenew", who, key, more);
            }
            Step::Release { who, key, token } => {
                let token = token.then_some(before[key].token);
                ask("leaseRelease", who, key, json!({"token": token}));
            }
            Step::Transfer { who, key, to } => {
                let more = json!({"token": before[key].token, "to": callers.0[to].1});
                ask("leaseTransfer", who, key, more);
            }
            Step::Clear { key } => {
                let held = u64::from(before[key].holder.is_some());
                let cleared = machine.ok(&nobody(), "leaseClear", json!({"prefix": KEYS[key]}));
                assert_eq!(cleared["released"], held);
            }
            Step::Pass { millis } => machine.pass(millis),
            Step::Restart { who } => callers.restart(who, model.lives[who], &machine),
        }
        for (key, known) in model.known.iter().enumerate() {
            let lease = machine.ok(&callers.0[0].0, "leaseGet", json!({"key": KEYS[key]}));
            assert_eq!(
                lease["token"].as_u64().unwrap_or(0),
                known.token,
                "{step:?}"
            );
            assert!(known.token >= before[key].token);
            let state = match known.holder {
                None => "released",
                Some(_) if model.is_free(key, 0) => "stale",
                Some(_)
                    if model.is_ahead(key)
                        && !model.is_seen(key, 0)
                        && known.renewed > model.now + known.length =>
                {
                    "stale"
                }
                Some(_) => "held",
            };
            let there = lease["state"].as_str().unwrap_or("released");
            assert_eq!(there, state, "{step:?}: {lease}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: (2000.0 * scale()) as u32,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_sequence_of_lease_operations_has_the_outcomes_of_the_model(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        check(&steps);
    }
}
