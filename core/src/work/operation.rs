//! The table's row: an operation with its signature and the function that performs it. A row is declared
//! once, by [`operations!`](crate::operations); its types are erased in [`AnyOperation`], through which
//! every host calls it.

use std::any::Any;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use serde::Serialize;

use crate::error::Result;
use crate::value::json::Json;
use crate::value::print::{NotJson, print_json};

use super::context::Context;
use super::signature::{AnyParams, Signature, other_params};
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
    /// The feed of changes.
    Feed,
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
    /// Jobs that run at a schedule.
    Jobs,
    /// Metrics of a store.
    Metrics,
    /// Webhooks: endpoints, and what is delivered to them.
    Webhooks,
}

/// The result of an operation that takes several steps.
pub type Pending<'c, R> = Pin<Box<dyn Future<Output = Result<R>> + Send + 'c>>;

/// How an operation is performed, with parameters that it has read.
pub enum Run {
    /// As one unit of work: it reads, decides and writes.
    Unit(Decide),
    /// In several steps: it lists, or commits more than once.
    Steps(TakeSteps),
}

/// Decides within a transaction.
pub type Decide = fn(&mut Transaction<'_>, &AnyParams) -> Attempt<Box<dyn Reply>>;

/// Takes several steps.
pub type TakeSteps = for<'c> fn(&'c Context, AnyParams) -> Pending<'c, Box<dyn Reply>>;

/// Decides with parameters of type `P`. What it replies has any type.
///
/// # Errors
/// Those of the operation, and `INTERNAL` for parameters of another one.
pub fn decided<P: 'static, R: Reply>(
    params: &AnyParams,
    decide: impl FnOnce(&P) -> Attempt<R>,
) -> Attempt<Box<dyn Reply>> {
    match params.downcast_ref() {
        Some(params) => Ok(Box::new(decide(params)?)),
        None => Err(other_params().into()),
    }
}

/// Takes the steps with parameters of type `P`. What it replies has any type.
pub fn stepwise<'c, P: 'static, R: Reply, F>(
    params: AnyParams,
    steps: impl FnOnce(P) -> F,
) -> Pending<'c, Box<dyn Reply>>
where
    F: Future<Output = Result<R>> + Send + 'c,
{
    match params.downcast() {
        Ok(params) => {
            let steps = steps(*params);
            Box::pin(async move { Ok(Box::new(steps.await?) as Box<dyn Reply>) })
        }
        Err(_) => Box::pin(ready(Err(other_params()))),
    }
}

/// An operation, whatever the types of its parameters and its reply.
pub struct AnyOperation {
    /// How it is called.
    pub signature: Signature,
    /// Whether it writes.
    pub access: Access,
    /// What it is about.
    pub group: Group,
    /// How it is performed.
    pub run: Run,
}

impl fmt::Debug for AnyOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyOperation").field(&self.name()).finish()
    }
}

impl AnyOperation {
    /// Its name, as hosts call it.
    pub fn name(&self) -> &'static str {
        self.signature.name
    }

    /// Reads parameters from a JSON object.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn read(&self, params: &str) -> Result<AnyParams> {
        self.signature.read(params)
    }
}

/// An operation that takes parameters `P` and replies `R`.
#[derive(Debug)]
pub struct Operation<P, R> {
    /// The operation.
    pub operation: AnyOperation,
    /// Its types.
    pub types: PhantomData<fn(P) -> R>,
}

impl<P, R> Deref for Operation<P, R> {
    type Target = AnyOperation;

    fn deref(&self) -> &AnyOperation {
        &self.operation
    }
}

/// What an operation replies, whatever its type.
pub trait Reply: Any + Send {
    /// Writes the reply, as it crosses into another language, at the end of a text.
    ///
    /// # Errors
    /// Only those of a type that cannot be JSON.
    fn write_json(&self, text: &mut Vec<u8>) -> Result<(), NotJson>;

    /// The reply as a value of any type, to be cast back.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<R: Serialize + Send + 'static> Reply for R {
    fn write_json(&self, text: &mut Vec<u8>) -> Result<(), NotJson> {
        print_json(self, text)
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
        text.and_then(|text| Json::parse(&text).ok())
            .unwrap_or_default()
    }
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
                    operation: $crate::work::operation::AnyOperation {
                        signature: $crate::work::signature::Signature::of::<$params, $result>(
                            $name,
                            concat!($($doc, "\n"),+),
                            $sample,
                        ),
                        access: $crate::work::operation::Access::$access,
                        group: $group,
                        run: $crate::operations!(@run $kind $run, $params, $result),
                    },
                    types: std::marker::PhantomData,
                };
        )*

        /// These operations, in the order in which the documentation shows them.
        pub static OPERATIONS: &[&$crate::work::operation::AnyOperation] = &[$(&$constant.operation),*];
    };
    (@run unit $run:path, $params:ty, $result:ty) => {
        $crate::work::operation::Run::Unit(|transaction, params| {
            $crate::work::operation::decided::<$params, $result>(params, |params| {
                $run(transaction, params)
            })
        })
    };
    (@run steps $run:path, $params:ty, $result:ty) => {
        $crate::work::operation::Run::Steps(|context, params| {
            $crate::work::operation::stepwise::<$params, $result, _>(params, |params| {
                $run(context, params)
            })
        })
    };
}
