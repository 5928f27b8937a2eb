//! Leases and their uses: the holder of a lease, the owner of a virtual machine, the runner of a
//! session, and the occupant of a slot, for every clock and every order in which processes end.

mod acquire_and_release;
mod concurrency;
mod fencing;
mod model;
mod session_leases;
mod simulated_machine;
mod slot_concurrency;
mod steps;
mod vm_ownership;
