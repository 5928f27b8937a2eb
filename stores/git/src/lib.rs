//! Tenure's store of records in the refs of a git repository, for jobs that share nothing else: the
//! leases of runs and of commits, and the audit log. It keeps no sessions.
//!
//! ```text
//! refs/tenure/lease/my-workflow-push-abc12345-<hash>   a record, or those whose keys have one hash
//! refs/tenure/audit/20260108-0 ... 20260108-3          the entries of a day, in four parts
//! ```
//!
//! A ref points to a commit without a parent, with one file, `records.json`. A write is a commit that
//! nobody else can have made, and one push that moves all refs together or none, each only from where
//! it was read. So it is the server that lets one of many through, and a ref has no past.
//!
//! It runs the program `git`, in a folder of its own that is gone at the end. A checkout lends it the
//! address of its remote and what it needs to log in there, and nothing is written into it.
//!
//! A write costs the writing of its refs anew, so one into the audit log grows with its day. A scan
//! asks which refs there are, and fetches those that it needs and has not seen.
//!
//! Read `layout` for which ref keeps what, `program` for how git is run, `remote` for where to,
//! `repository` for what is asked of it, `plan` for what a commit writes, and `store` for the order.

mod bucket;
mod layout;
mod options;
mod plan;
mod program;
mod remote;
mod repository;
mod store;

pub use options::GitOptions;
pub use store::GitStore;
