//! The integration tests of the conformance kit, as one program: an honest store passes, broken ones fail.

mod broken;
mod memory;
