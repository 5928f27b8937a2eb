//! The complete module, for Node where there is no addon: the exports of the binding, and all
//! applications behind them. A crate of its own, because cargo has one file for the library of a crate,
//! whatever its features are: one crate would be compiled again each time it serves the other module.

pub use tenure_wasm::*;
