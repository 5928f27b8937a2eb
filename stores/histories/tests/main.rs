//! The checker agrees with the plain search through all orders, on small random histories, and finds the known
//! violations.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use tenure_histories::{Model, Operation, Recorder, Verdict, check};

/// A register that is read, written, and written if it has a value.
struct Register;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Read,
    Write(u8),
    /// Writes the second value if the first one is there.
    Exchange(u8, u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Value(u8),
    Written,
    Refused,
}

impl Model for Register {
    type State = u8;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> u8 {
        0
    }

    fn step(&self, state: &u8, input: &Input, output: Option<&Output>) -> Option<u8> {
        let (expected, next) = match *input {
            Input::Read => (Output::Value(*state), *state),
            Input::Write(value) => (Output::Written, value),
            Input::Exchange(from, to) if from == *state => (Output::Written, to),
            Input::Exchange(..) => (Output::Refused, *state),
        };
        output
            .is_none_or(|output| *output == expected)
            .then_some(next)
    }
}

type History = Vec<Operation<Input, Output>>;

fn at(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

fn known(input: Input, called: u64, returned: u64, output: Output) -> Operation<Input, Output> {
    Operation {
        input,
        called: at(called),
        returned: Some((at(returned), output)),
    }
}

fn unknown(input: Input, called: u64) -> Operation<Input, Output> {
    Operation {
        input,
        called: at(called),
        returned: None,
    }
}

fn verdict(history: &History) -> Verdict {
    check(&Register, history, 1_000_000)
}

fn is_linearizable(history: &History) -> bool {
    let verdict = verdict(history);
    assert_ne!(verdict, Verdict::Undecided, "{history:?}");
    verdict == Verdict::Linearizable
}

/// Tries every order of the operations that are left.
fn has_order(history: &History, placed: &BTreeSet<usize>, state: u8) -> bool {
    let left = |number: &usize| !placed.contains(number);
    let all: Vec<usize> = (0..history.len()).filter(left).collect();
    if all.iter().all(|number| history[*number].returned.is_none()) {
        return true;
    }
    all.iter().any(|&number| {
        let one = &history[number];
        // One that has returned before this one was called precedes it.
        let precedes = |other: &&usize| {
            let returned = &history[**other].returned;
            returned.is_some_and(|(returned, _)| returned < one.called)
        };
        if all.iter().any(|other| precedes(&other)) {
            return false;
        }
        let output = one.returned.as_ref().map(|(_, output)| output);
        let Some(next) = Register.step(&state, &one.input, output) else {
            return false;
        };
        let mut placed = placed.clone();
        placed.insert(number);
        has_order(history, &placed, next)
    })
}

fn some_input(rng: &mut Rng) -> Input {
    match rng.u8(0..3) {
        0 => Input::Read,
        1 => Input::Write(rng.u8(1..4)),
        _ => Input::Exchange(rng.u8(0..4), rng.u8(1..4)),
    }
}

fn some_output(rng: &mut Rng, input: Input) -> Output {
    match input {
        Input::Read => Output::Value(rng.u8(0..4)),
        Input::Write(_) => Output::Written,
        Input::Exchange(..) if rng.bool() => Output::Written,
        Input::Exchange(..) => Output::Refused,
    }
}

/// Operations with any outcomes.
fn any_history(rng: &mut Rng, count: usize) -> History {
    let operations = (0..count).map(|_| {
        let input = some_input(rng);
        let called = rng.u64(0..40);
        match rng.u8(0..5) {
            0 => unknown(input, called),
            _ => known(
                input,
                called,
                called + rng.u64(1..20),
                some_output(rng, input),
            ),
        }
    });
    operations.collect()
}

/// Operations with the outcomes of an order that fits to their times.
fn linearizable_history(rng: &mut Rng, count: u64) -> History {
    let mut state = 0;
    let mut history = Vec::new();
    for number in 0..count {
        let input = some_input(rng);
        let moment = number * 10 + 1000;
        let called = moment - rng.u64(0..60);
        let (output, next) = match input {
            Input::Read => (Output::Value(state), state),
            Input::Write(value) => (Output::Written, value),
            Input::Exchange(from, to) if from == state => (Output::Written, to),
            Input::Exchange(..) => (Output::Refused, state),
        };
        match rng.u8(0..60) {
            // It has had its effect, which the others have seen.
            0 => history.push(unknown(input, called)),
            // It has no effect.
            1 => {
                history.push(unknown(input, called));
                continue;
            }
            _ => history.push(known(input, called, moment + rng.u64(0..60), output)),
        }
        state = next;
    }
    history
}

#[test]
fn the_checker_agrees_with_a_search_through_all_orders() {
    let mut rng = Rng::with_seed(3);
    let mut found = [0, 0];
    for _ in 0..4000 {
        let count = rng.usize(1..7);
        let history = any_history(&mut rng, count);
        let expected = has_order(&history, &BTreeSet::new(), 0);
        assert_eq!(is_linearizable(&history), expected, "{history:?}");
        found[usize::from(expected)] += 1;
    }
    assert!(found.iter().all(|count| *count > 200), "{found:?}");
}

#[test]
fn a_history_of_an_order_is_linearizable() {
    let mut rng = Rng::with_seed(4);
    for _ in 0..100 {
        let history = linearizable_history(&mut rng, 150);
        assert_eq!(verdict(&history), Verdict::Linearizable);
    }
}

#[test]
fn a_value_that_was_never_written_is_found_in_a_long_history() {
    let mut rng = Rng::with_seed(5);
    let mut history = linearizable_history(&mut rng, 100);
    history.push(known(Input::Read, 2000, 2001, Output::Value(9)));
    history.extend(
        (0..50).map(|n| known(Input::Write(1), 3000 + 2 * n, 3001 + 2 * n, Output::Written)),
    );
    let Verdict::Violated(violation) = verdict(&history) else {
        panic!("it is found");
    };
    assert!(
        violation
            .around
            .iter()
            .any(|shown| shown.contains("Value(9)")),
        "{violation:?}"
    );
}

#[test]
fn a_read_that_returns_an_old_value_is_a_violation() {
    let history = vec![
        known(Input::Write(1), 0, 1, Output::Written),
        known(Input::Write(2), 2, 3, Output::Written),
        known(Input::Read, 4, 5, Output::Value(1)),
    ];
    assert!(!is_linearizable(&history));
}

#[test]
fn of_two_exchanges_from_one_value_one_is_refused() {
    let both = |second| {
        vec![
            known(Input::Exchange(0, 1), 0, 9, Output::Written),
            known(Input::Exchange(0, 2), 0, 9, second),
        ]
    };
    assert!(!is_linearizable(&both(Output::Written)));
    assert!(is_linearizable(&both(Output::Refused)));
}

#[test]
fn an_unknown_write_may_take_effect_late_or_never_but_not_before_its_call() {
    let read = |at, value| known(Input::Read, at, at + 1, Output::Value(value));
    let late = vec![unknown(Input::Write(1), 0), read(5, 0), read(10, 1)];
    let never = vec![unknown(Input::Write(1), 0), read(5, 0), read(10, 0)];
    let early = vec![read(0, 1), unknown(Input::Write(1), 5)];
    let twice = vec![
        unknown(Input::Write(1), 0),
        read(5, 1),
        known(Input::Write(2), 7, 8, Output::Written),
        read(10, 2),
        read(12, 1),
    ];
    assert!(is_linearizable(&late));
    assert!(is_linearizable(&never));
    assert!(!is_linearizable(&early));
    assert!(!is_linearizable(&twice));
}

#[test]
fn a_recorded_history_has_the_order_of_the_calls() {
    let recorder = Recorder::default();
    let first = recorder.call(Input::Write(1));
    let second = recorder.call(Input::Read);
    recorder.had_no_effect(recorder.call(Input::Write(7)));
    recorder.returned(second, Output::Value(1));
    recorder.is_unknown(first);
    let history = recorder.into_history();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].input, Input::Write(1));
    assert_eq!(verdict(&history), Verdict::Linearizable);
}
