//! Leases, and what is made of them: who gets one, who owns a virtual machine, who runs a session and
//! who comes into a slot, whatever the clock shows and whoever ends when.

mod anything;
mod holding;
mod machine;
mod meeting;
mod owning;
mod running;
mod slots;
mod steps;
