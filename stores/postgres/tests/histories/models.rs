//! What the operations of the histories do, one after the other: a lease, a slot, and a session with a version.
//! They are written again here, in the fewest words, and not taken from the core.

use tenure_histories::Model;

/// A lease that does not expire while the test runs.
pub(super) struct LeaseModel;

/// The lease of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lease {
    holder: String,
    token: u64,
    is_released: bool,
}

#[derive(Debug, Clone)]
pub(super) enum LeaseInput {
    Acquire { holder: String },
    Renew { holder: String, token: u64 },
    Release { holder: String, token: u64 },
    Get,
}

/// The outcome, and the holder and the token of the lease after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeaseOutput {
    pub(super) outcome: String,
    pub(super) lease: Option<(String, u64)>,
}

impl Model for LeaseModel {
    type State = Option<Lease>;
    type Input = LeaseInput;
    type Output = LeaseOutput;

    fn initial(&self) -> Self::State {
        None
    }

    fn step(
        &self,
        state: &Self::State,
        input: &LeaseInput,
        output: Option<&LeaseOutput>,
    ) -> Option<Self::State> {
        let current = state.clone();
        let held = state.as_ref().filter(|lease| !lease.is_released);
        let is_of = |holder: &String, token: u64| {
            held.is_some_and(|lease| lease.holder == *holder && lease.token == token)
        };
        let (outcome, next) = match input {
            LeaseInput::Get => ("got", current),
            LeaseInput::Acquire { holder } => match held {
                Some(lease) if lease.holder == *holder => ("renewed", current),
                Some(_) => ("held", current),
                None => {
                    let lease = Lease {
                        holder: holder.clone(),
                        token: state.as_ref().map_or(0, |lease| lease.token) + 1,
                        is_released: false,
                    };
                    ("acquired", Some(lease))
                }
            },
            LeaseInput::Renew { holder, token } if is_of(holder, *token) => ("renewed", current),
            LeaseInput::Renew { .. } => ("lost", current),
            LeaseInput::Release { .. } if held.is_none() => ("not_held", current),
            LeaseInput::Release { holder, token } if is_of(holder, *token) => {
                let released = current.map(|lease| Lease {
                    is_released: true,
                    ..lease
                });
                ("released", released)
            }
            LeaseInput::Release { .. } => ("not_owner", current),
        };
        let lease = next
            .as_ref()
            .map(|lease| (lease.holder.clone(), lease.token));
        let expected = LeaseOutput {
            outcome: outcome.to_owned(),
            lease,
        };
        output
            .is_none_or(|output| *output == expected)
            .then_some(next)
    }
}

/// A slot whose sessions are replaced by those of another model.
pub(super) struct SlotModel;

#[derive(Debug, Clone)]
pub(super) enum SlotInput {
    Start { id: String, model: String },
    Latest,
}

/// The outcome, the session that is in the slot after it, and the one that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotOutput {
    pub(super) outcome: String,
    pub(super) session: Option<String>,
    pub(super) replaced: Option<String>,
}

impl Model for SlotModel {
    /// The id and the model of the occupant.
    type State = Option<(String, String)>;
    type Input = SlotInput;
    type Output = SlotOutput;

    fn initial(&self) -> Self::State {
        None
    }

    fn step(
        &self,
        state: &Self::State,
        input: &SlotInput,
        output: Option<&SlotOutput>,
    ) -> Option<Self::State> {
        let (outcome, next, replaced) = match (input, state) {
            (SlotInput::Latest, state) => ("got", state.clone(), None),
            (SlotInput::Start { model, .. }, Some((_, of))) if model == of => {
                ("existing", state.clone(), None)
            }
            (SlotInput::Start { id, model }, occupant) => {
                let replaced = occupant.as_ref().map(|(id, _)| id.clone());
                let outcome = match replaced {
                    Some(_) => "replaced",
                    None => "created",
                };
                (outcome, Some((id.clone(), model.clone())), replaced)
            }
        };
        let expected = SlotOutput {
            outcome: outcome.to_owned(),
            session: next.as_ref().map(|(id, _)| id.clone()),
            replaced,
        };
        output
            .is_none_or(|output| *output == expected)
            .then_some(next)
    }
}

/// A session whose context is read and written, also on condition of its version.
pub(super) struct SessionModel;

#[derive(Debug, Clone)]
pub(super) enum SessionInput {
    Read,
    /// Every value is written once.
    Write {
        value: u64,
        if_version: Option<u64>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SessionOutput {
    Has { version: u64, value: u64 },
    Conflict,
}

impl Model for SessionModel {
    /// The version and the value.
    type State = (u64, u64);
    type Input = SessionInput;
    type Output = SessionOutput;

    fn initial(&self) -> Self::State {
        (1, 0)
    }

    fn step(
        &self,
        state: &Self::State,
        input: &SessionInput,
        output: Option<&SessionOutput>,
    ) -> Option<Self::State> {
        let (version, _) = *state;
        let (is_written, next) = match *input {
            SessionInput::Read => (true, *state),
            SessionInput::Write {
                if_version: Some(expected),
                ..
            } if expected != version => (false, *state),
            SessionInput::Write { value, .. } => (true, (version + 1, value)),
        };
        let expected = match is_written {
            true => SessionOutput::Has {
                version: next.0,
                value: next.1,
            },
            false => SessionOutput::Conflict,
        };
        output
            .is_none_or(|output| *output == expected)
            .then_some(next)
    }
}
