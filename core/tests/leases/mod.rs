//! Leases and what is built on them: who holds a lease, who owns a virtual machine, who runs a session
//! and who occupies a slot, for every clock and for every order in which processes end.

mod anything;
mod holding;
mod machine;
mod meeting;
mod owning;
mod running;
mod slots;
mod steps;
