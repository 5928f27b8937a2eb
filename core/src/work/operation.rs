//! The table's row: an operation with its name, what it takes and replies, what its users read, and
//! the function that performs it. A row is declared once, by [`operations!`](crate::operations); its
//! types are erased in [`AnyOperation`], through which every host calls it.

use std::any::Any;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::pin::Pin;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::value::json::Json;
use crate::value::properties::Params;

use super::context::Context;
use super::transaction::{Attempt, Transaction};

/// Whether an operation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It may write.
    Write,
    /// It may write to many sessions, and take long.
    WriteMany,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Sessions: their lifecycle, history and context.
    Sessions,
    /// Agents: sessions with a phase.
    Agents,
    /// Leases on outside resources.
    Leases,
    /// One session for each phase of a task.
    Slots,
    /// The audit log.
    Audit,
    /// Copying from store to store.
    Copying,
    /// Runs of workflows that are not repeated.
    Dedup,
    /// Processes, and the virtual machines that they own.
    Machines,
    /// The hooks of an agent's host.
    Hooks,
    /// Folders of other programs.
    Folders,
}

/// The result of an operation that takes several steps.
pub type Pending<'c, R> = Pin<Box<dyn Future<Output = Result<R>> + Send + 'c>>;

/// How an operation with parameters `P` is performed. What it replies has any type here: code for the
/// type of each reply is made for the one way in which the operation is performed, see [`decided`] and
/// [`stepwise`].
pub enum Run<P> {
    /// As one unit of work: it reads, decides and writes.
    Unit(fn(&mut Transaction<'_>, &P) -> Attempt<Box<dyn Reply>>),
    /// In several steps: it lists, or commits more than once.
    Steps(for<'c> fn(&'c Context, P) -> Pending<'c, Box<dyn Reply>>),
}

/// The reply of a unit of work, as one of any type.
///
/// # Errors
/// Those of the unit of work.
pub fn decided<R: Reply>(reply: Attempt<R>) -> Attempt<Box<dyn Reply>> {
    Ok(Box::new(reply?))
}

/// The reply of an operation that takes several steps, as one of any type.
pub fn stepwise<'c, R: Reply, F>(steps: F) -> Pending<'c, Box<dyn Reply>>
where
    F: Future<Output = Result<R>> + Send + 'c,
{
    Box::pin(async move { Ok(Box::new(steps.await?) as Box<dyn Reply>) })
}

/// What is written about an operation, for documentation and tests.
#[cfg(feature = "docs")]
#[derive(Debug, Clone, Copy)]
pub struct Docs {
    /// What its users read, in Markdown.
    pub text: &'static str,
    /// The parameters of a call with every property, as JSON.
    pub sample: &'static str,
}

/// An operation that takes parameters `P` and replies `R`.
pub struct Operation<P, R> {
    /// Its name, as hosts call it.
    pub name: &'static str,
    /// Whether it writes.
    pub access: Access,
    /// What it is about.
    pub group: Group,
    /// What is written about it.
    #[cfg(feature = "docs")]
    pub docs: Docs,
    /// How it is performed.
    pub run: Run<P>,
    /// What it replies.
    pub reply: PhantomData<fn() -> R>,
}

impl<P, R> fmt::Debug for Operation<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Operation").field(&self.name).finish()
    }
}

/// What an operation replies, whatever its type.
pub trait Reply: Any + Send {
    /// Writes the reply, as it crosses into another language, at the end of a text.
    ///
    /// # Errors
    /// Only those of a type that cannot be JSON.
    fn write_json(&self, text: &mut Vec<u8>) -> serde_json::Result<()>;

    /// The reply as a value of any type, to be cast back.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<R: Serialize + Send + 'static> Reply for R {
    fn write_json(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(text, self)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl dyn Reply {
    /// The reply as it crosses into another language.
    pub fn to_json(&self) -> Json {
        let mut text = Vec::new();
        let written = self.write_json(&mut text).is_ok();
        // Replies are JSON; were one not to be, it would be empty.
        let text = written.then(|| String::from_utf8(text).ok()).flatten();
        text.and_then(|text| Json::parse(text).ok())
            .unwrap_or_default()
    }
}

/// Parameters, whatever their type.
pub type AnyParams = Box<dyn Any + Send + Sync>;

/// An operation, whatever its types.
pub trait AnyOperation: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Whether it writes.
    fn access(&self) -> Access;
    /// What it is about.
    fn group(&self) -> Group;
    /// What its users read.
    #[cfg(feature = "docs")]
    fn doc(&self) -> &'static str;
    /// The parameters of a call with every property.
    #[cfg(feature = "docs")]
    fn sample(&self) -> &'static str;

    /// Reads parameters from a JSON object.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    fn read(&self, params: &str) -> Result<AnyParams>;

    /// Whether it is one unit of work.
    fn is_unit(&self) -> bool;

    /// Performs it, where it takes several steps, with parameters that it has read.
    fn perform<'c>(
        &'c self,
        context: &'c Context,
        params: AnyParams,
    ) -> Pending<'c, Box<dyn Reply>>;

    /// Decides within a transaction, where it is one unit of work.
    ///
    /// # Errors
    /// Those of the operation.
    fn decide(
        &self,
        transaction: &mut Transaction<'_>,
        params: &(dyn Any + Send + Sync),
    ) -> Attempt<Box<dyn Reply>>;

    /// Declares its types in TypeScript.
    #[cfg(feature = "ts")]
    fn declare(&self, declarations: &mut crate::value::ts::Declarations);
    /// The names of its parameters and its reply in TypeScript.
    #[cfg(feature = "ts")]
    fn type_names(&self, config: &ts_rs::Config) -> (String, String);
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

impl<P, R> AnyOperation for Operation<P, R>
where
    P: Params + Declared + Send + Sync + 'static,
    R: Serialize + Declared + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn access(&self) -> Access {
        self.access
    }

    fn group(&self) -> Group {
        self.group
    }

    #[cfg(feature = "docs")]
    fn doc(&self) -> &'static str {
        self.docs.text
    }

    #[cfg(feature = "docs")]
    fn sample(&self) -> &'static str {
        self.docs.sample
    }

    fn read(&self, params: &str) -> Result<AnyParams> {
        Ok(Box::new(P::read(self.name, params)?))
    }

    fn is_unit(&self) -> bool {
        matches!(self.run, Run::Unit(_))
    }

    fn perform<'c>(
        &'c self,
        context: &'c Context,
        params: AnyParams,
    ) -> Pending<'c, Box<dyn Reply>> {
        match (&self.run, params.downcast::<P>()) {
            (Run::Steps(steps), Ok(params)) => steps(context, *params),
            _ => Box::pin(ready(Err(other_params()))),
        }
    }

    fn decide(
        &self,
        transaction: &mut Transaction<'_>,
        params: &(dyn Any + Send + Sync),
    ) -> Attempt<Box<dyn Reply>> {
        match (&self.run, params.downcast_ref::<P>()) {
            (Run::Unit(decide), Some(params)) => decide(transaction, params),
            _ => Err(other_params().into()),
        }
    }

    #[cfg(feature = "ts")]
    fn declare(&self, declarations: &mut crate::value::ts::Declarations) {
        use ts_rs::TypeVisitor;
        declarations.visit::<P>();
        declarations.visit::<R>();
    }

    #[cfg(feature = "ts")]
    fn type_names(&self, config: &ts_rs::Config) -> (String, String) {
        (P::name(config), R::name(config))
    }
}

pub(crate) fn other_params() -> Error {
    Error::internal("an operation was run as another")
}

/// Declares operations, and the list of them.
///
/// ```text
/// operations! {
///     Group::Sessions;
///     /// Pauses a session.
///     PAUSE = Write "pause" (PauseParams) -> SessionHead, unit pause, r#"{"id":"s"}"#;
/// }
/// ```
#[macro_export]
macro_rules! operations {
    ($group:expr; $(
        $(#[doc = $doc:literal])+
        $constant:ident = $access:ident $name:literal ($params:ty) -> $result:ty, $kind:ident $run:path, $sample:expr;
    )*) => {
        $(
            $(#[doc = $doc])+
            pub static $constant: $crate::work::operation::Operation<$params, $result> =
                $crate::work::operation::Operation {
                    name: $name,
                    access: $crate::work::operation::Access::$access,
                    group: $group,
                    #[cfg(feature = "docs")]
                    docs: $crate::work::operation::Docs {
                        text: concat!($($doc, "\n"),+),
                        sample: $sample,
                    },
                    run: $crate::operations!(@run $kind $run, $result),
                    reply: std::marker::PhantomData,
                };
        )*

        /// These operations, in the order in which the documentation shows them.
        pub static OPERATIONS: &[&dyn $crate::work::operation::AnyOperation] = &[$(&$constant),*];
    };
    (@run unit $run:path, $result:ty) => {
        $crate::work::operation::Run::Unit(|transaction, params| {
            $crate::work::operation::decided::<$result>($run(transaction, params))
        })
    };
    (@run steps $run:path, $result:ty) => {
        $crate::work::operation::Run::Steps(|context, params| {
            $crate::work::operation::stepwise::<$result, _>($run(context, params))
        })
    };
}
