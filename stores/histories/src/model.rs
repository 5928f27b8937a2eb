//! What a history is checked against.

/// What operations do to a state, one after the other.
pub trait Model {
    /// The state of one key.
    type State: Clone + Eq + std::hash::Hash;
    /// An operation with its parameters.
    type Input: std::fmt::Debug;
    /// The outcome of an operation.
    type Output: std::fmt::Debug;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// The state after an operation; `None` if in this state it would have had another outcome. An operation
    /// without an outcome has taken effect all the same.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;
}
