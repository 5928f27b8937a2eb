//! The search for an order of the operations. The events of a history, its calls and returns, are in a linked list. A
//! call is placed next if the model allows it, and then leaves the list with its return. At the return of
//! an operation that was not placed, the last one that was placed is taken back. A set of placed operations with a
//! state that was reached before is not searched again.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::history::Operation;
use crate::model::Model;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// There is none.
    Violated(Violation),
    /// The search has taken more steps than it may.
    Undecided,
}

/// What is known of a history without such an order.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// How many of the operations could be placed at most.
    pub placed: usize,
    /// The first operation that could not be placed after these, and those beside it.
    pub around: Vec<String>,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} operations can be placed, and then none of:",
            self.placed
        )?;
        for operation in &self.around {
            writeln!(f, "  {operation}")?;
        }
        Ok(())
    }
}

/// How many operations a violation shows.
const SHOWN: usize = 12;

/// The operations that are placed, a bit for each.
type Placed = Vec<u64>;

/// Whether a history is linearizable. It is undecided after so many steps.
pub fn check<M: Model>(
    model: &M,
    history: &[Operation<M::Input, M::Output>],
    most_steps: u64,
) -> Verdict {
    let mut events = Events::of(history);
    let mut placed: Placed = vec![0; history.len().div_ceil(64)];
    let mut left = history.iter().filter(|one| one.returned.is_some()).count();
    let mut state = model.initial();
    let mut tried: HashMap<Placed, HashSet<M::State>> = HashMap::new();
    // The operations that are placed, each with the state before it.
    let mut order: Vec<(usize, M::State)> = Vec::new();
    let mut best = (0, Vec::new());
    let mut at = events.first();
    let mut steps = 0;
    // Those without a return may never take effect.
    while left > 0 {
        steps += 1;
        if steps > most_steps {
            return Verdict::Undecided;
        }
        // Each known operation that is left has its return in the list.
        let Some(event) = at else {
            return Verdict::Violated(violation(history, best));
        };
        if let Event::Call(operation) = events.kind(event) {
            let one = &history[operation];
            let output = one.returned.as_ref().map(|(_, output)| output);
            let next = model.step(&state, &one.input, output);
            let next = next.filter(|next| {
                let mut with = placed.clone();
                insert(&mut with, operation);
                tried.entry(with).or_default().insert(next.clone())
            });
            at = match next {
                Some(next) => {
                    insert(&mut placed, operation);
                    events.remove(operation);
                    left -= usize::from(output.is_some());
                    order.push((operation, std::mem::replace(&mut state, next)));
                    events.first()
                }
                None => events.after(event),
            };
            continue;
        }
        if order.len() >= best.0 {
            best = (order.len(), events.pending(event));
        }
        let Some((operation, before)) = order.pop() else {
            return Verdict::Violated(violation(history, best));
        };
        state = before;
        remove(&mut placed, operation);
        events.restore(operation);
        left += usize::from(history[operation].returned.is_some());
        at = events.after(events.call_of(operation));
    }
    Verdict::Linearizable
}

fn insert(placed: &mut Placed, operation: usize) {
    placed[operation / 64] |= 1 << (operation % 64);
}

fn remove(placed: &mut Placed, operation: usize) {
    placed[operation / 64] &= !(1 << (operation % 64));
}

fn violation<I: fmt::Debug, O: fmt::Debug>(
    history: &[Operation<I, O>],
    (placed, around): (usize, Vec<usize>),
) -> Violation {
    let shown = around.into_iter().take(SHOWN);
    Violation {
        placed,
        around: shown
            .map(|operation| format!("{:?}", history[operation]))
            .collect(),
    }
}

/// A call or a return, of an operation.
#[derive(Debug, Clone, Copy)]
enum Event {
    Call(usize),
    Return(usize),
}

/// The events that are left, as a linked list. Event 0 is before the first one.
struct Events {
    kinds: Vec<Event>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// The events of each operation.
    calls: Vec<usize>,
    returns: Vec<Option<usize>>,
}

/// Before the first event, and after the last one.
const END: usize = 0;

impl Events {
    fn of<I, O>(history: &[Operation<I, O>]) -> Self {
        let mut timed = Vec::new();
        for (number, operation) in history.iter().enumerate() {
            // Of one moment, calls are first: then operations are concurrent.
            timed.push((operation.called, false, Event::Call(number)));
            if let Some((returned, _)) = &operation.returned {
                timed.push((*returned, true, Event::Return(number)));
            }
        }
        timed.sort_by_key(|(time, is_return, _)| (*time, *is_return));
        let count = timed.len() + 1;
        let mut events = Self {
            kinds: vec![Event::Return(usize::MAX)],
            next: (1..=count).map(|next| next % count).collect(),
            previous: (0..count)
                .map(|event| (event + count - 1) % count)
                .collect(),
            calls: vec![END; history.len()],
            returns: vec![None; history.len()],
        };
        for (_, _, kind) in timed {
            let event = events.kinds.len();
            match kind {
                Event::Call(operation) => events.calls[operation] = event,
                Event::Return(operation) => events.returns[operation] = Some(event),
            }
            events.kinds.push(kind);
        }
        events
    }

    fn kind(&self, event: usize) -> Event {
        self.kinds[event]
    }

    fn first(&self) -> Option<usize> {
        self.after(END)
    }

    fn after(&self, event: usize) -> Option<usize> {
        Some(self.next[event]).filter(|next| *next != END)
    }

    fn call_of(&self, operation: usize) -> usize {
        self.calls[operation]
    }

    /// Removes the events of an operation.
    fn remove(&mut self, operation: usize) {
        self.unlink(self.calls[operation]);
        if let Some(event) = self.returns[operation] {
            self.unlink(event);
        }
    }

    /// Restores the events of the operation that was removed last.
    fn restore(&mut self, operation: usize) {
        if let Some(event) = self.returns[operation] {
            self.link(event);
        }
        self.link(self.calls[operation]);
    }

    /// The operations that were called before an event, and have not been placed.
    fn pending(&self, until: usize) -> Vec<usize> {
        let mut pending = Vec::new();
        let mut at = self.first();
        while let Some(event) = at.filter(|event| *event != until) {
            if let Event::Call(operation) = self.kinds[event] {
                pending.push(operation);
            }
            at = self.after(event);
        }
        pending
    }

    fn unlink(&mut self, event: usize) {
        let (previous, next) = (self.previous[event], self.next[event]);
        self.next[previous] = next;
        self.previous[next] = previous;
    }

    fn link(&mut self, event: usize) {
        let (previous, next) = (self.previous[event], self.next[event]);
        self.next[previous] = event;
        self.previous[next] = event;
    }
}
