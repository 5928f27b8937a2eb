//! How hand-written wire types appear in TypeScript. Derived types describe themselves; the few
//! that serialise by hand (text, times, JSON) name their declaration here.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};

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

/// The TypeScript declarations of types, each once.
pub struct Declarations {
    /// How types are printed.
    pub config: ts_rs::Config,
    visited: BTreeSet<TypeId>,
    /// The declarations by their names: the order in which types are visited differs between builds.
    declared: BTreeMap<String, String>,
}

impl Declarations {
    /// The declarations with their names, in the order of these.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        let declared = self.declared.iter();
        declared.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The text of all declarations, in the order of their names.
    pub fn text(&self) -> String {
        self.declared.values().map(String::as_str).collect()
    }
}

/// The types of an operation or a job in TypeScript.
pub struct Types {
    /// Declares them.
    pub declare: fn(&mut Declarations),
    /// The names of its parameters and its reply.
    pub names: fn(&ts_rs::Config) -> (String, String),
}

impl Types {
    /// Those of parameters `P` and the reply `R`.
    pub const fn of<P: TS + 'static, R: TS + 'static>() -> Self {
        Self {
            declare: |declarations| {
                declarations.visit::<P>();
                declarations.visit::<R>();
            },
            names: |config| (P::name(config), R::name(config)),
        }
    }
}

impl Default for Declarations {
    fn default() -> Self {
        Self {
            config: ts_rs::Config::new().with_large_int("number"),
            visited: BTreeSet::new(),
            declared: BTreeMap::new(),
        }
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.visited.insert(TypeId::of::<T>()) {
            return;
        }
        // Only types with a declaration of their own have a place to be written to.
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n\n", T::decl(&self.config));
            self.declared.insert(T::ident(&self.config), text);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}
