//! The binding in Node, which is where these tests run unless they ask for a browser.
#![cfg(target_arch = "wasm32")]

mod binding;
