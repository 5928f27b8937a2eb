//! Arguments that are one of several named values, and the numbers of items of a list.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tenure_core::{Phase, Status};

/// A parser of one of `choices`, by its name.
pub(crate) fn choice<T: Clone + Send + Sync + 'static>(
    choices: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let choices: Vec<(&'static str, T)> = choices.into_iter().collect();
    let names = PossibleValuesParser::new(choices.iter().map(|(name, _)| *name));
    names.try_map(move |given| {
        let found = choices.iter().find(|(name, _)| *name == given);
        found
            .map(|(_, value)| value.clone())
            .ok_or("expected one of the names")
    })
}

/// Reads the most items that a list prints.
pub(crate) fn limit(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number of 1 or more"),
        Ok(limit) => Ok(limit),
    }
}

/// A parser of statuses.
pub(crate) fn status() -> impl TypedValueParser<Value = Status> {
    choice(Status::ALL.map(|status| (status.as_str(), status)))
}

/// A parser of the phases that a predicate selects.
pub(crate) fn phase(predicate: fn(Phase) -> bool) -> impl TypedValueParser<Value = Phase> {
    let phases = Phase::ALL
        .into_iter()
        .filter(move |phase| predicate(*phase));
    choice(phases.map(|phase| (phase.as_str(), phase)))
}
