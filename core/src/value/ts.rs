//! How hand-written wire types appear in TypeScript. Derived types describe themselves; the few
//! that serialise by hand (text, times, JSON) name their declaration here.

use std::any::TypeId;
use std::collections::BTreeSet;

use ts_rs::{TS, TypeVisitor};

/// Declares that `$type` crosses as the TypeScript type `$ts`.
macro_rules! declare_as {
    ($type:ty, $ts:expr) => {
        impl ts_rs::TS for $type {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;
            fn name(_: &ts_rs::Config) -> String {
                $ts.to_owned()
            }
            fn inline(_: &ts_rs::Config) -> String {
                $ts.to_owned()
            }
            fn decl(_: &ts_rs::Config) -> String {
                String::new()
            }
            fn decl_concrete(_: &ts_rs::Config) -> String {
                String::new()
            }
            fn inline_flattened(_: &ts_rs::Config) -> String {
                $ts.to_owned()
            }
        }
    };
}

pub(crate) use declare_as;

/// The TypeScript declarations of types, each once, after those that use it.
pub struct Declarations {
    /// How types are printed.
    pub config: ts_rs::Config,
    declared: BTreeSet<TypeId>,
    /// The declarations so far.
    pub text: String,
}

impl Declarations {
    /// Declarations that begin with this text.
    pub fn new(text: &str) -> Self {
        Self {
            config: ts_rs::Config::new().with_large_int("number"),
            declared: BTreeSet::new(),
            text: text.to_owned(),
        }
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.declared.insert(TypeId::of::<T>()) {
            return;
        }
        // Only types with a declaration of their own have a place to be written to.
        if T::output_path().is_some() {
            if let Some(docs) = T::docs() {
                self.text.push_str(&docs);
            }
            self.text.push_str("export ");
            self.text.push_str(&T::decl(&self.config));
            self.text.push_str("\n\n");
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}
