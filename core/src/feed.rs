//! The feed of changes as callers read it: each change with the session, lease or entry of the audit log
//! that it is about. Positions are assigned by the [store](crate::store::feed).

pub mod operations;
pub mod params;
