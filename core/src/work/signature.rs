//! What operations and jobs have in common: a name, how their parameters are read, and what is written
//! about them.

use std::any::Any;

use crate::error::{Error, Result};
use crate::value::properties::Params;

/// Parameters, whatever their type.
pub type AnyParams = Box<dyn Any + Send + Sync>;

/// How an operation or a job is called.
pub struct Signature {
    /// Its name, as hosts call it.
    pub name: &'static str,
    read: fn(&str, &str) -> Result<AnyParams>,
    #[cfg(feature = "docs")]
    docs: Docs,
    #[cfg(feature = "ts")]
    types: crate::value::ts::Types,
}

/// What is written, for documentation and tests.
#[cfg(feature = "docs")]
struct Docs {
    text: &'static str,
    sample: &'static str,
}

impl Signature {
    /// The signature of what takes parameters `P` and results in `R`. `doc` is what its users read, in
    /// Markdown, and `sample` the parameters of a call with every property, as JSON.
    pub const fn of<P, R>(name: &'static str, doc: &'static str, sample: &'static str) -> Self
    where
        P: Params + Declared + Send + Sync + 'static,
        R: Declared + 'static,
    {
        #[cfg(not(feature = "docs"))]
        let _ = (doc, sample);
        Self {
            name,
            read: read::<P>,
            #[cfg(feature = "docs")]
            docs: Docs { text: doc, sample },
            #[cfg(feature = "ts")]
            types: crate::value::ts::Types::of::<P, R>(),
        }
    }

    /// Reads parameters from a JSON object.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn read(&self, params: &str) -> Result<AnyParams> {
        (self.read)(self.name, params)
    }

    /// What its users read.
    #[cfg(feature = "docs")]
    pub fn doc(&self) -> &'static str {
        self.docs.text
    }

    /// The parameters of a call with every property.
    #[cfg(feature = "docs")]
    pub fn sample(&self) -> &'static str {
        self.docs.sample
    }

    /// Its types in TypeScript.
    #[cfg(feature = "ts")]
    pub fn types(&self) -> &crate::value::ts::Types {
        &self.types
    }
}

fn read<P: Params + Send + Sync + 'static>(name: &str, params: &str) -> Result<AnyParams> {
    Ok(Box::new(P::read(name, params)?))
}

/// What types that cross into TypeScript are; nothing where no declarations are made.
#[cfg(feature = "ts")]
pub trait Declared: ts_rs::TS {}
#[cfg(feature = "ts")]
impl<T: ts_rs::TS> Declared for T {}
/// What types that cross into TypeScript are; nothing where no declarations are made.
#[cfg(not(feature = "ts"))]
pub trait Declared {}
#[cfg(not(feature = "ts"))]
impl<T> Declared for T {}

pub(crate) fn other_params() -> Error {
    Error::internal("an operation was run as another")
}
