//! What the operations do, as statements about their answers. Sessions live in the memory store;
//! every other store is held to it by the conformance kit.

mod budget;
mod copies;
mod history;
mod limits;
mod lists;
mod overriding;
mod pausing;
mod repeats;
mod retention;
mod transitions;
mod usage;
mod versions;
mod webhooks;
