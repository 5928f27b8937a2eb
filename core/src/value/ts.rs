//! How hand-written wire types appear in TypeScript. Derived types describe themselves; the few
//! that serialise by hand (text, times, JSON) name their declaration here.

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
