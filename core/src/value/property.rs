//! What reads the value of a property from JSON text. The types of properties are in
//! [`properties`](super::properties), beside the objects that they are properties of.

use crate::error::Result;
use crate::value::tokens::Tokens;

/// A value that a property may have.
pub trait Property: Sized {
    /// The value of a property that is not there; `None` where it has to be.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads the value of the property `name` from its text, which is well-formed and has no white
    /// space around it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read(name: &str, text: &str) -> Result<Self>;

    /// As [`Property::read`], for the next value of a text. After an error the tokens may be anywhere.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read_next(name: &str, tokens: &mut Tokens<'_>) -> Result<Self> {
        Self::read(name, tokens.value())
    }
}
