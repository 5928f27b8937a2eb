//! The complete module, for Node where there is no addon: the exports of the binding, and all
//! applications behind them. A crate of its own, because cargo names a library after its crate alone
//! and would take the module for browsers and this one for the same file.

pub use tenure_wasm::*;
